//! A batch that is run, cancelled, shown.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{RECORD, matching};
use crate::{
    auth::Caller,
    containers::analyses,
    error::{ApiError, ApiResult},
    gears::store as gears,
    guard::Guard,
    jobs::{self, Asker, Order, State as JobState},
    kind::Kind,
    query::Params,
    state::AppState,
    store::{Doc, containers, now, records},
};

fn text<'a>(doc: &'a Doc, key: &str) -> &'a str {
    doc.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The batch of this id, when the caller proposed it or administers the site.
fn find(db: &Connection, caller: &Caller, id: &str) -> ApiResult<Doc> {
    let batch = records::get(db, RECORD, id)?
        .ok_or_else(|| ApiError::not_found(format!("Could not find resource batch:{id}")))?;
    if caller.is_superuser() || is_own(caller, &batch) {
        return Ok(batch);
    }
    Err(ApiError::forbidden("A batch is for who proposed it").with("reason", "permission_denied"))
}

fn is_own(caller: &Caller, batch: &Doc) -> bool {
    batch.get("origin").is_some_and(|origin| origin == &caller.origin())
}

fn save(db: &Connection, batch: &mut Doc) -> ApiResult<()> {
    batch.insert("modified".into(), now().into());
    let id = text(batch, "_id").to_owned();
    records::put(db, RECORD, &id, batch)
}

/// The batch without what only the site needs.
fn shown(mut batch: Doc) -> Doc {
    ["_matched", "proposal", "tags", "priority", "analysis", "compute_provider_id", "optional_input_policy"]
        .iter()
        .for_each(|&key| drop(batch.shift_remove(key)));
    batch
}

/// `GET /batch`: the caller's own; everybody's for administrators.
pub(super) async fn all(guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let caller = &guard.caller;
        let batches = records::all(db, RECORD)?.into_iter();
        let seen = batches.filter(|batch| caller.is_superuser() || is_own(caller, batch));
        Ok(Json(seen.map(|batch| Value::Object(shown(batch))).collect()))
    };
    state.store.read(work).await
}

/// `GET /batch/{id}?jobs=`: with `jobs`, the jobs themselves instead of their ids, and how many are in each state.
pub(super) async fn get(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let mut batch = shown(find(db, &guard.caller, &id)?);
        if params.flag("jobs") {
            let list = jobs::store::of_batch(db, &id)?;
            let mut stats = json!({});
            for state in JobState::ALL {
                let count = list.iter().filter(|job| job.text("state") == state.name()).count();
                stats[state.name()] = count.into();
            }
            batch.insert("jobs".into(), list.into_iter().map(jobs::plain).collect());
            batch.insert("stats".into(), stats);
        }
        Ok(Json(batch.into()))
    };
    state.store.read(work).await
}

/// `POST /batch/{id}/run`: queues a job for each match, or those made beforehand. All of them or none.
pub(super) async fn run(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let mut batch = find(db, &guard.caller, &id)?;
        if text(&batch, "state") != "pending" {
            return Err(ApiError::bad_request(format!(
                "The batch is {}: it can be run once",
                text(&batch, "state")
            )));
        }
        let ids = match batch.get("proposal").and_then(|proposal| proposal.get("preconstructed_jobs")) {
            Some(list) => premade(db, &guard.caller, &id, list)?,
            None => matched(db, &guard.caller, &batch)?,
        };
        batch.insert("jobs".into(), ids.clone().into());
        batch.insert("state".into(), "running".into());
        save(db, &mut batch)?;
        let made = ids.iter().map(|id| jobs::whole(db, jobs::store::get(db, id)?));
        Ok(Json(made.collect::<ApiResult<Vec<_>>>()?.into()))
    };
    state.store.write(work).await
}

fn premade(db: &Connection, caller: &Caller, batch: &str, list: &Value) -> ApiResult<Vec<String>> {
    let jobs = list.as_array().into_iter().flatten().enumerate().map(|(number, job)| {
        let queued = jobs::read(job.clone()).and_then(|order| {
            let order = Order { batch: Some(batch.to_owned()), ..order };
            jobs::enqueue(db, Asker::Caller(caller), order)
        });
        queued.map(|job| job.id).map_err(|error| error.prefixed(&format!("Job {number}: ")))
    });
    jobs.collect()
}

fn matched(db: &Connection, caller: &Caller, batch: &Doc) -> ApiResult<Vec<String>> {
    let is_analysis = gears::get(db, text(batch, "gear_id"))?.is_analysis();
    let mut ids = Vec::new();
    for entry in batch.get("_matched").and_then(Value::as_array).into_iter().flatten() {
        let container = matching::container(db, entry["id"].as_str().unwrap_or_default())?;
        let order = order(batch, entry);
        if !is_analysis {
            let order = Order { destination: Some(container.reference()), ..order };
            ids.push(jobs::enqueue(db, Asker::Caller(caller), order)?.id);
            continue;
        }
        // Analyses of acquisitions belong to their session, as people look for them there.
        let parent = match container.kind {
            Kind::Acquisition => container.ancestor(Kind::Session).map(str::to_owned),
            _ => None,
        };
        let parent = parent.map_or(Ok(container), |session| containers::get(db, Kind::Session, &session))?;
        crate::access::authorize(db, caller, &parent, crate::access::Action::AnalysesCreateJob)?;
        ids.push(analyses::add_with_job(db, caller, &parent, analysis(batch), order)?.1);
    }
    Ok(ids)
}

/// What the batch asks for on one match.
fn order(batch: &Doc, entry: &Value) -> Order {
    let map = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
    let given = |key: &str| batch.get(key).and_then(Value::as_str).map(str::to_owned);
    let tags = batch.get("tags").and_then(Value::as_array).into_iter().flatten();
    Order {
        gear_id: text(batch, "gear_id").to_owned(),
        inputs: map(entry.get("inputs")),
        config: map(batch.get("config")),
        tags: tags.filter_map(Value::as_str).map(str::to_owned).collect(),
        priority: given("priority"),
        compute_provider_id: given("compute_provider_id"),
        batch: given("_id"),
        ..Order::default()
    }
}

/// The analysis that the batch asks for on each match.
fn analysis(batch: &Doc) -> Doc {
    let given = batch.get("analysis").and_then(Value::as_object).cloned().unwrap_or_default();
    let kept = ["label", "description", "info"];
    let mut doc: Doc =
        given.into_iter().filter(|(key, value)| kept.contains(&key.as_str()) && !value.is_null()).collect();
    doc.entry("label").or_insert_with(|| "Batch analysis".into());
    doc
}

/// `POST /batch/{id}/cancel`: jobs that wait are cancelled, those that run go on.
pub(super) async fn cancel(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let mut batch = find(db, &guard.caller, &id)?;
        if text(&batch, "state") != "running" {
            let message = format!("The batch is {}: only one that runs is cancelled", text(&batch, "state"));
            return Err(ApiError::bad_request(message));
        }
        batch.insert("state".into(), "cancelled".into());
        save(db, &mut batch)?;
        let cancelled = jobs::cancel_waiting(db, &id)?;
        Ok(Json(json!({"number_cancelled": cancelled})))
    };
    state.store.write(work).await
}

/// Brings the state of a batch in step with its jobs: it runs while one of them does or waits, and is complete in the end
/// unless all of them failed. One that was cancelled stays so.
///
/// # Errors
/// When the database fails.
pub(crate) fn reconsider(db: &Connection, id: &str) -> ApiResult<()> {
    let Some(mut batch) = records::get(db, RECORD, id)? else { return Ok(()) };
    let list = jobs::store::of_batch(db, id)?;
    let ids: Vec<Value> = list.iter().map(|job| job.id.clone().into()).collect();
    if matches!(text(&batch, "state"), "cancelled" | "pending") {
        return Ok(());
    }
    let over = |name: &str| JobState::parse(name).is_ok_and(JobState::is_over);
    let state = if list.iter().any(|job| !over(job.text("state"))) {
        "running"
    } else if list.iter().any(|job| job.text("state") != JobState::Failed.name()) {
        "complete"
    } else {
        "failed"
    };
    if text(&batch, "state") != state || batch.get("jobs") != Some(&Value::from(ids.clone())) {
        batch.insert("state".into(), state.into());
        batch.insert("jobs".into(), ids.into());
        save(db, &mut batch)?;
    }
    Ok(())
}
