//! What becomes of a column's values in a group of rows, one at a time and in constant memory.

use std::cmp::Ordering;

use indexmap::IndexMap;
use serde_json::Value;

use super::{
    document::Accumulator,
    expression::Number,
    value::{compare, from_number, number},
};

/// A running accumulation.
///
/// ```
/// use flywheel_core::view::{Accumulator, accumulate::Running};
/// use serde_json::json;
///
/// let mut mean = Running::new(Some(Accumulator::Mean));
/// for value in [json!(1), json!(null), json!("2"), json!(6)] {
///     mean.add(&value);
/// }
/// assert_eq!(mean.result(), json!(3.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    what: Option<Accumulator>,
    count: u64,
    total: Total,
    mean: f64,
    squares: f64,
    kept: Value,
    seen: bool,
}

/// A sum: exact while it is whole and fits, then compensated for what rounding loses.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Total {
    Whole(i64),
    Float { sum: f64, lost: f64 },
}

impl Total {
    fn add(&mut self, number: Number) {
        if let (Self::Whole(sum), Number::Int(more)) = (*self, number)
            && let Some(sum) = sum.checked_add(more)
        {
            *self = Self::Whole(sum);
            return;
        }
        let (sum, lost) = match *self {
            Self::Whole(sum) => (sum as f64, 0.0),
            Self::Float { sum, lost } => (sum, lost),
        };
        let value = number.as_f64();
        let next = sum + value;
        let slip = if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        *self = Self::Float { sum: next, lost: lost + slip };
    }

    fn number(self) -> Number {
        match self {
            Self::Whole(sum) => Number::Int(sum),
            Self::Float { sum, lost } => Number::Float(sum + lost),
        }
    }
}

impl Running {
    /// Begins one; without an accumulator the first value is kept.
    pub fn new(what: Option<Accumulator>) -> Self {
        let total = Total::Whole(0);
        Self { what, count: 0, total, mean: 0.0, squares: 0.0, kept: Value::Null, seen: false }
    }

    /// Takes the value of one more row. Null counts as missing, and so does for arithmetic what is no number.
    pub fn add(&mut self, value: &Value) {
        let Some(what) = self.what else {
            if !self.seen {
                (self.seen, self.kept) = (true, value.clone());
            }
            return;
        };
        if value.is_null() {
            return;
        }
        match what {
            Accumulator::Count => self.count += 1,
            Accumulator::Minimum => self.keep(value, Ordering::Less),
            Accumulator::Maximum => self.keep(value, Ordering::Greater),
            Accumulator::Sum | Accumulator::Mean | Accumulator::StandardDeviation => {
                if let Some(number) = number(value) {
                    self.add_number(number);
                }
            }
        }
    }

    fn add_number(&mut self, number: Number) {
        self.count += 1;
        self.total.add(number);
        let off = number.as_f64() - self.mean;
        self.mean += off / self.count as f64;
        self.squares += off * (number.as_f64() - self.mean);
    }

    /// Text that spells a number is compared as one.
    fn keep(&mut self, value: &Value, wanted: Ordering) {
        let value = match value {
            Value::String(_) => number(value).and_then(from_number).unwrap_or_else(|| value.clone()),
            other => other.clone(),
        };
        if self.kept.is_null() || compare(&value, &self.kept) == wanted {
            self.kept = value;
        }
    }

    /// What has come of it; null where there was no value.
    pub fn result(&self) -> Value {
        let float = |value: f64| from_number(Number::Float(value)).unwrap_or_default();
        match self.what {
            None | Some(Accumulator::Minimum | Accumulator::Maximum) => self.kept.clone(),
            Some(Accumulator::Count) => self.count.into(),
            Some(_) if self.count == 0 => Value::Null,
            Some(Accumulator::Sum) => from_number(self.total.number()).unwrap_or_default(),
            Some(Accumulator::Mean) => float(self.total.number().as_f64() / self.count as f64),
            Some(Accumulator::StandardDeviation) => float((self.squares.max(0.0) / self.count as f64).sqrt()),
        }
    }
}

/// Rows brought together by the values of their first columns, in the order in which the groups began.
#[derive(Clone, Debug)]
pub struct Groups {
    keys: usize,
    others: Vec<Option<Accumulator>>,
    groups: IndexMap<String, (Vec<Value>, Vec<Running>)>,
}

impl Groups {
    /// Groups by the first `keys` columns; `others` says what becomes of each that follows.
    pub fn new(keys: usize, others: Vec<Option<Accumulator>>) -> Self {
        Self { keys, others, groups: IndexMap::new() }
    }

    /// Takes one more row.
    pub fn add(&mut self, row: &[Value]) {
        let (key, values) = row.split_at(self.keys.min(row.len()));
        let text = Value::from(key).to_string();
        let begin = || (key.to_vec(), self.others.iter().map(|what| Running::new(*what)).collect());
        let (_, running) = self.groups.entry(text).or_insert_with(begin);
        for (running, value) in running.iter_mut().zip(values) {
            running.add(value);
        }
    }

    /// The rows that have come of it.
    pub fn into_rows(self) -> impl Iterator<Item = Vec<Value>> {
        self.groups.into_values().map(|(mut key, running)| {
            key.extend(running.iter().map(Running::result));
            key
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(what: Accumulator, values: &[Value]) -> Value {
        let mut running = Running::new(Some(what));
        values.iter().for_each(|value| running.add(value));
        running.result()
    }

    #[test]
    fn each_accumulator_skips_what_is_missing() {
        let values = [json!(2), json!(null), json!("4"), json!("n/a"), json!(9.0)];
        assert_eq!(of(Accumulator::Count, &values), json!(4));
        assert_eq!(of(Accumulator::Sum, &values), json!(15.0));
        assert_eq!(of(Accumulator::Mean, &values), json!(5.0));
        assert_eq!(of(Accumulator::Minimum, &values), json!(2));
        assert_eq!(of(Accumulator::Maximum, &values), json!("n/a"));
        assert_eq!(of(Accumulator::Sum, &[json!(1), json!(2)]), json!(3));
        assert_eq!(of(Accumulator::Maximum, &[json!("10"), json!("9")]), json!(10));
        assert_eq!(of(Accumulator::StandardDeviation, &[json!(2), json!(4)]), json!(1.0));
    }

    #[test]
    fn of_nothing_there_is_no_sum_but_a_count() {
        for what in
            [Accumulator::Sum, Accumulator::Mean, Accumulator::StandardDeviation, Accumulator::Minimum]
        {
            assert_eq!(of(what, &[json!(null)]), json!(null));
        }
        assert_eq!(of(Accumulator::Count, &[json!(null)]), json!(0));
    }

    #[test]
    fn groups_come_in_the_order_in_which_they_began_and_keep_the_first_of_the_rest() {
        let mut groups = Groups::new(1, vec![Some(Accumulator::Sum), None]);
        for row in [
            json!(["b", 1, "first"]),
            json!(["a", 2, null]),
            json!(["b", 3, "second"]),
            json!([null, 4, "x"]),
        ] {
            groups.add(row.as_array().unwrap());
        }
        let rows: Vec<Vec<Value>> = groups.into_rows().collect();
        assert_eq!(json!(rows), json!([["b", 4, "first"], ["a", 2, null], [null, 4, "x"]]));
    }

    proptest! {
        #[test]
        fn the_running_values_are_those_of_the_whole(values in prop::collection::vec(-1e6..1e6f64, 1..200)) {
            let list: Vec<Value> = values.iter().map(|value| json!(value)).collect();
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
            let near = |what, wanted: f64| (of(what, &list).as_f64().unwrap() - wanted).abs() < 1e-6 * (1.0 + wanted.abs());
            prop_assert!(near(Accumulator::Mean, mean));
            prop_assert!(near(Accumulator::StandardDeviation, deviation));
            prop_assert!(near(Accumulator::Minimum, values.iter().copied().fold(f64::INFINITY, f64::min)));
            prop_assert!(near(Accumulator::Maximum, values.iter().copied().fold(f64::NEG_INFINITY, f64::max)));
        }

        #[test]
        fn a_sum_of_whole_numbers_is_exact(values in prop::collection::vec(any::<i32>(), 0..100)) {
            let list: Vec<Value> = values.iter().map(|value| json!(value)).collect();
            let total: i64 = values.iter().map(|value| i64::from(*value)).sum();
            let wanted = if values.is_empty() { Value::Null } else { json!(total) };
            prop_assert_eq!(of(Accumulator::Sum, &list), wanted);
        }
    }
}
