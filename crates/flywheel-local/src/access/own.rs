//! What a caller may do: `/permissions/self`, `/permissions/check` and `/permissions/check/{action}`.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::{Action, Need, allowed};
use crate::{
    auth::Caller,
    body::{JsonBody, Shape, TEXT, check, may, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    query::Params,
    route::{Route, get, put},
    state::AppState,
    store::{Doc, containers, records},
};

/// Every route of this area.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        get("/permissions/self", Need::Login, own),
        get("/permissions/check/{action}", Need::Login, check_one),
        put("/permissions/check", Need::Login, check_many),
    ]
}

/// `GET /permissions/self`: site roles, and what the caller is in groups, projects and collections.
async fn own(guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let caller = &guard.caller;
        let list = |kind: Kind| -> ApiResult<Vec<Value>> {
            let mut statement = db.prepare_cached(
                "SELECT g.container_id, json_group_array(g.role) FROM grants g
                 JOIN containers c ON c.id = g.container_id
                 WHERE g.user_id = ? AND c.kind = ? AND c.deleted IS NULL GROUP BY 1 ORDER BY 1",
            )?;
            let rows =
                statement.query_map((caller.id(), kind.code()), |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut entries = Vec::new();
            for row in rows {
                let (id, given): (String, String) = row?;
                entries.push(entry(db, caller, kind, &id, serde_json::from_str(&given)?)?);
            }
            Ok(entries)
        };
        Ok(json!({
            "_id": caller.id(), "roles": caller.roles(), "groups": list(Kind::Group)?,
            "projects": list(Kind::Project)?, "collections": list(Kind::Collection)?,
        }))
    };
    state.store.read(work).await.map(Json)
}

fn entry(db: &Connection, caller: &Caller, kind: Kind, id: &str, given: Vec<String>) -> ApiResult<Value> {
    if kind != Kind::Project {
        return Ok(json!({"_id": id, "access": given.first()}));
    }
    let actions = super::actions_in(db, caller, id)?;
    let names = Action::ALL.iter().filter(|&&action| actions.has(action)).map(|action| action.name());
    Ok(json!({"_id": id, "role_ids": given, "actions": names.collect::<Vec<_>>()}))
}

fn read_action(name: &str) -> ApiResult<Action> {
    Action::parse(name)
        .ok_or_else(|| ApiError::unprocessable(format!("{name:?} is no action: see /roles/actions")))
}

/// What a caller may not see is not told apart from what is not there.
fn may_do(db: &Connection, caller: &Caller, container: &str, action: Action) -> ApiResult<bool> {
    match containers::find(db, container)? {
        Some(container) => allowed(db, caller, &container, action),
        None => Ok(false),
    }
}

/// `GET /permissions/check/{action}?container_id=`: whether the caller may do it there, or in any project at all.
async fn check_one(
    guard: Guard,
    State(state): State<AppState>,
    Path(action): Path<String>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let action = read_action(&action)?;
    let work = move |db: &Connection| {
        let allowed = match params.get("container_id").filter(|id| !id.is_empty()) {
            Some(id) => may_do(db, &guard.caller, id, action)?,
            None => guard.caller.is_superuser() || somewhere(db, &guard.caller, action)?,
        };
        Ok(json!({"action": action.name(), "allowed": allowed}))
    };
    state.store.read(work).await.map(Json)
}

fn somewhere(db: &Connection, caller: &Caller, action: Action) -> ApiResult<bool> {
    let mut statement = db.prepare_cached("SELECT DISTINCT role FROM grants WHERE user_id = ?")?;
    let roles = statement.query_map([caller.id()], |row| row.get::<_, String>(0))?;
    for role in roles {
        let role: Doc = records::get(db, super::roles::RECORD, &role?)?.unwrap_or_default();
        let names = role.get("actions").and_then(Value::as_array).into_iter().flatten();
        if names.filter_map(Value::as_str).any(|name| name == action.name()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `PUT /permissions/check` with `{actions, container_ids}`: for each container, each action and whether it is allowed.
async fn check_many(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let fields = [
        must("actions", Shape::List(&Shape::Text(1, 64))),
        must("container_ids", Shape::List(&Shape::Text(1, 64))),
        may("container_type", TEXT),
    ];
    let given = check(body, &fields)?;
    let texts = |key: &str| -> Vec<String> {
        let list = given.get(key).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let actions: Vec<Action> =
        texts("actions").iter().map(|name| read_action(name)).collect::<ApiResult<_>>()?;
    let ids = texts("container_ids");
    let work = move |db: &Connection| {
        let mut answer = Map::new();
        for id in ids {
            let mut allowed = Map::new();
            for &action in &actions {
                allowed.insert(action.name().into(), may_do(db, &guard.caller, &id, action)?.into());
            }
            answer.insert(id, allowed.into());
        }
        Ok(answer.into())
    };
    state.store.read(work).await.map(Json)
}
