//! Which files an archive takes: by type, by tag, by age.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Written in a list, it stands for "has none".
const NONE: &str = "null";

/// One filter of a request; a file passes when it satisfies all of its parts.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(default)]
pub(crate) struct FileFilter {
    /// By the file's tags.
    pub tags: Option<Choice>,
    /// By the file's type.
    pub types: Option<Choice>,
    /// Seconds since 1970: the file was modified then or later.
    pub since: Option<f64>,
}

/// Wanted and unwanted values.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(default)]
pub(crate) struct Choice {
    /// At least one of these has to be there, when any is given.
    #[serde(alias = "+", deserialize_with = "list_or_null")]
    pub plus: Vec<String>,
    /// None of these may be there.
    #[serde(alias = "-", deserialize_with = "list_or_null")]
    pub minus: Vec<String>,
}

fn list_or_null<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(source)?.unwrap_or_default())
}

impl Choice {
    /// `"null"` among the wanted passes what has no value at once; among the unwanted it refuses what has one.
    pub(crate) fn accepts(&self, values: &[&str]) -> bool {
        let holds = |list: &[String]| list.iter().any(|wanted| values.contains(&wanted.as_str()));
        let names_none = |list: &[String]| list.iter().any(|wanted| wanted == NONE);
        if values.is_empty() && names_none(&self.plus) {
            return true;
        }
        let wanted = self.plus.is_empty() || holds(&self.plus);
        let unwanted = holds(&self.minus) || (!values.is_empty() && names_none(&self.minus));
        wanted && !unwanted
    }
}

impl FileFilter {
    fn accepts(&self, kind: Option<&str>, tags: &[&str], modified: DateTime<Utc>) -> bool {
        let by_type = self.types.as_ref().is_none_or(|choice| choice.accepts(kind.as_slice()));
        let by_tag = self.tags.as_ref().is_none_or(|choice| choice.accepts(tags));
        let by_age = self.since.is_none_or(|since| modified.timestamp_millis() as f64 / 1000.0 >= since);
        by_type && by_tag && by_age
    }
}

/// Whether a file passes: it satisfies one of `filters`, or there are none.
pub(crate) fn passes(
    filters: &[FileFilter],
    kind: Option<&str>,
    tags: &[&str],
    modified: DateTime<Utc>,
) -> bool {
    filters.is_empty() || filters.iter().any(|filter| filter.accepts(kind, tags, modified))
}

/// A filter over containers: those of one kind, by their tags.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(default)]
pub(crate) struct ContainerFilter {
    /// By the container's tags.
    pub tags: Option<ContainerChoice>,
}

/// Wanted and unwanted tags of one kind of container.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
pub(crate) struct ContainerChoice {
    /// The kind that is looked at; others pass.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    /// The tags.
    #[serde(flatten)]
    pub choice: Choice,
}

impl ContainerFilter {
    /// Whether a container of this kind and these tags, with all below it, is taken.
    pub(crate) fn accepts(&self, kind: impl fmt::Display, tags: &[&str]) -> bool {
        self.tags.as_ref().is_none_or(|wanted| {
            let concerned = wanted.kind.as_ref().is_none_or(|wanted| *wanted == kind.to_string());
            !concerned || wanted.choice.accepts(tags)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn choice(plus: &[&str], minus: &[&str]) -> Choice {
        serde_json::from_value(json!({"plus": plus, "minus": minus})).unwrap()
    }

    #[test]
    fn wanted_unwanted_and_having_none() {
        for (plus, minus, values, passes) in [
            (vec![], vec![], vec!["a"], true),
            (vec!["a", "b"], vec![], vec!["b"], true),
            (vec!["a"], vec![], vec![], false),
            (vec!["a"], vec!["b"], vec!["a", "b"], false),
            (vec![], vec!["b"], vec![], true),
            (vec!["null"], vec![], vec![], true),
            (vec!["null"], vec![], vec!["a"], false),
            (vec!["null", "a"], vec![], vec!["a"], true),
            (vec![], vec!["null"], vec!["a"], false),
            (vec![], vec!["null"], vec![], true),
        ] {
            assert_eq!(choice(&plus, &minus).accepts(&values), passes, "+{plus:?} -{minus:?} {values:?}");
        }
    }

    #[test]
    fn filters_are_alternatives_and_their_parts_all_count() {
        let filters: Vec<FileFilter> = serde_json::from_value(json!([
            {"types": {"+": ["nifti"], "-": []}, "tags": {"minus": ["bad"]}},
            {"types": {"plus": ["pdf"], "minus": null}},
        ]))
        .unwrap();
        let now = Utc::now();
        assert!(passes(&filters, Some("nifti"), &[], now));
        assert!(!passes(&filters, Some("nifti"), &["bad"], now));
        assert!(passes(&filters, Some("pdf"), &["bad"], now));
        assert!(!passes(&filters, None, &[], now));
        assert!(passes(&[], None, &[], now));
    }

    #[test]
    fn since_leaves_older_files_out() {
        let filters: Vec<FileFilter> = serde_json::from_value(json!([{"since": 1_588_641_726}])).unwrap();
        let at = |text: &str| passes(&filters, None, &[], text.parse().unwrap());
        assert!(at("2020-05-05T01:22:06Z") && at("2021-01-01T00:00:00Z"));
        assert!(!at("2020-05-05T01:22:05Z"));
    }

    #[test]
    fn a_container_filter_concerns_its_kind_alone() {
        let filter: ContainerFilter =
            serde_json::from_value(json!({"tags": {"type": "session", "plus": ["good"]}})).unwrap();
        assert!(filter.accepts("session", &["good"]));
        assert!(!filter.accepts("session", &[]));
        assert!(filter.accepts("acquisition", &[]));
    }
}
