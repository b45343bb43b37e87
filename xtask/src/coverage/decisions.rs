//! What `openapi/parity.yaml` decides, joined with what the source says.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use indexmap::IndexMap;
use serde::Deserialize;

use super::Operation;
use super::page::Row;
use super::source::{Calls, Place};

const FILE: &str = "openapi/parity.yaml";

/// The decisions. In names, `*` stands for any text, and in what is said of them for the same text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decisions {
    /// The public way to a place that users cannot call: place, then the way in Markdown with documentation links.
    places: IndexMap<String, String>,
    /// Operations that the ergonomic crate leaves to the raw crate: reason, then operations.
    raw_only: IndexMap<String, Vec<String>>,
    /// What stands here for a helper of the official client: helper, then the counterpart.
    helpers: IndexMap<String, String>,
    /// Helpers that nothing here stands for: reason, then helpers.
    no_helpers: IndexMap<String, Vec<String>>,
}

impl Decisions {
    /// Reads the table.
    ///
    /// # Errors
    /// When it cannot be read or is of another form.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(root.join(FILE)).with_context(|| format!("{FILE} cannot be read"))?;
        serde_saphyr::from_str(&text).with_context(|| format!("{FILE} is not a table of decisions"))
    }

    /// A row for each operation, and what is undecided.
    pub(crate) fn operations(&self, operations: &[Operation], calls: &Calls) -> (Vec<Row>, Vec<String>) {
        let (mut rows, mut problems, mut used) = (Vec::new(), Vec::new(), BTreeSet::new());
        for operation in operations {
            let reason = reason_for(&self.raw_only, &operation.id, &mut used);
            let places = calls.get(&operation.id);
            let said = match (places, reason) {
                (Some(_), Some(_)) => {
                    Err("is called by the ergonomic crate and listed under raw_only".to_owned())
                }
                (None, None) => {
                    Err("is neither called by the ergonomic crate nor listed under raw_only".to_owned())
                }
                (None, Some(reason)) => Ok((format!("raw only: {reason}"), false)),
                (Some(places), None) => self.ways(places, &mut used).map(|ways| (ways, true)),
            };
            match said {
                Ok((said, offered)) => rows.push(Row {
                    area: operation.tag.clone(),
                    name: operation.id.clone(),
                    detail: operation.route.clone(),
                    said,
                    offered,
                }),
                Err(problem) => problems.push(format!("operation {} {problem}", operation.id)),
            }
        }
        problems.extend(idle(self.places.keys().chain(self.raw_only.values().flatten()), &used));
        (rows, problems)
    }

    /// The public ways to some places.
    fn ways(&self, places: &BTreeSet<Place>, used: &mut BTreeSet<String>) -> Result<String, String> {
        let mut ways = BTreeSet::new();
        for place in places {
            match said_of(&self.places, &place.name, used) {
                Some(way) => ways.insert(way),
                None if place.public => ways.insert(format!("[`{}`]", place.name)),
                None => {
                    return Err(format!("is called in the private {0}; add `{0}` under places", place.name));
                }
            };
        }
        Ok(ways.into_iter().collect::<Vec<_>>().join(", "))
    }

    /// A row for each helper, and what is undecided.
    pub(crate) fn helpers(&self, helpers: &[String]) -> (Vec<Row>, Vec<String>) {
        let (mut rows, mut problems, mut used) = (Vec::new(), Vec::new(), BTreeSet::new());
        for helper in helpers {
            let counterpart = said_of(&self.helpers, helper, &mut used);
            let reason = reason_for(&self.no_helpers, helper, &mut used);
            let (said, offered) = match (counterpart, reason) {
                (Some(counterpart), None) => (counterpart, true),
                (None, Some(reason)) => (format!("none: {reason}"), false),
                (None, None) => {
                    problems.push(format!("helper {helper} is in neither helpers nor no_helpers"));
                    continue;
                }
                (Some(_), Some(_)) => {
                    problems.push(format!("helper {helper} is in both helpers and no_helpers"));
                    continue;
                }
            };
            let (area, name) = helper.split_once('.').unwrap_or(("", helper));
            rows.push(Row {
                area: area.to_owned(),
                name: name.to_owned(),
                detail: String::new(),
                said,
                offered,
            });
        }
        problems.extend(idle(self.helpers.keys().chain(self.no_helpers.values().flatten()), &used));
        (rows, problems)
    }
}

/// Decisions about what is not there.
fn idle<'a>(patterns: impl Iterator<Item = &'a String>, used: &BTreeSet<String>) -> Vec<String> {
    let idle = patterns.filter(|pattern| !used.contains(*pattern));
    idle.map(|pattern| format!("{FILE}: `{pattern}` decides about nothing")).collect()
}

/// What the first fitting pattern says of a name.
fn said_of(table: &IndexMap<String, String>, name: &str, used: &mut BTreeSet<String>) -> Option<String> {
    table.iter().find_map(|(pattern, said)| {
        let any = star(pattern, name)?;
        used.insert(pattern.clone());
        Some(said.replace('*', any))
    })
}

/// The reason under which a name is listed.
fn reason_for<'a>(
    table: &'a IndexMap<String, Vec<String>>,
    name: &str,
    used: &mut BTreeSet<String>,
) -> Option<&'a str> {
    table.iter().find_map(|(reason, patterns)| {
        let pattern = patterns.iter().find(|pattern| star(pattern, name).is_some())?;
        used.insert(pattern.clone());
        Some(reason.as_str())
    })
}

/// What `*` stands for where the pattern fits, nothing at all when it has none.
fn star<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
    match pattern.split_once('*') {
        None => (pattern == name).then_some(""),
        Some((head, tail)) => name.strip_prefix(head)?.strip_suffix(tail),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    fn decisions() -> Decisions {
        serde_saphyr::from_str(
            "places: {'routes.*.get': '[`Client::get`] of a *'}\nraw_only: {for devices: [ask_*]}\nhelpers: {Client.get: '[`Client::get`]'}\nno_helpers: {}\n",
        )
        .unwrap()
    }

    fn operation(id: &str) -> Operation {
        Operation { id: id.to_owned(), tag: "jobs".to_owned(), route: "GET /".to_owned() }
    }

    #[test]
    fn an_operation_is_called_left_to_the_raw_crate_or_a_problem() {
        let place = Place { name: "routes.Job.get".to_owned(), public: false };
        let calls = BTreeMap::from([("get_job".to_owned(), BTreeSet::from([place]))]);
        let operations = ["get_job", "ask_jobs", "reap_jobs"].map(operation);
        let (rows, problems) = decisions().operations(&operations, &calls);
        let said: Vec<_> = rows.iter().map(|row| row.said.as_str()).collect();
        assert_eq!(said, ["[`Client::get`] of a Job", "raw only: for devices"]);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("reap_jobs is neither called"), "{}", problems[0]);
    }

    #[test]
    fn a_decision_about_nothing_is_a_problem() {
        let (_, problems) = decisions().operations(&[], &Calls::new());
        assert_eq!(problems.len(), 2);
        assert!(problems[0].ends_with("`routes.*.get` decides about nothing"), "{}", problems[0]);
    }

    #[test]
    fn a_helper_without_a_counterpart_is_a_problem() {
        let (rows, problems) = decisions().helpers(&["Client.get".to_owned(), "Client.put".to_owned()]);
        assert_eq!(rows[0].said, "[`Client::get`]");
        assert_eq!(problems, ["helper Client.put is in neither helpers nor no_helpers"]);
    }
}
