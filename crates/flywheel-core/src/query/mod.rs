//! FlyQL, the query language of the search: `file.type = dicom AND session.age >= 631152000`, read with spans, written
//! with the quoting that keeps its meaning, built in code, and completed while it is typed.
//!
//! ```text
//! query  := query OR query | query AND query | NOT query | "(" query ")" | term      AND binds tighter than OR
//! term   := field op phrase | field IN "[" phrase ("," phrase)* "]"
//!         | field LIKE phrase | field CONTAINS phrase | field EXISTS
//! op     := = == != <> < <= > >= =~ !~
//! field, phrase := word | '"' text '"'
//! word   := characters other than ' " [ ] ( ) , and white space
//! ```
//!
//! Operators stand between spaces: `a=b` is one word. Keywords are all upper or all lower case. An unquoted phrase that
//! looks like a truth value, a number or a date is one for the comparisons; quotes force text. In quotes `\"`, `\\` and
//! `\n` stand for a quotation mark, a backslash and a line break.
//!
//! ```
//! use flywheel_core::query::{Query, field};
//!
//! let built = field("file.classification.Measurement").eq("T1")
//!     & field("session.age").gte(631_152_000)
//!     & !field("acquisition.label").contains("SBRef");
//! assert_eq!(
//!     built.to_string(),
//!     "file.classification.Measurement = T1 AND session.age >= 631152000 AND NOT acquisition.label CONTAINS SBRef"
//! );
//! assert_eq!(built, built.to_string().parse::<Query>()?);
//!
//! let error = "file.type is dicom".parse::<Query>().unwrap_err();
//! assert_eq!(error.to_string(), "Unknown operator: 'is'\n  file.type is dicom\n            ^^");
//! # Ok::<(), flywheel_core::syntax::ParseError>(())
//! ```

mod build;
mod complete;
mod lex;
mod parse;
#[cfg(test)]
mod tests;
mod write;

use std::ops::{Deref, Range};

use chrono::{DateTime, Utc};

use crate::{syntax::try_from_text, time};

pub use self::{
    build::{Field, field},
    complete::{Completion, complete},
    parse::{MAX_DEPTH, Place, parse, place},
    write::quote,
};
pub use crate::syntax::ParseError;

/// A condition on one document of the search.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// All of these hold.
    And(Several),
    /// At least one of these holds.
    Or(Several),
    /// This does not hold.
    Not(Box<Query>),
    /// A single test.
    Term(Term),
}

try_from_text!(Query, ParseError);

/// Two or more queries under one AND or OR.
#[derive(Clone, Debug, PartialEq)]
pub struct Several(Vec<Query>);

impl Deref for Several {
    type Target = [Query];

    fn deref(&self) -> &[Query] {
        &self.0
    }
}

/// One field under one test. Equality ignores the span.
#[derive(Clone, Debug)]
pub struct Term {
    /// Dotted path that begins with the kind of container: `session.age`, `file.info.qc.snr`.
    pub field: String,
    /// What is asked of it.
    pub test: Test,
    /// Where the term stood in the text it was read from, in bytes; empty for a built term.
    pub span: Range<usize>,
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        (&self.field, &self.test) == (&other.field, &other.test)
    }
}

/// What is asked of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// A comparison with a value.
    Compare(Op, Phrase),
    /// `=~`: a regular expression that the whole value must match.
    Matches(String),
    /// `!~`: the opposite, which also holds where the field is missing.
    NotMatches(String),
    /// `IN`: one of these, exactly.
    In(Vec<String>),
    /// `LIKE`: the whole value, with `%` or `*` for any run and `_` or `?` for one character.
    Like(String),
    /// `CONTAINS`: found anywhere, whatever the case.
    Contains(String),
    /// `EXISTS`: there, not null, not empty.
    Exists,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `=`; on a list, any element.
    Eq,
    /// `!=`; also holds where the field is missing.
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Lte,
    /// `>`
    Gt,
    /// `>=`
    Gte,
}

impl Op {
    /// The operator as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Lte => "<=",
            Self::Gt => ">",
            Self::Gte => ">=",
        }
    }
}

/// What a field is compared with: text, or a word that stands for a truth value, a number or a date.
///
/// A word keeps its spelling, since in a field of text it is compared as the text it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    text: String,
    typed: bool,
}

impl Phrase {
    /// Text, whatever it looks like.
    pub fn of_text(text: impl Into<String>) -> Self {
        Self { text: text.into(), typed: false }
    }

    /// What an unquoted word stands for.
    pub fn of_word(word: impl Into<String>) -> Self {
        let text = word.into();
        let typed = typed_value(&text).is_some();
        Self { text, typed }
    }

    /// The spelling, without quotes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it stands for something other than text.
    pub fn is_typed(&self) -> bool {
        self.typed
    }

    /// What it stands for.
    pub fn value(&self) -> Value {
        let typed = if self.typed { typed_value(&self.text) } else { None };
        typed.unwrap_or_else(|| Value::Text(self.text.clone()))
    }
}

/// The value of a phrase.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// An instant; a day is its beginning in UTC.
    Time(DateTime<Utc>),
}

/// What a word stands for when it is not text.
fn typed_value(word: &str) -> Option<Value> {
    match word {
        "true" => return Some(Value::Bool(true)),
        "false" => return Some(Value::Bool(false)),
        _ => {}
    }
    if let Some(time) = time::parse_in_filter(word) {
        return Some(Value::Time(time));
    }
    let plain = word.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    let number: f64 = plain.then(|| word.parse().ok())??;
    number.is_finite().then_some(Value::Number(number))
}
