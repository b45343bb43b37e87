//! What is searched for, whichever way it was asked: a tree of tests on fields.

use flywheel_core::query::{Op, Phrase, Query, Term, Test as Asked};
use serde::{Deserialize, Serialize};

use super::{level::Level, pattern};
use crate::error::{ApiError, ApiResult};

/// A condition on one document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// All of these; without any, everything.
    All(Vec<Node>),
    /// Any of these; without any, nothing.
    Any(Vec<Node>),
    Not(Box<Node>),
    /// A test on the field with this dotted path.
    Field(String, Test),
    /// The text is found in some text of the document or of what lies above it.
    Text(String),
}

/// A test on the values of a field, of which any may pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Test {
    /// One of these, exactly.
    OneOf(Vec<Wanted>),
    /// Within all of these bounds.
    Range(Vec<(Bound, Wanted)>),
    /// The whole value, as the regular expression of [`pattern::of_regex`].
    Matches(String),
    /// The whole value, as `LIKE` writes it.
    Like(String),
    /// Anywhere in the value, whatever the case.
    Contains(String),
    /// There, not null, not empty.
    Exists,
}

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Bound {
    Lt,
    Lte,
    Gt,
    Gte,
}

impl Bound {
    /// As SQL and the query language write it.
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Lt => "<",
            Self::Lte => "<=",
            Self::Gt => ">",
            Self::Gte => ">=",
        }
    }
}

/// A value to compare with: its spelling, and whether it may stand for a number, a date or a truth value too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wanted {
    pub(super) text: String,
    pub(super) word: bool,
}

impl Wanted {
    /// A word that stands for what it looks like, and for itself in a field of text.
    pub(super) fn word(text: impl Into<String>) -> Self {
        Self { text: text.into(), word: true }
    }

    /// The phrase of the query language.
    pub(super) fn phrase(&self) -> Phrase {
        if self.word { Phrase::of_word(&self.text) } else { Phrase::of_text(&self.text) }
    }
}

impl Node {
    /// What a query in the query language asks for.
    ///
    /// # Errors
    /// 422 for a regular expression that is none.
    pub(super) fn of_query(query: &Query) -> ApiResult<Self> {
        let parts = |several: &[Query]| several.iter().map(Self::of_query).collect::<ApiResult<Vec<_>>>();
        Ok(match query {
            Query::And(several) => Self::All(parts(several)?),
            Query::Or(several) => Self::Any(parts(several)?),
            Query::Not(inner) => Self::Not(Box::new(Self::of_query(inner)?)),
            Query::Term(term) => Self::of_term(term)?,
        })
    }

    fn of_term(term: &Term) -> ApiResult<Self> {
        let wanted = |phrase: &Phrase| Wanted { text: phrase.text().to_owned(), word: phrase.is_typed() };
        let matches =
            |source: &str| pattern::of_regex(source).map(Test::Matches).map_err(ApiError::unprocessable);
        let bound = |bound, phrase| Test::Range(vec![(bound, wanted(phrase))]);
        let (not, test) = match &term.test {
            Asked::Compare(Op::Eq, phrase) => (false, Test::OneOf(vec![wanted(phrase)])),
            Asked::Compare(Op::Ne, phrase) => (true, Test::OneOf(vec![wanted(phrase)])),
            Asked::Compare(Op::Lt, phrase) => (false, bound(Bound::Lt, phrase)),
            Asked::Compare(Op::Lte, phrase) => (false, bound(Bound::Lte, phrase)),
            Asked::Compare(Op::Gt, phrase) => (false, bound(Bound::Gt, phrase)),
            Asked::Compare(Op::Gte, phrase) => (false, bound(Bound::Gte, phrase)),
            Asked::Matches(source) => (false, matches(source)?),
            Asked::NotMatches(source) => (true, matches(source)?),
            Asked::In(values) => (false, Test::OneOf(values.iter().map(Wanted::word).collect())),
            Asked::Like(like) => (false, Test::Like(like.clone())),
            Asked::Contains(text) => (false, Test::Contains(text.clone())),
            Asked::Exists => (false, Test::Exists),
        };
        let node = Self::Field(term.field.clone(), test);
        Ok(if not { Self::Not(Box::new(node)) } else { node })
    }

    /// How many tests it makes of a document.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::count).sum(),
            Self::Not(inner) => inner.count(),
            Self::Field(..) | Self::Text(_) => 1,
        }
    }

    /// Calls `visit` with the level of each field, `None` for those of the whole document.
    pub(super) fn levels(&self, visit: &mut impl FnMut(Option<Level>)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.levels(visit)),
            Self::Not(inner) => inner.levels(visit),
            Self::Field(name, _) => match split(name).0 {
                "parent" => [Level::Analysis, Level::File].into_iter().for_each(|level| visit(Some(level))),
                head => Level::parse(head).into_iter().for_each(|level| visit(Some(level))),
            },
            Self::Text(_) => visit(None),
        }
    }
}

/// The first key of a dotted path and the rest.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.split_once('.').unwrap_or((path, ""))
}
