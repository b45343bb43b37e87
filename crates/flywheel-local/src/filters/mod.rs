//! Filters that users keep for tables of tasks and of usage: `/custom_filters`. Each is its maker's own.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    access::Need::User,
    body::{Field, JsonBody, LABEL, Shape, check, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    list,
    query::ListQuery,
    route::{Route, delete, get, post, put},
    state::AppState,
    store::{Doc, shelf::Shelf},
};

const FILTERS: Shelf = Shelf::new("custom filter", "custom filter");

const FIELDS: &[Field] =
    &[must("filter", Shape::Any), must("view", Shape::OneOf(&["tasks", "usage"])), must("label", LABEL)];

/// Every route of this area.
pub(crate) fn routes() -> Vec<Route> {
    let one = "/custom_filters/{id}";
    vec![
        get("/custom_filters", User, all),
        post("/custom_filters", User, add),
        put(one, User, modify),
        delete(one, User, remove),
    ]
}

fn is_own(guard: &Guard, filter: &Doc) -> bool {
    filter.get("origin") == Some(&guard.caller.origin())
}

fn own(db: &Connection, guard: &Guard, id: &str) -> ApiResult<Doc> {
    let filter = FILTERS.get(db, id)?;
    if is_own(guard, &filter) {
        return Ok(filter);
    }
    Err(ApiError::not_found(format!("No custom filter {id} found")))
}

/// `GET /custom_filters`
async fn all(guard: Guard, State(state): State<AppState>, query: ListQuery) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let found = FILTERS.sifted(db, &query.always_paged(), |filter| Ok(is_own(&guard, filter)))?;
        Ok(list::page(found.rows.into_iter().map(Value::Object).collect(), found.total.unwrap_or_default()))
    };
    state.store.read(work).await.map(Json)
}

/// `POST /custom_filters`
async fn add(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let said = check(body, FIELDS)?;
    let work = move |db: &Connection| {
        let mut filter = FILTERS.fresh(&guard.caller);
        filter.extend(said);
        FILTERS.put(db, &filter)?;
        Ok(filter.into())
    };
    state.store.write(work).await.map(Json)
}

/// `PUT /custom_filters/{id}`
async fn modify(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let said = check(body, FIELDS)?;
    let work = move |db: &Connection| {
        let mut filter = own(db, &guard, &id)?;
        filter.extend(said);
        FILTERS.save(db, &mut filter)?;
        Ok(filter.into())
    };
    state.store.write(work).await.map(Json)
}

/// `DELETE /custom_filters/{id}`
async fn remove(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        own(db, &guard, &id)?;
        FILTERS.remove(db, &id)
    };
    state.store.write(work).await?;
    Ok(Json(json!({"deleted": 1})))
}
