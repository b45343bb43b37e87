//! What must be equal on both sides, without what cannot be: ids, the time of day, how often something was written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Counts writes, of which one client may need more than the other; or tells which program it was.
const APART: [&str; 3] = ["revision", "user_agent", "client_hash"];

/// A document with ids numbered as they first appear, instants of this test as one word, and the side left out.
pub(crate) fn normal(side: &str, value: &Value) -> Value {
    Normal { side: format!("-{side}"), ids: BTreeMap::new() }.value(value)
}

struct Normal {
    side: String,
    ids: BTreeMap<String, usize>,
}

impl Normal {
    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let mut keys: Vec<&String> =
                    fields.keys().filter(|key| !APART.contains(&key.as_str())).collect();
                keys.sort();
                // A field that is null says what one that is not there says.
                let known = keys.into_iter().filter(|key| !fields[*key].is_null());
                Value::Object(
                    known.map(|key| (self.text(key), self.value(&fields[key]))).collect::<Map<_, _>>(),
                )
            }
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::String(text) => self.text(text).into(),
            Value::Number(number) => number.as_f64().map_or_else(|| value.clone(), Into::into),
            other => other.clone(),
        }
    }

    fn text(&mut self, text: &str) -> String {
        if is_of_this_century_but_not_given(text) {
            return "now".to_owned();
        }
        let text = text.replace(&self.side, "");
        let mut normal = String::new();
        let mut rest = text.as_str();
        while let Some(character) = rest.chars().next() {
            let length = word(rest).max(character.len_utf8());
            let (piece, after) = rest.split_at(length);
            if is_id(piece) {
                let next = self.ids.len() + 1;
                let number = *self.ids.entry(piece.to_owned()).or_insert(next);
                let _ = write!(normal, "<{number}>");
            } else {
                normal.push_str(piece);
            }
            rest = after;
        }
        normal
    }
}

/// How much of what ids are made of a text begins with.
fn word(text: &str) -> usize {
    text.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-')).count()
}

/// Ids of documents, and those of contents.
fn is_id(word: &str) -> bool {
    word.len() == 24 && !word.contains('-') || word.len() == 36 && word.matches('-').count() == 4
}

/// Data of the tasks is from before 2025; what is later comes from the clock.
fn is_of_this_century_but_not_given(text: &str) -> bool {
    let year = text.get(..4).and_then(|year| year.parse::<u32>().ok());
    year.is_some_and(|year| (2025..2100).contains(&year)) && text.get(10..11) == Some("T")
}

/// The places where two documents differ.
pub(crate) fn differences(got: &Value, expected: &Value) -> String {
    let mut text = String::new();
    collect("", got, expected, &mut text);
    text
}

fn collect(path: &str, got: &Value, expected: &Value, text: &mut String) {
    match (got, expected) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                let (one, other) =
                    (one.get(key).unwrap_or(&Value::Null), other.get(key).unwrap_or(&Value::Null));
                collect(&format!("{path}/{key}"), one, other, text);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (at, (one, other)) in one.iter().zip(other).enumerate() {
                collect(&format!("{path}/{at}"), one, other, text);
            }
        }
        _ if got != expected => {
            let _ = writeln!(text, "{path}: {got} against {expected}");
        }
        _ => {}
    }
}
