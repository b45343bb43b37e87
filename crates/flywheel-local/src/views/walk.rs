//! From containers, analyses and files to rows: one for each of the innermost containers that a view visits, or for each
//! of their files, or for each record in those.

use std::path::Path;

use flywheel_core::view::{
    Level, Origin, Parts, Plan,
    plan::{AnalysisRule, FileRule},
};
use rusqlite::Connection;
use serde_json::{Map, Value};

use super::{
    records::{self, Trouble},
    request::Task,
    sink::{Flow, Sink},
    spool::Spool,
};
use crate::{
    blobs::BlobStore,
    error::ApiResult,
    kind::Kind,
    store::{
        Doc,
        containers::{self, Container},
        files::FileRow,
    },
};

/// Runs a task; the rows lie in this folder.
///
/// # Errors
/// When the database or the disk fails. A file that cannot be read is no error: its row says so.
pub(super) fn run(db: &Connection, blobs: &BlobStore, folder: &Path, task: &Task) -> ApiResult<Spool> {
    let Task { plan, target, order } = task;
    let mut walk = Walk { db, blobs, plan, sink: Sink::new(plan, order, folder)?, row: Row::default() };
    let _ = walk.from(target)?;
    walk.sink.finish()
}

const fn kind_of(level: Level) -> Kind {
    match level {
        Level::Project => Kind::Project,
        Level::Subject => Kind::Subject,
        Level::Session => Kind::Session,
        Level::Acquisition => Kind::Acquisition,
    }
}

/// What the present row is made of.
#[derive(Default)]
struct Row {
    containers: [Option<Doc>; 4],
    analysis: Option<Doc>,
    file: Option<Doc>,
    record: Option<Doc>,
}

impl Parts for Row {
    fn part(&self, origin: Origin) -> Option<&Map<String, Value>> {
        match origin {
            Origin::Container(level) => self.containers.get(level as usize)?.as_ref(),
            Origin::Analysis => self.analysis.as_ref(),
            Origin::File => self.file.as_ref(),
            Origin::Record => self.record.as_ref(),
        }
    }
}

impl Row {
    fn put(&mut self, level: Level, doc: Doc) {
        if let Some(place) = self.containers.get_mut(level as usize) {
            *place = Some(doc);
        }
    }
}

struct Walk<'a> {
    db: &'a Connection,
    blobs: &'a BlobStore,
    plan: &'a Plan,
    sink: Sink<'a>,
    row: Row,
}

impl Walk<'_> {
    /// The target fixes itself and what is above it; what is below is expanded.
    fn from(&mut self, target: &Container) -> ApiResult<Flow> {
        let mut innermost = (Level::Project, String::new());
        for level in Level::ALL.into_iter().filter(|level| *level <= self.plan.deepest) {
            let Some(id) = target.ancestor(kind_of(level)) else { break };
            self.row.put(level, containers::get(self.db, kind_of(level), id)?.doc);
            innermost = (level, id.to_owned());
        }
        self.below(innermost.0, &innermost.1)
    }

    fn below(&mut self, level: Level, id: &str) -> ApiResult<Flow> {
        if level >= self.plan.deepest {
            return self.leaf(id);
        }
        let Some(next) = Level::ALL.into_iter().find(|next| *next > level) else { return self.leaf(id) };
        for child in children(self.db, id, kind_of(next))? {
            let Some(container) = containers::find(self.db, &child)? else { continue };
            self.row.put(next, container.doc);
            if self.below(next, &child)?.is_break() {
                return Ok(Flow::Break(()));
            }
        }
        Ok(Flow::Continue(()))
    }

    fn leaf(&mut self, id: &str) -> ApiResult<Flow> {
        let plan = self.plan;
        let Some(rule) = &plan.files else { return self.sink.row(&self.row) };
        let flow = match &rule.analyses {
            None => self.files_of(id, rule)?,
            Some(analyses) => self.analyses_of(id, rule, analyses)?,
        };
        (self.row.analysis, self.row.file, self.row.record) = (None, None, None);
        Ok(flow)
    }

    fn analyses_of(&mut self, id: &str, rule: &FileRule, wanted: &AnalysisRule) -> ApiResult<Flow> {
        let mut analyses = containers::children(self.db, id, Kind::Analysis)?;
        analyses.retain(|analysis| wanted.matches(&analysis.doc));
        let analyses = rule.matching.reduce(analyses, |analysis| analysis.text("created").to_owned());
        if analyses.is_empty() {
            self.sink.late(&self.row, None)?;
        }
        for analysis in analyses {
            self.row.analysis = Some(analysis.doc);
            if self.files_of(&analysis.id, rule)?.is_break() {
                return Ok(Flow::Break(()));
            }
        }
        Ok(Flow::Continue(()))
    }

    fn files_of(&mut self, holder: &str, rule: &FileRule) -> ApiResult<Flow> {
        let mut files = files(self.db, holder)?;
        files.retain(|file| rule.names.matches(file.text("name")));
        let files = rule.matching.reduce(files, |file| file.text("created").to_owned());
        (self.row.file, self.row.record) = (None, None);
        if files.is_empty() {
            self.sink.late(&self.row, None)?;
        }
        for file in files {
            self.row.file = Some(file.doc.clone());
            let flow = if rule.records { self.records_of(&file, rule)? } else { self.sink.row(&self.row)? };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(Flow::Continue(()))
    }

    fn records_of(&mut self, file: &FileRow, rule: &FileRule) -> ApiResult<Flow> {
        let read = records::read(self.blobs, file, rule, &mut |index, mut record: Doc| {
            self.sink.learn(record.keys().cloned())?;
            record.insert("_index".into(), index.into());
            self.row.record = Some(record);
            self.sink.row(&self.row)
        });
        self.row.record = None;
        match read {
            Ok(flow) => Ok(flow),
            Err(Trouble::Site(error)) => Err(error),
            Err(Trouble::Unreadable(problem)) => {
                self.sink.late(&self.row, Some(format!("{}: {problem}", file.text("name"))))?;
                Ok(Flow::Continue(()))
            }
        }
    }
}

/// The ids of the live containers directly below, oldest first: the documents follow one by one.
fn children(db: &Connection, parent: &str, kind: Kind) -> ApiResult<Vec<String>> {
    let sql =
        "SELECT id FROM containers WHERE parent_id = ? AND kind = ? AND deleted IS NULL ORDER BY created, id";
    let mut statement = db.prepare_cached(sql)?;
    let ids = statement.query_map((parent, kind.code()), |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// The current files of a container in the order in which they came: a new version stays in the place of the first.
fn files(db: &Connection, holder: &str) -> ApiResult<Vec<FileRow>> {
    let sql = "SELECT doc, blob FROM files WHERE parent_id = ? AND current ORDER BY file_id";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([holder])?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        files.push(FileRow::from_row(row)?);
    }
    Ok(files)
}
