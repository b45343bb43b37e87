//! Changes of jobs: states, signs of life, profiles, priorities, and what a gear reads of its job.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
};
use flywheel_core::key::generate_key;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::{
    adding::PRIORITY,
    ask::key_inputs,
    lists::visible,
    show,
    states::{self, State as JobState},
    store::{self, Job},
};
use crate::{
    access::Action,
    accounts::users::host_of,
    auth::Caller,
    body::{JsonBody, Shape, TEXT, check, check_change, check_value, may, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    state::AppState,
    store::Doc,
};

const STATE: Shape = Shape::OneOf(&["pending", "scheduled", "running", "failed", "complete", "cancelled"]);

/// The answer to changes.
fn modified(count: usize) -> Json<Value> {
    Json(json!({"modified": count}))
}

/// 403 unless the caller may steer the job: engines and administrators, who manages others' jobs in its project, and who
/// asked for it.
pub(super) fn require_steering(db: &Connection, caller: &Caller, job: &Job) -> ApiResult<()> {
    let own = job.user() == Some(caller.id());
    show::require(db, caller, job, if own { Action::JobsManage } else { Action::JobsManageOthers })
}

/// `PUT /jobs/{id}`: people cancel, engines do the rest.
pub(super) async fn modify(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let fields = [may("state", STATE), may("failure_reason", TEXT), may("ngc", Shape::Bool)];
    let mut change = check_change(body, &fields)?;
    let next = change.remove("state").as_ref().and_then(Value::as_str).map(JobState::parse).transpose()?;
    let work = move |db: &Connection| {
        let mut job = store::get(db, &id)?;
        require_steering(db, &guard.caller, &job)?;
        if !guard.caller.is_superuser() && (next != Some(JobState::Cancelled) || !change.is_empty()) {
            return Err(ApiError::forbidden("Users may only cancel jobs").with("reason", "permission_denied"));
        }
        if next == Some(JobState::Running) && !guard.caller.is_device() {
            return Err(
                ApiError::forbidden("Only engines set jobs running").with("reason", "permission_denied")
            );
        }
        states::require_live(job.state()?)?;
        change.retain(|_, value| !value.is_null());
        job.doc.extend(change);
        match next {
            Some(next) => states::change(db, &mut job, next)?,
            None => store::save(db, &mut job)?,
        }
        Ok(modified(1))
    };
    state.store.write(work).await
}

/// `PUT /jobs/{id}/heartbeat`
pub(super) async fn heartbeat(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let mut job = store::get(db, &id)?;
        states::require_live(job.state()?)?;
        store::save(db, &mut job)?;
        Ok(modified(1))
    };
    state.store.write(work).await
}

/// What an engine may say of a run.
pub(super) const PROFILE: Shape = Shape::Object(&[
    may("elapsed_time_ms", Shape::Int),
    may("preparation_time_ms", Shape::Int),
    may("upload_time_ms", Shape::Int),
    may("versions", Shape::Any),
    may(
        "executor",
        Shape::Object(&[
            may("name", TEXT),
            may("host", TEXT),
            may("instance_type", TEXT),
            may("cpu_cores", Shape::Int),
            may("gpu", Shape::Bool),
            may("memory_bytes", Shape::Int),
            may("disk_bytes", Shape::Int),
            may("swap_bytes", Shape::Int),
        ]),
    ),
]);

/// Brings what an engine says of a run into the job's profile.
pub(super) fn merge_profile(job: &mut Job, given: &Value) {
    let profile = job.profile_mut();
    for (key, value) in given.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        match (profile.get_mut(key).and_then(Value::as_object_mut), value.as_object()) {
            (Some(known), Some(more)) => known.extend(more.clone()),
            _ => drop(profile.insert(key.clone(), value.clone())),
        }
    }
}

/// `PUT /jobs/{id}/profile`: at any time.
pub(super) async fn profile(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let given = check_value(body, &PROFILE)?;
    let work = move |db: &Connection| {
        let mut job = store::get(db, &id)?;
        merge_profile(&mut job, &given);
        store::save(db, &mut job)?;
        Ok(modified(1))
    };
    state.store.write(work).await
}

/// `PUT /jobs/priority`: of jobs that still wait; answers how many those are.
pub(super) async fn prioritise(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let given = check(body, &[must("job_ids", Shape::List(&TEXT)), must("priority", PRIORITY)])?;
    let work = move |db: &Connection| {
        let ids = given.get("job_ids").and_then(Value::as_array).into_iter().flatten();
        let mut count = 0;
        for id in ids.filter_map(Value::as_str) {
            let mut job = store::get(db, id)?;
            require_steering(db, &guard.caller, &job)?;
            if job.state()? == JobState::Pending {
                job.doc.insert("priority".into(), given.get("priority").cloned().unwrap_or_default());
                store::save(db, &mut job)?;
                count += 1;
            }
        }
        Ok(modified(count))
    };
    state.store.write(work).await
}

/// The ids of a bulk call: a list, or `{job_ids: [...]}`.
pub(super) fn bulk_ids(body: Value) -> ApiResult<Vec<String>> {
    let list = match body {
        Value::Object(_) => {
            let mut given: Doc = check(body, &[must("job_ids", Shape::List(&TEXT))])?;
            given.remove("job_ids").unwrap_or_default()
        }
        list => list,
    };
    crate::body::check_texts(list, &TEXT)
}

/// `PUT /jobs/cancel/bulk`: those that are over stay as they are.
pub(super) async fn cancel_many(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let ids = bulk_ids(body)?;
    let work = move |db: &Connection| {
        let mut count = 0;
        for id in &ids {
            let mut job = store::get(db, id)?;
            require_steering(db, &guard.caller, &job)?;
            if !job.state()?.is_over() {
                states::change(db, &mut job, JobState::Cancelled)?;
                count += 1;
            }
        }
        Ok(modified(count))
    };
    state.store.write(work).await
}

/// Cancels the jobs of a batch that still wait. Answers how many those were.
///
/// # Errors
/// When the database fails.
pub(crate) fn cancel_waiting(db: &Connection, batch: &str) -> ApiResult<usize> {
    let mut count = 0;
    for mut job in store::of_batch(db, batch)? {
        if matches!(job.state()?, JobState::Pending | JobState::Scheduled) {
            states::change(db, &mut job, JobState::Cancelled)?;
            count += 1;
        }
    }
    Ok(count)
}

/// `GET /jobs/{id}/config.json`: what the gear reads. An engine that asks while the job runs gets the keys with it.
pub(super) async fn config(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let (host, superuser) = (host_of(&headers), guard.caller.is_superuser());
    let work = move |db: &Connection| {
        let job = visible(db, &guard, &id)?;
        let mut config = job.doc.get("config").cloned().unwrap_or_else(|| json!({}));
        let engine = superuser && job.state()? == JobState::Running;
        let mut inputs = config.get("inputs").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
        for (name, read_only) in key_inputs(db, &job)? {
            let mut input = json!({"base": "api-key"});
            if engine {
                let secret = generate_key();
                store::add_key(db, &job.id, &secret, read_only)?;
                input["key"] = format!("{host}:{secret}").into();
            }
            inputs.insert(name, input);
        }
        config["inputs"] = inputs.into();
        Ok(Json(config))
    };
    if superuser { state.store.write(work).await } else { state.store.read(work).await }
}
