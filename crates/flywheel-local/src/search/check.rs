//! A test on the values that a document holds under a path.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use flywheel_core::{query::Value as Typed, time};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    node::{Bound, Test, Wanted},
    pattern,
};
use crate::{
    matching::{Pattern, is_date},
    words::UNREAD,
};

/// Longer values are in no exact index, so nothing that asks for the whole value finds them.
const EXACT: usize = 256;

/// A test with the path that it is about, as SQL statements carry it to their functions.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spec {
    /// The keys of the path, the first one left out.
    path: Vec<String>,
    /// Whether the field holds instants.
    dated: bool,
    test: Test,
}

impl Spec {
    /// A test on a dotted path inside a document.
    pub(super) fn new(path: &str, test: &Test) -> Self {
        let keys = path.split('.').skip(1).map(str::to_owned).collect();
        Self { path: keys, dated: is_date(path), test: test.clone() }
    }

    /// As text.
    pub(super) fn written(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// A test made ready for many documents.
pub(super) struct Check {
    path: Vec<String>,
    dated: bool,
    ready: Ready,
}

enum Ready {
    OneOf(Vec<Exact>),
    Range(Vec<(Bound, Exact)>),
    Pattern(Pattern),
    Contains(String),
    Exists,
}

/// A wanted value in every form that it can take.
struct Exact {
    text: String,
    /// Whether the word looks like something other than text.
    typed: bool,
    number: Option<f64>,
    truth: Option<bool>,
    time: Option<DateTime<Utc>>,
}

impl Exact {
    fn new(wanted: &Wanted) -> Self {
        let phrase = wanted.phrase();
        let mut exact = Self {
            text: wanted.text.clone(),
            typed: phrase.is_typed(),
            number: None,
            truth: None,
            time: time::parse_utc(&wanted.text).ok(),
        };
        match phrase.value() {
            Typed::Number(number) => exact.number = Some(number),
            Typed::Bool(truth) => exact.truth = Some(truth),
            Typed::Time(_) | Typed::Text(_) => {}
        }
        exact
    }
}

/// The instant that a wanted value stands for in a field of instants.
pub(super) fn instant(wanted: &Wanted) -> Option<DateTime<Utc>> {
    time::parse_utc(&wanted.text).ok()
}

/// The number that a wanted value stands for in a field of numbers.
pub(super) fn number(wanted: &Wanted) -> Option<f64> {
    match wanted.phrase().value() {
        Typed::Number(number) => Some(number),
        Typed::Bool(_) | Typed::Time(_) | Typed::Text(_) => None,
    }
}

impl Check {
    /// Reads what [`Spec::written`] wrote.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let spec: Spec = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Self::new(spec)
    }

    pub(super) fn new(spec: Spec) -> Result<Self, String> {
        let ready = match spec.test {
            Test::OneOf(values) => Ready::OneOf(values.iter().map(Exact::new).collect()),
            Test::Range(bounds) => {
                Ready::Range(bounds.iter().map(|(bound, wanted)| (*bound, Exact::new(wanted))).collect())
            }
            Test::Matches(regex) => Ready::Pattern(Pattern::new(&regex)?),
            Test::Like(like) => Ready::Pattern(Pattern::new(&pattern::of_like(&like))?),
            Test::Contains(text) => Ready::Contains(pattern::contained(&text)),
            Test::Exists => Ready::Exists,
        };
        Ok(Self { path: spec.path, dated: spec.dated, ready })
    }

    /// Whether it holds for a document of which this is the value of the path's first key.
    pub(super) fn holds(&self, part: Option<&Value>) -> Result<bool, String> {
        let Some(part) = part else { return Ok(false) };
        let (mut found, mut failed) = (false, None);
        visit(part, &self.path, &mut |leaf| {
            found = found
                || self.accepts(leaf).unwrap_or_else(|error| {
                    failed = Some(error);
                    false
                });
        });
        failed.map_or(Ok(found), Err)
    }

    fn accepts(&self, leaf: &Value) -> Result<bool, String> {
        Ok(match &self.ready {
            Ready::OneOf(values) => values.iter().any(|exact| self.equals(leaf, exact)),
            Ready::Range(bounds) => bounds
                .iter()
                .all(|(bound, exact)| self.compare(leaf, exact).is_some_and(|order| within(*bound, order))),
            Ready::Pattern(pattern) => match leaf.as_str() {
                Some(text) if text.chars().count() <= EXACT => pattern.found_in(text)?,
                _ => false,
            },
            Ready::Contains(wanted) => match leaf {
                Value::String(text) => pattern::contains(text, wanted),
                Value::Number(number) => number.to_string() == *wanted,
                _ => false,
            },
            Ready::Exists => exists(leaf),
        })
    }

    fn equals(&self, leaf: &Value, exact: &Exact) -> bool {
        match leaf {
            Value::String(text) => {
                (*text == exact.text && text.chars().count() <= EXACT)
                    || (self.dated && exact.time.is_some() && time::parse_utc(text).ok() == exact.time)
            }
            Value::Number(number) => exact.number.is_some() && number.as_f64() == exact.number,
            Value::Bool(truth) => exact.truth == Some(*truth),
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        }
    }

    /// How a leaf stands to a wanted value; none when they are of different types.
    fn compare(&self, leaf: &Value, exact: &Exact) -> Option<Ordering> {
        match leaf {
            Value::Number(number) => number.as_f64()?.partial_cmp(&exact.number?),
            Value::String(text) if self.dated => time::parse_utc(text).ok()?.partial_cmp(&exact.time?),
            Value::String(text) if !exact.typed => {
                (text.chars().count() <= EXACT).then(|| text.as_str().cmp(&exact.text))
            }
            Value::String(text) if exact.number.is_none() && exact.truth.is_none() => {
                time::parse_in_filter(text)?.partial_cmp(&exact.time?)
            }
            _ => None,
        }
    }
}

fn within(bound: Bound, order: Ordering) -> bool {
    match bound {
        Bound::Lt => order == Ordering::Less,
        Bound::Lte => order != Ordering::Greater,
        Bound::Gt => order == Ordering::Greater,
        Bound::Gte => order != Ordering::Less,
    }
}

fn exists(leaf: &Value) -> bool {
    match leaf {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(exists),
        Value::Object(map) => map.values().any(exists),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Calls `found` with every value at a path; lists on the way and at its end are passed through.
pub(super) fn visit<'a>(value: &'a Value, path: &[String], found: &mut impl FnMut(&'a Value)) {
    match (value, path.split_first()) {
        (Value::Array(items), _) => items.iter().for_each(|item| visit(item, path, found)),
        (leaf, None) => found(leaf),
        (Value::Object(map), Some((key, rest))) => {
            if let Some(inner) = map.get(key) {
                visit(inner, rest, found);
            }
        }
        _ => {}
    }
}

/// Whether some text of a document contains another, which [`pattern::contained`] prepared. Ids and what the server
/// keeps for itself are not read.
pub(super) fn text_contains(document: &Value, wanted: &str) -> bool {
    match document {
        Value::String(text) => pattern::contains(text, wanted),
        Value::Array(items) => items.iter().any(|item| text_contains(item, wanted)),
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !UNREAD.contains(&key.as_str()))
            .any(|(_, value)| text_contains(value, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use flywheel_core::query::Query;
    use serde_json::json;

    use super::*;
    use crate::search::node::Node;

    /// Whether a single term holds for a document; `x.` stands before the field as a level would.
    fn holds(term: &str, doc: Value) -> bool {
        let query: Query = format!("x.{term}").parse().unwrap();
        let (wanted, field, test) = match Node::of_query(&query).unwrap() {
            Node::Field(field, test) => (true, field, test),
            Node::Not(inner) => match *inner {
                Node::Field(field, test) => (false, field, test),
                _ => panic!(),
            },
            _ => panic!(),
        };
        let path = field.strip_prefix("x.").unwrap();
        let check = Check::read(&Spec::new(path, &test).written().unwrap()).unwrap();
        check.holds(doc.get(path.split('.').next().unwrap())).unwrap() == wanted
    }

    #[test]
    fn equality_is_exact_and_any_element_of_a_list_will_do() {
        assert!(holds("c.M = T1", json!({"c": {"M": ["T2", "T1"]}})));
        assert!(!holds("c.M = t1", json!({"c": {"M": ["T1"]}})));
        assert!(!holds("c.M != T1", json!({"c": {"M": ["T2", "T1"]}})));
        assert!(holds("c.M != T1", json!({})));
        assert!(holds("c.M IN [T1, T2]", json!({"c": [{"M": "x"}, {"M": "T2"}]})));
        assert!(!holds("x = y", json!({"x": {"y": "y"}})));
    }

    #[test]
    fn words_meet_numbers_truths_and_their_own_spelling_and_quoted_text_only_text() {
        assert!(holds("n = 30", json!({"n": 30.0})) && holds("n = 30", json!({"n": "30"})));
        assert!(holds("n = 001", json!({"n": "001"})) && holds("n IN [1, 30]", json!({"n": 30})));
        assert!(!holds("n = \"30\"", json!({"n": 30})));
        assert!(holds("b = true", json!({"b": true})) && !holds("b = \"true\"", json!({"b": true})));
    }

    #[test]
    fn ranges_stay_within_a_type() {
        assert!(holds("n >= 30", json!({"n": 30})) && !holds("n > 30", json!({"n": 30})));
        assert!(!holds("n > 30", json!({"n": "40"})));
        assert!(holds("s >= b", json!({"s": "c"})) && !holds("s < b", json!({"s": "c"})));
        assert!(holds("info.day < 2020-02-01", json!({"info": {"day": "2020-01-31"}})));
        assert!(holds("created > 2020-01-01", json!({"created": "2020-01-01T10:00:00+00:00"})));
        assert!(holds("created = \"2020-01-01T10:00Z\"", json!({"created": "2020-01-01T10:00:00+00:00"})));
    }

    #[test]
    fn patterns_contents_and_existence() {
        assert!(holds("s =~ a.*", json!({"s": "abc"})) && !holds("s =~ b", json!({"s": "abc"})));
        assert!(holds("s !~ a.*", json!({})) && holds("s LIKE a%", json!({"s": "abc"})));
        assert!(holds("s CONTAINS BC", json!({"s": ["abc"]})) && !holds("s CONTAINS b", json!({"s": "abc"})));
        assert!(holds("s EXISTS", json!({"s": false})) && holds("s EXISTS", json!({"s": {"a": 1}})));
        for empty in
            [json!({}), json!({"s": null}), json!({"s": ""}), json!({"s": []}), json!({"s": {"a": []}})]
        {
            assert!(!holds("s EXISTS", empty.clone()), "{empty}");
        }
        let long = "a".repeat(257);
        assert!(!holds(&format!("s = {long}"), json!({"s": long})));
        assert!(holds("s CONTAINS aaa", json!({"s": long})));
    }

    #[test]
    fn free_text_reads_every_text_but_ids() {
        let doc = json!({"_id": "abcdef", "label": "Head Scan", "info": {"note": ["left", {"x": "RIGHT"}]}});
        for (wanted, found) in
            [("scan", true), ("right", true), ("abcd", false), ("note", false), ("d s", true)]
        {
            assert_eq!(text_contains(&doc, wanted), found, "{wanted}");
        }
    }
}
