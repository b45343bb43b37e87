//! `.metadata.json`: what a gear says about containers and files, brought into them.

use flywheel_core::info;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    body::{Field, Shape, TAG, TEXT, check, may},
    error::{ApiError, ApiResult, Detail},
    files::outputs::{add_tags, describe, entries, merge_info},
    kind::Kind,
    store::{
        Doc,
        containers::{self, Container},
        files,
    },
};

/// The levels that metadata may speak of.
const LEVELS: [Kind; 5] = [Kind::Project, Kind::Subject, Kind::Session, Kind::Acquisition, Kind::Analysis];

const TAGS: Shape = Shape::List(&TAG);

const SEX: Shape = Shape::OneOf(&["male", "female", "other", "unknown"]);

/// What may be said about a container of each kind, besides its files.
fn fields(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Project => const { &[may("label", TEXT), may("info", Shape::Info), may("tags", TAGS)] },
        Kind::Subject => {
            const {
                &[
                    may("label", Shape::Text(1, 64)),
                    may("code", Shape::Text(1, 64)),
                    may("project", Shape::Any),
                    may("master_code", TEXT),
                    may("info", Shape::Info),
                    may("tags", TAGS),
                    may("age", Shape::Int),
                    may("firstname", Shape::Name),
                    may("lastname", Shape::Name),
                    may("sex", SEX),
                    may("race", TEXT),
                    may("ethnicity", TEXT),
                ]
            }
        }
        Kind::Session => {
            const {
                &[
                    may("label", TEXT),
                    may("uid", TEXT),
                    may("timestamp", Shape::Time),
                    may("timezone", Shape::Zone),
                    may("operator", TEXT),
                    may("age", Shape::Int),
                    may("weight", Shape::Number),
                    may("subject", Shape::Any),
                    may("info", Shape::Info),
                    may("tags", TAGS),
                ]
            }
        }
        Kind::Acquisition => {
            const {
                &[
                    may("label", TEXT),
                    may("uid", TEXT),
                    may("timestamp", Shape::Time),
                    may("timezone", Shape::Zone),
                    may("measurement", TEXT),
                    may("metadata", Shape::Any),
                    may("info", Shape::Info),
                    may("tags", TAGS),
                ]
            }
        }
        _ => {
            const {
                &[
                    may("label", TEXT),
                    may("timestamp", Shape::Time),
                    may("info", Shape::Info),
                    may("tags", TAGS),
                ]
            }
        }
    }
}

/// What a gear said, checked.
pub(super) struct Said {
    /// All of it, as it came.
    pub(super) whole: Value,
    /// What it says about files of the container that its outputs go to.
    pub(super) entries: Vec<Value>,
    levels: Vec<Level>,
}

struct Level {
    kind: Kind,
    fields: Doc,
    files: Vec<Value>,
}

impl Said {
    /// Reads the metadata of a job whose outputs go to a container of this kind.
    ///
    /// # Errors
    /// 422 for levels, keys and values that metadata does not have.
    pub(super) fn read(whole: &Value, destination: Kind) -> ApiResult<Self> {
        let mut said = Self { whole: whole.clone(), entries: Vec::new(), levels: Vec::new() };
        let map = match whole {
            Value::Null => return Ok(said),
            Value::Object(map) => map,
            other => {
                let message = "Metadata is an object of levels";
                let detail = Detail::new(&["body", "metadata"], "dict_type", message, other);
                return Err(ApiError::invalid(vec![detail]));
            }
        };
        for (name, value) in map.iter().filter(|(name, _)| *name != "type") {
            let kind = LEVELS.into_iter().find(|kind| kind.singular() == name).ok_or_else(|| {
                let message = "Metadata speaks of project, subject, session, acquisition and analysis";
                ApiError::invalid(vec![Detail::new(
                    &["body", "metadata", name],
                    "extra_forbidden",
                    message,
                    value,
                )])
            })?;
            let mut value = value.clone();
            let list = value.as_object_mut().and_then(|map| map.shift_remove("files"));
            let files = entries(list.as_ref())?;
            if kind == destination {
                said.entries.clone_from(&files);
            }
            said.levels.push(Level { kind, fields: check(value, fields(kind))?, files });
        }
        Ok(said)
    }

    /// Brings it into the container, what lies above it, and their files. Of the `outputs` it was told when they were made.
    ///
    /// # Errors
    /// 409 when a label is taken.
    pub(super) fn apply(&self, db: &Connection, container: &Container, outputs: &[&str]) -> ApiResult<()> {
        for level in &self.levels {
            let Some(id) = container.ancestor(level.kind) else { continue };
            let Some(mut target) = containers::find(db, id)? else { continue };
            if !level.fields.is_empty() {
                change(db, &mut target, level.fields.clone())?;
            }
            for entry in &level.files {
                let name = entry.get("name").and_then(Value::as_str).unwrap_or_default();
                if target.id == container.id && outputs.contains(&name) {
                    continue;
                }
                if let Some(mut file) = files::by_name(db, &target.id, name)? {
                    describe(db, &mut file, entry)?;
                }
            }
        }
        Ok(())
    }
}

/// Overwrites fields, merges `info`, adds tags. What would take a container elsewhere is passed over.
fn change(db: &Connection, target: &mut Container, mut said: Doc) -> ApiResult<()> {
    said.retain(|key, value| !value.is_null() && key != "project");
    if let Some(Value::Object(given)) = said.remove("info") {
        merge_info(&mut target.doc, given);
    }
    if let Some(Value::Array(tags)) = said.remove("tags") {
        add_tags(&mut target.doc, tags.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    if let Some(subject) = said.remove("subject") {
        about_subject(db, target, subject)?;
    }
    if let Some(Value::Object(free)) = said.remove("metadata") {
        let free = info::sanitize_map(free);
        let known = target.doc.entry("metadata").or_insert_with(|| json!({}));
        if let Some(known) = known.as_object_mut() {
            known.extend(free);
        }
    }
    if target.kind == Kind::Subject
        && let Some(label) = said.get("label").or_else(|| said.get("code")).cloned()
    {
        said.insert("label".into(), label.clone());
        said.insert("code".into(), label);
    }
    target.doc.extend(said);
    containers::save(db, target)
}

/// What metadata of a session says about its subject.
fn about_subject(db: &Connection, session: &Container, said: Value) -> ApiResult<()> {
    let said = check(said, fields(Kind::Subject))?;
    let subject = session.ancestor(Kind::Subject).map(|id| containers::find(db, id)).transpose()?.flatten();
    match subject {
        Some(mut subject) => change(db, &mut subject, said),
        None => Ok(()),
    }
}
