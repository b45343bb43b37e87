//! The demonstration: a study made on the spot, or a folder of DICOM files, on a local site.
//!
//! | file | what |
//! |---|---|
//! | `dataset` | the made-up study as files, of `subjects`, `series`, `volume` and `random` |
//! | `study` | its way to a site |
//! | `reports` | the questions asked of the site, answered with `demographics`, `missing`, `quality` and `completeness` |
//! | `ledger`, `verify` | what was sent, and whether it came back |

pub(crate) mod completeness;
pub(crate) mod dataset;
pub(crate) mod demographics;
pub(crate) mod ledger;
pub(crate) mod missing;
pub(crate) mod quality;
pub(crate) mod random;
pub(crate) mod reports;
mod series;
pub(crate) mod study;
pub(crate) mod subjects;
pub(crate) mod verify;
pub(crate) mod volume;
