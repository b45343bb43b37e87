//! Deleting files: one, one version of one, or several. What is deleted keeps its row and its bytes.

use axum::{Json, extract::State};
use rusqlite::{Connection, named_params};
use serde_json::{Value, json};

use super::{
    query::Asked,
    room,
    which::{Found, Which},
};
use crate::{
    access::{self, Action},
    body::{self, JsonBody, TEXT},
    containers::remove::{analysis_using, check_reason},
    error::{ApiError, ApiResult},
    guard::Guard,
    query::Params,
    state::AppState,
    store::{containers, files, now},
};

/// `DELETE /files/{file_id}?version=`, `DELETE /{containers}/{id}/files/{name}`. The current version goes with all before it; an
/// earlier one goes alone. `check=true` only asks.
pub(crate) async fn delete(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    asked: Asked,
    params: Params,
) -> ApiResult<Json<Value>> {
    check_reason(&params)?;
    let only_asking = params.flag("check");
    let work = move |db: &Connection| {
        let found = which.find(db, &guard, 0)?;
        if only_asking {
            return may_remove(db, &guard, &found, asked.force);
        }
        let version = Some(asked.version).filter(|&version| version != 0 && version != found.file.version());
        remove(db, &guard, &found, version, asked.force)
    };
    room::making_room(&state, work).await?;
    Ok(Json(json!({"deleted": if only_asking { 0 } else { 1 }})))
}

/// `DELETE /files` with a list of ids: `{deleted, not_found}`. One that may not be deleted refuses all.
pub(crate) async fn delete_list(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    check_reason(&params)?;
    let ids = body::check_texts(body, &TEXT)?;
    let work = move |db: &Connection| {
        let (mut deleted, mut not_found) = (0, 0);
        for id in ids {
            if files::by_id(db, &id, 0)?.is_none() {
                not_found += 1;
                continue;
            }
            let found = Which::ById(id).find(db, &guard, 0)?;
            remove(db, &guard, &found, None, false)?;
            deleted += 1;
        }
        Ok(Json(json!({"deleted": deleted, "not_found": not_found})))
    };
    room::making_room(&state, work).await
}

/// Deletes a file that a search found, in all its versions.
///
/// # Errors
/// 403 when the caller may not.
pub(crate) fn of_search(db: &Connection, guard: &Guard, file_id: &str) -> ApiResult<()> {
    let found = Which::ById(file_id.to_owned()).find(db, guard, 0)?;
    access::authorize(db, &guard.caller, &found.container, Action::FilesDeleteNonDeviceData)?;
    remove(db, guard, &found, None, false)
}

fn may_remove(db: &Connection, guard: &Guard, found: &Found, force: bool) -> ApiResult<()> {
    let file = &found.file;
    access::lock::refuse(db, &found.container)?;
    if found.input {
        return Err(ApiError::conflict("The inputs of an analysis stay as they were when it took them"));
    }
    let origin = file.doc.get("origin").and_then(|origin| origin.get("type")).and_then(Value::as_str);
    let original = !matches!(origin, Some("user" | "job"));
    if original && !access::allowed(db, &guard.caller, &found.container, Action::FilesDeleteDeviceData)? {
        let message =
            format!("{} is original data: deleting it needs files_delete_device_data", file.text("name"));
        return Err(ApiError::forbidden(message).with("reason", "original_data_present"));
    }
    if !force && let Some(analysis) = analysis_using(db, file.file_id())? {
        let message = format!("{} is an input of the analysis {analysis}", file.text("name"));
        return Err(ApiError::forbidden(message).with("reason", "analysis_conflict"));
    }
    Ok(())
}

fn remove(db: &Connection, guard: &Guard, found: &Found, version: Option<i64>, force: bool) -> ApiResult<()> {
    may_remove(db, guard, found, force)?;
    let file = &found.file;
    let sql = "UPDATE files SET doc = json_set(doc, '$.deleted', :now)
         WHERE file_id = :file_id AND deleted IS NULL AND (:version IS NULL OR version = :version)";
    let values = named_params! {":now": now(), ":file_id": file.file_id(), ":version": version};
    if db.prepare_cached(sql)?.execute(values)? == 0 {
        return Err(ApiError::not_found(format!("The file has no version {}", version.unwrap_or(0))));
    }
    containers::touch(db, &found.container.id)
}
