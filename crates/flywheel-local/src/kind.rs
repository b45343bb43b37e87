//! The kinds of container and how they nest.

use std::fmt;

/// A kind of container. The number is how the store writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Kind {
    Group = 1,
    Project = 2,
    Subject = 3,
    Session = 4,
    Acquisition = 5,
    Analysis = 6,
    Collection = 7,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Kind; 7] = [
        Kind::Group,
        Kind::Project,
        Kind::Subject,
        Kind::Session,
        Kind::Acquisition,
        Kind::Analysis,
        Kind::Collection,
    ];

    /// The five levels of the hierarchy, outermost first.
    pub(crate) const LEVELS: [Kind; 5] =
        [Kind::Group, Kind::Project, Kind::Subject, Kind::Session, Kind::Acquisition];

    /// As in `container_type`, `parent.type`, `parents`.
    pub(crate) const fn singular(self) -> &'static str {
        match self {
            Kind::Group => "group",
            Kind::Project => "project",
            Kind::Subject => "subject",
            Kind::Session => "session",
            Kind::Acquisition => "acquisition",
            Kind::Analysis => "analysis",
            Kind::Collection => "collection",
        }
    }

    /// As in routes.
    pub(crate) const fn plural(self) -> &'static str {
        match self {
            Kind::Group => "groups",
            Kind::Project => "projects",
            Kind::Subject => "subjects",
            Kind::Session => "sessions",
            Kind::Acquisition => "acquisitions",
            Kind::Analysis => "analyses",
            Kind::Collection => "collections",
        }
    }

    /// The kind named by either form.
    pub(crate) fn parse(name: &str) -> Option<Kind> {
        Self::ALL.into_iter().find(|kind| kind.singular() == name || kind.plural() == name)
    }

    /// The kind that the store wrote as `code`.
    pub(crate) fn from_code(code: u8) -> Option<Kind> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// How the store writes it.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// The level directly above, for the levels of the hierarchy.
    pub(crate) const fn parent(self) -> Option<Kind> {
        match self {
            Kind::Project => Some(Kind::Group),
            Kind::Subject => Some(Kind::Project),
            Kind::Session => Some(Kind::Subject),
            Kind::Acquisition => Some(Kind::Session),
            Kind::Group | Kind::Analysis | Kind::Collection => None,
        }
    }

    /// The level directly below, for the levels of the hierarchy.
    pub(crate) fn child(self) -> Option<Kind> {
        Self::LEVELS.into_iter().find(|kind| kind.parent() == Some(self))
    }

    /// The column of the tables `containers` and `files` that holds the ancestor of this kind.
    pub(crate) const fn column(self) -> Option<&'static str> {
        match self {
            Kind::Group => Some("group_id"),
            Kind::Project => Some("project_id"),
            Kind::Subject => Some("subject_id"),
            Kind::Session => Some("session_id"),
            Kind::Acquisition => Some("acquisition_id"),
            Kind::Analysis | Kind::Collection => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.singular())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_and_codes_lead_back_to_the_kind() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.singular()), Some(kind));
            assert_eq!(Kind::parse(kind.plural()), Some(kind));
            assert_eq!(Kind::from_code(kind.code()), Some(kind));
        }
    }

    #[test]
    fn levels_nest_from_group_to_acquisition() {
        let mut level = Kind::Group;
        let mut seen = vec![level];
        while let Some(next) = level.child() {
            seen.push(next);
            level = next;
        }
        assert_eq!(seen, Kind::LEVELS);
    }
}
