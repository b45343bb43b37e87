//! Bytes that are sent before anybody says what they are: a device asks for a URL, puts the bytes there, and makes a file
//! of them by their uuid ([`super::upsert`]). What nobody asks for within a day goes away.

use axum::{Json, body::Body, extract::State, response::Response};
use http::HeaderMap;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    auth::Caller,
    blobs::Stored,
    body::{Field, JsonBody, Shape, TEXT, check, may, must},
    error::{ApiError, ApiResult, Detail},
    files::{
        document::PROVIDER,
        signed::{self, Arrived},
        tickets::{self, Purpose},
    },
    guard::Guard,
    route::nothing,
    state::AppState,
    store::{Doc, records},
};

/// What is remembered of a URL that was given out.
#[derive(Debug, Serialize, Deserialize)]
struct Loose {
    caller: String,
    size: Option<u64>,
    arrived: Option<Arrived>,
}

impl Loose {
    fn load(db: &Connection, id: &str) -> ApiResult<Self> {
        Ok(serde_json::from_value(Value::Object(tickets::redeem(db, Purpose::Loose, id)?))?)
    }

    fn save(&self, db: &Connection, id: &str) -> ApiResult<()> {
        let doc = serde_json::to_value(self)?;
        records::put(db, Purpose::Loose.record(), id, doc.as_object().unwrap_or(&Doc::new()))
    }
}

/// The bytes that a record names.
pub(crate) fn blob_named_by(doc: &Doc) -> Option<Uuid> {
    doc.get("arrived")?.get("blob")?.as_str()?.parse().ok()
}

/// `POST /upload/signed-url`: `{provider_id, uuid, upload_urls, upload_headers}`.
pub(crate) async fn create(
    guard: Guard,
    State(state): State<AppState>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let asked = check(body, &[must("provider_id", TEXT), may("size", Shape::Int)])?;
    require_provider(&asked)?;
    let uuid = tickets::as_uuid();
    let loose = Loose {
        caller: guard.caller.id().to_owned(),
        size: asked.get("size").and_then(Value::as_u64),
        arrived: None,
    };
    let work = move |db: &Connection| {
        loose.save(db, &key(uuid))?;
        tickets::expire(db, Purpose::Loose)
    };
    let expired = state.store.write(work).await?;
    signed::remove(&state.blobs, expired.iter().filter_map(blob_named_by).collect());
    let url = signed::part_url(&headers, &key(uuid));
    Ok(Json(json!({"provider_id": PROVIDER, "uuid": uuid, "upload_urls": [url], "upload_headers": {}})))
}

/// `PUT /upload/fs-file?token=` with the token of [`create`].
pub(crate) async fn receive(state: AppState, token: String, body: Body) -> ApiResult<Response> {
    let known = token.clone();
    let size = state.store.read(move |db| Ok(Loose::load(db, &known)?.size)).await?;
    let (blob, unclaimed) = signed::store(&state, body).await?;
    if let Some(size) = size.filter(|&size| size != blob.size) {
        let message = format!("{size} bytes were announced, {} arrived", blob.size);
        return Err(ApiError::unprocessable(message));
    }
    let (arrived, id) = (Arrived::from(&blob), token.clone());
    let work = move |db: &Connection| {
        let mut loose = Loose::load(db, &id)?;
        let earlier = loose.arrived.replace(arrived);
        loose.save(db, &id)?;
        unclaimed.claim();
        Ok(earlier)
    };
    let earlier = state.store.write(work).await?;
    signed::remove(&state.blobs, earlier.into_iter().map(|part| part.blob).collect());
    let uuid = token.parse().map_err(ApiError::internal)?;
    Ok(signed::part_received(&blob, uuid))
}

const OF_UPLOAD: [Field; 2] = [must("provider_id", TEXT), must("uuid", TEXT)];

/// `POST /upload/signed-url/cleanup`: forgets a URL and the bytes that were put there; one that is forgotten already is no
/// error.
pub(crate) async fn cleanup(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let asked = check(body, &OF_UPLOAD)?;
    let uuid = wanted(&asked)?;
    let work = move |db: &Connection| match load_own(db, &guard.caller, uuid) {
        Ok(loose) => {
            records::remove(db, Purpose::Loose.record(), &key(uuid))?;
            Ok(loose.arrived)
        }
        Err(error) if error.status() == 404 => Ok(None),
        Err(error) => Err(error),
    };
    let gone = state.store.write(work).await?;
    signed::remove(&state.blobs, gone.into_iter().map(|part| part.blob).collect());
    Ok(nothing())
}

/// `POST /upload/complete-s3-multipart`: the parts of this storage are joined already.
pub(crate) async fn complete_s3(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let [provider, uuid] = OF_UPLOAD;
    complete(
        guard,
        state,
        body,
        &[provider, uuid, must("upload_id", TEXT), must("etags", Shape::List(&TEXT))],
    )
    .await
}

/// `POST /upload/complete-azure-multipart`
pub(crate) async fn complete_azure(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let [provider, uuid] = OF_UPLOAD;
    let list = may("block_ids", Shape::List(&TEXT));
    complete(guard, state, body, &[provider, uuid, may("upload_id", TEXT), list]).await
}

async fn complete(guard: Guard, state: AppState, body: Value, fields: &[Field]) -> ApiResult<Json<Value>> {
    let uuid = wanted(&check(body, fields)?)?;
    let work = move |db: &Connection| match load_own(db, &guard.caller, uuid)?.arrived {
        Some(_) => Ok(Json(json!({"provider_id": PROVIDER, "uuid": uuid}))),
        None => Err(not_arrived(uuid)),
    };
    state.store.read(work).await
}

/// The bytes with this uuid.
///
/// # Errors
/// 404 for a uuid that was not given out, 403 for another caller's, 400 when the bytes have not arrived.
pub(super) fn look(db: &Connection, caller: &Caller, uuid: Uuid) -> ApiResult<Stored> {
    let arrived = load_own(db, caller, uuid)?.arrived;
    arrived.map(|arrived| arrived.stored()).ok_or_else(|| not_arrived(uuid))
}

/// Takes the bytes with this uuid away from their record: from now on a row names them, or nothing does.
///
/// # Errors
/// As [`look`].
pub(super) fn claim(db: &Connection, caller: &Caller, uuid: Uuid) -> ApiResult<()> {
    look(db, caller, uuid)?;
    records::remove(db, Purpose::Loose.record(), &key(uuid)).map(drop)
}

fn not_arrived(uuid: Uuid) -> ApiError {
    ApiError::bad_request(format!(
        "The bytes of {uuid} have not arrived: put them to the URL that was given out"
    ))
}

fn load_own(db: &Connection, caller: &Caller, uuid: Uuid) -> ApiResult<Loose> {
    let loose = Loose::load(db, &key(uuid))?;
    if loose.caller == caller.id() || caller.is_site_admin() {
        return Ok(loose);
    }
    Err(ApiError::forbidden("These bytes were sent by somebody else").with("reason", "permission_denied"))
}

/// The uuid of a body.
///
/// # Errors
/// 422 unless it is one, of the storage that this site has.
pub(super) fn wanted(asked: &Doc) -> ApiResult<Uuid> {
    require_provider(asked)?;
    let given = asked.get("uuid").cloned().unwrap_or_default();
    given.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
        let message = "Input should be the uuid of bytes that were sent to a signed URL";
        ApiError::invalid(vec![Detail::new(&["body", "uuid"], "uuid_parsing", message, &given)])
    })
}

fn require_provider(asked: &Doc) -> ApiResult<()> {
    match asked.get("provider_id").and_then(Value::as_str) {
        Some(PROVIDER) => Ok(()),
        other => Err(ApiError::unprocessable(format!(
            "The site has no storage {:?}: its only one is {PROVIDER}",
            other.unwrap_or_default()
        ))),
    }
}

fn key(uuid: Uuid) -> String {
    uuid.simple().to_string()
}
