//! Modalities and the words by which files of each are classified: `/modalities`.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use flywheel_core::modality;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    body::{Field, JsonBody, Shape, TEXT, check, check_change, may, must},
    error::{ApiError, ApiResult, Detail},
    guard::Guard,
    list::{self, List, Rows, doc_row},
    query::ListQuery,
    state::AppState,
    store::{Doc, records},
};

/// The kind under which modalities are recorded.
pub(crate) const RECORD: &str = "modality";

/// Makes the modalities that the platform ships, once in the life of a site: what an administrator deletes stays away.
pub(crate) fn ensure_built_in(db: &Connection) -> ApiResult<()> {
    const DONE: (&str, &str) = ("site", "modalities");
    if records::get(db, DONE.0, DONE.1)?.is_some() {
        return Ok(());
    }
    for &name in modality::BUILT_IN {
        let classification = modality::built_in(name).unwrap_or_default();
        let doc = json!({
            "_id": name, "classification": classification, "active": true, "description": "", "rts_managed": false,
        });
        records::put(db, RECORD, name, doc.as_object().unwrap_or(&Doc::new()))?;
    }
    records::put(db, DONE.0, DONE.1, &Doc::new())
}

macro_rules! fields {
    ($($more:expr),*) => {
        &[$($more,)* may("classification", Shape::Any), may("active", Shape::Bool), may("description", TEXT)]
    };
}

const NEW: &[Field] = fields![must("_id", Shape::Text(2, 64))];
const CHANGE: &[Field] = fields![];

/// A classification is lists of words by aspect.
fn check_words(doc: &Doc) -> ApiResult<()> {
    let Some(given) = doc.get("classification").filter(|given| !given.is_null()) else { return Ok(()) };
    let words = |list: &Value| list.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    if given.as_object().is_some_and(|aspects| aspects.values().all(words)) {
        return Ok(());
    }
    let message = "Input should be an object of lists of strings";
    Err(ApiError::invalid(vec![Detail::new(&["body", "classification"], "dict_type", message, given)]))
}

fn missing(id: &str) -> ApiError {
    ApiError::not_found(format!("No modality {id} found"))
}

/// `GET /modalities`
pub(crate) async fn all(
    _guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let Rows { rows, total } = List::records(RECORD, &query).run(db, doc_row)?;
        Ok(Rows { rows: rows.into_iter().map(Value::Object).collect(), total })
    };
    state.store.read(work).await.map(list::answer)
}

/// `GET /modalities/{id}`
pub(crate) async fn get(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| records::get(db, RECORD, &id)?.ok_or_else(|| missing(&id));
    state.store.read(work).await.map(|doc| Json(doc.into()))
}

/// 422 for what cannot be the name of a modality; `field` is where it stands in the body.
pub(crate) fn check_name(name: &str, field: &str) -> ApiResult<()> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || " _-".contains(c));
    if plain && (2..=64).contains(&name.len()) {
        return Ok(());
    }
    let message = "A modality has 2 to 64 characters of 0-9 a-z A-Z, space, _ and -";
    Err(ApiError::invalid(vec![Detail::new(&["body", field], "value_error", message, &name.into())]))
}

/// `POST /modalities`
pub(crate) async fn post(
    _guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut doc = check(body, NEW)?;
    check_words(&doc)?;
    let id = doc.get("_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    check_name(&id, "_id")?;
    for (key, value) in defaults() {
        doc.entry(key).or_insert(value);
    }
    let work = move |db: &Connection| {
        if records::get(db, RECORD, &id)?.is_some() {
            return Err(ApiError::conflict(format!("A modality {id} exists already")));
        }
        records::put(db, RECORD, &id, &doc)?;
        Ok(json!({"_id": id}))
    };
    state.store.write(work).await.map(Json)
}

fn defaults() -> [(&'static str, Value); 4] {
    [
        ("classification", json!({})),
        ("active", json!(true)),
        ("description", json!("")),
        ("rts_managed", json!(false)),
    ]
}

/// `PUT /modalities/{id}`
pub(crate) async fn put(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let change = check_change(body, CHANGE)?;
    check_words(&change)?;
    let work = move |db: &Connection| {
        let mut doc = records::get(db, RECORD, &id)?.ok_or_else(|| missing(&id))?;
        doc.extend(change.into_iter().filter(|(_, value)| !value.is_null()));
        records::put(db, RECORD, &id, &doc)?;
        Ok(doc.into())
    };
    state.store.write(work).await.map(Json)
}

/// `DELETE /modalities/{id}`
pub(crate) async fn delete(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        if records::remove(db, RECORD, &id)? { Ok(json!({"deleted": 1})) } else { Err(missing(&id)) }
    };
    state.store.write(work).await.map(Json)
}
