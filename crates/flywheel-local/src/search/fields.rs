//! The fields that can be searched: those that the platform fills, and those found in free metadata.

use std::collections::BTreeMap;

use rusqlite::{Connection, params_from_iter};
use serde_json::{Map, Value, json};

use super::{level::Level, run::Sight, values};
use crate::error::ApiResult;

/// The type of a field, as the index calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Integer,
    Float,
    Date,
    Bool,
}

impl Type {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Date => "date",
            Self::Bool => "boolean",
        }
    }

    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(_) => Some(Self::Text),
            Value::Number(number) if number.is_f64() => Some(Self::Float),
            Value::Number(_) => Some(Self::Integer),
            Value::Bool(_) => Some(Self::Bool),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// Of how many documents of a level, the newest, the free metadata is read.
const SAMPLE: usize = 300;

/// The most fields of free metadata that are listed.
const MOST: usize = 5_000;

type Names = &'static [&'static str];

/// Fields by level: text, then dates, then numbers.
const KNOWN: &[(Level, Names, Names, Names)] = &[
    (Level::Group, &["_id", "label", "tags"], &["created", "modified"], &[]),
    (Level::Project, &["_id", "label", "description", "tags"], &["created", "modified"], &[]),
    (
        Level::Subject,
        &["_id", "code", "label", "sex", "type", "species", "strain", "race", "ethnicity", "cohort", "tags"],
        &["created", "modified"],
        &[],
    ),
    (
        Level::Session,
        &["_id", "label", "operator", "uid", "tags"],
        &["created", "modified", "timestamp"],
        &["age", "weight"],
    ),
    (Level::Acquisition, &["_id", "label", "uid", "tags"], &["created", "modified", "timestamp"], &[]),
    (
        Level::Analysis,
        &["_id", "label", "description", "job", "gear_info.name", "gear_info.version", "tags"],
        &["created", "modified"],
        &[],
    ),
    (
        Level::File,
        &[
            "name",
            "type",
            "mimetype",
            "modality",
            "classification.Intent",
            "classification.Measurement",
            "classification.Features",
            "classification.Custom",
            "origin.type",
            "origin.id",
            "tags",
        ],
        &["created", "modified"],
        &["size"],
    ),
];

/// Which fields have few values, so that a choice of them can be offered.
const FACETED: [&str; 12] = [
    "group.label",
    "project.label",
    "subject.sex",
    "subject.species",
    "subject.type",
    "session.operator",
    "acquisition.label",
    "file.type",
    "file.modality",
    "file.classification.Intent",
    "file.classification.Measurement",
    "file.classification.Features",
];

/// Whether a choice of values can be offered for a field.
pub(super) fn faceted(name: &str) -> bool {
    FACETED.contains(&name)
}

/// Every field by its name, those of free metadata as far as the caller sees documents that have them.
pub(super) fn all(db: &Connection, sight: &Sight) -> ApiResult<BTreeMap<String, Type>> {
    let mut fields = BTreeMap::new();
    for (level, texts, dates, numbers) in KNOWN {
        for (names, kind) in [(texts, Type::Text), (dates, Type::Date), (numbers, Type::Integer)] {
            fields.extend(names.iter().map(|name| (format!("{}.{name}", level.name()), kind)));
        }
        sample(db, sight, *level, &mut fields)?;
    }
    fields.insert("session.weight".into(), Type::Float);
    Ok(fields)
}

fn sample(
    db: &Connection,
    sight: &Sight,
    level: Level,
    fields: &mut BTreeMap<String, Type>,
) -> ApiResult<()> {
    let (seen, bound) = values::seen(sight, level);
    let sql = format!(
        "SELECT d.doc -> '$.info' FROM {} d WHERE {}{seen} ORDER BY d.{} DESC LIMIT {SAMPLE}",
        level.table(),
        level.rows("d"),
        level.id()
    );
    let mut statement = db.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(bound))?;
    while let Some(row) = rows.next()? {
        let Some(info) = row.get::<_, Option<String>>(0)? else { continue };
        gather(&format!("{}.info", level.name()), &serde_json::from_str(&info)?, fields);
    }
    Ok(())
}

fn gather(name: &str, value: &Value, fields: &mut BTreeMap<String, Type>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, inner)| gather(&format!("{name}.{key}"), inner, fields))
        }
        Value::Array(items) => items.iter().for_each(|item| gather(name, item, fields)),
        leaf => {
            if let Some(kind) = Type::of(leaf).filter(|_| fields.len() < MOST) {
                fields.entry(name.to_owned()).or_insert(kind);
            }
        }
    }
}

/// `{name, type, facet}` of the fields in whose name a text is found.
pub(super) fn listed(fields: &BTreeMap<String, Type>, wanted: &str) -> Vec<Value> {
    let wanted = wanted.to_lowercase();
    let found = fields.iter().filter(|(name, _)| name.to_lowercase().contains(&wanted));
    found.map(|(name, kind)| json!({"name": name, "type": kind.name(), "facet": faceted(name)})).collect()
}

/// What lies directly below a dotted path: the name of each field with its type, `object` where more lies below.
pub(super) fn below(fields: &BTreeMap<String, Type>, path: &str) -> Value {
    let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
    let mut found = Map::new();
    for (name, kind) in fields {
        let Some(rest) = name.strip_prefix(&prefix) else { continue };
        let (key, kind) = rest.split_once('.').map_or((rest, kind.name()), |(key, _)| (key, "object"));
        found.entry(key).or_insert_with(|| json!({"type": kind}));
    }
    found.into()
}
