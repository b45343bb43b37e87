//! Permission lists: access levels on groups and collections, roles on projects, the template of a group.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{change::modified, fields};
use crate::{
    access::{Access, Action, authorize, lock, roles},
    body::{JsonBody, Shape, check, may, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    query::Params,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        records::{self, AccountKind},
    },
};

/// The key of a document under which a list lies.
const LIST: &str = "permissions";
const TEMPLATE: &str = "permissions_template";

/// An entry for a project, in the form of today: `{_id, role_ids}`. The older `{_id, access}` is read as the built-in
/// role of that level.
pub(crate) fn role_form(db: &Connection, entry: &Value) -> ApiResult<Value> {
    let id = entry.get("_id").cloned().unwrap_or_default();
    let given = entry.get("role_ids").and_then(Value::as_array).into_iter().flatten();
    let mut ids: Vec<String> = given.filter_map(Value::as_str).map(str::to_owned).collect();
    if let Some(access) = entry.get("access").and_then(Value::as_str).and_then(Access::parse) {
        ids.push(roles::built_in(db, access)?);
    }
    if ids.is_empty() {
        return Err(ApiError::unprocessable("A permission on a project names at least one role in role_ids"));
    }
    for role in &ids {
        if records::get(db, roles::RECORD, role)?.is_none() {
            return Err(ApiError::not_found(format!("No role {role} found")));
        }
    }
    ids.dedup();
    Ok(json!({"_id": id, "role_ids": ids}))
}

/// Reads the body of a call on the list of this container: a whole entry, or without its `_id`.
fn read_entry(
    db: &Connection,
    container: &Container,
    list: &str,
    body: Value,
    user: Option<&str>,
) -> ApiResult<Value> {
    let by_level = list == LIST && container.kind != Kind::Project;
    let mut doc = match (by_level, user) {
        (true, None) => check(body, fields::ACCESS_PERMISSION)?,
        (true, Some(_)) => check(body, &[must("access", fields::ACCESS), may("_id", Shape::Any)])?,
        (false, None) => check(body, fields::ROLE_PERMISSION)?,
        (false, Some(_)) => {
            let roles = may("role_ids", Shape::List(&Shape::Id));
            check(body, &[roles, may("access", fields::ACCESS), may("_id", Shape::Any)])?
        }
    };
    if let Some(user) = user {
        doc.insert("_id".into(), user.into());
    }
    let entry = Value::Object(doc);
    let entry = if by_level {
        json!({"_id": entry["_id"], "access": entry["access"]})
    } else {
        role_form(db, &entry)?
    };
    refuse_unknown_user(db, &entry)?;
    if container.kind == Kind::Group && !by_level {
        refuse_foreign_roles(db, Some(container), &entry)?;
    }
    if container.kind == Kind::Project {
        let group = containers::find(db, container.ancestor(Kind::Group).unwrap_or_default())?;
        refuse_foreign_roles(db, group.as_ref(), &entry)?;
    }
    Ok(entry)
}

fn refuse_unknown_user(db: &Connection, entry: &Value) -> ApiResult<()> {
    let user = entry["_id"].as_str().unwrap_or_default();
    match records::account(db, AccountKind::User, user)? {
        Some(_) => Ok(()),
        None => Err(ApiError::not_found(format!("No user {user} found"))),
    }
}

/// Checks the permissions with which a project of a group is to begin.
///
/// # Errors
/// 404 for users and roles that are not there, 422 for roles that the group does not offer.
pub(crate) fn check_given(db: &Connection, group: &Container, given: &Value) -> ApiResult<()> {
    for entry in given.as_array().into_iter().flatten() {
        let entry = role_form(db, entry)?;
        refuse_unknown_user(db, &entry)?;
        refuse_foreign_roles(db, Some(group), &entry)?;
    }
    Ok(())
}

/// Custom roles may be given on a group's projects only when they are in the group's pool.
fn refuse_foreign_roles(db: &Connection, group: Option<&Container>, entry: &Value) -> ApiResult<()> {
    let pool = group.and_then(|group| group.doc.get("roles").cloned()).unwrap_or_default();
    for id in entry["role_ids"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let role = records::get(db, roles::RECORD, id)?.unwrap_or_default();
        let pooled = pool.as_array().is_some_and(|pool| pool.iter().any(|own| own == id));
        if roles::level_of(&role).is_none() && !pooled {
            return Err(ApiError::unprocessable(format!(
                "The role {id} is not among the roles of the project's group"
            )));
        }
    }
    Ok(())
}

fn entries(doc: &Doc, list: &str) -> Vec<Value> {
    doc.get(list).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn find(entries: &[Value], user: &str) -> Option<usize> {
    entries.iter().position(|entry| entry.get("_id").is_some_and(|id| id == user))
}

fn missing(user: &str) -> ApiError {
    ApiError::not_found(format!("No permission for {user} found"))
}

/// What a call does to a list.
enum Change {
    Add,
    Set,
    Remove,
}

fn apply(entries: &mut Vec<Value>, change: &Change, user: &str, entry: Value) -> ApiResult<()> {
    match (change, find(entries, user)) {
        (Change::Add, Some(_)) => {
            return Err(ApiError::conflict(format!("{user} has a permission already: change it")));
        }
        (Change::Add, None) => entries.push(entry),
        (Change::Set, Some(at)) => entries.splice(at..=at, [entry]).for_each(drop),
        (Change::Remove, Some(at)) => drop(entries.remove(at)),
        (Change::Set | Change::Remove, None) => return Err(missing(user)),
    }
    Ok(())
}

/// A call on a list: adding an entry (`user` is then in the body), changing one, removing one.
struct Call {
    list: &'static str,
    change: Change,
    id: String,
    user: Option<String>,
    body: Value,
    propagate: bool,
}

async fn run(guard: Guard, state: AppState, call: Call) -> ApiResult<Value> {
    let work = move |db: &Connection| {
        let own = matches!(call.change, Change::Remove) && call.user.as_deref() == Some(guard.caller.id());
        let action = if own { Action::ProjectPermissionsView } else { Action::ProjectPermissionsManage };
        let mut container = guard.container_for(db, &call.id, action)?;
        let entry = match call.change {
            Change::Remove => Value::Null,
            _ => read_entry(db, &container, call.list, call.body, call.user.as_deref())?,
        };
        let user = call.user.unwrap_or_else(|| entry["_id"].as_str().unwrap_or_default().to_owned());
        let mut list = entries(&container.doc, call.list);
        apply(&mut list, &call.change, &user, entry.clone())?;
        container.doc.insert(call.list.into(), list.into());
        containers::save(db, &mut container)?;
        if call.propagate {
            propagate(db, &container, &call.change, &user, &entry)?;
        }
        Ok(entry)
    };
    state.store.write(work).await
}

/// Carries a change of a group's template into the projects of the group.
fn propagate(
    db: &Connection,
    group: &Container,
    change: &Change,
    user: &str,
    entry: &Value,
) -> ApiResult<()> {
    for mut project in containers::children(db, &group.id, Kind::Project)? {
        let mut list = entries(&project.doc, LIST);
        match (change, find(&list, user)) {
            (Change::Remove, Some(at)) => drop(list.remove(at)),
            (Change::Remove, None) => continue,
            (_, Some(at)) => list.splice(at..=at, [entry.clone()]).for_each(drop),
            (_, None) => list.push(entry.clone()),
        }
        lock::refuse(db, &project)?;
        project.doc.insert(LIST.into(), list.into());
        containers::save(db, &mut project)?;
    }
    Ok(())
}

/// `POST /{kind}/{id}/permissions`
pub(crate) async fn post(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let call = Call { list: LIST, change: Change::Add, id, user: None, body, propagate: false };
    run(guard, state, call).await.map(Json)
}

/// `PUT /{kind}/{id}/permissions/{user}`
pub(crate) async fn put(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, user)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let call = Call { list: LIST, change: Change::Set, id, user: Some(user), body, propagate: false };
    run(guard, state, call).await.map(Json)
}

/// `DELETE /{kind}/{id}/permissions/{user}`
pub(crate) async fn delete(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, user)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let call = Call {
        list: LIST,
        change: Change::Remove,
        id,
        user: Some(user),
        body: Value::Null,
        propagate: false,
    };
    run(guard, state, call).await?;
    Ok(modified())
}

/// `GET /{kind}/{id}/permissions/{user}`
pub(crate) async fn get(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, user)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    read(guard, state, LIST, id, user).await
}

/// `GET /groups/{id}/permissions/templates/{user}`
pub(crate) async fn get_template(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, user)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    read(guard, state, TEMPLATE, id, user).await
}

/// Everybody may read their own entry, managers any.
async fn read(
    guard: Guard,
    state: AppState,
    list: &'static str,
    id: String,
    user: String,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let container = guard.container(db, &id)?;
        if user != guard.caller.id() {
            authorize(db, &guard.caller, &container, Action::ProjectPermissionsManage)?;
        }
        let list = entries(&container.doc, list);
        find(&list, &user).and_then(|at| list.get(at).cloned()).ok_or_else(|| missing(&user))
    };
    state.store.read(work).await.map(Json)
}

/// `POST /groups/{id}/permissions/templates`
pub(crate) async fn post_template(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let propagate = params.flag("propagate");
    let call = Call { list: TEMPLATE, change: Change::Add, id, user: None, body, propagate };
    run(guard, state, call).await.map(Json)
}

/// `PUT /groups/{id}/permissions/templates/{user}`
pub(crate) async fn put_template(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, user)): Path<(String, String)>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let propagate = params.flag("propagate");
    let call = Call { list: TEMPLATE, change: Change::Set, id, user: Some(user), body, propagate };
    run(guard, state, call).await.map(Json)
}

/// `DELETE /groups/{id}/permissions/templates/{user}`
pub(crate) async fn delete_template(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, user)): Path<(String, String)>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let propagate = params.flag("propagate");
    let call =
        Call { list: TEMPLATE, change: Change::Remove, id, user: Some(user), body: Value::Null, propagate };
    run(guard, state, call).await?;
    Ok(modified())
}

/// Takes a user out of every permission list on the site.
pub(crate) fn forget_user(db: &Connection, user: &str) -> ApiResult<()> {
    let ids: Vec<String> = {
        let mut statement =
            db.prepare_cached("SELECT DISTINCT container_id FROM grants WHERE user_id = ?")?;
        let rows = statement.query_map([user], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    for id in ids {
        leave(db, &id, LIST, user)?;
    }
    let sql = "SELECT id FROM containers WHERE kind = 1 AND deleted IS NULL AND EXISTS (
            SELECT 1 FROM json_each(doc, '$.permissions_template') WHERE value ->> '$._id' = ?)";
    let mut statement = db.prepare_cached(sql)?;
    let groups: Vec<String> = statement.query_map([user], |row| row.get(0))?.collect::<Result<_, _>>()?;
    groups.iter().try_for_each(|group| leave(db, group, TEMPLATE, user))
}

/// Takes a user out of one list of a container.
fn leave(db: &Connection, id: &str, list: &'static str, user: &str) -> ApiResult<()> {
    let Some(mut container) = containers::find(db, id)? else { return Ok(()) };
    let mut kept = entries(&container.doc, list);
    kept.retain(|entry| entry.get("_id").is_none_or(|own| own != user));
    container.doc.insert(list.into(), kept.into());
    containers::save(db, &mut container)
}
