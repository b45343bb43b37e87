//! NIfTI-1 and NIfTI-2 files, plain or compressed with gzip: the header, and the voxels volume by volume.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde_json::{Value as Json, json};

/// The most voxels of one volume that are read into memory.
const LARGEST: u64 = 1 << 28;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum NiftiError {
    #[error("it is no NIfTI file: the header has neither of the two known lengths")]
    NotNifti,
    #[error("its header says {0}")]
    Header(String),
    #[error("its voxels are of type {0}, which is not a plain number")]
    Type(i16),
    #[error("it ends before its voxels do, or cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// What the header says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    version: u8,
    little: bool,
    /// Voxels along each axis.
    pub(super) shape: Vec<u64>,
    /// Distances along each axis, in the units of the file.
    spacing: Vec<f64>,
    datatype: i16,
    offset: u64,
    slope: f64,
    intercept: f64,
    units: u8,
    description: String,
    qform: i32,
    sform: i32,
}

/// Where the fields of a version of the format stand.
struct Layout {
    length: usize,
    wide: bool,
    dim: usize,
    datatype: usize,
    pixdim: usize,
    offset: usize,
    slope: usize,
    units: usize,
    description: usize,
    qform: usize,
}

const FIRST: Layout = Layout {
    length: 348,
    wide: false,
    dim: 40,
    datatype: 70,
    pixdim: 76,
    offset: 108,
    slope: 112,
    units: 123,
    description: 148,
    qform: 252,
};

const SECOND: Layout = Layout {
    length: 540,
    wide: true,
    dim: 16,
    datatype: 12,
    pixdim: 104,
    offset: 168,
    slope: 176,
    units: 500,
    description: 240,
    qform: 344,
};

/// The bytes of a header with their order.
struct Fields<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl Fields<'_> {
    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut array = [0; N];
        if let Some(bytes) = self.bytes.get(at..at + N) {
            array.copy_from_slice(bytes);
        }
        if !self.little {
            array.reverse();
        }
        array
    }

    fn i16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.array(at))
    }

    fn i32(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.array(at))
    }

    fn i64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.array(at))
    }

    fn f32(&self, at: usize) -> f64 {
        f64::from(f32::from_le_bytes(self.array(at)))
    }

    fn f64(&self, at: usize) -> f64 {
        f64::from_le_bytes(self.array(at))
    }
}

impl Header {
    fn parse(bytes: &[u8], little: bool, version: u8) -> Result<Self, NiftiError> {
        let layout = if version == 2 { SECOND } else { FIRST };
        let fields = Fields { bytes, little };
        let dim = |index: usize| match layout.wide {
            true => fields.i64(layout.dim + 8 * index),
            false => i64::from(fields.i16(layout.dim + 2 * index)),
        };
        let float = |at: usize, index: usize| match layout.wide {
            true => fields.f64(at + 8 * index),
            false => fields.f32(at + 4 * index),
        };
        let axes = usize::try_from(dim(0)).ok().filter(|axes| (1..=7).contains(axes));
        let axes = axes.ok_or_else(|| NiftiError::Header(format!("that it has {} axes", dim(0))))?;
        let shape: Option<Vec<u64>> =
            (1..=axes).map(|axis| u64::try_from(dim(axis)).ok().filter(|size| *size > 0)).collect();
        let shape = shape.ok_or_else(|| NiftiError::Header("that an axis has no voxels".to_owned()))?;
        let offset = match layout.wide {
            true => u64::try_from(fields.i64(layout.offset)).unwrap_or(0),
            false => fields.f32(layout.offset).max(0.0) as u64,
        };
        let code = |index: usize| match layout.wide {
            true => fields.i32(layout.qform + 4 * index),
            false => i32::from(fields.i16(layout.qform + 2 * index)),
        };
        let text = bytes.get(layout.description..layout.description + 80).unwrap_or_default();
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let slope = float(layout.slope, 0);
        Ok(Self {
            version,
            little,
            spacing: (1..=axes).map(|axis| float(layout.pixdim, axis)).collect(),
            shape,
            datatype: fields.i16(layout.datatype),
            offset: offset.max(layout.length as u64),
            slope: if slope.is_finite() && slope != 0.0 { slope } else { 1.0 },
            intercept: Some(float(layout.slope, 1)).filter(|value| value.is_finite()).unwrap_or(0.0),
            units: bytes.get(layout.units).copied().unwrap_or(0),
            description: String::from_utf8_lossy(text).trim().to_owned(),
            qform: code(0),
            sform: code(1),
        })
    }

    /// Voxels of one volume.
    pub(super) fn volume(&self) -> u64 {
        self.shape.iter().take(3).product()
    }

    /// How many volumes.
    pub(super) fn volumes(&self) -> u64 {
        self.shape.iter().skip(3).product()
    }

    /// Distances along the first three axes in millimetres.
    pub(super) fn millimetres(&self) -> [f64; 3] {
        let unit = match self.units & 7 {
            1 => 1000.0,
            3 => 0.001,
            _ => 1.0,
        };
        let along = |axis: usize| {
            let spacing = self.spacing.get(axis).copied().unwrap_or(1.0).abs() * unit;
            if spacing.is_finite() && spacing > 0.0 { spacing } else { 1.0 }
        };
        [along(0), along(1), along(2)]
    }

    /// The time between volumes in seconds, where there is more than one and the header tells.
    pub(super) fn repetition_time(&self) -> Option<f64> {
        let unit = match self.units & 56 {
            16 => 1e-3,
            24 => 1e-6,
            _ => 1.0,
        };
        let time = self.spacing.get(3)? * unit;
        (self.volumes() > 1 && time.is_finite() && time > 0.0).then_some(time)
    }

    /// The fields as free metadata.
    pub(super) fn info(&self) -> Json {
        json!({
            "version": self.version,
            "byte_order": if self.little { "little" } else { "big" },
            "shape": self.shape,
            "voxel_size_mm": self.millimetres(),
            "repetition_time_s": self.repetition_time(),
            "datatype": type_name(self.datatype),
            "scl_slope": self.slope,
            "scl_inter": self.intercept,
            "descrip": self.description,
            "qform_code": self.qform,
            "sform_code": self.sform,
        })
    }
}

fn type_name(code: i16) -> String {
    let name = match code {
        2 => "uint8",
        4 => "int16",
        8 => "int32",
        16 => "float32",
        32 => "complex64",
        64 => "float64",
        128 => "rgb24",
        256 => "int8",
        512 => "uint16",
        768 => "uint32",
        1024 => "int64",
        1280 => "uint64",
        other => return format!("code {other}"),
    };
    name.to_owned()
}

/// A file whose header was read.
pub(super) struct Nifti {
    pub(super) header: Header,
    voxels: Box<dyn Read>,
    left: u64,
    buffer: Vec<u8>,
}

impl Nifti {
    /// Opens a file.
    ///
    /// # Errors
    /// When it is none, or cannot be read.
    pub(super) fn open(path: &Path) -> Result<Self, NiftiError> {
        let mut magic = [0; 2];
        let gzip = File::open(path)?.read(&mut magic)? == 2 && magic == [0x1f, 0x8b];
        let file = BufReader::with_capacity(1 << 18, File::open(path)?);
        match gzip {
            true => Self::read(Box::new(MultiGzDecoder::new(file))),
            false => Self::read(Box::new(file)),
        }
    }

    fn read(mut from: Box<dyn Read>) -> Result<Self, NiftiError> {
        let mut bytes = vec![0; 4];
        from.read_exact(&mut bytes).map_err(|_| NiftiError::NotNifti)?;
        let size = |little: bool| Fields { bytes: &bytes, little }.i32(0);
        let (little, version) = match (size(true), size(false)) {
            (348, _) => (true, 1),
            (540, _) => (true, 2),
            (_, 348) => (false, 1),
            (_, 540) => (false, 2),
            _ => return Err(NiftiError::NotNifti),
        };
        let length = if version == 2 { SECOND.length } else { FIRST.length };
        bytes.resize(length, 0);
        let rest = bytes.get_mut(4..).unwrap_or_default();
        from.read_exact(rest)?;
        let header = Header::parse(&bytes, little, version)?;
        io::copy(&mut (&mut from).take(header.offset.saturating_sub(length as u64)), &mut io::sink())?;
        let left = header.volumes();
        Ok(Self { header, voxels: from, left, buffer: Vec::new() })
    }

    /// The next volume, scaled; none after the last.
    ///
    /// # Errors
    /// When the voxels are no plain numbers, too many, or cut short.
    pub(super) fn next_volume(&mut self) -> Result<Option<Vec<f32>>, NiftiError> {
        if self.left == 0 {
            return Ok(None);
        }
        let width: usize = match self.header.datatype {
            2 | 256 => 1,
            4 | 512 => 2,
            8 | 16 | 768 => 4,
            64 | 1024 | 1280 => 8,
            other => return Err(NiftiError::Type(other)),
        };
        let count = self.header.volume();
        if count > LARGEST {
            return Err(NiftiError::Header(format!("that a volume has {count} voxels, more than {LARGEST}")));
        }
        self.buffer.resize(count as usize * width, 0);
        self.voxels.read_exact(&mut self.buffer)?;
        self.left -= 1;
        let (kind, little) = (self.header.datatype, self.header.little);
        let (slope, intercept) = (self.header.slope, self.header.intercept);
        let scale = |bytes: &[u8]| {
            let fields = Fields { bytes, little };
            let value = match kind {
                2 => f64::from(fields.array::<1>(0)[0]),
                256 => f64::from(i8::from_le_bytes(fields.array(0))),
                4 => f64::from(fields.i16(0)),
                512 => f64::from(u16::from_le_bytes(fields.array(0))),
                8 => f64::from(fields.i32(0)),
                768 => f64::from(u32::from_le_bytes(fields.array(0))),
                16 => fields.f32(0),
                64 => fields.f64(0),
                1024 => fields.i64(0) as f64,
                _ => u64::from_le_bytes(fields.array(0)) as f64,
            };
            (value * slope + intercept) as f32
        };
        Ok(Some(self.buffer.chunks_exact(width).map(scale).collect()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    /// A NIfTI-1 file of 16-bit voxels in either byte order.
    pub(crate) fn file(shape: &[i16], spacing: &[f32], voxels: &[i16], little: bool) -> Vec<u8> {
        let mut bytes = vec![0_u8; 352];
        let mut put = |at: usize, raw: &[u8]| {
            let mut raw = raw.to_vec();
            if !little {
                raw.reverse();
            }
            bytes[at..at + raw.len()].copy_from_slice(&raw);
        };
        put(0, &348_i32.to_le_bytes());
        put(40, &(shape.len() as i16).to_le_bytes());
        for (axis, size) in shape.iter().enumerate() {
            put(42 + 2 * axis, &size.to_le_bytes());
            put(80 + 4 * axis, &spacing[axis].to_le_bytes());
        }
        put(70, &4_i16.to_le_bytes());
        put(108, &352_f32.to_le_bytes());
        put(112, &2_f32.to_le_bytes());
        put(116, &1_f32.to_le_bytes());
        put(123, &[2 | 16]);
        for voxel in voxels {
            let mut raw = voxel.to_le_bytes();
            if !little {
                raw.reverse();
            }
            bytes.extend_from_slice(&raw);
        }
        bytes
    }

    fn open(bytes: &[u8]) -> Result<Nifti, NiftiError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Nifti::open(file.path())
    }

    #[test]
    fn both_byte_orders_and_gzip_give_the_same_numbers() {
        let voxels = [1, -2, 3, 4, 5, 6, 7, 8];
        let make = |little| file(&[2, 2, 1, 2], &[2.0, 3.0, 4.0, 1500.0], &voxels, little);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&make(true)).unwrap();
        for bytes in [make(true), make(false), gzip.finish().unwrap()] {
            let mut nifti = open(&bytes).unwrap();
            assert_eq!(nifti.header.shape, [2, 2, 1, 2]);
            assert_eq!(nifti.header.millimetres(), [2.0, 3.0, 4.0]);
            assert_eq!(nifti.header.repetition_time(), Some(1.5));
            assert_eq!(nifti.next_volume().unwrap().unwrap(), [3.0, -3.0, 7.0, 9.0]);
            assert_eq!(nifti.next_volume().unwrap().unwrap(), [11.0, 13.0, 15.0, 17.0]);
            assert!(nifti.next_volume().unwrap().is_none());
        }
    }

    #[test]
    fn what_is_no_image_or_cut_short_is_refused_with_the_reason() {
        assert!(matches!(open(b"hello world"), Err(NiftiError::NotNifti)));
        assert!(matches!(open(b""), Err(NiftiError::NotNifti)));
        let whole = file(&[2, 2, 2], &[1.0; 3], &[0; 8], true);
        assert!(open(&whole[..200]).is_err());
        assert!(open(&whole[..360]).unwrap().next_volume().is_err());
        assert!(matches!(open(&file(&[2, 0, 2], &[1.0; 3], &[], true)), Err(NiftiError::Header(_))));
        let huge = file(&[32000, 32000, 32000], &[1.0; 3], &[], true);
        assert!(matches!(open(&huge).unwrap().next_volume(), Err(NiftiError::Header(_))));
    }
}
