//! Notes of containers.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    auth::Caller,
    body::{JsonBody, Shape, check, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    state::AppState,
    store::{
        containers::{self, Container},
        new_id, now,
    },
};

fn text_of(body: Value) -> ApiResult<String> {
    let doc = check(body, &[must("text", Shape::Text(1, usize::MAX))])?;
    Ok(doc.get("text").and_then(Value::as_str).unwrap_or_default().to_owned())
}

fn notes(container: &mut Container) -> Vec<Value> {
    match container.doc.remove("notes") {
        Some(Value::Array(notes)) => notes,
        _ => Vec::new(),
    }
}

fn position(notes: &[Value], id: &str) -> ApiResult<usize> {
    let found = notes.iter().position(|note| note.get("_id").is_some_and(|own| own == id));
    found.ok_or_else(|| ApiError::not_found(format!("No note {id} found")))
}

/// Who wrote a note may change it, and site administrators.
fn refuse_others(caller: &Caller, note: &Value) -> ApiResult<()> {
    if caller.is_site_admin() || note.get("user").is_some_and(|author| author == caller.id()) {
        return Ok(());
    }
    Err(ApiError::forbidden("Only its author or a site administrator may change a note"))
}

/// `POST /{kind}/{id}/notes`
pub(crate) async fn post(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let text = text_of(body)?;
    let work = move |db: &Connection| {
        let mut container = guard.container(db, &id)?;
        let time = now();
        let note = json!({
            "_id": new_id(), "text": text, "user": guard.caller.id(), "created": time, "modified": time,
            "timestamp": time,
        });
        let mut list = notes(&mut container);
        list.push(note.clone());
        container.doc.insert("notes".into(), list.into());
        containers::save(db, &mut container)?;
        Ok(note)
    };
    state.store.write(work).await.map(Json)
}

/// `GET /{kind}/{id}/notes/{note}`
pub(crate) async fn get(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, note)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let mut list = notes(&mut guard.container(db, &id)?);
        let at = position(&list, &note)?;
        Ok(list.swap_remove(at))
    };
    state.store.read(work).await.map(Json)
}

/// `PUT /{kind}/{id}/notes/{note}`
pub(crate) async fn put(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, note)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let text = text_of(body)?;
    let change = move |list: &mut Vec<Value>, at: usize| {
        if let Some(note) = list.get_mut(at) {
            note["text"] = text.into();
            note["modified"] = now().into();
        }
    };
    edit(guard, state, id, note, change).await?;
    Ok(Json(1.into()))
}

/// `DELETE /{kind}/{id}/notes/{note}`
pub(crate) async fn delete(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, note)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    edit(guard, state, id, note, |list, at| drop(list.remove(at))).await?;
    Ok(Json(json!({"deleted": 1})))
}

async fn edit<F>(guard: Guard, state: AppState, id: String, note: String, change: F) -> ApiResult<()>
where
    F: FnOnce(&mut Vec<Value>, usize) + Send + 'static,
{
    let work = move |db: &Connection| {
        let mut container = guard.container(db, &id)?;
        let mut list = notes(&mut container);
        let at = position(&list, &note)?;
        list.get(at).map_or(Ok(()), |note| refuse_others(&guard.caller, note))?;
        change(&mut list, at);
        container.doc.insert("notes".into(), list.into());
        containers::save(db, &mut container)
    };
    state.store.write(work).await
}
