//! Devices: the machines that bring data, `/devices` and below.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use chrono::{TimeDelta, Utc};
use flywheel_core::time;
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{keys, users::host_of};
use crate::{
    body::{JsonBody, Shape, TEXT, check, check_change, may, must},
    error::{ApiError, ApiResult},
    guard::{Guard, require_object_id},
    list::{self, List, Rows, doc_row},
    query::{ListQuery, Params},
    route::nothing,
    state::AppState,
    store::{
        Doc, new_id, now,
        records::{self, AccountKind::Device},
    },
};

/// The label of the key that a device reads of itself.
const OWN_KEY: &str = "read by the device";

fn get_device(db: &Connection, id: &str) -> ApiResult<Doc> {
    require_object_id(id)?;
    records::account(db, Device, id)?.ok_or_else(|| ApiError::not_found(format!("No device {id} found")))
}

const STRATEGY: Shape = Shape::OneOf(&["site", "project", "custom"]);

/// Where the files of a new device go.
const NEW_STORAGE: Shape = Shape::Object(&[may("storage_strategy", STRATEGY), may("provider", TEXT)]);

/// Where the files of a device go from now on.
const STORAGE: Shape = Shape::Object(&[must("storage_strategy", STRATEGY), may("provider", TEXT)]);

/// Takes over what was given; null leaves a field as it is.
fn fill(device: &mut Doc, given: Doc) {
    device.extend(given.into_iter().filter(|(_, value)| !value.is_null()));
}

/// Keys are shown shortened, when they are asked for.
fn shown(db: &Connection, mut device: Doc, with_keys: bool) -> ApiResult<Value> {
    if with_keys {
        let id = device.get("_id").and_then(Value::as_str).unwrap_or_default();
        let keys: Vec<Value> = records::keys_of(db, id)?.iter().map(keys::shown).collect();
        device.insert("api_keys".into(), keys.into());
    }
    Ok(device.into())
}

/// The document of a device that nobody has seen yet.
pub(crate) fn fresh(kind: &str, label: &str) -> Doc {
    let device = json!({
        "_id": new_id(), "type": kind, "label": label, "name": label, "disabled": false, "errors": [], "info": {},
        "storage_config": {}, "created": now(), "modified": now(), "revision": 1,
    });
    device.as_object().cloned().unwrap_or_default()
}

fn save(db: &Connection, device: &mut Doc) -> ApiResult<()> {
    device.insert("modified".into(), now().into());
    records::put_account(db, Device, device)
}

/// `GET /devices`. Devices get a bare list whatever features they name: theirs is how public clients find themselves in it.
pub(crate) async fn all(
    guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Response> {
    let query = if guard.caller.is_device() { query.never_paged() } else { query };
    let work = move |db: &Connection| {
        let Rows { rows, total } = List::accounts(Device.name(), &query).run(db, doc_row)?;
        let with_keys = query.params.flag("join_keys");
        let rows = rows.into_iter().map(|device| shown(db, device, with_keys)).collect::<ApiResult<_>>()?;
        Ok(Rows { rows, total })
    };
    state.store.read(work).await.map(list::answer)
}

/// `POST /devices`
pub(crate) async fn post(
    _guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let fields = [
        must("label", Shape::Text(1, 256)),
        must("type", Shape::Text(1, 256)),
        may("storage_config", NEW_STORAGE),
    ];
    let given = check(body, &fields)?;
    let work = move |db: &Connection| {
        let text = |key: &str| given.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut device = fresh(text("type"), text("label"));
        fill(&mut device, given);
        save(db, &mut device)?;
        Ok(device.into())
    };
    state.store.write(work).await.map(Json)
}

/// `GET /devices/{id}`
pub(crate) async fn get(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    state.store.read(move |db| shown(db, get_device(db, &id)?, true)).await.map(Json)
}

/// `PUT /devices/{id}`
pub(crate) async fn put(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let change = check_change(body, &[may("disabled", Shape::Bool), may("storage_config", STORAGE)])?;
    let work = move |db: &Connection| {
        let mut device = get_device(db, &id)?;
        fill(&mut device, change);
        save(db, &mut device)?;
        Ok(device.into())
    };
    state.store.write(work).await.map(Json)
}

/// `DELETE /devices/{id}`
pub(crate) async fn delete(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        get_device(db, &id)?;
        records::remove_account(db, Device, &id)
    };
    state.store.write(work).await?;
    Ok(nothing())
}

/// `POST /devices/{id}/key`
pub(crate) async fn post_key(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let host = host_of(&headers);
    let work = move |db: &Connection| {
        get_device(db, &id)?;
        keys::make(db, &id, body, &host)
    };
    state.store.write(work).await.map(Json)
}

/// `DELETE /devices/{id}/key/{key}`
pub(crate) async fn delete_key(
    _guard: Guard,
    State(state): State<AppState>,
    Path((id, key)): Path<(String, String)>,
) -> ApiResult<Response> {
    state.store.write(move |db| keys::remove(db, &id, &key)).await?;
    Ok(nothing())
}

/// `GET /devices/self`: the one read that shows a key whole.
///
/// The key follows from the site's device secret and the device's id, so that it need not be kept.
pub(crate) async fn myself(guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let secret = state.drone_secret.as_ref().map(|secret| derive_key(secret, guard.caller.id()));
    let work = move |db: &Connection| {
        let id = guard.caller.id();
        let mut device = get_device(db, id)?;
        if let Some(secret) = secret {
            records::add_key(db, id, &secret, OWN_KEY, None)?;
            device.insert("key".into(), secret.into());
        }
        Ok(device.into())
    };
    state.store.write(work).await.map(Json)
}

fn derive_key(secret: &str, device: &str) -> String {
    let digest = Sha256::digest(format!("{secret}\0{device}\0{secret}").as_bytes());
    hex::encode(digest).chars().take(flywheel_core::key::ENHANCED_KEY_LENGTH).collect()
}

/// `PUT /devices/self`
pub(crate) async fn put_self(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let fields = [
        may("type", Shape::Text(1, 256)),
        may("version", TEXT),
        may("interval", Shape::Int),
        may("errors", Shape::List(&TEXT)),
        may("info", Shape::Info),
    ];
    let change = check_change(body, &fields)?;
    let work = move |db: &Connection| {
        let mut device = get_device(db, guard.caller.id())?;
        let said = |doc: &Doc| doc.get("type").filter(|kind| !kind.is_null()).cloned();
        if let (Some(old), Some(new)) = (said(&device), said(&change))
            && old != new
        {
            return Err(ApiError::unprocessable("The type of a device is set once and cannot be changed"));
        }
        fill(&mut device, change);
        save(db, &mut device)?;
        Ok(device.into())
    };
    state.store.write(work).await.map(Json)
}

/// `GET /devices/status`
pub(crate) async fn status(
    _guard: Guard,
    State(state): State<AppState>,
    _params: Params,
) -> ApiResult<Json<Value>> {
    let work = |db: &Connection| {
        let query = ListQuery::default();
        let rows = List::accounts(Device.name(), &query).run(db, doc_row)?;
        let entries = rows.rows.iter().map(|device| {
            let id = device.get("_id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let mut entry = json!({"status": state_of(device), "last_seen": device.get("last_seen")});
            if state_of(device) == "error" {
                entry["errors"] = device.get("errors").cloned().unwrap_or_default();
            }
            (id, entry)
        });
        Ok(json!(entries.collect::<BTreeMap<String, Value>>()))
    };
    state.store.read(work).await.map(Json)
}

/// A device with errors is in error; one that said how often it reports and has not done so is missing.
fn state_of(device: &Doc) -> &'static str {
    let errors = device.get("errors").and_then(Value::as_array).is_some_and(|errors| !errors.is_empty());
    let interval = device.get("interval").and_then(Value::as_i64).and_then(TimeDelta::try_seconds);
    let seen = device.get("last_seen").and_then(Value::as_str).and_then(|text| time::parse_utc(text).ok());
    match (errors, interval, seen) {
        (true, ..) => "error",
        (false, Some(interval), Some(seen)) if Utc::now() - seen > interval => "missing",
        (false, Some(_), Some(_)) => "ok",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn device(fields: Value) -> Doc {
        fields.as_object().cloned().unwrap()
    }

    #[test]
    fn a_device_is_judged_by_errors_then_by_its_interval() {
        let (now, past) = (time::format(Utc::now()), "2020-01-01T00:00:00+00:00");
        assert_eq!(state_of(&device(json!({"errors": ["x"], "interval": 60, "last_seen": now}))), "error");
        assert_eq!(state_of(&device(json!({"interval": 60, "last_seen": now}))), "ok");
        assert_eq!(state_of(&device(json!({"interval": 60, "last_seen": past}))), "missing");
        assert_eq!(state_of(&device(json!({"last_seen": now}))), "unknown");
    }

    #[test]
    fn a_derived_key_has_the_length_of_todays_keys_and_differs_by_device() {
        assert_eq!(derive_key("s", "a").len(), 57);
        assert_ne!(derive_key("s", "a"), derive_key("s", "b"));
    }
}
