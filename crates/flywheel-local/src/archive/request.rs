//! What an archive is asked to hold, and what a ticket remembers of it.

use chrono::Utc;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    encode::Format,
    filter::{ContainerFilter, FileFilter},
    layout,
};
use crate::{
    access::{self, Action},
    auth::Caller,
    error::{ApiError, ApiResult, Detail},
    kind::Kind,
    query::Params,
    store::{
        Doc,
        containers::{self, Container},
    },
};

/// How paths inside an archive are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Layout {
    /// `prefix/group/project/subject/session/acquisition/file`.
    Classic,
    /// `prefix/project/SUBJECTS/subject/SESSIONS/…/FILES/file`.
    Full,
    /// `container/id/file`, for single files.
    Bulk,
}

/// Which files of an analysis are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Part {
    /// What it took in and what it made.
    #[default]
    Both,
    /// What it took in.
    Inputs,
    /// What it made.
    Outputs,
}

/// What is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Wish {
    pub layout: Layout,
    pub prefix: String,
    /// When it was asked for, for the archive's name.
    pub asked: String,
    /// The archive's name where it is not made of prefix and time, without its ending.
    #[serde(default)]
    pub name: Option<String>,
    /// With the full layout: analyses as well.
    pub analyses: bool,
    #[serde(default)]
    pub part: Part,
    /// What is known about each container and file beside it.
    #[serde(default)]
    pub metadata: bool,
    /// What cannot be had is left out instead of refused.
    pub optional: bool,
    pub nodes: Vec<Node>,
    pub files: Vec<FileNode>,
    pub filters: Vec<FileFilter>,
    pub container_filters: Vec<ContainerFilter>,
}

/// A container with all that is below it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Node {
    pub level: String,
    #[serde(rename = "_id")]
    pub id: String,
}

/// A single file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FileNode {
    pub container_name: String,
    pub container_id: String,
    pub filename: String,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    optional: Option<bool>,
    #[serde(default)]
    nodes: Vec<Node>,
    #[serde(default)]
    files: Vec<FileNode>,
    #[serde(default)]
    filters: Option<Vec<FileFilter>>,
    #[serde(default)]
    container_filters: Option<Vec<ContainerFilter>>,
}

impl Wish {
    /// Reads a request.
    ///
    /// # Errors
    /// 422 for a body or parameters that make no sense.
    pub(super) fn read(params: &Params, body: Value) -> ApiResult<Self> {
        let layout = match (params.flag("bulk"), params.get("type").unwrap_or("classic")) {
            (true, _) | (_, "bulk") => Layout::Bulk,
            (_, "classic" | "") => Layout::Classic,
            (_, "full") => Layout::Full,
            (_, other) => {
                return Err(ApiError::unprocessable(format!("type is classic, full or bulk, not {other:?}")));
            }
        };
        let read = Body::deserialize(&body).map_err(|error| {
            ApiError::invalid(vec![Detail::new(&["body"], "value_error", error.to_string(), &body)])
        })?;
        let list = if layout == Layout::Bulk {
            ("files", read.files.is_empty())
        } else {
            ("nodes", read.nodes.is_empty())
        };
        if let (name, true) = list {
            let message = "List should have at least 1 item";
            return Err(ApiError::invalid(vec![Detail::new(&["body", name], "too_short", message, &body)]));
        }
        let default = if layout == Layout::Full { "flywheel" } else { "scitran" };
        let prefix = params.get("prefix").unwrap_or(default);
        Ok(Self {
            layout,
            // The official command line tool sends an empty one and means none.
            prefix: if prefix.is_empty() { String::new() } else { layout::file_name(prefix) },
            asked: Utc::now().format("%Y%m%d_%H%M%S").to_string(),
            name: None,
            analyses: params.flag("analyses"),
            part: Part::default(),
            metadata: params.flag("metadata"),
            optional: read.optional.unwrap_or(false),
            nodes: read.nodes,
            files: read.files,
            filters: read.filters.unwrap_or_default(),
            container_filters: read.container_filters.unwrap_or_default(),
        })
    }

    /// The same with what the caller may download; groups become their projects.
    ///
    /// # Errors
    /// Unless `optional`: 404 for a container that is not there, 403 for one that the caller may not download.
    pub(super) fn allowed(mut self, db: &Connection, caller: &Caller) -> ApiResult<Self> {
        let mut taken = Vec::new();
        for node in std::mem::take(&mut self.nodes) {
            match readable(db, caller, &node.level, &node.id) {
                Ok(found) => taken.extend(found),
                Err(error) if self.optional && is_refusal(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if let (Layout::Classic, [analysis]) = (self.layout, taken.as_slice())
            && analysis.kind == Kind::Analysis
        {
            let label = layout::folder_name(analysis.kind.singular(), &analysis.doc);
            self.name = Some(format!("analysis_{label}"));
        }
        let node = |found: Container| Node { level: found.kind.to_string(), id: found.id };
        self.nodes = taken.into_iter().map(node).collect();
        let mut files = Vec::new();
        for file in std::mem::take(&mut self.files) {
            match readable(db, caller, &file.container_name, &file.container_id) {
                Ok(_) => files.push(file),
                Err(error) if self.optional && is_refusal(&error) => {}
                Err(error) => return Err(error),
            }
        }
        self.files = files;
        Ok(self)
    }

    /// The archive's name.
    pub(super) fn filename(&self, format: Format) -> String {
        let prefix = if self.prefix.is_empty() { "flywheel" } else { &self.prefix };
        let name = self.name.clone().unwrap_or_else(|| format!("{prefix}_{}", self.asked));
        format!("{name}.{}", format.extension())
    }

    /// What a ticket remembers.
    pub(super) fn to_doc(&self) -> ApiResult<Doc> {
        match serde_json::to_value(self)? {
            Value::Object(doc) => Ok(doc),
            _ => Err(ApiError::internal("an archive ticket is no object")),
        }
    }

    /// What a ticket remembered.
    pub(super) fn from_doc(doc: Doc) -> ApiResult<Self> {
        Ok(serde_json::from_value(Value::Object(doc))?)
    }
}

fn is_refusal(error: &ApiError) -> bool {
    matches!(error.status().as_u16(), 403 | 404)
}

fn readable(db: &Connection, caller: &Caller, level: &str, id: &str) -> ApiResult<Vec<Container>> {
    let kind = Kind::parse(level)
        .ok_or_else(|| ApiError::unprocessable(format!("{level:?} is not a level that can be downloaded")))?;
    let container = containers::get(db, kind, id)?;
    if kind != Kind::Group {
        access::authorize(db, caller, &container, Action::FilesDownload)?;
        return Ok(vec![container]);
    }
    access::authorize(db, caller, &container, Action::ContainersViewMetadata)?;
    let mut projects = Vec::new();
    for project in containers::children(db, id, Kind::Project)? {
        if access::allowed(db, caller, &project, Action::FilesDownload)? {
            projects.push(project);
        }
    }
    Ok(projects)
}
