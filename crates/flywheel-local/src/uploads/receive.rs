//! `/upload/label`, `/upload/uid`, `/upload/uid-match`, `/upload/reaper`: files and where they belong in one request, or by
//! signed URLs as uploads to a container.

use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::HeaderMap;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    place::{Places, Strategy, settle},
    plan::Plan,
};
use crate::{
    access::{self, Action},
    auth::Caller,
    blobs::{BlobStore, Stored},
    body,
    error::{ApiError, ApiResult},
    files::{
        Unclaimed,
        document::{self, Arrival},
        form::Form,
        query::Asked,
        signed::{self, Begin, Order},
        upload,
    },
    guard::Guard,
    kind::Kind,
    query::Params,
    state::AppState,
    store::files::{self, FileRow},
};

macro_rules! routes {
    ($($name:ident, $path:literal, $place:literal, $strategy:expr;)*) => {$(
        #[doc = concat!("`POST ", $path, "`")]
        pub(crate) async fn $name(
            guard: Guard,
            State(state): State<AppState>,
            params: Params,
            asked: Asked,
            headers: HeaderMap,
            body: Body,
        ) -> ApiResult<Response> {
            let strategy: fn(&Params) -> Strategy = $strategy;
            let order = Incoming { strategy: strategy(&params), place: $place, asked };
            take(guard, state, order, headers, body).await
        }
    )*};
}

routes! {
    label, "/upload/label", "upload:label", |_| Strategy::Label;
    uid, "/upload/uid", "upload:uid", |_| Strategy::Uid;
    uid_match, "/upload/uid-match", "upload:uid-match", |_| Strategy::UidMatch;
    reaper, "/upload/reaper", "upload:reaper",
        |params| Strategy::Reaper { by_uid: params.get("uid_placement").is_none() || params.flag("uid_placement") };
}

struct Incoming {
    strategy: Strategy,
    place: &'static str,
    asked: Asked,
}

async fn take(
    guard: Guard,
    state: AppState,
    incoming: Incoming,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    if matches!(incoming.strategy, Strategy::Reaper { .. }) && !guard.caller.is_superuser() {
        let refusal = "This call is for devices and site administrators";
        return Err(ApiError::forbidden(refusal).with("reason", "permission_denied"));
    }
    match incoming.asked.ticket.clone() {
        None => multipart(guard, state, incoming, headers, body).await,
        Some(ticket) if ticket.is_empty() => begin(guard, state, incoming, headers, body).await,
        Some(ticket) => finish(guard, state, incoming, ticket, body).await,
    }
}

async fn multipart(
    guard: Guard,
    state: AppState,
    incoming: Incoming,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let form = Form::new(&headers, body)?;
    let mut unclaimed = Unclaimed::new(state.blobs.clone());
    let (received, metadata) = upload::receive(&state.blobs, form, &mut unclaimed).await?;
    if received.is_empty() {
        return Err(ApiError::bad_request("The upload has no file"));
    }
    let metadata = metadata.unwrap_or_else(Bytes::new);
    let metadata = if metadata.trim_ascii().is_empty() { Value::Null } else { body::parse(&metadata)? };
    let plan = Plan::read(metadata)?;
    let arrivals = arrivals(&state.blobs, &plan, received).await;
    let (strategy, preserve) = (incoming.strategy, incoming.asked.preserve_metadata);
    let work = move |db: &Connection| {
        let files = keep(db, &guard.caller, strategy, &plan, arrivals, preserve)?;
        unclaimed.claim_only(|id| files.iter().any(|file| file.blob == id.to_string()));
        Ok(files)
    };
    Ok(shown(state.store.write(work).await?))
}

/// The first call of an upload by signed URLs.
async fn begin(
    guard: Guard,
    state: AppState,
    incoming: Incoming,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let begin = Begin::read(body).await?;
    let plan = Plan::read(begin.metadata.clone())?;
    let sizes = begin.names()?.into_iter().map(|name| plan.of_file(name).and_then(|(_, said)| said.size));
    let order = Order {
        place: incoming.place.to_owned(),
        preserve_metadata: incoming.asked.preserve_metadata,
        sizes: sizes.collect(),
    };
    signed::open(&guard.caller, &state, &headers, begin, order).await
}

/// Its last call.
async fn finish(
    guard: Guard,
    state: AppState,
    incoming: Incoming,
    ticket: String,
    body: Body,
) -> ApiResult<Response> {
    body::read(body).await?;
    let sent = signed::collect(&guard.caller, &state, incoming.place, ticket).await?;
    let plan = Plan::read(sent.pending.metadata.clone())?;
    let preserve = sent.pending.preserve_metadata || incoming.asked.preserve_metadata;
    let arrivals = arrivals(&state.blobs, &plan, sent.files.clone()).await;
    let work = move |db: &Connection| {
        let files = keep(db, &guard.caller, incoming.strategy, &plan, arrivals, preserve)?;
        Ok((files, sent.used_up(db)?))
    };
    let (files, parts) = state.store.write(work).await?;
    signed::remove(&state.blobs, parts);
    Ok(shown(files))
}

/// The files that the plan has a place for; the others are dropped.
async fn arrivals(blobs: &BlobStore, plan: &Plan, received: Vec<(String, Stored)>) -> Vec<(Kind, Arrival)> {
    let mut arrivals = Vec::new();
    for (name, blob) in received {
        if let Some((level, metadata)) = plan.of_file(&name) {
            arrivals.push((level, upload::arrival(blobs, name, blob, metadata).await));
        }
    }
    arrivals
}

fn keep(
    db: &Connection,
    caller: &Caller,
    strategy: Strategy,
    plan: &Plan,
    arrivals: Vec<(Kind, Arrival)>,
    preserve: bool,
) -> ApiResult<Vec<FileRow>> {
    let places = settle(db, caller, strategy, plan)?;
    let again = matches!(strategy, Strategy::Reaper { .. });
    let keeper = Keeper { db, caller, places, again, preserve };
    arrivals.into_iter().map(|(level, arrival)| keeper.one(level, arrival)).collect()
}

/// Writes the rows of an upload.
struct Keeper<'a> {
    db: &'a Connection,
    caller: &'a Caller,
    places: Places,
    /// What is sent again with the same bytes changes nothing.
    again: bool,
    preserve: bool,
}

impl Keeper<'_> {
    fn one(&self, level: Kind, arrival: Arrival) -> ApiResult<FileRow> {
        let parent = self.places.of(level)?;
        access::authorize(self.db, self.caller, parent, Action::FilesCreateSingle)?;
        if self.again
            && let Some(known) = files::by_name(self.db, &parent.id, &arrival.name)?
            && known.text("hash") == arrival.blob.hash
        {
            return Ok(known);
        }
        document::place(self.db, parent, arrival, &self.caller.origin(), self.preserve)
    }
}

/// Files as these calls answer them: with the version in `_id`.
fn shown(files: Vec<FileRow>) -> Response {
    let list: Vec<Value> = files.into_iter().map(|file| as_version(file.doc.into())).collect();
    Json(list).into_response()
}

fn as_version(mut doc: Value) -> Value {
    if let Some(map) = doc.as_object_mut() {
        let field = |key: &str| map.get(key).cloned().unwrap_or_default();
        let (uuid, id) = (field("_id"), json!({"file_id": field("file_id"), "version": field("version")}));
        map.insert("_id".into(), id);
        map.insert("uuid".into(), uuid);
    }
    crate::present::file(doc, true)
}
