//! From rows to a result: the filter, gaps, groups, the order, skip and limit. Rows without their file come last.

use std::{ops::ControlFlow, path::Path};

use flywheel_core::{
    sort,
    view::{
        OutputColumn, Parts, Plan,
        accumulate::Groups,
        plan::ERRORS,
        value::{self, ColumnType},
    },
};
use serde_json::Value;

use super::{
    request::{Order, sort_places},
    spool::{Named, Spool},
};
use crate::error::ApiResult;

/// Whether more rows are wanted.
pub(super) type Flow = ControlFlow<()>;

/// Takes rows one by one.
pub(super) struct Sink<'a> {
    plan: &'a Plan,
    order: &'a Order,
    folder: &'a Path,
    /// Every column, once the fields of records are known.
    columns: Option<Vec<OutputColumn>>,
    /// How many of them are fields that a file itself brought.
    own_fields: usize,
    /// Rows that come last, in the columns of the plan.
    late: Option<Spool>,
    groups: Option<Groups>,
    sorter: Option<Sorter>,
    passed: u64,
    result: Spool,
}

/// Rows with the keys that order them.
struct Sorter {
    rows: Spool,
    places: Vec<usize>,
    keys: Vec<(Vec<Value>, u64)>,
}

impl<'a> Sink<'a> {
    /// One for a plan; its files lie in this folder.
    pub(super) fn new(plan: &'a Plan, order: &'a Order, folder: &'a Path) -> ApiResult<Self> {
        let mut sink = Self {
            plan,
            order,
            folder,
            columns: None,
            own_fields: 0,
            late: None,
            groups: plan.grouped.map(|keys| {
                let others = plan.columns.iter().skip(keys).map(|column| column.accumulator);
                Groups::new(keys, others.collect())
            }),
            sorter: None,
            passed: 0,
            result: Spool::new(folder)?,
        };
        if plan.own_fields_at.is_none() {
            sink.settle(&[])?;
        }
        Ok(sink)
    }

    /// Learns the fields of the first record that is read.
    pub(super) fn learn(&mut self, fields: impl Iterator<Item = String>) -> ApiResult<()> {
        if self.columns.is_some() {
            return Ok(());
        }
        self.settle(&fields.collect::<Vec<_>>())
    }

    fn settle(&mut self, fields: &[String]) -> ApiResult<()> {
        let mut columns = self.plan.columns.clone();
        let at = self.plan.own_fields_at.unwrap_or(columns.len());
        columns.splice(at..at, fields.iter().map(OutputColumn::of_record));
        self.own_fields = fields.len();
        let mut named: Vec<Named> = columns.iter().map(noted).collect();
        if self.plan.error_column {
            named.push(Named { name: ERRORS.into(), kind: Some(ColumnType::String.name().into()) });
        }
        if !self.order.sort.keys.is_empty() {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            let places = sort_places(&self.order.sort, &names)?;
            self.sorter = Some(Sorter { rows: Spool::new(self.folder)?, places, keys: Vec::new() });
        }
        self.result.summary.columns = named;
        self.columns = Some(columns);
        Ok(())
    }

    /// Takes a row.
    pub(super) fn row(&mut self, parts: &impl Parts) -> ApiResult<Flow> {
        let columns = self.columns.as_deref().unwrap_or(&self.plan.columns);
        match values(self.plan, columns, parts) {
            Some(row) => self.accept(row, Value::Null),
            None => Ok(Flow::Continue(())),
        }
    }

    /// Takes a row without its file, and says what is wrong with the file when something is.
    pub(super) fn late(&mut self, parts: &impl Parts, problem: Option<String>) -> ApiResult<()> {
        if self.plan.drops_missing && self.plan.own_fields_at.is_some() {
            return Ok(());
        }
        let Some(mut row) = values(self.plan, &self.plan.columns, parts) else { return Ok(()) };
        row.push(problem.into());
        let late = match &mut self.late {
            Some(late) => late,
            none => none.insert(Spool::new(self.folder)?),
        };
        late.push(&row)?;
        Ok(())
    }

    fn accept(&mut self, mut row: Vec<Value>, problem: Value) -> ApiResult<Flow> {
        if let Some(groups) = &mut self.groups {
            groups.add(&row);
            return Ok(Flow::Continue(()));
        }
        if self.plan.error_column {
            row.push(problem);
        }
        self.order(row)
    }

    fn order(&mut self, row: Vec<Value>) -> ApiResult<Flow> {
        let Some(sorter) = &mut self.sorter else { return self.write(&row) };
        let key = sorter.places.iter().map(|&at| row.get(at).cloned().unwrap_or_default()).collect();
        let place = sorter.rows.push(&row)?;
        sorter.keys.push((key, place));
        Ok(Flow::Continue(()))
    }

    fn write(&mut self, row: &[Value]) -> ApiResult<Flow> {
        self.passed += 1;
        if self.passed > self.order.skip {
            self.result.push(row)?;
        }
        let full = self.order.limit.is_some_and(|limit| self.result.summary.rows >= limit);
        Ok(if full { Flow::Break(()) } else { Flow::Continue(()) })
    }

    /// Brings in what was held back.
    pub(super) fn finish(mut self) -> ApiResult<Spool> {
        if self.columns.is_none() {
            self.settle(&[])?;
        }
        let room = self.order.limit.is_none_or(|limit| self.result.summary.rows < limit);
        if room && let Some(late) = self.late.take() {
            let mut late = late.into_rows()?;
            let at = self.plan.own_fields_at.unwrap_or(0);
            while let Some(mut row) = late.next()? {
                let problem = row.pop().unwrap_or_default();
                row.splice(at..at, std::iter::repeat_n(Value::Null, self.own_fields));
                if self.accept(row, problem)?.is_break() {
                    break;
                }
            }
        }
        if let Some(groups) = self.groups.take() {
            for row in groups.into_rows() {
                if self.order(row)?.is_break() {
                    break;
                }
            }
        }
        if let Some(sorter) = self.sorter.take() {
            self.write_sorted(sorter)?;
        }
        Ok(self.result)
    }

    fn write_sorted(&mut self, sorter: Sorter) -> ApiResult<()> {
        let Sorter { rows, mut keys, .. } = sorter;
        let order = self.order;
        keys.sort_by(|(a, _), (b, _)| {
            let pairs = a.iter().zip(b).zip(&order.sort.keys);
            let orders = pairs.map(|((a, b), key)| match key.order {
                sort::Order::Descending => value::compare(b, a),
                _ => value::compare(a, b),
            });
            orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        let mut rows = rows.into_rows()?;
        for (_, place) in keys {
            if self.write(&rows.at(place)?)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn noted(column: &OutputColumn) -> Named {
    Named { name: column.name.clone(), kind: column.kind.map(|kind| kind.name().to_owned()) }
}

/// The values of a row; none when the filter, or a gap, leaves it out.
fn values(plan: &Plan, columns: &[OutputColumn], parts: &impl Parts) -> Option<Vec<Value>> {
    if !plan.conditions.iter().all(|condition| condition.holds(parts)) {
        return None;
    }
    let value = |column: &OutputColumn| match column.value(parts) {
        None if plan.drops_missing => None,
        found => Some(found.unwrap_or_default()),
    };
    columns.iter().map(value).collect()
}
