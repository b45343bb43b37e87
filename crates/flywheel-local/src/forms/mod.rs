//! Custom forms: `/customforms`. A form belongs to a group or to the site; it is a draft until it is published.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::Value;

use crate::{
    access::{self, Action, Need::Login},
    body::{Field, JsonBody, LABEL, Shape, TEXT, check, check_change, may, must},
    error::{ApiError, ApiResult, Detail},
    guard::Guard,
    kind::Kind,
    query::ListQuery,
    route::{Route, get, post, put},
    state::AppState,
    store::{Doc, containers, shelf::Shelf},
};

const FORMS: Shelf = Shelf::new("custom form", "form");

/// A form as its editor writes it: what is asked, or the text of what is not finished.
pub(crate) const SCHEMA: Shape = Shape::Object(&[
    must("title", TEXT),
    must("description", TEXT),
    must("defaults", Shape::Any),
    must("fields", Shape::List(&Shape::Any)),
]);

/// Where two readers count as being of different minds.
pub(crate) const TRIGGERS: Shape =
    Shape::List(&Shape::Object(&[must("key", Shape::Text(1, 256)), may("threshold", Shape::Number)]));

macro_rules! fields {
    ($($more:expr),*) => {
        &[
            $($more,)*
            may("group", TEXT),
            may("notes", TEXT),
            may("form_schema", SCHEMA),
            may("trigger_fields", TRIGGERS),
            may("saved_json_text", TEXT),
        ]
    };
}

const NEW: &[Field] = fields![must("label", LABEL), must("context", Shape::OneOf(&["upload", "reader"]))];
const CHANGE: &[Field] = fields![may("label", LABEL)];

/// Every route of this area. A form's group decides who may change it, so the handlers check that.
pub(crate) fn routes() -> Vec<Route> {
    let one = "/customforms/{id}";
    vec![
        get("/customforms", Login, all),
        post("/customforms", Login, add),
        get(one, Login, show),
        put(one, Login, modify),
        put(&format!("{one}/publish"), Login, publish),
    ]
}

/// Forms of a group are for its administrators to write, those of the site for the site's.
fn let_write(db: &Connection, guard: &Guard, form: &Doc) -> ApiResult<()> {
    match form.get("group").and_then(Value::as_str).filter(|group| !group.is_empty()) {
        Some(group) => {
            let group = containers::get(db, Kind::Group, group)?;
            access::authorize(db, &guard.caller, &group, Action::ContainersModifyMetadata)
        }
        None if guard.caller.is_site_admin() => Ok(()),
        None => Err(ApiError::forbidden("Forms without a group are for site administrators to write")
            .with("reason", "permission_denied")),
    }
}

/// Forms of the site are seen by everybody, those of a group by who sees the group.
fn sees(db: &Connection, guard: &Guard, form: &Doc) -> ApiResult<bool> {
    let Some(group) = form.get("group").and_then(Value::as_str).filter(|group| !group.is_empty()) else {
        return Ok(true);
    };
    match containers::find(db, group)? {
        Some(group) => access::allowed(db, &guard.caller, &group, Action::ContainersViewMetadata),
        None => Ok(false),
    }
}

fn visible(db: &Connection, guard: &Guard, id: &str) -> ApiResult<Doc> {
    let form = FORMS.get(db, id)?;
    if sees(db, guard, &form)? { Ok(form) } else { Err(ApiError::not_found(format!("No form {id} found"))) }
}

/// 422 unless a form has a schema or the text of one.
fn refuse_empty(form: &Doc) -> ApiResult<()> {
    let there = |key: &str| form.get(key).is_some_and(|value| !value.is_null());
    if there("form_schema") || there("saved_json_text") {
        return Ok(());
    }
    let message = "Field required: form_schema, or saved_json_text while it is not finished";
    Err(ApiError::invalid(vec![Detail::new(&["body", "form_schema"], "missing", message, &Value::Null)]))
}

/// `GET /customforms`
async fn all(guard: Guard, State(state): State<AppState>, query: ListQuery) -> ApiResult<Json<Value>> {
    state.store.read(move |db| FORMS.page(db, query, |form| sees(db, &guard, form))).await.map(Json)
}

/// `POST /customforms`
async fn add(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let said = check(body, NEW)?;
    refuse_empty(&said)?;
    let work = move |db: &Connection| {
        let_write(db, &guard, &said)?;
        let mut form = FORMS.fresh(&guard.caller);
        form.insert("version".into(), 1.into());
        form.insert("status".into(), "draft".into());
        form.insert("revision".into(), 1.into());
        form.extend(said.into_iter().filter(|(_, value)| !value.is_null()));
        FORMS.put(db, &form)?;
        Ok(form.into())
    };
    state.store.write(work).await.map(Json)
}

/// `GET /customforms/{id}`
async fn show(guard: Guard, State(state): State<AppState>, Path(id): Path<String>) -> ApiResult<Json<Value>> {
    state.store.read(move |db| visible(db, &guard, &id)).await.map(|form| Json(form.into()))
}

/// `PUT /customforms/{id}`: a schema takes the place of a text and the other way round. What changes a published form is
/// its next version.
async fn modify(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let change = check_change(body, CHANGE)?;
    let work = move |db: &Connection| {
        let mut form = visible(db, &guard, &id)?;
        let_write(db, &guard, &form)?;
        if change.contains_key("group") {
            let_write(db, &guard, &change)?;
        }
        for (key, other) in [("form_schema", "saved_json_text"), ("saved_json_text", "form_schema")] {
            if change.get(key).is_some_and(|value| !value.is_null()) {
                form.shift_remove(other);
            }
        }
        form.extend(change.into_iter().filter(|(_, value)| !value.is_null()));
        next_version(&mut form);
        FORMS.save(db, &mut form)?;
        Ok(form.into())
    };
    state.store.write(work).await.map(Json)
}

/// A published document that is changed counts on.
pub(crate) fn next_version(doc: &mut Doc) {
    if doc.get("status").is_some_and(|status| status == "published") {
        let version = doc.get("version").and_then(Value::as_i64).unwrap_or(1);
        doc.insert("version".into(), (version + 1).into());
    }
}

/// `PUT /customforms/{id}/publish`
async fn publish(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let mut form = visible(db, &guard, &id)?;
        let_write(db, &guard, &form)?;
        if form.get("form_schema").is_none() {
            return Err(ApiError::conflict("The form is not finished: give it a form_schema first"));
        }
        form.insert("status".into(), "published".into());
        FORMS.save(db, &mut form)?;
        Ok(form.into())
    };
    state.store.write(work).await.map(Json)
}
