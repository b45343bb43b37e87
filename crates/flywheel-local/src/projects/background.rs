//! Deleting a project in the background: `DELETE /projects/{id}?background=true` and `GET /projects/{id}/delete-status`.
//!
//! What is scheduled is recorded first, so that a stop of the site does not forget it.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    auth::Caller,
    containers::remove,
    error::{ApiError, ApiResult},
    files,
    guard::{Guard, require_object_id},
    kind::Kind,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        records,
    },
};

/// The kind under which deletions in the background are recorded, by the id of the project.
const RECORD: &str = "project deletion";

fn record(db: &Connection, project: &str, status: &str, by: &str, failure: Option<String>) -> ApiResult<()> {
    let doc = json!({"delete_status": status, "delete_failure_reason": failure, "by": by});
    records::put(db, RECORD, project, doc.as_object().unwrap_or(&Doc::new()))
}

/// Records that a project is to be deleted; [`run`] then does it. What forbids the deletion is said at once.
pub(crate) fn schedule(db: &Connection, caller: &Caller, project: &mut Container) -> ApiResult<()> {
    remove::refuse(db, caller, project)?;
    project.doc.insert("delete_status".into(), "scheduled".into());
    containers::save(db, project)?;
    record(db, &project.id, "scheduled", caller.id(), None)
}

/// Deletes a project that is scheduled.
pub(crate) async fn run(state: AppState, project: String) {
    let work = move |db: &Connection| {
        let mut doc = records::get(db, RECORD, &project)?.unwrap_or_default();
        if doc.get("delete_status").is_none_or(|status| status != "scheduled") {
            return Ok(());
        }
        if let Some(container) = containers::find(db, &project)? {
            remove::erase(db, &container)?;
        }
        doc.insert("delete_status".into(), "completed".into());
        records::put(db, RECORD, &project, &doc)
    };
    if let Err(error) = files::making_room(&state, work).await {
        tracing::error!(%error, "a project could not be deleted in the background");
    }
}

/// Goes on with the deletions that a stop of the site interrupted.
pub(crate) async fn resume(state: &AppState) -> ApiResult<()> {
    let open = |db: &Connection| {
        let sql = "SELECT id FROM records WHERE kind = ? AND doc ->> '$.delete_status' = 'scheduled'";
        let mut statement = db.prepare(sql)?;
        let ids = statement.query_map([RECORD], |row| row.get::<_, String>(0))?;
        Ok(ids.collect::<Result<Vec<_>, _>>()?)
    };
    for project in state.store.read(open).await? {
        run(state.clone(), project).await;
    }
    Ok(())
}

/// `GET /projects/{id}/delete-status`: also of a project that is gone, for who had it deleted and for site administrators.
pub(crate) async fn status(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        require_object_id(&id)?;
        let doc = records::get(db, RECORD, &id)?;
        if containers::find(db, &id)?.is_some() {
            guard.container(db, &id)?;
        } else {
            let by = doc.as_ref().and_then(|doc| doc.get("by")).and_then(Value::as_str);
            if by != Some(guard.caller.id()) && !guard.caller.is_superuser() {
                return Err(containers::missing(Kind::Project, &id));
            }
        }
        match doc {
            Some(mut doc) => {
                doc.shift_remove("by");
                Ok(Value::Object(doc))
            }
            None if containers::find(db, &id)?.is_some() => {
                Ok(json!({"delete_status": "static", "delete_failure_reason": null}))
            }
            None => Err(ApiError::not_found(format!("Could not find resource project:{id}"))),
        }
    };
    state.store.read(work).await.map(Json)
}
