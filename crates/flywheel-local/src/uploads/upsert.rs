//! Files made of bytes that are in the storage already: `POST /files`, and `POST /projects/{id}/upsert-file` for devices.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::Value;
use uuid::Uuid;

use super::loose;
use crate::{
    body::{Field, JsonBody, Shape, TAG, TEXT, check, may, must},
    error::{ApiError, ApiResult, Detail},
    files::{
        document::{self, Arrival},
        metadata::Metadata,
        name, signed, upload,
    },
    guard::Guard,
    kind::Kind,
    query::Params,
    state::AppState,
    store::{
        Doc,
        containers::Container,
        files::{self, FileRow},
    },
};

const REFERENCE: Shape = Shape::Object(&[must("type", TEXT), must("id", TEXT)]);

const FIELDS: &[Field] = &[
    must("provider_id", TEXT),
    may("uuid", TEXT),
    may("path", TEXT),
    may("reference", Shape::Bool),
    may("client_hash", TEXT),
    must("name", TEXT),
    must("size", Shape::Int),
    may("type", TEXT),
    may("mimetype", TEXT),
    may("modality", TEXT),
    may("classification", Shape::Any),
    may("info", Shape::Info),
    may("zip_member_count", Shape::Int),
    may("tags", Shape::List(&TAG)),
    may("parent_ref", REFERENCE),
    must("origin", Shape::Object(&[must("type", TEXT), may("id", TEXT)])),
    may("source", REFERENCE),
];

/// The fields that say where a file comes from rather than what it is.
const FROM: [&str; 8] =
    ["provider_id", "uuid", "path", "reference", "client_hash", "parent_ref", "origin", "source"];

/// `POST /files?force_update=`
pub(crate) async fn file(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let asked = check(body, FIELDS)?;
    if asked.get("parent_ref").is_none_or(Value::is_null) {
        let detail = Detail::new(&["body", "parent_ref"], "missing", "Field required", &Value::Null);
        return Err(ApiError::invalid(vec![detail]));
    }
    upsert(guard, state, None, asked, params.flag("force_update")).await
}

/// `POST /projects/{id}/upsert-file`: the same within a project, of the project itself when no other container is named.
pub(crate) async fn file_of_project(
    guard: Guard,
    State(state): State<AppState>,
    Path(project): Path<String>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let asked = check(body, FIELDS)?;
    upsert(guard, state, Some(project), asked, params.flag("force_update")).await
}

async fn upsert(
    guard: Guard,
    state: AppState,
    project: Option<String>,
    asked: Doc,
    force: bool,
) -> ApiResult<Json<Value>> {
    if asked.get("reference").and_then(Value::as_bool) == Some(true) {
        return Err(ApiError::unprocessable(
            "This local site keeps no files outside of its own storage: send the bytes to a signed URL",
        ));
    }
    let uuid = loose::wanted(&asked)?;
    let metadata = said(&asked)?;
    let more = from(&asked, uuid);
    let (check, wanted) = (guard.clone(), asked.clone());
    let work = move |db: &Connection| {
        let parent = parent(db, &check, project.as_deref(), &wanted)?;
        let known = files::by_uuid(db, &uuid.to_string())?;
        let blob = if known.is_some() { None } else { Some(loose::look(db, &check.caller, uuid)?) };
        Ok((parent, known, blob))
    };
    let (parent, known, blob) = state.store.read(work).await?;
    let Some(blob) = blob else { return again(&parent, known).map(Json) };
    let name = metadata.name.as_deref().and_then(name::without_folders).unwrap_or_default().to_owned();
    let mut arrival = upload::arrival(&state.blobs, name, blob, metadata).await;
    arrival.more = more;
    let origin = asked.get("origin").cloned().unwrap_or_default();
    let work = move |db: &Connection| {
        loose::claim(db, &guard.caller, uuid)?;
        settle(db, &parent, arrival, &origin, force)
    };
    let (answer, unused) = state.store.write(work).await?;
    signed::remove(&state.blobs, unused.into_iter().collect());
    Ok(Json(answer))
}

/// What the body says about the file itself.
fn said(asked: &Doc) -> ApiResult<Metadata> {
    let own = asked.iter().filter(|(key, value)| !FROM.contains(&key.as_str()) && !value.is_null());
    let own: Doc = own.map(|(key, value)| (key.clone(), value.clone())).collect();
    Metadata::read(&own.into())
}

/// The fields that the document has besides: the version is known by the uuid of its bytes.
fn from(asked: &Doc, uuid: Uuid) -> Doc {
    let kept = ["client_hash", "source"].into_iter().filter_map(|key| {
        let value = asked.get(key).filter(|value| !value.is_null())?;
        Some((key.to_owned(), value.clone()))
    });
    kept.chain([("_id".to_owned(), uuid.to_string().into())]).collect()
}

/// The container that gets the file, where the caller may add files.
fn parent(db: &Connection, guard: &Guard, project: Option<&str>, asked: &Doc) -> ApiResult<Container> {
    let project = project.map(|id| guard.container(db, id)).transpose()?;
    let reference = asked.get("parent_ref").filter(|reference| !reference.is_null());
    let (project, reference) = match (project, reference) {
        (Some(project), None) => return Ok(project),
        (project, reference) => (project, reference.cloned().unwrap_or_default()),
    };
    let text = |key: &str| reference.get(key).and_then(Value::as_str).unwrap_or_default();
    let kind = Kind::parse(text("type")).filter(|&kind| kind != Kind::Group).ok_or_else(|| {
        ApiError::unprocessable(format!("A container of type {:?} cannot hold files", text("type")))
    })?;
    let found = guard.container_of(db, kind, text("id"))?;
    match project {
        Some(project) if found.ancestor(Kind::Project) != Some(&project.id) => {
            Err(ApiError::unprocessable(format!("The {kind} {} is not in project {}", found.id, project.id)))
        }
        _ => Ok(found),
    }
}

/// A call that is repeated after its bytes became a file changes nothing.
fn again(parent: &Container, known: Option<FileRow>) -> ApiResult<Value> {
    match known {
        Some(known) if known.parent_id() == parent.id => Ok(result(known, "ignored")),
        _ => Err(ApiError::conflict("These bytes became another file already")),
    }
}

/// Writes the file unless one of its name stands against it, and gives the bytes that are of no use then.
fn settle(
    db: &Connection,
    parent: &Container,
    arrival: Arrival,
    origin: &Value,
    force: bool,
) -> ApiResult<(Value, Option<Uuid>)> {
    let source = |doc: &Doc| doc.get("source").filter(|source| !source.is_null()).cloned();
    let outcome = match files::by_name(db, &parent.id, &arrival.name)? {
        None => "created",
        Some(_) if force => "updated",
        Some(earlier) if earlier.text("hash") == arrival.blob.hash => {
            return Ok((result(earlier, "ignored"), Some(arrival.blob.id)));
        }
        Some(earlier) if source(&earlier.doc) != source(&arrival.more) => {
            return Ok((result(earlier, "conflict"), Some(arrival.blob.id)));
        }
        Some(_) => "updated",
    };
    Ok((result(document::place(db, parent, arrival, origin, false)?, outcome), None))
}

fn result(file: FileRow, outcome: &str) -> Value {
    let mut answer = document::shown(file.doc);
    answer["upsert_result"] = outcome.into();
    answer
}
