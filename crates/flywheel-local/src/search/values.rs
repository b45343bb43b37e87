//! The values that a field has over many documents: facets of a search, aggregates and suggestions.

use std::collections::BTreeMap;

use rusqlite::{Connection, params_from_iter, types::Value as Sql};
use serde_json::{Value, json};

use super::{
    answer::{Hit, Shelf},
    check::visit,
    compile::{Column, Compiled, json_path},
    level::Level,
    node::split,
    run::Sight,
};
use crate::error::ApiResult;

/// How many values are listed.
pub(super) const LISTED: usize = 15;

/// How many documents are read for the values of a field that no index holds, newest first.
const READ: usize = 20_000;

/// The fields that facets count.
const FACETS: [&str; 9] = [
    "group.label",
    "project.label",
    "subject.sex",
    "session.operator",
    "acquisition.label",
    "file.type",
    "file.modality",
    "file.classification.Intent",
    "file.classification.Measurement",
];

/// Values and how often they occur.
#[derive(Debug, Default)]
pub(super) struct Tally {
    texts: BTreeMap<String, usize>,
    numbers: Vec<f64>,
}

impl Tally {
    fn add(&mut self, leaf: &Value) {
        match leaf {
            Value::String(text) if !text.is_empty() => *self.texts.entry(text.clone()).or_default() += 1,
            Value::Bool(truth) => *self.texts.entry(truth.to_string()).or_default() += 1,
            Value::Number(number) => self.numbers.extend(number.as_f64()),
            _ => {}
        }
    }

    /// `{buckets: [{key, doc_count}]}` of the most frequent texts, or the statistics of the numbers.
    pub(super) fn summary(&self) -> Value {
        if self.texts.is_empty() && !self.numbers.is_empty() {
            let sum: f64 = self.numbers.iter().sum();
            let fold = |start, least: fn(f64, f64) -> f64| self.numbers.iter().copied().fold(start, least);
            return json!({
                "count": self.numbers.len(), "sum": sum, "avg": sum / self.numbers.len() as f64,
                "min": fold(f64::INFINITY, f64::min), "max": fold(f64::NEG_INFINITY, f64::max),
            });
        }
        let mut counted: Vec<(&String, &usize)> = self.texts.iter().collect();
        counted.sort_by_key(|&(text, &count)| (std::cmp::Reverse(count), text));
        let bucket = |(key, count)| json!({"key": key, "doc_count": count});
        json!({"buckets": counted.into_iter().take(LISTED).map(bucket).collect::<Vec<_>>()})
    }

    /// The values in order: texts, then numbers.
    pub(super) fn values(&self) -> impl Iterator<Item = Value> {
        let mut numbers = self.numbers.clone();
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        let whole = |number: f64| {
            if number.fract() == 0.0 && number.abs() < 9e15 { json!(number as i64) } else { json!(number) }
        };
        self.texts
            .keys()
            .map(|text| json!(text))
            .chain(numbers.into_iter().map(whole))
            .collect::<Vec<_>>()
            .into_iter()
    }
}

/// `{field: {buckets: …}}` over results.
pub(super) fn facets(shelf: &mut Shelf<'_>, hits: &[Hit]) -> ApiResult<Value> {
    let mut facets = serde_json::Map::new();
    for name in FACETS {
        let (head, path) = split(name);
        let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
        let mut tally = Tally::default();
        for hit in hits {
            if head == "file" {
                if hit.above.last().is_none_or(|(_, id)| *id != hit.id) {
                    visit(&Value::Object(hit.doc.clone()), &keys, &mut |leaf| tally.add(leaf));
                }
                continue;
            }
            let Some((_, id)) = hit.above.iter().find(|(level, _)| level.name() == head) else { continue };
            if let Some(container) = shelf.container(id)? {
                visit(&Value::Object(container.doc.clone()), &keys, &mut |leaf| tally.add(leaf));
            }
        }
        facets.insert(name.to_owned(), tally.summary());
    }
    Ok(facets.into())
}

/// The values that a field has in what is seen, those that pass alone.
pub(super) fn of_field(
    db: &Connection,
    sight: &Sight,
    field: &str,
    passes: impl Fn(&str) -> bool,
) -> ApiResult<Tally> {
    let mut tally = Tally::default();
    let (head, path) = split(field);
    let Some(level) = Level::parse(head).filter(|_| !path.is_empty()) else { return Ok(tally) };
    let (key, rest) = split(path);
    let rest: Vec<String> = rest.split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect();
    let (seen, values) = seen(sight, level);
    let mut values = values;
    let (column, rows) =
        (Column::of(level, path), format!("{} d WHERE {}{seen}", level.table(), level.rows("d")));
    let sql = match column {
        Some(column) => {
            let column = column.behind("d");
            format!("SELECT json_quote({column}) FROM {rows} ORDER BY d.{} DESC LIMIT {READ}", level.id())
        }
        None => {
            values.insert(0, json_path(key).into());
            format!("SELECT d.doc -> ? FROM {rows} ORDER BY d.{} DESC LIMIT {READ}", level.id())
        }
    };
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query(params_from_iter(values))?;
    let path = if column.is_some() { &[][..] } else { &rest[..] };
    while let Some(row) = found.next()? {
        let Some(text) = row.get::<_, Option<String>>(0)? else { continue };
        let part: Value = serde_json::from_str(&text)?;
        visit(&part, path, &mut |leaf| {
            let text = leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned);
            if passes(&text) {
                tally.add(leaf);
            }
        });
    }
    Ok(tally)
}

/// The condition, beginning with AND, that a caller sees the rows `d` of a level, and its values.
pub(super) fn seen(sight: &Sight, level: Level) -> (String, Vec<Sql>) {
    match sight.condition(level) {
        Some(Compiled::Sometimes { check, .. }) => (format!(" AND {}", check.sql), check.values),
        Some(Compiled::Always(false)) => (" AND FALSE".to_owned(), Vec::new()),
        Some(Compiled::Always(true)) | None => (String::new(), Vec::new()),
    }
}
