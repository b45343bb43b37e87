//! Executions: views that run in the background, and whose data are fetched when they are done.
//!
//! The record holds all that a run needs, so one that a stop of the site cut off begins anew at the next start. Rows lie
//! in the folder `views` of the site until the execution is deleted or its time is over.

use std::{collections::HashSet, fs, io, path::PathBuf, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use chrono::{TimeDelta, Utc};
use flywheel_core::{time, view::View};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    encode, evaluate,
    request::{self, Asked, Order, Task, find_target, target},
    saved::{self, refused},
    spool::{Rows, Summary},
};
use crate::{
    auth::Caller,
    body::JsonBody,
    error::{ApiError, ApiResult},
    files::tickets::{self, Purpose},
    filter_sql::Condition,
    guard::{Guard, no_ticket},
    kind::Kind,
    list::{self, List, doc_row},
    query::{ListQuery, Params},
    state::AppState,
    store::{Doc, new_id, now, records},
};

/// The kind under which executions are recorded.
const RECORD: &str = "view_execution";

/// How long data can be fetched.
const LIFETIME: TimeDelta = TimeDelta::days(7);

/// How long an answer waits for the end of an execution.
const MOMENT: Duration = Duration::from_millis(250);

/// What a view is called that was never saved.
const UNNAMED: &str = "UNKNOWN";

/// Where the record of an execution keeps what it needs itself and nobody is shown.
const RUN: &str = "_run";
const SUMMARY: &str = "_summary";

fn shown(mut execution: Doc) -> Value {
    [RUN, SUMMARY].iter().for_each(|&key| drop(execution.shift_remove(key)));
    execution.into()
}

fn text<'a>(doc: &'a Doc, key: &str) -> &'a str {
    doc.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// `POST /views/queue`
pub(crate) async fn queue(
    guard: Guard,
    State(state): State<AppState>,
    asked: Asked,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let view = saved::read(body)?;
    begin(&state, guard.caller, view, None, asked).await
}

/// `POST /views/{id}/queue`
pub(crate) async fn queue_saved(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    asked: Asked,
) -> ApiResult<Json<Value>> {
    let (caller, view_id) = (guard.caller.clone(), id.clone());
    let doc = state.store.read(move |db| saved::visible(db, &caller, &view_id)).await?;
    let view = saved::read(doc.into())?;
    begin(&state, guard.caller, view, Some(id), asked).await
}

/// Records an execution and sets it going. What can be known to be wrong is said at once.
async fn begin(
    state: &AppState,
    caller: Caller,
    view: View,
    view_id: Option<String>,
    asked: Asked,
) -> ApiResult<Json<Value>> {
    let plan = asked.plan(&view)?;
    let work = move |db: &Connection| {
        let target = target(db, &caller, &asked.container, &plan)?;
        let (id, made) = (new_id(), now());
        let label = view.label.as_deref().filter(|_| view_id.is_some()).unwrap_or(UNNAMED);
        let execution = json!({
            "_id": id,
            "created": made,
            "modified": made,
            "user_id": caller.id(),
            "project_id": target.ancestor(Kind::Project),
            "state": "queued",
            "data_view_label": label,
            "data_view_id": view_id,
            "storage_file_id": null,
            "task_id": null,
            "timestamp_ran": null,
            "expires_on": time::format(time::to_stored_precision(Utc::now() + LIFETIME)),
            "revision": 1,
            RUN: {
                "view": saved::document(&view)?, "container": asked.container, "filter": asked.filter,
                "sort": asked.sort, "skip": asked.order.skip, "limit": asked.order.limit,
            },
        });
        let execution = execution.as_object().cloned().unwrap_or_default();
        records::put(db, RECORD, &id, &execution)?;
        Ok((execution, expire(db)?))
    };
    let (execution, expired) = state.store.write(work).await?;
    expired.into_iter().for_each(|id| forget(state, &id));
    start(state.clone(), text(&execution, "_id").to_owned());
    Ok(Json(shown(execution)))
}

/// Takes away the executions whose time is over; answers their ids.
fn expire(db: &Connection) -> ApiResult<Vec<String>> {
    let sql = "DELETE FROM records WHERE kind = ? AND doc ->> '$.expires_on' < ? RETURNING id";
    let mut statement = db.prepare_cached(sql)?;
    let ids = statement.query_map((RECORD, now()), |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

fn path_of(state: &AppState, id: &str) -> PathBuf {
    state.views.folder.join(format!("{id}.rows"))
}

/// Takes the rows of an execution away; without a record nobody would ask for them.
fn forget(state: &AppState, id: &str) {
    match fs::remove_file(path_of(state, id)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::debug!(%error, "the rows of a view stay until the next start");
        }
        _ => {}
    }
}

fn start(state: AppState, id: String) {
    tokio::spawn(async move {
        if let Err(error) = execute(&state, &id).await {
            tracing::error!(%error, execution = id, "the end of an execution could not be recorded");
        }
    });
}

async fn execute(state: &AppState, id: &str) -> ApiResult<()> {
    let ran = now();
    let begun = change(state, id, json!({"state": "processing", "timestamp_ran": ran})).await?;
    let Some(execution) = begun else { return Ok(()) };
    let end = match produce(state, &execution).await {
        Ok(summary) => {
            json!({"state": "completed", "storage_file_id": id, SUMMARY: serde_json::to_value(summary)?})
        }
        Err(error) => json!({"state": "failed", "error": error.to_string()}),
    };
    if change(state, id, end).await?.is_none() {
        forget(state, id);
    }
    state.views.ended.notify_waiters();
    Ok(())
}

async fn produce(state: &AppState, execution: &Doc) -> ApiResult<Summary> {
    let run = execution.get(RUN).cloned().unwrap_or_default();
    let read = |key: &str| run.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let view = saved::read(run.get("view").cloned().unwrap_or_default())?;
    let order = Order {
        sort: read("sort").parse().map_err(ApiError::internal)?,
        skip: run.get("skip").and_then(Value::as_u64).unwrap_or(0),
        limit: run.get("limit").and_then(Value::as_u64),
    };
    let plan = request::plan(&view, &read("filter"), &order.sort)?;
    let container = read("container");
    let target = state.store.read(move |db| find_target(db, &container)).await?;
    let rows = evaluate::run(state, Task { plan, target, order }).await?;
    let path = path_of(state, text(execution, "_id"));
    Ok(tokio::task::spawn_blocking(move || rows.keep(&path)).await.map_err(ApiError::internal)??)
}

/// Changes the record of an execution; answers it, or nothing when it is gone.
async fn change(state: &AppState, id: &str, fields: Value) -> ApiResult<Option<Doc>> {
    let id = id.to_owned();
    let work = move |db: &Connection| {
        let Some(mut execution) = records::get(db, RECORD, &id)? else { return Ok(None) };
        execution.extend(fields.as_object().cloned().unwrap_or_default());
        execution.insert("modified".into(), now().into());
        let revision = execution.get("revision").and_then(Value::as_i64).unwrap_or(0) + 1;
        execution.insert("revision".into(), revision.into());
        records::put(db, RECORD, &id, &execution)?;
        Ok(Some(execution))
    };
    state.store.write(work).await
}

/// At the start of a site: begins what was cut off anew, and removes rows that no execution names.
///
/// # Errors
/// When the database fails.
pub(crate) async fn resume(state: &AppState) -> ApiResult<()> {
    let all = state.store.read(|db| records::all(db, RECORD)).await?;
    let (done, cut_off): (Vec<Doc>, Vec<Doc>) =
        all.into_iter().partition(|execution| matches!(text(execution, "state"), "completed" | "failed"));
    let named: HashSet<PathBuf> =
        done.iter().map(|execution| path_of(state, text(execution, "_id"))).collect();
    for entry in fs::read_dir(&state.views.folder)? {
        let path = entry?.path();
        if !named.contains(&path) {
            fs::remove_file(path)?;
        }
    }
    cut_off.iter().for_each(|execution| start(state.clone(), text(execution, "_id").to_owned()));
    Ok(())
}

/// The execution of this id, when the caller began it or administers the site.
fn visible(db: &Connection, caller: &Caller, id: &str) -> ApiResult<Doc> {
    let execution = find(db, id)?;
    if caller.id() == text(&execution, "user_id") || caller.is_site_admin() {
        Ok(execution)
    } else {
        Err(refused("An execution is for who began it"))
    }
}

fn find(db: &Connection, id: &str) -> ApiResult<Doc> {
    records::get(db, RECORD, id)?
        .ok_or_else(|| ApiError::not_found(format!("Could not find resource data_view_execution:{id}")))
}

/// `GET /data_view_executions`: the caller's own; all of them with `exhaustive`.
pub(crate) async fn all(
    guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let caller = &guard.caller;
        let mut list = List::records(RECORD, &query);
        if query.exhaustive && !caller.is_superuser() {
            return Err(ApiError::forbidden("exhaustive=true is for site administrators"));
        }
        if !query.exhaustive {
            list = list.and(Condition::new("r.doc ->> '$.user_id' = ?", vec![caller.id().to_owned().into()]));
        }
        let rows = list.run(db, doc_row)?;
        Ok(list::Rows { rows: rows.rows.into_iter().map(shown).collect(), total: rows.total })
    };
    state.store.read(work).await.map(list::answer)
}

/// `GET /data_view_executions/{id}`: answers at once what is done, and a moment later what is not, so that clients which
/// ask again and again ask less.
pub(crate) async fn one(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let read = || {
        let (caller, id) = (guard.caller.clone(), id.clone());
        state.store.read(move |db| visible(db, &caller, &id))
    };
    let mut ended = std::pin::pin!(state.views.ended.notified());
    ended.as_mut().enable();
    let mut execution = read().await?;
    if matches!(text(&execution, "state"), "queued" | "processing") {
        // Whether an execution ended or the time is over, the record says how it stands.
        let _ = tokio::time::timeout(MOMENT, ended).await;
        execution = read().await?;
    }
    Ok(Json(shown(execution)))
}

/// The summary of an execution that is done.
///
/// # Errors
/// 409 while it is not, or when it failed.
fn summary(execution: &Doc) -> ApiResult<Summary> {
    match text(execution, "state") {
        "completed" => Ok(serde_json::from_value(execution.get(SUMMARY).cloned().unwrap_or_default())?),
        "failed" => Err(ApiError::conflict(format!("The execution failed: {}", text(execution, "error")))),
        state => Err(ApiError::conflict(format!("The execution is {state}: ask again when it is completed"))),
    }
}

fn rows(state: &AppState, execution: &Doc) -> ApiResult<Rows> {
    let summary = summary(execution)?;
    let file =
        fs::File::open(path_of(state, text(execution, "_id"))).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ApiError::internal("the rows of an execution are missing"),
            _ => error.into(),
        })?;
    Ok(Rows::of(file, summary)?)
}

/// `GET /data_view_executions/{id}/data`, with a login or a ticket
pub(crate) async fn data(
    guard: Option<Guard>,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    let format = request::format(&params, "file_format")?;
    let name = params.get("file_name").filter(|name| !name.is_empty()).unwrap_or("view-data").to_owned();
    let ticket = params.get("ticket").filter(|ticket| !ticket.is_empty()).map(str::to_owned);
    let work = move |db: &Connection| match (ticket, guard) {
        (Some(ticket), _) => {
            let bound = tickets::redeem(db, Purpose::View, &ticket)?;
            if text(&bound, "execution") != id {
                return Err(ApiError::bad_request("This ticket is for another execution"));
            }
            find(db, &id)
        }
        (None, Some(guard)) => visible(db, &guard.caller, &id),
        (None, None) => Err(no_ticket()),
    };
    let execution = state.store.read(work).await?;
    Ok(encode::download(rows(&state, &execution)?, format, &name))
}

/// `GET /data_view_executions/{id}/data/columns`: `[{name, type}]`
pub(crate) async fn columns(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let execution = state.store.read(move |db| visible(db, &guard.caller, &id)).await?;
    Ok(Json(serde_json::to_value(summary(&execution)?.columns)?))
}

/// `POST /data_view_executions/{id}/ticket`
pub(crate) async fn ticket(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        visible(db, &guard.caller, &id)?;
        tickets::expire(db, Purpose::View)?;
        let bound = Doc::from_iter([("execution".to_owned(), Value::from(id))]);
        Ok(Json(json!({"ticket": tickets::issue(db, Purpose::View, &bound)?})))
    };
    state.store.write(work).await
}

/// `POST /data_view_executions/{id}/save`: keeps the data as a file of the project.
pub(crate) async fn save(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let format = request::format(&params, "file_format")?;
    let caller = guard.caller.clone();
    let work = move |db: &Connection| {
        let execution = visible(db, &caller, &id)?;
        evaluate::writable(db, &caller, Kind::Project, text(&execution, "project_id"))?;
        Ok(execution)
    };
    let execution = state.store.read(work).await?;
    let label = match text(&execution, "data_view_label") {
        UNNAMED => "view-data",
        label => label,
    };
    let name = encode::with_extension(&label.replace(['/', '\\', '\0'], "_"), format);
    let holder = (Kind::Project, text(&execution, "project_id").to_owned());
    evaluate::keep(&state, guard.caller, rows(&state, &execution)?, format, holder, name).await.map(Json)
}

/// `POST /data_view_executions/{id}/delete`
pub(crate) async fn delete(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let gone = id.clone();
    let work = move |db: &Connection| {
        visible(db, &guard.caller, &id)?;
        records::remove(db, RECORD, &id)
    };
    state.store.write(work).await?;
    forget(&state, &gone);
    Ok(Json(json!({"deleted": 1})))
}
