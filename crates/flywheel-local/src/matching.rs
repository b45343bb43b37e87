//! One filter clause against one document, with the meaning that MongoDB gives it.
//!
//! * A missing field is null: `x=null` finds both, `x!=1` finds documents without `x`.
//! * A path goes into lists: `tags=a` holds when any element is `a`, `tags!=a` when none is, `notes.user=u` looks into
//!   every note. A number in a path is a list index or a key.
//! * Values are compared within their type: `age>40` never matches the text "50". Dates are dates only in the fields
//!   that the platform itself fills with them; free metadata holds none.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use fancy_regex::Regex;
use flywheel_core::{
    filter::{Clause, Op, Value as Wanted},
    time,
};
use serde_json::Value;

/// A clause made ready for many documents.
pub(crate) struct Test {
    path: Vec<String>,
    op: Op,
    wanted: Wanted,
    pattern: Option<Pattern>,
    dated: bool,
    ids: bool,
}

/// A regular expression with its source, for messages.
pub(crate) struct Pattern {
    source: String,
    regex: Regex,
}

/// The most steps that one search may take back; what is written by hand needs a few hundred.
const BACKTRACKS: usize = 200_000;

impl Pattern {
    /// Compiles a pattern.
    pub(crate) fn new(source: &str) -> Result<Self, String> {
        let regex = fancy_regex::RegexBuilder::new(source)
            .backtrack_limit(BACKTRACKS)
            .delegate_size_limit(2 << 20)
            .build()
            .map_err(|error| format!("{source:?} is not a regular expression: {error}"))?;
        Ok(Self { source: source.to_owned(), regex })
    }

    /// Searches anywhere in the text.
    pub(crate) fn found_in(&self, text: &str) -> Result<bool, String> {
        self.regex
            .is_match(text)
            .map_err(|error| format!("The pattern {:?} was given up: {error}", self.source))
    }
}

/// The fields that hold instants, wherever they stand outside of free metadata.
const DATES: [&str; 11] = [
    "created",
    "modified",
    "timestamp",
    "deleted",
    "replaced",
    "last_seen",
    "last_used",
    "expires_at",
    "date_of_birth",
    "firstlogin",
    "lastlogin",
];

/// The fields that hold free text though it may look like an id.
const TEXTS: [&str; 6] = ["label", "code", "name", "uid", "tags", "text"];

/// Whether a field holds instants.
pub(crate) fn is_date(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path);
    !is_free(path) && DATES.contains(&last)
}

fn is_id(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path);
    !is_free(path) && !is_date(path) && !TEXTS.contains(&last)
}

fn is_free(path: &str) -> bool {
    path.split('.').any(|part| part == "info")
}

impl Test {
    /// Makes a clause ready. `field` is the path inside the document, which may differ from the one that was written.
    pub(crate) fn new(clause: &Clause, field: &str) -> Result<Self, String> {
        let pattern = match &clause.value {
            Wanted::Pattern(source) => Some(Pattern::new(source)?),
            _ => None,
        };
        Ok(Self {
            path: field.split('.').map(str::to_owned).collect(),
            op: clause.op,
            wanted: clause.value.clone(),
            pattern,
            dated: is_date(field),
            ids: is_id(field),
        })
    }

    /// Whether the clause holds for a document.
    #[cfg(test)]
    pub(crate) fn holds(&self, doc: &Value) -> Result<bool, String> {
        self.holds_for_part(self.path.first().and_then(|key| doc.get(key)))
    }

    /// Whether the clause holds for a document of which this is the value of the path's first key, if it has it.
    pub(crate) fn holds_for_part(&self, part: Option<&Value>) -> Result<bool, String> {
        let mut leaves = Vec::new();
        if let (Some(part), Some((_, rest))) = (part, self.path.split_first()) {
            collect(part, rest, &mut leaves);
        }
        self.holds_for(&leaves)
    }

    fn holds_for(&self, leaves: &[&Value]) -> Result<bool, String> {
        if let Some(pattern) = &self.pattern {
            for text in leaves.iter().filter_map(|leaf| leaf.as_str()) {
                if pattern.found_in(text)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let equal = || self.any(leaves, |order| order == Ordering::Equal);
        Ok(match self.op {
            Op::Eq => equal(),
            Op::Ne => !equal(),
            Op::Lt => self.any(leaves, |order| order == Ordering::Less),
            Op::Lte => self.any(leaves, |order| order != Ordering::Greater),
            Op::Gt => self.any(leaves, |order| order == Ordering::Greater),
            Op::Gte => self.any(leaves, |order| order != Ordering::Less),
            Op::Regex => false,
        })
    }

    fn any(&self, leaves: &[&Value], accept: impl Fn(Ordering) -> bool) -> bool {
        if leaves.is_empty() {
            return self.wanted == Wanted::Null && accept(Ordering::Equal);
        }
        leaves.iter().any(|leaf| self.compare(leaf).is_some_and(&accept))
    }

    /// How a leaf stands to the wanted value; none when they are of different types.
    fn compare(&self, leaf: &Value) -> Option<Ordering> {
        match (&self.wanted, leaf) {
            (Wanted::Null, Value::Null) => Some(Ordering::Equal),
            (Wanted::Bool(wanted), Value::Bool(found)) => Some(found.cmp(wanted)),
            (Wanted::Number(wanted), Value::Number(found)) => found.as_f64()?.partial_cmp(wanted),
            (Wanted::Text(wanted), Value::String(found)) => Some(found.as_str().cmp(wanted)),
            (Wanted::ObjectId(wanted), Value::String(found)) if self.ids => Some(found.as_str().cmp(wanted)),
            (Wanted::Time(wanted), Value::String(found)) if self.dated => {
                let found: DateTime<Utc> = time::parse_utc(found).ok()?;
                Some(found.cmp(wanted))
            }
            _ => None,
        }
    }
}

/// Gathers the values at a path, going into lists on the way and at its end.
fn collect<'a>(value: &'a Value, path: &[String], leaves: &mut Vec<&'a Value>) {
    let Some((key, rest)) = path.split_first() else {
        match value {
            // An empty list is a value: it is not null.
            Value::Array(items) if !items.is_empty() => leaves.extend(items),
            leaf => leaves.push(leaf),
        }
        return;
    };
    match value {
        Value::Object(map) => {
            if let Some(inner) = map.get(key) {
                collect(inner, rest, leaves);
            }
        }
        Value::Array(items) => {
            if let Some(item) = key.parse::<usize>().ok().and_then(|index| items.get(index)) {
                collect(item, rest, leaves);
            }
            for item in items.iter().filter(|item| item.is_object()) {
                collect(item, path, leaves);
            }
        }
        _ => {}
    }
}

/// A key whose byte order is the order in which MongoDB sorts the values at a path: missing and null, numbers, text,
/// objects, truth values. Of a list the least element counts, or the greatest when the order descends.
/// `part` is the value of the path's first key.
pub(crate) fn sort_key(part: Option<&Value>, path: &str, descending: bool) -> Vec<u8> {
    let path: Vec<String> = path.split('.').skip(1).map(str::to_owned).collect();
    let mut leaves = Vec::new();
    if let Some(part) = part {
        collect(part, &path, &mut leaves);
    }
    let keys = leaves.into_iter().map(encode);
    let key = if descending { keys.max() } else { keys.min() };
    key.unwrap_or_else(|| encode(&Value::Null))
}

fn encode(value: &Value) -> Vec<u8> {
    let (class, bytes) = match value {
        Value::Null => (0, Vec::new()),
        Value::Array(items) if items.is_empty() => (0, Vec::new()),
        Value::Number(number) => (1, number.as_f64().map_or_else(Vec::new, |n| ordered(n).to_vec())),
        Value::String(text) => (2, text.as_bytes().to_vec()),
        Value::Object(_) => (3, Vec::new()),
        Value::Array(_) => (4, Vec::new()),
        Value::Bool(truth) => (5, vec![u8::from(*truth)]),
    };
    let mut key = vec![class];
    key.extend(bytes);
    key
}

/// Bytes that sort as the numbers do.
pub(crate) fn ordered(number: f64) -> [u8; 8] {
    let bits = (number + 0.0).to_bits();
    let flipped = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
    flipped.to_be_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use flywheel_core::filter::Filter;
    use serde_json::json;

    use super::*;

    fn holds(filter: &str, doc: Value) -> bool {
        let filter: Filter = filter.parse().unwrap();
        filter.clauses.iter().all(|clause| Test::new(clause, &clause.field).unwrap().holds(&doc).unwrap())
    }

    #[test]
    fn missing_is_null_and_unequal_to_everything_else() {
        assert!(holds("x=null", json!({})));
        assert!(holds("x=null", json!({"x": null})));
        assert!(!holds("x=null", json!({"x": 0})));
        assert!(holds("x!=a", json!({})));
        assert!(!holds("x!=null", json!({})));
        assert!(holds("x!=null", json!({"x": false})));
    }

    #[test]
    fn an_empty_list_is_not_null() {
        let doc = json!({"tags": [], "notes": []});
        assert!(!holds("tags=null", doc.clone()) && holds("tags!=null", doc.clone()));
        assert!(holds("tags!=a", doc.clone()) && !holds("tags=~.", doc.clone()));
        assert!(holds("tags=null", json!({})) && holds("notes.user=null", doc));
    }

    #[test]
    fn lists_match_by_any_element_and_unequal_by_none() {
        let doc = json!({"tags": ["a", "b"], "notes": [{"user": "u"}, {"user": "v"}], "n": [1, 5]});
        assert!(holds("tags=b", doc.clone()));
        assert!(!holds("tags!=b", doc.clone()));
        assert!(holds("tags!=c", doc.clone()));
        assert!(holds("notes.user=v", doc.clone()));
        assert!(holds("notes.1.user=v", doc.clone()));
        assert!(!holds("notes.0.user=v", doc.clone()));
        assert!(holds("n>4,n<2", doc.clone()));
        assert!(holds("tags=~^b$", doc));
    }

    #[test]
    fn values_compare_within_their_type_only() {
        assert!(holds("age>40", json!({"age": 41})));
        assert!(!holds("age>40", json!({"age": "41"})));
        assert!(!holds("label=001", json!({"label": "001"})));
        assert!(holds(r#"label="001""#, json!({"label": "001"})));
        assert!(holds("done=true", json!({"done": true})));
        assert!(!holds("done=true", json!({"done": "true"})));
        assert!(holds("n=3", json!({"n": 3.0})));
    }

    #[test]
    fn dates_are_dates_in_the_platforms_fields_only() {
        let doc = json!({"created": "2024-03-01T10:00:00+00:00", "info": {"created": "2024-03-01", "day": "2024-03-01"}});
        assert!(holds("created>2024-02-28,created<2024-03-02", doc.clone()));
        assert!(holds("created=2024-03-01T10:00", doc.clone()));
        assert!(!holds("info.created>2020-01-01", doc.clone()));
        assert!(holds(r#"info.day="2024-03-01""#, doc));
    }

    #[test]
    fn ids_match_where_ids_stand() {
        let id = "5eb0bf2e0a1b2c3d4e5f6071";
        assert!(holds(&format!("parents.project={id}"), json!({"parents": {"project": id}})));
        assert!(!holds(&format!("label={id}"), json!({"label": id})));
        assert!(holds(&format!("label=\"{id}\""), json!({"label": id})));
    }

    #[test]
    fn objects_match_nothing_and_hyphens_and_digits_are_plain_keys() {
        let doc = json!({"info": {"qc": {"my-gear": {"4d-check": {"outcome": "PASS"}}}}});
        assert!(holds("info.qc.my-gear.4d-check.outcome=PASS", doc.clone()));
        assert!(!holds("info.qc=~.", doc));
    }

    #[test]
    fn look_around_works_and_a_runaway_pattern_is_given_up() {
        assert!(holds("label=~^((?!SBRef).)*$", json!({"label": "bold_run-1"})));
        assert!(!holds("label=~^((?!SBRef).)*$", json!({"label": "bold_SBRef"})));
        let filter: Filter = r"label=~^(?=(a+)+$)(\1)b".parse().unwrap();
        let test = Test::new(&filter.clauses[0], "label").unwrap();
        let _ = test.holds(&json!({"label": "a".repeat(40)}));
        let pattern = Pattern::new(r"^(a|aa)+(?=b)c$").unwrap();
        assert!(pattern.found_in(&"a".repeat(60)).unwrap_err().contains("(a|aa)+"));
    }

    #[test]
    fn a_broken_pattern_is_named() {
        let filter: Filter = "label=~(".parse().unwrap();
        assert!(Test::new(&filter.clauses[0], "label").err().unwrap().contains("\"(\""));
    }

    #[test]
    fn sort_keys_order_by_class_then_value() {
        let values = [
            json!(null),
            json!(-2.5),
            json!(0),
            json!(1),
            json!(10),
            json!("a"),
            json!("b"),
            json!(false),
            json!(true),
        ];
        let keys: Vec<_> = values.iter().map(|value| sort_key(Some(value), "x", false)).collect();
        assert!(keys.is_sorted());
        assert_eq!(sort_key(None, "x", false), keys[0]);
        assert!(sort_key(Some(&json!([5, 1])), "x", false) < sort_key(Some(&json!([5, 1])), "x", true));
    }
}
