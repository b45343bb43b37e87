//! The parameter lines of the official client's docstrings: the one place where types and defaults stand.

use indexmap::IndexMap;
use serde_json::Value;

use super::types::Type;

/// What a docstring says about one parameter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct DocParameter {
    /// The type expression.
    pub(crate) kind: Option<String>,
    /// The default, as written.
    pub(crate) default: Option<String>,
    /// Whether it is to be used no more.
    pub(crate) deprecated: bool,
}

/// Whether the text before the parameters says that the operation is to be used no more.
pub(crate) fn is_deprecated(docstring: &str) -> bool {
    says_deprecated(docstring.split(":param").next().unwrap_or_default())
}

fn says_deprecated(text: &str) -> bool {
    text.contains("Deprecated") || text.contains("DEPRECATED")
}

/// Reads all `:param` and `:type` lines.
pub(crate) fn parameters(docstring: &str) -> IndexMap<String, DocParameter> {
    let mut found: IndexMap<String, DocParameter> = IndexMap::new();
    for field in fields(docstring) {
        if let Some(rest) = field.strip_prefix(":param ") {
            let Some((head, description)) = split_head(rest) else { continue };
            let (kind, name) = match head.rsplit_once(' ') {
                Some((kind, name)) => (Some(kind.trim().to_owned()), name),
                None => (None, head),
            };
            let entry = found.entry(name.to_owned()).or_default();
            entry.kind = entry.kind.take().or(kind);
            entry.default = default_of(description);
            entry.deprecated = says_deprecated(description);
        } else if let Some(rest) = field.strip_prefix(":type ") {
            let Some((name, kind)) = rest.split_once(':') else { continue };
            let kind = kind.trim().trim_end_matches(", optional").trim();
            found.entry(name.trim().to_owned()).or_default().kind = Some(kind.to_owned());
        }
    }
    found
}

/// The fields of a docstring, continuation lines joined.
fn fields(docstring: &str) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for line in docstring.lines().map(str::trim) {
        if line.starts_with(':') {
            fields.push(line.to_owned());
        } else if let Some(last) = fields.last_mut() {
            last.push(' ');
            last.push_str(line);
        }
    }
    fields
}

/// Splits `TYPE NAME: text` at the colon that ends the name.
fn split_head(text: &str) -> Option<(&str, &str)> {
    let colon = text.find(':')?;
    Some((text[..colon].trim(), text[colon + 1..].trim()))
}

fn default_of(description: &str) -> Option<String> {
    let (_, default) = description.rsplit_once(", defaults to ")?;
    let default = default.trim();
    (default != "None").then(|| default.to_owned())
}

/// A written default as JSON of the parameter's type; a text that does not fit is left out.
pub(crate) fn default_value(text: &str, kind: &Type) -> Option<Value> {
    match kind {
        Type::Text | Type::Model(_) | Type::DateTime | Type::Date => Some(Value::from(text)),
        Type::Boolean => text.to_ascii_lowercase().parse::<bool>().ok().map(Value::from),
        Type::Integer => text.parse::<i64>().ok().map(Value::from),
        Type::Number => text.parse::<f64>().ok().map(Value::from),
        _ => serde_json::from_str(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_styles_of_docstring_give_the_type() {
        let new =
            parameters("T\n\n:param limit: how many, defaults to 100\n:type limit: int, optional\n:rtype: X");
        assert_eq!(
            new["limit"],
            DocParameter { kind: Some("int".into()), default: Some("100".into()), deprecated: false }
        );
        let old = parameters("T\n\n:param dict(str, X) body: the body (required)\n:return: X");
        assert_eq!(
            old["body"],
            DocParameter { kind: Some("dict(str, X)".into()), ..DocParameter::default() }
        );
    }

    #[test]
    fn a_default_follows_its_description_even_over_two_lines() {
        let found = parameters(
            ":param a: first.\n    Second, defaults to false\n:type a: bool, optional\n:param b:, defaults to []",
        );
        assert_eq!(found["a"].default.as_deref(), Some("false"));
        assert_eq!(found["b"].default.as_deref(), Some("[]"));
    }

    #[test]
    fn deprecation_is_told_for_operation_and_parameter() {
        let text = "Make it\n\nDeprecated, use another.\n:param a: plain\n:param b: DEPRECATED: use a";
        assert!(is_deprecated(text));
        assert!(!is_deprecated("Make it\n:param b: DEPRECATED: use a"));
        assert!(parameters(text)["b"].deprecated && !parameters(text)["a"].deprecated);
    }

    #[test]
    fn prose_about_a_default_is_not_one() {
        let found = parameters(":param version: the version (defaults to current version)");
        assert_eq!(found["version"].default, None);
    }

    #[test]
    fn a_default_takes_the_type_of_its_parameter() {
        assert_eq!(default_value("true", &Type::Boolean), Some(Value::from(true)));
        assert_eq!(default_value("0", &Type::Integer), Some(Value::from(0)));
        assert_eq!(default_value("view-data", &Type::Text), Some(Value::from("view-data")));
        assert_eq!(default_value("[]", &Type::List(Box::new(Type::Text))), Some(serde_json::json!([])));
        assert_eq!(default_value("soon", &Type::Integer), None);
    }
}
