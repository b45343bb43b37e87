//! `/site/rules` and `/projects/{id}/rules`: the same calls for the rules of the site and of one project.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use rusqlite::Connection;
use serde_json::Value;

use super::{document, table};
use crate::{
    access::{
        Action::{GearRulesManage, GearRulesView},
        Need::{Login, On, SiteAdmin},
    },
    body::{self, JsonBody},
    error::{ApiError, ApiResult, Detail},
    guard::Guard,
    kind::Kind,
    query::Params,
    route::{Route, delete, get, nothing, post, put},
    state::AppState,
    store::Doc,
};

/// Every route of gear rules.
pub(crate) fn routes() -> Vec<Route> {
    let (all, one) = ("/projects/{id}/rules", "/projects/{id}/rules/{rule}");
    let of_project = [
        get(all, On(GearRulesView), of_project),
        post(all, On(GearRulesManage), add_to_project),
        get(one, On(GearRulesView), one_of_project),
        put(one, On(GearRulesManage), change_of_project),
        delete(one, On(GearRulesManage), remove_from_project),
    ];
    let of_site = [
        get("/site/rules", Login, of_site),
        post("/site/rules", SiteAdmin, add_to_site),
        get("/site/rules/{rule}", Login, one_of_site),
        put("/site/rules/{rule}", SiteAdmin, change_of_site),
        delete("/site/rules/{rule}", SiteAdmin, remove_from_site),
    ];
    of_project.into_iter().map(|route| route.of(Kind::Project)).chain(of_site).collect()
}

/// Whose rules a call is about.
#[derive(Debug, Clone)]
enum Owner {
    Site,
    Project(String),
}

impl Owner {
    /// What stands in the `project_id` of its rules, when the caller may do what the route needs.
    fn admit(&self, db: &Connection, guard: &Guard) -> ApiResult<String> {
        match self {
            Owner::Site => Ok(table::SITE.to_owned()),
            Owner::Project(id) => Ok(guard.container(db, id)?.id),
        }
    }
}

async fn list(guard: Guard, state: AppState, owner: Owner) -> ApiResult<Vec<Doc>> {
    state.store.read(move |db| table::of(db, &owner.admit(db, &guard)?)).await
}

async fn one(guard: Guard, state: AppState, owner: Owner, id: String) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| table::get(db, &owner.admit(db, &guard)?, &id);
    Ok(Json(document::shown(state.store.read(work).await?)))
}

async fn add(guard: Guard, state: AppState, owner: Owner, body: Value) -> ApiResult<Json<Value>> {
    let given = body::check(body, document::FIELDS)?;
    let work = move |db: &Connection| {
        let project = owner.admit(db, &guard)?;
        let rule = document::create(db, &guard.caller, &project, given)?;
        table::put(db, &rule)?;
        Ok(rule)
    };
    Ok(Json(document::shown(state.store.write(work).await?)))
}

async fn change(
    guard: Guard,
    state: AppState,
    owner: Owner,
    id: String,
    body: Value,
) -> ApiResult<Json<Value>> {
    let given = body::check_change(body, &document::CHANGES)?;
    let work = move |db: &Connection| {
        let project = owner.admit(db, &guard)?;
        let rule = document::change(db, &guard.caller, table::get(db, &project, &id)?, given)?;
        table::put(db, &rule)?;
        Ok(rule)
    };
    Ok(Json(document::shown(state.store.write(work).await?)))
}

async fn remove(guard: Guard, state: AppState, owner: Owner, id: String) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        table::get(db, &owner.admit(db, &guard)?, &id)?;
        table::remove(db, &id)
    };
    state.store.write(work).await.map(|()| nothing())
}

/// `GET /projects/{id}/rules`
async fn of_project(
    guard: Guard,
    State(state): State<AppState>,
    Path(project): Path<String>,
) -> ApiResult<Json<Vec<Value>>> {
    let rules = list(guard, state, Owner::Project(project)).await?;
    Ok(Json(rules.into_iter().map(document::shown).collect()))
}

/// `GET /site/rules?name=&after_id=&limit=`
async fn of_site(guard: Guard, State(state): State<AppState>, params: Params) -> ApiResult<Json<Vec<Value>>> {
    let limit =
        params.get("limit").map_or(Ok(usize::MAX), |text| text.parse().map_err(|_| no_limit(text)))?;
    let text = |rule: &Doc, key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let rules = list(guard, state, Owner::Site).await?.into_iter();
    let rules = rules
        .filter(|rule| params.get("name").is_none_or(|name| text(rule, "name") == name))
        .filter(|rule| params.get("after_id").is_none_or(|after| text(rule, "_id").as_str() > after));
    Ok(Json(rules.take(limit).map(document::shown).collect()))
}

fn no_limit(text: &str) -> ApiError {
    ApiError::invalid(vec![Detail::new(&["query", "limit"], "int_parsing", "expected a count", &text.into())])
}

/// `POST /projects/{id}/rules`
async fn add_to_project(
    guard: Guard,
    State(state): State<AppState>,
    Path(project): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    add(guard, state, Owner::Project(project), body).await
}

/// `POST /site/rules`
async fn add_to_site(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    add(guard, state, Owner::Site, body).await
}

/// `GET /projects/{id}/rules/{rule}`
async fn one_of_project(
    guard: Guard,
    State(state): State<AppState>,
    Path((project, rule)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    one(guard, state, Owner::Project(project), rule).await
}

/// `GET /site/rules/{rule}`
async fn one_of_site(
    guard: Guard,
    State(state): State<AppState>,
    Path(rule): Path<String>,
) -> ApiResult<Json<Value>> {
    one(guard, state, Owner::Site, rule).await
}

/// `PUT /projects/{id}/rules/{rule}`
async fn change_of_project(
    guard: Guard,
    State(state): State<AppState>,
    Path((project, rule)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    change(guard, state, Owner::Project(project), rule, body).await
}

/// `PUT /site/rules/{rule}`
async fn change_of_site(
    guard: Guard,
    State(state): State<AppState>,
    Path(rule): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    change(guard, state, Owner::Site, rule, body).await
}

/// `DELETE /projects/{id}/rules/{rule}`
async fn remove_from_project(
    guard: Guard,
    State(state): State<AppState>,
    Path((project, rule)): Path<(String, String)>,
) -> ApiResult<Response> {
    remove(guard, state, Owner::Project(project), rule).await
}

/// `DELETE /site/rules/{rule}`
async fn remove_from_site(
    guard: Guard,
    State(state): State<AppState>,
    Path(rule): Path<String>,
) -> ApiResult<Response> {
    remove(guard, state, Owner::Site, rule).await
}
