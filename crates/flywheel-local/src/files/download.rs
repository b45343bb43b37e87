//! Reading files: their bytes, tickets for their bytes, and what is inside a zip.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::HeaderMap;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    answer,
    query::Asked,
    tickets::{self, Purpose},
    which::{Found, Which},
    zipped,
};
use crate::{
    error::{ApiError, ApiResult},
    guard::{Guard, no_ticket},
    state::AppState,
    store::{Doc, files::FileRow},
};

/// `GET /{containers}/{id}/files/{name}`, `GET /files/{file_id}/download`: the bytes, a ticket for them, a zip's list of members
/// or one member, as the query asks.
pub(crate) async fn download(
    guard: Option<Guard>,
    State(state): State<AppState>,
    which: Which,
    asked: Asked,
    headers: HeaderMap,
) -> ApiResult<Response> {
    if asked.ticket.as_deref() == Some("") {
        return Ok(
            Json(new_ticket(guard.ok_or_else(no_ticket)?, &state, which, &asked).await?).into_response()
        );
    }
    let file = wanted_file(guard, &state, which, &asked).await?;
    if asked.info {
        return Ok(Json(zipped::listing(&state.blobs, &answer::stored(&file)?).await?).into_response());
    }
    match &asked.member {
        Some(member) => answer::member(&state.blobs, &file, member).await,
        None if asked.view => answer::view(&state.blobs, &file, &headers).await,
        None => answer::attachment(&state.blobs, &file).await,
    }
}

/// `GET /files/{file_id}/version/{version}/download/{name}`: the bytes of a version.
///
/// # Errors
/// 404 when there is no such version, or it has another name.
pub(crate) async fn version(
    guard: Option<Guard>,
    State(state): State<AppState>,
    Path((_, version, name)): Path<(String, String, String)>,
    which: Which,
    mut asked: Asked,
) -> ApiResult<Response> {
    let missing = || ApiError::not_found(format!("The file has no version {version} named {name}"));
    asked.version = version.parse().ok().filter(|&version: &i64| version >= 0).ok_or_else(missing)?;
    let file = wanted_file(guard, &state, which, &asked).await?;
    if file.text("name") != name {
        return Err(missing());
    }
    answer::attachment(&state.blobs, &file).await
}

/// `GET /files/{file_id}/zip_info`: a zip's list of members.
pub(crate) async fn zip_info(
    guard: Option<Guard>,
    State(state): State<AppState>,
    which: Which,
    asked: Asked,
) -> ApiResult<Json<Value>> {
    let file = wanted_file(guard, &state, which, &asked).await?;
    Ok(Json(zipped::listing(&state.blobs, &answer::stored(&file)?).await?))
}

/// `GET /files/{file_id}/zip_member/{member}`: one member of a zip.
pub(crate) async fn zip_member(
    guard: Option<Guard>,
    State(state): State<AppState>,
    Path((_, member)): Path<(String, String)>,
    which: Which,
    asked: Asked,
) -> ApiResult<Response> {
    let file = wanted_file(guard, &state, which, &asked).await?;
    answer::member(&state.blobs, &file, &member).await
}

/// `POST /files/{file_id}/ticket`: `{ticket, filename, file_cnt, size}`.
pub(crate) async fn ticket(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    asked: Asked,
) -> ApiResult<Json<Value>> {
    new_ticket(guard, &state, which, &asked).await.map(Json)
}

/// `GET /files/{file_id}/ticket/{ticket}/validate`: the ticket as it was answered when it was made.
///
/// # Errors
/// 404 when it is not known, 400 when it is for another file.
pub(crate) async fn validate_ticket(
    State(state): State<AppState>,
    Path((_, ticket)): Path<(String, String)>,
    which: Which,
    asked: Asked,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let file = redeem(db, &which, &ticket, &Asked { version: 0, ..asked })?;
        Ok(Json(stub(&ticket, &file)))
    };
    state.store.read(work).await
}

/// The file that a request is about: by its ticket when it has one, else by what the caller may do.
async fn wanted_file(
    guard: Option<Guard>,
    state: &AppState,
    which: Which,
    asked: &Asked,
) -> ApiResult<FileRow> {
    let wanted = asked.clone();
    let file = match asked.ticket.clone().filter(|ticket| !ticket.is_empty()) {
        Some(ticket) => state.store.read(move |db| redeem(db, &which, &ticket, &wanted)).await?,
        None => {
            let guard = guard.ok_or_else(no_ticket)?;
            state.store.read(move |db| which.find(db, &guard, wanted.version)).await?.file
        }
    };
    match &asked.hash {
        Some(hash) if *hash != file.text("hash") => Err(ApiError::conflict(format!(
            "The file's hash is {}, not the one asked for",
            file.text("hash")
        ))),
        _ => Ok(file),
    }
}

async fn new_ticket(guard: Guard, state: &AppState, which: Which, asked: &Asked) -> ApiResult<Value> {
    let (version, hash, address) = (asked.version, asked.hash.clone(), asked.address);
    let work = move |db: &Connection| {
        let found = which.find(db, &guard, version)?;
        if hash.is_some_and(|hash| hash != found.file.text("hash")) {
            return Err(ApiError::conflict("The file's hash is not the one asked for"));
        }
        tickets::expire(db, Purpose::File)?;
        let mut bound = remembered(&found);
        address.bind(&mut bound);
        let ticket = tickets::issue(db, Purpose::File, &bound)?;
        Ok(stub(&ticket, &found.file))
    };
    state.store.write(work).await
}

fn stub(ticket: &str, file: &FileRow) -> Value {
    json!({"ticket": ticket, "filename": file.text("name"), "file_cnt": 1, "size": file.doc.get("size")})
}

/// What a ticket is bound to: one version of one file, and the ways by which it may be asked for.
fn remembered(found: &Found) -> Doc {
    let file = &found.file;
    let entries = [
        ("uuid", Value::from(file.text("_id"))),
        ("file_id", file.file_id().into()),
        ("container", found.container.id.as_str().into()),
        ("name", file.text("name").into()),
        ("input", found.input.into()),
    ];
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The file of a ticket, when the path speaks of the same one.
fn redeem(db: &Connection, which: &Which, ticket: &str, asked: &Asked) -> ApiResult<FileRow> {
    let version = asked.version;
    let bound = tickets::redeem(db, Purpose::File, ticket)?;
    asked.address.refuse_other(&bound)?;
    let text = |key: &str| bound.get(key).and_then(Value::as_str).unwrap_or_default();
    let same = match which {
        Which::ById(file_id) => file_id == text("file_id"),
        Which::ByName { container, analysis, name, .. } => {
            analysis.as_ref().unwrap_or(container) == text("container") && name == text("name")
        }
    };
    let gone = || ApiError::not_found("The file of this ticket was deleted");
    let file = crate::store::files::by_uuid(db, text("uuid"))?.ok_or_else(gone)?;
    if !same || (version != 0 && version != file.version()) {
        return Err(ApiError::bad_request("This ticket is for another file"));
    }
    let input = bound.get("input").and_then(Value::as_bool).unwrap_or(false);
    let deleted = file.doc.get("deleted").is_some_and(|time| !time.is_null());
    if deleted && !input { Err(gone()) } else { Ok(file) }
}
