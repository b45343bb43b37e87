//! Completing what is being typed.

use flywheel_core::query::{Completion, complete, quote};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    fields,
    run::Sight,
    values::{self, LISTED},
};
use crate::error::ApiResult;

/// `{from, suggestions: [{display, value, type, facet}]}` for a query that is not finished.
pub(super) fn suggestions(db: &Connection, sight: &Sight, text: &str) -> ApiResult<Value> {
    let (from, suggestions) = match complete(text) {
        Completion::Nothing => (0, Vec::new()),
        Completion::Field { from, begun } => (from, of_fields(db, sight, &begun)?),
        Completion::Value { from, field, begun } => (from, of_values(db, sight, &field, &begun)?),
    };
    Ok(json!({"from": from, "suggestions": suggestions}))
}

fn begins(text: &str, begun: &str) -> bool {
    text.to_lowercase().starts_with(&begun.to_lowercase())
}

fn of_fields(db: &Connection, sight: &Sight, begun: &str) -> ApiResult<Vec<Value>> {
    let fields = fields::all(db, sight)?;
    let found = fields.iter().filter(|(name, _)| begins(name, begun)).take(LISTED);
    let shown = |(name, kind): (&String, &fields::Type)| json!({"display": name, "value": quote(name), "type": kind.name(), "facet": fields::faceted(name)});
    Ok(found.map(shown).collect())
}

fn of_values(db: &Connection, sight: &Sight, field: &str, begun: &str) -> ApiResult<Vec<Value>> {
    let tally = values::of_field(db, sight, field, |text| begins(text, begun))?;
    let shown = |value: Value| match value {
        Value::String(text) => json!({"display": text, "value": quote(&text)}),
        other => json!({"display": other.to_string(), "value": other.to_string()}),
    };
    Ok(tally.values().take(LISTED).map(shown).collect())
}
