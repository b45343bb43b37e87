//! The filter of a view against one row. Unlike a filter on containers, a value is brought to the type of what it is
//! compared with: the text `"7"` of a table is greater than `5`.

use std::cmp::Ordering;

use serde_json::Value;

use super::{
    names::Regex,
    plan::{OutputColumn, Parts, ViewError},
    value::{number, text},
};
use crate::{
    filter::{Clause, Op, Value as Wanted},
    time,
};

/// A clause made ready.
#[derive(Clone, Debug)]
pub struct Condition {
    column: OutputColumn,
    op: Op,
    wanted: Wanted,
    pattern: Option<Regex>,
}

impl Condition {
    /// Makes a clause about a column ready.
    ///
    /// # Errors
    /// When its pattern is no regular expression.
    pub(super) fn new(clause: &Clause, column: OutputColumn) -> Result<Self, ViewError> {
        let pattern = match &clause.value {
            Wanted::Pattern(source) => Some(Regex::anchored(source, false)?),
            _ => None,
        };
        Ok(Self { column, op: clause.op, wanted: clause.value.clone(), pattern })
    }

    /// Whether it holds for a row. A list is compared by its elements: any may be equal, none when unequal is asked for.
    pub fn holds(&self, parts: &impl Parts) -> bool {
        let value = self.column.value(parts).unwrap_or_default();
        let leaves = match &value {
            Value::Array(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        };
        let any =
            |accept: fn(Ordering) -> bool| leaves.iter().any(|leaf| self.compare(leaf).is_some_and(accept));
        match self.op {
            Op::Eq => any(Ordering::is_eq),
            Op::Ne => !any(Ordering::is_eq),
            Op::Lt => any(Ordering::is_lt),
            Op::Lte => any(Ordering::is_le),
            Op::Gt => any(Ordering::is_gt),
            Op::Gte => any(Ordering::is_ge),
            Op::Regex => {
                let pattern = self.pattern.as_ref();
                let text_of = |leaf: &Value| (!leaf.is_null()).then(|| text(leaf));
                leaves.iter().filter_map(text_of).any(|text| pattern.is_some_and(|p| p.matches(&text)))
            }
        }
    }

    fn compare(&self, found: &Value) -> Option<Ordering> {
        match &self.wanted {
            Wanted::Null => found.is_null().then_some(Ordering::Equal),
            _ if found.is_null() => None,
            Wanted::Number(wanted) => number(found)?.as_f64().partial_cmp(wanted),
            Wanted::Bool(wanted) => match found {
                Value::Bool(found) => Some(found.cmp(wanted)),
                Value::String(found) => {
                    found.trim().to_ascii_lowercase().parse::<bool>().ok().map(|f| f.cmp(wanted))
                }
                _ => None,
            },
            Wanted::Time(wanted) => time::parse_utc(found.as_str()?).ok().map(|found| found.cmp(wanted)),
            Wanted::Text(wanted) | Wanted::ObjectId(wanted) => Some(text(found).as_str().cmp(wanted)),
            Wanted::Pattern(_) => None,
        }
    }
}
