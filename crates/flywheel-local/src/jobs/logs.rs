//! What jobs say: added by engines, read as entries, text or HTML.

use axum::{
    Json,
    extract::{Path, State},
    response::{Html, IntoResponse, Response},
};
use http::header;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{lists::visible, states, store};
use crate::{
    body::{JsonBody, Shape, TEXT, check_value, must},
    error::ApiResult,
    guard::Guard,
    route::nothing,
    state::AppState,
};

const ENTRIES: Shape = Shape::List(&Shape::Object(&[must("fd", Shape::Int), must("msg", TEXT)]));

/// `POST /jobs/{id}/logs`: counts as a sign of life of the job.
pub(super) async fn add(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let entries = check_value(body, &ENTRIES)?;
    let work = move |db: &Connection| {
        let mut job = store::get(db, &id)?;
        for entry in entries.as_array().into_iter().flatten() {
            let fd = entry.get("fd").and_then(Value::as_i64).unwrap_or(1);
            store::add_log(db, &id, fd, entry.get("msg").and_then(Value::as_str).unwrap_or_default())?;
        }
        if job.state()? == states::State::Running {
            store::save(db, &mut job)?;
        }
        Ok(nothing())
    };
    state.store.write(work).await
}

async fn lines(guard: Guard, state: AppState, id: String) -> ApiResult<Vec<(i64, String)>> {
    let work = move |db: &Connection| {
        let job = visible(db, &guard, &id)?;
        store::logs(db, &job.id)
    };
    state.store.read(work).await
}

/// `GET /jobs/{id}/logs`
pub(super) async fn get(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let lines = lines(guard, state, id.clone()).await?;
    let logs: Vec<Value> = lines.into_iter().map(|(fd, msg)| json!({"fd": fd, "msg": msg})).collect();
    Ok(Json(json!({"_id": id, "logs": logs})))
}

/// `GET /jobs/{id}/logs/text`
pub(super) async fn text(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let text: String = lines(guard, state, id).await?.into_iter().map(|(_, msg)| msg).collect();
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// `GET /jobs/{id}/logs/html`
pub(super) async fn html(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Html<String>> {
    let lines = lines(guard, state, id).await?;
    let spans = lines.into_iter().map(|(fd, msg)| {
        let (fd, msg) = (fd.to_string(), escaped(&msg));
        format!("<span class=\"fd-{fd}\">{msg}</span>")
    });
    Ok(Html(format!("<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<pre>{}</pre>\n", spans.collect::<String>())))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
