//! New versions of gears: added at once, or prepared with a ticket and saved when their image is there.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use flywheel_core::gear::Manifest;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    series,
    store::{self, Gear},
};
use crate::{
    auth::Caller,
    body::{JsonBody, Shape, TEXT, check, may, must},
    error::{ApiError, ApiResult, Detail},
    guard::Guard,
    route::nothing,
    rules,
    state::AppState,
    store::{Doc, new_id, now, records},
};

/// The kind under which prepared gears are recorded, by their ticket.
const TICKET: &str = "gear_ticket";

const CATEGORY: Shape = Shape::OneOf(&["analysis", "converter", "utility", "classifier", "qa"]);

const EXCHANGE: Shape =
    Shape::Object(&[may("git-commit", TEXT), may("rootfs-hash", TEXT), may("rootfs-url", TEXT)]);

/// Reads a gear document that a caller sent. Its own times are the site's.
fn read(body: Value) -> ApiResult<Doc> {
    let fields = [
        may("_id", TEXT),
        may("category", CATEGORY),
        must("gear", Shape::Any),
        may("exchange", EXCHANGE),
        may("created", Shape::Time),
        may("modified", Shape::Time),
        may("disabled", Shape::Time),
    ];
    let mut doc = check(body, &fields)?;
    let manifest = Manifest::new(doc.remove("gear").unwrap_or_default()).map_err(invalid)?;
    if doc.get("category").is_none_or(Value::is_null) {
        let named = manifest.category().filter(|name| CATEGORIES.contains(name));
        doc.insert("category".into(), named.unwrap_or("utility").into());
    }
    let exchange = doc.remove("exchange").filter(|exchange| !exchange.is_null());
    doc.insert("exchange".into(), complete_exchange(exchange, &manifest));
    doc.insert("gear".into(), stored(manifest).into());
    doc.retain(|key, value| !value.is_null() && !matches!(key.as_str(), "_id" | "created" | "modified"));
    Ok(doc)
}

const CATEGORIES: [&str; 5] = ["analysis", "converter", "utility", "classifier", "qa"];

fn invalid(error: flywheel_core::gear::ManifestError) -> ApiError {
    let details = error.0.iter().map(|problem| {
        let place: Vec<&str> =
            ["body", "gear"].into_iter().chain(problem.path.iter().map(String::as_str)).collect();
        Detail::new(&place, "value_error", problem.message.clone(), &Value::Null)
    });
    ApiError::invalid(details.collect())
}

/// The exchange part with every field that documents have.
fn complete_exchange(given: Option<Value>, manifest: &Manifest) -> Value {
    let mut exchange = json!({
        "git-commit": "", "rootfs-hash": "", "rootfs-url": manifest.image().map(|image| format!("docker://{image}"))
            .unwrap_or_default(),
    });
    for (key, value) in given.as_ref().and_then(Value::as_object).into_iter().flatten() {
        if !value.is_null() {
            exchange[key] = value.clone();
        }
    }
    exchange
}

/// A manifest as gear documents carry it: with the fields they always have, without the old mark `"flywheel": "0"`.
fn stored(manifest: Manifest) -> Doc {
    let command = manifest.command().to_owned();
    let mut doc = manifest.into_map();
    if doc.get("flywheel").is_some_and(|mark| !mark.is_object()) {
        doc.shift_remove("flywheel");
    }
    doc.retain(|_, value| !value.is_null());
    doc.insert("command".into(), command.into());
    for (key, fresh) in [("environment", json!({})), ("custom", json!({})), ("capabilities", json!([]))] {
        doc.entry(key).or_insert(fresh);
    }
    doc
}

/// Adds a version that was checked. Answers it.
fn insert(db: &Connection, mut doc: Doc) -> ApiResult<Gear> {
    let (id, time) = (new_id(), now());
    doc.shift_insert(0, "_id".into(), id.clone().into());
    doc.insert("created".into(), time.clone().into());
    doc.insert("modified".into(), time.into());
    let gear = Gear { id, doc };
    store::insert(db, &gear)?;
    series::ensure(db, gear.name())?;
    rules::follow(db, gear.name(), &gear.id)?;
    Ok(gear)
}

/// `POST /gears/{name}`
pub(super) async fn post(
    _guard: Guard,
    State(state): State<AppState>,
    Path(name): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let doc = read(body)?;
    if doc.get("gear").and_then(|gear| gear.get("name")).is_none_or(|given| given != name.as_str()) {
        let message = format!("The path speaks of the gear {name}, the manifest of another");
        return Err(ApiError::unprocessable(message));
    }
    let gear = state.store.write(move |db| insert(db, doc)).await?;
    Ok(Json(json!({"_id": gear.id})))
}

/// `POST /gears/prepare-add`
pub(super) async fn prepare(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let doc = read(body)?;
    let work = move |db: &Connection| {
        let gear = Gear { id: String::new(), doc };
        if store::version(db, gear.name(), gear.version())?.is_some() {
            let message =
                format!("Gear {} {} exists already: change the version", gear.name(), gear.version());
            return Err(ApiError::conflict(message));
        }
        let (ticket, time) = (new_id(), now());
        let record = json!({
            "_id": ticket, "origin": guard.caller.origin(), "geardoc": gear.doc, "timestamp": time,
        });
        records::put(db, TICKET, &ticket, &record.as_object().cloned().unwrap_or_default())?;
        Ok(Json(json!({"ticket": ticket})))
    };
    state.store.write(work).await
}

/// A ticket of the caller's own.
fn ticket(db: &Connection, caller: &Caller, id: &str) -> ApiResult<Doc> {
    let ticket = records::get(db, TICKET, id)?.filter(|ticket| {
        caller.is_site_admin() || ticket.get("origin").is_some_and(|origin| origin == &caller.origin())
    });
    ticket.ok_or_else(|| ApiError::not_found(format!("No gear ticket {id} found")))
}

/// `POST /gears/save`: the image was pushed to `repo` and is known by `pointer`.
pub(super) async fn save(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let given = check(body, &[must("ticket", TEXT), must("repo", TEXT), must("pointer", TEXT)])?;
    let work = move |db: &Connection| {
        let text = |key: &str| given.get(key).and_then(Value::as_str).unwrap_or_default();
        let record = ticket(db, &guard.caller, text("ticket"))?;
        let mut doc = record.get("geardoc").and_then(Value::as_object).cloned().unwrap_or_default();
        doc.insert(
            "exchange".into(),
            json!({
                "git-commit": doc.get("exchange").and_then(|exchange| exchange.get("git-commit")),
                "rootfs-hash": text("pointer"),
                "rootfs-url": format!("docker://{}@{}", text("repo"), text("pointer")),
            }),
        );
        let gear = insert(db, doc)?;
        records::remove(db, TICKET, text("ticket"))?;
        Ok(Json(gear.doc.into()))
    };
    state.store.write(work).await
}

/// `GET /gears/my-tickets`
pub(super) async fn my_tickets(guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let own = guard.caller.origin();
        let tickets = records::all(db, TICKET)?.into_iter();
        let own = tickets.filter(|ticket| ticket.get("origin") == Some(&own));
        Ok(Json(own.filter_map(|ticket| ticket.get("_id").cloned()).collect()))
    };
    state.store.read(work).await
}

/// `GET /gears/ticket/{id}`
pub(super) async fn get_ticket(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    state.store.read(move |db| Ok(Json(ticket(db, &guard.caller, &id)?.into()))).await
}

/// `GET /gears/temp/{id}`: the document of a gear that is prepared and not saved.
pub(super) async fn temporary(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let ticket = ticket(db, &guard.caller, &id)?;
        let mut doc = ticket.get("geardoc").and_then(Value::as_object).cloned().unwrap_or_default();
        doc.shift_insert(0, "_id".into(), id.into());
        Ok(Json(doc.into()))
    };
    state.store.read(work).await
}

/// Takes a version out of use, or back into it.
async fn set_disabled(state: AppState, id: String, disabled: bool) -> ApiResult<Gear> {
    let work = move |db: &Connection| {
        let mut gear = store::get(db, &id)?;
        if disabled {
            gear.doc.insert("disabled".into(), now().into());
        } else {
            gear.doc.shift_remove("disabled");
        }
        store::save(db, &mut gear)?;
        Ok(gear)
    };
    state.store.write(work).await
}

/// `POST /gears/{id}/enable`
pub(super) async fn enable(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    set_disabled(state, id, false).await.map(|gear| Json(gear.doc.into()))
}

/// `POST /gears/{id}/disable`
pub(super) async fn disable(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    set_disabled(state, id, true).await.map(|gear| Json(gear.doc.into()))
}

/// `DELETE /gears/{id}`: the same as taking it out of use.
pub(super) async fn delete(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    set_disabled(state, id, true).await.map(|_| nothing())
}
