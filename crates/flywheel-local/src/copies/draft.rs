//! What a copy will hold: a container with the files and the containers in it that the filter passes, as they were at one
//! instant. Later versions and what is deleted meanwhile change nothing in it.

use rusqlite::{Connection, named_params};
use serde_json::Value;

use super::filter::{Context, CopyFilter};
use crate::{
    error::ApiResult,
    kind::Kind,
    store::{containers::Container, files::FileRow},
};

/// A container on its way to a copy.
pub(super) struct Draft {
    pub(super) container: Container,
    pub(super) files: Vec<FileRow>,
    pub(super) analyses: Vec<(Container, Vec<FileRow>)>,
    pub(super) children: Vec<Draft>,
}

impl Draft {
    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.analyses.is_empty() && self.children.is_empty()
    }
}

/// Makes drafts.
pub(super) struct Drafter<'a> {
    pub(super) db: &'a Connection,
    pub(super) filter: &'a CopyFilter,
    /// The instant, as documents write times.
    pub(super) at: &'a str,
    /// The documents of what lies above, outermost first.
    pub(super) above: Vec<(Kind, Value)>,
}

impl Drafter<'_> {
    /// A container with everything below it. Containers below it that hold nothing are left out unless they are wanted.
    pub(super) fn tree(&mut self, container: Container) -> ApiResult<Draft> {
        self.above.push((container.kind, container.doc.clone().into()));
        let draft = self.inside(container);
        self.above.pop();
        draft
    }

    fn inside(&mut self, container: Container) -> ApiResult<Draft> {
        let mut draft = self.alone(container)?;
        let Some(kind) = draft.container.kind.child() else { return Ok(draft) };
        for child in self.children(&draft.container.id, kind, "")? {
            let child = self.tree(child)?;
            if self.filter.empty_containers || !child.is_empty() {
                draft.children.push(child);
            }
        }
        Ok(draft)
    }

    /// A container without what lies below it. It is the last of what lies above its files.
    pub(super) fn alone(&self, container: Container) -> ApiResult<Draft> {
        let mut files = Vec::new();
        for file in self.files(&container.id)? {
            let doc = Value::Object(file.doc.clone());
            if self.filter.passes(&Context { file: &doc, above: &self.above })? {
                files.push(file);
            }
        }
        let mut analyses = Vec::new();
        if self.filter.analyses {
            for analysis in self.children(&container.id, Kind::Analysis, "")? {
                let outputs = self.files(&analysis.id)?;
                analyses.push((analysis, outputs));
            }
        }
        Ok(Draft { container, files, analyses, children: Vec::new() })
    }

    fn files(&self, parent: &str) -> ApiResult<Vec<FileRow>> {
        let sql = "SELECT doc, blob FROM files WHERE parent_id = :parent AND created <= :at
             AND (deleted IS NULL OR deleted > :at)
             AND (doc ->> '$.replaced' IS NULL OR doc ->> '$.replaced' > :at) ORDER BY name";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query(named_params! {":parent": parent, ":at": self.at})?;
        let mut files = Vec::new();
        while let Some(row) = rows.next()? {
            files.push(FileRow::from_row(row)?);
        }
        Ok(files)
    }

    /// What was directly below a container, by id, behind the id `after`.
    pub(super) fn children(&self, parent: &str, kind: Kind, after: &str) -> ApiResult<Vec<Container>> {
        self.some_children(parent, kind, after, -1)
    }

    /// As [`Drafter::children`], the first `limit` of them.
    pub(super) fn some_children(
        &self,
        parent: &str,
        kind: Kind,
        after: &str,
        limit: i64,
    ) -> ApiResult<Vec<Container>> {
        let sql =
            "SELECT id, kind, doc FROM containers WHERE parent_id = :parent AND kind = :kind AND id > :after
             AND created <= :at AND (deleted IS NULL OR deleted > :at) ORDER BY id LIMIT :limit";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query(named_params! {
            ":parent": parent, ":kind": kind.code(), ":after": after, ":at": self.at, ":limit": limit,
        })?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(Container::from_row(row)?);
        }
        Ok(found)
    }
}
