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
//! | `versions`, `moving`, `deleting` | what becomes of files |
//! | `sweep` | what a kill left behind |

pub(crate) mod answer;
pub(crate) mod classification;
mod deleting;
mod details;
mod document;
mod download;
mod form;
mod metadata;
mod moving;
pub(crate) mod name;
mod query;
mod routes;
mod signed;
mod sweep;
pub(crate) mod tickets;
mod unclaimed;
mod upload;
mod versions;
mod which;
mod zipped;

#[cfg(test)]
pub(crate) mod harness;
#[cfg(test)]
mod tests;

use rusqlite::Connection;

use crate::{
    error::ApiResult,
    store::{containers::Container, files::FileRow},
};

pub(crate) use self::{document::shown, routes::routes, sweep::sweep};

/// The files that an analysis took in, in the versions it took.
pub(crate) fn inputs_of(db: &Connection, analysis: &Container) -> ApiResult<Vec<FileRow>> {
    which::inputs(db, analysis, None)
}
