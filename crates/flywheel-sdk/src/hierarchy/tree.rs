//! What stands below a container, as a stream and as text.

use std::fmt::Write as _;

use flywheel_core::filter::field;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};

use crate::{
    Acquisition, Client, File, Finder, Group, Kind, Node, Project, Request, Resource, Result, Session,
    Subject, container::files_of,
};

/// One container or file of a tree.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Branch {
    /// How far below the start it is; the start itself is at 0.
    pub depth: usize,
    /// Whether nothing follows it below the same parent.
    pub last: bool,
    /// The thing itself, as lists show it.
    pub node: Node,
}

/// What stands below a container, to be read as a stream or as text. See the [module](super).
///
/// Subjects, sessions and acquisitions come in the order of their labels; each level is read as the walk comes to it, so a
/// large project costs no more memory than its widest level.
#[derive(Clone, Debug)]
#[must_use = "a tree is not read until it is asked for its branches or its text"]
pub struct Tree {
    client: Client,
    root: Node,
    deepest: Option<Kind>,
    files: bool,
    analyses: bool,
}

impl Tree {
    fn new(client: &Client, root: Node) -> Self {
        Self { client: client.clone(), root, deepest: None, files: false, analyses: false }
    }

    /// No further down than this level: `Kind::Session` leaves acquisitions out.
    pub fn down_to(mut self, kind: Kind) -> Self {
        self.deepest = Some(kind);
        self
    }

    /// Whether files are shown.
    pub fn files(mut self, yes: bool) -> Self {
        self.files = yes;
        self
    }

    /// Whether analyses are shown. One more call a container.
    pub fn analyses(mut self, yes: bool) -> Self {
        self.analyses = yes;
        self
    }

    /// What there is, from the top, each container before what is below it.
    pub fn branches(&self) -> BoxStream<'static, Result<Branch>> {
        let start = Branch { depth: 0, last: true, node: self.root.clone() };
        stream::try_unfold((self.clone(), vec![start]), |(tree, mut open)| async move {
            let Some(branch) = open.pop() else { return Ok(None) };
            let nodes = tree.below(&branch.node).await?;
            let (depth, count) = (branch.depth + 1, nodes.len());
            let below = nodes.into_iter().enumerate();
            open.extend(below.rev().map(|(at, node)| Branch { depth, last: at + 1 == count, node }));
            Ok(Some((branch, (tree, open))))
        })
        .boxed()
    }

    /// All of it as text, a line for each, ended by a line break.
    pub fn text(&self) -> Request<'static, String> {
        let tree = self.clone();
        Request::new(&self.client, move |raw| async move {
            let client = Client::from(raw);
            let root = tree.root.clone().through(&client);
            let mut branches = Self { client, root, ..tree }.branches();
            let (mut text, mut open) = (String::new(), Vec::new());
            while let Some(branch) = branches.try_next().await? {
                line(&mut text, &mut open, &branch);
            }
            Ok(text)
        })
    }

    fn shows(&self, kind: Kind) -> bool {
        self.deepest.is_none_or(|deepest| kind <= deepest)
    }

    /// What is directly below `node`, in the order it is shown.
    async fn below(&self, node: &Node) -> Result<Vec<Node>> {
        let mut below = Vec::new();
        if self.files {
            below.extend(files_at(node).into_iter().map(Node::File));
        }
        if self.analyses
            && let Some(at) = node.reference()
            && let Some(route) = at.kind.routes().analyses
        {
            let analyses: Finder<crate::Analysis> = Finder::over(&self.client, route, vec![at.id]);
            below.extend(analyses.await?.into_iter().map(Node::Analysis));
        }
        match node {
            Node::Group(group) if self.shows(Kind::Project) => {
                sorted::<Project>(&mut below, group.projects()).await?;
            }
            Node::Project(project) if self.shows(Kind::Subject) => {
                sorted::<Subject>(&mut below, project.subjects()).await?;
            }
            Node::Subject(subject) if self.shows(Kind::Session) => {
                let sessions = Finder::all(&self.client).filter(field("parents.subject").eq(subject.id()));
                sorted::<Session>(&mut below, sessions).await?;
            }
            Node::Session(session) if self.shows(Kind::Acquisition) => {
                sorted::<Acquisition>(&mut below, session.acquisitions()).await?;
            }
            _ => {}
        }
        Ok(below)
    }
}

/// Adds what a finder finds, by label.
async fn sorted<C: Resource + Into<Node>>(below: &mut Vec<Node>, finder: Finder<C>) -> Result<()> {
    let mut found: Vec<Node> = finder.await?.into_iter().map(Into::into).collect();
    found.sort_by(|a, b| (a.label(), a.id()).cmp(&(b.label(), b.id())));
    below.extend(found);
    Ok(())
}

/// The files that the document of a container has.
fn files_at(node: &Node) -> Vec<File> {
    match node {
        Node::Project(node) => node.loaded_files(),
        Node::Subject(node) => node.loaded_files(),
        Node::Session(node) => node.loaded_files(),
        Node::Acquisition(node) => node.loaded_files(),
        Node::Analysis(node) => {
            files_of(node.client(), &node.reference(), node.files.clone().unwrap_or_default())
        }
        _ => Vec::new(),
    }
}

/// Adds the line of a branch; `open` says for each level above it whether something follows there.
fn line(text: &mut String, open: &mut Vec<bool>, branch: &Branch) {
    open.truncate(branch.depth.saturating_sub(1));
    for follows in open.iter() {
        text.push_str(if *follows { "│   " } else { "    " });
    }
    if branch.depth > 0 {
        text.push_str(if branch.last { "└── " } else { "├── " });
        open.push(!branch.last);
    }
    let label = match branch.node.label() {
        "" => branch.node.id(),
        label => label,
    };
    // Writing to a string does not fail.
    let _ = match &branch.node {
        Node::Analysis(_) => writeln!(text, "{label} (analysis)"),
        _ => writeln!(text, "{label}"),
    };
}

/// Defines the trees of the levels.
macro_rules! trees {
    ($($name:ident)*) => {$(
        impl $name {
            /// What stands below it, to be printed or walked.
            pub fn tree(&self) -> Tree {
                Tree::new(self.client(), Node::from(self.clone()))
            }
        }
    )*};
}

trees!(Group Project Subject Session Acquisition);
