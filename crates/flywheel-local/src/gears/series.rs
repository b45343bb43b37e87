//! Series: what all versions of a gear share, and who may see and run a restricted one.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::store;
use crate::{
    access::{Action, actions_in},
    auth::Caller,
    body::{JsonBody, Shape, TEXT, check, may, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    route::nothing,
    state::AppState,
    store::{Doc, containers, new_id, now, records},
};

/// The kind under which series are recorded, by the gears' name.
const RECORD: &str = "gear_series";

/// The series of a name.
///
/// # Errors
/// 404 when no gear has this name.
pub(crate) fn get(db: &Connection, name: &str) -> ApiResult<Doc> {
    if let Some(series) = records::get(db, RECORD, name)? {
        return Ok(series);
    }
    Err(ApiError::not_found(format!("No gear named {name} found")))
}

/// Makes the series of a name when there is none.
pub(super) fn ensure(db: &Connection, name: &str) -> ApiResult<()> {
    if records::get(db, RECORD, name)?.is_some() {
        return Ok(());
    }
    let time = now();
    let series = json!({
        "_id": new_id(), "name": name, "permissions": {"users": [], "projects": []}, "is_restricted": false,
        "created": time, "modified": time,
    });
    records::put(db, RECORD, name, &series.as_object().cloned().unwrap_or_default())
}

fn save(db: &Connection, mut series: Doc) -> ApiResult<Value> {
    series.insert("modified".into(), now().into());
    let name = series.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    records::put(db, RECORD, &name, &series)?;
    Ok(series.into())
}

fn names<'a>(series: &'a Doc, list: &str) -> impl Iterator<Item = &'a str> {
    let ids =
        series.get("permissions").and_then(|permissions| permissions.get(list)).and_then(Value::as_array);
    ids.into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a caller may see the gears of a name: none is hidden unless it is restricted, then they show to the users it
/// names and to the members of the projects it names, of one project alone when one is asked about.
pub(crate) fn sees(db: &Connection, caller: &Caller, name: &str, project: Option<&str>) -> ApiResult<bool> {
    let Some(series) = records::get(db, RECORD, name)? else { return Ok(true) };
    let restricted = series.get("is_restricted").and_then(Value::as_bool).unwrap_or(false);
    if !restricted || caller.is_superuser() || names(&series, "users").any(|user| user == caller.id()) {
        return Ok(true);
    }
    for allowed in names(&series, "projects").filter(|id| project.is_none_or(|asked| asked == *id)) {
        if actions_in(db, caller, allowed)?.has(Action::JobsView) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// 403 unless a caller may run the gears of a name in a project.
pub(crate) fn require(db: &Connection, caller: &Caller, name: &str, project: Option<&str>) -> ApiResult<()> {
    if sees(db, caller, name, project)? {
        return Ok(());
    }
    let message = format!("Permission denied: the gear {name} is restricted, and not to you or this project");
    Err(ApiError::forbidden(message).with("reason", "permission_denied"))
}

/// `GET /gears/{name}/series`
pub(super) async fn show(
    guard: Guard,
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let series = get(db, &name)?;
        require(db, &guard.caller, &name, None)?;
        Ok(Json(series.into()))
    };
    state.store.read(work).await
}

/// Changes the series of a name.
async fn change<F>(state: AppState, name: String, edit: F) -> ApiResult<Value>
where
    F: FnOnce(&Connection, &mut Doc) -> ApiResult<()> + Send + 'static,
{
    let work = move |db: &Connection| {
        let mut series = get(db, &name)?;
        edit(db, &mut series)?;
        save(db, series)
    };
    state.store.write(work).await
}

/// `PUT /gears/{name}/series`
pub(super) async fn modify(
    _guard: Guard,
    State(state): State<AppState>,
    Path(name): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let given = check(body, &[must("is_restricted", Shape::Bool)])?;
    let edit = |_: &Connection, series: &mut Doc| {
        series.extend(given);
        Ok(())
    };
    change(state, name, edit).await.map(Json)
}

/// `PUT /gears/{name}/permissions`
pub(super) async fn replace(
    _guard: Guard,
    State(state): State<AppState>,
    Path(name): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let fields = [may("users", Shape::List(&TEXT)), may("projects", Shape::List(&Shape::Id))];
    let given = check(body, &fields)?;
    let edit = move |db: &Connection, series: &mut Doc| {
        let mut permissions = json!({"users": [], "projects": []});
        for (list, ids) in given.into_iter().filter(|(_, ids)| !ids.is_null()) {
            for id in ids.as_array().into_iter().flatten().filter_map(Value::as_str) {
                known(db, &list, id)?;
            }
            permissions[list] = ids;
        }
        series.insert("permissions".into(), permissions);
        Ok(())
    };
    change(state, name, edit).await.map(Json)
}

/// 404 for a user or project that is not there.
fn known(db: &Connection, list: &str, id: &str) -> ApiResult<()> {
    if list == "projects" {
        return containers::get(db, Kind::Project, id).map(drop);
    }
    let user = records::account(db, records::AccountKind::User, id)?;
    user.map(drop).ok_or_else(|| ApiError::not_found(format!("No user {id} found")))
}

fn list_named(kind: &str) -> ApiResult<&'static str> {
    match kind {
        "users" | "user" => Ok("users"),
        "projects" | "project" => Ok("projects"),
        other => {
            Err(ApiError::unprocessable(format!("{other:?} is no kind of permission: users or projects")))
        }
    }
}

fn list_mut<'a>(series: &'a mut Doc, list: &str) -> Option<&'a mut Vec<Value>> {
    series.get_mut("permissions")?.get_mut(list)?.as_array_mut()
}

/// `PUT /gears/{name}/permissions/{kind}`
pub(super) async fn add(
    _guard: Guard,
    State(state): State<AppState>,
    Path((name, kind)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let (list, given) = (list_named(&kind)?, check(body, &[must("id", Shape::Text(1, 256))])?);
    let edit = move |db: &Connection, series: &mut Doc| {
        let id = given.get("id").cloned().unwrap_or_default();
        known(db, list, id.as_str().unwrap_or_default())?;
        if let Some(ids) = list_mut(series, list).filter(|ids| !ids.contains(&id)) {
            ids.push(id);
        }
        Ok(())
    };
    change(state, name, edit).await.map(Json)
}

/// `DELETE /gears/{name}/permissions/{kind}/{id}`
pub(super) async fn remove(
    _guard: Guard,
    State(state): State<AppState>,
    Path((name, kind, id)): Path<(String, String, String)>,
) -> ApiResult<Response> {
    let list = list_named(&kind)?;
    let edit = move |_: &Connection, series: &mut Doc| {
        let ids = list_mut(series, list);
        let before = ids.as_ref().map_or(0, |ids| ids.len());
        let after = ids.map_or(0, |ids| {
            ids.retain(|known| known != &Value::from(id.as_str()));
            ids.len()
        });
        if before == after {
            Err(ApiError::not_found(format!("{id} has no permission here")))
        } else {
            Ok(())
        }
    };
    change(state, name, edit).await.map(|_| nothing())
}

/// `DELETE /gears/{name}/permissions`: takes them all, and the restriction with them.
pub(super) async fn clear(
    _guard: Guard,
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Response> {
    let edit = |_: &Connection, series: &mut Doc| {
        series.insert("permissions".into(), json!({"users": [], "projects": []}));
        series.insert("is_restricted".into(), false.into());
        Ok(())
    };
    change(state, name, edit).await.map(|_| nothing())
}

/// The names of the gears that a caller may not see.
pub(super) fn hidden(db: &Connection, caller: &Caller, project: Option<&str>) -> ApiResult<Vec<String>> {
    let mut hidden = Vec::new();
    for series in records::all(db, RECORD)? {
        let name = series.get("name").and_then(Value::as_str).unwrap_or_default();
        if !sees(db, caller, name, project)? {
            hidden.push(name.to_owned());
        }
    }
    Ok(hidden)
}

/// The gear of this id, when the caller may see it.
///
/// # Errors
/// 404 when there is none, 403 when it is restricted.
pub(super) fn visible(db: &Connection, caller: &Caller, id: &str) -> ApiResult<store::Gear> {
    let gear = store::get(db, id)?;
    require(db, caller, gear.name(), None)?;
    Ok(gear)
}
