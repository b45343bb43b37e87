//! Results as the wire shows them: what lies above each, and a little of the result itself.

use std::collections::HashMap;

use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::level::Level;
use crate::{
    auth::Caller,
    error::ApiResult,
    present,
    store::{
        Doc,
        containers::{self, Container},
        parse_doc,
    },
};

/// A result with its document and those above it.
pub(super) struct Hit {
    pub(super) id: String,
    pub(super) doc: Doc,
    /// The ids of the containers above, and its own when it is one, by level.
    pub(super) above: Vec<(Level, String)>,
}

/// Containers and permissions that were looked up already.
pub(super) struct Shelf<'a> {
    db: &'a Connection,
    caller: &'a Caller,
    containers: HashMap<String, Option<Container>>,
    permissions: HashMap<String, Value>,
}

impl<'a> Shelf<'a> {
    pub(super) fn new(db: &'a Connection, caller: &'a Caller) -> Self {
        Self { db, caller, containers: HashMap::new(), permissions: HashMap::new() }
    }

    /// The result with this id, unless it is gone.
    pub(super) fn hit(&mut self, level: Level, id: &str) -> ApiResult<Option<Hit>> {
        let sql = match level {
            Level::File => "SELECT doc FROM files WHERE file_id = ? AND current",
            _ => "SELECT doc FROM containers WHERE id = ? AND deleted IS NULL",
        };
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query([id])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let doc = parse_doc(&row.get::<_, String>(0)?)?;
        let parents = doc.get("parents").and_then(Value::as_object);
        let parent = |level: Level| parents?.get(level.name())?.as_str();
        let mut above: Vec<(Level, String)> =
            Level::ALL.into_iter().filter_map(|level| Some((level, parent(level)?.to_owned()))).collect();
        if level != Level::File {
            above.retain(|(known, _)| *known < level);
            above.push((level, id.to_owned()));
        }
        Ok(Some(Hit { id: id.to_owned(), doc, above }))
    }

    /// The container with this id.
    pub(super) fn container(&mut self, id: &str) -> ApiResult<Option<&Container>> {
        if !self.containers.contains_key(id) {
            let found = containers::find(self.db, id)?;
            self.containers.insert(id.to_owned(), found);
        }
        Ok(self.containers.get(id).and_then(Option::as_ref))
    }

    /// The permissions of a project as the caller sees them.
    fn permissions(&mut self, project: &str) -> ApiResult<Value> {
        if let Some(known) = self.permissions.get(project) {
            return Ok(known.clone());
        }
        let (db, caller) = (self.db, self.caller);
        let shown = match self.container(project)? {
            Some(container) => present::permissions(db, caller, container)?,
            None => json!([]),
        };
        self.permissions.insert(project.to_owned(), shown.clone());
        Ok(shown)
    }

    /// The `_source` of a result.
    pub(super) fn source(&mut self, level: Level, hit: &Hit) -> ApiResult<Doc> {
        let mut source = Doc::new();
        for (above, id) in &hit.above {
            let Some(container) = self.container(id)? else { continue };
            let entry = pick(&container.doc, id, shown_of(*above, level));
            source.insert(above.name().into(), entry.into());
        }
        if level == Level::File {
            let mut entry = pick(&hit.doc, "", FILE);
            entry.shift_remove("_id");
            let info = hit.doc.get("info").and_then(Value::as_object);
            entry.insert("info_exists".into(), info.is_some_and(|info| !info.is_empty()).into());
            source.insert("file".into(), entry.into());
            if let Some(parent) = hit.doc.get("parent_ref") {
                source.insert("parent".into(), json!({"_id": parent.get("id"), "type": parent.get("type")}));
            }
        }
        let project = hit.above.iter().find(|(level, _)| *level == Level::Project);
        let permissions = project.map(|(_, id)| self.permissions(id)).transpose()?;
        source.insert("permissions".into(), permissions.unwrap_or_else(|| json!([])));
        Ok(source)
    }
}

const FILE: &[&str] = &[
    "name",
    "type",
    "mimetype",
    "modality",
    "size",
    "classification",
    "tags",
    "created",
    "modified",
    "origin",
    "zip_member_count",
];

/// The fields shown of a container above a result of some level, or of the result itself.
fn shown_of(shown: Level, result: Level) -> &'static [&'static str] {
    match shown {
        Level::Group | Level::Project => &["label"],
        Level::Subject if result == Level::Subject => &["code", "label", "created"],
        Level::Subject => &["code"],
        Level::Session | Level::Acquisition => &["label", "created", "timestamp"],
        Level::Analysis if result == Level::Analysis => &["label", "created", "user", "parent"],
        Level::Analysis => &["label", "created", "user"],
        Level::File => &[],
    }
}

/// The id and some fields of a document, as far as they hold anything.
fn pick(doc: &Doc, id: &str, fields: &[&str]) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.insert("_id".into(), id.into());
    for &field in fields {
        // A subject's code is its label, and what a user made an analysis stands in its origin where nothing else does.
        let value = match (field, doc.get(field)) {
            ("code", None) => doc.get("label"),
            ("user", None) => doc.get("origin").and_then(|origin| origin.get("id")),
            (_, value) => value,
        };
        if let Some(value) = value.filter(|value| !value.is_null()) {
            entry.insert(field.to_owned(), value.clone());
        }
    }
    entry
}

/// Results as lines of comma-separated values: a column for each plain field of a source.
pub(super) fn csv(sources: &[Doc]) -> String {
    let mut columns: Vec<String> = Vec::new();
    let rows: Vec<Vec<(String, String)>> = sources.iter().map(flat).collect();
    for (name, _) in rows.iter().flatten() {
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    let mut out = line(columns.iter().map(String::as_str));
    for row in &rows {
        let cell = |column: &String| row.iter().find(|(name, _)| name == column).map_or("", |(_, text)| text);
        out.push_str(&line(columns.iter().map(cell)));
    }
    out
}

/// The plain fields of a source by their dotted names; lists are joined with semicolons.
fn flat(source: &Doc) -> Vec<(String, String)> {
    fn add(name: &str, value: &Value, out: &mut Vec<(String, String)>) {
        match value {
            Value::Object(map) => {
                map.iter().for_each(|(key, value)| add(&format!("{name}.{key}"), value, out))
            }
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(plain).collect();
                out.push((name.to_owned(), items.join(";")));
            }
            other => out.push((name.to_owned(), plain(other))),
        }
    }
    let mut out = Vec::new();
    source.iter().filter(|(key, _)| *key != "permissions").for_each(|(key, value)| add(key, value, &mut out));
    out
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let quoted = |cell: &str| match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    };
    let mut text = cells.map(quoted).collect::<Vec<_>>().join(",");
    text.push_str("\r\n");
    text
}
