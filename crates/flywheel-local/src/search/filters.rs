//! The `filters` of a search: clauses of the search index, of which all must hold.

use serde_json::{Map, Value};

use super::{
    node::{Bound, Node, Test, Wanted},
    pattern,
};
use crate::error::{ApiError, ApiResult};

/// How deep clauses may be nested.
const DEPTH: usize = 20;

/// What a list of clauses asks for.
///
/// # Errors
/// 400 for a clause that is not known or not well-formed.
pub(super) fn of_clauses(clauses: &[Value]) -> ApiResult<Node> {
    clauses.iter().map(|clause| of_clause(clause, DEPTH)).collect::<ApiResult<Vec<_>>>().map(Node::All)
}

fn of_clause(clause: &Value, depth: usize) -> ApiResult<Node> {
    let map = clause.as_object().filter(|map| map.len() == 1);
    let Some((kind, body)) = map.and_then(|map| map.iter().next()) else {
        return Err(wrong("is an object with one key, the kind of the clause", clause));
    };
    let Some(depth) = depth.checked_sub(1) else { return Err(wrong("is nested too deeply", &Value::Null)) };
    match kind.as_str() {
        "bool" => of_bool(body, depth),
        "match_all" => Ok(Node::All(Vec::new())),
        "exists" => Ok(Node::Field(text(body, "field")?, Test::Exists)),
        "ids" => {
            let ids = list(body.get("values").unwrap_or(&Value::Null));
            let ids: Vec<Wanted> = ids.iter().filter_map(|id| id.as_str()).map(Wanted::word).collect();
            let levels = ["project", "subject", "session", "acquisition", "analysis", "file"];
            let own = |level: &&str| Node::Field(format!("{level}._id"), Test::OneOf(ids.clone()));
            Ok(Node::Any(levels.iter().map(own).collect()))
        }
        "terms" => of_terms(body),
        "range" => of_range(body),
        "term" => value_test(body, "value", |value| Ok(Test::OneOf(vec![wanted(value)?]))),
        "match" | "match_phrase" => {
            value_test(body, "query", |value| Ok(Test::Contains(wanted(value)?.text)))
        }
        "prefix" => value_test(body, "value", |value| {
            let literal = flywheel_core::filter::escape_pattern(&wanted(value)?.text);
            Ok(Test::Matches(format!("(?s)\\A{literal}")))
        }),
        "wildcard" => value_test(body, "value", |value| {
            Ok(Test::Matches(pattern::wild(&wanted(value)?.text, "*", "?")))
        }),
        "regexp" => value_test(body, "value", |value| {
            pattern::of_regex(&wanted(value)?.text).map(Test::Matches).map_err(ApiError::bad_request)
        }),
        _ => Err(wrong(
            "is one of bool, exists, ids, match, match_all, match_phrase, prefix, range, regexp, term, terms, wildcard",
            clause,
        )),
    }
}

fn wrong(expected: &str, clause: &Value) -> ApiError {
    let shown: String = clause.to_string().chars().take(200).collect();
    ApiError::bad_request(format!("A clause of the filters {expected}; this one is {shown}"))
}

fn of_bool(body: &Value, depth: usize) -> ApiResult<Node> {
    let part = |key: &str| {
        let clauses = body.get(key).map(list).unwrap_or_default();
        clauses.into_iter().map(|clause| of_clause(clause, depth)).collect::<ApiResult<Vec<_>>>()
    };
    let (must, filter, must_not, should) =
        (part("must")?, part("filter")?, part("must_not")?, part("should")?);
    let least = body.get("minimum_should_match").and_then(Value::as_u64);
    let optional = least == Some(0) || (least.is_none() && !(must.is_empty() && filter.is_empty()));
    if least.is_some_and(|least| least > 1) {
        return Err(wrong("asks for at most one of its \"should\" on a local site", body));
    }
    let mut all: Vec<Node> = must.into_iter().chain(filter).collect();
    all.extend(must_not.into_iter().map(|node| Node::Not(Box::new(node))));
    if !should.is_empty() && !optional {
        all.push(Node::Any(should));
    }
    Ok(Node::All(all))
}

/// `null` among the values stands for a field that is missing although what would hold it is there.
fn of_terms(body: &Value) -> ApiResult<Node> {
    let (field, values) = single(body)?;
    let (missing, present): (Vec<_>, Vec<_>) =
        list(values).into_iter().partition(|value| value.is_null() || *value == "null");
    let present = present.into_iter().map(wanted).collect::<ApiResult<Vec<_>>>()?;
    let one_of = Node::Field(exact(field), Test::OneOf(present));
    if missing.is_empty() {
        return Ok(one_of);
    }
    let holder = format!("{}._id", field.split('.').next().unwrap_or(field));
    let absent = Node::Not(Box::new(Node::Field(exact(field), Test::Exists)));
    Ok(Node::Any(vec![one_of, Node::All(vec![absent, Node::Field(holder, Test::Exists)])]))
}

fn of_range(body: &Value) -> ApiResult<Node> {
    let (field, ends) = single(body)?;
    let mut bounds = Vec::new();
    for (key, bound) in [("lt", Bound::Lt), ("lte", Bound::Lte), ("gt", Bound::Gt), ("gte", Bound::Gte)] {
        if let Some(value) = ends.get(key).filter(|value| !value.is_null()) {
            bounds.push((bound, wanted(value)?));
        }
    }
    if bounds.is_empty() {
        return Err(wrong("of the kind range has one of lt, lte, gt, gte", body));
    }
    Ok(Node::Field(exact(field), Test::Range(bounds)))
}

/// `{field: value}` or `{field: {key: value}}`.
fn value_test(body: &Value, key: &str, test: impl Fn(&Value) -> ApiResult<Test>) -> ApiResult<Node> {
    let (field, value) = single(body)?;
    let value = value.get(key).unwrap_or(value);
    Ok(Node::Field(exact(field), test(value)?))
}

fn single(body: &Value) -> ApiResult<(&str, &Value)> {
    let fields: Option<Vec<(&String, &Value)>> = body
        .as_object()
        .map(|map: &Map<String, Value>| map.iter().filter(|(key, _)| *key != "boost").collect());
    match fields.as_deref() {
        Some([(field, value)]) => Ok((field, value)),
        _ => Err(wrong("names one field", body)),
    }
}

/// The field itself rather than its exact sub-field.
fn exact(field: &str) -> String {
    let plain = field.strip_suffix(".raw").or_else(|| field.strip_suffix(".keyword"));
    plain.unwrap_or(field).to_owned()
}

fn wanted(value: &Value) -> ApiResult<Wanted> {
    match value {
        Value::String(text) => Ok(Wanted::word(text)),
        Value::Number(_) | Value::Bool(_) => Ok(Wanted::word(value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(wrong("has a plain value", value)),
    }
}

fn text(body: &Value, key: &str) -> ApiResult<String> {
    let field = body.get(key).and_then(Value::as_str);
    field.map(exact).ok_or_else(|| wrong(&format!("of this kind has {key:?}"), body))
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        single => vec![single],
    }
}
