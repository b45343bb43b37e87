//! Moving bytes: uploads, downloads, zip members and archives, with progress and cancel.
//!
//! | file | holds |
//! |---|---|
//! | `running` | a transfer under way: a future that can be watched and cancelled |
//! | `source` | what is uploaded |
//! | `upload` | uploads as one request |
//! | `placed` | uploads to containers that are named by labels or unique ids |
//! | `packfile` | many small files that become one zip file of an acquisition |
//! | `signed` | uploads straight to the storage of the site |
//! | `download` | downloads to a path, to memory, as a stream, into a writer |
//! | `fetch` | the bytes of one file or part of it, taken up again where the connection broke |
//! | `methods` | how transfers start: methods of files, containers and the client |
//! | `part_file` | the file beside the destination that bytes go to until all are there |
//! | `digest` | the recorded hash of a file, and checking bytes against it |
//! | `zip` | what is inside a zip file |
//! | `archive` | whole containers as one tar or zip |
//! | `lines` | answers of one JSON document a line |

//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # fw.add_group("neuro", "Neuro Lab").await?;
//! use flywheel::{Source, transfer::Place};
//!
//! // What is not there yet is made.
//! let place = Place::new("neuro", "Color Study").subject("sub-01").session("ses-01").acquisition("T1w");
//! let files = fw.upload_by_label(place, [Source::bytes("t1.nii.gz", "pretend this is a volume")]).await?;
//!
//! let bytes = files[0].download().bytes().await?;
//! assert_eq!(bytes.len(), 24);
//! # Ok(())
//! # }
//! ```

mod archive;
mod digest;
mod download;
mod fetch;
mod lines;
mod methods;
mod packfile;
mod part_file;
mod placed;
mod running;
mod signed;
mod source;
mod upload;
mod zip;

pub use archive::{Archive, ArchiveFormat, ArchiveLayout, ArchiveSummary, Target, Targets};
pub use download::{Download, Downloaded};
pub use packfile::Packed;
pub(crate) use part_file::PartFile;
pub use placed::Place;
pub use running::{Canceller, Progress, Transfer};
pub use source::Source;
pub use upload::Upload;
pub use zip::{Zip, ZipMember};

pub(crate) use digest::Recorded;
pub(crate) use methods::{same_content, unnamed, upload_to};
pub(crate) use running::{Callbacks, Reporter};

#[cfg(test)]
mod tests;
