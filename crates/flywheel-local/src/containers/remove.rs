//! Deleting containers, one or a list. Deleted things vanish from every read; their rows stay.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use flywheel_core::id::ObjectId;
use http::StatusCode;
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};

use crate::{
    access::{self, Action},
    auth::Caller,
    body::{JsonBody, Shape, check_texts},
    changes,
    error::{ApiError, ApiResult},
    files,
    guard::Guard,
    kind::Kind,
    projects,
    query::Params,
    state::AppState,
    store::containers::{self, Container},
};

/// The reasons that a deletion may give.
pub(crate) const REASONS: &[&str] = &[
    "duplicate_data",
    "data_is_not_part_of_study",
    "data_incomplete_or_corrupt",
    "data_structured_incorrectly",
    "data_has_been_exported_or_moved",
    "container_is_empty",
    "analysis_or_processing_failed_or_cancelled",
    "compliance_consent_withdrawn",
    "compliance_phi",
    "compliance_data_policy",
    "test_data",
    "packfile_cleanup",
];

/// 422 for a `delete_reason` that is none.
pub(crate) fn check_reason(params: &Params) -> ApiResult<()> {
    match params.get("delete_reason").filter(|reason| !reason.is_empty()) {
        Some(reason) if !REASONS.contains(&reason) => Err(ApiError::unprocessable(format!(
            "{reason:?} is no delete_reason: use one of {}",
            REASONS.join(", ")
        ))),
        _ => Ok(()),
    }
}

/// `DELETE /{kind}/{id}` and `DELETE /containers/{id}`; of a project also in the background. `check=true` only asks.
pub(crate) async fn one(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    check_reason(&params)?;
    let (background, only_asking) = (params.flag("background"), params.flag("check"));
    let reason = params.get("delete_reason").map(str::to_owned);
    let named = id.clone();
    let work = move |db: &Connection| {
        let mut container = guard.container(db, &id)?;
        if only_asking {
            may_remove(db, &guard.caller, &container)?;
            return Ok(Outcome::WouldDo);
        }
        if background && container.kind == Kind::Project {
            projects::schedule(db, &guard.caller, &mut container)?;
            return Ok(Outcome::Scheduled);
        }
        remove(db, &guard.caller, &container)?;
        changes::give_reason(db, &container.id, reason.as_deref())?;
        Ok(Outcome::Done)
    };
    match files::making_room(&state, work).await? {
        Outcome::WouldDo => Ok(Json(json!({"deleted": 0})).into_response()),
        Outcome::Scheduled => {
            tokio::spawn(projects::run(state.clone(), named));
            let answer = Json(json!({"deleted": 0, "delete_scheduled": 1}));
            Ok((StatusCode::ACCEPTED, answer).into_response())
        }
        Outcome::Done => Ok(Json(json!({"deleted": 1})).into_response()),
    }
}

/// What came of a call that deletes.
enum Outcome {
    /// It is deleted.
    Done,
    /// It will be, in the background.
    Scheduled,
    /// It would be: with `check`, older clients ask beforehand.
    WouldDo,
}

/// `DELETE /{kind}` with a list of ids
pub(crate) async fn many(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    check_reason(&params)?;
    let ids = check_texts(body, &Shape::Text(1, 256))?;
    let work = move |db: &Connection| {
        let kind = guard.kind()?;
        let (mut deleted, mut missing) = (0, 0);
        for id in ids {
            let known = kind == Kind::Group || ObjectId::is_id(&id);
            match containers::find(db, &id)?.filter(|found| known && found.kind == kind) {
                None => missing += 1,
                Some(_) => {
                    let container = guard.container(db, &id)?;
                    remove(db, &guard.caller, &container)?;
                    changes::give_reason(db, &container.id, params.get("delete_reason"))?;
                    deleted += 1;
                }
            }
        }
        Ok(json!({"deleted": deleted, "not_found": missing}))
    };
    files::making_room(&state, work).await.map(Json)
}

/// Deletes a container that the caller may delete, unless what it holds forbids it.
pub(crate) fn remove(db: &Connection, caller: &Caller, container: &Container) -> ApiResult<()> {
    may_remove(db, caller, container)?;
    erase(db, container)
}

fn may_remove(db: &Connection, caller: &Caller, container: &Container) -> ApiResult<()> {
    access::lock::refuse(db, container)?;
    refuse(db, caller, container)
}

/// Says what in a container forbids its deletion.
///
/// # Errors
/// 400 for a group that still has projects, 403 for original data and for inputs of analyses.
pub(crate) fn refuse(db: &Connection, caller: &Caller, container: &Container) -> ApiResult<()> {
    if container.kind == Kind::Group {
        if containers::count_children(db, &container.id, Kind::Project)? > 0 {
            return Err(ApiError::bad_request("The group still has projects: delete or move them first"));
        }
        return Ok(());
    }
    refuse_original_data(db, caller, container)?;
    refuse_inputs(db, container)
}

/// Deletes a container with everything below it, whatever it holds.
pub(crate) fn erase(db: &Connection, container: &Container) -> ApiResult<()> {
    if container.kind == Kind::Collection {
        db.prepare_cached("DELETE FROM collected WHERE collection_id = ?")?.execute([&container.id])?;
    }
    if matches!(container.kind, Kind::Group | Kind::Project | Kind::Collection) {
        db.prepare_cached("DELETE FROM grants WHERE container_id = ?")?.execute([&container.id])?;
    }
    containers::delete_tree(db, &container.id)?;
    if container.kind == Kind::Group {
        return forget_group(db, &container.id);
    }
    Ok(())
}

/// A group's id is its name: once it is deleted the name is free again, so the row makes way under a name that no
/// group can have, and what was ever below it follows.
fn forget_group(db: &Connection, id: &str) -> ApiResult<()> {
    let grave = format!("{id}~{}", crate::store::new_id());
    db.execute_batch("PRAGMA defer_foreign_keys = ON")?;
    db.prepare_cached(
        "UPDATE containers SET doc = json_set(doc, '$.parents.group', ?) WHERE group_id = ? AND kind <> 1",
    )?
    .execute((&grave, id))?;
    db.prepare_cached("UPDATE containers SET id = ?, doc = json_set(doc, '$._id', ?) WHERE id = ?")?
        .execute((&grave, &grave, id))?;
    Ok(())
}

const TREE: &str = "WITH RECURSIVE tree (id) AS (
        SELECT ?1 UNION SELECT c.id FROM containers c JOIN tree t ON c.parent_id = t.id WHERE c.deleted IS NULL)
    SELECT id FROM tree";

/// Data that came neither from a user nor from a job may not be had again: deleting it takes an own action.
fn refuse_original_data(db: &Connection, caller: &Caller, container: &Container) -> ApiResult<()> {
    if access::allowed(db, caller, container, Action::FilesDeleteDeviceData)? {
        return Ok(());
    }
    let sql = format!(
        "SELECT 1 FROM files f WHERE f.current AND f.parent_id IN ({TREE})
         AND coalesce(f.doc ->> '$.origin.type', 'unknown') NOT IN ('user', 'job') LIMIT 1"
    );
    let original = db.prepare_cached(&sql)?.query_row([&container.id], |_| Ok(())).optional()?;
    if original.is_none() {
        return Ok(());
    }
    let message =
        format!("The {} holds original data: deleting it needs files_delete_device_data", container.kind);
    Err(ApiError::forbidden(message).with("reason", "original_data_present"))
}

/// What a living analysis outside of the container took as input stays.
fn refuse_inputs(db: &Connection, container: &Container) -> ApiResult<()> {
    let sql = format!(
        "SELECT a.id FROM files f
         JOIN analysis_inputs i ON i.file_id = f.file_id
         JOIN containers a ON a.id = i.analysis_id
         WHERE f.current AND f.parent_id IN ({TREE}) AND a.deleted IS NULL AND a.id NOT IN ({TREE}) LIMIT 1"
    );
    let user: Option<String> =
        db.prepare_cached(&sql)?.query_row([&container.id], |row| row.get(0)).optional()?;
    match user {
        None => Ok(()),
        Some(analysis) => {
            let message =
                format!("The {} holds inputs of the analysis {analysis}: delete that first", container.kind);
            Err(ApiError::forbidden(message).with("reason", "analysis_conflict"))
        }
    }
}

/// The living analysis that took a file as input, if there is one.
pub(crate) fn analysis_using(db: &Connection, file_id: &str) -> ApiResult<Option<String>> {
    let sql = "SELECT a.id FROM analysis_inputs i JOIN containers a ON a.id = i.analysis_id
               WHERE i.file_id = ? AND a.deleted IS NULL LIMIT 1";
    Ok(db.prepare_cached(sql)?.query_row([file_id], |row| row.get(0)).optional()?)
}
