//! The end of a packfile: its files become one zip in an acquisition, which is made when it is not there.

use std::io;

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chrono::Utc;
use futures::{StreamExt, stream};
use http::header;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{pending, send::token};
use crate::{
    access::{self, Action},
    archive::{Entry, Format, encode, file_name},
    blobs::Stored,
    body::{self, Field, JsonBody, LABEL, Shape, TEXT, check, may, must},
    containers::create,
    error::{ApiError, ApiResult},
    files::{
        Unclaimed,
        document::{self, Arrival},
        metadata::Metadata,
        signed,
    },
    guard::Guard,
    kind::Kind,
    query::Params,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        new_id,
    },
    uploads,
};

/// Where a packfile goes.
const METADATA: &[Field] = &[
    must("project", Shape::Object(&[must("_id", Shape::Id), may("label", TEXT)])),
    must(
        "session",
        Shape::Object(&[
            may("_id", Shape::Id),
            may("label", LABEL),
            may("subject", Shape::Object(&[may("_id", Shape::Id), may("code", LABEL), may("label", LABEL)])),
        ]),
    ),
    must("acquisition", Shape::Object(&[must("label", LABEL), may("timestamp", Shape::Time)])),
    must("packfile", Shape::Object(&[must("type", TEXT), may("name", TEXT)])),
];

/// What the last call asks for.
struct End {
    token: String,
    project: String,
    metadata: Doc,
    count: Option<i64>,
}

impl End {
    fn new(project: String, token: String, metadata: Value, count: Option<i64>) -> ApiResult<Self> {
        let metadata = match metadata {
            Value::String(text) => body::parse(text.as_bytes())?,
            Value::Null => {
                return Err(ApiError::bad_request("metadata is missing: it says where the packfile goes"));
            }
            other => other,
        };
        let metadata = check(metadata, METADATA)?;
        let named = metadata.get("project").and_then(|project| project.get("_id")).and_then(Value::as_str);
        if named != Some(&project) {
            return Err(ApiError::bad_request("The metadata names another project than the path"));
        }
        Ok(Self { token, project, metadata, count })
    }

    fn text(&self, level: &str, key: &str) -> &str {
        self.metadata.get(level).and_then(|level| level.get(key)).and_then(Value::as_str).unwrap_or_default()
    }

    /// What has arrived, when it is as many files as the caller sent.
    fn files(&self, db: &Connection, guard: &Guard) -> ApiResult<Vec<(String, Stored)>> {
        pending::project(db, guard, &self.project, &self.token)?;
        let files = pending::files(db, &self.token)?;
        match self.count {
            _ if files.is_empty() => Err(ApiError::bad_request("The packfile has no files")),
            Some(count) if count != files.len() as i64 => Err(ApiError::bad_request(format!(
                "file_count is {count}, but {} files have arrived",
                files.len()
            ))),
            _ => Ok(files),
        }
    }
}

/// `GET /projects/{id}/packfile-end?token=&metadata=&file_count=`: server-sent events, `progress` with
/// `{done, total, percent}` and at last `result`.
pub(crate) async fn as_events(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    let metadata = params.get("metadata").map_or(Value::Null, Value::from);
    let count = params.get("file_count").map(str::parse).transpose();
    let count = count.map_err(|_| ApiError::unprocessable("file_count is a whole number"))?;
    let end = End::new(id, token(&params)?, metadata, count)?;
    let (end, files) = files(&guard, &state, end).await?;
    let (tell, told) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        let outcome = finish(guard, state, end, files, Some(tell.clone())).await;
        let (event, data) = match outcome {
            Ok(result) => ("result", result),
            Err(error) => ("error", json!({"message": error.to_string()})),
        };
        // Nobody listens any more when the client left; the packfile is finished all the same.
        let _ = tell.send(event_text(event, &data));
    });
    let events = stream::unfold((told, task), |(mut told, task)| async move {
        let event = told.recv().await?;
        Some((Ok::<_, io::Error>(event), (told, task)))
    });
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response())
}

fn event_text(event: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {event}\ndata: {data}\n\n"))
}

/// `POST /projects/{id}/packfile-end` with `{token, metadata, file_count}`: the result alone.
pub(crate) async fn as_answer(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let fields = [may("token", TEXT), must("metadata", Shape::Any), may("file_count", Shape::Int)];
    let mut body = check(body, &fields)?;
    let token = match body.get("token").and_then(Value::as_str) {
        Some(token) => token.to_owned(),
        None => token(&params)?,
    };
    let count = body.get("file_count").and_then(Value::as_i64);
    let end = End::new(id, token, body.remove("metadata").unwrap_or_default(), count)?;
    let (end, files) = files(&guard, &state, end).await?;
    finish(guard, state, end, files, None).await.map(Json)
}

type Files = Vec<(String, Stored)>;

async fn files(guard: &Guard, state: &AppState, end: End) -> ApiResult<(End, Files)> {
    let guard = guard.clone();
    state.store.read(move |db| end.files(db, &guard).map(|files| (end, files))).await
}

async fn finish(
    guard: Guard,
    state: AppState,
    end: End,
    files: Files,
    tell: Option<mpsc::UnboundedSender<Bytes>>,
) -> ApiResult<Value> {
    let folder = file_name(end.text("acquisition", "label"));
    let count = files.len();
    let zip = pack(&state, &folder, files, tell).await?;
    let mut unclaimed = Unclaimed::new(state.blobs.clone());
    unclaimed.hold(&zip);
    let metadata =
        Metadata { file_type: Some(end.text("packfile", "type").to_owned()), ..Metadata::default() };
    let arrival = Arrival {
        name: format!("{folder}.zip"),
        blob: zip,
        members: Some(count),
        metadata,
        more: Doc::new(),
    };
    let work = move |db: &Connection| {
        let project = pending::project(db, &guard, &end.project, &end.token)?;
        let session = session(db, &guard, &project, &end)?;
        let acquisition = acquisition(db, &guard, &session, &end)?;
        access::authorize(db, &guard.caller, &acquisition, Action::FilesCreateBulk)?;
        let file = document::place(db, &acquisition, arrival, &guard.caller.origin(), false)?;
        let gone = pending::forget(db, &end.token)?
            .ok_or_else(|| ApiError::conflict("This packfile was finished already"))?;
        unclaimed.claim();
        let result = json!({
            "acquisition_id": acquisition.id, "session_id": session.id,
            "info": {"name": file.text("name"), "size": file.doc.get("size"), "file_id": file.file_id()},
        });
        Ok((result, gone))
    };
    let (result, gone) = state.store.write(work).await?;
    signed::remove(&state.blobs, gone);
    Ok(result)
}

/// One zip of the files, below one folder.
async fn pack(
    state: &AppState,
    folder: &str,
    files: Files,
    tell: Option<mpsc::UnboundedSender<Bytes>>,
) -> ApiResult<Stored> {
    let total = files.len();
    let (folder, modified) = (folder.to_owned(), Utc::now());
    let entries = stream::iter(files.into_iter().enumerate()).map(move |(done, (name, blob))| {
        if let Some(tell) = &tell {
            let done = done + 1;
            let percent = done as f64 * 100.0 / total as f64;
            let progress = json!({"done": done, "total": total, "percent": percent});
            // As above: without a listener the work goes on.
            let _ = tell.send(event_text("progress", &progress));
        }
        Ok(Entry::stored(format!("{folder}/{}", file_name(&name)), blob, modified))
    });
    let mut upload = state.blobs.upload();
    upload.write_all(encode(state.blobs.clone(), Format::Zip, entries)).await?;
    Ok(upload.finish().await?)
}

/// The session by id, or by its label and its subject's, or a new one.
fn session(db: &Connection, guard: &Guard, project: &Container, end: &End) -> ApiResult<Container> {
    let named = end.text("session", "_id");
    if !named.is_empty() {
        let session = containers::get(db, Kind::Session, named)?;
        if session.ancestor(Kind::Project) != Some(&project.id) {
            return Err(ApiError::unprocessable(format!("The session {named} is in another project")));
        }
        return Ok(session);
    }
    let label = end.text("session", "label");
    if label.is_empty() {
        return Err(ApiError::unprocessable("The metadata gives the session neither a label nor an _id"));
    }
    let subject = end.metadata.get("session").and_then(|session| session.get("subject"));
    let subject =
        subject.filter(|subject| !subject.is_null()).cloned().unwrap_or_else(|| json!({"label": "unknown"}));
    let subject = create::find_or_add_subject(db, project, subject)?;
    match uploads::child_by_label(db, &subject.id, Kind::Session, label)? {
        Some(found) => Ok(found),
        None => make(db, guard, Kind::Session, &subject, json!({"label": label})),
    }
}

/// The acquisition of the session by its label, and its timestamp when one is given, or a new one.
fn acquisition(db: &Connection, guard: &Guard, session: &Container, end: &End) -> ApiResult<Container> {
    let (label, timestamp) = (end.text("acquisition", "label"), end.text("acquisition", "timestamp"));
    let sql = "SELECT id, kind, doc FROM containers WHERE parent_id = ? AND kind = 5 AND label = ?
         AND deleted IS NULL AND (?3 = '' OR timestamp = ?3) ORDER BY id LIMIT 1";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query((&session.id, label, timestamp))?;
    if let Some(row) = rows.next()? {
        return Container::from_row(row);
    }
    let mut doc = json!({"label": label});
    if !timestamp.is_empty() {
        doc["timestamp"] = timestamp.into();
    }
    make(db, guard, Kind::Acquisition, session, doc)
}

fn make(db: &Connection, guard: &Guard, kind: Kind, parent: &Container, doc: Value) -> ApiResult<Container> {
    access::authorize(db, &guard.caller, parent, Action::ContainersCreateHierarchy)?;
    let mut doc = doc.as_object().cloned().unwrap_or_default();
    doc.insert("parents".into(), parent.parents_of_child());
    let id = create::add(db, kind, new_id(), doc)?;
    containers::get(db, kind, &id)
}
