//! Receiving files by signed URLs: a ticket names the files, their bytes are sent to URLs without a login, in parts where the
//! client can and the file is long, and a last call makes files of them.
//!
//! What has arrived stands in the ticket's record, so that neither a restart nor the sweep loses a part that was acknowledged.

use axum::{
    Json,
    body::Body,
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, TryStreamExt, stream};
use http::{HeaderMap, header};
use indexmap::IndexMap;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    document::PROVIDER,
    name,
    tickets::{self, Purpose},
    unclaimed::Unclaimed,
};
use crate::{
    auth::Caller,
    blobs::{BlobStore, ByteStream, Stored},
    body,
    error::{ApiError, ApiResult},
    state::AppState,
    store::{Doc, records},
    uploads::loose,
};

/// The most parts that one file is sent in. With at least [`PART`] bytes a part, rounding parts up to whole
/// [`ALIGNMENT`]s, as clients do, leaves bytes for the last one.
const MOST_PARTS: u64 = 100;

/// How long a part is at least, bytes.
const PART: u64 = 64 * 1024 * 1024;

/// What clients round the length of a part up to, bytes.
#[cfg(test)]
const ALIGNMENT: u64 = 256 * 1024;

/// What the record of a ticket holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    #[serde(rename = "container")]
    place: String,
    caller: String,
    pub(crate) preserve_metadata: bool,
    pub(crate) metadata: Value,
    /// The parts of each file, by the name that the client gave.
    files: IndexMap<String, Vec<Option<Arrived>>>,
    /// How long each file was said to be, in the same order.
    #[serde(default)]
    sizes: Vec<Option<u64>>,
}

/// Bytes that are on disk and that a record names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Arrived {
    pub(crate) blob: Uuid,
    size: u64,
    hash: String,
}

impl Arrived {
    /// Where the bytes are.
    pub(crate) fn stored(&self) -> Stored {
        Stored { id: self.blob, size: self.size, hash: self.hash.clone() }
    }
}

impl From<&Stored> for Arrived {
    fn from(blob: &Stored) -> Self {
        Self { blob: blob.id, size: blob.size, hash: blob.hash.clone() }
    }
}

impl Pending {
    fn load(db: &Connection, ticket: &str) -> ApiResult<Self> {
        Ok(serde_json::from_value(Value::Object(tickets::redeem(db, Purpose::Upload, ticket)?))?)
    }

    fn to_doc(&self) -> ApiResult<Doc> {
        match serde_json::to_value(self)? {
            Value::Object(doc) => Ok(doc),
            _ => Err(ApiError::internal("an upload ticket is no object")),
        }
    }

    /// The files with all their parts.
    ///
    /// # Errors
    /// 400 when a part is missing, 422 when a file is not as long as was said.
    fn whole(&self) -> ApiResult<Vec<(String, Vec<Stored>)>> {
        let sizes = self.sizes.iter().copied().chain(std::iter::repeat(None));
        let file = |((name, parts), size): ((&String, &Vec<Option<Arrived>>), Option<u64>)| {
            let arrived: Option<Vec<Stored>> =
                parts.iter().map(|part| part.as_ref().map(Arrived::stored)).collect();
            let arrived = arrived.ok_or_else(|| {
                ApiError::bad_request(format!(
                    "The bytes of {name:?} have not all arrived: the upload is over, begin a new one"
                ))
            })?;
            let length: u64 = arrived.iter().map(|part| part.size).sum();
            match size.filter(|&size| size != length) {
                Some(size) => Err(ApiError::unprocessable(format!(
                    "{name:?} was announced with {size} bytes, and {length} arrived: the upload is over, begin a new one"
                ))),
                None => Ok((name.clone(), arrived)),
            }
        };
        self.files.iter().zip(sizes).map(file).collect()
    }
}

/// The blobs that the record of an upload ticket names.
pub(crate) fn blobs_named_by(doc: &Doc) -> Vec<Uuid> {
    let files = doc.get("files").and_then(Value::as_object).into_iter().flat_map(|files| files.values());
    let parts = files.filter_map(Value::as_array).flatten();
    parts.filter_map(|part| part.get("blob")?.as_str()?.parse().ok()).collect()
}

/// What the first call says.
#[derive(Deserialize)]
pub(crate) struct Begin {
    /// What is said about the files.
    #[serde(default)]
    pub(crate) metadata: Value,
    filenames: Vec<String>,
}

impl Begin {
    /// Reads a body.
    ///
    /// # Errors
    /// 422 unless it is `{metadata, filenames}`.
    pub(crate) async fn read(body: Body) -> ApiResult<Self> {
        let begin: Self = serde_json::from_value(body::read(body).await?)
            .map_err(|error| ApiError::unprocessable(format!("expected {{metadata, filenames}}: {error}")))?;
        Ok(begin)
    }

    /// The names of the files, without folders.
    ///
    /// # Errors
    /// 422 when there is none, or one that no file can have.
    pub(crate) fn names(&self) -> ApiResult<Vec<&str>> {
        let unusable =
            |name: &String| ApiError::unprocessable(format!("{name:?} cannot be the name of a file"));
        let names =
            self.filenames.iter().map(|name| name::without_folders(name).ok_or_else(|| unusable(name)));
        let names: Vec<&str> = names.collect::<ApiResult<_>>()?;
        if names.is_empty() {
            return Err(ApiError::unprocessable("filenames names no file"));
        }
        Ok(names)
    }
}

/// What a ticket is made for.
pub(crate) struct Order {
    /// Where the files go: what the last call has to name again.
    pub(crate) place: String,
    pub(crate) preserve_metadata: bool,
    /// How long each file is, where that is said.
    pub(crate) sizes: Vec<Option<u64>>,
}

/// Makes the ticket: `{ticket, urls: {name: url or urls}, headers}`.
pub(crate) async fn open(
    caller: &Caller,
    state: &AppState,
    headers: &HeaderMap,
    begin: Begin,
    order: Order,
) -> ApiResult<Response> {
    let in_parts = accepts_parts(headers);
    let files: IndexMap<String, Vec<Option<Arrived>>> = begin
        .filenames
        .iter()
        .zip(&order.sizes)
        .map(|(name, size)| (name.clone(), vec![None; if in_parts { parts(*size) } else { 1 }]))
        .collect();
    let counts: Vec<(String, usize)> =
        files.iter().map(|(name, parts)| (name.clone(), parts.len())).collect();
    let pending = Pending {
        place: order.place,
        caller: caller.id().to_owned(),
        preserve_metadata: order.preserve_metadata,
        metadata: begin.metadata,
        files,
        sizes: order.sizes,
    };
    let work = move |db: &Connection| {
        let ticket = tickets::issue(db, Purpose::Upload, &pending.to_doc()?)?;
        Ok((ticket, tickets::expire(db, Purpose::Upload)?))
    };
    let (ticket, expired) = state.store.write(work).await?;
    let gone = expired.iter().flat_map(blobs_named_by);
    remove(&state.blobs, gone.collect());
    let url = |file: usize, part: usize| part_url(headers, &format!("{ticket}.{file}.{part}"));
    let urls = counts.into_iter().enumerate().map(|(file, (name, parts))| {
        let list: Vec<Value> = (0..parts).map(|part| url(file, part).into()).collect();
        (name, if in_parts { Value::Array(list) } else { url(file, 0).into() })
    });
    let urls: Doc = urls.collect();
    Ok(Json(json!({"ticket": ticket, "urls": urls, "headers": {}})).into_response())
}

/// Where the bytes that a token stands for are to be put.
pub(crate) fn part_url(headers: &HeaderMap, token: &str) -> String {
    format!("{}/upload/fs-file?token={token}", base_url(headers))
}

fn parts(size: Option<u64>) -> usize {
    (size.unwrap_or(0) / PART).clamp(1, MOST_PARTS) as usize
}

fn accepts_parts(headers: &HeaderMap) -> bool {
    let features = headers.get_all("x-accept-feature").iter().filter_map(|value| value.to_str().ok());
    let mut names = features.flat_map(|list| list.split(',')).map(|name| name.trim().replace('-', "_"));
    names.any(|name| name.eq_ignore_ascii_case("multipart_signed_url"))
}

/// Where this site is, as the client called it.
fn base_url(headers: &HeaderMap) -> String {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = text(header::HeaderName::from_static("x-forwarded-proto")).unwrap_or("http");
    format!("{scheme}://{}/api", text(header::HOST).unwrap_or("localhost"))
}

#[derive(Deserialize)]
pub(crate) struct Token {
    #[serde(default)]
    token: String,
}

/// `PUT /upload/fs-file?token=`: the bytes of one part. The token is the permission.
pub(crate) async fn receive_part(
    State(state): State<AppState>,
    Query(Token { token }): Query<Token>,
    body: Body,
) -> ApiResult<Response> {
    if !token.contains('.') {
        return loose::receive(state, token, body).await;
    }
    let (ticket, file, part) = read_token(&token)?;
    let known = ticket.clone();
    state.store.read(move |db| slot(&mut Pending::load(db, &known)?, file, part).map(|_| ())).await?;
    let (blob, unclaimed) = store(&state, body).await?;
    let arrived = Arrived::from(&blob);
    let work = move |db: &Connection| {
        let mut pending = Pending::load(db, &ticket)?;
        let earlier = slot(&mut pending, file, part)?.replace(arrived);
        records::put(db, Purpose::Upload.record(), &ticket, &pending.to_doc()?)?;
        unclaimed.claim();
        Ok(earlier)
    };
    let earlier = state.store.write(work).await?;
    remove(&state.blobs, earlier.into_iter().map(|part| part.blob).collect());
    Ok(part_received(&blob, blob.id))
}

/// Puts a body on disk.
///
/// # Errors
/// 400 when it is cut, 507 when the disk is full.
pub(crate) async fn store(state: &AppState, body: Body) -> ApiResult<(Stored, Unclaimed)> {
    let mut upload = state.blobs.upload();
    let chunks = body
        .into_data_stream()
        .map_err(|error| ApiError::bad_request(format!("The upload was cut: {error}")));
    upload.write_all(chunks.boxed()).await?;
    let blob = upload.finish().await?;
    let mut unclaimed = Unclaimed::new(state.blobs.clone());
    unclaimed.hold(&blob);
    Ok((blob, unclaimed))
}

/// The answer to bytes that arrived, known to clients under `uuid` from now on.
pub(crate) fn part_received(blob: &Stored, uuid: Uuid) -> Response {
    let answer = Json(json!({"provider_id": PROVIDER, "uuid": uuid}));
    ([(header::ETAG, format!("\"{}\"", blob.hash))], answer).into_response()
}

fn read_token(token: &str) -> ApiResult<(String, usize, usize)> {
    let mut words = token.split('.');
    let mut read = || -> Option<(String, usize, usize)> {
        let (ticket, file, part) = (words.next()?, words.next()?, words.next()?);
        Some((ticket.to_owned(), file.parse().ok()?, part.parse().ok()?))
    };
    read().ok_or_else(|| ApiError::not_found("There is no such upload: begin a new one"))
}

fn slot(pending: &mut Pending, file: usize, part: usize) -> ApiResult<&mut Option<Arrived>> {
    let parts = pending.files.get_index_mut(file).map(|(_, parts)| parts);
    let slot = parts.and_then(|parts| parts.get_mut(part));
    slot.ok_or_else(|| ApiError::not_found("There is no such upload: begin a new one"))
}

/// The files of a ticket, all of whose bytes have arrived.
pub(crate) struct Sent {
    pub(crate) pending: Pending,
    pub(crate) files: Vec<(String, Stored)>,
    ticket: String,
    unclaimed: Unclaimed,
    used: Vec<Uuid>,
}

impl Sent {
    /// Uses up the ticket, in the transaction that writes the rows of its files. Answers the blobs that are of no more use
    /// after it.
    ///
    /// # Errors
    /// 409 when another call did so before.
    pub(crate) fn used_up(self, db: &Connection) -> ApiResult<Vec<Uuid>> {
        if !records::remove(db, Purpose::Upload.record(), &self.ticket)? {
            return Err(ApiError::conflict("This upload was finished already"));
        }
        self.unclaimed.claim();
        Ok(self.used)
    }
}

/// What arrived for a ticket. What does not make the files that were announced ends the upload: the ticket and the bytes go, as
/// they do when a client that gave up makes its last call.
///
/// # Errors
/// 404 for an unknown ticket, 400 for one of another place or caller and when bytes are missing, 422 when they are not as many
/// as were announced.
pub(crate) async fn collect(
    caller: &Caller,
    state: &AppState,
    place: &str,
    ticket: String,
) -> ApiResult<Sent> {
    let known = ticket.clone();
    let pending = state.store.read(move |db| Pending::load(db, &known)).await?;
    if pending.place != place || pending.caller != caller.id() {
        return Err(ApiError::bad_request("This upload was begun for another place, or by somebody else"));
    }
    let whole = match pending.whole() {
        Ok(whole) => whole,
        Err(refusal) => {
            abandon(state, ticket).await?;
            return Err(refusal);
        }
    };
    let mut unclaimed = Unclaimed::new(state.blobs.clone());
    let (mut files, mut used) = (Vec::new(), Vec::new());
    for (name, parts) in whole {
        let name = name::without_folders(&name).unwrap_or_default().to_owned();
        files.push((name, join(&state.blobs, parts, &mut unclaimed, &mut used).await?));
    }
    Ok(Sent { pending, files, ticket, unclaimed, used })
}

/// Forgets an upload and removes what arrived for it.
async fn abandon(state: &AppState, ticket: String) -> ApiResult<()> {
    let work = move |db: &Connection| {
        let kind = Purpose::Upload.record();
        let doc = records::get(db, kind, &ticket)?.unwrap_or_default();
        Ok(if records::remove(db, kind, &ticket)? { blobs_named_by(&doc) } else { Vec::new() })
    };
    let gone = state.store.write(work).await?;
    remove(&state.blobs, gone);
    Ok(())
}

/// One blob of a file's parts: the only part itself, or a new one, with the parts then of no more use.
async fn join(
    blobs: &BlobStore,
    parts: Vec<Stored>,
    unclaimed: &mut Unclaimed,
    used: &mut Vec<Uuid>,
) -> ApiResult<Stored> {
    if let [only] = parts.as_slice() {
        return Ok(only.clone());
    }
    used.extend(parts.iter().map(|part| part.id));
    let reader = blobs.clone();
    let opened = stream::iter(parts).then(move |part| {
        let reader = reader.clone();
        async move {
            let content: ByteStream = reader.read(&part, 0..part.size).await?;
            Ok::<_, ApiError>(content.map_err(ApiError::from))
        }
    });
    let mut upload = blobs.upload();
    upload.write_all(opened.try_flatten().boxed()).await?;
    let whole = upload.finish().await?;
    unclaimed.hold(&whole);
    Ok(whole)
}

/// Removes blobs that nothing names any more.
pub(crate) fn remove(blobs: &BlobStore, gone: Vec<Uuid>) {
    let mut unnamed = Unclaimed::new(blobs.clone());
    gone.into_iter().for_each(|id| unnamed.hold(&Stored { id, size: 0, hash: String::new() }));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The length that clients give to all parts but the last: rounded up to the next alignment, a whole one more when even.
    fn part_size(size: u64, parts: u64) -> u64 {
        let even = size.div_ceil(parts);
        even + ALIGNMENT - even % ALIGNMENT
    }

    #[test]
    fn every_part_that_is_offered_gets_bytes() {
        let most = PART * MOST_PARTS;
        for size in [1, PART, PART * 2 - 1, PART * 2, PART * 3 + 1, most - 1, most, most * 7 + 12_345] {
            let parts = parts(Some(size)) as u64;
            let before_the_last = part_size(size, parts) * (parts - 1);
            assert!(before_the_last < size, "{size} bytes in {parts} parts");
        }
        assert_eq!(parts(None), 1);
        assert_eq!(parts(Some(PART * 2)), 2);
    }

    #[test]
    fn the_feature_is_found_however_it_is_written() {
        let headers = |text: &str| {
            HeaderMap::from_iter(
                [("x-accept-feature".parse().ok(), text.parse().ok())]
                    .into_iter()
                    .filter_map(|(name, value)| Some((name?, value?))),
            )
        };
        assert!(accepts_parts(&headers("Safe-Redirect, Multipart-Signed-URL")));
        assert!(!accepts_parts(&headers("Safe-Redirect")));
    }
}
