//! The type expressions of the official client (`union[A,list[B]]`, `dict(str, X)`) and their schemas.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use serde_json::{Value, json};

/// A type as the official client writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    /// Any JSON.
    Any,
    /// Text.
    Text,
    /// A moment in time, ISO 8601.
    DateTime,
    /// A calendar day, ISO 8601.
    Date,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// The bytes of a file.
    File,
    /// A named model or enum.
    Model(String),
    /// A list of one type.
    List(Box<Type>),
    /// A map from text to one type.
    Map(Box<Type>),
    /// One of several types, in the order in which the client tries them.
    Union(Vec<Type>),
}

impl Type {
    /// Reads a type expression.
    ///
    /// # Errors
    /// When brackets do not match or a name is not one.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Some(inner) = enclosed(text, "list[", ']') {
            return Ok(Self::List(Box::new(Self::parse(inner)?)));
        }
        if let Some(inner) = enclosed(text, "union[", ']') {
            let members = split(inner).into_iter().map(Self::parse).collect::<Result<Vec<_>>>()?;
            return Ok(Self::Union(members));
        }
        if let Some(inner) = enclosed(text, "dict(", ')') {
            return match split(inner).as_slice() {
                [_, value] => Ok(Self::Map(Box::new(Self::parse(value)?))),
                _ => bail!("unknown type `{text}`: a dict needs a key type and a value type"),
            };
        }
        Self::name(text)
    }

    fn name(text: &str) -> Result<Self> {
        Ok(match text {
            "object" | "Object" => Self::Any,
            "str" | "string" => Self::Text,
            "datetime" => Self::DateTime,
            "date" => Self::Date,
            "int" | "integer" | "long" => Self::Integer,
            "float" | "number" => Self::Number,
            "bool" | "boolean" => Self::Boolean,
            "file" => Self::File,
            "list" => Self::List(Box::new(Self::Any)),
            "dict" => Self::Map(Box::new(Self::Any)),
            _ if is_identifier(text) => Self::Model(class_name(text)),
            _ => bail!("unknown type `{text}`"),
        })
    }

    /// The schema of the type.
    pub(crate) fn schema(&self) -> Value {
        match self {
            Self::Any => json!({}),
            Self::Text => json!({"type": "string"}),
            Self::DateTime => json!({"type": "string", "format": "date-time"}),
            Self::Date => json!({"type": "string", "format": "date"}),
            Self::Integer => json!({"type": "integer"}),
            Self::Number => json!({"type": "number"}),
            Self::Boolean => json!({"type": "boolean"}),
            Self::File => json!({"type": "string", "format": "binary"}),
            Self::Model(name) => json!({"$ref": format!("#/components/schemas/{name}")}),
            Self::List(inner) => json!({"type": "array", "items": inner.schema()}),
            Self::Map(inner) => json!({"type": "object", "additionalProperties": inner.schema()}),
            Self::Union(members) => union_schema(members),
        }
    }

    /// Whether the type itself is a union.
    pub(crate) fn is_union(&self) -> bool {
        matches!(self, Self::Union(_))
    }

    /// Adds the names of all models the type mentions.
    pub(crate) fn collect_models(&self, into: &mut BTreeSet<String>) {
        match self {
            Self::Model(name) => {
                into.insert(name.clone());
            }
            Self::List(inner) | Self::Map(inner) => inner.collect_models(into),
            Self::Union(members) => members.iter().for_each(|member| member.collect_models(into)),
            _ => {}
        }
    }
}

fn union_schema(members: &[Type]) -> Value {
    let mut schemas: Vec<Value> = Vec::with_capacity(members.len());
    for member in members {
        let schema = member.schema();
        if !schemas.contains(&schema) {
            schemas.push(schema);
        }
    }
    match schemas.len() {
        1 => schemas.swap_remove(0),
        _ => json!({"anyOf": schemas}),
    }
}

/// What stands between `open` and `close` when they enclose the whole text.
fn enclosed<'a>(text: &'a str, open: &str, close: char) -> Option<&'a str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

/// Splits at the commas that stand outside all brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (at, character) in text.char_indices() {
        match character {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// Some releases write a class as its module path (`core__models__jobs__ApiKeyInput` is `CoreModelsJobsApiKeyInput`).
fn class_name(text: &str) -> String {
    if !text.contains("__") {
        return text.to_owned();
    }
    let capital = |part: &str| {
        let mut characters = part.chars();
        characters.next().map(|first| first.to_ascii_uppercase().to_string() + characters.as_str())
    };
    text.split('_').filter_map(capital).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nested_unions_lists_and_maps_become_schemas() {
        let parsed = Type::parse("dict(str, union[list[union[A,str]],B])").unwrap();
        let expected = json!({"type": "object", "additionalProperties": {"anyOf": [
            {"type": "array", "items": {"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "string"}]}},
            {"$ref": "#/components/schemas/B"},
        ]}});
        assert_eq!(parsed.schema(), expected);
    }

    #[test]
    fn equal_union_members_are_one() {
        assert_eq!(Type::parse("union[str,str]").unwrap().schema(), json!({"type": "string"}));
    }

    #[test]
    fn a_module_path_names_the_class() {
        assert_eq!(
            Type::parse("core__models__jobs__ApiKeyInput").unwrap(),
            Type::Model("CoreModelsJobsApiKeyInput".into())
        );
    }

    #[test]
    fn an_unknown_type_is_refused() {
        assert!(Type::parse("list<str>").unwrap_err().to_string().contains("unknown type `list<str>`"));
    }
}
