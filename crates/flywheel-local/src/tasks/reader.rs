//! Listing, making, changing, assigning and completing tasks: `/tasks/reader` and below.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    document::{
        ASSIGNEE, NEW, PRIORITY, Parent, STATUS, TASKS, enter, make, may_do, next_batch,
        refuse_unknown_assignee, shown, task,
    },
    many,
};
use crate::{
    access::{self, Action},
    body::{JsonBody, Shape, TAG, TEXT, check, check_change, may, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    list, protocols,
    query::{ListQuery, Params},
    state::AppState,
    store::{Doc, now},
};

fn visible(db: &Connection, guard: &Guard, query: &ListQuery) -> ApiResult<list::Rows<Doc>> {
    TASKS.sifted(db, query, |task| may_do(db, &guard.caller, task, Action::TasksView))
}

/// `GET /tasks/reader`
pub(super) async fn all(
    guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Json<Value>> {
    let query = query.always_paged();
    let work = move |db: &Connection| {
        let found = visible(db, &guard, &query)?;
        let rows = found.rows.into_iter().map(|task| shown(db, task)).collect::<ApiResult<_>>()?;
        Ok(list::linked_page(rows, found.total.unwrap_or_default(), &query))
    };
    state.store.read(work).await.map(Json)
}

/// `POST /tasks/reader`
pub(super) async fn add(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let said = check(body, NEW)?;
    let work = move |db: &Connection| {
        let parent = Parent::find(db, said.get("parent_ref").unwrap_or(&Value::Null))?;
        access::authorize(db, &guard.caller, &parent.container, Action::TasksCreate)?;
        let task = make(db, &guard.caller, &parent, said, next_batch(db)?, 1)?;
        TASKS.put(db, &task)?;
        Ok(task.into())
    };
    state.store.write(work).await.map(Json)
}

/// `GET /tasks/reader/{id}`
pub(super) async fn show(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| shown(db, task(db, &guard, &id, Action::TasksView)?);
    state.store.read(work).await.map(Json)
}

/// `PUT /tasks/reader/{id}`
pub(super) async fn modify(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let decision = Shape::OneOf(&["reader_1", "reader_2", "own_read"]);
    let decision = [must("decision", decision)];
    let fields = [
        may("due_date", Shape::Time),
        may("status", STATUS),
        may("priority", PRIORITY),
        may("tags", Shape::List(&TAG)),
        may("transitions", Shape::Any),
        may("description", TEXT),
        may("adjudication", Shape::Any),
    ];
    let mut change = check_change(body, &fields)?;
    change.retain(|_, value| !value.is_null());
    change.shift_remove("transitions");
    let adjudication =
        change.shift_remove("adjudication").map(|given| check(given, &decision)).transpose()?;
    let work = move |db: &Connection| {
        let mut task = task(db, &guard, &id, Action::TasksModify)?;
        if let Some(status) = change.shift_remove("status").as_ref().and_then(Value::as_str) {
            refuse_done(&task)?;
            enter(&mut task, status);
        }
        task.extend(change);
        if let Some(decision) = adjudication.and_then(|mut given| given.shift_remove("decision")) {
            let Some(state) = task.get_mut("adjudication").and_then(Value::as_object_mut) else {
                return Err(ApiError::conflict("The task is not that of an adjudicator"));
            };
            state.insert("decision".into(), decision);
        }
        TASKS.save(db, &mut task)?;
        shown(db, task)
    };
    state.store.write(work).await.map(Json)
}

/// 409 for a task that is completed or cancelled.
fn refuse_done(task: &Doc) -> ApiResult<()> {
    match task.get("status").and_then(Value::as_str) {
        Some(status @ ("completed" | "cancelled")) => {
            Err(ApiError::conflict(format!("The task is {status}: it does not go on")))
        }
        _ => Ok(()),
    }
}

/// `PUT /tasks/reader/{id}/assign`
pub(super) async fn assign(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let change = check(body, &[may("assignee", ASSIGNEE), may("staffing_pool", TEXT)])?;
    let work = move |db: &Connection| {
        let mut task = task(db, &guard, &id, Action::TasksAssign)?;
        refuse_done(&task)?;
        refuse_unknown_assignee(db, &change)?;
        for (key, value) in change {
            if value.is_null() {
                task.shift_remove(&key);
            } else {
                task.insert(key, value);
            }
        }
        TASKS.save(db, &mut task)?;
        shown(db, task)
    };
    state.store.write(work).await.map(Json)
}

/// `POST /tasks/reader/{id}/clone`: the same task once more, from the beginning.
pub(super) async fn clone(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let fields = [
        may("assignee", ASSIGNEE),
        may("due_date", Shape::Time),
        may("tags", Shape::List(&TAG)),
        may("description", TEXT),
        may("priority", PRIORITY),
    ];
    let change = check(body, &fields)?;
    let work = move |db: &Connection| {
        let original = task(db, &guard, &id, Action::TasksCreate)?;
        let parent = Parent::find(db, original.get("parent_ref").unwrap_or(&Value::Null))?;
        let mut said = Doc::new();
        for key in
            ["type", "subcategory", "assignee", "due_date", "tags", "description", "priority", "protocol_id"]
        {
            if let Some(value) = original.get(key) {
                said.insert(key.into(), value.clone());
            }
        }
        said.extend(change.into_iter().filter(|(_, value)| !value.is_null()));
        let task = make(db, &guard.caller, &parent, said, next_batch(db)?, 1)?;
        TASKS.put(db, &task)?;
        Ok(task.into())
    };
    state.store.write(work).await.map(Json)
}

/// `POST /tasks/reader/{id}/complete`: where the protocol asks for a signature, a reason has to be given.
pub(super) async fn complete(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let body = if body.is_null() { json!({}) } else { body };
    let given = check(body, &[may("mfa_code", TEXT), may("reason", TEXT), may("read_number", Shape::Int)])?;
    let work = move |db: &Connection| {
        let mut task = task(db, &guard, &id, Action::TasksModify)?;
        refuse_done(&task)?;
        if task.get("status").is_some_and(|status| status == "blocked") {
            return Err(ApiError::conflict("The task is blocked until others are completed"));
        }
        let protocol_id = task.get("protocol_id").and_then(Value::as_str).unwrap_or_default();
        let protocol = protocols::get_protocol(db, protocol_id)?;
        let config = protocol.get("esignature_config").cloned().unwrap_or_default();
        if config.get("required").and_then(Value::as_bool) == Some(true) {
            let reason = given.get("reason").and_then(Value::as_str).filter(|reason| !reason.is_empty());
            let reason = reason.ok_or_else(|| {
                ApiError::unprocessable("The protocol asks for a signature: give a reason for it")
            })?;
            let signature = json!({
                "user_id": guard.caller.id(), "timestamp": now(), "reason": reason, "mfa_verified": false,
            });
            task.insert("esignature".into(), signature);
        }
        enter(&mut task, "completed");
        TASKS.save(db, &mut task)?;
        many::release_adjudicator(db, &task, &protocol)?;
        Ok(task.into())
    };
    state.store.write(work).await.map(Json)
}

/// `GET /tasks/reader/facets/{field}?filter=`: how many tasks there are of each value.
pub(super) async fn facets(
    guard: Guard,
    State(state): State<AppState>,
    Path(field): Path<String>,
    query: ListQuery,
) -> ApiResult<Json<Value>> {
    if !["status", "priority"].contains(&field.as_str()) {
        return Err(ApiError::unprocessable(format!("{field:?} is no facet: use status or priority")));
    }
    let work = move |db: &Connection| {
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        for task in visible(db, &guard, &query)?.rows {
            let value = task.get(&field).and_then(Value::as_str).unwrap_or_default();
            *counts.entry(value.to_owned()).or_default() += 1;
        }
        Ok(json!(counts))
    };
    state.store.read(work).await.map(Json)
}

/// `GET /tasks/{level}s/ids?ids=`: the containers of one level that these tasks are about, or lie below.
pub(super) async fn parents(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
    level: &'static str,
) -> ApiResult<Json<Value>> {
    let ids: Vec<String> = params
        .all("ids")
        .flat_map(|ids| ids.split(','))
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect();
    if ids.is_empty() {
        return Err(ApiError::unprocessable("ids should name at least one task"));
    }
    let work = move |db: &Connection| {
        let mut found = BTreeSet::new();
        for id in ids {
            let task = task(db, &guard, &id, Action::TasksView)?;
            let parent = task.get("parents").and_then(|parents| parents.get(level)).and_then(Value::as_str);
            found.extend(parent.filter(|id| !id.is_empty()).map(str::to_owned));
        }
        Ok(json!(found))
    };
    state.store.read(work).await.map(Json)
}
