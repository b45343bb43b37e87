//! What a write did that its route alone does not tell: that a file was replaced, or something moved. Such an entry is
//! written in the transaction of the write, whichever part of the site does it.

use rusqlite::Connection;
use serde_json::Value;

use super::{
    entry,
    journal::{self, Note},
};
use crate::{
    author,
    error::ApiResult,
    store::{containers::Container, new_id, now},
};

/// A file of a container got a new version.
pub(crate) fn file_replaced(db: &Connection, container: &Container, name: &str) -> ApiResult<()> {
    done(db, "replace_file", container, Some(name))
}

/// A file went from one container to another.
pub(crate) fn file_moved(db: &Connection, from: &Container, to: &Container, name: &str) -> ApiResult<()> {
    done(db, "file_moved_away", from, Some(name))?;
    done(db, "file_moved_in", to, Some(name))
}

/// A container went to another parent; it is given as it was and as it is.
pub(crate) fn container_moved(db: &Connection, before: &Container, after: &Container) -> ApiResult<()> {
    done(db, "container_moved_away", before, None)?;
    done(db, "container_moved_in", after, None)
}

fn done(db: &Connection, kind: &str, place: &Container, file: Option<&str>) -> ApiResult<()> {
    let author = author::writing();
    let (method, path) = author.request.unwrap_or_default();
    let origin: Value = serde_json::from_str(&author.origin)?;
    let note = Note {
        id: new_id(),
        kind: kind.to_owned(),
        timestamp: now(),
        origin,
        method,
        path,
        place: Vec::new(),
        granted: true,
    };
    journal::insert(db, &note.id, &entry::about(&note, entry::lineage(db, place, file)?))
}
