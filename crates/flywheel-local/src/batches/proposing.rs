//! Proposals: a gear on targets, with what would match; and jobs made beforehand.

use axum::{Json, extract::State};
use flywheel_core::gear::{Base, Manifest};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    RECORD,
    matching::{self, Match, Policy},
};
use crate::{
    access::{self, Action},
    auth::Caller,
    body::{Field, JsonBody, Shape, TEXT, check, may, must},
    error::{ApiError, ApiResult},
    gears::{series, store as gears},
    guard::Guard,
    jobs::{self, Asker},
    kind::Kind,
    present::{self, Shape as View},
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        new_id, now, records,
    },
};

const REFERENCE: Shape = Shape::Object(&[must("type", TEXT), must("id", TEXT)]);

const ANALYSIS: Shape = Shape::Object(&[
    may("label", TEXT),
    may("description", TEXT),
    may("info", Shape::Info),
    may("job", Shape::Any),
    may("inputs", Shape::Any),
    may("compute_provider_id", TEXT),
]);

const FIELDS: [Field; 10] = [
    must("gear_id", TEXT),
    must("targets", Shape::List(&REFERENCE)),
    may("target_context", REFERENCE),
    may("priority", jobs::PRIORITY),
    may("config", Shape::Any),
    may("tags", Shape::List(&TEXT)),
    may("analysis", ANALYSIS),
    may("optional_input_policy", Shape::OneOf(&["ignored", "flexible", "required"])),
    may("compute_provider_id", TEXT),
    may("container_type", Shape::OneOf(&["project", "subject", "session", "acquisition"])),
];

/// `POST /batch`
pub(super) async fn propose(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let asked = check(body, &FIELDS)?;
    state.store.write(move |db| proposal(db, &guard.caller, asked).map(Json)).await
}

fn text<'a>(doc: &'a Doc, key: &str) -> Option<&'a str> {
    doc.get(key).and_then(Value::as_str)
}

fn proposal(db: &Connection, caller: &Caller, mut asked: Doc) -> ApiResult<Value> {
    let gear = gears::get(db, text(&asked, "gear_id").unwrap_or_default())?;
    let manifest = gear.manifest()?;
    if gear.is_disabled() || manifest.invalid().is_some() {
        return Err(ApiError::bad_request("Gear marked as invalid, will not run!"));
    }
    series::require(db, caller, gear.name(), None)?;
    let config = jobs::complete_config(&manifest, &object(asked.remove("config")))?;
    let policy = policy(&manifest, &asked)?;
    let collection = collection(db, caller, &asked)?;
    let targets = asked.get("targets").and_then(Value::as_array).cloned().unwrap_or_default();
    let level = level(&manifest, &asked);
    let found = matching::expand(db, caller, &targets, level, collection.as_deref())?;
    let Sorted { matched, ambiguous, not_matched, improper } = sort(db, caller, &manifest, policy, found)?;
    let (id, time) = (new_id(), now());
    let mut answer = json!({
        "gear_id": gear.id, "config": config, "optional_input_policy": policy.name(), "origin": caller.origin(),
        "matched": shown_matches(db, caller, &matched)?, "ambiguous": shown(db, caller, ambiguous)?,
        "not_matched": shown(db, caller, not_matched)?, "improper_permissions": improper,
    });
    if matched.is_empty() {
        return Ok(answer);
    }
    for (key, value) in [("_id", id.as_str()), ("state", "pending"), ("created", &time), ("modified", &time)]
    {
        answer[key] = value.into();
    }
    let mut record = json!({
        "_id": id, "gear_id": gear.id, "state": "pending", "origin": caller.origin(), "config": config,
        "optional_input_policy": policy.name(), "created": time, "modified": time, "jobs": [],
        "_matched": matched.into_iter().map(|(container, inputs)| json!({"id": container.id, "inputs": inputs})).collect::<Vec<_>>(),
    });
    for key in ["tags", "priority", "analysis", "compute_provider_id"] {
        if let Some(value) = asked.remove(key).filter(|value| !value.is_null()) {
            record[key] = value;
        }
    }
    records::put(db, RECORD, &id, &object(Some(record)))?;
    Ok(answer)
}

fn object(value: Option<Value>) -> Doc {
    match value {
        Some(Value::Object(map)) => map,
        _ => Doc::new(),
    }
}

/// What becomes of optional inputs; a gear that has some needs to be told.
fn policy(manifest: &Manifest, asked: &Doc) -> ApiResult<Policy> {
    match text(asked, "optional_input_policy").and_then(Policy::parse) {
        Some(policy) => Ok(policy),
        None if manifest.inputs().any(|input| input.base() == Base::File && input.is_optional()) => {
            let message = "The gear has optional inputs: say in optional_input_policy what becomes of them";
            Err(ApiError::bad_request(message))
        }
        None => Ok(Policy::Ignored),
    }
}

/// The collection that the targets are limited to.
fn collection(db: &Connection, caller: &Caller, asked: &Doc) -> ApiResult<Option<String>> {
    let Some(context) = asked.get("target_context").filter(|context| !context.is_null()) else {
        return Ok(None);
    };
    let part = |key: &str| context.get(key).and_then(Value::as_str).unwrap_or_default();
    if Kind::parse(part("type")) != Some(Kind::Collection) {
        return Err(ApiError::bad_request("The context of targets is a collection"));
    }
    let collection = containers::get(db, Kind::Collection, part("id"))?;
    access::authorize(db, caller, &collection, Action::ContainersViewMetadata)?;
    Ok(Some(collection.id))
}

/// The kind of container that the gear is run on: one is named, or acquisitions, or sessions for gears that take no files.
fn level(manifest: &Manifest, asked: &Doc) -> Kind {
    let named = text(asked, "container_type").and_then(Kind::parse);
    let takes_files = manifest.inputs().any(|input| input.base() == Base::File);
    named.unwrap_or(if takes_files { Kind::Acquisition } else { Kind::Session })
}

/// Containers by what the gear finds in them.
#[derive(Default)]
struct Sorted {
    matched: Vec<(Container, Doc)>,
    ambiguous: Vec<Container>,
    not_matched: Vec<Container>,
    improper: Vec<String>,
}

fn sort(
    db: &Connection,
    caller: &Caller,
    manifest: &Manifest,
    policy: Policy,
    found: Vec<Container>,
) -> ApiResult<Sorted> {
    let mut sorted = Sorted::default();
    for container in found {
        if !access::allowed(db, caller, &container, Action::JobsManage)? {
            sorted.improper.push(container.id);
            continue;
        }
        match matching::in_container(db, manifest, policy, &container)? {
            Match::One(inputs) => sorted.matched.push((container, inputs)),
            Match::Ambiguous => sorted.ambiguous.push(container),
            Match::None => sorted.not_matched.push(container),
        }
    }
    if sorted.matched.is_empty() && sorted.ambiguous.is_empty() && sorted.not_matched.is_empty() {
        let message = "Permission denied: there is no container among the targets where you may run jobs";
        return Err(ApiError::forbidden(message).with("reason", "permission_denied"));
    }
    Ok(sorted)
}

fn shown(db: &Connection, caller: &Caller, list: Vec<Container>) -> ApiResult<Vec<Value>> {
    present::containers(db, caller, list, View::row(false))
}

fn shown_matches(db: &Connection, caller: &Caller, matched: &[(Container, Doc)]) -> ApiResult<Vec<Value>> {
    let containers = matched.iter().map(|(container, _)| container.clone()).collect();
    let mut rows = shown(db, caller, containers)?;
    for (row, (_, inputs)) in rows.iter_mut().zip(matched) {
        row["inputs"] = inputs.clone().into();
    }
    Ok(rows)
}

/// `POST /batch/jobs`: jobs made beforehand, of whatever gears.
pub(super) async fn premade(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut asked = check(body, &[must("jobs", Shape::List(&Shape::Any))])?;
    let list = asked.remove("jobs").and_then(|jobs| jobs.as_array().cloned()).unwrap_or_default();
    if list.is_empty() {
        return Err(ApiError::bad_request("A batch needs at least one job"));
    }
    let work = move |db: &Connection| {
        for (number, job) in list.iter().enumerate() {
            jobs::read(job.clone())
                .and_then(|order| jobs::ready(db, Asker::Caller(&guard.caller), order))
                .map_err(|error| error.prefixed(&format!("Job {number}: ")))?;
        }
        let (id, time) = (new_id(), now());
        let record = json!({
            "_id": id, "gear_id": list.first().and_then(|job| job.get("gear_id")), "state": "pending",
            "origin": guard.caller.origin(), "created": time, "modified": time, "jobs": [],
            "proposal": {"preconstructed_jobs": list},
        });
        records::put(db, RECORD, &id, &object(Some(record.clone())))?;
        let mut answer = record;
        answer.as_object_mut().map(|answer| answer.shift_remove("gear_id"));
        Ok(Json(answer))
    };
    state.store.write(work).await
}
