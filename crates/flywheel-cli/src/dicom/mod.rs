//! From a folder of DICOM files to containers: read, group, classify, pack.
//!
//! [`scan`] walks a folder (and the archives in it) and reads every header it can; [`plan`] turns what was found into
//! subjects, sessions and acquisitions; [`pack`] writes the one archive of a series. Nothing here talks to a site.

pub(crate) mod charset;
pub(crate) mod classify;
mod facts;
pub(crate) mod header;
pub(crate) mod info;
pub(crate) mod pack;
pub(crate) mod plan;
pub(crate) mod scan;
#[cfg(test)]
mod shared_tests;
pub(crate) mod source;
pub(crate) mod value;
