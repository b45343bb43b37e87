//! Searches that are kept, with whom or what they belong to: the site, a user, or a container.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::request::{SEARCH, structured};
use crate::{
    access::{self, Action},
    auth::Caller,
    body::{Field, JsonBody, LABEL, Shape, TEXT, check, check_change, may, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    list::{self, Rows},
    query::ListQuery,
    state::AppState,
    store::{Doc, containers, new_id, now, records, shelf::Shelf},
};

/// The kind under which they are recorded.
const RECORD: &str = "search";

const SAVED: Shelf = Shelf::new(RECORD, "saved search");

const PARENTS: &[&str] = &["site", "user", "analysis", "group", "project", "session"];

const NEW: &[Field] = &[
    must("label", LABEL),
    must("search", Shape::Object(SEARCH)),
    must("parent", Shape::Object(&[must("type", Shape::OneOf(PARENTS)), must("id", TEXT)])),
];

const CHANGE: &[Field] = &[may("label", LABEL), may("search", Shape::Object(SEARCH))];

/// What a caller wants to do with a saved search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    See,
    Change,
}

/// `GET /dataexplorer/queries`
pub(super) async fn all(
    guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let caller = &guard.caller;
        if query.exhaustive && !caller.is_superuser() {
            return Err(ApiError::forbidden("exhaustive=true is for site administrators"));
        }
        let Rows { rows, total } = SAVED
            .sifted(db, &query, |row| Ok(query.exhaustive || may_touch(db, caller, row, Purpose::See)?))?;
        let rows = rows.into_iter().map(Value::Object).collect();
        Ok(Rows { rows, total })
    };
    state.store.read(work).await.map(list::answer)
}

/// `POST /dataexplorer/queries`
pub(super) async fn post(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut doc = check(body, NEW)?;
    check_query(&doc)?;
    let work = move |db: &Connection| {
        let (id, time) = (new_id(), now());
        check_parent(db, &doc)?;
        refuse_unless(db, &guard.caller, &doc, Purpose::Change)?;
        doc.insert("_id".into(), id.clone().into());
        doc.insert("created".into(), time.clone().into());
        doc.insert("modified".into(), time.into());
        doc.insert("origin".into(), guard.caller.origin());
        records::put(db, RECORD, &id, &doc)?;
        Ok(json!({"_id": id}))
    };
    state.store.write(work).await.map(Json)
}

/// `GET /dataexplorer/queries/{sid}`
pub(super) async fn get(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| Ok(one(db, &guard.caller, &id, Purpose::See)?.into());
    state.store.read(work).await.map(Json)
}

/// `PUT /dataexplorer/queries/{sid}`
pub(super) async fn put(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let change = check_change(body, CHANGE)?;
    check_query(&change)?;
    let work = move |db: &Connection| {
        let mut doc = one(db, &guard.caller, &id, Purpose::Change)?;
        doc.extend(change.into_iter().filter(|(_, value)| !value.is_null()));
        doc.insert("modified".into(), now().into());
        records::put(db, RECORD, &id, &doc)?;
        Ok(doc.into())
    };
    state.store.write(work).await.map(Json)
}

/// `DELETE /dataexplorer/queries/{sid}`
pub(super) async fn delete(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        one(db, &guard.caller, &id, Purpose::Change)?;
        records::remove(db, RECORD, &id)?;
        Ok(json!({"deleted": 1}))
    };
    state.store.write(work).await.map(Json)
}

/// The saved search with this id, when the caller may do this to it. Who may not see it is not told that it is there.
fn one(db: &Connection, caller: &Caller, id: &str, purpose: Purpose) -> ApiResult<Doc> {
    let missing = || ApiError::not_found(format!("Could not find resource search:{id}"));
    let doc = records::get(db, RECORD, id)?.ok_or_else(missing)?;
    if !may_touch(db, caller, &doc, Purpose::See)? {
        return Err(missing());
    }
    refuse_unless(db, caller, &doc, purpose)?;
    Ok(doc)
}

/// 422 for a query that cannot be read.
fn check_query(doc: &Doc) -> ApiResult<()> {
    let query = doc.get("search").and_then(|search| search.get("structured_query")).and_then(Value::as_str);
    query.map_or(Ok(None), structured).map(|_| ())
}

fn parent(doc: &Doc) -> (&str, &str) {
    let part = |key| {
        doc.get("parent").and_then(|parent| parent.get(key)).and_then(Value::as_str).unwrap_or_default()
    };
    (part("type"), part("id"))
}

/// 404 when there is no such parent.
fn check_parent(db: &Connection, doc: &Doc) -> ApiResult<()> {
    let (kind, id) = parent(doc);
    let there = match (kind, Kind::parse(kind)) {
        ("user", _) => records::account(db, records::AccountKind::User, id)?.is_some(),
        (_, Some(kind)) => return containers::get(db, kind, id).map(|_| ()),
        (_, None) => true,
    };
    if there { Ok(()) } else { Err(ApiError::not_found(format!("Could not find resource {kind}:{id}"))) }
}

fn refuse_unless(db: &Connection, caller: &Caller, doc: &Doc, purpose: Purpose) -> ApiResult<()> {
    if may_touch(db, caller, doc, purpose)? {
        return Ok(());
    }
    let (kind, id) = parent(doc);
    let message =
        format!("Permission denied: {} may not change the saved searches of {kind} {id}", caller.id());
    Err(ApiError::forbidden(message).with("reason", "permission_denied"))
}

/// The site's searches are seen by everyone and changed by its administrators, a user's are the user's own, and a
/// container's go with its metadata.
fn may_touch(db: &Connection, caller: &Caller, doc: &Doc, purpose: Purpose) -> ApiResult<bool> {
    if caller.is_superuser() {
        return Ok(true);
    }
    let (kind, id) = parent(doc);
    match (kind, Kind::parse(kind)) {
        ("site", _) => Ok(purpose == Purpose::See),
        ("user", _) => Ok(id == caller.id()),
        (_, Some(kind)) => match containers::find(db, id)?.filter(|container| container.kind == kind) {
            Some(container) => {
                let action = match purpose {
                    Purpose::See => Action::ContainersViewMetadata,
                    Purpose::Change => Action::ContainersModifyMetadata,
                };
                access::allowed(db, caller, &container, action)
            }
            None => Ok(false),
        },
        (_, None) => Ok(false),
    }
}
