//! The gear `image-qc`: signal-to-noise ratio of an image, and temporal signal-to-noise ratio and motion of a series.
//!
//! * The foreground is what lies above Otsu's threshold for the first volume.
//! * SNR: 0.655 times the mean of the foreground by the standard deviation of the background, whose noise follows
//!   Rayleigh's distribution in magnitude images. Null where the background is masked, so without noise.
//! * Temporal SNR: the median over the foreground of mean by standard deviation in time.
//! * Motion: how far the centre of mass of the foreground's intensities moves between volumes, in millimetres.

use anyhow::Context as _;
use serde_json::{Map, Value as Json, json};

use super::Gear;
use super::nifti::Nifti;

/// The classes of intensity in which the threshold is looked for.
const BINS: usize = 256;

/// What Rayleigh-distributed noise has for the standard deviation of the noise beneath it.
const RAYLEIGH: f64 = 0.655;

/// The tag of images that do not pass.
const TAG: &str = "qc-failed";

/// What was measured.
#[derive(Debug, Default, PartialEq)]
struct Measures {
    snr: Option<f64>,
    tsnr: Option<f64>,
    foreground: f64,
    /// Steps between volumes, in millimetres.
    steps: Vec<f64>,
    /// Mean intensity of the foreground of each volume.
    means: Vec<f64>,
}

/// Measures the input, describes it, and writes a table of its volumes.
///
/// # Errors
/// When it cannot be read.
pub(super) fn run(gear: &Gear) -> anyhow::Result<()> {
    let input = gear.input("image")?;
    let mut nifti = Nifti::open(&input.path).with_context(|| input.name.clone())?;
    let measures = measure(&mut nifti).with_context(|| input.name.clone())?;
    let number = |key: &str| gear.option(key).and_then(Json::as_f64);
    let checks = measures.checks(number("min_snr"), number("max_motion"));
    let failed = checks.values().any(|check| check["state"] == "FAIL");
    let mut qc = checks;
    qc.insert("job_info".into(), gear.job_info());
    let mut fields = Map::new();
    let mut results = measures.info();
    results["state"] = if failed { "FAIL" } else { "PASS" }.into();
    fields.insert("info".into(), json!({"image_qc": results, "qc": {gear.name(): qc}}));
    let known = input.document.get("tags").and_then(Json::as_array).cloned().unwrap_or_default();
    if failed && gear.flag("tag_failures") && !known.iter().any(|tag| tag == TAG) {
        let tags: Vec<Json> = known.into_iter().chain([TAG.into()]).collect();
        fields.insert("tags".into(), tags.into());
    }
    let stem = input.name.split('.').next().unwrap_or_default().to_owned();
    gear.output(&format!("{stem}_image-qc.json"), &measures.table())?;
    gear.describe(&input, fields)
}

impl Measures {
    fn motion(&self) -> Option<(f64, f64)> {
        let largest = self.steps.iter().copied().reduce(f64::max)?;
        Some((self.steps.iter().sum::<f64>() / self.steps.len() as f64, largest))
    }

    /// The numbers as the file's info.
    fn info(&self) -> Json {
        json!({
            "snr": self.snr.map(rounded),
            "tsnr": self.tsnr.map(rounded),
            "foreground_fraction": rounded(self.foreground),
            "volumes": self.means.len(),
            "motion_mean_mm": self.motion().map(|(mean, _)| rounded(mean)),
            "motion_max_mm": self.motion().map(|(_, largest)| rounded(largest)),
        })
    }

    /// What passes, by name; only what could be measured is judged.
    fn checks(&self, least: Option<f64>, most: Option<f64>) -> Map<String, Json> {
        let check = |value: f64, bound: f64, good: bool| json!({"state": if good { "PASS" } else { "FAIL" }, "data": {"value": rounded(value), "limit": bound}});
        let mut checks = Map::new();
        if let (Some(snr), Some(least)) = (self.snr, least) {
            checks.insert("snr".into(), check(snr, least, snr >= least));
        }
        if let (Some((_, largest)), Some(most)) = (self.motion(), most) {
            checks.insert("motion".into(), check(largest, most, largest <= most));
        }
        checks
    }

    /// Every volume with its mean and its step from the one before.
    fn table(&self) -> Json {
        let steps = std::iter::once(None).chain(self.steps.iter().copied().map(Some));
        let rows = self.means.iter().zip(steps).enumerate().map(
            |(at, (mean, step))| json!({"volume": at, "mean": rounded(*mean), "step_mm": step.map(rounded)}),
        );
        json!({"summary": self.info(), "volumes": rows.collect::<Vec<_>>()})
    }
}

/// To six significant digits: what is measured is no more exact.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let factor = 10_f64.powf(5.0 - value.abs().log10().floor());
    (value * factor).round() / factor
}

fn measure(nifti: &mut Nifti) -> anyhow::Result<Measures> {
    let Some(first) = nifti.next_volume()? else { return Ok(Measures::default()) };
    let threshold = otsu(&first);
    let foreground: Vec<usize> =
        (0..first.len()).filter(|&at| first.get(at).is_some_and(|v| *v > threshold)).collect();
    let mut measures = Measures {
        snr: snr(&first, threshold),
        foreground: foreground.len() as f64 / first.len().max(1) as f64,
        ..Measures::default()
    };
    let (shape, size) = (nifti.header.shape.clone(), nifti.header.millimetres());
    let mut time = vec![Moments::default(); foreground.len()];
    let (mut before, mut volume) = (None, Some(first));
    while let Some(voxels) = volume {
        let (centre, mean) = centre_of_mass(&voxels, threshold, &shape, size);
        measures.means.push(mean);
        if let (Some(before), Some(centre)) = (before, centre) {
            measures.steps.push(distance(before, centre));
        }
        before = centre.or(before);
        for (moments, at) in time.iter_mut().zip(&foreground) {
            moments.add(f64::from(voxels.get(*at).copied().unwrap_or(0.0)));
        }
        volume = nifti.next_volume()?;
    }
    if measures.means.len() > 1 {
        let mut ratios: Vec<f64> = time.iter().filter_map(Moments::ratio).collect();
        ratios.sort_by(f64::total_cmp);
        measures.tsnr = ratios.get(ratios.len() / 2).copied();
    }
    Ok(measures)
}

/// Mean and deviation of numbers that come one by one.
#[derive(Clone, Debug, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let off = value - self.mean;
        self.mean += off / self.count;
        self.squares += off * (value - self.mean);
    }

    fn deviation(&self) -> f64 {
        if self.count > 1.0 { (self.squares / (self.count - 1.0)).sqrt() } else { 0.0 }
    }

    fn ratio(&self) -> Option<f64> {
        let deviation = self.deviation();
        (deviation > 0.0).then(|| self.mean / deviation)
    }
}

/// The intensity that parts the voxels into two classes of least variance.
fn otsu(voxels: &[f32]) -> f32 {
    let finite = || voxels.iter().copied().filter(|value| value.is_finite());
    let (low, high) = finite().fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(v), high.max(v)));
    if low >= high {
        return low;
    }
    let width = (high - low) / BINS as f32;
    let mut counts = [0.0_f64; BINS];
    for value in finite() {
        let bin = (((value - low) / width) as usize).min(BINS - 1);
        counts[bin] += 1.0;
    }
    let total: f64 = counts.iter().sum();
    let weighted: f64 = counts.iter().enumerate().map(|(bin, count)| bin as f64 * count).sum();
    let (mut below, mut sum_below) = (0.0, 0.0);
    let mut best = (0.0, 0);
    for (bin, count) in counts.iter().enumerate() {
        below += count;
        sum_below += bin as f64 * count;
        let above = total - below;
        if below == 0.0 || above == 0.0 {
            continue;
        }
        let apart = sum_below / below - (weighted - sum_below) / above;
        let between = below * above * apart * apart;
        if between > best.0 {
            best = (between, bin);
        }
    }
    low + width * (best.1 + 1) as f32
}

fn snr(voxels: &[f32], threshold: f32) -> Option<f64> {
    let (mut inside, mut outside) = (Moments::default(), Moments::default());
    for value in voxels.iter().copied().filter(|value| value.is_finite()) {
        let moments = if value > threshold { &mut inside } else { &mut outside };
        moments.add(f64::from(value));
    }
    let noise = outside.deviation();
    (inside.count > 0.0 && noise > 0.0).then(|| RAYLEIGH * inside.mean / noise)
}

/// Where the intensities above the threshold have their centre, in millimetres, and their mean.
fn centre_of_mass(voxels: &[f32], threshold: f32, shape: &[u64], size: [f64; 3]) -> (Option<[f64; 3]>, f64) {
    let along = |axis: usize| shape.get(axis).map_or(1, |&size| size as usize).max(1);
    let (columns, rows) = (along(0), along(1));
    let (mut count, mut mass, mut sums) = (0.0, 0.0, [0.0; 3]);
    for (at, value) in voxels.iter().enumerate().filter(|(_, value)| **value > threshold && value.is_finite())
    {
        let weight = f64::from(*value);
        let place = [at % columns, at / columns % rows, at / columns / rows];
        (count, mass) = (count + 1.0, mass + weight);
        for ((sum, place), size) in sums.iter_mut().zip(place).zip(size) {
            *sum += weight * place as f64 * size;
        }
    }
    let centre = (mass > 0.0).then(|| sums.map(|sum| sum / mass));
    (centre, if count > 0.0 { mass / count } else { 0.0 })
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.into_iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{
        nifti,
        tests::{gear, said},
    };
    use super::*;
    use crate::demo::random::Random;
    use crate::demo::volume::{Contrast, Volume};

    const SHAPE: [i16; 4] = [20, 20, 20, 4];

    /// A bright ball in Rayleigh noise; from the third volume on it has moved by a voxel of two millimetres.
    fn series(noise: f64, moved: bool) -> Vec<u8> {
        let mut random = Random::seeded(3);
        let mut voxels = Vec::new();
        for time in 0..4 {
            for at in 0..8000_i32 {
                let (x, y, z) = (at % 20, at / 20 % 20, at / 400);
                let shift = i32::from(moved && time >= 2);
                let inside = (x - 9 - shift).pow(2) + (y - 9).pow(2) + (z - 9).pow(2) < 36;
                let signal = if inside { 1000.0 } else { 0.0 };
                let (real, imaginary) = (signal + noise * random.noise(), noise * random.noise());
                voxels.push(f64::hypot(real, imaginary).round() as i16);
            }
        }
        nifti::tests::file(&SHAPE, &[2.0, 2.0, 2.0, 1000.0], &voxels, true)
    }

    fn run_on(bytes: &[u8]) -> (Json, Json) {
        let config = json!({"min_snr": 10, "max_motion": 1.0, "tag_failures": true});
        let (folder, gear) = gear("image-qc", "image", "bold.nii", bytes, config);
        run(&gear).unwrap();
        let table = std::fs::read(folder.path().join("output/bold_image-qc.json")).unwrap();
        (said(folder.path()), serde_json::from_slice(&table).unwrap())
    }

    #[test]
    fn a_steady_image_passes_with_the_ratio_that_its_noise_gives() {
        let (said, table) = run_on(&series(10.0, false));
        let measured = &said["info"]["image_qc"];
        let near = |key: &str, wanted: f64, within: f64| {
            let value = measured[key].as_f64().unwrap();
            assert!((value - wanted).abs() < within, "{key}: {value}");
        };
        near("snr", 100.0, 10.0);
        near("tsnr", 113.0, 20.0);
        near("motion_max_mm", 0.0, 0.2);
        assert_eq!(measured["state"], "PASS");
        assert_eq!(said["info"]["qc"]["image-qc"]["snr"]["state"], "PASS");
        assert_eq!(said["info"]["qc"]["image-qc"]["job_info"]["job_id"], "7");
        assert_eq!((said.get("tags"), &said["info"]["mine"]["kept"]), (None, &json!(1)));
        assert_eq!(table["volumes"].as_array().unwrap().len(), 4);
    }

    #[test]
    fn noise_and_motion_fail_and_are_tagged() {
        let (said, _) = run_on(&series(150.0, false));
        assert_eq!(said["info"]["qc"]["image-qc"]["snr"]["state"], "FAIL");
        assert_eq!(said["tags"], json!(["qc-failed"]));
        let (said, table) = run_on(&series(10.0, true));
        assert_eq!(said["info"]["qc"]["image-qc"]["motion"]["state"], "FAIL");
        let steps: Vec<f64> = (1..4).map(|at| table["volumes"][at]["step_mm"].as_f64().unwrap()).collect();
        assert!(steps[1] > 1.0 && steps[0] < 0.3 && steps[2] < 0.3, "{steps:?}");
    }

    #[test]
    fn an_image_without_noise_around_it_has_no_ratio_and_fails_nothing() {
        let contrast = Contrast { white: 900.0, grey: 600.0, fluid: 200.0, noise: 0.0 };
        let volume = Volume::brain([12, 12, 8, 1], [2.0; 4], contrast, &mut Random::seeded(1));
        let bytes = nifti::tests::file(&[12, 12, 8], &[2.0; 3], &volume.voxels, true);
        let mut measures = None;
        let (folder, _) = gear("image-qc", "image", "t1.nii", &bytes, json!({}));
        let mut image = Nifti::open(&folder.path().join("input/image/t1.nii")).unwrap();
        measures.replace(measure(&mut image).unwrap());
        let measures = measures.unwrap();
        assert_eq!((measures.tsnr, measures.steps.len()), (None, 0));
        assert!(measures.checks(None, Some(1.0)).is_empty());
        assert!((0.1..0.9).contains(&measures.foreground), "{}", measures.foreground);
    }

    #[test]
    fn numbers_are_told_to_six_digits() {
        assert_eq!(
            [rounded(123.456_789), rounded(0.000_123_456_78), rounded(0.0)],
            [123.457, 0.000_123_457, 0.0]
        );
    }
}
