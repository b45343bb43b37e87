//! Jobs as calls answer them: whole, as rows, as engines read them, and with everything they point at.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::store::{Job, OUTPUTS};
use crate::{
    access::{self, Action},
    auth::Caller,
    error::{ApiError, ApiResult},
    kind::Kind,
    present,
    store::{
        Doc,
        containers::{self, Container},
        files::{self, FileRow},
    },
};

/// 403 unless the caller may see the job: it is their own, or in a project where their roles show jobs.
pub(super) fn require_view(db: &Connection, caller: &Caller, job: &Job) -> ApiResult<()> {
    require(db, caller, job, Action::JobsView)
}

/// 403 unless the caller may do something to the job: it is their own, or their roles in its project allow it.
pub(super) fn require(db: &Connection, caller: &Caller, job: &Job, action: Action) -> ApiResult<()> {
    let own = action == Action::JobsView && job.user() == Some(caller.id());
    if own || caller.is_superuser() || access::actions_in(db, caller, job.project())?.has(action) {
        return Ok(());
    }
    let message =
        format!("Permission denied: {} on job {} needs the action {}", caller.id(), job.id, action.name());
    Err(ApiError::forbidden(message).with("reason", "permission_denied"))
}

/// The document without the site's own keys.
fn public(mut doc: Doc) -> Doc {
    doc.retain(|key, _| !key.starts_with('_') || key == "_id");
    doc
}

/// `{type, id, name}` of each input, the rest left out.
fn references(doc: &Doc) -> impl Iterator<Item = (&String, Value)> {
    let inputs = doc.get("inputs").and_then(Value::as_object).into_iter().flatten();
    inputs.map(|(name, reference)| {
        let kept = ["type", "id", "name"].map(|key| (key.to_owned(), reference[key].clone()));
        (name, Value::Object(kept.into_iter().collect()))
    })
}

/// The versions of files that the job made, as they are now.
fn made(db: &Connection, doc: &Doc) -> ApiResult<Vec<FileRow>> {
    let ids = doc.get(OUTPUTS).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let rows = ids.map(|uuid| files::by_uuid(db, uuid));
    rows.filter_map(Result::transpose).collect()
}

fn is_deleted(file: &FileRow) -> bool {
    file.doc.get("deleted").is_some_and(|time| !time.is_null())
}

/// What is left of an output that was deleted.
fn tombstone(file: FileRow) -> Value {
    let id = json!({"file_id": file.file_id(), "version": file.version()});
    let mut doc = Doc::new();
    doc.insert("_id".into(), id);
    doc.insert("uuid".into(), file.text("_id").into());
    for key in
        ["origin", "parent_ref", "parents", "name", "provider_id", "size", "created", "deleted", "replaced"]
    {
        doc.extend(
            file.doc.get(key).filter(|value| !value.is_null()).map(|value| (key.to_owned(), value.clone())),
        );
    }
    doc.into()
}

/// Puts `outputs` and `deleted_outputs` into a document.
fn join_outputs(db: &Connection, doc: &mut Doc, info: bool) -> ApiResult<()> {
    let (deleted, live): (Vec<FileRow>, Vec<FileRow>) = made(db, doc)?.into_iter().partition(is_deleted);
    let live = live.into_iter().map(|file| present::file(file.doc.into(), info));
    doc.insert("outputs".into(), live.collect());
    doc.insert("deleted_outputs".into(), deleted.into_iter().map(tombstone).collect());
    Ok(())
}

/// `_id` under the name `id`, first.
fn renamed(mut doc: Doc) -> Doc {
    let id = doc.shift_remove("_id").unwrap_or_default();
    doc.shift_insert(0, "id".into(), id);
    doc
}

/// A job as `GET /jobs/{id}` answers it.
pub(crate) fn whole(db: &Connection, job: Job) -> ApiResult<Value> {
    let mut doc = job.doc;
    join_outputs(db, &mut doc, true)?;
    let inputs: Doc = references(&doc).map(|(name, reference)| (name.clone(), reference)).collect();
    doc.insert("inputs".into(), inputs.into());
    Ok(renamed(public(doc)).into())
}

/// A job as lists answer it: without `info` and what the run produced in metadata.
pub(super) fn row(db: &Connection, job: Job, info: bool, parents: bool) -> ApiResult<Value> {
    let mut doc = job.doc;
    join_outputs(db, &mut doc, info)?;
    doc.insert("inputs".into(), legacy_inputs(&doc));
    doc.shift_remove("produced_metadata");
    if parents {
        doc.insert("parent_info".into(), parent_info(db, &doc)?);
    }
    let inputs = doc.get_mut("config").and_then(|config| config.get_mut("inputs")?.as_object_mut());
    for object in
        inputs.into_iter().flatten().filter_map(|(_, input)| input.get_mut("object")?.as_object_mut())
    {
        if !info {
            object.shift_remove("info");
        }
    }
    Ok(public(doc).into())
}

/// Inputs as a list of `{input, type, id, name}`.
fn legacy_inputs(doc: &Doc) -> Value {
    let inputs = references(doc).map(|(name, mut reference)| {
        reference["input"] = name.as_str().into();
        reference
    });
    inputs.collect()
}

/// A job as `/users/self/jobs`, batches and `/jobs/next` answer it.
pub(crate) fn plain(job: Job) -> Value {
    let mut doc = job.doc;
    let inputs: Doc = references(&doc).map(|(name, reference)| (name.clone(), reference)).collect();
    doc.insert("inputs".into(), inputs.into());
    for (short, kind) in [("group", Kind::Group), ("project", Kind::Project)] {
        let id = doc.get("parents").and_then(|parents| parents.get(kind.singular())).cloned();
        doc.insert(short.into(), id.unwrap_or_default());
    }
    renamed(public(doc)).into()
}

/// A job as an engine reads it.
pub(super) fn asked(job: Job) -> Value {
    let mut doc = job.doc;
    doc.insert("legacy_inputs".into(), legacy_inputs(&doc));
    let inputs = doc.get("config").and_then(|config| config.get("inputs")).cloned();
    doc.insert("inputs".into(), inputs.unwrap_or_else(|| json!({})));
    renamed(public(doc)).into()
}

/// A job with the files that it points at.
pub(super) fn detail(db: &Connection, job: Job) -> ApiResult<Value> {
    let mut doc = job.doc;
    let mut inputs = Doc::new();
    for (name, reference) in references(&doc) {
        let text = |key: &str| reference[key].as_str().unwrap_or_default();
        let stored = &doc["inputs"][name.as_str()];
        let file = match (stored["file_id"].as_str(), stored["version"].as_i64()) {
            (Some(file_id), Some(version)) => files::by_id(db, file_id, version)?,
            _ => files::by_name(db, text("id"), text("name"))?,
        };
        inputs.insert(name.clone(), entry(reference, file));
    }
    let (deleted, live): (Vec<FileRow>, Vec<FileRow>) = made(db, &doc)?.into_iter().partition(is_deleted);
    let outputs = live.into_iter().map(|file| {
        let place = file.doc.get("parent_ref").cloned().unwrap_or_default();
        entry(json!({"type": place["type"], "id": place["id"], "name": file.text("name")}), Some(file))
    });
    doc.insert("outputs".into(), outputs.collect());
    doc.insert("deleted_outputs".into(), deleted.into_iter().map(tombstone).collect());
    doc.insert("inputs".into(), inputs.into());
    doc.insert("parent_info".into(), parent_info(db, &doc)?);
    Ok(public(doc).into())
}

fn entry(reference: Value, file: Option<FileRow>) -> Value {
    let mut entry = json!({"ref": reference});
    if let Some(file) = file {
        entry["object"] = present::file(file.doc.into(), false);
    }
    entry
}

/// `{group: {_id, label}, project: …}` of what the destination lies in.
fn parent_info(db: &Connection, doc: &Doc) -> ApiResult<Value> {
    let mut info = Doc::new();
    for (kind, id) in doc.get("parents").and_then(Value::as_object).into_iter().flatten() {
        let Some(id) = id.as_str() else { continue };
        let label = containers::find(db, id)?.as_ref().map(Container::label).map(str::to_owned);
        info.insert(kind.clone(), json!({"_id": id, "label": label.unwrap_or_default()}));
    }
    Ok(info.into())
}
