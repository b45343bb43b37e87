//! Moving bytes: uploads, downloads, zip members and archives, with progress and cancel.
//!
//! | file | holds |
//! |---|---|
//! | `running` | a transfer under way: a future that can be watched and cancelled |
//! | `source` | what is uploaded |
//! | `upload` | uploads as one request |
//! | `signed` | uploads straight to the storage of the site |
//! | `download` | downloads to a path, to memory, as a stream, into a writer |
//! | `fetch` | the bytes of one file or part of it, taken up again where the connection broke |
//! | `methods` | how transfers start: methods of files, containers and the client |
//! | `part_file` | the file beside the destination that bytes go to until all are there |
//! | `digest` | the recorded hash of a file, and checking bytes against it |
//! | `zip` | what is inside a zip file |
//! | `archive` | whole containers as one tar or zip |
//! | `lines` | answers of one JSON document a line |

mod archive;
mod digest;
mod download;
mod fetch;
mod lines;
mod methods;
mod part_file;
mod running;
mod signed;
mod source;
mod upload;
mod zip;

pub use archive::{Archive, ArchiveFormat, ArchiveLayout, ArchiveSummary, Target, Targets};
pub use download::{Download, Downloaded};
pub(crate) use part_file::PartFile;
pub use running::{Canceller, Progress, Transfer};
pub use source::Source;
pub use upload::Upload;
pub use zip::{Zip, ZipMember};

pub(crate) use digest::Recorded;
pub(crate) use methods::{same_content, unnamed, upload_to};
pub(crate) use running::{Callbacks, Reporter};

#[cfg(test)]
mod tests;
