//! Receiving files: multipart in one request. A row is written after its bytes are on disk, all rows of a request together.

use axum::{
    Json,
    body::Body,
    extract::{FromRequestParts, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, request::Parts};
use rusqlite::Connection;
use serde_json::Value;

use super::{
    document::{self, Arrival},
    form::{Form, Part},
    metadata::{Given, Metadata},
    query::Asked,
    signed::{self, Begin, Order},
    unclaimed::Unclaimed,
    which, zipped,
};
use crate::{
    blobs::{BlobStore, Stored},
    body,
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    state::AppState,
    store::{Doc, containers::Container, files::FileRow},
};

/// `POST /{containers}/{id}/files`, and the same below an analysis. With `?ticket=` the bytes go to signed URLs instead.
pub(crate) async fn upload(
    guard: Guard,
    State(state): State<AppState>,
    target: Target,
    asked: Asked,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    match asked.ticket.as_deref() {
        None => {}
        Some("") => return begin_signed(guard, state, target, asked, &headers, body).await,
        Some(ticket) => {
            let ticket = ticket.to_owned();
            return finish_signed(guard, state, target, asked, ticket, body).await;
        }
    }
    let (check, wanted) = (guard.clone(), target.clone());
    state.store.read(move |db| wanted.container(db, &check)).await?;
    let form = Form::new(&headers, body)?;
    let mut unclaimed = Unclaimed::new(state.blobs.clone());
    let (received, metadata) = receive(&state.blobs, form, &mut unclaimed).await?;
    let given = metadata.map_or(Ok(Given::Nothing), |text| Given::parse(&text))?;
    let arrivals = arrivals(&state.blobs, received, given).await?;
    let origin = guard.caller.origin();
    let work = move |db: &Connection| {
        let container = target.container(db, &guard)?;
        let place = |arrival| document::place(db, &container, arrival, &origin, asked.preserve_metadata);
        let files = arrivals.into_iter().map(place).collect::<ApiResult<Vec<_>>>()?;
        unclaimed.claim();
        Ok(files)
    };
    Ok(Json(shown(state.store.write(work).await?)).into_response())
}

/// The first call of an upload by signed URLs.
async fn begin_signed(
    guard: Guard,
    state: AppState,
    target: Target,
    asked: Asked,
    headers: &HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let begin = Begin::read(body).await?;
    let each = Given::read(&begin.metadata)?.for_files(&begin.names()?)?;
    let order = Order {
        place: target.id().to_owned(),
        preserve_metadata: asked.preserve_metadata,
        sizes: each.into_iter().map(|metadata| metadata.size).collect(),
    };
    let check = guard.clone();
    state.store.read(move |db| target.container(db, &check)).await?;
    signed::open(&guard.caller, &state, headers, begin, order).await
}

/// Its last call: makes files of what arrived and answers them; the ticket is used up.
async fn finish_signed(
    guard: Guard,
    state: AppState,
    target: Target,
    asked: Asked,
    ticket: String,
    body: Body,
) -> ApiResult<Response> {
    body::read(body).await?;
    let (check, wanted) = (guard.clone(), target.clone());
    state.store.read(move |db| wanted.container(db, &check)).await?;
    let sent = signed::collect(&guard.caller, &state, target.id(), ticket).await?;
    let preserve = sent.pending.preserve_metadata || asked.preserve_metadata;
    let given = Given::read(&sent.pending.metadata)?;
    let arrivals = arrivals(&state.blobs, sent.files.clone(), given).await?;
    let origin = guard.caller.origin();
    let work = move |db: &Connection| {
        let container = target.container(db, &guard)?;
        let place = |arrival| document::place(db, &container, arrival, &origin, preserve);
        let files = arrivals.into_iter().map(place).collect::<ApiResult<Vec<_>>>()?;
        Ok((files, sent.used_up(db)?))
    };
    let (files, parts) = state.store.write(work).await?;
    signed::remove(&state.blobs, parts);
    Ok(Json(shown(files)).into_response())
}

/// Where an upload goes.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(super) container: String,
    pub(super) analysis: Option<String>,
}

impl Target {
    /// The container, or the analysis below it, when the caller may do there what the route needs.
    ///
    /// # Errors
    /// 404, 403 and 422 as [`Guard::container`].
    pub(crate) fn found(&self, db: &Connection, guard: &Guard) -> ApiResult<Container> {
        which::holder(db, guard, &self.container, self.analysis.as_deref(), None)
    }

    /// The container, when the caller may add files to it.
    pub(super) fn container(&self, db: &Connection, guard: &Guard) -> ApiResult<Container> {
        let container = self.found(db, guard)?;
        if container.kind == Kind::Group {
            return Err(ApiError::unprocessable("A container of type \"group\" cannot hold files"));
        }
        if container.doc.get("job").is_some_and(Value::is_string) {
            return Err(ApiError::bad_request("The outputs of this analysis come from its job alone"));
        }
        Ok(container)
    }

    /// The id of what holds the files.
    pub(crate) fn id(&self) -> &str {
        self.analysis.as_deref().unwrap_or(&self.container)
    }
}

/// Files as an upload answers them.
pub(super) fn shown(files: Vec<FileRow>) -> Vec<Value> {
    files.into_iter().map(|file| document::shown(file.doc)).collect()
}

/// Puts the files of a form on disk, in the order in which they come, and gives the text of its metadata.
///
/// # Errors
/// 400 for a form that is malformed, 507 when the disk is full.
pub(crate) async fn receive(
    blobs: &BlobStore,
    mut form: Form,
    unclaimed: &mut Unclaimed,
) -> ApiResult<(Vec<(String, Stored)>, Option<Bytes>)> {
    let (mut files, mut metadata) = (Vec::new(), None);
    while let Some(part) = form.next().await? {
        match part {
            Part::Metadata(text) => metadata = Some(text),
            Part::File { name, content } => {
                let mut upload = blobs.upload();
                upload.write_all(content).await?;
                let blob = upload.finish().await?;
                unclaimed.hold(&blob);
                files.push((name, blob));
            }
        }
    }
    Ok((files, metadata))
}

/// Brings together what was received and what was said about it.
async fn arrivals(
    blobs: &BlobStore,
    received: Vec<(String, Stored)>,
    given: Given,
) -> ApiResult<Vec<Arrival>> {
    let names: Vec<&str> = received.iter().map(|(name, _)| name.as_str()).collect();
    let each = given.for_files(&names)?;
    described(blobs, received, each).await
}

/// Brings together what was received and what was said about each of it, in the same order.
pub(super) async fn described(
    blobs: &BlobStore,
    received: Vec<(String, Stored)>,
    each: Vec<Metadata>,
) -> ApiResult<Vec<Arrival>> {
    let mut arrivals = Vec::new();
    for ((name, blob), metadata) in received.into_iter().zip(each) {
        arrivals.push(arrival(blobs, name, blob, metadata).await);
    }
    Ok(arrivals)
}

/// A file that arrived with what was said about it; the members of a zip are counted.
pub(crate) async fn arrival(blobs: &BlobStore, name: String, blob: Stored, metadata: Metadata) -> Arrival {
    let members = match looks_like_zip(&name, &metadata) {
        true => zipped::member_count(blobs, &blob).await,
        false => None,
    };
    Arrival { name, blob, members, metadata, more: Doc::new() }
}

fn looks_like_zip(name: &str, metadata: &Metadata) -> bool {
    let name = metadata.name.as_deref().unwrap_or(name);
    metadata.zip_member_count.is_none() && name.to_ascii_lowercase().ends_with(".zip")
}

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let (container, analysis) = which::container_of_path(parts, state).await?;
        Ok(Self { container, analysis })
    }
}
