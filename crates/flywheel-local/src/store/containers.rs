//! The table of containers: reading, adding, changing and deleting their documents.
//!
//! A stored document is what the wire carries, less what is joined in when it is shown: files, the embedded subject,
//! permissions below a project (see [`crate::present`]). `permissions` of groups, projects and collections are also
//! kept in the table `grants`, which [`insert`] and [`save`] write along.

use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::{Value, json};

use super::{Doc, now, parse_doc};
use crate::{
    error::{ApiError, ApiResult},
    kind::Kind,
};

/// One container: its kind, its id, its document.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) doc: Doc,
}

impl Container {
    /// A text field of the document; empty when it is missing.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.doc.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// The label; a group's may be missing, then its id.
    pub(crate) fn label(&self) -> &str {
        self.doc.get("label").and_then(Value::as_str).unwrap_or(&self.id)
    }

    /// The id of the ancestor of this kind, or its own.
    pub(crate) fn ancestor(&self, kind: Kind) -> Option<&str> {
        if kind == self.kind {
            return Some(&self.id);
        }
        self.doc.get("parents")?.get(kind.singular())?.as_str()
    }

    /// The `parents` of something directly inside: this container's own and its id.
    pub(crate) fn parents_of_child(&self) -> Value {
        let mut parents = self.doc.get("parents").and_then(Value::as_object).cloned().unwrap_or_default();
        parents.insert(self.kind.singular().into(), self.id.clone().into());
        Value::Object(parents)
    }

    /// The `parents` of a file in this container: collections lie outside the tree, so their files have none.
    pub(crate) fn parents_of_file(&self) -> Value {
        if self.kind == Kind::Collection { Value::Null } else { self.parents_of_child() }
    }

    /// `{type, id}`.
    pub(crate) fn reference(&self) -> Value {
        json!({"type": self.kind.singular(), "id": self.id})
    }

    /// Reads the columns `id, kind, doc`, in this order and first in the row.
    pub(crate) fn from_row(row: &Row<'_>) -> ApiResult<Self> {
        let kind =
            Kind::from_code(row.get(1)?).ok_or_else(|| ApiError::internal("a container of unknown kind"))?;
        Ok(Self {
            kind,
            id: row.get(0)?,
            doc: parse_doc(row.get_ref(2)?.as_str().map_err(ApiError::internal)?)?,
        })
    }
}

/// The live container with this id, of whatever kind. No permission is checked: handlers use [`crate::guard::Guard`].
pub(crate) fn find(db: &Connection, id: &str) -> ApiResult<Option<Container>> {
    let mut statement =
        db.prepare_cached("SELECT id, kind, doc FROM containers WHERE id = ? AND deleted IS NULL")?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(Container::from_row).transpose()
}

/// As [`find`], or 404.
pub(crate) fn get(db: &Connection, kind: Kind, id: &str) -> ApiResult<Container> {
    find(db, id)?.filter(|found| found.kind == kind).ok_or_else(|| missing(kind, id))
}

/// The 404 for a container that is not there.
pub(crate) fn missing(kind: Kind, id: &str) -> ApiError {
    ApiError::not_found(format!("Could not find resource {kind}:{id}"))
}

/// The live containers of a kind directly below `parent`, oldest first.
pub(crate) fn children(db: &Connection, parent: &str, kind: Kind) -> ApiResult<Vec<Container>> {
    let mut statement = db.prepare_cached(
        "SELECT id, kind, doc FROM containers WHERE parent_id = ? AND kind = ? AND deleted IS NULL ORDER BY created, id",
    )?;
    let mut rows = statement.query((parent, kind.code()))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Container::from_row(row)?);
    }
    Ok(found)
}

/// Adds a container. The server's own fields are filled in: `_id`, `created`, `modified`, `revision`.
pub(crate) fn insert(db: &Connection, container: &mut Container) -> ApiResult<()> {
    let time = now();
    container.doc.shift_insert(0, "_id".into(), container.id.clone().into());
    note_info(container);
    container.doc.entry("created").or_insert_with(|| time.clone().into());
    container.doc.insert("modified".into(), time.into());
    container.doc.insert("revision".into(), 1.into());
    let text = serde_json::to_string(&container.doc)?;
    db.prepare_cached("INSERT INTO containers (id, kind, doc) VALUES (?, ?, ?)")?
        .execute((&container.id, container.kind.code(), text))
        .map_err(|error| taken(error, container))?;
    crate::changes::created(db, container)?;
    write_grants(db, container)
}

/// Writes a changed container back: `modified` is touched and `revision` counts on.
pub(crate) fn save(db: &Connection, container: &mut Container) -> ApiResult<()> {
    let revision = container.doc.get("revision").and_then(Value::as_i64).unwrap_or(0) + 1;
    container.doc.insert("modified".into(), now().into());
    container.doc.insert("revision".into(), revision.into());
    note_info(container);
    let text = serde_json::to_string(&container.doc)?;
    db.prepare_cached("UPDATE containers SET doc = ? WHERE id = ?")?
        .execute((text, &container.id))
        .map_err(|error| taken(error, container))?;
    write_grants(db, container)
}

/// Keeps `info_exists`, so that lists can filter on it.
fn note_info(container: &mut Container) {
    if let Some(info) = container.doc.get("info") {
        let exists = info.as_object().is_some_and(|info| !info.is_empty());
        container.doc.insert("info_exists".into(), exists.into());
    }
}

/// Notes that something below a container changed: `modified` and `revision` move, nothing else.
pub(crate) fn touch(db: &Connection, id: &str) -> ApiResult<()> {
    db.prepare_cached(
        "UPDATE containers SET doc = json_set(doc, '$.modified', ?, '$.revision', coalesce(doc ->> '$.revision', 0) + 1)
         WHERE id = ?",
    )?
    .execute((now(), id))?;
    Ok(())
}

/// A breach of a unique index is a 409 that names what is taken.
fn taken(error: rusqlite::Error, container: &Container) -> ApiError {
    let unique = matches!(&error, rusqlite::Error::SqliteFailure(code, _)
        if matches!(code.extended_code, rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY));
    if !unique {
        return error.into();
    }
    let parent = container.kind.parent().map_or_else(String::new, |parent| format!(" in this {parent}"));
    match container.kind {
        Kind::Group => ApiError::conflict(format!("A group with id {} exists already", container.id)),
        kind => {
            ApiError::conflict(format!("A {kind} with label {} exists already{parent}", container.label()))
        }
    }
}

/// Marks a container and everything below it, files included, as deleted at the same instant.
pub(crate) fn delete_tree(db: &Connection, id: &str) -> ApiResult<()> {
    let time = now();
    db.prepare_cached(
        "UPDATE files SET doc = json_set(doc, '$.deleted', :time)
         WHERE deleted IS NULL AND parent_id IN (
            WITH RECURSIVE tree (id) AS (
                SELECT :id UNION SELECT c.id FROM containers c JOIN tree t ON c.parent_id = t.id WHERE c.deleted IS NULL)
            SELECT id FROM tree)",
    )?
    .execute(rusqlite::named_params! {":time": time, ":id": id})?;
    db.prepare_cached(
        "UPDATE containers SET doc = json_set(doc, '$.deleted', :time)
         WHERE deleted IS NULL AND id IN (
            WITH RECURSIVE tree (id) AS (
                SELECT :id UNION SELECT c.id FROM containers c JOIN tree t ON c.parent_id = t.id WHERE c.deleted IS NULL)
            SELECT id FROM tree)",
    )?
    .execute(rusqlite::named_params! {":time": time, ":id": id})?;
    Ok(())
}

/// Gives everything below a moved container, files included, the ancestors that follow from its new place.
///
/// `container` is written with its new `parents` beforehand.
pub(crate) fn rebase_tree(db: &Connection, container: &Container) -> ApiResult<()> {
    let above = container.parents_of_child();
    let patch = above.to_string();
    const TREE: &str = "WITH RECURSIVE tree (id) AS (
            SELECT :id UNION SELECT c.id FROM containers c JOIN tree t ON c.parent_id = t.id)
        SELECT id FROM tree";
    for (table, key) in [("containers", "id"), ("files", "parent_id")] {
        let other = if table == "containers" { "AND id <> :id" } else { "" };
        let sql = format!(
            "UPDATE {table} SET doc = json_set(doc, '$.parents', json_patch(doc -> '$.parents', :patch))
             WHERE {key} IN ({TREE}) {other}"
        );
        db.prepare_cached(&sql)?.execute(rusqlite::named_params! {":id": container.id, ":patch": patch})?;
    }
    Ok(())
}

/// How many live containers of a kind lie directly below.
pub(crate) fn count_children(db: &Connection, parent: &str, kind: Kind) -> ApiResult<i64> {
    let sql = "SELECT count(*) FROM containers WHERE parent_id = ? AND kind = ? AND deleted IS NULL";
    Ok(db.prepare_cached(sql)?.query_row((parent, kind.code()), |row| row.get(0))?)
}

/// The live subject of a project with this label.
pub(crate) fn subject_by_label(db: &Connection, project: &str, label: &str) -> ApiResult<Option<Container>> {
    let sql = "SELECT id FROM containers WHERE parent_id = ? AND kind = 3 AND label = ? AND deleted IS NULL";
    let id: Option<String> =
        db.prepare_cached(sql)?.query_row((project, label), |row| row.get(0)).optional()?;
    id.map_or(Ok(None), |id| find(db, &id))
}

/// Keeps `grants` in step with the `permissions` of a group, project or collection.
fn write_grants(db: &Connection, container: &Container) -> ApiResult<()> {
    if !matches!(container.kind, Kind::Group | Kind::Project | Kind::Collection) {
        return Ok(());
    }
    db.prepare_cached("DELETE FROM grants WHERE container_id = ?")?.execute([&container.id])?;
    let mut add =
        db.prepare_cached("INSERT OR IGNORE INTO grants (user_id, container_id, role) VALUES (?, ?, ?)")?;
    for entry in container.doc.get("permissions").and_then(Value::as_array).into_iter().flatten() {
        let user = entry.get("_id").and_then(Value::as_str).unwrap_or_default();
        let access = entry.get("access").into_iter();
        let roles = entry.get("role_ids").and_then(Value::as_array).into_iter().flatten();
        for role in access.chain(roles).filter_map(Value::as_str) {
            add.execute((user, &container.id, role))?;
        }
    }
    Ok(())
}
