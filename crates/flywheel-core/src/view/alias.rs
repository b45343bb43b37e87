//! Short names of columns: what `session.age_years` or `subject` stand for.

use serde_json::{Map, Value, json};

use super::value::ColumnType;

/// A short name of a column, or of a group of columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alias {
    /// The name.
    pub name: &'static str,
    /// What it reads; empty for a group.
    pub src: &'static str,
    /// The type of its values, unless a view says another.
    pub kind: ColumnType,
    /// The arithmetic that its values go through.
    pub expr: Option<&'static str>,
    /// The aliases of the group; empty for a single column.
    pub group: &'static [&'static str],
    /// What it is, for people.
    pub description: &'static str,
    /// Whether listings leave it out.
    pub hidden: bool,
}

impl Alias {
    /// Whether it stands for several columns.
    pub const fn is_group(&self) -> bool {
        !self.group.is_empty()
    }

    /// The alias as `GET /views/columns` lists it.
    pub fn document(&self) -> Value {
        let mut document = Map::new();
        document.insert("name".into(), self.name.into());
        if self.is_group() {
            document.insert("group".into(), json!(self.group));
        } else {
            // The platform lists a classification as text although its data are objects.
            let listed = if self.name == "file.classification" { ColumnType::String } else { self.kind };
            document.insert("src".into(), self.src.into());
            document.insert("type".into(), listed.name().into());
        }
        document.insert("description".into(), self.description.into());
        if let Some(expr) = self.expr {
            document.insert("expr".into(), expr.into());
        }
        document.into()
    }
}

const fn one(name: &'static str, src: &'static str, kind: ColumnType, description: &'static str) -> Alias {
    Alias { name, src, kind, expr: None, group: &[], description, hidden: false }
}

const fn same(name: &'static str, description: &'static str) -> Alias {
    one(name, name, ColumnType::String, description)
}

const fn group(name: &'static str, group: &'static [&'static str], description: &'static str) -> Alias {
    Alias { name, src: "", kind: ColumnType::Object, expr: None, group, description, hidden: false }
}

const fn age(name: &'static str, expr: &'static str, description: &'static str) -> Alias {
    Alias { expr: Some(expr), ..one(name, "session.age", ColumnType::Float, description) }
}

const fn hidden(alias: Alias) -> Alias {
    Alias { hidden: true, ..alias }
}

const YEARS: &str = "x / 31557600.0";
const MONTHS: &str = "x / 2592000.0";
const WEEKS: &str = "x / 604800.0";
const DAYS: &str = "x / 86400.0";

use ColumnType::{Float, Int, Object, String as Text};

/// Every alias, in the order of the listing.
pub const ALL: &[Alias] = &[
    group("project", &["project.id", "project.label"], "The project's id and label"),
    one("project.id", "project._id", Text, "The project's id"),
    same("project.label", "The project's label"),
    one("project.info", "project.info", Object, "The project's free metadata"),
    group(
        "subject",
        &[
            "subject.id",
            "subject.label",
            "subject.firstname",
            "subject.lastname",
            "subject.sex",
            "subject.cohort",
            "subject.type",
            "subject.race",
            "subject.ethnicity",
            "subject.species",
            "subject.strain",
        ],
        "What is known about the subject",
    ),
    one("subject.id", "subject._id", Text, "The subject's id"),
    same("subject.label", "The subject's label"),
    same("subject.firstname", "The subject's first name"),
    same("subject.lastname", "The subject's last name"),
    same("subject.sex", "The subject's sex"),
    same("subject.cohort", "The subject's cohort"),
    same("subject.type", "Human, animal or phantom"),
    same("subject.race", "The subject's race"),
    same("subject.ethnicity", "The subject's ethnicity"),
    same("subject.species", "The subject's species"),
    same("subject.strain", "The subject's strain"),
    one("subject.info", "subject.info", Object, "The subject's free metadata"),
    hidden(one("subject.age", "session.age", Int, "The subject's age at the session, in seconds")),
    hidden(age("subject.age_years", YEARS, "The subject's age at the session, in years")),
    hidden(age("subject.age_months", MONTHS, "The subject's age at the session, in months")),
    hidden(age("subject.age_weeks", WEEKS, "The subject's age at the session, in weeks")),
    hidden(age("subject.age_days", DAYS, "The subject's age at the session, in days")),
    group(
        "session",
        &[
            "session.id",
            "session.label",
            "session.operator",
            "session.timestamp",
            "session.timezone",
            "session.age",
            "session.weight",
        ],
        "What is known about the session",
    ),
    one("session.id", "session._id", Text, "The session's id"),
    same("session.label", "The session's label"),
    same("session.operator", "Who ran the session"),
    same("session.timestamp", "When the session took place"),
    same("session.timezone", "The time zone of the session"),
    one("session.age", "session.age", Int, "The subject's age at the session, in seconds"),
    age("session.age_years", YEARS, "The subject's age at the session, in years"),
    age("session.age_months", MONTHS, "The subject's age at the session, in months"),
    age("session.age_weeks", WEEKS, "The subject's age at the session, in weeks"),
    age("session.age_days", DAYS, "The subject's age at the session, in days"),
    one("session.weight", "session.weight", Float, "The subject's weight at the session, in kilograms"),
    one("session.info", "session.info", Object, "The session's free metadata"),
    group(
        "acquisition",
        &["acquisition.id", "acquisition.label", "acquisition.timestamp", "acquisition.timezone"],
        "What is known about the acquisition",
    ),
    one("acquisition.id", "acquisition._id", Text, "The acquisition's id"),
    same("acquisition.label", "The acquisition's label"),
    same("acquisition.timestamp", "When the acquisition took place"),
    same("acquisition.timezone", "The time zone of the acquisition"),
    one("acquisition.info", "acquisition.info", Object, "The acquisition's free metadata"),
    group("analysis", &["analysis.id", "analysis.label"], "The analysis' id and label"),
    one("analysis.id", "analysis._id", Text, "The analysis' id"),
    same("analysis.label", "The analysis' label"),
    one("analysis.info", "analysis.info", Object, "The analysis' free metadata"),
    group(
        "file",
        &["file.id", "file.name", "file.type", "file.mimetype", "file.classification", "file.size"],
        "What is known about the file",
    ),
    one("file.id", "file._id", Text, "The id of this version of the file"),
    same("file.name", "The file's name"),
    same("file.type", "The file's type"),
    same("file.mimetype", "The file's media type"),
    same("file.modality", "The file's modality"),
    one("file.classification", "file.classification", Object, "The file's classification"),
    one("file.size", "file.size", Int, "The file's size, in bytes"),
    one("file.row_number", "file_data._index", Int, "The number of the record in the file, from 0"),
    one("file.info", "file.info", Object, "The file's free metadata"),
];

/// The alias of this name.
pub fn find(name: &str) -> Option<&'static Alias> {
    ALL.iter().find(|alias| alias.name == name)
}

/// Every alias that listings show, in order.
pub fn listed() -> impl Iterator<Item = &'static Alias> {
    ALL.iter().filter(|alias| !alias.hidden)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashSet;

    use super::*;
    use crate::view::Expression;

    #[test]
    fn names_are_unique_and_groups_hold_single_columns() {
        let names: HashSet<&str> = ALL.iter().map(|alias| alias.name).collect();
        assert_eq!(names.len(), ALL.len());
        for member in ALL.iter().flat_map(|alias| alias.group) {
            assert!(!find(member).unwrap().is_group(), "{member}");
        }
        assert!(
            ALL.iter()
                .filter(|alias| alias.is_group())
                .all(|group| !group.group.iter().any(|m| m.ends_with(".info")))
        );
    }

    #[test]
    fn every_expression_can_be_read() {
        for expr in ALL.iter().filter_map(|alias| alias.expr) {
            expr.parse::<Expression>().unwrap();
        }
    }

    #[test]
    fn the_listing_leaves_out_what_is_hidden() {
        assert!(listed().all(|alias| !alias.name.starts_with("subject.age")));
        assert_eq!(
            find("session.age_years").unwrap().document(),
            json!({"name": "session.age_years", "src": "session.age", "type": "float",
                "description": "The subject's age at the session, in years", "expr": "x / 31557600.0"})
        );
        assert_eq!(find("project").unwrap().document()["group"], json!(["project.id", "project.label"]));
    }
}
