//! Copies by reference: containers and files anew, with the same bytes in the storage.
//!
//! | file | what it holds |
//! |---|---|
//! | `filter` | what of a container is copied |
//! | `draft` | what a copy will hold, before anything is written |
//! | `write` | the copies themselves |
//! | `small` | copies of subjects, sessions, acquisitions and files, made at once |
//! | `project` | copies of projects, made in the background, subject by subject |

mod draft;
mod filter;
mod project;
pub(crate) mod small;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use self::{
    filter::{CopyFilter, FIELDS as FILTER},
    project::resume,
};
use crate::{
    access::{
        Action::{ContainersViewMetadata, FilesDownload},
        Need::On,
    },
    kind::Kind,
    route::{Route, get, post},
};

/// The routes of copies.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        post("/projects/{id}/copy", On(FilesDownload), project::copy).of(Kind::Project),
        get("/projects/{id}/copies", On(ContainersViewMetadata), project::list).of(Kind::Project),
        get("/projects/{id}/copy/{snapshot}/status", On(ContainersViewMetadata), project::status)
            .of(Kind::Project),
        post("/subjects/{id}/copy", On(FilesDownload), small::subject).of(Kind::Subject),
        post("/sessions/{id}/copy", On(FilesDownload), small::session).of(Kind::Session),
        post("/acquisitions/{id}/copy", On(FilesDownload), small::acquisition).of(Kind::Acquisition),
    ]
}
