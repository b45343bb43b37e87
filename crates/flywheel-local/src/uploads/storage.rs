//! Files of the site's own storage, outside of the hierarchy: what a user keeps for other calls to refer to.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    response::Response,
};
use http::HeaderMap;
use rusqlite::Connection;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    auth::Caller,
    error::{ApiError, ApiResult},
    files::{
        Unclaimed, answer,
        document::PROVIDER,
        form::Form,
        query::Asked,
        signed,
        tickets::{self, Purpose},
        upload,
    },
    guard::{Guard, no_ticket},
    query::Params,
    state::AppState,
    store::{Doc, files::FileRow, new_id, now, records},
};

/// The kind of such records.
pub(crate) const RECORD: &str = "storage_file";

/// The bytes that a record names.
pub(crate) fn blob_named_by(doc: &Doc) -> Option<Uuid> {
    doc.get("blob")?.as_str()?.parse().ok()
}

/// `POST /storage/files`: one file by multipart; answers its document. Who asks for a signed address to send it to gets a
/// 409, upon which public clients send the file itself.
pub(crate) async fn add(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Value>> {
    if params.flag("signed_url") {
        return Err(ApiError::conflict("This storage signs no addresses: send the file itself"));
    }
    let form = Form::new(&headers, body)?;
    let mut unclaimed = Unclaimed::new(state.blobs.clone());
    let (received, _) = upload::receive(&state.blobs, form, &mut unclaimed).await?;
    let [(name, blob)] = <[_; 1]>::try_from(received)
        .map_err(|received| ApiError::bad_request(format!("expected one file, got {}", received.len())))?;
    let (id, time) = (new_id(), now());
    let doc = json!({
        "_id": id, "storage_file_id": id, "name": name, "size": blob.size, "hash": blob.hash, "provider_id": PROVIDER,
        "mimetype": flywheel_core::filetype::media_type(&name), "origin": guard.caller.origin(),
        "created": time, "modified": time, "blob": blob.id,
    });
    let doc = doc.as_object().cloned().unwrap_or_default();
    let work = move |db: &Connection| {
        records::put(db, RECORD, &id, &doc)?;
        unclaimed.claim();
        Ok(Json(shown(doc)))
    };
    state.store.write(work).await
}

/// The document without the address of its bytes, which never leaves the site.
fn shown(mut doc: Doc) -> Value {
    doc.shift_remove("blob");
    doc.into()
}

/// `GET /storage/files/{id}?ticket=`: its bytes.
pub(crate) async fn read(
    guard: Option<Guard>,
    State(state): State<AppState>,
    Path(id): Path<String>,
    asked: Asked,
) -> ApiResult<Response> {
    let work = move |db: &Connection| match (asked.ticket.filter(|ticket| !ticket.is_empty()), guard) {
        (Some(ticket), _) => {
            let bound = tickets::redeem(db, Purpose::Storage, &ticket)?;
            if bound.get("file").and_then(Value::as_str) != Some(&id) {
                return Err(ApiError::bad_request("This ticket is for another file"));
            }
            get(db, &id)
        }
        (None, Some(guard)) => own(db, &guard.caller, &id),
        (None, None) => Err(no_ticket()),
    };
    let doc = state.store.read(work).await?;
    let blob = blob_named_by(&doc).ok_or_else(|| ApiError::internal("a storage file names no blob"))?;
    answer::attachment(&state.blobs, &FileRow { doc, blob: blob.to_string() }).await
}

/// `POST /storage/files/{id}/ticket`: `{ticket, filename, file_cnt, size}`.
pub(crate) async fn ticket(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let doc = own(db, &guard.caller, &id)?;
        tickets::expire(db, Purpose::Storage)?;
        let bound = Doc::from_iter([("file".to_owned(), id.into())]);
        let ticket = tickets::issue(db, Purpose::Storage, &bound)?;
        Ok(Json(
            json!({"ticket": ticket, "filename": doc.get("name"), "file_cnt": 1, "size": doc.get("size")}),
        ))
    };
    state.store.write(work).await
}

/// `DELETE /storage/files/{id}`
pub(crate) async fn delete(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let doc = own(db, &guard.caller, &id)?;
        records::remove(db, RECORD, &id)?;
        Ok(blob_named_by(&doc))
    };
    let gone = state.store.write(work).await?;
    signed::remove(&state.blobs, gone.into_iter().collect());
    Ok(Json(json!({"deleted": 1})))
}

fn get(db: &Connection, id: &str) -> ApiResult<Doc> {
    records::get(db, RECORD, id)?
        .ok_or_else(|| ApiError::not_found(format!("Could not find resource storage file:{id}")))
}

/// A file that the caller put there, or any for a site administrator.
fn own(db: &Connection, caller: &Caller, id: &str) -> ApiResult<Doc> {
    let doc = get(db, id)?;
    let origin = doc.get("origin").and_then(|origin| origin.get("id")).and_then(Value::as_str);
    if caller.is_site_admin() || origin == Some(caller.id()) {
        return Ok(doc);
    }
    Err(ApiError::not_found(format!("Could not find resource storage file:{id}")))
}
