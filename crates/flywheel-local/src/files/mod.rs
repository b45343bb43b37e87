//! Files: receiving and sending them, and everything that is said about them.
//!
//! | file | what it holds |
//! |---|---|
//! | `routes` | the routes, by container and name and by id |
//! | `which` | the file that a path names, and whether the caller may |
//! | `upload`, `form`, `metadata`, `signed` | receiving: in one request, or by signed URLs |
//! | `document` | the document of a file: its first version and the next |
//! | `download`, `answer`, `tickets`, `zipped` | sending: bytes, ranges, tickets, members of a zip |
//! | `details`, `classification` | type, modality, classification, info, tags |
//! | `outputs` | the files that a job hands in, and what it says of those there are |
//! | `versions`, `moving`, `deleting` | what becomes of files |
//! | `sweep` | what a kill left behind |

pub(crate) mod answer;
pub(crate) mod classification;
pub(crate) mod deleting;
mod details;
pub(crate) mod document;
mod download;
pub(crate) mod form;
pub(crate) mod metadata;
pub(crate) mod moving;
pub(crate) mod name;
pub(crate) mod outputs;
mod paced;
pub(crate) mod query;
mod room;
mod routes;
pub(crate) mod signed;
mod sweep;
pub(crate) mod tickets;
mod unclaimed;
pub(crate) mod upload;
mod versions;
pub(crate) mod which;
mod zipped;

#[cfg(test)]
pub(crate) mod harness;
#[cfg(test)]
mod tests;

use rusqlite::Connection;
use serde_json::Value;

use crate::{
    blobs::Stored,
    error::{ApiError, ApiResult},
    store::{containers::Container, files::FileRow},
};

pub(crate) use self::{
    document::{PROVIDER, shown},
    room::making_room,
    routes::routes,
    sweep::{arriving, keep_swept},
    unclaimed::Unclaimed,
};

/// The files that an analysis took in, in the versions it took.
pub(crate) fn inputs_of(db: &Connection, analysis: &Container) -> ApiResult<Vec<FileRow>> {
    which::inputs(db, analysis, None)
}

/// Keeps what the site made itself as a file of a container, or as the next version of the one of this name.
///
/// # Errors
/// 422 for a name that no file can have.
pub(crate) fn keep_made(
    db: &Connection,
    parent: &Container,
    name: String,
    blob: Stored,
    origin: &Value,
) -> ApiResult<FileRow> {
    if !name::is_usable(&name) {
        return Err(ApiError::unprocessable(format!("{name:?} cannot be the name of a file")));
    }
    let metadata = metadata::Metadata::default();
    let arrival = document::Arrival { name, blob, members: None, metadata, more: Default::default() };
    document::place(db, parent, arrival, origin, false)
}
