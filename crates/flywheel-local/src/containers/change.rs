//! Changing containers, which includes moving them: `PUT /{kind}/{id}`.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{collections, create, fields};
use crate::{
    access::{self, Action},
    access_log,
    accounts::master_codes,
    auth::Caller,
    body::{JsonBody, check_change},
    error::{ApiError, ApiResult, Detail},
    guard::Guard,
    kind::Kind,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        new_id,
    },
};

/// The answer to every change.
pub(crate) fn modified() -> Json<Value> {
    Json(json!({"modified": 1}))
}

/// `PUT /{kind}/{id}` and `PUT /containers/{id}`
pub(crate) async fn put(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let mut container = guard.container(db, &id)?;
        let mut change = check_change(body, fields::changeable(container.kind))?;
        // Below projects the permissions are the project's.
        change.remove("permissions");
        change.remove("modified");
        // What sessions are is for the templates of their project to say.
        change.remove("project_has_template");
        if let Some(contents) = change.remove("contents") {
            collections::change_contents(db, &guard.caller, &container.id, &contents)?;
        }
        master_codes::refuse_unknown(db, &change)?;
        let place = change.clone();
        for key in PLACES {
            change.remove(key);
        }
        let before = container.clone();
        merge(&mut container, change)?;
        relocate(db, &guard.caller, &mut container, &place)?;
        containers::save(db, &mut container)?;
        if container.doc.get("parents") != before.doc.get("parents") {
            containers::rebase_tree(db, &container)?;
            access_log::container_moved(db, &before, &container)?;
        }
        Ok(())
    };
    state.store.write(work).await?;
    Ok(modified())
}

/// The keys of a change that say where the container belongs.
const PLACES: [&str; 4] = ["group", "project", "subject", "session"];

fn merge(container: &mut Container, mut change: Doc) -> ApiResult<()> {
    if container.kind == Kind::Subject && (change.contains_key("label") || change.contains_key("code")) {
        create::mirror_code(&mut change, &["body", "label"])?;
    }
    if change.get("label").is_some_and(Value::is_null) {
        let message = "Input should be a valid string: a label cannot be taken away";
        return Err(ApiError::invalid(vec![Detail::new(
            &["body", "label"],
            "string_type",
            message,
            &Value::Null,
        )]));
    }
    for (key, value) in change {
        if value.is_null() {
            container.doc.shift_remove(&key);
        } else {
            container.doc.insert(key, value);
        }
    }
    Ok(())
}

/// Moves a container when a change names another place for it.
fn relocate(db: &Connection, caller: &Caller, container: &mut Container, place: &Doc) -> ApiResult<()> {
    let named = |key: &str| place.get(key).and_then(Value::as_str);
    let target = match container.kind {
        Kind::Project => named("group").map(|id| containers::get(db, Kind::Group, id)).transpose()?,
        Kind::Subject => named("project").map(|id| containers::get(db, Kind::Project, id)).transpose()?,
        Kind::Acquisition => named("session").map(|id| containers::get(db, Kind::Session, id)).transpose()?,
        Kind::Session => subject_for(db, caller, container, place)?,
        Kind::Group | Kind::Analysis | Kind::Collection => None,
    };
    let Some(target) = target else { return Ok(()) };
    if container.ancestor(target.kind) == Some(&target.id) {
        return Ok(());
    }
    // Of a project only its administrators may dispose, of the rest whoever may delete it here and make it there.
    access::authorize(db, caller, container, Action::ContainersDeleteHierarchy)?;
    access::authorize(db, caller, &target, Action::ContainersCreateHierarchy)?;
    container.doc.insert("parents".into(), target.parents_of_child());
    Ok(())
}

/// The subject under which a change of a session puts it.
fn subject_for(
    db: &Connection,
    caller: &Caller,
    session: &Container,
    place: &Doc,
) -> ApiResult<Option<Container>> {
    let here = session.ancestor(Kind::Project).unwrap_or_default();
    let project = place.get("project").and_then(Value::as_str).unwrap_or(here);
    match place.get("subject").filter(|subject| !subject.is_null()) {
        Some(subject) => named_subject(db, caller, session, place, subject, project),
        None if project == here => Ok(None),
        None => own_subject_in(db, caller, session, project).map(Some),
    }
}

fn named_subject(
    db: &Connection,
    caller: &Caller,
    session: &Container,
    place: &Doc,
    named: &Value,
    project: &str,
) -> ApiResult<Option<Container>> {
    let id = named.as_str().or_else(|| named.get("_id").and_then(Value::as_str));
    if let Some(id) = id {
        let subject = containers::get(db, Kind::Subject, id)?;
        if place.contains_key("project") && subject.ancestor(Kind::Project) != Some(project) {
            return Err(ApiError::unprocessable(format!("The subject {id} is not in the project {project}")));
        }
        return Ok(Some(subject));
    }
    let project = containers::get(db, Kind::Project, project)?;
    if session.ancestor(Kind::Project) != Some(&project.id) {
        access::authorize(db, caller, &project, Action::ContainersCreateHierarchy)?;
    }
    create::find_or_add_subject(db, &project, named.clone()).map(Some)
}

/// A session moved to another project takes a copy of its subject along, unless one of that label is there: then the
/// caller has to say which subject is meant.
fn own_subject_in(
    db: &Connection,
    caller: &Caller,
    session: &Container,
    project: &str,
) -> ApiResult<Container> {
    let project = containers::get(db, Kind::Project, project)?;
    access::authorize(db, caller, &project, Action::ContainersCreateHierarchy)?;
    let subject = containers::get(db, Kind::Subject, session.ancestor(Kind::Subject).unwrap_or_default())?;
    if containers::subject_by_label(db, &project.id, subject.label())?.is_some() {
        let message = format!(
            "The project {} already has a subject with label {}: name the subject to move the session to",
            project.id,
            subject.label()
        );
        return Err(ApiError::unprocessable(message));
    }
    copy_subject(db, subject, &project)
}

/// Makes the same subject in another project, without what lies below it.
pub(crate) fn copy_subject(db: &Connection, subject: Container, project: &Container) -> ApiResult<Container> {
    let mut doc = subject.doc;
    for key in ["_id", "created", "modified", "revision"] {
        doc.shift_remove(key);
    }
    doc.insert("parents".into(), project.parents_of_child());
    let id = create::add(db, Kind::Subject, new_id(), doc)?;
    containers::get(db, Kind::Subject, &id)
}
