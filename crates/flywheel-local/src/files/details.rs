//! What is said about a file: its document, type and modality, classification, info, tags.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use flywheel_core::info;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    classification::{self, Delta},
    document,
    query::Asked,
    which::{self, Which},
};
use crate::{
    body::{self, JsonBody, TAG, TEXT, may},
    containers::info as info_delta,
    error::{ApiError, ApiResult},
    guard::Guard,
    list, present,
    query::ListQuery,
    route::nothing,
    rules,
    state::AppState,
    store::{Doc, containers, files},
};

/// `GET /files`: the current files that the caller may see, whole, always as a Page.
pub(crate) async fn all(
    guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Json<Value>> {
    let query = query.always_paged();
    let work = move |db: &Connection| {
        let found = list::visible_files(db, &guard.caller, &query)?;
        let rows = found.rows.into_iter().map(|file| document::shown(file.doc)).collect();
        Ok(Json(list::page(rows, found.total.unwrap_or(0))))
    };
    state.store.read(work).await
}

/// `GET /files/{file_id}`, `GET /{containers}/{id}/files/{name}/info`: the file's document, info and all.
pub(crate) async fn get(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    asked: Asked,
) -> ApiResult<Json<Value>> {
    let found = state.store.read(move |db| which.find(db, &guard, asked.version)).await?;
    Ok(Json(document::shown(found.file.doc)))
}

/// `GET /analyses/{id}/input_files/{name}/info`: the inputs of an analysis that have this name.
pub(crate) async fn inputs(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, name)): Path<(String, String)>,
) -> ApiResult<Json<Vec<Value>>> {
    let work = move |db: &Connection| {
        let analysis = guard.container(db, &id)?;
        Ok(Json(
            which::input_entries(&analysis, Some(&name))
                .map(|entry| present::file(entry.clone(), true))
                .collect(),
        ))
    };
    state.store.read(work).await
}

/// Changes the current version of a file: its `modified` and `revision` move, and its container's. Answers how many jobs
/// the gear rules began for it as well.
async fn change_counting<T: Send + 'static>(
    guard: Guard,
    state: AppState,
    which: Which,
    work: impl FnOnce(&Connection, &mut Doc) -> ApiResult<T> + Send + 'static,
) -> ApiResult<(T, usize)> {
    let work = move |db: &Connection| {
        let mut found = which.find(db, &guard, 0)?;
        if found.input {
            return Err(ApiError::conflict("The inputs of an analysis stay as they were when it took them"));
        }
        let answer = work(db, &mut found.file.doc)?;
        files::touch(&mut found.file);
        files::save(db, &found.file)?;
        containers::touch(db, &found.container.id)?;
        Ok((answer, rules::noted(db, &found.file)?))
    };
    let (answer, noted) = state.store.write(work).await?;
    Ok((answer, rules::spawned(&state, noted).await))
}

async fn change<T: Send + 'static>(
    guard: Guard,
    state: AppState,
    which: Which,
    work: impl FnOnce(&Connection, &mut Doc) -> ApiResult<T> + Send + 'static,
) -> ApiResult<T> {
    change_counting(guard, state, which, work).await.map(|(answer, _)| answer)
}

/// As [`change`], with the answer of a change.
async fn modified(
    guard: Guard,
    state: AppState,
    which: Which,
    work: impl FnOnce(&Connection, &mut Doc) -> ApiResult<()> + Send + 'static,
) -> ApiResult<Json<Value>> {
    let ((), jobs) = change_counting(guard, state, which, work).await?;
    Ok(Json(json!({"modified": 1, "jobs_spawned": jobs})))
}

/// `PUT /files/{file_id}`, `PUT /{containers}/{id}/files/{name}`: `{type, modality}`. Another modality clears the classification
/// but for its custom words.
pub(crate) async fn modify(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let given = body::check_change(body, &[may("type", TEXT), may("modality", TEXT)])?;
    let work = move |_: &Connection, doc: &mut Doc| {
        if let Some(modality) = given.get("modality") {
            classification::set_modality(doc, modality.as_str())?;
        }
        if let Some(file_type) = given.get("type") {
            doc.insert("type".into(), file_type.clone());
        }
        Ok(())
    };
    modified(guard, state, which, work).await
}

/// `PUT /files/{file_id}/classification`, `PATCH` (and, older, `POST`) `/{containers}/{id}/files/{name}/classification`.
pub(crate) async fn classify(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let delta = Delta::read(&body)?;
    modified(guard, state, which, move |db, doc| delta.apply(db, doc)).await
}

/// `PATCH` (and, older, `POST`) `/{containers}/{id}/files/{name}/info`: `set` and `delete`, or `replace`.
pub(crate) async fn change_info(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    change_by(guard, state, which, info_delta::Delta::read(body)?).await
}

async fn change_by(
    guard: Guard,
    state: AppState,
    which: Which,
    delta: info_delta::Delta,
) -> ApiResult<Json<Value>> {
    let work = move |_: &Connection, doc: &mut Doc| {
        delta.apply(doc);
        Ok(())
    };
    modified(guard, state, which, work).await
}

/// `GET /files/{file_id}/info`: free metadata alone.
pub(crate) async fn info(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    asked: Asked,
) -> ApiResult<Json<Value>> {
    let found = state.store.read(move |db| which.find(db, &guard, asked.version)).await?;
    Ok(Json(found.file.doc.get("info").cloned().unwrap_or_else(|| json!({}))))
}

/// `PATCH /files/{file_id}/info`: sets the keys given.
pub(crate) async fn merge_info(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let delta = info_delta::Delta::setting(free(body)?);
    change_by(guard, state, which, delta).await
}

/// `PUT /files/{file_id}/info`: nothing but the keys given. Answers what is there now.
pub(crate) async fn replace_info(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let given = free(body)?;
    let answer = Json(Value::Object(given.clone()));
    change_by(guard, state, which, info_delta::Delta::replacing(given)).await.map(|_| answer)
}

/// Free metadata with keys that can be stored.
fn free(body: Value) -> ApiResult<Doc> {
    match body {
        Value::Object(map) => Ok(info::sanitize_map(map)),
        _ => Err(ApiError::unprocessable("expected an object of info keys")),
    }
}

/// `GET /files/{file_id}/tags`
pub(crate) async fn tags(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    asked: Asked,
) -> ApiResult<Json<Value>> {
    let found = state.store.read(move |db| which.find(db, &guard, asked.version)).await?;
    Ok(Json(tags_of(&found.file.doc).into()))
}

/// `PATCH /files/{file_id}/tags`: adds those that are missing and answers all.
pub(crate) async fn add_tags(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let given = body::check_texts(body, &TAG)?;
    let work =
        move |_: &Connection, doc: &mut Doc| Ok(set_tags_of(doc, tags_of(doc).into_iter().chain(given)));
    change(guard, state, which, work).await.map(Json)
}

/// `PUT /files/{file_id}/tags`: these and no others.
pub(crate) async fn set_tags(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let given = body::check_texts(body, &TAG)?;
    let work = move |_: &Connection, doc: &mut Doc| {
        set_tags_of(doc, given);
        Ok(())
    };
    modified(guard, state, which, work).await
}

/// `DELETE /files/{file_id}/tags`: takes these away; those the file does not carry are no error.
pub(crate) async fn delete_tags(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let gone = body::check_texts(body, &TEXT)?;
    let work = move |_: &Connection, doc: &mut Doc| {
        set_tags_of(doc, tags_of(doc).into_iter().filter(|tag| !gone.contains(tag)));
        Ok(())
    };
    change(guard, state, which, work).await.map(|()| nothing())
}

fn tags_of(doc: &Doc) -> Vec<String> {
    let tags = doc.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Sets the tags, each once, and answers them.
fn set_tags_of(doc: &mut Doc, tags: impl IntoIterator<Item = String>) -> Value {
    let mut kept: Vec<String> = Vec::new();
    for tag in tags {
        if !kept.contains(&tag) {
            kept.push(tag);
        }
    }
    doc.insert("tags".into(), kept.clone().into());
    kept.into()
}
