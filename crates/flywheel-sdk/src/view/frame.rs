//! Rows as a data frame of Polars.

use polars_core::prelude::{AnyValue, Column, DataFrame, DataType, Field, Series};
use serde_json::{Map, Value};

use super::{shape::Shape, table::Table};
use crate::{Error, ErrorKind, Result};

impl Table {
    /// The table as a data frame, in memory. Objects are structs and lists are lists, so that nested metadata keeps its
    /// structure; values without a form in common are text.
    ///
    /// # Errors
    /// When rows cannot be read back from disk.
    pub fn data_frame(&self) -> Result<DataFrame> {
        let rows: Vec<Map<String, Value>> = self.objects().collect::<Result<_>>()?;
        let column = |(name, shape): (&String, &Shape)| {
            let cell = |row: &Map<String, Value>| {
                any_value(shape, shape.fit(row.get(name).cloned().unwrap_or_default()))
            };
            let values = rows.iter().map(cell).collect::<Result<Vec<_>>>()?;
            series(name, shape, &values).map(Column::from)
        };
        let columns = self.columns().iter().map(column).collect::<Result<Vec<_>>>()?;
        DataFrame::new(rows.len(), columns).map_err(|error| unfit(&error))
    }
}

fn series(name: &str, shape: &Shape, values: &[AnyValue<'static>]) -> Result<Series> {
    Series::from_any_values_and_dtype(name.into(), values, &data_type(shape), false)
        .map_err(|error| unfit(&error))
}

fn unfit(error: &dyn std::error::Error) -> Error {
    Error::new(ErrorKind::Decode, format!("the rows of the view do not fit into columns: {error}"))
}

/// The type in Polars; columns without a value hold text.
fn data_type(shape: &Shape) -> DataType {
    match shape {
        Shape::Bool => DataType::Boolean,
        Shape::Int => DataType::Int64,
        Shape::Float => DataType::Float64,
        Shape::List(items) => DataType::List(Box::new(data_type(items))),
        Shape::Struct(members) if !members.is_empty() => {
            DataType::Struct(members.iter().map(field).collect())
        }
        Shape::Empty | Shape::Text | Shape::Mixed | Shape::Struct(_) => DataType::String,
    }
}

fn field((name, shape): (&String, &Shape)) -> Field {
    Field::new(name.as_str().into(), data_type(shape))
}

/// A value that [`Shape::fit`] made to fit.
fn any_value(shape: &Shape, value: Value) -> Result<AnyValue<'static>> {
    Ok(match (shape, value) {
        (_, Value::Null) => AnyValue::Null,
        (_, Value::Bool(truth)) => AnyValue::Boolean(truth),
        (Shape::Int, Value::Number(number)) => number.as_i64().map_or(AnyValue::Null, AnyValue::Int64),
        (_, Value::Number(number)) => number.as_f64().map_or(AnyValue::Null, AnyValue::Float64),
        (_, Value::String(text)) => AnyValue::StringOwned(text.into()),
        (Shape::List(shape), Value::Array(items)) => {
            let items = items.into_iter().map(|item| any_value(shape, item)).collect::<Result<Vec<_>>>()?;
            AnyValue::List(series("item", shape, &items)?)
        }
        (Shape::Struct(members), Value::Object(mut map)) => {
            let value = |(name, shape): (&String, &Shape)| {
                any_value(shape, map.get_mut(name).map(Value::take).unwrap_or_default())
            };
            let values = members.iter().map(value).collect::<Result<Vec<_>>>()?;
            AnyValue::StructOwned(Box::new((values, members.iter().map(field).collect())))
        }
        (_, other) => AnyValue::StringOwned(other.to_string().into()),
    })
}
