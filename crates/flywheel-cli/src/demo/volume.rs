//! Synthetic brains: nested ellipsoids with noise, as slices for DICOM and as volumes in NIfTI-1 files.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};

use super::random::Random;

/// NIfTI-1: header, then four bytes that say there are no extensions.
const HEADER: usize = 348;
const DATA_OFFSET: usize = 352;
const INT16: i16 = 4;
/// Units: millimetres and seconds.
const UNITS: u8 = 2 | 8;

/// Signed 16-bit voxels, the first axis fastest.
#[derive(Clone, Debug)]
pub(crate) struct Volume {
    /// Columns, rows, slices, time points.
    pub(crate) shape: [usize; 4],
    /// Millimetres, and seconds for the last.
    pub(crate) spacing: [f32; 4],
    pub(crate) voxels: Vec<i16>,
}

/// How tissues look in an image. Arbitrary units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contrast {
    pub(crate) white: f64,
    pub(crate) grey: f64,
    pub(crate) fluid: f64,
    pub(crate) noise: f64,
}

impl Volume {
    pub(crate) fn brain(
        shape: [usize; 4],
        spacing: [f32; 4],
        contrast: Contrast,
        random: &mut Random,
    ) -> Self {
        let [columns, rows, slices, times] = shape;
        let centred = |index: usize, count: usize| (index as f64 + 0.5) / count as f64 * 2.0 - 1.0;
        let mut voxels = Vec::with_capacity(shape.iter().product());
        for time in 0..times {
            let drift = 1.0 + 0.01 * (time as f64).sin();
            for z in 0..slices {
                for y in 0..rows {
                    for x in 0..columns {
                        let (x, y, z) =
                            (centred(x, columns) / 0.8, centred(y, rows) / 0.9, centred(z, slices) / 1.2);
                        let radius = (x * x + y * y + z * z).sqrt();
                        let signal = match radius {
                            r if r < 0.25 => contrast.fluid,
                            r if r < 0.7 => contrast.white,
                            r if r < 0.95 => contrast.grey,
                            _ => 0.0,
                        };
                        voxels.push(
                            (signal * drift + contrast.noise * random.noise()).clamp(0.0, 4095.0) as i16
                        );
                    }
                }
            }
        }
        Self { shape, spacing, voxels }
    }

    /// The voxels of one slice of the first time point.
    pub(crate) fn slice(&self, index: usize) -> &[i16] {
        let size = self.shape[0] * self.shape[1];
        self.voxels.get(index * size..(index + 1) * size).unwrap_or_default()
    }

    /// The bytes of a `.nii.gz` file.
    ///
    /// # Errors
    /// Compression failed.
    pub(crate) fn nifti_gz(&self, description: &str) -> io::Result<Vec<u8>> {
        let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::fast());
        writer.write_all(&self.nifti_header(description))?;
        let voxels: Vec<u8> = self.voxels.iter().flat_map(|voxel| voxel.to_le_bytes()).collect();
        writer.write_all(&voxels)?;
        writer.finish()
    }

    fn nifti_header(&self, description: &str) -> [u8; DATA_OFFSET] {
        let mut header = [0; DATA_OFFSET];
        let mut put =
            |offset: usize, bytes: &[u8]| header[offset..offset + bytes.len()].copy_from_slice(bytes);
        let float = |value: f32| value.to_le_bytes();
        put(0, &(HEADER as i32).to_le_bytes());
        let dimensions = if self.shape[3] > 1 { 4 } else { 3 };
        put(40, &(dimensions as i16).to_le_bytes());
        for axis in 0..7 {
            let size = self.shape.get(axis).copied().unwrap_or(1);
            put(42 + axis * 2, &(size as i16).to_le_bytes());
            put(80 + axis * 4, &float(self.spacing.get(axis).copied().unwrap_or(1.0)));
        }
        put(70, &INT16.to_le_bytes());
        put(72, &16i16.to_le_bytes());
        put(76, &float(1.0));
        put(108, &float(DATA_OFFSET as f32));
        put(112, &float(1.0));
        put(123, &[UNITS]);
        put(148, description.as_bytes().get(..79).unwrap_or(description.as_bytes()));
        put(254, &1i16.to_le_bytes());
        for axis in 0..3 {
            put(280 + axis * 20, &float(self.spacing[axis]));
        }
        put(344, b"n+1\0");
        header
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Read;

    use super::*;

    const CONTRAST: Contrast = Contrast { white: 900.0, grey: 600.0, fluid: 200.0, noise: 10.0 };

    #[test]
    fn a_nifti_file_has_the_header_its_voxels_need() {
        let volume = Volume::brain([8, 10, 4, 3], [3.0, 3.0, 4.0, 2.0], CONTRAST, &mut Random::seeded(1));
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(&volume.nifti_gz("demo").unwrap()[..]).read_to_end(&mut bytes).unwrap();
        let short = |at: usize| i16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
        let float = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!(i32::from_le_bytes(bytes[..4].try_into().unwrap()), 348);
        assert_eq!((0..5).map(|i| short(40 + 2 * i)).collect::<Vec<_>>(), [4, 8, 10, 4, 3]);
        assert_eq!((short(70), short(72), float(108), &bytes[344..348]), (4, 16, 352.0, &b"n+1\0"[..]));
        assert_eq!(bytes.len(), 352 + 2 * 8 * 10 * 4 * 3);
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let make = |seed| {
            let volume = Volume::brain([8, 8, 4, 1], [1.0; 4], CONTRAST, &mut Random::seeded(seed));
            volume.nifti_gz("demo").unwrap()
        };
        assert_eq!(make(5), make(5));
        assert_ne!(make(5), make(6));
    }
}
