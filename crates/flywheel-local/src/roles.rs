//! Roles: `/roles`, and the pool of a group, `/groups/{id}/roles`.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};

use crate::{
    access::{
        Action,
        roles::{RECORD, level_of},
    },
    body::{JsonBody, LABEL, Shape, check, check_change, may, must},
    error::{ApiError, ApiResult, Detail},
    guard::{Guard, require_object_id},
    kind::Kind,
    list::{self, List, Rows, doc_row},
    older::Release,
    query::ListQuery,
    route::nothing,
    state::AppState,
    store::{Doc, containers, new_id, now, records},
};

const ACTIONS: Shape = Shape::List(&Shape::Text(1, 64));

fn get_role(db: &Connection, id: &str) -> ApiResult<Doc> {
    require_object_id(id)?;
    records::get(db, RECORD, id)?.ok_or_else(|| ApiError::not_found(format!("No role {id} found")))
}

fn in_use(db: &Connection, id: &str) -> ApiResult<bool> {
    let sql = "SELECT 1 FROM grants WHERE role = ? LIMIT 1";
    Ok(db.prepare_cached(sql)?.query_row([id], |_| Ok(())).optional()?.is_some())
}

fn shown(db: &Connection, mut role: Doc) -> ApiResult<Value> {
    let used = in_use(db, role.get("_id").and_then(Value::as_str).unwrap_or_default())?;
    role.insert("in_use".into(), used.into());
    role.entry("default_flywheel_role").or_insert(Value::Null);
    Ok(role.into())
}

fn check_actions(doc: &Doc) -> ApiResult<()> {
    let retired = ["jobs_run_cancel", "jobs_cancel_any"];
    let given = doc.get("actions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let unknown = given
        .filter(|name| !retired.contains(name) && Action::ALL.iter().all(|action| action.name() != *name));
    let details: Vec<Detail> = unknown
        .map(|name| Detail::new(&["body", "actions"], "enum", format!("{name:?} is no action"), &name.into()))
        .collect();
    if details.is_empty() { Ok(()) } else { Err(ApiError::invalid(details)) }
}

/// `GET /roles`
pub(crate) async fn all(
    _guard: Guard,
    State(state): State<AppState>,
    release: Release,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let Rows { rows, total } = List::records(RECORD, &query).run(db, doc_row)?;
        let shown = |role| Ok(release.role(shown(db, role)?));
        let rows = rows.into_iter().map(shown).collect::<ApiResult<_>>()?;
        Ok(Rows { rows, total })
    };
    state.store.read(work).await.map(list::answer)
}

/// `GET /roles/actions`
pub(crate) async fn actions(_guard: Guard) -> Json<Value> {
    Json(Action::ALL.iter().map(|action| action.name()).collect())
}

/// `POST /roles`
pub(crate) async fn post(
    _guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut role = check(body, &[must("label", LABEL), must("actions", ACTIONS)])?;
    check_actions(&role)?;
    let work = move |db: &Connection| {
        let same = |known: &Doc| known.get("label") == role.get("label");
        if records::all(db, RECORD)?.iter().any(same) {
            return Err(ApiError::conflict("A role with this label exists already"));
        }
        let id = new_id();
        role.insert("_id".into(), id.clone().into());
        for (key, value) in
            [("default_flywheel_role", Value::Null), ("created", now().into()), ("modified", now().into())]
        {
            role.insert(key.into(), value);
        }
        records::put(db, RECORD, &id, &role)?;
        shown(db, role)
    };
    state.store.write(work).await.map(Json)
}

/// `GET /roles/{id}`
pub(crate) async fn get(
    _guard: Guard,
    State(state): State<AppState>,
    release: Release,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let role = state.store.read(move |db| shown(db, get_role(db, &id)?)).await?;
    Ok(Json(release.role(role)))
}

fn custom_role(db: &Connection, id: &str) -> ApiResult<Doc> {
    let role = get_role(db, id)?;
    match level_of(&role) {
        Some(_) => Err(ApiError::forbidden("The built-in roles cannot be changed or deleted")),
        None => Ok(role),
    }
}

/// `PUT /roles/{id}`
pub(crate) async fn put(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let change = check_change(body, &[may("label", LABEL), may("actions", ACTIONS)])?;
    check_actions(&change)?;
    let work = move |db: &Connection| {
        let mut role = custom_role(db, &id)?;
        role.extend(change);
        role.insert("modified".into(), now().into());
        records::put(db, RECORD, &id, &role)?;
        shown(db, role)
    };
    state.store.write(work).await.map(Json)
}

/// `DELETE /roles/{id}`
pub(crate) async fn delete(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        custom_role(db, &id)?;
        if in_use(db, &id)? {
            return Err(ApiError::conflict("The role is assigned to a user: take it away there first"));
        }
        leave_groups(db, &id)?;
        records::remove(db, RECORD, &id)
    };
    state.store.write(work).await?;
    Ok(nothing())
}

/// Takes a role out of the pools of groups; a template that still gives it keeps it from being deleted.
fn leave_groups(db: &Connection, id: &str) -> ApiResult<()> {
    let sql = "SELECT id FROM containers WHERE kind = 1 AND deleted IS NULL AND (
            EXISTS (SELECT 1 FROM json_each(doc, '$.roles') WHERE value = ?1)
            OR EXISTS (SELECT 1 FROM json_each(doc, '$.permissions_template') t, json_each(t.value, '$.role_ids') r
                WHERE r.value = ?1))";
    let mut statement = db.prepare_cached(sql)?;
    let ids: Vec<String> = statement.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for group in ids {
        let mut group = containers::get(db, Kind::Group, &group)?;
        refuse_in_template(&group, id)?;
        let kept: Vec<String> = pool(&group).into_iter().filter(|role| role != id).collect();
        group.doc.insert("roles".into(), json!(kept));
        containers::save(db, &mut group)?;
    }
    Ok(())
}

fn refuse_in_template(group: &containers::Container, role: &str) -> ApiResult<()> {
    let entries = group.doc.get("permissions_template").and_then(Value::as_array).into_iter().flatten();
    let mut given = entries.filter_map(|entry| entry.get("role_ids").and_then(Value::as_array)).flatten();
    if given.any(|id| id == role) {
        let message =
            format!("The template of the group {} gives the role: take it away there first", group.id);
        return Err(ApiError::conflict(message));
    }
    Ok(())
}

fn pool(group: &containers::Container) -> Vec<String> {
    let list = group.doc.get("roles").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// `GET /groups/{id}/roles`
pub(crate) async fn of_group(
    guard: Guard,
    State(state): State<AppState>,
    release: Release,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let pool = pool(&guard.container(db, &id)?);
        let roles = pool.iter().filter_map(|id| records::get(db, RECORD, id).transpose());
        roles.map(|role| Ok(release.role(shown(db, role?)?))).collect::<ApiResult<Vec<Value>>>()
    };
    state.store.read(work).await.map(|roles| Json(roles.into()))
}

/// `GET /groups/{id}/roles/{role}`
pub(crate) async fn one_of_group(
    guard: Guard,
    State(state): State<AppState>,
    release: Release,
    Path((id, role)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let pool = pool(&guard.container(db, &id)?);
        if pool.contains(&role) {
            Ok(release.role(shown(db, get_role(db, &role)?)?))
        } else {
            Err(ApiError::not_found("The group does not offer this role"))
        }
    };
    state.store.read(work).await.map(Json)
}

/// `POST /groups/{id}/roles`
pub(crate) async fn add_to_group(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let doc = check(body, &[must("_id", Shape::Id)])?;
    let role = doc.get("_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let work = move |db: &Connection| {
        let mut group = guard.container(db, &id)?;
        let found = get_role(db, &role)?;
        let mut pool = pool(&group);
        if pool.contains(&role) {
            return Err(ApiError::conflict("The group offers this role already"));
        }
        pool.push(role);
        group.doc.insert("roles".into(), json!(pool));
        containers::save(db, &mut group)?;
        shown(db, found)
    };
    state.store.write(work).await.map(Json)
}

/// `DELETE /groups/{id}/roles/{role}`
pub(crate) async fn remove_from_group(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, role)): Path<(String, String)>,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let mut group = guard.container(db, &id)?;
        let mut pool = pool(&group);
        if !pool.contains(&role) {
            return Err(ApiError::not_found("The group does not offer this role"));
        }
        let sql = "SELECT 1 FROM grants g JOIN containers c ON c.id = g.container_id
                   WHERE g.role = ? AND c.parent_id = ? AND c.deleted IS NULL LIMIT 1";
        refuse_in_template(&group, &role)?;
        if db.prepare_cached(sql)?.query_row((&role, &group.id), |_| Ok(())).optional()?.is_some() {
            return Err(ApiError::conflict(
                "The role is assigned on a project of the group: take it away there first",
            ));
        }
        pool.retain(|own| *own != role);
        group.doc.insert("roles".into(), json!(pool));
        containers::save(db, &mut group)
    };
    state.store.write(work).await?;
    Ok(nothing())
}
