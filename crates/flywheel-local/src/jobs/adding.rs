//! `POST /jobs/add`, and what a job's body may say.

use axum::{Json, extract::State};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::order::{Asker, Order, enqueue, prepare};
use crate::{
    body::{Field, JsonBody, Shape, TEXT, check, may, must},
    error::ApiResult,
    guard::Guard,
    state::AppState,
    store::Doc,
};

/// The priorities of jobs, least first.
pub(crate) const PRIORITY: Shape = Shape::OneOf(&["low", "medium", "high", "critical"]);

/// What a job's body may say. The parts that only the site knows are taken and passed over.
const FIELDS: [Field; 16] = [
    must("gear_id", Shape::Text(1, 256)),
    may("inputs", Shape::Any),
    may("destination", Shape::Any),
    may("config", Shape::Any),
    may("tags", Shape::List(&TEXT)),
    may("priority", PRIORITY),
    may("label", TEXT),
    may("compute_provider_id", TEXT),
    may("batch", TEXT),
    may("attempt", Shape::Int),
    may("origin", Shape::Any),
    may("parents", Shape::Any),
    may("role_id", TEXT),
    may("rule_id", TEXT),
    may("previous_job_id", TEXT),
    may("original_job_id", TEXT),
];

/// Reads the body of a job.
///
/// # Errors
/// 422 for a body that is none.
pub(crate) fn read(body: Value) -> ApiResult<Order> {
    let mut doc = check(body, &FIELDS)?;
    let object = |value: Option<Value>, name: &str| match value {
        None | Some(Value::Null) => Ok(Doc::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(other) => check(other, &[]).map_err(|error| error.with("key", name)),
    };
    let text = |value: Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
    let tags = doc.remove("tags").unwrap_or_default();
    let mut inputs = object(doc.remove("inputs"), "inputs")?;
    inputs.retain(|_, reference| !reference.is_null());
    Ok(Order {
        gear_id: text(doc.remove("gear_id")).unwrap_or_default(),
        inputs,
        destination: doc.remove("destination").filter(|destination| !destination.is_null()),
        config: object(doc.remove("config"), "config")?,
        tags: tags.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        priority: text(doc.remove("priority")),
        label: text(doc.remove("label")).unwrap_or_default(),
        compute_provider_id: text(doc.remove("compute_provider_id")),
        ..Order::default()
    })
}

/// `POST /jobs/add`
pub(super) async fn post(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let order = read(body)?;
    let work = move |db: &Connection| {
        let job = enqueue(db, Asker::Caller(&guard.caller), order)?;
        Ok(Json(json!({"_id": job.id})))
    };
    state.store.write(work).await
}

/// `POST /jobs/determine_provider`: where the job would run.
pub(super) async fn provider(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let order = read(body)?;
    let work = move |db: &Connection| {
        let mut provider = prepare(db, Asker::Caller(&guard.caller), order)?.provider(db)?;
        provider.insert("creds".into(), json!({}));
        provider.insert("origin".into(), json!({"type": "system", "id": null}));
        Ok(Json(provider.into()))
    };
    state.store.read(work).await
}
