//! The bytes of made-up files: a handful of small, well-formed ones of different sizes, which any number of files share.

use std::io::{self, Write};

use flate2::{Compression, write::GzEncoder};
use rand::{RngExt, rngs::StdRng};
use serde_json::json;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::blobs::{BlobStore, Stored};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A zip of one DICOM object.
    Dicom,
    /// A compressed NIfTI volume.
    Nifti,
    /// What a converter notes beside a volume.
    Sidecar,
    /// Diffusion weights.
    Weights,
}

/// How many of each there are.
const VARIANTS: usize = 8;

/// The blobs by what they are.
pub(super) struct Shelf {
    dicom: Vec<Stored>,
    nifti: Vec<Stored>,
    sidecar: Vec<Stored>,
    weights: Vec<Stored>,
}

impl Shelf {
    /// Stores the blobs.
    pub(super) async fn fill(blobs: &BlobStore, rng: &mut StdRng) -> io::Result<Self> {
        let mut shelf =
            Self { dicom: Vec::new(), nifti: Vec::new(), sidecar: Vec::new(), weights: Vec::new() };
        for variant in 0..VARIANTS {
            let side = 4 << (variant / 2);
            shelf.dicom.push(store(blobs, dicom(side, rng)?).await?);
            shelf.nifti.push(store(blobs, nifti(side, rng)?).await?);
            shelf.sidecar.push(store(blobs, sidecar(variant)).await?);
            shelf.weights.push(store(blobs, weights(variant)).await?);
        }
        Ok(shelf)
    }

    /// One of a sort.
    pub(super) fn pick(&self, content: Content, rng: &mut StdRng) -> Option<&Stored> {
        let blobs = match content {
            Content::Dicom => &self.dicom,
            Content::Nifti => &self.nifti,
            Content::Sidecar => &self.sidecar,
            Content::Weights => &self.weights,
        };
        blobs.get(rng.random_range(0..VARIANTS))
    }
}

async fn store(blobs: &BlobStore, bytes: Vec<u8>) -> io::Result<Stored> {
    let mut upload = blobs.upload();
    upload.write(bytes.into()).await?;
    upload.finish().await
}

fn noise(count: usize, rng: &mut StdRng) -> Vec<u8> {
    (0..count).flat_map(|_| rng.random_range(0..1000_i16).to_le_bytes()).collect()
}

/// A cube of 16-bit numbers with the header of NIfTI-1.
fn nifti(side: usize, rng: &mut StdRng) -> io::Result<Vec<u8>> {
    let extent = i16::try_from(side).unwrap_or(i16::MAX).to_le_bytes();
    let mut volume = vec![0; 352];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(field) = volume.get_mut(at..at + bytes.len()) {
            field.copy_from_slice(bytes);
        }
    };
    put(0, &348_i32.to_le_bytes());
    put(40, &3_i16.to_le_bytes());
    [42, 44, 46].into_iter().for_each(|at| put(at, &extent));
    put(70, &4_i16.to_le_bytes());
    put(72, &16_i16.to_le_bytes());
    [80, 84, 88].into_iter().for_each(|at| put(at, &1_f32.to_le_bytes()));
    put(108, &352_f32.to_le_bytes());
    put(344, b"n+1\0");
    volume.extend(noise(side.pow(3), rng));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&volume)?;
    encoder.finish()
}

/// A zip of one image in explicit little endian.
fn dicom(side: usize, rng: &mut StdRng) -> io::Result<Vec<u8>> {
    let extent = u16::try_from(side).unwrap_or(u16::MAX).to_le_bytes();
    let syntax = element(2, 0x10, b"UI", b"1.2.840.10008.1.2.1\0");
    let length = u32::try_from(syntax.len()).unwrap_or_default().to_le_bytes();
    let mut object = vec![0; 128];
    object.extend(b"DICM");
    for part in [
        element(2, 0, b"UL", &length),
        syntax,
        element(8, 0x16, b"UI", b"1.2.840.10008.5.1.4.1.1.4\0"),
        element(8, 0x60, b"CS", b"MR"),
        element(0x28, 0x10, b"US", &extent),
        element(0x28, 0x11, b"US", &extent),
        element(0x28, 0x100, b"US", &16_u16.to_le_bytes()),
        element(0x7fe0, 0x10, b"OW", &noise(side.pow(2), rng)),
    ] {
        object.extend(part);
    }
    let mut archive = ZipWriter::new(io::Cursor::new(Vec::new()));
    archive.start_file("0001.dcm", SimpleFileOptions::default())?;
    archive.write_all(&object)?;
    Ok(archive.finish()?.into_inner())
}

fn element(group: u16, number: u16, kind: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), number.to_le_bytes()].concat();
    bytes.extend(kind);
    if kind == b"OW" {
        bytes.extend([0, 0]);
        bytes.extend(u32::try_from(value.len()).unwrap_or_default().to_le_bytes());
    } else {
        bytes.extend(u16::try_from(value.len()).unwrap_or_default().to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

fn sidecar(variant: usize) -> Vec<u8> {
    let echo = 0.002 + variant as f64 * 0.004;
    json!({"EchoTime": echo, "ConversionSoftware": "made up", "SliceCount": 32 + variant})
        .to_string()
        .into_bytes()
}

fn weights(variant: usize) -> Vec<u8> {
    let values: Vec<&str> = std::iter::once("0").chain(std::iter::repeat_n("1000", 6 + variant)).collect();
    (values.join(" ") + "\n").into_bytes()
}
