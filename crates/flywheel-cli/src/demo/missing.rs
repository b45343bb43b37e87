//! The report of missing acquisitions: which subjects lack what the protocol expects.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::printer::Table;

/// Labels of acquisitions by subject.
pub(crate) type Present = BTreeMap<String, BTreeSet<String>>;

/// What one subject lacks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Lack {
    pub(crate) subject: String,
    pub(crate) missing: Vec<String>,
}

/// Subjects that lack any of `expected`, with what they lack in the order it was expected.
pub(crate) fn lacks(expected: &[String], present: &Present) -> Vec<Lack> {
    let lack = |(subject, labels): (&String, &BTreeSet<String>)| {
        let missing: Vec<_> = expected.iter().filter(|label| !labels.contains(*label)).cloned().collect();
        (!missing.is_empty()).then(|| Lack { subject: subject.clone(), missing })
    };
    present.iter().filter_map(lack).collect()
}

/// Labels that more than half of the subjects have, for studies whose protocol nobody wrote down.
pub(crate) fn usual(present: &Present) -> Vec<String> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    for label in present.values().flatten() {
        *counts.entry(label).or_default() += 1;
    }
    counts
        .into_iter()
        .filter(|(_, count)| count * 2 > present.len())
        .map(|(label, _)| label.clone())
        .collect()
}

pub(crate) fn table(lacks: &[Lack]) -> Table {
    let mut table = Table::report(["Subject", "Missing acquisitions"]);
    for lack in lacks {
        table.row([(&lack.subject).into(), lack.missing.join(", ").into()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present(subjects: &[(&str, &[&str])]) -> Present {
        let labels = |labels: &[&str]| labels.iter().map(ToString::to_string).collect();
        subjects.iter().map(|&(subject, own)| (subject.to_owned(), labels(own))).collect()
    }

    #[test]
    fn only_subjects_that_lack_something_are_listed() {
        let present = present(&[("a", &["T1", "T2"]), ("b", &["T1"]), ("c", &[])]);
        let found = lacks(&["T2".into(), "T1".into()], &present);
        let found: Vec<_> =
            found.iter().map(|lack| (lack.subject.as_str(), lack.missing.join("+"))).collect();
        assert_eq!(found, [("b", "T2".to_owned()), ("c", "T2+T1".to_owned())]);
    }

    #[test]
    fn what_most_subjects_have_is_expected_of_all() {
        let present = present(&[("a", &["T1", "T2"]), ("b", &["T1", "T2"]), ("c", &["T1", "odd"])]);
        assert_eq!(usual(&present), ["T1", "T2"]);
    }
}
