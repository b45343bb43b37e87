//! Tasks for many containers at once, and sets of two readers and an adjudicator.
//!
//! The adjudicator's task is blocked until both readers are done. Then it opens and says for each trigger field of the
//! protocol whether the readers are of different minds about it.

use axum::{Json, extract::State};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::{
    document::{ASSIGNEE, PARENT, PRIORITY, Parent, STATUS, TASKS, enter, make, next_batch},
    responses,
};
use crate::{
    access::{self, Action},
    body::{Field, JsonBody, Shape, TAG, TEXT, check, may, must},
    containers::tags,
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        new_id,
    },
};

const MODE: Shape = Shape::OneOf(&["any", "all"]);

const FILTERS: Shape = Shape::Object(&[
    may("include_tags", Shape::List(&TAG)),
    may("include_tags_mode", MODE),
    may("exclude_tags", Shape::List(&TAG)),
    may("exclude_tags_mode", MODE),
    must("container_type", Shape::OneOf(&super::document::LEVELS)),
]);

const BATCH: &[Field] = &[
    may("type", TEXT),
    must("subcategory", TEXT),
    may("assignee", ASSIGNEE),
    may("staffing_pool", TEXT),
    must("filters", FILTERS),
    must("protocol_id", Shape::Id),
    must("project_id", Shape::Id),
    may("description", TEXT),
    may("due_date", Shape::Time),
    may("priority", PRIORITY),
    may("status", STATUS),
    may("tags", Shape::List(&TAG)),
];

macro_rules! adjudication_fields {
    ($($more:expr),*) => {
        &[
            $($more,)*
            must("protocol_id", Shape::Id),
            may("reader_1_assignee", ASSIGNEE),
            may("reader_2_assignee", ASSIGNEE),
            may("adjudicator_assignee", ASSIGNEE),
            may("due_date", Shape::Time),
            may("priority", PRIORITY),
            may("description", TEXT),
            may("tags", Shape::List(&TAG)),
        ]
    };
}

const SET: &[Field] = adjudication_fields![must("parent_ref", PARENT)];
const SETS: &[Field] = adjudication_fields![must("project_id", Shape::Id), must("filters", FILTERS)];

/// The containers of a project that filters let through.
fn chosen(db: &Connection, guard: &Guard, said: &mut Doc) -> ApiResult<Vec<Parent>> {
    let project = said.shift_remove("project_id");
    let project = project.as_ref().and_then(Value::as_str).unwrap_or_default();
    let project = containers::get(db, Kind::Project, project)?;
    access::authorize(db, &guard.caller, &project, Action::TasksCreate)?;
    let filters = said.shift_remove("filters").unwrap_or_default();
    let level = filters.get("container_type").and_then(Value::as_str).unwrap_or_default();
    let level = Kind::parse(level).filter(|level| *level >= Kind::Project).ok_or_else(|| {
        ApiError::unprocessable("container_type should be project, subject, session or acquisition")
    })?;
    let sql = "SELECT id, kind, doc FROM containers WHERE project_id = ? AND kind = ? AND deleted IS NULL ORDER BY id";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query((&project.id, level.code()))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let container = Container::from_row(row)?;
        if lets_through(&filters, &container) {
            found.push(Parent::of_container(container));
        }
    }
    Ok(found)
}

fn lets_through(filters: &Value, container: &Container) -> bool {
    let own = tags::of(&container.doc);
    let meets = |key: &str| -> Option<bool> {
        let wanted = filters.get(key).and_then(Value::as_array).filter(|list| !list.is_empty())?;
        let mut hits = wanted.iter().filter_map(Value::as_str).map(|tag| own.iter().any(|mine| mine == tag));
        let all = filters.get(format!("{key}_mode")).is_some_and(|mode| mode == "all");
        Some(if all { hits.all(|hit| hit) } else { hits.any(|hit| hit) })
    };
    meets("include_tags").unwrap_or(true) && !meets("exclude_tags").unwrap_or(false)
}

/// `POST /tasks/reader/batch`
pub(super) async fn batch(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut said = check(body, BATCH)?;
    let work = move |db: &Connection| {
        let number = next_batch(db)?;
        let mut tasks = Vec::new();
        for (parent, item) in chosen(db, &guard, &mut said)?.iter().zip(1..) {
            let task = make(db, &guard.caller, parent, said.clone(), number, item)?;
            TASKS.put(db, &task)?;
            tasks.push(Value::Object(task));
        }
        Ok(tasks.into())
    };
    state.store.write(work).await.map(Json)
}

/// `POST /tasks/reader/adjudication`
pub(super) async fn adjudication(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let said = check(body, SET)?;
    let work = move |db: &Connection| {
        let parent = Parent::find(db, said.get("parent_ref").unwrap_or(&Value::Null))?;
        access::authorize(db, &guard.caller, &parent.container, Action::TasksCreate)?;
        let mut item = 0;
        let tasks = set(db, &guard, &parent, &said, next_batch(db)?, &mut item)?;
        Ok(tasks.into())
    };
    state.store.write(work).await.map(Json)
}

/// `POST /tasks/reader/adjudication/batch`
pub(super) async fn adjudication_batch(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut said = check(body, SETS)?;
    let work = move |db: &Connection| {
        let (number, mut item) = (next_batch(db)?, 0);
        let mut tasks = Vec::new();
        for parent in chosen(db, &guard, &mut said)? {
            tasks.extend(set(db, &guard, &parent, &said, number, &mut item)?);
        }
        Ok(tasks.into())
    };
    state.store.write(work).await.map(Json)
}

/// Makes the three tasks of a set.
fn set(
    db: &Connection,
    guard: &Guard,
    parent: &Parent,
    said: &Doc,
    batch: i64,
    item: &mut i64,
) -> ApiResult<Vec<Value>> {
    let link = new_id();
    let mut tasks = Vec::new();
    for (role, read) in [("reader_1_assignee", 1), ("reader_2_assignee", 2), ("adjudicator_assignee", 3)] {
        *item += 1;
        let mut own = said.clone();
        let assignee = own.get(role).cloned().unwrap_or_default();
        own.retain(|key, _| !key.ends_with("_assignee"));
        own.insert("assignee".into(), assignee);
        own.insert("status".into(), if read == 3 { "blocked" } else { "todo" }.into());
        let mut task = make(db, &guard.caller, parent, own, batch, *item)?;
        task.insert("workflow_link_id".into(), link.clone().into());
        task.insert("read_number".into(), read.into());
        if read == 3 {
            task.insert("adjudication".into(), json!({"triggered_fields": {}}));
        }
        TASKS.put(db, &task)?;
        tasks.push(task.into());
    }
    Ok(tasks)
}

/// Opens the adjudicator's task once both readers of its set are done.
pub(super) fn release_adjudicator(db: &Connection, done: &Doc, protocol: &Doc) -> ApiResult<()> {
    let Some(link) = done.get("workflow_link_id").filter(|link| !link.is_null()) else { return Ok(()) };
    let set: Vec<Doc> =
        TASKS.all(db)?.into_iter().filter(|task| task.get("workflow_link_id") == Some(link)).collect();
    let (adjudicators, readers): (Vec<Doc>, Vec<Doc>) =
        set.into_iter().partition(|task| task.contains_key("adjudication"));
    if !readers.iter().all(|task| task.get("status").is_some_and(|status| status == "completed")) {
        return Ok(());
    }
    let answers =
        readers.iter().map(|task| responses::latest_data(db, task)).collect::<ApiResult<Vec<Value>>>()?;
    for mut adjudicator in adjudicators {
        if adjudicator.get("status").is_some_and(|status| status == "blocked") {
            enter(&mut adjudicator, "todo");
            let triggered = json!({"triggered_fields": triggered(protocol, &answers)});
            adjudicator.insert("adjudication".into(), triggered);
            TASKS.save(db, &mut adjudicator)?;
        }
    }
    Ok(())
}

/// For each trigger field, whether the answers differ: numbers by more than the threshold, anything else at all.
fn triggered(protocol: &Doc, answers: &[Value]) -> Map<String, Value> {
    let fields = protocol.get("workflow").and_then(|workflow| workflow.get("trigger_fields"));
    let fields = fields.and_then(Value::as_array).into_iter().flatten();
    let judged = fields.filter_map(|field| {
        let key = field.get("key").and_then(Value::as_str)?;
        let threshold = field.get("threshold").and_then(Value::as_f64).unwrap_or(0.0);
        let values: Vec<&Value> =
            answers.iter().map(|answer| answer.get(key).unwrap_or(&Value::Null)).collect();
        let differ = values.windows(2).any(|pair| match pair {
            [a, b] => match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) => (a - b).abs() > threshold,
                _ => a != b,
            },
            _ => false,
        });
        Some((key.to_owned(), differ.into()))
    });
    judged.collect()
}
