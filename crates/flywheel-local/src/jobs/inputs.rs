//! The files that a job takes in: references read, found, and allowed to its asker.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::order::Asker;
use crate::{
    access::Action,
    error::{ApiError, ApiResult},
    kind::Kind,
    store::{
        containers::{self, Container},
        files::{self, FileRow},
    },
};

/// A file that a job takes in, and where it lies.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    /// The input of the gear.
    pub(super) name: String,
    pub(super) file: FileRow,
    pub(super) container: Container,
}

impl Taken {
    /// How documents point at it.
    pub(super) fn reference(&self) -> Value {
        json!({
            "type": self.container.kind.singular(), "id": self.container.id, "name": self.file.text("name"),
            "file_id": self.file.file_id(), "version": self.file.version(),
        })
    }

    /// As the gear sees it in `config.json`: the file as it is now.
    pub(super) fn in_config(&self) -> Value {
        let name = self.file.text("name");
        let kept = [
            "type",
            "mimetype",
            "modality",
            "classification",
            "tags",
            "info",
            "size",
            "zip_member_count",
            "version",
            "file_id",
            "origin",
        ];
        let object = kept.into_iter().filter_map(|key| {
            let value = self.file.doc.get(key).filter(|value| !value.is_null())?;
            Some((key.to_owned(), value.clone()))
        });
        json!({
            "base": "file",
            "hierarchy": self.container.reference(),
            "location": {"path": format!("/flywheel/v0/input/{}/{name}", self.name), "name": name},
            "object": Value::Object(object.collect()),
        })
    }
}

/// Finds the file that a reference names: `{type, id, name}` or `{file_id}`, either with a `version`.
///
/// # Errors
/// 400 for what is no reference, 404 when there is no such file, 403 when the asker may not read it.
pub(super) fn take(db: &Connection, asker: &Asker<'_>, name: &str, reference: &Value) -> ApiResult<Taken> {
    let text = |key: &str| reference.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let version = reference.get("version").and_then(Value::as_i64).unwrap_or(0);
    let (file, container) = match (text("type"), text("id"), text("name"), text("file_id")) {
        (Some(kind), Some(id), Some(file), _) => in_container(db, name, kind, id, file, version)?,
        (_, _, _, Some(file_id)) => by_id(db, file_id, version)?,
        _ => {
            let message = format!(
                "The input {name:?} is no reference of a file: expected {{type, id, name}} or {{file_id, version}}"
            );
            return Err(ApiError::bad_request(message));
        }
    };
    asker.require(db, &container, Action::FilesViewContents)?;
    Ok(Taken { name: name.to_owned(), file, container })
}

fn in_container(
    db: &Connection,
    input: &str,
    kind: &str,
    id: &str,
    name: &str,
    version: i64,
) -> ApiResult<(FileRow, Container)> {
    let kind = Kind::parse(kind).filter(|kind| *kind != Kind::Group).ok_or_else(|| {
        ApiError::bad_request(format!(
            "The input {input:?} names {kind:?}, which is no kind that holds files"
        ))
    })?;
    let container = containers::get(db, kind, id)?;
    let current = files::by_name(db, id, name)?;
    let file = match current {
        Some(file) if version > 0 => files::by_id(db, file.file_id(), version)?,
        current => current,
    };
    let file = file.ok_or_else(|| ApiError::not_found(format!("No file {name:?} in {kind} {id} found")))?;
    Ok((file, container))
}

fn by_id(db: &Connection, file_id: &str, version: i64) -> ApiResult<(FileRow, Container)> {
    let gone = || ApiError::not_found(format!("Could not find resource file:{file_id}"));
    let file = files::by_id(db, file_id, version)?.ok_or_else(gone)?;
    let container = containers::find(db, file.parent_id())?.ok_or_else(gone)?;
    Ok((file, container))
}
