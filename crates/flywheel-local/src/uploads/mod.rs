//! Files that find their own place: by labels and uids in the hierarchy, or by the bytes that a device left before.
//!
//! | file | what it holds |
//! |---|---|
//! | `plan` | what the metadata of an upload says about where its files belong |
//! | `place` | finding that place, and making what is missing |
//! | `group` | the group that is meant, however it is written |
//! | `receive` | `/upload/label`, `/upload/uid`, `/upload/uid-match`, `/upload/reaper` |
//! | `loose` | bytes that are sent before anybody says what they are |
//! | `upsert` | making files of such bytes |
//! | `hierarchy` | making or finding a subject, session and acquisition in one call |
//! | `uids` | which uids are there |
//! | `storage` | files of the site's own storage, outside of the hierarchy |

mod group;
mod hierarchy;
pub(crate) mod loose;
mod place;
mod plan;
mod receive;
pub(crate) mod storage;
#[cfg(test)]
mod tests;
mod uids;
mod upsert;

pub(crate) use place::child_by_label;

use crate::{
    access::{
        Action::{ContainersCreateHierarchy, FilesCreateSingle},
        Need::{Login, On},
    },
    kind::Kind,
    route::{Route, delete, get, post},
};

/// The routes of uploads into the hierarchy, and of what devices send.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        post("/upload/label", Login, receive::label),
        post("/upload/uid", Login, receive::uid),
        post("/upload/uid-match", Login, receive::uid_match),
        post("/upload/reaper", Login, receive::reaper),
        post("/upload/signed-url", Login, loose::create),
        post("/upload/signed-url/cleanup", Login, loose::cleanup),
        post("/upload/complete-s3-multipart", Login, loose::complete_s3),
        post("/upload/complete-azure-multipart", Login, loose::complete_azure),
        post("/files", On(FilesCreateSingle), upsert::file),
        post("/projects/{id}/upsert-file", On(FilesCreateSingle), upsert::file_of_project).of(Kind::Project),
        post("/projects/{id}/upsert-hierarchy", On(ContainersCreateHierarchy), hierarchy::upsert)
            .of(Kind::Project),
        post("/uids", Login, uids::check),
        post("/uids/projects", Login, uids::projects),
        post("/storage/files", Login, storage::add),
        get("/storage/files/{file_id}", Login, storage::read),
        delete("/storage/files/{file_id}", Login, storage::delete),
        post("/storage/files/{file_id}/ticket", Login, storage::ticket),
    ]
}
