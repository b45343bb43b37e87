//! JSON Schema, draft 4, as manifests use it: no references, no formats.

use fancy_regex::Regex;
use serde_json::{Map, Value};

/// Why a value does not fit a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where in the value: keys and indices, outermost first.
    pub path: Vec<String>,
    /// What is wrong there.
    pub message: String,
}

/// Everything wrong with a value; empty when it fits.
pub fn violations(schema: &Value, value: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    if let Value::Object(schema) = schema {
        check(schema, value, &mut Vec::new(), &mut found);
    }
    found
}

/// Whether a value fits a schema.
pub fn fits(schema: &Value, value: &Value) -> bool {
    violations(schema, value).is_empty()
}

/// What is wrong with a schema itself, as far as the checks above read it.
pub fn faults(schema: &Map<String, Value>) -> Vec<String> {
    let mut faults = Vec::new();
    for (key, given) in schema {
        let fault = match key.as_str() {
            "type" => types(given)
                .iter()
                .find(|name| !TYPES.contains(name))
                .map(|name| format!("{name:?} is no type: expected one of {}", TYPES.join(", "))),
            "pattern" => match given.as_str().map(Regex::new) {
                Some(Ok(_)) => None,
                Some(Err(error)) => Some(format!("the pattern is no regular expression: {error}")),
                None => Some("a pattern is text".to_owned()),
            },
            "enum" if given.as_array().is_none_or(Vec::is_empty) => {
                Some("an enum is a list of at least one value".to_owned())
            }
            "minimum" | "maximum" | "multipleOf" if !given.is_number() => Some(format!("{key} is a number")),
            "minLength" | "maxLength" | "minItems" | "maxItems" if given.as_u64().is_none() => {
                Some(format!("{key} is a whole number that is not negative"))
            }
            "items" => match given {
                Value::Object(inner) => {
                    faults.extend(self::faults(inner).into_iter().map(|fault| format!("in items: {fault}")));
                    None
                }
                Value::Array(_) => None,
                _ => Some("items is a schema".to_owned()),
            },
            _ => None,
        };
        faults.extend(fault);
    }
    faults
}

const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

fn types(given: &Value) -> Vec<&str> {
    match given {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

type Found = Vec<Violation>;

fn check(schema: &Map<String, Value>, value: &Value, path: &mut Vec<String>, found: &mut Found) {
    for (key, rule) in schema {
        if let Some(message) = broken(key, rule, schema, value) {
            found.push(Violation { path: path.clone(), message });
        }
    }
    match value {
        Value::Object(map) => members(schema, map, path, found),
        Value::Array(list) => items(schema, list, path, found),
        _ => {}
    }
    combined(schema, value, path, found);
}

/// What one keyword that looks at the value alone says against it.
fn broken(key: &str, rule: &Value, schema: &Map<String, Value>, value: &Value) -> Option<String> {
    let flag = |name: &str| schema.get(name).and_then(Value::as_bool).unwrap_or(false);
    let (number, limit) = (value.as_f64(), rule.as_f64());
    let compare = |wrong: fn(f64, f64) -> bool| number.zip(limit).is_some_and(|(n, limit)| wrong(n, limit));
    let length = match value {
        Value::String(text) => Some((text.chars().count() as u64, "Length", "long")),
        Value::Array(list) => Some((list.len() as u64, "Items", "long")),
        Value::Object(map) => Some((map.len() as u64, "Properties", "large")),
        _ => None,
    };
    let sized = |side: &str| {
        let (count, of, word) = length?;
        (key == format!("{side}{of}")).then(|| rule.as_u64()).flatten().map(|limit| (count, limit, word))
    };
    match key {
        "type" => {
            let names = types(rule);
            (!names.is_empty() && !names.iter().any(|name| is_a(value, name)))
                .then(|| format!("{value} is not of type {}", names.join(" or ")))
        }
        "enum" => rule
            .as_array()
            .filter(|choices| !choices.iter().any(|choice| same(choice, value)))
            .map(|choices| format!("{value} is not one of {}", Value::from(choices.clone()))),
        "minimum" if flag("exclusiveMinimum") => {
            compare(|n, limit| n <= limit).then(|| format!("{value} is not greater than {rule}"))
        }
        "minimum" => {
            compare(|n, limit| n < limit).then(|| format!("{value} is less than the minimum of {rule}"))
        }
        "maximum" if flag("exclusiveMaximum") => {
            compare(|n, limit| n >= limit).then(|| format!("{value} is not less than {rule}"))
        }
        "maximum" => {
            compare(|n, limit| n > limit).then(|| format!("{value} is greater than the maximum of {rule}"))
        }
        "multipleOf" => compare(|n, step| step > 0.0 && (n / step - (n / step).round()).abs() > 1e-9)
            .then(|| format!("{value} is not a multiple of {rule}")),
        "minLength" | "minItems" | "minProperties" => sized("min")
            .filter(|(count, limit, _)| count < limit)
            .map(|(_, limit, _)| format!("{value} is too short: at least {limit}")),
        "maxLength" | "maxItems" | "maxProperties" => sized("max")
            .filter(|(count, limit, _)| count > limit)
            .map(|(_, limit, word)| format!("{value} is too {word}: at most {limit}")),
        "pattern" => {
            let (text, pattern) = (value.as_str()?, rule.as_str()?);
            (!matches(pattern, text)).then(|| format!("{value} does not match {pattern:?}"))
        }
        "uniqueItems" if rule == &Value::Bool(true) => {
            let list = value.as_array()?;
            let twice = list
                .iter()
                .enumerate()
                .any(|(at, item)| list.iter().take(at).any(|earlier| same(earlier, item)));
            twice.then(|| format!("{value} has items that are the same"))
        }
        _ => None,
    }
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        _ => false,
    }
}

/// Equality of JSON, in which 1 and 1.0 are the same.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

/// Whether a pattern is found anywhere in the text; one that is no regular expression is not.
fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|regex| regex.is_match(text).unwrap_or(false))
}

fn below(schema: &Value, value: &Value, step: String, path: &mut Vec<String>, found: &mut Found) {
    if let Value::Object(schema) = schema {
        path.push(step);
        check(schema, value, path, found);
        path.pop();
    }
}

fn members(schema: &Map<String, Value>, map: &Map<String, Value>, path: &mut Vec<String>, found: &mut Found) {
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        if let Some(name) = name.as_str().filter(|&name| !map.contains_key(name)) {
            let message = format!("{name:?} is a required property");
            found.push(Violation { path: path.clone(), message });
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    for (name, value) in map {
        let mut known = false;
        if let Some(inner) = properties.and_then(|properties| properties.get(name)) {
            known = true;
            below(inner, value, name.clone(), path, found);
        }
        for (_, inner) in patterns.into_iter().flatten().filter(|(pattern, _)| matches(pattern, name)) {
            known = true;
            below(inner, value, name.clone(), path, found);
        }
        match schema.get("additionalProperties") {
            Some(Value::Bool(false)) if !known => {
                let message = format!("{name:?} was unexpected: additional properties are not allowed");
                found.push(Violation { path: path.clone(), message });
            }
            Some(inner @ Value::Object(_)) if !known => below(inner, value, name.clone(), path, found),
            _ => {}
        }
    }
}

fn items(schema: &Map<String, Value>, list: &[Value], path: &mut Vec<String>, found: &mut Found) {
    for (at, value) in list.iter().enumerate() {
        let inner = match schema.get("items") {
            Some(Value::Array(each)) => each.get(at).or_else(|| schema.get("additionalItems")),
            one => one,
        };
        match inner {
            Some(Value::Bool(false)) => found.push(Violation {
                path: path.clone(),
                message: format!("item {at} was unexpected: additional items are not allowed"),
            }),
            Some(inner) => below(inner, value, at.to_string(), path, found),
            None => {}
        }
    }
}

fn combined(schema: &Map<String, Value>, value: &Value, path: &mut Vec<String>, found: &mut Found) {
    let list = |key: &str| schema.get(key).and_then(Value::as_array);
    for inner in list("allOf").into_iter().flatten().filter_map(Value::as_object) {
        check(inner, value, path, found);
    }
    let fitting = |choices: &Vec<Value>| choices.iter().filter(|choice| fits(choice, value)).count();
    let any = list("anyOf").is_some_and(|choices| fitting(choices) == 0);
    let one = list("oneOf").is_some_and(|choices| fitting(choices) != 1);
    if any || one {
        let how = if any { "any" } else { "exactly one" };
        let message = format!("{value} does not fit {how} of the given schemas");
        found.push(Violation { path: path.clone(), message });
    }
    if schema.get("not").is_some_and(|not| fits(not, value)) {
        found.push(Violation { path: path.clone(), message: format!("{value} is not allowed") });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_keyword_admits_and_refuses() {
        for (schema, good, bad) in [
            (json!({"type": "string"}), json!("a"), json!(1)),
            (json!({"type": "integer"}), json!(3), json!(3.5)),
            (json!({"type": "integer"}), json!(-3), json!(true)),
            (json!({"type": "number"}), json!(3.5), json!("3.5")),
            (json!({"type": ["string", "null"]}), json!(null), json!(1)),
            (json!({"enum": ["a", 1]}), json!(1.0), json!("b")),
            (json!({"minimum": 1}), json!(1), json!(0.9)),
            (json!({"minimum": 1, "exclusiveMinimum": true}), json!(1.1), json!(1)),
            (json!({"maximum": 1}), json!(1), json!(1.1)),
            (json!({"maximum": 1, "exclusiveMaximum": true}), json!(0), json!(1)),
            (json!({"multipleOf": 0.1}), json!(0.3), json!(0.35)),
            (json!({"minLength": 2}), json!("äö"), json!("ä")),
            (json!({"maxLength": 2}), json!("äö"), json!("abc")),
            (json!({"pattern": "^a.*z$"}), json!("a-z"), json!("az!")),
            (json!({"minItems": 1}), json!([1]), json!([])),
            (json!({"maxItems": 1}), json!([1]), json!([1, 2])),
            (json!({"uniqueItems": true}), json!([1, 2]), json!([1, 1.0])),
            (json!({"items": {"type": "string"}}), json!(["a"]), json!(["a", 1])),
            (json!({"items": [{"type": "string"}], "additionalItems": false}), json!(["a"]), json!(["a", 1])),
            (json!({"required": ["a"]}), json!({"a": null}), json!({"b": 1})),
            (json!({"properties": {"a": {"type": "string"}}}), json!({"a": "x"}), json!({"a": 1})),
            (
                json!({"properties": {"a": {}}, "additionalProperties": false}),
                json!({"a": 1}),
                json!({"b": 1}),
            ),
            (json!({"patternProperties": {"^x": {"type": "string"}}}), json!({"y": 1}), json!({"xa": 1})),
            (json!({"anyOf": [{"type": "string"}, {"minimum": 5}]}), json!(6), json!(4)),
            (json!({"oneOf": [{"minimum": 1}, {"minimum": 5}]}), json!(2), json!(6)),
            (json!({"allOf": [{"minimum": 1}, {"maximum": 5}]}), json!(2), json!(6)),
            (json!({"not": {"type": "string"}}), json!(2), json!("a")),
        ] {
            assert!(fits(&schema, &good), "{schema} {good}: {:?}", violations(&schema, &good));
            assert!(!fits(&schema, &bad), "{schema} {bad}");
        }
    }

    #[test]
    fn a_violation_says_where() {
        let schema = json!({"properties": {"a": {"items": {"type": "string"}}}});
        let found = violations(&schema, &json!({"a": ["x", 1]}));
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].path.join("."), found[0].message.as_str()),
            ("a.1".to_owned(), "1 is not of type string")
        );
    }
}
