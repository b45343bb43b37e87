//! Copies of projects: begun at once, made subject by subject in the background, and taken up again after a stop of the site.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    draft::Drafter,
    filter::{CopyFilter, FIELDS as FILTER},
    write::Writer,
};
use crate::{
    access::{self, Access, Action, roles},
    body::{Field, JsonBody, LABEL, Shape, TEXT, check, may, must},
    containers::create,
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        new_id, now, records,
    },
};

const FIELDS: &[Field] = &[
    must("group_id", TEXT),
    must("project_label", LABEL),
    may("snapshot_id", TEXT),
    must("filter", Shape::Object(FILTER)),
];

/// The kind of record that names a copy which is not finished.
const RUNNING: &str = "copy_running";

/// What is remembered of a copy.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Copy {
    snapshot_id: String,
    task_id: String,
    source: String,
    project_id: String,
    /// The instant that is copied.
    at: String,
    filter: Value,
    caller: String,
    status: String,
    failure_reason: Option<String>,
    /// The last subject that was copied.
    after: String,
    subjects: u64,
    created: String,
    modified: String,
}

impl Copy {
    fn kind(source: &str) -> String {
        format!("copy:{source}")
    }

    fn all(db: &Connection, source: &str) -> ApiResult<Vec<Self>> {
        let docs = records::all(db, &Self::kind(source))?.into_iter();
        docs.map(|doc| Ok(serde_json::from_value(Value::Object(doc))?)).collect()
    }

    fn load(db: &Connection, source: &str, project: &str) -> ApiResult<Self> {
        let doc = records::get(db, &Self::kind(source), project)?;
        let doc = doc.ok_or_else(|| ApiError::internal("a running copy without its record"))?;
        Ok(serde_json::from_value(Value::Object(doc))?)
    }

    fn save(&mut self, db: &Connection) -> ApiResult<()> {
        self.modified = now();
        let doc = serde_json::to_value(&*self)?;
        let doc = doc.as_object().cloned().unwrap_or_default();
        records::put(db, &Self::kind(&self.source), &self.project_id, &doc)
    }

    fn shown(&self) -> Value {
        json!({
            "snapshot_id": self.snapshot_id, "task_id": self.task_id, "project_id": self.project_id,
            "status": self.status, "failure_reason": self.failure_reason, "subjects_copied": self.subjects,
            "snapshot_time": self.at, "created": self.created, "modified": self.modified,
        })
    }
}

/// `POST /projects/{id}/copy`: `{task_id, snapshot_id, project_id}`.
pub(crate) async fn copy(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let asked = check(body, FIELDS)?;
    let rules = asked.get("filter").cloned().unwrap_or_default();
    let filter = CopyFilter::read(rules)?;
    let begin = move |db: &Connection| {
        let source = guard.container(db, &id)?;
        begin(db, &guard, &source, &asked, &filter)
    };
    let copy = state.store.write(begin).await?;
    let answer =
        json!({"task_id": copy.task_id, "snapshot_id": copy.snapshot_id, "project_id": copy.project_id});
    tokio::spawn(run(state, copy.source, copy.project_id));
    Ok(Json(answer))
}

fn begin(
    db: &Connection,
    guard: &Guard,
    source: &Container,
    asked: &Doc,
    filter: &CopyFilter,
) -> ApiResult<Copy> {
    if source.doc.get("copyable").and_then(Value::as_bool) == Some(false) {
        let refusal = ApiError::forbidden(format!("The project {} is not copyable", source.id));
        return Err(refusal.with("reason", "permission_denied"));
    }
    let text = |key: &str| asked.get(key).and_then(Value::as_str).unwrap_or_default();
    let group = containers::get(db, Kind::Group, text("group_id"))?;
    access::authorize(db, &guard.caller, &group, Action::ContainersCreateHierarchy)?;
    let (snapshot_id, at) = match text("snapshot_id") {
        "" => (new_id(), now()),
        wanted => {
            let known = Copy::all(db, &source.id)?.into_iter().find(|copy| copy.snapshot_id == wanted);
            let known = known.ok_or_else(|| {
                ApiError::not_found(format!("The project {} has no snapshot {wanted}", source.id))
            })?;
            (known.snapshot_id, known.at)
        }
    };
    let mut doc = Writer::new(db, filter, source)?.doc(source, "copying");
    let role = roles::built_in(db, Access::Admin)?;
    let admin = json!([{"_id": guard.caller.id(), "role_ids": [role]}]);
    doc.insert("permissions".into(), if guard.caller.is_device() { json!([]) } else { admin });
    doc.insert("label".into(), text("project_label").into());
    doc.insert("parents".into(), group.parents_of_child());
    let project_id = create::add(db, Kind::Project, new_id(), doc)?;
    let running = Doc::from_iter([("source".to_owned(), source.id.clone().into())]);
    records::put(db, RUNNING, &project_id, &running)?;
    let mut copy = Copy {
        snapshot_id,
        task_id: new_id(),
        source: source.id.clone(),
        project_id,
        at,
        filter: asked.get("filter").cloned().unwrap_or_default(),
        caller: guard.caller.id().to_owned(),
        status: "copying".to_owned(),
        failure_reason: None,
        after: String::new(),
        subjects: 0,
        created: now(),
        modified: now(),
    };
    copy.save(db)?;
    Ok(copy)
}

/// `GET /projects/{id}/copies`: the copies that were made of a project, newest first, as far as the caller may see them.
pub(crate) async fn list(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Vec<Value>>> {
    let work = move |db: &Connection| {
        let project = guard.container(db, &id)?;
        let mut rows = Vec::new();
        for copy in Copy::all(db, &project.id)?.into_iter().rev() {
            let Some(made) = containers::find(db, &copy.project_id)? else { continue };
            if !access::allowed(db, &guard.caller, &made, Action::ContainersViewMetadata)? {
                continue;
            }
            let mut row = copy.shown();
            row["label"] = made.label().into();
            row["group"] = made.ancestor(Kind::Group).into();
            rows.push(row);
        }
        Ok(Json(rows))
    };
    state.store.read(work).await
}

/// `GET /projects/{id}/copy/{snapshot}/status`: how far the newest copy of a snapshot is.
pub(crate) async fn status(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, snapshot)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let project = guard.container(db, &id)?;
        let copies = Copy::all(db, &project.id)?;
        let newest = copies.iter().rfind(|copy| copy.snapshot_id == snapshot);
        let newest = newest.ok_or_else(|| {
            ApiError::not_found(format!("The project {} has no snapshot {snapshot}", project.id))
        })?;
        Ok(Json(newest.shown()))
    };
    state.store.read(work).await
}

/// Takes up the copies that a stop of the site left unfinished.
///
/// # Errors
/// When the database fails.
pub(crate) async fn resume(state: &AppState) -> ApiResult<()> {
    let work = |db: &Connection| {
        let sql = "SELECT id, doc ->> '$.source' FROM records WHERE kind = ?";
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement.query_map([RUNNING], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<Vec<(String, String)>, _>>()?)
    };
    for (project, source) in state.store.read(work).await? {
        tokio::spawn(run(state.clone(), source, project));
    }
    Ok(())
}

/// Makes a copy, a subject in each transaction, so that other writes come between.
async fn run(state: AppState, source: String, project: String) {
    loop {
        let (from, to) = (source.clone(), project.clone());
        match state.store.write(move |db| step(db, &from, &to)).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => {
                let reason = error.to_string();
                let (from, to) = (source.clone(), project.clone());
                if let Err(error) = state.store.write(move |db| end(db, &from, &to, Some(reason))).await {
                    tracing::error!(%error, "a copy failed and cannot be marked as failed; the next start takes it up");
                }
                return;
            }
        }
    }
}

/// Copies the next subject, or at last what lies in the project itself; says whether that was all.
fn step(db: &Connection, source: &str, project: &str) -> ApiResult<bool> {
    let mut copy = Copy::load(db, source, project)?;
    let filter = CopyFilter::read(copy.filter.clone())?;
    let to = containers::get(db, Kind::Project, project)?;
    access::lock::refuse(db, &to)?;
    let from = before_deletion(db, source)?;
    let above = vec![(Kind::Project, Value::Object(from.doc.clone()))];
    let mut drafter = Drafter { db, filter: &filter, at: &copy.at, above };
    let mut writer = Writer::new(db, &filter, &from)?;
    let next = drafter.some_children(&from.id, Kind::Subject, &copy.after, 1)?.pop();
    let Some(subject) = next else {
        writer.contents(&drafter.alone(from)?, &to)?;
        end(db, source, project, None)?;
        return Ok(true);
    };
    let id = subject.id.clone();
    let draft = drafter.tree(subject)?;
    if filter.empty_containers || !draft.is_empty() {
        writer.tree(&draft, &to, None)?;
        copy.subjects += 1;
    }
    copy.after = id;
    copy.save(db)?;
    Ok(false)
}

/// The source, though it may have been deleted since its snapshot.
fn before_deletion(db: &Connection, source: &str) -> ApiResult<Container> {
    let mut statement = db.prepare_cached("SELECT id, kind, doc FROM containers WHERE id = ?")?;
    let mut rows = statement.query([source])?;
    rows.next()?
        .map(Container::from_row)
        .transpose()?
        .ok_or_else(|| containers::missing(Kind::Project, source))
}

/// Marks a copy as completed, or as failed and why.
fn end(db: &Connection, source: &str, project: &str, failure: Option<String>) -> ApiResult<()> {
    records::remove(db, RUNNING, project)?;
    let mut copy = Copy::load(db, source, project)?;
    copy.status = if failure.is_some() { "failed" } else { "completed" }.to_owned();
    if let Some(mut made) = containers::find(db, project)? {
        made.doc.insert("copy_status".into(), copy.status.clone().into());
        if let Some(reason) = &failure {
            made.doc.insert("copy_failure_reason".into(), reason.clone().into());
        }
        containers::save(db, &mut made)?;
    }
    copy.failure_reason = failure;
    copy.save(db)
}
