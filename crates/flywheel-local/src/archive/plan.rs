//! Which containers an archive takes, the folder that each becomes, and the files in them.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use flywheel_core::time;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::{
    encode::{Content, Entry},
    filter::{self, FileFilter},
    layout::{self, Folders},
    request::{FileNode, Layout, Part, Wish},
};
use crate::{
    blobs::BlobStore,
    error::ApiResult,
    files::answer,
    kind::Kind,
    store::{
        Doc,
        containers::{self, Container},
        files::FileRow,
    },
};

/// A folder of an archive and where its files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folder {
    path: String,
    source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// The current files of a container.
    Files(String),
    /// The files that an analysis took in, in the versions that it took.
    Inputs(String),
    /// One file of a container.
    One { container: String, name: String },
    /// What is known about a container.
    About(String),
}

/// The folders of an archive.
#[derive(Debug)]
pub(super) struct Plan {
    folders: Vec<Folder>,
    picks: Picks,
}

/// What is taken out of the folders.
#[derive(Clone, Debug)]
pub(super) struct Picks {
    filters: Vec<FileFilter>,
    /// Beside each file, what is known about it.
    metadata: bool,
}

/// Something that an archive takes.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    path: String,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    File(FileRow),
    /// The document of a container or file, as a file of its own.
    About {
        doc: Doc,
        modified: DateTime<Utc>,
    },
}

/// What the name of a file or folder gets for the file that tells about it.
const ABOUT: &str = ".flywheel.json";

impl Plan {
    /// The folders of what is wished, parents before children.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn of(db: &Connection, wish: &Wish) -> ApiResult<Self> {
        let mut planner =
            Planner { db, wish, folders: Folders::default(), seen: HashSet::new(), list: Vec::new() };
        wish.files.iter().for_each(|file| planner.list.push(single(file)));
        for node in &wish.nodes {
            let Some(container) = containers::find(db, &node.id)? else { continue };
            if container.kind == Kind::Analysis {
                planner.analysis(&container)?
            } else {
                planner.tree(&container)?
            }
        }
        let picks = Picks { filters: wish.filters.clone(), metadata: wish.metadata };
        Ok(Self { folders: planner.list, picks })
    }

    /// How many files there are and how many bytes they have.
    pub(super) fn totals(&self, db: &Connection) -> ApiResult<(u64, u64)> {
        let mut totals = (0, 0);
        self.each(db, |file| {
            totals.0 += 1;
            totals.1 += size(file);
        })?;
        Ok(totals)
    }

    /// `{type: {_id, count, mb_total}}`.
    pub(super) fn by_type(&self, db: &Connection) -> ApiResult<Value> {
        let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        self.each(db, |file| {
            let file_type = file.doc.get("type").and_then(Value::as_str).unwrap_or("null");
            let sum = sums.entry(file_type.to_owned()).or_default();
            sum.0 += 1;
            sum.1 += size(file);
        })?;
        let line = |(name, (count, bytes)): (String, (u64, u64))| {
            let line = json!({"_id": name, "count": count, "mb_total": bytes as f64 / 1_000_000.0});
            (name, line)
        };
        Ok(sums.into_iter().map(line).collect::<Map<String, Value>>().into())
    }

    fn each(&self, db: &Connection, mut see: impl FnMut(&FileRow)) -> ApiResult<()> {
        for folder in self.folders.chunks(super::BATCH) {
            let taken = files_in(db, folder, &self.picks)?;
            taken.iter().filter_map(|taken| taken.file()).for_each(&mut see);
        }
        Ok(())
    }

    /// The folders, and which files of them are taken.
    pub(super) fn into_parts(self) -> (Vec<Folder>, Picks) {
        (self.folders, self.picks)
    }
}

fn size(file: &FileRow) -> u64 {
    file.doc.get("size").and_then(Value::as_u64).unwrap_or(0)
}

fn single(file: &FileNode) -> Folder {
    let kind = layout::file_name(&file.container_name);
    let source = Source::One { container: file.container_id.clone(), name: file.filename.clone() };
    Folder { path: format!("{kind}/{}", layout::file_name(&file.container_id)), source }
}

/// A container as far as its folder depends on it.
struct Branch {
    id: String,
    kind: Kind,
    name: String,
}

impl Branch {
    fn of(container: &Container) -> Self {
        let name = match container.kind {
            Kind::Group => layout::file_name(&container.id),
            kind => layout::folder_name(kind.singular(), &container.doc),
        };
        Self { id: container.id.clone(), kind: container.kind, name }
    }
}

struct Planner<'a> {
    db: &'a Connection,
    wish: &'a Wish,
    folders: Folders,
    seen: HashSet<String>,
    list: Vec<Folder>,
}

impl Planner<'_> {
    /// A container of the hierarchy and everything below it. Of what waits its turn only ids and names are held.
    fn tree(&mut self, top: &Container) -> ApiResult<()> {
        if !self.passes(top) {
            return Ok(());
        }
        let mut waiting = vec![(Branch::of(top), self.path_above(top)?)];
        while let Some((branch, above)) = waiting.pop() {
            let path = self.place(&branch, &above);
            self.take(&branch, &path)?;
            if let Some(kind) = branch.kind.child() {
                let below = self.below(&branch.id, kind)?;
                waiting.extend(below.into_iter().rev().map(|branch| (branch, path.clone())));
            }
        }
        Ok(())
    }

    /// What is directly below and passes, oldest first.
    fn below(&self, parent: &str, kind: Kind) -> ApiResult<Vec<Branch>> {
        let sql = "SELECT id, kind, doc FROM containers
             WHERE parent_id = ? AND kind = ? AND deleted IS NULL ORDER BY created, id";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query((parent, kind.code()))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let container = Container::from_row(row)?;
            if self.passes(&container) {
                found.push(Branch::of(&container));
            }
        }
        Ok(found)
    }

    fn passes(&self, container: &Container) -> bool {
        let tags = container.doc.get("tags").and_then(Value::as_array).into_iter().flatten();
        let tags: Vec<&str> = tags.filter_map(Value::as_str).collect();
        let filters = &self.wish.container_filters;
        filters.is_empty() || filters.iter().any(|filter| filter.accepts(container.kind, &tags))
    }

    /// The path of the folder that the container's folder goes into.
    fn path_above(&mut self, container: &Container) -> ApiResult<String> {
        let mut path = self.wish.prefix.clone();
        for kind in Kind::LEVELS.into_iter().filter(|&kind| kind < container.kind) {
            let Some(ancestor) = container.ancestor(kind) else { continue };
            if let Some(ancestor) = containers::find(self.db, ancestor)? {
                path = self.place(&Branch::of(&ancestor), &path);
            }
        }
        Ok(path)
    }

    fn place(&mut self, branch: &Branch, above: &str) -> String {
        let full = self.wish.layout == Layout::Full;
        match branch.kind {
            Kind::Group if full => above.to_owned(),
            Kind::Subject | Kind::Session | Kind::Acquisition | Kind::Analysis if full => {
                let marked = format!("{above}/{}", branch.kind.plural().to_uppercase());
                self.folders.place(&branch.id, &marked, &branch.name)
            }
            _ => self.folders.place(&branch.id, above, &branch.name),
        }
    }

    /// Takes a container's own files, and with the full layout its analyses when they are wished for.
    fn take(&mut self, branch: &Branch, path: &str) -> ApiResult<()> {
        if !self.seen.insert(branch.id.clone()) {
            return Ok(());
        }
        let full = self.wish.layout == Layout::Full;
        self.tell_about(&branch.id, path);
        let path_of_files = if full { format!("{path}/FILES") } else { path.to_owned() };
        self.list.push(Folder { path: path_of_files, source: Source::Files(branch.id.clone()) });
        if full && self.wish.analyses {
            for analysis in containers::children(self.db, &branch.id, Kind::Analysis)? {
                let path = self.place(&Branch::of(&analysis), path);
                self.inputs_and_outputs(&analysis.id, &path, ["INPUT", "OUTPUT"]);
            }
        }
        Ok(())
    }

    fn tell_about(&mut self, container: &str, path: &str) {
        if self.wish.metadata {
            let name = path.rsplit('/').next().unwrap_or(path);
            let path = format!("{path}/{name}{ABOUT}");
            self.list.push(Folder { path, source: Source::About(container.to_owned()) });
        }
    }

    /// An analysis that was asked for itself.
    fn analysis(&mut self, analysis: &Container) -> ApiResult<()> {
        let path = match self.wish.layout {
            Layout::Full => {
                let parent =
                    analysis.doc.get("parent").and_then(|parent| parent.get("id")).and_then(Value::as_str);
                let above = match containers::find(self.db, parent.unwrap_or_default())? {
                    Some(parent) => {
                        let above = self.path_above(&parent)?;
                        self.place(&Branch::of(&parent), &above)
                    }
                    None => self.wish.prefix.clone(),
                };
                self.place(&Branch::of(analysis), &above)
            }
            Layout::Classic | Layout::Bulk => self.place(&Branch::of(analysis), ""),
        };
        let names = if self.wish.layout == Layout::Full { ["INPUT", "OUTPUT"] } else { ["input", "output"] };
        self.inputs_and_outputs(&analysis.id, &path, names);
        Ok(())
    }

    fn inputs_and_outputs(&mut self, analysis: &str, path: &str, [input, output]: [&str; 2]) {
        if self.seen.insert(analysis.to_owned()) {
            self.tell_about(analysis, path);
            let folder = |name: &str, source| Folder { path: format!("{path}/{name}"), source };
            if self.wish.part != Part::Outputs {
                self.list.push(folder(input, Source::Inputs(analysis.to_owned())));
            }
            if self.wish.part != Part::Inputs {
                self.list.push(folder(output, Source::Files(analysis.to_owned())));
            }
        }
    }
}

/// What is taken out of some folders: the files that pass the filters, folder by folder and by name, each with what is known
/// about it where that is wished for.
pub(super) fn files_in(db: &Connection, folders: &[Folder], picks: &Picks) -> ApiResult<Vec<Taken>> {
    let mut taken = Vec::new();
    for folder in folders {
        if let Source::About(container) = &folder.source {
            taken.extend(about(db, container, &folder.path)?);
            continue;
        }
        for file in folder.source.files(db)?.into_iter().filter(|file| passes(file, &picks.filters)) {
            let path = format!("{}/{}", folder.path, layout::file_name(file.text("name")));
            // The official command line tool takes what is known about a file to come right behind it.
            let about = picks.metadata.then(|| Taken {
                path: format!("{path}{ABOUT}"),
                what: What::About { doc: file.doc.clone(), modified: modified(&file) },
            });
            taken.push(Taken { path, what: What::File(file) });
            taken.extend(about);
        }
    }
    Ok(taken)
}

/// The document of a container, less who may see it.
fn about(db: &Connection, container: &str, path: &str) -> ApiResult<Option<Taken>> {
    let Some(mut found) = containers::find(db, container)? else { return Ok(None) };
    found.doc.shift_remove("permissions");
    let modified = time::parse_utc(found.text("modified")).unwrap_or_default();
    Ok(Some(Taken { path: path.to_owned(), what: What::About { doc: found.doc, modified } }))
}

fn passes(file: &FileRow, filters: &[FileFilter]) -> bool {
    let tags = file.doc.get("tags").and_then(Value::as_array).into_iter().flatten();
    let tags: Vec<&str> = tags.filter_map(Value::as_str).collect();
    filter::passes(filters, file.doc.get("type").and_then(Value::as_str), &tags, modified(file))
}

fn modified(file: &FileRow) -> DateTime<Utc> {
    time::parse_utc(file.text("modified")).unwrap_or_default()
}

impl Source {
    fn files(&self, db: &Connection) -> ApiResult<Vec<FileRow>> {
        match self {
            Self::Files(container) => crate::store::files::of_container(db, container),
            Self::One { container, name } => {
                Ok(crate::store::files::by_name(db, container, name)?.into_iter().collect())
            }
            Self::About(_) => Ok(Vec::new()),
            Self::Inputs(analysis) => {
                let Some(analysis) = containers::find(db, analysis)? else { return Ok(Vec::new()) };
                crate::files::inputs_of(db, &analysis)
            }
        }
    }
}

impl Taken {
    fn file(&self) -> Option<&FileRow> {
        match &self.what {
            What::File(file) => Some(file),
            What::About { .. } => None,
        }
    }

    /// The same on its way into an archive; with `linked`, files are links to where that storage keeps them.
    pub(super) fn into_entry(self, linked: Option<&BlobStore>) -> ApiResult<Entry> {
        match self.what {
            What::File(file) => {
                let (blob, modified) = (answer::stored(&file)?, modified(&file));
                match linked.and_then(|blobs| blobs.path_of(blob.id)) {
                    Some(target) => Ok(Entry { path: self.path, content: Content::Link(target), modified }),
                    None => Ok(Entry::stored(self.path, blob, modified)),
                }
            }
            What::About { doc, modified } => {
                let content = Content::Made(serde_json::to_vec_pretty(&doc)?.into());
                Ok(Entry { path: self.path, content, modified })
            }
        }
    }

    /// The same as a line of `targets` says it.
    pub(super) fn described(&self) -> Value {
        let (doc, kind, metadata) = match &self.what {
            What::File(file) => (&file.doc, "file", Value::Null),
            What::About { doc, .. } => (doc, "metadata_sidecar", doc.clone().into()),
        };
        let field = |key: &str| doc.get(key).cloned().unwrap_or_default();
        let parent = field("parent_ref");
        let of_parent = |key: &str| parent.get(key).cloned().unwrap_or_default();
        json!({
            "download_type": kind, "dst_path": self.path, "container_type": of_parent("type"),
            "container_id": of_parent("id"), "file_id": field("file_id"), "version": field("version"),
            "filename": field("name"), "filetype": field("type"), "size": field("size"), "hash": field("hash"),
            "modified": field("modified"), "metadata": metadata,
        })
    }
}
