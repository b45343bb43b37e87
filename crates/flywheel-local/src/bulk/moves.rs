//! `POST /bulk/move/sessions`, `/bulk/move/acquisitions`, `/bulk/move/subjects`: the answer is the list of conflicts.

use axum::{Json, extract::State};
use rusqlite::Connection;
use serde_json::Value;

use super::{
    merge::{Mode, Mover, remove_empty},
    pairs,
};
use crate::{
    access::{self, Action},
    body::{Field, JsonBody, Shape, TEXT, check, may, must},
    containers::change,
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
    },
};

const FIELDS: &[Field] = &[
    must("destination_container_type", Shape::OneOf(&["projects", "subjects", "sessions"])),
    must("sources", Shape::List(&Shape::Id)),
    must("destinations", Shape::List(&TEXT)),
    must("conflict_mode", Shape::OneOf(&["skip", "move", "dry"])),
    may("remove_source", Shape::Bool),
];

/// `POST /bulk/move/sessions`: to projects, to subjects, or into other sessions.
pub(crate) async fn sessions(
    guard: Guard,
    state: State<AppState>,
    body: JsonBody,
) -> ApiResult<Json<Vec<Value>>> {
    move_all(guard, state, body, Kind::Session).await
}

/// `POST /bulk/move/acquisitions`: to sessions.
pub(crate) async fn acquisitions(
    guard: Guard,
    state: State<AppState>,
    body: JsonBody,
) -> ApiResult<Json<Vec<Value>>> {
    move_all(guard, state, body, Kind::Acquisition).await
}

/// `POST /bulk/move/subjects`: to projects, or into other subjects.
pub(crate) async fn subjects(
    guard: Guard,
    state: State<AppState>,
    body: JsonBody,
) -> ApiResult<Json<Vec<Value>>> {
    move_all(guard, state, body, Kind::Subject).await
}

async fn move_all(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
    kind: Kind,
) -> ApiResult<Json<Vec<Value>>> {
    let asked = check(body, FIELDS)?;
    let pairs = pairs(&asked)?;
    let work = move |db: &Connection| {
        let to = asked.get("destination_container_type").and_then(Value::as_str).unwrap_or_default();
        let to = Kind::parse(to).ok_or_else(|| ApiError::internal("a checked kind is unknown"))?;
        let batch = Batch { db, guard: &guard, kind, to, asked: &asked };
        batch.run(pairs).map(Json)
    };
    state.store.write(work).await
}

struct Batch<'a> {
    db: &'a Connection,
    guard: &'a Guard,
    kind: Kind,
    to: Kind,
    asked: &'a Doc,
}

impl Batch<'_> {
    fn run(&self, pairs: Vec<(String, String)>) -> ApiResult<Vec<Value>> {
        let mode = self.asked.get("conflict_mode").and_then(Value::as_str).unwrap_or_default();
        let mode = Mode::read(mode);
        let mut mover = Mover { db: self.db, mode, conflicts: Vec::new() };
        let mut left = Vec::new();
        for (source, destination) in pairs {
            let source = containers::get(self.db, self.kind, &source)?;
            let destination = containers::get(self.db, self.to, &destination)?;
            let caller = &self.guard.caller;
            access::authorize(self.db, caller, &source, Action::ContainersDeleteHierarchy)?;
            access::authorize(self.db, caller, &destination, Action::ContainersCreateHierarchy)?;
            if let Some(parent) = source.kind.parent().and_then(|parent| source.ancestor(parent)) {
                left.push(parent.to_owned());
            }
            self.one(&mut mover, source, destination)?;
        }
        let remove = self.asked.get("remove_source").and_then(Value::as_bool) == Some(true);
        if remove && mode != Mode::Dry {
            self.remove_emptied(left)?;
        }
        Ok(mover.conflicts)
    }

    fn one(&self, mover: &mut Mover<'_>, source: Container, destination: Container) -> ApiResult<()> {
        match (self.kind, self.to) {
            (kind, to) if kind.parent() == Some(to) => mover.put(source, &destination),
            (kind, to) if kind == to && source.id == destination.id => {
                Err(ApiError::unprocessable(format!("The {kind} {} cannot be moved into itself", source.id)))
            }
            (kind, to) if kind == to => mover.merge(source, &destination),
            (Kind::Session, Kind::Project) => match self.subject_in(mover.mode, &source, &destination)? {
                Some(subject) => mover.put(source, &subject),
                None => Ok(()),
            },
            (kind, to) => Err(ApiError::unprocessable(format!("A {kind} cannot be moved to a {to}"))),
        }
    }

    /// The subject of a session in another project: the one of its label, or a copy of its own. When nothing is to be done,
    /// a subject that would be new conflicts with nothing.
    fn subject_in(
        &self,
        mode: Mode,
        session: &Container,
        project: &Container,
    ) -> ApiResult<Option<Container>> {
        let id = session.ancestor(Kind::Subject).unwrap_or_default();
        let subject = containers::get(self.db, Kind::Subject, id)?;
        if subject.ancestor(Kind::Project) == Some(&project.id) {
            return Ok(None);
        }
        match containers::subject_by_label(self.db, &project.id, subject.label())? {
            Some(found) => Ok(Some(found)),
            None if mode == Mode::Dry => Ok(None),
            None => change::copy_subject(self.db, subject, project).map(Some),
        }
    }

    fn remove_emptied(&self, mut left: Vec<String>) -> ApiResult<()> {
        left.sort_unstable();
        left.dedup();
        for id in left {
            if let Some(parent) =
                containers::find(self.db, &id)?.filter(|parent| parent.kind != Kind::Project)
            {
                remove_empty(self.db, &parent)?;
            }
        }
        Ok(())
    }
}
