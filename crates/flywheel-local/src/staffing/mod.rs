//! Staffing pools: people to whom tasks are assigned together, `/staffing_pools`. Everybody sees them, site administrators
//! change them.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    access::Need::{Login, SiteAdmin},
    body::{JsonBody, LABEL, Shape, TEXT, check, check_change, may, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    query::ListQuery,
    route::{Route, delete, get, nothing, post, put},
    state::AppState,
    store::{
        Doc,
        records::{self, AccountKind},
        shelf::Shelf,
    },
};

/// The pools.
pub(crate) const POOLS: Shelf = Shelf::new("staffing pool", "staffing pool");

const USERS: Shape = Shape::List(&Shape::Text(1, 256));

/// Every route of this area.
pub(crate) fn routes() -> Vec<Route> {
    let one = "/staffing_pools/{id}";
    vec![
        get("/staffing_pools", Login, all),
        post("/staffing_pools", SiteAdmin, add),
        get(one, Login, show),
        put(one, SiteAdmin, modify),
        delete(one, SiteAdmin, remove),
        put("/staffing_pools/users/{user}/staffing_pools", SiteAdmin, set_of_user),
    ]
}

/// The users of a pool.
pub(crate) fn users(pool: &Doc) -> Vec<String> {
    let list = pool.get("users").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn refuse_unknown_users(db: &Connection, pool: &Doc) -> ApiResult<()> {
    for user in users(pool) {
        if records::account(db, AccountKind::User, &user)?.is_none() {
            return Err(ApiError::not_found(format!("No user {user} found")));
        }
    }
    Ok(())
}

/// `GET /staffing_pools`
async fn all(_guard: Guard, State(state): State<AppState>, query: ListQuery) -> ApiResult<Json<Value>> {
    state.store.read(move |db| POOLS.page(db, query, |_| Ok(true))).await.map(Json)
}

/// `POST /staffing_pools`
async fn add(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let said = check(body, &[must("users", USERS), must("label", LABEL), may("description", TEXT)])?;
    let work = move |db: &Connection| {
        refuse_unknown_users(db, &said)?;
        let mut pool = POOLS.fresh(&guard.caller);
        pool.insert("description".into(), "".into());
        pool.extend(said.into_iter().filter(|(_, value)| !value.is_null()));
        POOLS.put(db, &pool)?;
        Ok(pool.into())
    };
    state.store.write(work).await.map(Json)
}

/// `GET /staffing_pools/{id}`
async fn show(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    state.store.read(move |db| POOLS.get(db, &id)).await.map(|pool| Json(pool.into()))
}

/// `PUT /staffing_pools/{id}`
async fn modify(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let change = check_change(body, &[may("users", USERS), may("label", LABEL), may("description", TEXT)])?;
    let work = move |db: &Connection| {
        refuse_unknown_users(db, &change)?;
        let mut pool = POOLS.get(db, &id)?;
        pool.extend(change.into_iter().filter(|(_, value)| !value.is_null()));
        POOLS.save(db, &mut pool)?;
        Ok(pool.into())
    };
    state.store.write(work).await.map(Json)
}

/// `DELETE /staffing_pools/{id}`
async fn remove(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    state.store.write(move |db| POOLS.remove(db, &id)).await?;
    Ok(Json(json!({"deleted": 1})))
}

/// `PUT /staffing_pools/users/{user}/staffing_pools` with `{pools}`: the user is in these and in no others.
async fn set_of_user(
    _guard: Guard,
    State(state): State<AppState>,
    Path(user): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let given = check(body, &[must("pools", Shape::List(&Shape::Id))])?;
    let work = move |db: &Connection| {
        let one = Doc::from_iter([("users".to_owned(), json!([user]))]);
        refuse_unknown_users(db, &one)?;
        let wanted = given.get("pools").and_then(Value::as_array).cloned().unwrap_or_default();
        for id in wanted.iter().filter_map(Value::as_str) {
            POOLS.get(db, id)?;
        }
        for mut pool in POOLS.all(db)? {
            let mut members = users(&pool);
            let is_in = members.contains(&user);
            match (pool.get("_id").is_some_and(|id| wanted.contains(id)), is_in) {
                (true, false) => members.push(user.clone()),
                (false, true) => members.retain(|member| *member != user),
                _ => continue,
            }
            pool.insert("users".into(), members.into());
            POOLS.save(db, &mut pool)?;
        }
        Ok(())
    };
    state.store.write(work).await?;
    Ok(nothing())
}
