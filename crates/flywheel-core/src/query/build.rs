//! Building a query in code.

use std::ops::{BitAnd, BitOr, Not};

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Op, Phrase, Query, Several, Term, Test};
use crate::operand::{comparisons, operands};

/// A field to ask something of, made by [`field`].
#[derive(Clone, Debug)]
#[must_use = "a field alone finds nothing; compare it"]
pub struct Field(String);

/// Begins a term about the field with this dotted path, such as `session.age`.
pub fn field(path: impl Into<String>) -> Field {
    Field(path.into())
}

impl Field {
    comparisons!(Phrase => Query,);

    /// The whole value matches the regular expression; write `.*x.*` for "somewhere".
    pub fn matches(self, pattern: impl Into<String>) -> Query {
        self.term(Test::Matches(pattern.into()))
    }

    /// The value is one of these, exactly. Without values nothing is found.
    pub fn in_list<T: Into<String>>(self, values: impl IntoIterator<Item = T>) -> Query {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        if values.is_empty() {
            // The grammar has no empty list.
            let missing = !field(self.0.clone()).exists();
            return self.exists() & missing;
        }
        self.term(Test::In(values))
    }

    /// The whole value, with `%` or `*` for any run of characters and `_` or `?` for one.
    pub fn like(self, pattern: impl Into<String>) -> Query {
        self.term(Test::Like(pattern.into()))
    }

    /// The text, of two characters or more, is found somewhere in the value, whatever the case.
    pub fn contains(self, text: impl Into<String>) -> Query {
        self.term(Test::Contains(text.into()))
    }

    /// The field is there, not null and not empty.
    pub fn exists(self) -> Query {
        self.term(Test::Exists)
    }

    fn compare(self, op: Op, phrase: Phrase) -> Query {
        self.term(Test::Compare(op, phrase))
    }

    fn term(self, test: Test) -> Query {
        Query::Term(Term { field: self.0, test, span: 0..0 })
    }
}

macro_rules! joined {
    ($($trait:ident $method:ident $variant:ident;)*) => {$(
        impl $trait for Query {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                let parts = |query| match query {
                    Self::$variant(Several(parts)) => parts,
                    single => vec![single],
                };
                let mut all = parts(self);
                all.extend(parts(other));
                Self::$variant(Several(all))
            }
        }
    )*};
}

joined! {
    BitAnd bitand And;
    BitOr bitor Or;
}

impl Not for Query {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }
}

operands! {
    Phrase:
    text => Self::of_text, id => Self::of_text, truth => |truth: bool| Self::of_word(truth.to_string()),
    time => |time: DateTime<Utc>| Self::of_word(time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
    number => |number| Self::of_word(number.to_string())
}
