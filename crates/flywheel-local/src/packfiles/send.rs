//! Beginning a packfile, adding files to it, and forgetting those that nobody finished.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
};
use http::HeaderMap;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::pending;
use crate::{
    error::{ApiError, ApiResult},
    files::{
        Unclaimed,
        document::{self, Arrival},
        form::Form,
        metadata::Metadata,
        signed, upload,
    },
    guard::Guard,
    query::Params,
    state::AppState,
    store::Doc,
};

/// `POST /projects/{id}/packfile-start`: `{token}`.
pub(crate) async fn start(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let project = guard.container(db, &id)?;
        Ok(Json(json!({"token": pending::begin(db, &guard, &project)?})))
    };
    state.store.write(work).await
}

/// The token of a request.
///
/// # Errors
/// 400 when there is none.
pub(super) fn token(params: &Params) -> ApiResult<String> {
    let token = params.get("token").filter(|token| !token.is_empty()).map(str::to_owned);
    token.ok_or_else(|| ApiError::bad_request("token is missing: make one with packfile-start"))
}

/// `POST /projects/{id}/packfile?token=`: files by multipart; answers their entries.
pub(crate) async fn add(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Vec<Value>>> {
    let token = token(&params)?;
    let (check, wanted, project) = (guard.clone(), token.clone(), id.clone());
    state.store.read(move |db| pending::project(db, &check, &project, &wanted)).await?;
    let form = Form::new(&headers, body)?;
    let mut unclaimed = Unclaimed::new(state.blobs.clone());
    let (received, _) = upload::receive(&state.blobs, form, &mut unclaimed).await?;
    if received.is_empty() {
        return Err(ApiError::bad_request("The upload has no file"));
    }
    let work = move |db: &Connection| {
        let project = pending::project(db, &guard, &id, &token)?;
        let (mut entries, mut gone) = (Vec::new(), Vec::new());
        for (name, blob) in received {
            gone.extend(pending::add(db, &token, &name, &blob)?);
            let more = Doc::new();
            let arrival =
                Arrival { name: name.clone(), blob, members: None, metadata: Metadata::default(), more };
            entries.push(document::shown(document::fresh(
                db,
                &project,
                &name,
                &arrival,
                &guard.caller.origin(),
            )?));
        }
        unclaimed.claim();
        Ok((entries, gone))
    };
    let (entries, gone) = state.store.write(work).await?;
    signed::remove(&state.blobs, gone);
    Ok(Json(entries))
}

/// `POST /clean-packfiles`: `{removed: {tokens, files}}`.
pub(crate) async fn clean(_: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let (tokens, blobs) = state.store.write(pending::forget_old).await?;
    let answer = json!({"removed": {"tokens": tokens, "files": blobs.len()}});
    signed::remove(&state.blobs, blobs);
    Ok(Json(answer))
}
