//! Views that are run while the caller waits: for the data, or for a file made of them.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use flywheel_core::view::{OutputFormat, View};
use futures::TryStreamExt;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    encode,
    request::{Asked, Task, target},
    saved,
    spool::{Rows, Spool},
    walk,
};
use crate::{
    access::{self, Action},
    auth::Caller,
    body::{JsonBody, Shape, TEXT, check, may, must},
    error::{ApiError, ApiResult},
    files::{self, Unclaimed},
    guard::Guard,
    kind::Kind,
    state::AppState,
    store::{
        containers::{self, Container},
        files::FileRow,
    },
};

/// Runs a task when it is its turn.
pub(super) async fn run(state: &AppState, task: Task) -> ApiResult<Spool> {
    let _turn = state.views.turns.acquire().await.map_err(ApiError::internal)?;
    let (blobs, folder) = (state.blobs.clone(), state.views.folder.clone());
    state.store.read(move |db| walk::run(db, &blobs, &folder, &task)).await
}

/// Runs a view for a caller.
async fn rows(state: &AppState, caller: Caller, view: &View, asked: &Asked) -> ApiResult<Rows> {
    let (plan, id, order) = (asked.plan(view)?, asked.container.clone(), asked.order.clone());
    let work = move |db: &Connection| {
        let target = target(db, &caller, &id, &plan)?;
        Ok(Task { plan, target, order })
    };
    let task = state.store.read(work).await?;
    Ok(run(state, task).await?.into_rows()?)
}

/// The saved view of this id, for a caller.
async fn saved_view(state: &AppState, caller: &Caller, id: String) -> ApiResult<View> {
    let caller = caller.clone();
    let doc = state.store.read(move |db| saved::visible(db, &caller, &id)).await?;
    saved::read(doc.into())
}

/// `POST /views/data`
pub(crate) async fn data(
    guard: Guard,
    State(state): State<AppState>,
    asked: Asked,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let rows = rows(&state, guard.caller, &saved::read(body)?, &asked).await?;
    Ok(encode::download(rows, asked.format, &asked.name))
}

/// `GET /views/{id}/data`
pub(crate) async fn data_of_saved(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    asked: Asked,
) -> ApiResult<Response> {
    let view = saved_view(&state, &guard.caller, id).await?;
    let rows = rows(&state, guard.caller, &view, &asked).await?;
    Ok(encode::download(rows, asked.format, &asked.name))
}

/// `POST /views/save`: runs a view and keeps the data as a file of a container.
pub(crate) async fn save(
    guard: Guard,
    State(state): State<AppState>,
    asked: Asked,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    const HOLDERS: Shape = Shape::OneOf(&["project", "subject", "session", "acquisition"]);
    let fields = [
        may("viewId", TEXT),
        may("view", Shape::Any),
        must("containerType", HOLDERS),
        must("containerId", Shape::Id),
        must("filename", Shape::Text(1, 255)),
        may("description", TEXT),
    ];
    let mut doc = check(body, &fields)?;
    let text = |key: &str| doc.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (view_id, kind, id, name) =
        (text("viewId"), text("containerType"), text("containerId"), text("filename"));
    let view = match (doc.remove("view").filter(|view| !view.is_null()), view_id.is_empty()) {
        (Some(view), true) => saved::read(view)?,
        (None, false) => saved_view(&state, &guard.caller, view_id).await?,
        _ => return Err(ApiError::unprocessable("The body needs either view or viewId")),
    };
    let kind = Kind::parse(&kind).ok_or_else(|| ApiError::unprocessable("containerType is no container"))?;
    let (caller, holder) = (guard.caller.clone(), id.clone());
    state.store.read(move |db| writable(db, &caller, kind, &holder).map(drop)).await?;
    let rows = rows(&state, guard.caller.clone(), &view, &asked).await?;
    keep(&state, guard.caller, rows, asked.format, (kind, id), name).await.map(Json)
}

/// The container, when the caller may add files to it.
pub(super) fn writable(db: &Connection, caller: &Caller, kind: Kind, id: &str) -> ApiResult<Container> {
    let container = containers::get(db, kind, id)?;
    access::authorize(db, caller, &container, Action::FilesCreateSingle)?;
    Ok(container)
}

/// Keeps a result as a file of a container, or as the next version of one.
pub(super) async fn keep(
    state: &AppState,
    caller: Caller,
    rows: Rows,
    format: OutputFormat,
    (kind, id): (Kind, String),
    name: String,
) -> ApiResult<Value> {
    let mut upload = state.blobs.upload();
    upload.write_all(encode::stream(rows, format).map_err(ApiError::from)).await?;
    let blob = upload.finish().await?;
    let mut unclaimed = Unclaimed::new(state.blobs.clone());
    unclaimed.hold(&blob);
    let work = move |db: &Connection| {
        let container = writable(db, &caller, kind, &id)?;
        let file = files::keep_made(db, &container, name, blob, &caller.origin())?;
        unclaimed.claim();
        Ok(versioned(file))
    };
    state.store.write(work).await
}

/// A file in the form that names its version: `_id` is `{file_id, version}`.
fn versioned(file: FileRow) -> Value {
    let id = json!({"file_id": file.file_id(), "version": file.version()});
    let mut doc = file.doc;
    let uuid = doc.insert("_id".into(), id);
    doc.insert("uuid".into(), uuid.unwrap_or_default());
    doc.into()
}
