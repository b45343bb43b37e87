//! Moving bytes: uploads, downloads, zip members and archives, with progress and cancel.
//!
//! Nothing is held in memory as a whole, nothing half done is ever seen: a file comes to its path in one step once all of it
//! is there and its hash is right, and dropping a transfer leaves nothing behind. An upload that goes straight to the storage
//! of the site keeps a ticket there: when it fails, is cancelled or is dropped, it gives the ticket back, in the last case by a
//! call that [`Client::settled`](crate::Client::settled) waits for. Bytes that had arrived whole by then may become the file.
//!
//! | from | up | down |
//! |---|---|---|
//! | a container | `upload(..)`, `upload_all(..)`: [`Upload`] of a [`Source`] | `archive()`: [`Archive`]; as a folder: [`folder`](crate::folder) |
//! | a [`File`](crate::File) | | `download()`, `zip_member(..)`: [`Download`]; `zip()`: [`Zip`] |
//! | a [`Project`](crate::Project) | [`upload_packfile(..)`](crate::Project::upload_packfile): many small files as one zip | |
//! | the [`Client`](crate::Client) | `upload_by_label(..)`, `upload_by_uid(..)`: to a [`Place`]; many at once: [`bulk`](crate::bulk) | `archive(..)` of several containers |
//!
//! What has begun is a [`Transfer`]: awaited, watched by its [`Progress`], stopped by its [`Canceller`].
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
mod ticket;
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
