//! Values of columns: their types, how they become text, and how they compare.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number as JsonNumber, Value};

use super::expression::Number;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Whole numbers.
    Int,
    /// Numbers.
    Float,
    /// Text.
    String,
    /// Truth values.
    Bool,
    /// Objects and lists, as they are.
    Object,
}

impl ColumnType {
    /// As documents write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Float => "float",
            Self::String => "string",
            Self::Bool => "bool",
            Self::Object => "object",
        }
    }

    /// A value as one of this type; none when it cannot be. Null becomes an empty text and stays null as a truth value.
    ///
    /// ```
    /// use flywheel_core::view::ColumnType;
    /// use serde_json::json;
    ///
    /// assert_eq!(ColumnType::Int.convert(json!("42")), Some(json!(42)));
    /// assert_eq!(ColumnType::Int.convert(json!("forty-two")), None);
    /// assert_eq!(ColumnType::Bool.convert(json!("False")), Some(json!(false)));
    /// ```
    pub fn convert(self, value: Value) -> Option<Value> {
        match self {
            Self::Object => Some(value),
            Self::String => Some(text(&value).into()),
            Self::Int => match number(&value)? {
                Number::Int(whole) => Some(whole.into()),
                // What was written as a fraction in text is no whole number; a number that is one is cut.
                Number::Float(_) if value.is_string() => None,
                Number::Float(float) => {
                    (float.abs() < 9_007_199_254_740_992.0).then(|| (float as i64).into())
                }
            },
            Self::Float => JsonNumber::from_f64(number(&value)?.as_f64()).map(Value::Number),
            Self::Bool => Some(match value {
                Value::Null => Value::Null,
                Value::Bool(truth) => truth.into(),
                Value::Number(number) => (number.as_f64() != Some(0.0)).into(),
                Value::String(text) => (!text.is_empty() && !text.eq_ignore_ascii_case("false")).into(),
                Value::Array(items) => (!items.is_empty()).into(),
                Value::Object(map) => (!map.is_empty()).into(),
            }),
        }
    }
}

/// The number that a value is, or that its text spells.
pub fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Some(Number::Int(whole)),
            None => number.as_f64().map(Number::Float),
        },
        Value::Bool(truth) => Some(Number::Int((*truth).into())),
        Value::String(text) => {
            let text = text.trim();
            let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
            if !plain {
                return None;
            }
            let float = || text.parse().ok().filter(|value: &f64| value.is_finite()).map(Number::Float);
            text.parse().ok().map(Number::Int).or_else(float)
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number as a value; none for one that JSON cannot write.
pub fn from_number(number: Number) -> Option<Value> {
    match number {
        Number::Int(whole) => Some(whole.into()),
        Number::Float(float) => JsonNumber::from_f64(float).map(Value::Number),
    }
}

/// A value as text, as tables of the platform write it: null is empty, truth is `True`, a list is `['a', 1]`.
///
/// ```
/// use flywheel_core::view::value::text;
/// use serde_json::json;
///
/// assert_eq!(text(&json!(["it's", 1.0, null])), r#"["it's", 1.0, None]"#);
/// ```
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => {
            let mut out = String::new();
            write_literal(other, &mut out);
            out
        }
    }
}

fn write_literal(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => write_quoted(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_literal(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (at, (key, item)) in map.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_quoted(key, out);
                out.push_str(": ");
                write_literal(item, out);
            }
            out.push('}');
        }
    }
}

fn write_quoted(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.push(quote);
}

/// The value at a path: keys of objects, and numbers that count into lists.
pub fn at_path<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    let Some((key, rest)) = path.split_first() else { return Some(value) };
    match value {
        Value::Object(map) => at_path_of(map, path),
        Value::Array(items) => at_path(items.get(key.parse::<usize>().ok()?)?, rest),
        _ => None,
    }
}

/// As [`at_path`], from an object. A key that itself holds dots, such as a field of a table, is found as well.
pub fn at_path_of<'a>(map: &'a Map<String, Value>, path: &[String]) -> Option<&'a Value> {
    let (key, rest) = path.split_first()?;
    match map.get(key) {
        Some(inner) => at_path(inner, rest),
        None if rest.is_empty() => None,
        None => map.get(&path.join(".")),
    }
}

/// The order of values in a sorted column: nothing, numbers, text, truth values, then the rest.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    let class = |value: &Value| match value {
        Value::Null => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::Bool(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    };
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => match (x.as_i64(), y.as_i64()) {
            (Some(x), Some(y)) => x.cmp(&y),
            _ => x.as_f64().partial_cmp(&y.as_f64()).unwrap_or(Ordering::Equal),
        },
        (Value::String(x), Value::String(y)) => x.cmp(y),
        (Value::Bool(x), Value::Bool(y)) => x.cmp(y),
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => text(a).cmp(&text(b)),
        _ => class(a).cmp(&class(b)),
    }
}

/// The keys that lead to the leaves of an object, with dots between the levels. An empty object is a leaf.
///
/// ```
/// use flywheel_core::view::value::leaf_keys;
/// use serde_json::json;
///
/// let info = json!({"a": 1, "b": {"c": 2, "d": []}});
/// assert_eq!(leaf_keys(info.as_object().unwrap()), ["a", "b.c", "b.d"]);
/// ```
pub fn leaf_keys(map: &Map<String, Value>) -> Vec<String> {
    let mut keys = Vec::new();
    for (key, value) in map {
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                keys.extend(leaf_keys(inner).into_iter().map(|rest| format!("{key}.{rest}")));
            }
            _ => keys.push(key.clone()),
        }
    }
    keys
}

/// The value that a key of [`leaf_keys`] leads to.
pub fn leaf<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    let map = value.as_object()?;
    if let Some(found) = map.get(key) {
        return Some(found);
    }
    let dots = key.match_indices('.').map(|(at, _)| at);
    dots.filter_map(|at| leaf(map.get(key.get(..at)?)?, key.get(at + 1..)?)).next()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_type_takes_what_it_can() {
        use ColumnType::{Bool, Float, Int, String};
        for (kind, value, wanted) in [
            (Int, json!(3.9), Some(json!(3))),
            (Int, json!(" 7 "), Some(json!(7))),
            (Int, json!("7.0"), None),
            (Int, json!(true), Some(json!(1))),
            (Int, json!(null), None),
            (Int, json!([1]), None),
            (Int, json!(""), None),
            (Float, json!("1e3"), Some(json!(1000.0))),
            (Float, json!(2), Some(json!(2.0))),
            (Float, json!("nan"), None),
            (Float, json!("inf"), None),
            (Float, json!(null), None),
            (String, json!(null), Some(json!(""))),
            (String, json!(2.0), Some(json!("2.0"))),
            (String, json!(true), Some(json!("True"))),
            (Bool, json!("FALSE"), Some(json!(false))),
            (Bool, json!("no"), Some(json!(true))),
            (Bool, json!(""), Some(json!(false))),
            (Bool, json!(0.0), Some(json!(false))),
            (Bool, json!(null), Some(json!(null))),
        ] {
            assert_eq!(kind.convert(value.clone()), wanted, "{kind:?} of {value}");
        }
    }

    #[test]
    fn paths_go_into_objects_and_by_number_into_lists() {
        let value = json!({"a": {"b": [10, {"c": 20}]}, "x.y": 1});
        let at =
            |path: &str| at_path(&value, &path.split('.').map(str::to_owned).collect::<Vec<_>>()).cloned();
        assert_eq!(at("a.b.0"), Some(json!(10)));
        assert_eq!(at("a.b.1.c"), Some(json!(20)));
        assert_eq!(at("a.b.c"), None);
        assert_eq!(at("a.b.-1"), None);
        assert_eq!(at("x.y"), Some(json!(1)));
        assert_eq!(at("a.z"), None);
    }

    #[test]
    fn values_sort_by_class_then_value() {
        let sorted = [json!(null), json!(-1), json!(0.5), json!(2), json!("10"), json!("9"), json!(false)];
        assert!(sorted.is_sorted_by(|a, b| compare(a, b) == Ordering::Less));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-z.'\"\\\\\n]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-z.]{1,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_leaf_key_leads_to_a_value(value in any_json()) {
            if let Some(map) = value.as_object() {
                for key in leaf_keys(map) {
                    prop_assert!(leaf(&value, &key).is_some(), "{key}");
                }
            }
        }

        #[test]
        fn converting_twice_is_converting_once(value in any_json()) {
            for kind in [ColumnType::Int, ColumnType::Float, ColumnType::String, ColumnType::Bool, ColumnType::Object] {
                if let Some(once) = kind.convert(value.clone()) {
                    prop_assert_eq!(kind.convert(once.clone()), Some(once));
                }
            }
        }

        #[test]
        fn the_order_is_one(a in any_json(), b in any_json()) {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&a, &a), Ordering::Equal);
        }
    }
}
