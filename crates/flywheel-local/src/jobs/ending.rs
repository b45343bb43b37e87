//! The end of a job: the ticket of an engine that is about to hand outputs in, and what becomes of the job.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    changing::{PROFILE, merge_profile},
    retry,
    states::{self, State as JobState},
    store::{self, Job, TICKET},
};
use crate::{
    body::{JsonBody, Shape, TEXT, check, may, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    query::Params,
    route::nothing,
    state::AppState,
    store::new_id,
};

/// `POST` or `PUT /jobs/{id}/prepare-complete`: from now on the job does not count as lost.
pub(super) async fn prepare(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let mut job = store::get(db, &id)?;
        require_running(&job)?;
        let ticket = new_id();
        job.doc.insert(TICKET.into(), ticket.clone().into());
        store::save(db, &mut job)?;
        Ok(Json(json!({"ticket": ticket})))
    };
    state.store.write(work).await
}

/// 400 for a job that is over, 409 for one that does not run yet.
pub(super) fn require_running(job: &Job) -> ApiResult<()> {
    let state = job.state()?;
    states::require_live(state)?;
    if state == JobState::Running {
        return Ok(());
    }
    Err(ApiError::conflict(format!("Job {} is {}: it has to run first", job.id, state.name())))
}

/// 400 for a ticket that is not the job's.
pub(super) fn check_ticket(job: &Job, ticket: Option<&str>) -> ApiResult<()> {
    match ticket.filter(|ticket| !ticket.is_empty()) {
        Some(ticket) if ticket != job.text(TICKET) => {
            Err(ApiError::bad_request(format!("The ticket {ticket} is not of job {}", job.id)))
        }
        _ => Ok(()),
    }
}

/// `POST` or `PUT /jobs/{id}/complete?job_ticket_id=`
pub(super) async fn complete(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let fields = [must("success", Shape::Bool), may("failure_reason", TEXT), may("profile", PROFILE)];
    let given = check(body, &fields)?;
    let ticket = params.get("job_ticket_id").map(str::to_owned);
    let work = move |db: &Connection| {
        let mut job = store::get(db, &id)?;
        require_running(&job)?;
        check_ticket(&job, ticket.as_deref())?;
        if let Some(profile) = given.get("profile") {
            merge_profile(&mut job, profile);
        }
        let success = given.get("success").and_then(Value::as_bool).unwrap_or(false);
        if let Some(reason) = given.get("failure_reason").filter(|reason| !success && reason.is_string()) {
            job.doc.insert("failure_reason".into(), reason.clone());
        }
        list_outputs(db, &job)?;
        finish(db, &mut job, if success { JobState::Complete } else { JobState::Failed })?;
        Ok(nothing())
    };
    state.store.write(work).await
}

/// The last lines of the log: what was saved.
fn list_outputs(db: &Connection, job: &Job) -> ApiResult<()> {
    let saved = job.doc.get("saved_files").and_then(Value::as_array).into_iter().flatten();
    for name in saved.filter_map(Value::as_str) {
        store::add_log(db, &job.id, -1, &format!("Saved {name}\n"))?;
    }
    Ok(())
}

/// Ends a job that ran. One that failed is tried again when the site does so by itself.
pub(super) fn finish(db: &Connection, job: &mut Job, end: JobState) -> ApiResult<()> {
    job.doc.shift_remove(TICKET);
    states::change(db, job, end)?;
    if end == JobState::Failed && retry::after_failure(db)? {
        retry::by_itself(db, job)?;
    }
    Ok(())
}
