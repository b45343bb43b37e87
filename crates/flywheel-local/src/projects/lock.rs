//! Locking a project and unlocking it: `POST /projects/{id}/lock`, `/unlock`.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    access::{
        Action, authorize_in_lock,
        lock::{KEY, REASONS},
    },
    body::{JsonBody, Shape, check, must},
    containers::change::modified,
    error::{ApiError, ApiResult},
    guard::Guard,
    state::AppState,
    store::{containers, now},
};

/// `POST /projects/{id}/lock` with `{"reason": …}`
pub(crate) async fn lock(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let doc = check(body, &[must("reason", Shape::OneOf(REASONS))])?;
    let locked = json!({"reason": doc.get("reason"), "timestamp": now(), "origin": guard.caller.origin()});
    set(guard, state, id, Some(locked)).await
}

/// `POST /projects/{id}/unlock`
pub(crate) async fn unlock(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    set(guard, state, id, None).await
}

async fn set(guard: Guard, state: AppState, id: String, lock: Option<Value>) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let mut project = guard.container(db, &id)?;
        authorize_in_lock(db, &guard.caller, &project, Action::SettingsModify)?;
        match (lock, project.doc.contains_key(KEY)) {
            (Some(_), true) => return Err(ApiError::conflict("The project is locked already")),
            (None, false) => return Err(ApiError::conflict("The project is not locked")),
            (Some(lock), false) => drop(project.doc.insert(KEY.into(), lock)),
            (None, true) => drop(project.doc.shift_remove(KEY)),
        }
        containers::save(db, &mut project)
    };
    state.store.write(work).await?;
    Ok(modified())
}
