//! The table of files: one row per version of a file, with its document and the address of its bytes.
//!
//! The document is the `FileOutput` of the wire. `_id` names the version's record (a UUID), `file_id` is shared by all
//! versions, `parent_ref` and `parents` place it. A version is *current* while it has neither `replaced` nor `deleted`;
//! the database refuses a second current file of the same name in one container (409). Analysis inputs are no rows
//! here: an analysis keeps copies of the entries in its own `inputs`.

use rusqlite::{Connection, Row};
use serde_json::Value;

use super::{Doc, parse_doc};
use crate::error::{ApiError, ApiResult};

/// One version of a file.
#[derive(Debug, Clone)]
pub(crate) struct FileRow {
    /// The document as the wire carries it.
    pub(crate) doc: Doc,
    /// Where the blob store keeps the bytes; never shown.
    pub(crate) blob: String,
}

impl FileRow {
    /// A text field of the document; empty when it is missing.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.doc.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// The id that all versions share.
    pub(crate) fn file_id(&self) -> &str {
        self.text("file_id")
    }

    /// The container that holds the file.
    pub(crate) fn parent_id(&self) -> &str {
        self.doc
            .get("parent_ref")
            .and_then(|parent| parent.get("id"))
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Counted from 1.
    pub(crate) fn version(&self) -> i64 {
        self.doc.get("version").and_then(Value::as_i64).unwrap_or(1)
    }

    /// Reads the columns `doc, blob`, in this order and first in the row.
    pub(crate) fn from_row(row: &Row<'_>) -> ApiResult<Self> {
        Ok(Self { doc: parse_doc(row.get_ref(0)?.as_str().map_err(ApiError::internal)?)?, blob: row.get(1)? })
    }
}

/// The current file of this name in a container.
pub(crate) fn by_name(db: &Connection, parent: &str, name: &str) -> ApiResult<Option<FileRow>> {
    one(db, "SELECT doc, blob FROM files WHERE parent_id = ? AND name = ? AND current", (parent, name))
}

/// A version of a file that is not deleted; 0 means the current one.
pub(crate) fn by_id(db: &Connection, file_id: &str, version: i64) -> ApiResult<Option<FileRow>> {
    if version == 0 {
        one(db, "SELECT doc, blob FROM files WHERE file_id = ? AND current", [file_id])
    } else {
        let sql = "SELECT doc, blob FROM files WHERE file_id = ? AND version = ? AND deleted IS NULL";
        one(db, sql, (file_id, version))
    }
}

/// A version by the `_id` of its document, whatever became of it since.
pub(crate) fn by_uuid(db: &Connection, uuid: &str) -> ApiResult<Option<FileRow>> {
    one(db, "SELECT doc, blob FROM files WHERE uuid = ?", [uuid])
}

/// Every version of a file, deleted ones included, oldest first.
pub(crate) fn versions(db: &Connection, file_id: &str) -> ApiResult<Vec<FileRow>> {
    many(db, "SELECT doc, blob FROM files WHERE file_id = ? ORDER BY version", [file_id])
}

/// The highest version that a file ever had, deleted ones included; 0 when there is no such file.
pub(crate) fn last_version(db: &Connection, file_id: &str) -> ApiResult<i64> {
    let sql = "SELECT coalesce(max(version), 0) FROM files WHERE file_id = ?";
    Ok(db.prepare_cached(sql)?.query_row([file_id], |row| row.get(0))?)
}

/// The current files of a container, by name.
pub(crate) fn of_container(db: &Connection, parent: &str) -> ApiResult<Vec<FileRow>> {
    many(db, "SELECT doc, blob FROM files WHERE parent_id = ? AND current ORDER BY name", [parent])
}

/// Adds a version. `doc` carries every field, `_id`, `file_id`, `version`, `parent_ref` and `parents` among them.
pub(crate) fn insert(db: &Connection, file: &FileRow) -> ApiResult<()> {
    let text = written(file)?;
    db.prepare_cached("INSERT INTO files (uuid, blob, doc) VALUES (?, ?, ?)")?
        .execute((file.text("_id"), &file.blob, text))
        .map_err(|error| taken(error, file))?;
    Ok(())
}

/// Writes a changed document back, as it is: callers set `modified` and `revision` (see [`touch`]).
pub(crate) fn save(db: &Connection, file: &FileRow) -> ApiResult<()> {
    let text = written(file)?;
    db.prepare_cached("UPDATE files SET doc = ? WHERE uuid = ?")?
        .execute((text, file.text("_id")))
        .map_err(|error| taken(error, file))?;
    Ok(())
}

/// The document as text. Its metadata may come from a part of an upload, so its depth is checked here.
fn written(file: &FileRow) -> ApiResult<String> {
    file.doc.values().try_for_each(crate::body::refuse_deep)?;
    Ok(serde_json::to_string(&file.doc)?)
}

/// Sets `modified` and counts `revision` on, before [`save`].
pub(crate) fn touch(file: &mut FileRow) {
    let revision = file.doc.get("revision").and_then(Value::as_i64).unwrap_or(0) + 1;
    file.doc.insert("modified".into(), super::now().into());
    file.doc.insert("revision".into(), revision.into());
}

fn taken(error: rusqlite::Error, file: &FileRow) -> ApiError {
    let unique = matches!(&error, rusqlite::Error::SqliteFailure(code, _)
        if code.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE);
    if unique {
        ApiError::conflict(format!("A file named {} exists already in this container", file.text("name")))
    } else {
        error.into()
    }
}

fn one(db: &Connection, sql: &str, params: impl rusqlite::Params) -> ApiResult<Option<FileRow>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(FileRow::from_row).transpose()
}

fn many(db: &Connection, sql: &str, params: impl rusqlite::Params) -> ApiResult<Vec<FileRow>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(FileRow::from_row(row)?);
    }
    Ok(found)
}
