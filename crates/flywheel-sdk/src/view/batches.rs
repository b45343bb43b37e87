//! Rows as record batches of Arrow, and as Parquet.

use std::{future::Future, sync::Arc};

use arrow_array::RecordBatch;
use arrow_json::ReaderBuilder;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use bytes::Bytes;
use futures::Stream;
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};
use serde_json::{Map, Value};

use super::{
    shape::Shape,
    table::{Table, off_thread},
};
use crate::{Error, ErrorKind, Result};

/// How many rows make a batch in a Parquet file.
const ROWS: usize = 8192;

impl Shape {
    /// The type in Arrow; columns without a value hold text.
    fn data_type(&self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::List(items) => DataType::List(Arc::new(Field::new("item", items.data_type(), true))),
            Self::Struct(members) if !members.is_empty() => {
                DataType::Struct(members.iter().map(field).collect())
            }
            Self::Empty | Self::Text | Self::Mixed | Self::Struct(_) => DataType::Utf8,
        }
    }
}

fn field((name, shape): (&String, &Shape)) -> Field {
    Field::new(name, shape.data_type(), true)
}

impl Table {
    /// The schema of the record batches. Objects are structs and lists are lists, so that nested metadata keeps its
    /// structure; values without a form in common are text.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns().iter().map(field).collect::<Fields>()))
    }

    /// The rows as record batches of `rows` rows each, the last one shorter. Without rows there is no batch, but a
    /// [`schema`](Self::schema).
    ///
    /// # Errors
    /// Each batch fails by itself, when rows cannot be read back from disk.
    pub fn record_batches(
        &self,
        rows: usize,
    ) -> impl Iterator<Item = Result<RecordBatch>> + Send + 'static + use<> {
        let (schema, columns, mut source) = (self.schema(), self.columns().clone(), self.objects());
        std::iter::from_fn(move || {
            let batch: Result<Vec<Map<String, Value>>> = source.by_ref().take(rows.max(1)).collect();
            match batch {
                Ok(batch) if batch.is_empty() => None,
                Ok(mut batch) => {
                    for row in &mut batch {
                        for (name, shape) in &columns {
                            let value = row.get_mut(name).map(Value::take).unwrap_or_default();
                            row.insert(name.clone(), shape.fit(value));
                        }
                    }
                    Some(encode(&schema, &batch))
                }
                Err(error) => Some(Err(error)),
            }
        })
    }
}

fn encode(schema: &SchemaRef, rows: &[Map<String, Value>]) -> Result<RecordBatch> {
    let mut decoder = ReaderBuilder::new(schema.clone())
        .with_batch_size(rows.len())
        .build_decoder()
        .map_err(|error| unfit(&error))?;
    decoder.serialize(rows).map_err(|error| unfit(&error))?;
    let batch = decoder.flush().map_err(|error| unfit(&error))?;
    Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(schema.clone())))
}

fn unfit(error: &dyn std::error::Error) -> Error {
    Error::new(ErrorKind::Decode, format!("the rows of the view do not fit into columns: {error}"))
}

/// The bytes of a Parquet file, compressed with Snappy.
pub(super) fn parquet(
    table: impl Future<Output = Result<Table>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    async_stream::try_stream! {
        let table = table.await?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), table.schema(), Some(properties))
            .map_err(|error| unfit(&error))?;
        let mut batches = table.record_batches(ROWS);
        loop {
            let step = off_thread(move || {
                let more = match batches.next() {
                    Some(batch) => batch.and_then(|batch| writer.write(&batch).map_err(|error| unfit(&error))).map(|()| true),
                    None => Ok(false),
                };
                Ok((more, writer, batches))
            });
            let more;
            (more, writer, batches) = step.await?;
            let finished = !more?;
            if finished {
                writer.finish().map_err(|error| unfit(&error))?;
            } else {
                writer.sync().map_err(|error| unfit(&error))?;
            }
            let chunk = std::mem::take(writer.inner_mut());
            if !chunk.is_empty() {
                yield chunk.into();
            }
            if finished {
                break;
            }
        }
    }
}
