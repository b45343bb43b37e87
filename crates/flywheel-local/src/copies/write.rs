//! Writing copies: new containers and files that say what they are copies of and share its bytes.

use std::collections::HashMap;

use rusqlite::Connection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{draft::Draft, filter::CopyFilter};
use crate::{
    containers::create,
    error::ApiResult,
    kind::Kind,
    store::{
        Doc,
        containers::{self, Container},
        files::{self, FileRow},
        new_id, now,
    },
};

/// What a copy does not take over from its source: identity, place, rights, and what became of the source.
const OWN: [&str; 15] = [
    "_id",
    "created",
    "modified",
    "revision",
    "deleted",
    "parents",
    "permissions",
    "copy_of",
    "original_copy_of",
    "copy_status",
    "copy_failure_reason",
    "delete_status",
    "delete_failure_reason",
    "locked",
    "job",
];

/// Writes copies out of one project.
pub(crate) struct Writer<'a> {
    db: &'a Connection,
    notes: bool,
    tags: bool,
    project_label: String,
    group_label: String,
    /// The copies that were made of files, by the source version's `_id`.
    made: HashMap<String, Doc>,
}

impl<'a> Writer<'a> {
    /// For copies of what lies in the place of `source`.
    pub(crate) fn new(db: &'a Connection, filter: &CopyFilter, source: &Container) -> ApiResult<Self> {
        let label = |kind: Kind| -> ApiResult<String> {
            let found = source.ancestor(kind).map(|id| containers::find(db, id)).transpose()?.flatten();
            Ok(found.map(|found| found.label().to_owned()).unwrap_or_default())
        };
        Ok(Self {
            db,
            notes: filter.notes,
            tags: filter.tags,
            project_label: label(Kind::Project)?,
            group_label: label(Kind::Group)?,
            made: HashMap::new(),
        })
    }

    /// The document of the copy of a container, without a place.
    pub(super) fn doc(&self, source: &Container, status: &str) -> Doc {
        let mut doc = source.doc.clone();
        OWN.iter().for_each(|&key| drop(doc.shift_remove(key)));
        let original = source.doc.get("original_copy_of").filter(|id| !id.is_null());
        doc.insert("copy_of".into(), source.id.clone().into());
        doc.insert("original_copy_of".into(), original.cloned().unwrap_or_else(|| source.id.clone().into()));
        doc.insert("copy_status".into(), status.into());
        for (key, kept) in [("notes", self.notes), ("tags", self.tags)] {
            if !kept {
                doc.insert(key.into(), json!([]));
            }
        }
        doc
    }

    /// Writes a draft below `parent`, under another label where one is given.
    ///
    /// # Errors
    /// 409 when a subject's label is taken.
    pub(super) fn tree(
        &mut self,
        draft: &Draft,
        parent: &Container,
        label: Option<&str>,
    ) -> ApiResult<Container> {
        let mut doc = self.doc(&draft.container, "completed");
        if let Some(label) = label {
            doc.insert("label".into(), label.into());
        }
        if draft.container.kind == Kind::Subject {
            let label = doc.get("label").cloned().unwrap_or_default();
            doc.insert("code".into(), label);
        }
        doc.insert("parents".into(), parent.parents_of_child());
        let id = create::add(self.db, draft.container.kind, new_id(), doc)?;
        let copy = containers::get(self.db, draft.container.kind, &id)?;
        for file in &draft.files {
            self.file(file, &copy, None)?;
        }
        for child in &draft.children {
            self.tree(child, &copy, None)?;
        }
        self.analyses(draft, &copy)?;
        Ok(copy)
    }

    /// Writes what a draft has directly: the files, and the analyses with what they took in and made.
    pub(super) fn contents(&mut self, draft: &Draft, copy: &Container) -> ApiResult<()> {
        for file in &draft.files {
            self.file(file, copy, None)?;
        }
        self.analyses(draft, copy)
    }

    fn analyses(&mut self, draft: &Draft, copy: &Container) -> ApiResult<()> {
        for (analysis, outputs) in &draft.analyses {
            let mut doc = self.doc(analysis, "completed");
            doc.insert("parent".into(), copy.reference());
            doc.insert("parents".into(), copy.parents_of_child());
            // Inputs that were copied along are the copies; the others stay what they were, by their version.
            let inputs = analysis.doc.get("inputs").and_then(Value::as_array).cloned().unwrap_or_default();
            let mut guarded = Vec::new();
            let inputs = inputs.into_iter().map(|input| {
                let copied = input.get("_id").and_then(Value::as_str).and_then(|uuid| self.made.get(uuid));
                let Some(copied) = copied else { return input };
                guarded.extend(copied.get("file_id").and_then(Value::as_str).map(str::to_owned));
                let mut entry = copied.clone();
                entry.insert("file_group".into(), "inputs".into());
                entry.into()
            });
            doc.insert("inputs".into(), inputs.collect());
            let id = create::add(self.db, Kind::Analysis, new_id(), doc)?;
            let made = containers::get(self.db, Kind::Analysis, &id)?;
            for file in guarded {
                self.db
                    .prepare_cached(
                        "INSERT OR IGNORE INTO analysis_inputs (file_id, analysis_id) VALUES (?, ?)",
                    )?
                    .execute((file, &id))?;
            }
            for output in outputs {
                self.file(output, &made, None)?;
            }
        }
        Ok(())
    }

    /// Writes a copy of one version of a file into a container: its first version there.
    ///
    /// # Errors
    /// 409 when the container has a file of the name.
    pub(super) fn file(
        &mut self,
        source: &FileRow,
        parent: &Container,
        name: Option<&str>,
    ) -> ApiResult<FileRow> {
        let field = |key: &str| source.doc.get(key).cloned().unwrap_or_default();
        let version = json!({"file_id": source.file_id(), "version": source.version()});
        let mut copy_of = version.clone();
        copy_of["parents"] = field("parents");
        copy_of["project_label"] = self.project_label.as_str().into();
        copy_of["group_label"] = self.group_label.as_str().into();
        let original = Some(field("original_copy_of")).filter(|original| !original.is_null());
        let mut doc = source.doc.clone();
        for key in ["replaced", "deleted", "restored_from", "restored_by", "gear_info"] {
            doc.shift_remove(key);
        }
        let time = now();
        let set = [
            ("_id", Uuid::new_v4().to_string().into()),
            ("file_id", new_id().into()),
            ("version", 1.into()),
            ("parent_ref", parent.reference()),
            ("parents", parent.parents_of_file()),
            ("copy_of", copy_of),
            ("original_copy_of", original.unwrap_or(version)),
            ("created", time.as_str().into()),
            ("modified", time.as_str().into()),
            ("revision", 1.into()),
        ];
        doc.extend(set.map(|(key, value)| (key.to_owned(), value)));
        if let Some(name) = name {
            doc.insert("name".into(), name.into());
        }
        if !self.tags {
            doc.insert("tags".into(), json!([]));
        }
        let copy = FileRow { doc, blob: source.blob.clone() };
        files::insert(self.db, &copy)?;
        self.made.insert(source.text("_id").to_owned(), copy.doc.clone());
        Ok(copy)
    }
}
