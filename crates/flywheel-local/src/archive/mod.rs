//! Archives: whole containers, or chosen files of them, as one tar or zip.
//!
//! | file | what it holds |
//! |---|---|
//! | `analysis` | all inputs or all outputs of an analysis, as older clients ask for them |
//! | `request` | what is asked for, and what a ticket remembers of it |
//! | `plan` | which containers are taken, and the folder that each becomes |
//! | `layout` | what folders and files are called inside an archive |
//! | `filter` | which files are taken |
//! | `encode` | the archive's bytes, made while they are sent |

mod analysis;
mod encode;
mod filter;
mod layout;
mod plan;
mod request;
#[cfg(test)]
mod tests;

use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use http::header;
use rusqlite::Connection;
use serde_json::{Value, json};

pub(crate) use self::{
    encode::{Entry, Format, encode},
    layout::file_name,
};
use self::{
    plan::{Plan, Taken},
    request::Wish,
};
use crate::{
    access::Need,
    body::JsonBody,
    error::{ApiError, ApiResult},
    files::{
        name,
        tickets::{self, Address, Purpose},
    },
    guard::Guard,
    query::Params,
    route::{Route, get, post},
    state::AppState,
};

/// The routes of archives.
pub(crate) fn routes() -> Vec<Route> {
    let mut routes = vec![
        post("/download", Need::Login, create),
        get("/download", Need::Public, fetch),
        post("/download/targets", Need::Login, targets),
        post("/download/summary", Need::Login, summary),
    ];
    routes.extend(analysis::routes());
    routes
}

/// How many folders are looked up at once while an archive is sent.
const BATCH: usize = 200;

/// `POST /download`: `{ticket, filename, file_cnt, size}` for containers with filters, or with `bulk=true` for a list of files.
pub(crate) async fn create(
    guard: Guard,
    State(state): State<AppState>,
    address: Address,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let wish = Wish::read(&params, body)?;
    issue(&state, address, move |db| wish.allowed(db, &guard.caller)).await.map(Json)
}

/// A ticket for an archive: `{ticket, filename, file_cnt, size}`.
///
/// # Errors
/// Those of `wish`, and 404 when there is no file in it.
async fn issue<W>(state: &AppState, address: Address, wish: W) -> ApiResult<Value>
where
    W: FnOnce(&Connection) -> ApiResult<Wish> + Send + 'static,
{
    let work = move |db: &Connection| {
        let wish = wish(db)?;
        let (count, size) = Plan::of(db, &wish)?.totals(db)?;
        if count == 0 {
            return Err(ApiError::not_found("There is no file to download"));
        }
        Ok((wish, count, size))
    };
    let (wish, count, size) = state.store.read(work).await?;
    let filename = wish.filename(Format::Tar);
    let issue = move |db: &Connection| {
        tickets::expire(db, Purpose::Archive)?;
        let mut bound = wish.to_doc()?;
        address.bind(&mut bound);
        tickets::issue(db, Purpose::Archive, &bound)
    };
    let ticket = state.store.write(issue).await?;
    Ok(json!({"ticket": ticket, "filename": filename, "file_cnt": count, "size": size}))
}

/// What the archive of a ticket is to hold.
///
/// # Errors
/// 404 for a ticket that there is not, 400 for one of another address.
fn redeem(db: &Connection, ticket: &str, address: Address) -> ApiResult<Wish> {
    let bound = tickets::redeem(db, Purpose::Archive, ticket)?;
    address.refuse_other(&bound)?;
    Wish::from_doc(bound)
}

/// `GET /download?ticket=&format=tar|zip&symlinks=`: the archive; the ticket is the permission. With `symlinks` it has links to
/// where this site keeps the bytes, for programs on the same machine.
pub(crate) async fn fetch(
    State(state): State<AppState>,
    address: Address,
    params: Params,
) -> ApiResult<Response> {
    let format = match params.get("format").unwrap_or("tar") {
        "tar" => Format::Tar,
        "zip" => Format::Zip,
        other => return Err(ApiError::unprocessable(format!("format is tar or zip, not {other:?}"))),
    };
    let links = params.flag("symlinks");
    let ticket = params.get("ticket").filter(|ticket| !ticket.is_empty()).map(str::to_owned);
    let ticket =
        ticket.ok_or_else(|| ApiError::bad_request("ticket is missing: make one with POST /download"))?;
    send(state, format, links, move |db| redeem(db, &ticket, address)).await
}

/// The archive of what is wished for; with `links` to where this site keeps the bytes instead of these.
async fn send<W>(state: AppState, format: Format, links: bool, wish: W) -> ApiResult<Response>
where
    W: FnOnce(&Connection) -> ApiResult<Wish> + Send + 'static,
{
    let work = move |db: &Connection| {
        let wish = wish(db)?;
        Ok((Plan::of(db, &wish)?, wish.filename(format)))
    };
    let (plan, filename) = state.store.read(work).await?;
    let linked = links.then(|| state.blobs.clone());
    let entries = taken(state.clone(), plan).map(move |taken| {
        let entry = taken.and_then(|taken| taken.into_entry(linked.as_ref()));
        entry.map_err(std::io::Error::other)
    });
    let archive = encode(state.blobs.clone(), format, entries);
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, name::attachment(&filename)),
    ];
    Ok((headers, Body::from_stream(archive)).into_response())
}

/// `POST /download/targets`: what `POST /download` would take, one JSON object a line, without a ticket.
pub(crate) async fn targets(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let wish = Wish::read(&params, body)?;
    let plan = state.store.read(move |db| Plan::of(db, &wish.allowed(db, &guard.caller)?)).await?;
    let lines = taken(state, plan).map(|taken| {
        let line = taken.and_then(|taken| Ok(serde_json::to_string(&taken.described())? + "\n"));
        line.map(Bytes::from).map_err(std::io::Error::other)
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

/// `POST /download/summary`: files below containers by type, `{type: {_id, count, mb_total}}`.
pub(crate) async fn summary(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let wish = Wish::read(&Params::default(), json!({"nodes": body, "optional": true}))?;
    let work = move |db: &Connection| Plan::of(db, &wish.allowed(db, &guard.caller)?)?.by_type(db);
    state.store.read(work).await.map(Json)
}

/// The files of a plan, looked up a few folders at a time.
fn taken(state: AppState, plan: Plan) -> impl Stream<Item = ApiResult<Taken>> + Send + 'static {
    let (folders, picks) = plan.into_parts();
    let batches: Vec<_> = folders.chunks(BATCH).map(<[_]>::to_vec).collect();
    stream::iter(batches)
        .then(move |folders| {
            let (state, picks) = (state.clone(), picks.clone());
            async move { state.store.read(move |db| plan::files_in(db, &folders, &picks)).await }
        })
        .map_ok(|batch| stream::iter(batch.into_iter().map(Ok)))
        .try_flatten()
}
