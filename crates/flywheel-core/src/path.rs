//! Paths through the hierarchy: the text users write, and the grammar behind resolve and lookup.
//!
//! ```text
//! path    := [] | gears | tree
//! gears   := "gears" [ gear [ version ] ]
//! tree    := group [ project [ subject [ session [ acquisition ] ] ] ] with an optional tail after the project
//! tail    := "files" [ name ] | "analyses" [ analysis [ "files" [ name ] ] ]
//! segment := label | "<id:" id ">"
//! ```

use std::{fmt, str::FromStr};

use crate::syntax::{ParseError, try_from_text};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// A label, or the id of a group.
    Label(String),
    /// An id, written `<id:…>`.
    Id(String),
}

impl Segment {
    /// Reads one segment; `<id:…>` is an id and everything else a label.
    pub fn new(text: &str) -> Self {
        match text.strip_prefix("<id:").and_then(|rest| rest.strip_suffix('>')) {
            Some(id) if !id.is_empty() => Self::Id(id.to_owned()),
            _ => Self::Label(text.to_owned()),
        }
    }

    /// The label or the id, without its brackets.
    pub fn text(&self) -> &str {
        match self {
            Self::Label(text) | Self::Id(text) => text,
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(label) => f.write_str(label),
            Self::Id(id) => write!(f, "<id:{id}>"),
        }
    }
}

/// A path as users write it: `fw://group/project/subject/session/acquisition/files/name`.
///
/// Text is split at `/`; the prefix `fw://` and slashes at either end are dropped. A label that itself holds a slash cannot
/// be written as text: build the path with [`FwPath::from_labels`].
///
/// ```
/// use flywheel_core::path::{FwPath, Segment};
///
/// let path: FwPath = "fw://neuro/Color Study/<id:5eb0bf2e0a1b2c3d4e5f6071>/".parse()?;
/// assert_eq!(path.segments.len(), 3);
/// assert_eq!(path.segments[2], Segment::Id("5eb0bf2e0a1b2c3d4e5f6071".into()));
/// assert_eq!(path.to_string(), "neuro/Color Study/<id:5eb0bf2e0a1b2c3d4e5f6071>");
/// # Ok::<(), flywheel_core::syntax::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FwPath {
    /// The steps, from the group down.
    pub segments: Vec<Segment>,
}

impl FwPath {
    /// A path from segments as they travel: labels and `<id:…>`. Labels may hold slashes.
    pub fn from_labels<T: AsRef<str>>(labels: impl IntoIterator<Item = T>) -> Self {
        Self { segments: labels.into_iter().map(|label| Segment::new(label.as_ref())).collect() }
    }

    /// The segments as the platform takes them.
    pub fn to_wire(&self) -> Vec<String> {
        self.segments.iter().map(Segment::to_string).collect()
    }

    /// This path with one more label.
    #[must_use]
    pub fn join(&self, label: &str) -> Self {
        let mut path = self.clone();
        path.segments.push(Segment::new(label));
        path
    }

    /// The path without its last segment; `None` for the empty path.
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.segments.split_last()?;
        Some(Self { segments: rest.to_vec() })
    }
}

impl FromStr for FwPath {
    type Err = ParseError;

    fn from_str(input: &str) -> Result<Self, ParseError> {
        let rest = input.strip_prefix("fw://").unwrap_or(input);
        let body = rest.trim_matches('/');
        if body.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut at = input.len() - rest.trim_start_matches('/').len();
        let mut segments = Vec::new();
        for part in body.split('/') {
            if part.is_empty() {
                return Err(ParseError::new(
                    input,
                    at..at + 1,
                    "an empty segment stands between these slashes",
                ));
            }
            segments.push(Segment::new(part));
            at += part.len() + 1;
        }
        Ok(Self { segments })
    }
}

impl fmt::Display for FwPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_wire().join("/"))
    }
}

try_from_text!(FwPath, ParseError);

impl<T: AsRef<str>> From<&[T]> for FwPath {
    fn from(labels: &[T]) -> Self {
        Self::from_labels(labels)
    }
}

impl<T: AsRef<str>, const N: usize> From<[T; N]> for FwPath {
    fn from(labels: [T; N]) -> Self {
        Self::from_labels(labels)
    }
}

impl<T: AsRef<str>> From<Vec<T>> for FwPath {
    fn from(labels: Vec<T>) -> Self {
        Self::from_labels(labels)
    }
}

/// A level of the hierarchy that a path walks through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The top: a lab or a department.
    Group,
    /// A study.
    Project,
    /// A person, an animal or a phantom.
    Subject,
    /// A visit.
    Session,
    /// One scan or recording.
    Acquisition,
}

impl Level {
    /// The levels from the top down.
    pub const ALL: [Self; 5] = [Self::Group, Self::Project, Self::Subject, Self::Session, Self::Acquisition];

    /// The name of the level, as `container_type` carries it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Project => "project",
            Self::Subject => "subject",
            Self::Session => "session",
            Self::Acquisition => "acquisition",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a path asks for, by [`parse_tree`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolvedPath {
    /// The empty path: all groups.
    Root,
    /// `gears`, and below it one gear and one of its versions.
    Gears {
        /// The gear's name, or the id of one gear document.
        gear: Option<Segment>,
        /// An exact version.
        version: Option<String>,
        /// Segments that have no place in the grammar.
        leftover: Vec<String>,
    },
    /// Containers, and files or analyses below the last of them.
    Tree(TreePath),
}

/// Containers from the group down, and what follows the last of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreePath {
    /// One segment a level, the group first; never empty.
    pub containers: Vec<(Level, Segment)>,
    /// What is asked for at the last container.
    pub tail: Tail,
    /// Segments that have no place in the grammar, as they were written.
    pub leftover: Vec<String>,
}

/// What follows the containers of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing: the container itself.
    None,
    /// `files`, and one of them.
    Files(Option<String>),
    /// `analyses`, one of them, and its output files.
    Analyses {
        /// The analysis; `None` asks for all of them.
        analysis: Option<Segment>,
        /// Present when `files` follows the analysis; the name, or `None` for all of them.
        files: Option<Option<String>>,
    },
}

struct Steps<'a> {
    rest: &'a [&'a str],
}

impl<'a> Steps<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn take_literal(&mut self, literal: &str) -> bool {
        let found = self.rest.first().is_some_and(|next| *next == literal);
        if found {
            self.next();
        }
        found
    }

    fn leftover(&self) -> Vec<String> {
        self.rest.iter().map(|segment| (*segment).to_owned()).collect()
    }
}

/// Reads the segments of a resolve or lookup call. Empty segments at either end are dropped; `full_tree` reads the form
/// `group/PROJECTS/p/SUBJECTS/s/SESSIONS/x/ACQUISITIONS/a/FILES/f` that archives use.
///
/// Reading never fails: segments beyond the grammar are returned as `leftover`, because whether they are reported or the
/// missing container before them is for the caller to decide.
///
/// ```
/// use flywheel_core::path::{Level, ResolvedPath, Tail, parse_tree};
///
/// let ResolvedPath::Tree(tree) = parse_tree(&["neuro", "study", "files", "plan.pdf"], false) else { unreachable!() };
/// assert_eq!(tree.containers.last().map(|(level, _)| *level), Some(Level::Project));
/// assert_eq!(tree.tail, Tail::Files(Some("plan.pdf".into())));
/// ```
pub fn parse_tree<T: AsRef<str>>(segments: &[T], full_tree: bool) -> ResolvedPath {
    let all: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let first = all.iter().position(|segment| !segment.is_empty()).unwrap_or(all.len());
    let last = all.iter().rposition(|segment| !segment.is_empty()).map_or(first, |at| at + 1);
    let mut steps = Steps { rest: all.get(first..last).unwrap_or_default() };
    if steps.rest.is_empty() {
        return ResolvedPath::Root;
    }
    if steps.take_literal("gears") {
        let gear = steps.next().map(Segment::new);
        let version = steps.next().map(str::to_owned);
        return ResolvedPath::Gears { gear, version, leftover: steps.leftover() };
    }
    if full_tree { full(&mut steps) } else { short(&mut steps) }
}

fn short(steps: &mut Steps<'_>) -> ResolvedPath {
    let mut containers = Vec::new();
    let mut tail = Tail::None;
    for level in Level::ALL {
        if level > Level::Project && containers.len() >= 2 {
            tail = tail_here(steps, "files", "analyses");
            if tail != Tail::None {
                break;
            }
        }
        let Some(segment) = steps.next() else { break };
        containers.push((level, Segment::new(segment)));
    }
    if containers.len() == Level::ALL.len() {
        tail = tail_here(steps, "files", "analyses");
    }
    ResolvedPath::Tree(TreePath { containers, tail, leftover: steps.leftover() })
}

fn full(steps: &mut Steps<'_>) -> ResolvedPath {
    let mut containers = Vec::new();
    if let Some(group) = steps.next() {
        containers.push((Level::Group, Segment::new(group)));
    }
    let below = [
        (Level::Project, "PROJECTS"),
        (Level::Subject, "SUBJECTS"),
        (Level::Session, "SESSIONS"),
        (Level::Acquisition, "ACQUISITIONS"),
    ];
    for (level, marker) in below {
        if steps.rest.len() >= 2 && steps.take_literal(marker) {
            containers.extend(steps.next().map(|label| (level, Segment::new(label))));
        } else {
            break;
        }
    }
    let tail = if containers.len() > 1 { tail_here(steps, "FILES", "ANALYSES") } else { Tail::None };
    ResolvedPath::Tree(TreePath { containers, tail, leftover: steps.leftover() })
}

fn tail_here(steps: &mut Steps<'_>, files: &str, analyses: &str) -> Tail {
    if steps.take_literal(files) {
        return Tail::Files(steps.next().map(str::to_owned));
    }
    if !steps.take_literal(analyses) {
        return Tail::None;
    }
    let analysis = steps.next().map(Segment::new);
    let files = (analysis.is_some() && steps.take_literal(files)).then(|| steps.next().map(str::to_owned));
    Tail::Analyses { analysis, files }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn tree(text: &str) -> (usize, Tail, Vec<String>) {
        let segments: Vec<&str> = text.split('/').collect();
        match parse_tree(&segments, text.contains("PROJECTS")) {
            ResolvedPath::Tree(tree) => {
                assert!(
                    tree.containers
                        .iter()
                        .map(|(level, _)| *level)
                        .eq(Level::ALL.into_iter().take(tree.containers.len()))
                );
                (tree.containers.len(), tree.tail, tree.leftover)
            }
            other => panic!("{other:?}"),
        }
    }

    fn analyses(analysis: Option<&str>, files: Option<Option<&str>>) -> Tail {
        Tail::Analyses {
            analysis: analysis.map(Segment::new),
            files: files.map(|name| name.map(str::to_owned)),
        }
    }

    #[test]
    fn containers_stand_one_a_level() {
        assert_eq!(tree("g"), (1, Tail::None, vec![]));
        assert_eq!(tree("g/p/s/x/a"), (5, Tail::None, vec![]));
        assert_eq!(tree("/g/p/"), (2, Tail::None, vec![]));
        assert_eq!(tree("g/p/s/x/a/b/c"), (5, Tail::None, vec!["b".into(), "c".into()]));
    }

    #[test]
    fn tail_follows_any_container_from_the_project_down() {
        assert_eq!(tree("g/p/files"), (2, Tail::Files(None), vec![]));
        assert_eq!(tree("g/p/s/x/a/files/t1.nii.gz"), (5, Tail::Files(Some("t1.nii.gz".into())), vec![]));
        assert_eq!(tree("g/p/s/analyses"), (3, analyses(None, None), vec![]));
        assert_eq!(tree("g/p/s/analyses/fit"), (3, analyses(Some("fit"), None), vec![]));
        assert_eq!(tree("g/p/s/analyses/fit/files"), (3, analyses(Some("fit"), Some(None)), vec![]));
        assert_eq!(
            tree("g/p/s/analyses/fit/files/o.csv"),
            (3, analyses(Some("fit"), Some(Some("o.csv"))), vec![])
        );
        assert_eq!(tree("g/p/s/files/a/b"), (3, Tail::Files(Some("a".into())), vec!["b".into()]));
        assert_eq!(tree("g/p/s/analyses/fit/extra"), (3, analyses(Some("fit"), None), vec!["extra".into()]));
    }

    #[test]
    fn groups_have_no_files_so_the_word_is_a_project_there() {
        assert_eq!(tree("g/files"), (2, Tail::None, vec![]));
        assert_eq!(tree("g/analyses/files"), (2, Tail::Files(None), vec![]));
    }

    #[test]
    fn full_tree_names_every_level() {
        let path = "g/PROJECTS/p/SUBJECTS/s/SESSIONS/x/ACQUISITIONS/a/FILES/f";
        assert_eq!(tree(path), (5, Tail::Files(Some("f".into())), vec![]));
        assert_eq!(
            tree("g/PROJECTS/p/ANALYSES/fit/FILES/f"),
            (2, analyses(Some("fit"), Some(Some("f"))), vec![])
        );
        assert_eq!(tree("g/PROJECTS/p/SESSIONS/x"), (2, Tail::None, vec!["SESSIONS".into(), "x".into()]));
        assert_eq!(tree("g/PROJECTS"), (1, Tail::None, vec!["PROJECTS".into()]));
    }

    #[test]
    fn gears_have_a_name_and_a_version() {
        let gears = |segments: &[&str]| parse_tree(segments, false);
        let expected = |gear: Option<&str>, version: Option<&str>, leftover: &[&str]| ResolvedPath::Gears {
            gear: gear.map(Segment::new),
            version: version.map(str::to_owned),
            leftover: leftover.iter().map(|s| (*s).to_owned()).collect(),
        };
        assert_eq!(gears(&["gears"]), expected(None, None, &[]));
        assert_eq!(gears(&["gears", "mriqc", "1.0", "x"]), expected(Some("mriqc"), Some("1.0"), &["x"]));
        assert_eq!(
            gears(&["gears", "<id:5eb0bf2e0a1b2c3d4e5f6071>"]),
            expected(Some("<id:5eb0bf2e0a1b2c3d4e5f6071>"), None, &[])
        );
        assert_eq!(gears(&["", ""]), ResolvedPath::Root);
        assert_eq!(gears(&[]), ResolvedPath::Root);
    }

    #[test]
    fn empty_segment_inside_a_path_is_pointed_at() {
        let error = "fw://g//p".parse::<FwPath>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "an empty segment stands between these slashes\n  fw://g//p\n         ^"
        );
        assert_eq!("/".parse::<FwPath>().unwrap(), FwPath::default());
        assert_eq!("fw://".parse::<FwPath>().unwrap(), FwPath::default());
    }

    proptest! {
        #[test]
        fn what_is_joined_is_the_container_of_its_level(labels in proptest::collection::vec("[A-Zé][^/]{0,8}", 1..=5), file in "[^/]{1,8}") {
            let path = labels.iter().fold(FwPath::default(), |path, label| path.join(label));
            let wire = path.join("files").join(&file).to_wire();
            let ResolvedPath::Tree(tree) = parse_tree(&wire, false) else { panic!("{wire:?}") };
            let named: Vec<_> = Level::ALL.into_iter().zip(path.segments.iter().cloned()).collect();
            if labels.len() > 1 {
                prop_assert_eq!(tree, TreePath { containers: named, tail: Tail::Files(Some(file)), leftover: vec![] });
            } else {
                // Groups have no files: the word is a project there.
                prop_assert_eq!((tree.containers.len(), tree.tail), (3, Tail::None));
            }
            prop_assert_eq!(path.join("x").parent(), Some(path));
        }

        #[test]
        fn written_path_parses_back(labels in proptest::collection::vec("[^/]{1,12}", 1..6)) {
            prop_assume!(!labels.iter().all(|label| label.trim().is_empty()));
            let path = FwPath::from_labels(&labels);
            prop_assert_eq!(format!("fw://{path}").parse::<FwPath>().unwrap(), path);
        }

        #[test]
        fn any_text_is_read_without_panic(text in any::<String>(), segments: Vec<String>, full: bool) {
            let _ = text.parse::<FwPath>();
            let _ = parse_tree(&segments, full);
        }
    }
}
