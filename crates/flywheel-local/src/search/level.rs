//! The kinds of document that are searched, and which of them lie above which.

use crate::kind::Kind;

/// A kind of document; only groups have none of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Level {
    Group,
    Project,
    Subject,
    Session,
    Acquisition,
    Analysis,
    File,
}

impl Level {
    /// Every level, outermost first.
    pub(super) const ALL: [Self; 7] = [
        Self::Group,
        Self::Project,
        Self::Subject,
        Self::Session,
        Self::Acquisition,
        Self::Analysis,
        Self::File,
    ];

    /// What a search may return, as [`crate::body`] checks it.
    pub(super) const RETURNED: &[&str] =
        &["file", "acquisition", "session", "analysis", "project", "subject"];

    /// As `return_type` and the first part of a field name it.
    pub(super) fn name(self) -> &'static str {
        self.kind().map_or("file", Kind::singular)
    }

    /// The level of this name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// The kind of container; files are none.
    pub(super) fn kind(self) -> Option<Kind> {
        Some(match self {
            Self::Group => Kind::Group,
            Self::Project => Kind::Project,
            Self::Subject => Kind::Subject,
            Self::Session => Kind::Session,
            Self::Acquisition => Kind::Acquisition,
            Self::Analysis => Kind::Analysis,
            Self::File => return None,
        })
    }

    /// Whether a document of this level can carry the fields of the other: its own, and those of what lies above it.
    pub(super) fn carries(self, other: Self) -> bool {
        other <= self
    }

    /// The table of its documents.
    pub(super) fn table(self) -> &'static str {
        if self == Self::File { "files" } else { "containers" }
    }

    /// The table of the words of its documents.
    pub(super) fn words(self) -> &'static str {
        if self == Self::File { "file_words" } else { "container_words" }
    }

    /// The rows of the table that are documents of this level: an expression about the alias.
    ///
    /// `version <> 0` and `kind <> 0` hold for every row. They stand here because the indexes of the search are made for
    /// rows "where" they hold, which keeps SQLite from taking those indexes for lists.
    pub(super) fn rows(self, alias: &str) -> String {
        match self.kind() {
            None => format!("{} AND {alias}.project_id IS NOT NULL", self.indexed_rows(alias)),
            Some(_) => self.indexed_rows(alias),
        }
    }

    /// The same as far as an index tells: perhaps a few more.
    pub(super) fn indexed_rows(self, alias: &str) -> String {
        match self.kind() {
            None => format!("{alias}.current AND {alias}.version <> 0"),
            Some(kind) => {
                format!("{alias}.kind = {} AND {alias}.deleted IS NULL AND {alias}.kind <> 0", kind.code())
            }
        }
    }

    /// The column with the id of a document of this level.
    pub(super) fn id(self) -> &'static str {
        if self == Self::File { "file_id" } else { "id" }
    }

    /// The column of this level's table with the id of what lies above it, or its own.
    pub(super) fn id_of(self, other: Self) -> &'static str {
        match other.kind() {
            _ if other == self => self.id(),
            // A file's or an analysis' nearest container is its parent; whether that is an analysis is asked there.
            Some(kind) => kind.column().unwrap_or("parent_id"),
            None => "parent_id",
        }
    }
}
