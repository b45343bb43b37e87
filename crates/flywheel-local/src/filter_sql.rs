//! Filters and sort orders as SQL: on the indexed columns where there is one, on the document elsewhere.
//!
//! A [`Source`] says for a table where each field lies: in a column, in the document, in a row of another table. The
//! meaning is that of [`crate::matching`] in every case; `a_column_means_what_the_document_means` holds them together.

use flywheel_core::{
    filter::{Clause, Filter, Op, Value as Wanted},
    sort::{Order, Sort},
    time,
};
use rusqlite::types::Value as Sql;

use crate::{
    error::{ApiError, ApiResult},
    matching::{Pattern, Test, is_date},
};

/// A condition and the values of its `?`s, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) sql: String,
    pub(crate) values: Vec<Sql>,
}

impl Condition {
    /// A condition with values.
    pub(crate) fn new(sql: impl Into<String>, values: Vec<Sql>) -> Self {
        Self { sql: sql.into(), values }
    }

    fn always(truth: bool) -> Self {
        Self::new(if truth { "TRUE" } else { "FALSE" }, Vec::new())
    }
}

/// Where a field lies.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Place {
    /// In a column of this type, an expression of SQL.
    Column(String, Type),
    /// In the document of the row, at this path.
    Doc(String),
    /// In the document of one other row: `SELECT {doc} FROM {from}`; the path inside it.
    One { doc: &'static str, from: String, path: String },
    /// In the documents of other rows, of which any may match.
    Any { doc: &'static str, from: String, path: String },
    /// In a column of other rows, of which any may match: `SELECT 1 FROM {from} WHERE …`.
    AnyColumn { column: &'static str, from: String },
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// Free text: an id-like value never matches it.
    Text,
    /// Ids.
    Id,
    /// Instants.
    Time,
    /// Numbers.
    Number,
}

/// A table that can be listed.
pub(crate) trait Source {
    /// Where a field lies.
    fn place(&self, field: &str) -> Place;

    /// The document of a row, an expression of SQL.
    fn doc(&self) -> &'static str;
}

/// The conditions of a filter, all of which must hold.
///
/// # Errors
/// 400 for a pattern that is no regular expression.
pub(crate) fn conditions(filter: &Filter, source: &dyn Source) -> ApiResult<Vec<Condition>> {
    filter.clauses.iter().map(|clause| condition(clause, source)).collect()
}

fn condition(clause: &Clause, source: &dyn Source) -> ApiResult<Condition> {
    if let Wanted::Pattern(pattern) = &clause.value {
        Pattern::new(pattern).map_err(ApiError::bad_request)?;
    }
    match source.place(&clause.field) {
        Place::Column(column, kind) => Ok(on_column(&column, kind, clause)),
        Place::Doc(path) => {
            Ok(Condition::new(format!("doc_matches({}, ?)", source.doc()), vec![written(clause, &path)]))
        }
        Place::One { doc, from, path } => {
            let missing = Test::new(clause, &path).and_then(|test| test.holds(&serde_json::Value::Null));
            let missing = missing.map_err(ApiError::bad_request)?;
            let sql = format!("coalesce((SELECT doc_matches({doc}, ?) FROM {from}), {})", i32::from(missing));
            Ok(Condition::new(sql, vec![written(clause, &path)]))
        }
        Place::Any { doc, from, path } => {
            let (not, clause) = positive(clause);
            let sql = format!("{not}EXISTS (SELECT 1 FROM {from} AND doc_matches({doc}, ?))");
            Ok(Condition::new(sql, vec![written(&clause, &path)]))
        }
        Place::AnyColumn { column, from } => {
            let (not, clause) = positive(clause);
            let inner = on_column(column, Type::Id, &clause);
            Ok(Condition::new(format!("{not}EXISTS (SELECT 1 FROM {from} AND {})", inner.sql), inner.values))
        }
    }
}

/// "No element equals" is "not (any element equals)".
fn positive(clause: &Clause) -> (&'static str, Clause) {
    match clause.op {
        Op::Ne => ("NOT ", Clause { op: Op::Eq, ..clause.clone() }),
        _ => ("", clause.clone()),
    }
}

/// The clause as text, for `doc_matches` to read again, on the path inside the document.
fn written(clause: &Clause, path: &str) -> Sql {
    Filter { clauses: vec![Clause { field: path.to_owned(), ..clause.clone() }] }.to_string().into()
}

fn on_column(column: &str, kind: Type, clause: &Clause) -> Condition {
    let (op, wanted) = (clause.op, &clause.value);
    let value: Sql = match (kind, wanted) {
        (_, Wanted::Null) => {
            return match op {
                Op::Eq | Op::Lte | Op::Gte => Condition::new(format!("{column} IS NULL"), Vec::new()),
                Op::Ne => Condition::new(format!("{column} IS NOT NULL"), Vec::new()),
                Op::Lt | Op::Gt | Op::Regex => Condition::always(false),
            };
        }
        (Type::Text | Type::Id, Wanted::Pattern(pattern)) => {
            return Condition::new(format!("text_matches({column}, ?)"), vec![pattern.clone().into()]);
        }
        (Type::Time, Wanted::Pattern(pattern)) => {
            return Condition::new(format!("text_matches({column}, ?)"), vec![pattern.clone().into()]);
        }
        (Type::Text | Type::Id, Wanted::Text(text)) | (Type::Id, Wanted::ObjectId(text)) => {
            text.clone().into()
        }
        (Type::Time, Wanted::Text(text)) => text.clone().into(),
        (Type::Time, Wanted::Time(instant)) => time::format(*instant).into(),
        (Type::Number, Wanted::Number(number)) => (*number).into(),
        _ => return Condition::always(op == Op::Ne),
    };
    let sql = match op {
        Op::Eq => format!("{column} = ?"),
        Op::Ne => format!("{column} IS NOT ?"),
        Op::Lt => format!("{column} < ?"),
        Op::Lte => format!("{column} <= ?"),
        Op::Gt => format!("{column} > ?"),
        Op::Gte => format!("{column} >= ?"),
        Op::Regex => return Condition::always(false),
    };
    Condition::new(sql, vec![value])
}

/// The terms of an ORDER BY, without the final one that makes the order total.
pub(crate) fn order_terms(sort: &Sort, source: &dyn Source) -> Vec<Condition> {
    sort.keys
        .iter()
        .map(|key| {
            let descending = key.order == Order::Descending;
            let direction = if descending { "DESC" } else { "ASC" };
            let by_doc = |doc: &str, path: String| {
                Condition::new(
                    format!("doc_sort_key({doc}, ?, {})", i32::from(descending)),
                    vec![path.into()],
                )
            };
            let mut term = match source.place(&key.path) {
                Place::Column(column, _) => Condition::new(column, Vec::new()),
                Place::Doc(path) => by_doc(source.doc(), path),
                Place::One { doc, from, path } | Place::Any { doc, from, path } => {
                    let inner = by_doc(doc, path);
                    Condition::new(format!("(SELECT {} FROM {from} LIMIT 1)", inner.sql), inner.values)
                }
                Place::AnyColumn { .. } => Condition::new("NULL", Vec::new()),
            };
            term.sql = format!("{} {direction}", term.sql);
            term
        })
        .collect()
}

/// The type of a document field that is kept in a column as text.
pub(crate) fn column_type(field: &str) -> Type {
    if is_date(field) { Type::Time } else { Type::Text }
}
