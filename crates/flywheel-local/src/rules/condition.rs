//! Whether the conditions of a rule hold for a file: some of `any` (or none is given), all of `all`, none of `not`.

use flywheel_core::view::{
    document::NameFilter,
    names::{NamePattern, Regex},
};
use serde_json::Value;

use crate::store::Doc;

/// What a condition may look at, as the wire writes it.
pub(super) const TYPES: [&str; 10] = [
    "file.type",
    "file.name",
    "file.modality",
    "file.classification",
    "file.tags",
    "file.parent_ref.type",
    "container.has-type",
    "container.has-classification",
    "gear.name",
    "gear.version",
];

/// The lists of conditions of a rule.
pub(super) const LISTS: [&str; 3] = ["any", "all", "not"];

/// The conditions of a rule, made ready.
#[derive(Debug)]
pub(super) struct Conditions {
    any: Vec<Condition>,
    all: Vec<Condition>,
    not: Vec<Condition>,
}

#[derive(Debug)]
struct Condition {
    subject: Subject,
    tests: Vec<Test>,
}

/// Where the texts come from that a condition tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// A text at a place of the file's document.
    Text(&'static str),
    /// Its tags.
    Tags,
    /// Every word of its classification.
    Words,
    /// The types of all files of the container.
    Types,
    /// Every word of the classifications of all files of the container.
    AllWords,
}

#[derive(Debug)]
enum Test {
    /// Equality in any case.
    Same(String),
    /// A pattern with wildcards, or a regular expression.
    Name(NamePattern),
    /// A regular expression, anchored at the start.
    Regex(Regex),
}

impl Conditions {
    /// Reads the conditions of a rule.
    ///
    /// # Errors
    /// What is wrong, for an unknown type of condition or a text that is no regular expression.
    pub(super) fn of(rule: &Doc) -> Result<Self, String> {
        let list = |key: &str| -> Result<Vec<Condition>, String> {
            rule.get(key).and_then(Value::as_array).into_iter().flatten().map(Condition::of).collect()
        };
        let [any, all, not] = LISTS;
        Ok(Self { any: list(any)?, all: list(all)?, not: list(not)? })
    }

    /// Whether the rule looks at the other files of a container too.
    pub(super) fn mind_siblings(&self) -> bool {
        let mut conditions = self.any.iter().chain(&self.all).chain(&self.not);
        conditions.any(|condition| matches!(condition.subject, Subject::Types | Subject::AllWords))
    }

    /// Whether they hold for a file among the files of its container.
    pub(super) fn hold(&self, file: &Doc, container: &[&Doc]) -> bool {
        let holds = |condition: &Condition| condition.holds(file, container);
        !self.not.iter().any(holds)
            && (self.any.is_empty() || self.any.iter().any(holds))
            && self.all.iter().all(holds)
    }
}

impl Condition {
    fn of(condition: &Value) -> Result<Self, String> {
        let text = |key: &str| condition.get(key).and_then(Value::as_str);
        let name = text("type").unwrap_or_default();
        let subject = match name {
            "file.type" => Subject::Text("/type"),
            "file.name" => Subject::Text("/name"),
            "file.modality" => Subject::Text("/modality"),
            "file.parent_ref.type" => Subject::Text("/parent_ref/type"),
            "gear.name" => Subject::Text("/gear_info/name"),
            "gear.version" => Subject::Text("/gear_info/version"),
            "file.tags" => Subject::Tags,
            "file.classification" => Subject::Words,
            "container.has-type" => Subject::Types,
            "container.has-classification" => Subject::AllWords,
            other => return Err(format!("{other:?} is no condition; there are: {}", TYPES.join(", "))),
        };
        let regex = condition.get("regex").and_then(Value::as_bool).unwrap_or(false);
        let tests = match condition.get("value") {
            Some(Value::Array(values)) => {
                values.iter().map(|value| Test::of(name, value, regex)).collect::<Result<_, _>>()?
            }
            Some(value) => vec![Test::of(name, value, regex)?],
            None => return Err(format!("a condition on {name} needs a value")),
        };
        Ok(Self { subject, tests })
    }

    fn holds(&self, file: &Doc, container: &[&Doc]) -> bool {
        let meets = |text: &str| self.tests.iter().any(|test| test.holds(text));
        match self.subject {
            Subject::Text(place) => text_at(file, place).is_some_and(meets),
            Subject::Tags => texts(file.get("tags")).any(meets),
            Subject::Words => words(file).any(meets),
            Subject::Types => container.iter().filter_map(|file| text_at(file, "/type")).any(meets),
            Subject::AllWords => container.iter().copied().flat_map(words).any(meets),
        }
    }
}

impl Test {
    fn of(name: &str, value: &Value, regex: bool) -> Result<Self, String> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            other => return Err(format!("the value of {name} is a text or a list of texts, not {other}")),
        };
        if regex {
            return Regex::anchored(&text, true).map(Self::Regex).map_err(|error| error.to_string());
        }
        if name == "file.name" {
            let filter = NameFilter { value: text, regex: Some(false) };
            return NamePattern::new(&filter).map(Self::Name).map_err(|error| error.to_string());
        }
        Ok(Self::Same(text.to_lowercase()))
    }

    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Same(wanted) => text.to_lowercase() == *wanted,
            Self::Name(pattern) => pattern.matches(text),
            Self::Regex(regex) => regex.matches(text),
        }
    }
}

fn text_at<'a>(file: &'a Doc, place: &str) -> Option<&'a str> {
    let mut keys = place.split('/').skip(1);
    let first = file.get(keys.next()?)?;
    keys.try_fold(first, |value, key| value.get(key))?.as_str()
}

fn texts(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn words(file: &Doc) -> impl Iterator<Item = &str> {
    let aspects = file.get("classification").and_then(Value::as_object).into_iter().flatten();
    aspects.flat_map(|(_, words)| texts(Some(words)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn file() -> Doc {
        doc(json!({
            "name": "T1w_Brain.nii.gz", "type": "nifti", "modality": "MR", "tags": ["Checked", "b"],
            "classification": {"Intent": ["Structural"], "Measurement": ["T1"]},
            "parent_ref": {"type": "acquisition", "id": "x"}, "gear_info": {"name": "dcm2niix", "version": "1.2.0"},
        }))
    }

    fn doc(value: Value) -> Doc {
        value.as_object().unwrap().clone()
    }

    fn holds(rule: Value) -> bool {
        let (file, other) =
            (file(), doc(json!({"name": "a.json", "type": "JSON", "classification": {"Custom": ["Odd"]}})));
        Conditions::of(&doc(rule)).unwrap().hold(&file, &[&file, &other])
    }

    fn one(kind: &str, value: Value, regex: bool) -> bool {
        holds(json!({"all": [{"type": kind, "value": value, "regex": regex}]}))
    }

    #[test]
    fn every_type_of_condition_reads_its_part_of_the_file_in_any_case() {
        for (kind, value, wrong) in [
            ("file.type", "NIFTI", "dicom"),
            ("file.modality", "mr", "ct"),
            ("file.classification", "t1", "t2"),
            ("file.tags", "checked", "check"),
            ("file.parent_ref.type", "acquisition", "session"),
            ("container.has-type", "json", "csv"),
            ("container.has-classification", "odd", "t2"),
            ("gear.name", "dcm2niix", "dcm"),
            ("gear.version", "1.2.0", "1.2"),
            ("file.name", "*brain.NII*", "brain*"),
            ("file.name", "t?w_[a-c]rain.nii.gz", "t?w_[!a-c]rain.nii.gz"),
        ] {
            assert!(one(kind, json!(value), false), "{kind} {value}");
            assert!(!one(kind, json!(wrong), false), "{kind} {wrong}");
        }
    }

    #[test]
    fn a_regex_is_anchored_at_the_start_and_takes_any_case() {
        assert!(one("file.name", json!("t1W.*\\.nii"), true));
        assert!(!one("file.name", json!("brain"), true));
        assert!(one("file.classification", json!("struct"), true));
        assert!(one("file.name", json!("^((?!localizer).)*$"), true));
    }

    #[test]
    fn a_list_of_values_matches_any_of_them() {
        assert!(one("file.type", json!(["dicom", "nifti"]), false));
        assert!(!one("file.type", json!(["dicom", "csv"]), false));
    }

    #[test]
    fn what_the_file_does_not_have_fails_the_condition() {
        let bare = doc(json!({"name": "x", "type": null}));
        for kind in TYPES.iter().filter(|kind| **kind != "file.name") {
            let rule = doc(json!({"all": [{"type": kind, "value": ".*", "regex": true}]}));
            assert!(!Conditions::of(&rule).unwrap().hold(&bare, &[&bare]), "{kind}");
        }
    }

    #[test]
    fn any_all_and_not_combine() {
        let (yes, no) =
            (json!({"type": "file.type", "value": "nifti"}), json!({"type": "file.type", "value": "csv"}));
        assert!(holds(json!({"any": [no, yes], "all": [yes], "not": [no]})));
        assert!(!holds(json!({"any": [no], "all": [yes]})));
        assert!(!holds(json!({"any": [yes], "all": [yes, no]})));
        assert!(!holds(json!({"all": [yes], "not": [no, yes]})));
        assert!(holds(json!({"not": [no]})));
    }

    #[test]
    fn what_cannot_be_tested_is_refused_with_a_reason() {
        for (condition, word) in [
            (json!({"type": "file.colour", "value": "x"}), "file.modality"),
            (json!({"type": "file.name", "value": "(", "regex": true}), "("),
            (json!({"type": "file.name", "value": {}}), "text"),
            (json!({"type": "file.name"}), "value"),
        ] {
            let error = Conditions::of(&doc(json!({"any": [condition]}))).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
