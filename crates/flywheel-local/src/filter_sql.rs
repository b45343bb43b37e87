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
    kind::Kind,
    matching::{Pattern, Test, is_date},
    words::Words,
};

/// A condition and the values of its `?`s, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) sql: String,
    pub(crate) values: Vec<Sql>,
    /// How many rows meet it, as far as that is known beforehand.
    pub(crate) reach: Reach,
    /// What every document that meets it has in the index over words.
    pub(crate) words: Option<Words>,
}

/// How many rows meet a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Few, and an index finds them.
    Few,
    /// Few, and they are found by their numbers.
    Numbered,
    /// Nobody knows.
    Open,
    /// Perhaps very many, though an index finds them in the order of their ids: everything in a project.
    Many,
    /// Everything of a kind, with which indexes begin that go on with something else.
    Kind,
}

impl Reach {
    /// Whether few rows meet it.
    pub(crate) fn is_few(self) -> bool {
        matches!(self, Self::Few | Self::Numbered)
    }
}

impl Condition {
    /// A condition with values.
    pub(crate) fn new(sql: impl Into<String>, values: Vec<Sql>) -> Self {
        Self { sql: sql.into(), values, reach: Reach::Open, words: None }
    }

    /// The same, of documents with these words.
    pub(crate) fn with_words(self, words: Option<Words>) -> Self {
        Self { words, ..self }
    }

    /// The same with a known reach.
    pub(crate) fn reaching(self, reach: Reach) -> Self {
        Self { reach, ..self }
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
    /// The label of the container of this kind whose id is in this column.
    LabelOf { id: String, kind: Kind },
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

    /// Whether a filter on this field matches nothing, although rows can be sorted by it.
    fn unfiltered(&self, _field: &str) -> bool {
        false
    }

    /// The document of a row, an expression of SQL.
    fn doc(&self) -> &'static str;

    /// The index over the words of the documents, when there is one.
    fn indexed(&self) -> Option<Indexed> {
        None
    }
}

/// An index over the words of a table's documents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Indexed {
    /// The table of words.
    pub(crate) words: &'static str,
    /// The column of the documents by which it names them.
    pub(crate) row: &'static str,
    /// The number of the kind of document in its words.
    pub(crate) kind: u8,
}

/// Leaves the choice of the index to those conditions that few rows meet, when there are any: SQLite, which does not
/// know the values, would as soon walk through everything in the project.
pub(crate) fn prefer_few(conditions: &mut [Condition]) {
    let few = conditions.iter().any(|condition| condition.reach.is_few());
    let numbered = conditions.iter().any(|condition| condition.reach == Reach::Numbered);
    for condition in conditions {
        if (few && condition.reach == Reach::Many) || (numbered && condition.reach == Reach::Kind) {
            condition.sql.insert(0, '+');
        }
    }
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
    // The platform finds nothing by an empty text.
    let empty = clause.op == Op::Eq && clause.value == Wanted::Text(String::new());
    if empty || source.unfiltered(&clause.field) {
        return Ok(Condition::always(clause.op == Op::Ne));
    }
    let indexed = source.indexed();
    match source.place(&clause.field) {
        Place::Column(column, kind) => {
            let words = indexed.and_then(|_| words_of_column(&column, clause));
            Ok(on_column(&column, kind, clause).with_words(words))
        }
        Place::Doc(path) => {
            let words = indexed.and_then(|indexed| words_at(indexed.kind, &path, clause));
            Ok(in_doc(source.doc(), clause, &path).with_words(words))
        }
        Place::One { doc, from, path } => {
            let inner = in_doc(doc, clause, &path);
            let sql = format!("coalesce((SELECT {} FROM {from}), {})", inner.sql, without(clause, &path)?);
            Ok(Condition::new(sql, inner.values))
        }
        Place::LabelOf { id, kind } => {
            let inner = on_column("p.label", Type::Text, clause);
            let sql = match (clause.op, &clause.value) {
                // The labels are indexed, so the few that are equal come first.
                (Op::Eq, Wanted::Text(_)) => {
                    let from = format!("containers p WHERE p.kind = {} AND p.deleted IS NULL", kind.code());
                    format!("{id} IN (SELECT p.id FROM {from} AND {})", inner.sql)
                }
                _ => {
                    let from = format!("containers p WHERE p.id = {id}");
                    format!("coalesce((SELECT {} FROM {from}), {})", inner.sql, without(clause, "label")?)
                }
            };
            Ok(Condition::new(sql, inner.values).reaching(reach(clause.op, &id)))
        }
        Place::Any { doc, from, path } => {
            let (not, clause) = positive(clause);
            let inner = in_doc(doc, &clause, &path);
            Ok(Condition::new(format!("{not}EXISTS (SELECT 1 FROM {from} AND {})", inner.sql), inner.values))
        }
        Place::AnyColumn { column, from } => {
            let (not, clause) = positive(clause);
            let inner = on_column(column, Type::Id, &clause);
            Ok(Condition::new(format!("{not}EXISTS (SELECT 1 FROM {from} AND {})", inner.sql), inner.values))
        }
    }
}

/// The words of every document that has such a value at a path.
fn words_at(kind: u8, path: &str, clause: &Clause) -> Option<Words> {
    match (clause.op, &clause.value) {
        (Op::Eq, Wanted::Text(text) | Wanted::ObjectId(text)) => Words::text(kind, path, text),
        (Op::Eq, Wanted::Bool(truth)) => Words::truth(kind, path, *truth),
        (Op::Eq, Wanted::Number(number)) => Words::number(kind, path, *number),
        (Op::Lt | Op::Lte, Wanted::Number(number)) => Words::between(kind, path, None, Some(*number)),
        (Op::Gt | Op::Gte, Wanted::Number(number)) => Words::between(kind, path, Some(*number), None),
        (Op::Regex, Wanted::Pattern(pattern)) => Words::matching(pattern),
        _ => None,
    }
}

/// The words of every document with such a value in a column that no index of its own finds by it.
fn words_of_column(column: &str, clause: &Clause) -> Option<Words> {
    let name = column.split_once('.')?.1;
    match (clause.op, &clause.value) {
        (Op::Eq, Wanted::ObjectId(id) | Wanted::Text(id)) if name == "project_id" => {
            Some(Words::in_project(id))
        }
        (Op::Regex, Wanted::Pattern(pattern))
            if matches!(name, "label" | "uid" | "name" | "type" | "modality") =>
        {
            Words::matching(pattern)
        }
        _ => None,
    }
}

/// What a clause says of a document that does not have the field.
fn without(clause: &Clause, path: &str) -> ApiResult<i32> {
    let holds = Test::new(clause, path).and_then(|test| test.holds_for_part(None));
    holds.map(i32::from).map_err(ApiError::bad_request)
}

/// "No element equals" is "not (any element equals)".
fn positive(clause: &Clause) -> (&'static str, Clause) {
    match clause.op {
        Op::Ne => ("NOT ", Clause { op: Op::Eq, ..clause.clone() }),
        _ => ("", clause.clone()),
    }
}

/// A clause on a path inside a document: SQLite takes out what lies under the first key, the rest is matched there. The
/// clause goes along as text.
fn in_doc(doc: &str, clause: &Clause, path: &str) -> Condition {
    let written = Filter { clauses: vec![Clause { field: path.to_owned(), ..clause.clone() }] }.to_string();
    Condition::new(format!("part_matches({doc} -> ?, ?)"), vec![first_key(path).into(), written.into()])
}

/// The first key of a path as SQLite writes paths. A key with a quotation mark or a zero cannot be written;
/// it names nothing.
fn first_key(path: &str) -> String {
    let key = path.split('.').next().unwrap_or(path);
    format!("$.\"{}\"", key.replace(['"', '\0'], "\u{1}"))
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
    Condition::new(sql, vec![value]).reaching(reach(op, column))
}

/// What equality with a value of this column means.
fn reach(op: Op, column: &str) -> Reach {
    match column {
        _ if op != Op::Eq => Reach::Open,
        "c.id" | "c.uid" | "c.parent_id" | "c.subject_id" | "f.parent_id" | "f.file_id" => Reach::Few,
        "c.project_id" | "f.project_id" => Reach::Many,
        _ => Reach::Open,
    }
}

/// The terms of an ORDER BY, without the final one that makes the order total.
pub(crate) fn order_terms(sort: &Sort, source: &dyn Source) -> Vec<Condition> {
    sort.keys
        .iter()
        .map(|key| {
            let descending = key.order == Order::Descending;
            let direction = if descending { "DESC" } else { "ASC" };
            let by_doc = |doc: &str, path: String| {
                let sql = format!("part_sort_key({doc} -> ?, ?, {})", i32::from(descending));
                Condition::new(sql, vec![first_key(&path).into(), path.into()])
            };
            let mut term = match source.place(&key.path) {
                Place::Column(column, _) => Condition::new(column, Vec::new()),
                Place::Doc(path) => by_doc(source.doc(), path),
                Place::One { doc, from, path } | Place::Any { doc, from, path } => {
                    let inner = by_doc(doc, path);
                    Condition::new(format!("(SELECT {} FROM {from} LIMIT 1)", inner.sql), inner.values)
                }
                Place::LabelOf { id, .. } => Condition::new(
                    format!("(SELECT p.label FROM containers p WHERE p.id = {id})"),
                    Vec::new(),
                ),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rusqlite::{Connection, params_from_iter};
    use serde_json::{Value, json};

    use super::*;
    use crate::{list::Containers, store::functions};

    const OPS: [&str; 7] = ["=", "!=", "<", "<=", ">", ">=", "=~"];
    const VALUES: [&str; 10] = [
        "a",
        "b",
        r#""1""#,
        "1",
        "null",
        "true",
        "5eb0bf2e0a1b2c3d4e5f6071",
        r#""5eb0bf2e0a1b2c3d4e5f6071""#,
        "2020-01-02",
        r#""2020-01-02T00:00:00+00:00""#,
    ];

    fn database(docs: &[Value]) -> Connection {
        let db = Connection::open_in_memory().unwrap();
        functions::register(&db).unwrap();
        db.execute_batch(include_str!("store/schema.sql")).unwrap();
        for (n, doc) in docs.iter().enumerate() {
            let row = (n.to_string(), Kind::Session.code(), doc.to_string());
            db.execute("INSERT INTO containers (id, kind, doc) VALUES (?, ?, ?)", row).unwrap();
        }
        db
    }

    fn rows(db: &Connection, condition: Condition) -> Vec<usize> {
        let sql = format!("SELECT c.id FROM containers c WHERE {} ORDER BY c.id", condition.sql);
        let mut statement = db.prepare(&sql).unwrap();
        let rows =
            statement.query_map(params_from_iter(condition.values), |row| row.get::<_, String>(0)).unwrap();
        rows.map(|id| id.unwrap().parse().unwrap()).collect()
    }

    /// Every operator with every sort of value, on columns of text and of time and on documents beside each other.
    #[test]
    fn a_column_means_what_the_document_means() {
        let docs = [
            json!({}),
            json!({"label": null, "uid": null, "timestamp": null, "info": {"x": null}}),
            json!({"label": "a", "uid": "1", "timestamp": "2020-01-01T10:00:00.500000+00:00", "info": {"x": "a"}}),
            json!({"label": "b", "uid": "5eb0bf2e0a1b2c3d4e5f6071", "timestamp": "2020-01-02T00:00:00+00:00", "info": {"x": 1}}),
            json!({"label": "1", "uid": "b", "timestamp": "2020-01-02T00:00:00.001000+00:00", "info": {"x": ["a", true]}}),
        ];
        let db = database(&docs);
        for field in ["label", "uid", "timestamp", "info.x"] {
            for op in OPS {
                for value in VALUES {
                    let text = format!("{field}{op}{value}");
                    let filter: Filter = text.parse().unwrap();
                    let clause = &filter.clauses[0];
                    let test = Test::new(clause, field).unwrap();
                    let wanted: Vec<usize> =
                        (0..docs.len()).filter(|&n| test.holds(&docs[n]).unwrap()).collect();
                    let condition = conditions(&filter, &Containers(Kind::Session)).unwrap().remove(0);
                    assert_eq!(rows(&db, condition), wanted, "{text}");
                }
            }
        }
    }

    #[test]
    fn keys_that_cannot_be_written_in_a_path_name_nothing() {
        let db = database(&[json!({"a\"b": 1, "a": {"b": 1}})]);
        for path in ["a\"b", "a\"", "$", "a[0]"] {
            let clause = Clause { field: path.into(), op: Op::Ne, value: Wanted::Null, span: 0..0 };
            assert_eq!(rows(&db, in_doc("c.doc", &clause, path)), Vec::<usize>::new(), "{path}");
        }
    }
}
