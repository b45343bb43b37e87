//! From a note to the entry of the report: what the request was about, by id and label at every level.

use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};

use super::journal::Note;
use crate::{
    error::ApiResult,
    kind::Kind,
    store::{Doc, containers::Container, parse_doc},
};

/// The entry of a note.
pub(super) fn of(db: &Connection, note: &Note) -> ApiResult<Value> {
    Ok(about(note, context(db, note)?))
}

/// The entry of a note about a place.
pub(super) fn about(note: &Note, context: Option<Value>) -> Value {
    let mut entry = json!({
        "_id": note.id, "access_type": note.kind, "origin": note.origin, "timestamp": note.timestamp,
        "request_method": note.method, "request_path": note.path,
        "outcome": if note.granted { "granted" } else { "denied" },
    });
    if note.origin.get("type").is_some_and(|kind| kind == "user") {
        entry["user_id"] = note.origin.get("id").cloned().unwrap_or_default();
    }
    if let Some(context) = context {
        entry["context"] = context;
    }
    entry
}

fn context(db: &Connection, note: &Note) -> ApiResult<Option<Value>> {
    let named = |key: &str| note.place.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    let file = match named("file_id") {
        Some(id) => newest_file(db, id)?,
        None => None,
    };
    let container = match &file {
        Some(file) => file.pointer("/parent_ref/id").and_then(Value::as_str),
        None => named("analysis").or_else(|| named("id")),
    };
    let Some(container) = container.map(|id| any_container(db, id)).transpose()?.flatten() else {
        return Ok(None);
    };
    let name =
        file.as_ref().and_then(|file| file.get("name")).and_then(Value::as_str).or_else(|| named("name"));
    lineage(db, &container, name)
}

/// The levels from group to acquisition, and the file. Below no project there is no context.
pub(super) fn lineage(
    db: &Connection,
    container: &Container,
    file: Option<&str>,
) -> ApiResult<Option<Value>> {
    if container.ancestor(Kind::Project).is_none() {
        return Ok(None);
    }
    let mut context = json!({});
    for level in Kind::LEVELS {
        let Some(id) = container.ancestor(level) else { continue };
        let label = any_container(db, id)?.map(|found| found.label().to_owned());
        context[level.singular()] = json!({"id": id, "label": label.unwrap_or_default()});
    }
    if let Some(name) = file {
        context["file"] = json!({"name": name});
    }
    Ok(Some(context))
}

/// A container of any state: the log speaks of deleted ones too.
fn any_container(db: &Connection, id: &str) -> ApiResult<Option<Container>> {
    let mut statement = db.prepare_cached("SELECT id, kind, doc FROM containers WHERE id = ?")?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(Container::from_row).transpose()
}

fn newest_file(db: &Connection, id: &str) -> ApiResult<Option<Value>> {
    let sql = "SELECT doc FROM files WHERE file_id = ? ORDER BY version DESC LIMIT 1";
    let text: Option<String> = db.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?;
    let doc: Option<Doc> = text.map(|text| parse_doc(&text)).transpose()?;
    Ok(doc.map(Value::Object))
}
