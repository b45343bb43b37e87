//! Building a query in code.

use std::ops::{BitAnd, BitOr, Not};

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, SecondsFormat, Utc};

use super::{Op, Phrase, Query, Several, Term, Test};
use crate::id::ObjectId;

/// A field to ask something of, made by [`field`].
#[derive(Clone, Debug)]
#[must_use = "a field alone finds nothing; compare it"]
pub struct Field(String);

/// Begins a term about the field with this dotted path, such as `session.age`.
pub fn field(path: impl Into<String>) -> Field {
    Field(path.into())
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident => $op:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(self, value: impl Into<Phrase>) -> Query {
            self.term(Test::Compare(Op::$op, value.into()))
        }
    )*};
}

impl Field {
    comparisons! {
        /// Equal; on a list, any element equals.
        eq => Eq;
        /// Not equal; also holds where the field is missing.
        ne => Ne;
        /// Less.
        lt => Lt;
        /// Less or equal.
        lte => Lte;
        /// Greater.
        gt => Gt;
        /// Greater or equal.
        gte => Gte;
    }

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

macro_rules! phrase_from {
    ($($type:ty => |$v:ident| $value:expr;)*) => {$(
        impl From<$type> for Phrase {
            fn from($v: $type) -> Self { $value }
        }
    )*};
}

phrase_from! {
    &str => |v| Self::of_text(v);
    String => |v| Self::of_text(v);
    &String => |v| Self::of_text(v);
    ObjectId => |v| Self::of_text(v.to_string());
    &ObjectId => |v| Self::of_text(v.to_string());
    bool => |v| Self::of_word(v.to_string());
    f64 => |v| Self::of_word(v.to_string());
    f32 => |v| Self::of_word(v.to_string());
    i32 => |v| Self::of_word(v.to_string());
    u32 => |v| Self::of_word(v.to_string());
    i64 => |v| Self::of_word(v.to_string());
    u64 => |v| Self::of_word(v.to_string());
    usize => |v| Self::of_word(v.to_string());
    DateTime<Utc> => |v| Self::of_word(v.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    DateTime<FixedOffset> => |v| v.to_utc().into();
    NaiveDate => |v| v.and_time(NaiveTime::MIN).and_utc().into();
}
