//! The demonstration's own study, as a folder of files that a scanner and two pipelines might have left behind.
//!
//! Everything follows from the seed, down to the bytes. Two subjects lack an acquisition and three scans are of poor
//! quality, so that the reports have something to find.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use serde_json::{Value as Json, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::random::Random;
use super::series::{self, Protocol};
use super::subjects::{self, Row};
use super::volume::{Contrast, Volume};

/// Where the made-up scanner stands.
pub(crate) const ZONE: Tz = chrono_tz::America::Chicago;
/// The label of the one session of each subject.
pub(crate) const SESSION: &str = "Session1";
/// The member that a report reads out of every archive of segmentation results.
pub(crate) const STATISTICS: &str = "/stats/aseg.stats";

/// An acquisition of the protocol and the files it has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan {
    pub(crate) label: &'static str,
    pub(crate) intent: &'static str,
    pub(crate) measurement: &'static [&'static str],
    pub(crate) features: &'static [&'static str],
    shape: [usize; 4],
    spacing: [f32; 4],
    contrast: Contrast,
    dicom: Option<Protocol>,
    quality: Option<Quality>,
    /// Index of the subject that lacks this acquisition.
    missing: Option<usize>,
}

/// Which measures the quality pipeline gives.
#[derive(Clone, Copy, Debug)]
enum Quality {
    Anatomical,
    Functional,
}

const fn protocol(
    number: usize,
    description: &'static str,
    scanning_sequence: &'static str,
    acquisition_type: &'static str,
    echo_time: f64,
    repetition_time: f64,
) -> Option<Protocol> {
    Some(Protocol { number, description, scanning_sequence, acquisition_type, echo_time, repetition_time })
}

/// The protocol every subject should have been scanned with.
pub(crate) const SCANS: &[Scan] = &[
    Scan {
        label: "Localizer",
        intent: "Localizer",
        measurement: &[],
        features: &[],
        shape: [32, 32, 3, 1],
        spacing: [6.0, 6.0, 10.0, 1.0],
        contrast: Contrast { white: 500.0, grey: 450.0, fluid: 300.0, noise: 20.0 },
        dicom: protocol(1, "Localizer", "GR", "2D", 5.0, 20.0),
        quality: None,
        missing: None,
    },
    Scan {
        label: "Struct_T1",
        intent: "Structural",
        measurement: &["T1"],
        features: &["MPRAGE"],
        shape: [48, 48, 12, 1],
        spacing: [4.0, 4.0, 4.0, 1.0],
        contrast: Contrast { white: 900.0, grey: 600.0, fluid: 200.0, noise: 12.0 },
        dicom: protocol(2, "Struct_T1 MPRAGE", "GR\\IR", "3D", 2.98, 2300.0),
        quality: Some(Quality::Anatomical),
        missing: None,
    },
    Scan {
        label: "inplaneT2",
        intent: "Structural",
        measurement: &["T2"],
        features: &["In-Plane"],
        shape: [48, 48, 8, 1],
        spacing: [4.0, 4.0, 5.0, 1.0],
        contrast: Contrast { white: 400.0, grey: 550.0, fluid: 1000.0, noise: 15.0 },
        dicom: protocol(3, "inplaneT2", "SE", "2D", 102.0, 5000.0),
        quality: None,
        missing: Some(4),
    },
    Scan {
        label: "task-rest_bold_SBRef",
        intent: "Functional",
        measurement: &["T2*", "BOLD"],
        features: &["SBRef"],
        shape: [24, 24, 10, 1],
        spacing: [8.0, 8.0, 8.0, 1.0],
        contrast: Contrast { white: 700.0, grey: 760.0, fluid: 900.0, noise: 10.0 },
        dicom: None,
        quality: None,
        missing: None,
    },
    Scan {
        label: "task-rest_bold",
        intent: "Functional",
        measurement: &["T2*", "BOLD"],
        features: &["Resting-State"],
        shape: [24, 24, 10, 12],
        spacing: [8.0, 8.0, 8.0, 2.0],
        contrast: Contrast { white: 700.0, grey: 760.0, fluid: 900.0, noise: 25.0 },
        dicom: None,
        quality: Some(Quality::Functional),
        missing: Some(8),
    },
];

/// A study on disk.
#[derive(Debug)]
pub(crate) struct Dataset {
    folder: PathBuf,
}

impl Dataset {
    /// Writes the study of `count` subjects into `folder`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn write(folder: &Path, count: usize, seed: u64) -> anyhow::Result<Self> {
        let dataset = Self { folder: folder.to_owned() };
        for part in ["dicom", "nifti", "quality", "segmentation"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let mut random = Random::seeded(seed);
        let rows = subjects::invent(count, &mut random);
        subjects::write(&rows, File::create(dataset.table())?)?;
        for (index, row) in rows.iter().enumerate() {
            for scan in SCANS.iter().filter(|scan| scan.missing != Some(index)) {
                dataset.write_scan(row, index, scan, &mut random)?;
            }
            fs::write(dataset.segmentation(&row.id), segmentation(&row.id, &mut random)?)?;
        }
        Ok(dataset)
    }

    fn write_scan(&self, row: &Row, index: usize, scan: &Scan, random: &mut Random) -> anyhow::Result<()> {
        let volume = Volume::brain(scan.shape, scan.spacing, scan.contrast, random);
        if let Some(protocol) = &scan.dicom {
            series::write(&self.dicom().join(&row.id).join(scan.label), row, index, ZONE, protocol, &volume)?;
        }
        if scan.intent != "Localizer" {
            fs::write(self.nifti(&row.id, scan.label), volume.nifti_gz(scan.label)?)?;
        }
        if let Some(quality) = scan.quality {
            let measures = serde_json::to_vec_pretty(&measures(quality, index, random))?;
            fs::write(self.quality(&row.id, scan.label), measures)?;
        }
        Ok(())
    }

    /// The table of subjects.
    pub(crate) fn table(&self) -> PathBuf {
        self.folder.join("subjects.csv")
    }

    /// The folder of all DICOM files.
    pub(crate) fn dicom(&self) -> PathBuf {
        self.folder.join("dicom")
    }

    /// The volume of an acquisition. There is none where the acquisition is missing.
    pub(crate) fn nifti(&self, subject: &str, acquisition: &str) -> PathBuf {
        self.folder.join("nifti").join(format!("{subject}_{acquisition}.nii.gz"))
    }

    /// The quality measures of an acquisition.
    pub(crate) fn quality(&self, subject: &str, acquisition: &str) -> PathBuf {
        self.folder.join("quality").join(format!("{subject}_{acquisition}_mriqc.qa.json"))
    }

    /// The archive of a subject's segmentation results.
    pub(crate) fn segmentation(&self, subject: &str) -> PathBuf {
        self.folder.join("segmentation").join(format!("freesurfer_{subject}.zip"))
    }
}

fn measures(quality: Quality, index: usize, random: &mut Random) -> Json {
    let rounded = |value: f64| (value * 100.0).round() / 100.0;
    match quality {
        Quality::Anatomical => {
            let snr = if index == 5 { 4.9 } else { random.between(8.0, 14.0) };
            json!({ "snr_total": rounded(snr), "cjv": rounded(random.between(0.3, 0.5)) })
        }
        Quality::Functional => {
            let snr = if index == 7 { 0.8 } else { random.between(3.0, 7.0) };
            let displacement = if index == 3 { 3.1 } else { random.between(0.1, 0.6) };
            json!({ "snr": rounded(snr), "fd_mean": rounded(displacement), "tsnr": rounded(random.between(30.0, 60.0)) })
        }
    }
}

/// An archive as a segmentation pipeline leaves it, one folder deep in the subject's name.
fn segmentation(subject: &str, random: &mut Random) -> anyhow::Result<Vec<u8>> {
    let volumes = [
        ("Left-Hippocampus", 3900.0),
        ("Right-Hippocampus", 4000.0),
        ("Left-Amygdala", 1500.0),
        ("Brain-Stem", 21000.0),
    ];
    let mut table = format!(
        "# Title Segmentation Statistics\n# subjectname {subject}\n# ColHeaders Index SegId NVoxels Volume_mm3 StructName\n"
    );
    for (number, (name, mean)) in volumes.into_iter().enumerate() {
        let volume = mean * random.between(0.85, 1.15);
        table.push_str(&format!("{:3} {:3} {:7.0} {volume:9.1} {name}\n", number + 1, number + 17, volume));
    }
    let log = format!("recon-all -s {subject} finished without error\n");
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    for (name, text) in [("scripts/recon-all.log", &log), ("stats/aseg.stats", &table)] {
        writer.start_file(format!("{subject}/{name}"), options)?;
        writer.write_all(text.as_bytes())?;
    }
    Ok(writer.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;
    use crate::dicom::scan::scan;

    fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let files =
            walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file());
        files
            .map(|e| (e.path().strip_prefix(folder).unwrap().to_owned(), fs::read(e.path()).unwrap()))
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_files() {
        let [a, b] = [1, 1].map(|seed| {
            let folder = tempfile::tempdir().unwrap();
            Dataset::write(folder.path(), 2, seed).unwrap();
            files(folder.path())
        });
        assert_eq!(a, b);
        assert_eq!(a.len(), 1 + 2 * (3 + 12 + 8 + 4 + 2 + 1));
    }

    #[test]
    fn its_series_read_as_what_the_protocol_says() {
        let folder = tempfile::tempdir().unwrap();
        let dataset = Dataset::write(folder.path(), 1, 1).unwrap();
        let plan = scan(&dataset.dicom(), 1, &|_, _| {}).plan(chrono_tz::UTC);
        assert_eq!((plan.skipped.len(), plan.notes.len(), plan.subjects.len()), (0, 0, 1));
        let session = &plan.subjects[0].sessions[0];
        assert!(session.timestamp.unwrap().to_rfc3339().ends_with("-05:00"));
        for (acquisition, scan) in
            session.acquisitions.iter().zip(SCANS.iter().filter(|scan| scan.dicom.is_some()))
        {
            assert!(acquisition.label.contains(scan.label), "{}", acquisition.label);
            assert_eq!(acquisition.file.classification["Intent"], [scan.intent]);
            assert_eq!(acquisition.file.members.len(), scan.shape[2]);
            let expected = (!scan.measurement.is_empty())
                .then(|| scan.measurement.iter().map(ToString::to_string).collect());
            assert_eq!(acquisition.file.classification.get("Measurement").cloned(), expected);
        }
    }

    #[test]
    fn what_is_missing_and_bad_is_where_the_reports_will_find_it() {
        let folder = tempfile::tempdir().unwrap();
        let dataset = Dataset::write(folder.path(), 9, 1).unwrap();
        assert!(
            !dataset.nifti("sub-05", "inplaneT2").exists()
                && !dataset.nifti("sub-09", "task-rest_bold").exists()
        );
        let read = |subject, scan| -> Json {
            serde_json::from_slice(&fs::read(dataset.quality(subject, scan)).unwrap()).unwrap()
        };
        assert_eq!(read("sub-04", "task-rest_bold")["fd_mean"], 3.1);
        assert_eq!(read("sub-08", "task-rest_bold")["snr"], 0.8);
        assert_eq!(read("sub-06", "Struct_T1")["snr_total"], 4.9);
    }
}
