//! The demonstration: a study made on the spot, or a folder of DICOM files, on a local site.

pub(crate) mod dataset;
pub(crate) mod random;
mod series;
pub(crate) mod subjects;
mod volume;
