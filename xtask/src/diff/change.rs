//! A change between two descriptions, and a report that shows first what breaks a caller.

use std::fmt;

use serde::Serialize;

/// What happened to a part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// It is gone.
    Removed,
    /// It is something else now.
    Changed,
    /// It is new.
    Added,
}

/// The part of the API that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part {
    /// A whole operation.
    Operation,
    /// A parameter of an operation.
    Parameter,
    /// The body of an operation.
    Body,
    /// The answer of an operation.
    Answer,
    /// A whole type.
    Type,
    /// A field of a type.
    Field,
    /// A value of an enum.
    Value,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// Whether a program that was right before can be wrong now.
    pub(crate) breaking: bool,
    /// Which part changed.
    pub(crate) part: Part,
    /// What happened to it.
    pub(crate) kind: Kind,
    /// The operation or type.
    pub(crate) name: String,
    /// The parameter, field or value inside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) member: Option<String>,
    /// What it was and is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) detail: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Removed => "removed",
            Kind::Changed => "changed",
            Kind::Added => "added",
        };
        let part = match self.part {
            Part::Operation => "operation",
            Part::Parameter => "parameter",
            Part::Body => "body",
            Part::Answer => "answer",
            Part::Type => "type",
            Part::Field => "field",
            Part::Value => "value",
        };
        match &self.member {
            Some(member) => write!(f, "{}: {part} {member} {kind}", self.name)?,
            None => write!(f, "{}: {part} {kind}", self.name)?,
        }
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

/// All changes, the breaking ones first.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    breaking: usize,
    other: usize,
    changes: Vec<Change>,
}

impl Report {
    /// Orders the changes.
    pub(crate) fn new(mut changes: Vec<Change>) -> Self {
        changes.sort_by(|one, other| {
            let key = |change: &Change| (!change.breaking, change.part, change.kind);
            key(one)
                .cmp(&key(other))
                .then_with(|| one.name.cmp(&other.name))
                .then_with(|| one.member.cmp(&other.member))
        });
        let breaking = changes.iter().filter(|change| change.breaking).count();
        Self { breaking, other: changes.len() - breaking, changes }
    }

    /// Whether any change breaks a caller.
    pub(crate) fn breaks(&self) -> bool {
        self.breaking > 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, count, breaking) in [("Breaking", self.breaking, true), ("Other", self.other, false)] {
            writeln!(f, "{title}: {count}")?;
            for change in self.changes.iter().filter(|change| change.breaking == breaking) {
                writeln!(f, "  {change}")?;
            }
        }
        Ok(())
    }
}
