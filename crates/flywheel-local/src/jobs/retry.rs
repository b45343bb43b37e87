//! Second attempts: a new job in the place of one that failed.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    changing::{bulk_ids, require_steering},
    order::may_name_provider,
    states::State as JobState,
    store::{self, Job, KEYED, OUTPUTS, TICKET},
};
use crate::{
    auth::Caller,
    batches,
    body::JsonBody,
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    providers,
    query::Params,
    state::AppState,
    store::{Doc, containers, files, new_id, now, records},
};

/// How often the site tries a job before it gives up.
pub(super) const MOST_ATTEMPTS: i64 = 3;

/// The record of what the site does with its jobs by itself.
const SETTINGS: (&str, &str) = ("site", "jobs");

/// Says, for as long as nobody says otherwise, whether the site tries jobs again that failed.
///
/// # Errors
/// When the database fails.
pub(crate) fn set_after_failure(db: &Connection, on: bool) -> ApiResult<()> {
    let settings = Doc::from_iter([("retry_on_fail".to_owned(), on.into())]);
    records::put(db, SETTINGS.0, SETTINGS.1, &settings)
}

/// Whether the site tries jobs again that failed.
pub(super) fn after_failure(db: &Connection) -> ApiResult<bool> {
    let settings = records::get(db, SETTINGS.0, SETTINGS.1)?.unwrap_or_default();
    Ok(settings.get("retry_on_fail").and_then(Value::as_bool).unwrap_or(false))
}

/// The fields of an attempt that the next begins without.
const OF_ONE_ATTEMPT: [&str; 10] = [
    "request",
    "retried",
    "failure_reason",
    "produced_metadata",
    "failed_output_accepted",
    "ngc",
    TICKET,
    "transitions",
    "profile",
    "saved_files",
];

/// Queues a job once more, for another compute provider where one is named. Answers the new one.
fn again(db: &Connection, job: &mut Job, provider: Option<&str>) -> ApiResult<Job> {
    let (id, time) = (new_id(), now());
    let mut doc: Doc = job.doc.clone();
    OF_ONE_ATTEMPT.iter().for_each(|&key| drop(doc.shift_remove(key)));
    let attempt = doc.get("attempt").and_then(Value::as_i64).unwrap_or(1) + 1;
    let original = doc.get("original_job_id").cloned().unwrap_or_else(|| job.id.clone().into());
    let sizes = job.doc.get("profile").map(|profile| {
        let kept = ["total_input_files", "total_input_size_bytes"];
        let kept = kept.iter().filter_map(|&key| Some((key.to_owned(), profile.get(key)?.clone())));
        Value::Object(kept.collect())
    });
    let fresh = json!({
        "_id": id, "attempt": attempt, "previous_job_id": job.id, "original_job_id": original, "created": time,
        "modified": time, "state": "pending", "transitions": {"pending": time}, "saved_files": [],
        "failed_output_accepted": false, "profile": sizes, OUTPUTS: [],
    });
    doc.extend(fresh.as_object().cloned().unwrap_or_default());
    if let Some(named) = provider {
        let provider = providers::computing(db, Some(named), None)?;
        doc.insert("compute_provider_id".into(), provider.get("_id").cloned().unwrap_or_default());
    }
    if let Some(shown) = doc.get_mut("config").and_then(|config| config.get_mut("job")) {
        *shown = json!({"id": id});
    }
    let next = Job { id, doc };
    store::insert(db, &next)?;
    job.doc.insert("retried".into(), time.into());
    store::save(db, job)?;
    repoint_analysis(db, job, &next)?;
    if let Some(batch) = next.doc.get("batch").and_then(Value::as_str) {
        batches::reconsider(db, batch)?;
    }
    Ok(next)
}

/// The analysis of a job belongs to its newest attempt.
fn repoint_analysis(db: &Connection, job: &Job, next: &Job) -> ApiResult<()> {
    let Some(mut analysis) = analysis_of(db, job)? else { return Ok(()) };
    analysis.doc.insert("job".into(), next.id.clone().into());
    containers::save(db, &mut analysis)
}

fn analysis_of(db: &Connection, job: &Job) -> ApiResult<Option<containers::Container>> {
    if job.inner("destination", "type") != Kind::Analysis.singular() {
        return Ok(None);
    }
    containers::find(db, job.inner("destination", "id"))
}

/// Tries a job again that failed, while attempts remain and what it writes to is there.
pub(super) fn by_itself(db: &Connection, job: &mut Job) -> ApiResult<()> {
    let attempts = job.doc.get("attempt").and_then(Value::as_i64).unwrap_or(1);
    let there = containers::find(db, job.inner("destination", "id"))?.is_some();
    if attempts < MOST_ATTEMPTS && there && !is_retried(job) {
        again(db, job, None)?;
    }
    Ok(())
}

fn is_retried(job: &Job) -> bool {
    job.doc.get("retried").is_some_and(|time| !time.is_null())
}

/// Tries a job again because somebody asks for it.
fn asked_for(
    db: &Connection,
    caller: &Caller,
    id: &str,
    ignore_state: bool,
    provider: Option<&str>,
) -> ApiResult<Job> {
    let mut job = store::get(db, id)?;
    require_steering(db, caller, &job)?;
    may_name_provider(caller, provider)?;
    let state = job.state()?;
    if matches!(state, JobState::Pending | JobState::Scheduled | JobState::Running) {
        return Err(ApiError::conflict(format!(
            "Job {id} is {}: it cannot be tried again yet",
            state.name()
        )));
    }
    if state != JobState::Failed && !ignore_state {
        let message = format!("Job {id} is {}: only failed jobs are tried again", state.name());
        return Err(ApiError::conflict(message));
    }
    if is_retried(&job) {
        return Err(ApiError::conflict(format!("Job {id} was tried again already")));
    }
    let keyed = job.doc.get(KEYED).and_then(Value::as_bool).unwrap_or(false);
    if keyed && !caller.is_superuser() && job.user().is_some_and(|user| user != caller.id()) {
        let message = "The gear is given a key: only who asked for the job may try it again";
        return Err(ApiError::forbidden(message).with("reason", "permission_denied"));
    }
    containers::find(db, job.inner("destination", "id"))?
        .ok_or_else(|| ApiError::conflict(format!("The destination of job {id} is gone")))?;
    if let Some(analysis) = analysis_of(db, &job)?
        && !caller.is_superuser()
        && !files::of_container(db, &analysis.id)?.is_empty()
    {
        let message = "The analysis has outputs: only a site administrator may run it again";
        return Err(ApiError::forbidden(message).with("reason", "permission_denied"));
    }
    again(db, &mut job, provider)
}

/// `POST /jobs/{id}/retry?ignoreState=&computeProviderId=`
pub(super) async fn post(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let ignore = params.flag("ignoreState") || params.flag("ignore_state");
    let provider = params.get("computeProviderId").or_else(|| params.get("compute_provider_id"));
    let provider = provider.filter(|id| !id.is_empty()).map(str::to_owned);
    let work = move |db: &Connection| {
        let next = asked_for(db, &guard.caller, &id, ignore, provider.as_deref())?;
        Ok(Json(json!({"_id": next.id})))
    };
    state.store.write(work).await
}

/// `PUT /jobs/retry/bulk`: all of them or none.
pub(super) async fn many(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let ids = bulk_ids(body)?;
    let work = move |db: &Connection| {
        for id in &ids {
            asked_for(db, &guard.caller, id, false, None)?;
        }
        Ok(Json(json!({"modified": ids.len()})))
    };
    state.store.write(work).await
}
