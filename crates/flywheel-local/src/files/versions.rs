//! The versions of a file, and bringing one of them back.

use axum::{Json, extract::State};
use rusqlite::Connection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    document,
    query::Asked,
    which::{Found, Which},
};
use crate::{
    error::{ApiError, ApiResult},
    guard::Guard,
    rules,
    state::AppState,
    store::{
        Doc, containers,
        files::{self, FileRow},
        now,
    },
};

/// What a version is listed with.
const LISTED: [&str; 7] =
    ["file_id", "version", "created", "deleted", "origin", "restored_from", "restored_by"];

/// `GET /files/{file_id}/versions`: oldest first, with those that were deleted.
pub(crate) async fn list(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
) -> ApiResult<Json<Vec<Doc>>> {
    let work = move |db: &Connection| {
        let latest = latest(db, &guard, &which)?.file;
        let versions = files::versions(db, latest.file_id())?.into_iter().map(|version| {
            version.doc.into_iter().filter(|(key, _)| LISTED.contains(&key.as_str())).collect()
        });
        Ok(Json(versions.collect()))
    };
    state.store.read(work).await
}

/// A file's current version, or its last one when the file as a whole was deleted.
fn latest(db: &Connection, guard: &Guard, which: &Which) -> ApiResult<Found> {
    let (missing, file_id) = match (which.find(db, guard, 0), which) {
        (Err(error), Which::ById(file_id)) if error.status() == 404 => (error, file_id),
        (found, _) => return found,
    };
    let Some(file) = files::versions(db, file_id)?.pop() else { return Err(missing) };
    let Some(container) = containers::find(db, file.parent_id())? else { return Err(missing) };
    let container = guard.container_of(db, container.kind, &container.id)?;
    Ok(Found { file, container, input: false })
}

/// `POST /files/{file_id}/restore?version=`: a new current version that is as that one was. It shares its bytes. A file that was
/// deleted is there again, unless another one took its name meanwhile.
pub(crate) async fn restore(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    asked: Asked,
) -> ApiResult<Json<Value>> {
    if asked.version == 0 {
        return Err(ApiError::unprocessable("version names the one to restore, counted from 1"));
    }
    let work = move |db: &Connection| {
        let mut current = latest(db, &guard, &which)?;
        let (file_id, wanted) = (current.file.file_id().to_owned(), asked.version);
        let source = files::versions(db, &file_id)?.into_iter().find(|version| version.version() == wanted);
        let source = source
            .ok_or_else(|| ApiError::not_found(format!("The file {file_id} has no version {wanted}")))?;
        let last = files::last_version(db, &file_id)?;
        let restored = again(source, &current.file, last + 1, &guard.caller.origin());
        if current.file.doc.get("deleted").is_none_or(Value::is_null) {
            current.file.doc.insert("replaced".into(), now().into());
            files::save(db, &current.file)?;
        }
        files::insert(db, &restored)?;
        if !asked.evaluate_gear_rules {
            rules::pass_over(db, &restored)?;
        }
        containers::touch(db, &current.container.id)?;
        Ok(Json(document::shown(restored.doc)))
    };
    state.store.write(work).await
}

/// The version `source` as a new one, at the place and under the name that the file has now.
fn again(mut source: FileRow, current: &FileRow, version: i64, restored_by: &Value) -> FileRow {
    let (time, restored_from) = (now(), source.version());
    let set = [
        ("_id", json!(Uuid::new_v4())),
        ("version", version.into()),
        ("restored_from", restored_from.into()),
        ("restored_by", restored_by.clone()),
        ("created", time.as_str().into()),
        ("modified", time.as_str().into()),
        ("revision", 1.into()),
    ];
    source.doc.extend(set.map(|(key, value)| (key.to_owned(), value)));
    for key in ["name", "parent_ref", "parents"] {
        source.doc.insert(key.into(), current.doc.get(key).cloned().unwrap_or_default());
    }
    for key in ["replaced", "deleted"] {
        source.doc.shift_remove(key);
    }
    source
}
