//! Copies that are made at once: of a subject, a session, an acquisition, a file.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::Value;

use super::{
    draft::{Draft, Drafter},
    filter::{CopyFilter, FIELDS as FILTER},
    write::Writer,
};
use crate::{
    access::{self, Action},
    auth::Caller,
    body::{Field, JsonBody, LABEL, Shape, check, may, must},
    containers::change,
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    present,
    query::{Features, Params},
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        files::FileRow,
        now,
    },
};

const SUBJECT: &[Field] = &[
    may("dst_subject_label", LABEL),
    must("dst_project_id", Shape::Id),
    must("filter", Shape::Object(FILTER)),
];

const SESSION: &[Field] = &[
    may("dst_session_label", LABEL),
    may("dst_project_id", Shape::Id),
    may("dst_subject_id", Shape::Id),
    must("filter", Shape::Object(FILTER)),
];

const ACQUISITION: &[Field] =
    &[may("label", LABEL), must("dst_session_id", Shape::Id), must("filter", Shape::Object(FILTER))];

/// `POST /subjects/{id}/copy`
pub(crate) async fn subject(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
    features: Features,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let asked = check(body, SUBJECT)?;
    let place = Place { key: "dst_project_id", kind: Kind::Project, label: "dst_subject_label" };
    at_once(guard, state, id, present::Shape::full(&params, &features), asked, place).await
}

/// `POST /sessions/{id}/copy`: below a subject that is there, or that of the session's own label in a project, which is
/// made when it is missing.
pub(crate) async fn session(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
    features: Features,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let asked = check(body, SESSION)?;
    let named = |key: &str| asked.get(key).is_some_and(|id| !id.is_null());
    let place = match (named("dst_subject_id"), named("dst_project_id")) {
        (true, _) => Place { key: "dst_subject_id", kind: Kind::Subject, label: "dst_session_label" },
        (false, true) => Place { key: "dst_project_id", kind: Kind::Project, label: "dst_session_label" },
        (false, false) => {
            return Err(ApiError::unprocessable(
                "name where the copy goes: dst_subject_id or dst_project_id",
            ));
        }
    };
    at_once(guard, state, id, present::Shape::full(&params, &features), asked, place).await
}

/// `POST /acquisitions/{id}/copy`
pub(crate) async fn acquisition(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
    features: Features,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let asked = check(body, ACQUISITION)?;
    let place = Place { key: "dst_session_id", kind: Kind::Session, label: "label" };
    at_once(guard, state, id, present::Shape::full(&params, &features), asked, place).await
}

/// Where a body says that a copy goes, and what it is called.
struct Place {
    key: &'static str,
    kind: Kind,
    label: &'static str,
}

async fn at_once(
    guard: Guard,
    state: AppState,
    id: String,
    shape: present::Shape,
    mut asked: Doc,
    place: Place,
) -> ApiResult<Json<Value>> {
    let filter = CopyFilter::read(asked.remove("filter").unwrap_or_default())?;
    let text = |key: &str| asked.get(key).and_then(Value::as_str).map(str::to_owned);
    let (to, label) = (text(place.key).unwrap_or_default(), text(place.label));
    let work = move |db: &Connection| {
        let source = guard.container(db, &id)?;
        let to = containers::get(db, place.kind, &to)?;
        let copy = container(db, &guard.caller, &filter, source, to, label.as_deref())?;
        present::container(db, &guard.caller, copy, shape)
    };
    state.store.write(work).await.map(Json)
}

/// Copies a container, which the caller may download, below another one.
///
/// # Errors
/// 403 when the caller may not make containers there or the project is locked; 409 when a subject's label is taken; 422 for a destination of the wrong kind.
pub(crate) fn container(
    db: &Connection,
    caller: &Caller,
    filter: &CopyFilter,
    source: Container,
    to: Container,
    label: Option<&str>,
) -> ApiResult<Container> {
    access::authorize(db, caller, &to, Action::ContainersCreateHierarchy)?;
    let to = match (source.kind, to.kind) {
        (Kind::Session, Kind::Project) => same_subject(db, &source, &to)?,
        (kind, above) if kind.parent() == Some(above) => to,
        (kind, above) => {
            return Err(ApiError::unprocessable(format!("A {kind} cannot be copied into a {above}")));
        }
    };
    let mut writer = Writer::new(db, filter, &source)?;
    let draft = draft(db, filter, source)?;
    let copy = writer.tree(&draft, &to, label)?;
    containers::touch(db, &to.id)?;
    Ok(copy)
}

fn same_subject(db: &Connection, session: &Container, project: &Container) -> ApiResult<Container> {
    let subject = containers::get(db, Kind::Subject, session.ancestor(Kind::Subject).unwrap_or_default())?;
    match containers::subject_by_label(db, &project.id, subject.label())? {
        Some(there) => Ok(there),
        None => change::copy_subject(db, subject, project),
    }
}

fn draft(db: &Connection, filter: &CopyFilter, source: Container) -> ApiResult<Draft> {
    let mut above = Vec::new();
    for kind in Kind::LEVELS.into_iter().filter(|&kind| kind < source.kind) {
        let found = source.ancestor(kind).map(|id| containers::find(db, id)).transpose()?.flatten();
        above.extend(found.map(|found| (kind, Value::Object(found.doc))));
    }
    Drafter { db, filter, at: &now(), above }.tree(source)
}

/// Copies the current version of a file, which the caller may download, into a container.
///
/// # Errors
/// 403 when the caller may not add files there; 409 when the name is taken.
pub(crate) fn file(
    db: &Connection,
    caller: &Caller,
    filter: &CopyFilter,
    source: &FileRow,
    from: &Container,
    to: &Container,
) -> ApiResult<FileRow> {
    access::authorize(db, caller, to, Action::FilesCreateSingle)?;
    let copy = Writer::new(db, filter, from)?.file(source, to, None)?;
    containers::touch(db, &to.id)?;
    Ok(copy)
}
