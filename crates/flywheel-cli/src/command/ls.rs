//! `fw ls`: what is in a group, a project, a container.

use clap::Args;
use flywheel::{Filter, Finder, Node, Resource, Sort};
use flywheel_core::path::{FwPath, ResolvedPath, Tail, parse_tree};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::Context;
use crate::exit::{Exit, Failure};
use crate::grammar;
use crate::printer::{Cell, Printer, Table, Tone, bytes};

/// List what a path holds
///
/// Without a path, the groups you can see.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw ls
  fw ls neuro/color-study
  fw ls \"fw://neuro/color-study/sub-01/2024-05-01 09_30_00\"
  fw ls neuro/color-study/files          the project's own files
  fw ls neuro/color-study --filter 'label=~^sub-0,sex=female' --sort created:desc
  fw ls neuro/color-study --json | jq -r '.children[].label'

To a pipe, each line is kind, name, id, time or size, file type and tags, separated by tabs.")]
pub(crate) struct Ls {
    /// GROUP/PROJECT/SUBJECT/SESSION/ACQUISITION, or the start of it
    path: Option<String>,
    /// Only containers that this filter lets through, such as label=~^ses-,created>=2024-01-01
    #[arg(long)]
    filter: Option<String>,
    /// Containers in this order, such as label or created:desc
    #[arg(long, value_name = "ORDER")]
    sort: Option<String>,
}

impl Ls {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let path: FwPath = grammar::read(self.path.as_deref().unwrap_or_default())?;
        let filter: Option<Filter> = self.filter.as_deref().map(grammar::read).transpose()?;
        let sort: Option<Sort> = self.sort.as_deref().map(grammar::read).transpose()?;
        let client = context.client()?;
        let resolution = client.resolve(path.clone()).await?;
        let along: Vec<Row> = resolution.path.iter().map(Row::of).collect();
        let children = match (filter, sort) {
            (None, None) => resolution.children,
            (filter, sort) => {
                let place = resolution.path.last().filter(|_| !names_files(&path));
                let chosen = Chosen { filter: filter.unwrap_or_default(), sort: sort.unwrap_or_default() };
                match place {
                    None if path.segments.is_empty() => chosen.of(client.groups()).await?,
                    Some(Node::Group(group)) => chosen.of(group.projects()).await?,
                    Some(Node::Project(project)) => chosen.of(project.subjects()).await?,
                    Some(Node::Subject(subject)) => chosen.of(subject.sessions()).await?,
                    Some(Node::Session(session)) => chosen.of(session.acquisitions()).await?,
                    _ => {
                        let message =
                            "--filter and --sort are for what a group, project, subject or session holds";
                        return Err(Failure::new(Exit::Usage, message).into());
                    }
                }
            }
        };
        let mut rows: Vec<Row> = children.iter().map(Row::of).collect();
        if let Some(file @ Node::File(_)) = resolution.path.last() {
            rows.push(Row::of(file));
        }
        context
            .printer
            .result(&json!({ "path": along, "children": rows }), |printer| show(printer, &rows))?;
        if rows.is_empty() {
            context.printer.note("Nothing is in there.");
        }
        Ok(())
    }
}

/// Which containers are listed, and in which order.
struct Chosen {
    filter: Filter,
    sort: Sort,
}

impl Chosen {
    async fn of<C: Resource + Into<Node>>(self, finder: Finder<C>) -> flywheel::Result<Vec<Node>> {
        let found = finder.filter(self.filter).sort(self.sort).await?;
        Ok(found.into_iter().map(Into::into).collect())
    }
}

/// Whether a path asks for files or analyses rather than for what a container holds.
fn names_files(path: &FwPath) -> bool {
    matches!(parse_tree(&path.to_wire(), false), ResolvedPath::Tree(tree) if tree.tail != Tail::None)
}

/// A line of the listing.
#[derive(Serialize)]
struct Row {
    kind: String,
    label: String,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    file_type: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
}

impl Row {
    fn of(node: &Node) -> Self {
        let document = serde_json::to_value(node).unwrap_or_default();
        let text = |name: &str| document.get(name).and_then(Json::as_str).map(str::to_owned);
        let is_file = matches!(node, Node::File(_));
        let tags = document.get("tags").and_then(Json::as_array).into_iter().flatten();
        Self {
            kind: node.kind_name().to_owned(),
            label: node.label().to_owned(),
            id: node.id().to_owned(),
            timestamp: recorded(node),
            size: document.get("size").and_then(Json::as_u64).filter(|_| is_file),
            file_type: text("type").filter(|_| is_file),
            tags: tags.filter_map(Json::as_str).map(str::to_owned).collect(),
        }
    }
}

/// When it was recorded, on the clock of the place where it was, if that is known.
fn recorded(node: &Node) -> Option<String> {
    let moment = match node {
        Node::Session(session) => session.recorded_at()?,
        Node::Acquisition(acquisition) => acquisition.recorded_at()?,
        _ => return None,
    };
    Some(moment.original().map_or_else(|_| moment.utc().to_rfc3339(), |time| time.to_rfc3339()))
}

fn show(printer: &Printer, rows: &[Row]) -> std::io::Result<()> {
    let mut table = Table::new(["Kind", "Name", "Id", "Recorded / size", "Type", "Tags"]).whole([2, 3]);
    for row in rows {
        let detail = match (&row.timestamp, row.size) {
            (Some(timestamp), _) => timestamp.get(..16).unwrap_or(timestamp).replace('T', " "),
            (None, Some(size)) => bytes(size),
            (None, None) => String::new(),
        };
        table.row([
            Cell::toned(&row.kind, Tone::Dim),
            Cell::toned(&row.label, Tone::Strong),
            Cell::toned(&row.id, Tone::Dim),
            detail.into(),
            row.file_type.as_deref().unwrap_or_default().into(),
            row.tags.join(" ").into(),
        ]);
    }
    if table.is_empty() { Ok(()) } else { printer.table(&table) }
}
