//! The versions of a file, and bringing one of them back.

use axum::{Json, extract::State};
use rusqlite::Connection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{document, query::Asked, which::Which};
use crate::{
    error::{ApiError, ApiResult},
    guard::Guard,
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
        let found = which.find(db, &guard, 0)?;
        let versions = files::versions(db, found.file.file_id())?.into_iter().map(|version| {
            version.doc.into_iter().filter(|(key, _)| LISTED.contains(&key.as_str())).collect()
        });
        Ok(Json(versions.collect()))
    };
    state.store.read(work).await
}

/// `POST /files/{file_id}/restore?version=`: a new current version that is as that one was. It shares its bytes.
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
        let mut current = which.find(db, &guard, 0)?;
        let (file_id, wanted) = (current.file.file_id().to_owned(), asked.version);
        let source = files::versions(db, &file_id)?.into_iter().find(|version| version.version() == wanted);
        let source = source
            .ok_or_else(|| ApiError::not_found(format!("The file {file_id} has no version {wanted}")))?;
        let last = files::last_version(db, &file_id)?;
        let restored = again(source, &current.file, last + 1, &guard.caller.origin());
        current.file.doc.insert("replaced".into(), now().into());
        files::save(db, &current.file)?;
        files::insert(db, &restored)?;
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
