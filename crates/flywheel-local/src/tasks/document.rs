//! The document of a task: what it is about, whom it is for, how far it has come.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    access::{self, Action},
    auth::Caller,
    body::{Field, Shape, TAG, TEXT, may, must},
    error::{ApiError, ApiResult},
    guard::{Guard, require_object_id},
    kind::Kind,
    protocols,
    store::{
        Doc,
        containers::{self, Container},
        files, now,
        records::{self, AccountKind},
        shelf::Shelf,
    },
};

/// The tasks.
pub(super) const TASKS: Shelf = Shelf::new("task", "task");

/// What tasks can be about.
pub(super) const LEVELS: [&str; 6] = ["project", "group", "subject", "session", "acquisition", "file"];

pub(super) const STATUS: Shape = Shape::OneOf(&["todo", "in_progress", "completed", "blocked", "cancelled"]);
pub(super) const PRIORITY: Shape = Shape::OneOf(&["blocker", "high", "medium", "low"]);
pub(super) const ASSIGNEE: Shape =
    Shape::Object(&[must("id", Shape::Text(1, 256)), must("type", Shape::OneOf(&["staffing_pool", "user"]))]);
pub(super) const PARENT: Shape = Shape::Object(&[
    must("type", Shape::OneOf(&LEVELS)),
    may("version", Shape::Int),
    must("id", Shape::Text(1, 64)),
]);

/// What a task is made of.
pub(super) const NEW: &[Field] = &[
    may("type", TEXT),
    must("subcategory", TEXT),
    must("status", STATUS),
    may("assignee", ASSIGNEE),
    may("creator", TEXT),
    must("parent_ref", PARENT),
    may("staffing_pool", TEXT),
    may("created", Shape::Time),
    may("modified", Shape::Time),
    must("due_date", Shape::Time),
    may("description", TEXT),
    must("priority", PRIORITY),
    must("protocol_id", Shape::Id),
    may("tags", Shape::List(&TAG)),
    may("transitions", Shape::Any),
];

/// What a task is about: a container, or a file in one.
pub(super) struct Parent {
    pub(super) container: Container,
    file: Option<(String, i64, String)>,
}

impl Parent {
    /// The container or the file that a reference names.
    ///
    /// # Errors
    /// 404 when there is none.
    pub(super) fn find(db: &Connection, reference: &Value) -> ApiResult<Self> {
        let text = |key: &str| reference.get(key).and_then(Value::as_str).unwrap_or_default();
        let (kind, id) = (text("type"), text("id"));
        if kind == "file" {
            require_object_id(id)?;
            let version = reference.get("version").and_then(Value::as_i64).unwrap_or(0);
            let gone = || ApiError::not_found(format!("Could not find resource file:{id}"));
            let file = files::by_id(db, id, version)?.ok_or_else(gone)?;
            let container = containers::find(db, file.parent_id())?.ok_or_else(gone)?;
            let named = (id.to_owned(), file.version(), file.text("name").to_owned());
            return Ok(Self { container, file: Some(named) });
        }
        let kind = Kind::parse(kind).ok_or_else(|| ApiError::unprocessable("no kind of parent"))?;
        Ok(Self { container: containers::get(db, kind, id)?, file: None })
    }

    pub(super) fn of_container(container: Container) -> Self {
        Self { container, file: None }
    }

    fn reference(&self) -> Value {
        match &self.file {
            Some((id, version, name)) => json!({"type": "file", "id": id, "version": version, "label": name}),
            None => {
                let mut reference = self.container.reference();
                reference["label"] = self.container.label().into();
                reference
            }
        }
    }

    /// The ids of everything above, and of itself. The wire asks for levels that need not be there: they are empty.
    fn parents(&self) -> Value {
        let mut parents = self.container.parents_of_child();
        for level in ["group", "project", "subject", "session"] {
            if parents.get(level).is_none() {
                parents[level] = "".into();
            }
        }
        if let Some((id, ..)) = &self.file {
            parents["file"] = id.as_str().into();
        }
        parents
    }
}

/// Makes a task of what was said.
///
/// # Errors
/// 404 for a protocol, a user or a pool that is not there; 409 for a protocol that is not published.
pub(super) fn make(
    db: &Connection,
    caller: &Caller,
    parent: &Parent,
    said: Doc,
    batch: i64,
    item: i64,
) -> ApiResult<Doc> {
    let protocol_id = said.get("protocol_id").and_then(Value::as_str).unwrap_or_default();
    let protocol = protocols::get_protocol(db, protocol_id)?;
    if protocol.get("status").is_none_or(|status| status != "published") {
        return Err(ApiError::conflict("The protocol is not published: tasks follow published protocols"));
    }
    let mut task = TASKS.fresh(caller);
    task.shift_remove("origin");
    let own = json!({
        "type": "reader", "task_id": format!("R-{batch:05}-{item:03}"), "batch_number": batch, "item_number": item,
        "creator": caller.id(), "description": "", "tags": [], "status": "todo", "subcategory": "", "revision": 1,
        "priority": "medium", "due_date": now(), "transitions": {}, "assignee": null,
        "protocol_label": protocol.get("label"), "protocol_version": protocol.get("version"),
    });
    task.extend(own.as_object().cloned().unwrap_or_default());
    let kept = ["created", "modified", "creator", "transitions", "parent_ref"];
    task.extend(said.into_iter().filter(|(key, value)| !value.is_null() && !kept.contains(&key.as_str())));
    task.insert("parent_ref".into(), parent.reference());
    task.insert("parents".into(), parent.parents());
    refuse_unknown_assignee(db, &task)?;
    let status = task.get("status").and_then(Value::as_str).unwrap_or("todo").to_owned();
    enter(&mut task, &status);
    if task.get("assignee").is_some_and(Value::is_null) {
        task.shift_remove("assignee");
    }
    Ok(task)
}

/// The number of the next batch of tasks.
pub(super) fn next_batch(db: &Connection) -> ApiResult<i64> {
    let numbers = TASKS.all(db)?;
    let numbers = numbers.iter().filter_map(|task| task.get("batch_number").and_then(Value::as_i64));
    Ok(numbers.max().unwrap_or(0) + 1)
}

/// 404 when a task is assigned to nobody there is.
pub(super) fn refuse_unknown_assignee(db: &Connection, task: &Doc) -> ApiResult<()> {
    let Some(assignee) = task.get("assignee").filter(|assignee| !assignee.is_null()) else { return Ok(()) };
    let id = assignee.get("id").and_then(Value::as_str).unwrap_or_default();
    if assignee.get("type").is_some_and(|kind| kind == "staffing_pool") {
        return crate::staffing::POOLS.get(db, id).map(drop);
    }
    match records::account(db, AccountKind::User, id)? {
        Some(_) => Ok(()),
        None => Err(ApiError::not_found(format!("No user {id} found"))),
    }
}

/// Puts a task into a state and notes when.
pub(super) fn enter(task: &mut Doc, status: &str) {
    task.insert("status".into(), status.into());
    if status != "blocked"
        && let Some(transitions) = task.entry("transitions").or_insert_with(|| json!({})).as_object_mut()
    {
        transitions.insert(status.into(), now().into());
    }
}

/// The container whose roles govern a task.
pub(super) fn place(db: &Connection, task: &Doc) -> ApiResult<Option<Container>> {
    let parents = task.get("parents");
    let id = |level: &str| {
        let id = parents.and_then(|parents| parents.get(level)).and_then(Value::as_str);
        id.filter(|id| !id.is_empty())
    };
    containers::find(db, id("project").or_else(|| id("group")).unwrap_or_default())
}

/// Whether the caller may do this to a task. Who it is assigned to may see it and work on it.
pub(super) fn may_do(db: &Connection, caller: &Caller, task: &Doc, action: Action) -> ApiResult<bool> {
    let Some(place) = place(db, task)? else { return Ok(caller.is_superuser()) };
    if access::allowed(db, caller, &place, action)? {
        return Ok(true);
    }
    let own = matches!(action, Action::TasksView | Action::TasksModify) && is_assigned(db, caller, task)?;
    Ok(own && access::allowed(db, caller, &place, Action::ContainersViewMetadata)?)
}

fn is_assigned(db: &Connection, caller: &Caller, task: &Doc) -> ApiResult<bool> {
    let assignee = task.get("assignee").cloned().unwrap_or_default();
    let id = assignee.get("id").and_then(Value::as_str).unwrap_or_default();
    if assignee.get("type").is_some_and(|kind| kind == "staffing_pool") {
        let pool = crate::staffing::POOLS.get(db, id).unwrap_or_default();
        return Ok(crate::staffing::users(&pool).iter().any(|user| user == caller.id()));
    }
    Ok(id == caller.id())
}

/// The task of this id, when the caller may do this to it.
///
/// # Errors
/// 404 when there is none or the caller may not see it, 403 when it may only see it.
pub(super) fn task(db: &Connection, guard: &Guard, id: &str, action: Action) -> ApiResult<Doc> {
    require_object_id(id)?;
    let task = TASKS.get(db, id)?;
    if !may_do(db, &guard.caller, &task, Action::TasksView)? {
        return Err(ApiError::not_found(format!("No task {id} found")));
    }
    if action != Action::TasksView {
        if !may_do(db, &guard.caller, &task, action)? {
            let message =
                format!("Permission denied: {} on task {id} needs {}", guard.caller.id(), action.name());
            return Err(ApiError::forbidden(message).with("reason", "permission_denied"));
        }
        if let Some(place) = place(db, &task)? {
            access::lock::refuse(db, &place)?;
        }
    }
    Ok(task)
}

/// A task as it is shown: with the labels of what is above.
pub(super) fn shown(db: &Connection, mut task: Doc) -> ApiResult<Value> {
    let parents = task.get("parents").cloned().unwrap_or_default();
    let mut details =
        json!({"project_label": "", "group_label": "", "subject_label": "", "session_label": ""});
    for level in ["group", "project", "subject", "session", "acquisition"] {
        let id = parents.get(level).and_then(Value::as_str).unwrap_or_default();
        if let Some(container) = containers::find(db, id)? {
            details[format!("{level}_label")] = container.label().into();
        }
    }
    let reference = task.get("parent_ref").cloned().unwrap_or_default();
    if reference.get("type").is_some_and(|kind| kind == "file") {
        details["file_name"] = reference["label"].clone();
        details["file_version"] = reference["version"].clone();
    }
    task.insert("parent_details".into(), details);
    Ok(task.into())
}
