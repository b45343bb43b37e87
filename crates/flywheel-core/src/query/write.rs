//! Writing a query with the quotes and parentheses that it needs, and no others.

use std::fmt;

use super::{
    Phrase, Query, Several, Term, Test,
    lex::{Keyword, in_word},
    typed_value,
};

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => several(f, parts, " AND ", |part| matches!(part, Self::Or(_))),
            Self::Or(parts) => several(f, parts, " OR ", |_| false),
            Self::Not(inner) => match &**inner {
                Self::Term(_) | Self::Not(_) => write!(f, "NOT {inner}"),
                Self::And(_) | Self::Or(_) => write!(f, "NOT ({inner})"),
            },
            Self::Term(term) => write!(f, "{term}"),
        }
    }
}

fn several(
    f: &mut fmt::Formatter<'_>,
    parts: &Several,
    between: &str,
    grouped: impl Fn(&Query) -> bool,
) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        if grouped(part) {
            write!(f, "({part})")?;
        } else {
            write!(f, "{part}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&word(&self.field))?;
        match &self.test {
            Test::Compare(op, phrase) => write!(f, " {} {phrase}", op.as_str()),
            Test::Matches(pattern) => write!(f, " =~ {}", word(pattern)),
            Test::NotMatches(pattern) => write!(f, " !~ {}", word(pattern)),
            Test::In(values) => {
                let values: Vec<String> = values.iter().map(|value| word(value)).collect();
                write!(f, " IN [{}]", values.join(", "))
            }
            Test::Like(pattern) => write!(f, " LIKE {}", word(pattern)),
            Test::Contains(text) => write!(f, " CONTAINS {}", word(text)),
            Test::Exists => f.write_str(" EXISTS"),
        }
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.typed { f.write_str(&self.text) } else { f.write_str(&quote(&self.text)) }
    }
}

/// A text as a query holds it: in quotes when it would not be read as this text without them.
///
/// ```
/// use flywheel_core::query::quote;
///
/// assert_eq!(quote("T1w"), "T1w");
/// assert_eq!(quote("My Study"), r#""My Study""#);
/// assert_eq!(quote("001"), r#""001""#);
/// ```
pub fn quote(text: &str) -> String {
    if typed_value(text).is_some() { quoted(text) } else { word(text) }
}

/// As [`quote`], where words are text whatever they look like.
fn word(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| in_word(c) && c != '\\');
    if plain && Keyword::of(text).is_none() { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}
