//! What readers answered: `/tasks/{id}/responses` and `/responses`. One response a reader and task, open until submitted.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::document::{TASKS, may_do, task};
use crate::{
    access::Action,
    auth::Caller,
    body::{Field, JsonBody, Shape, TEXT, check, check_change, may, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    list,
    query::ListQuery,
    state::AppState,
    store::{Doc, now, shelf::Shelf},
};

const RESPONSES: Shelf = Shelf::new("form response", "response");

const NEW: &[Field] = &[must("task_id", Shape::Id), must("data", Shape::Any)];

/// A response as it is shown: its id goes by another name here.
fn shown(mut response: Doc) -> Value {
    if let Some(id) = response.shift_remove("_id") {
        response.shift_insert(0, "id".into(), id);
    }
    response.into()
}

fn is_own(caller: &Caller, response: &Doc) -> bool {
    response.get("origin") == Some(&caller.origin())
}

fn task_of(response: &Doc) -> &str {
    response.get("task_id").and_then(Value::as_str).unwrap_or_default()
}

fn sees(db: &Connection, caller: &Caller, response: &Doc) -> ApiResult<bool> {
    if is_own(caller, response) {
        return Ok(true);
    }
    may_do(db, caller, &TASKS.get(db, task_of(response))?, Action::FormResponsesViewOthers)
}

/// A response that the caller may see; to others it is not there.
pub(crate) fn response(db: &Connection, caller: &Caller, id: &str) -> ApiResult<Doc> {
    let response = RESPONSES.get(db, id)?;
    if sees(db, caller, &response)? {
        return Ok(response);
    }
    Err(ApiError::not_found(format!("No response {id} found")))
}

/// A response that the caller may change: its own while it is open, those of others by an action of their own.
fn writable(db: &Connection, guard: &Guard, id: &str) -> ApiResult<Doc> {
    let response = response(db, &guard.caller, id)?;
    if !is_own(&guard.caller, &response) {
        task(db, guard, task_of(&response), Action::FormResponsesEditOthers)?;
    } else if response.get("submitted").and_then(Value::as_bool) == Some(true) {
        return Err(ApiError::conflict("The response is submitted: it does not change any more"));
    }
    Ok(response)
}

/// What was answered last to a task.
pub(super) fn latest_data(db: &Connection, task: &Doc) -> ApiResult<Value> {
    let mut all = RESPONSES.all(db)?;
    all.retain(|response| response.get("task_id") == task.get("_id"));
    all.sort_by(|a, b| {
        a.get("modified").and_then(Value::as_str).cmp(&b.get("modified").and_then(Value::as_str))
    });
    Ok(all.pop().and_then(|mut response| response.remove("data")).unwrap_or_default())
}

/// `GET /tasks/{id}/responses`
pub(super) async fn of_task(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    query: ListQuery,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        task(db, &guard, &id, Action::TasksView)?;
        let found = RESPONSES.sifted(db, &query.always_paged(), |response| {
            Ok(task_of(response) == id && sees(db, &guard.caller, response)?)
        })?;
        Ok(list::page(found.rows.into_iter().map(shown).collect(), found.total.unwrap_or_default()))
    };
    state.store.read(work).await.map(Json)
}

/// `POST /tasks/{id}/responses`: the caller's response to the task, in the place of an open one.
pub(super) async fn put_own(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut said = check(body, NEW)?;
    let work = move |db: &Connection| {
        let task = task(db, &guard, &id, Action::TasksModify)?;
        let data = said.shift_remove("data").unwrap_or_default();
        let own = |response: &Doc| task_of(response) == id && is_own(&guard.caller, response);
        let mut response = match RESPONSES.all(db)?.into_iter().find(own) {
            Some(response) => {
                writable(db, &guard, response.get("_id").and_then(Value::as_str).unwrap_or_default())?
            }
            None => {
                let mut fresh = RESPONSES.fresh(&guard.caller);
                let more = json!({
                    "task_id": id, "protocol_id": task.get("protocol_id"), "submitted": false,
                    "parents": task.get("parents"), "revision": 0,
                });
                fresh.extend(more.as_object().cloned().unwrap_or_default());
                fresh
            }
        };
        response.insert("data".into(), data);
        RESPONSES.save(db, &mut response)?;
        Ok(shown(response))
    };
    state.store.write(work).await.map(Json)
}

/// `PUT /tasks/{id}/responses/{response}`
pub(super) async fn replace(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, response)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut said = check(body, NEW)?;
    let work = move |db: &Connection| {
        let mut response = writable(db, &guard, &response)?;
        if task_of(&response) != id {
            return Err(ApiError::not_found("The response belongs to another task"));
        }
        response.insert("data".into(), said.shift_remove("data").unwrap_or_default());
        RESPONSES.save(db, &mut response)?;
        Ok(shown(response))
    };
    state.store.write(work).await.map(Json)
}

/// `GET /responses/{id}`
pub(super) async fn show(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    state.store.read(move |db| response(db, &guard.caller, &id)).await.map(|found| Json(shown(found)))
}

/// `PATCH /responses/{id}`
pub(super) async fn modify(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let fields = [
        may("task_id", TEXT),
        may("protocol_id", TEXT),
        may("data", Shape::Info),
        may("submitted", Shape::Bool),
        may("submitted_at", Shape::Time),
        may("modified", Shape::Time),
    ];
    let mut said = check_change(body, &fields)?;
    let work = move |db: &Connection| {
        let mut response = writable(db, &guard, &id)?;
        if let Some(data) = said.shift_remove("data").filter(|data| !data.is_null()) {
            response.insert("data".into(), data);
        }
        if said.get("submitted").and_then(Value::as_bool) == Some(true) {
            seal(&mut response);
        }
        RESPONSES.save(db, &mut response)?;
        Ok(shown(response))
    };
    state.store.write(work).await.map(Json)
}

fn seal(response: &mut Doc) {
    response.insert("submitted".into(), true.into());
    response.insert("submitted_at".into(), now().into());
}

/// `POST /responses/{id}/submit`
pub(super) async fn submit(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let mut response = writable(db, &guard, &id)?;
        seal(&mut response);
        RESPONSES.save(db, &mut response)?;
        Ok(shown(response))
    };
    state.store.write(work).await.map(Json)
}
