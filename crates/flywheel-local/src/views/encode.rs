//! A result as bytes in each of the formats, row by row.

use std::io;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use flywheel_core::view::{
    OutputFormat,
    value::{leaf, text},
};
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::spool::{Rows, Summary};
use crate::{blobs::ByteStream, files::name::attachment};

/// How much is gathered before it is handed on.
const CHUNK: usize = 64 * 1024;

/// The result as a download called `name`, to which the format's ending is added.
pub(super) fn download(rows: Rows, format: OutputFormat, name: &str) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    if let Ok(offered) = HeaderValue::from_str(&attachment(&with_extension(name, format))) {
        headers.insert(header::CONTENT_DISPOSITION, offered);
    }
    (headers, Body::from_stream(stream(rows, format))).into_response()
}

/// A name that ends as the format does.
pub(super) fn with_extension(name: &str, format: OutputFormat) -> String {
    let ending = format!(".{}", format.extension());
    if name.to_ascii_lowercase().ends_with(&ending) { name.to_owned() } else { format!("{name}{ending}") }
}

/// The result's bytes. They are made as they are taken; when nobody takes them any more, that ends.
pub(super) fn stream(rows: Rows, format: OutputFormat) -> ByteStream {
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = send(rows, format, &sender) {
            // Whoever reads learns by this that the rest is missing.
            let _ = sender.blocking_send(Err(error));
        }
    });
    ReceiverStream::new(receiver).boxed()
}

fn send(mut rows: Rows, format: OutputFormat, to: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<()> {
    let encoder = Encoder::new(format, std::mem::take(&mut rows.summary));
    let mut chunk = Vec::with_capacity(CHUNK + 4096);
    encoder.begin(&mut chunk);
    let mut first = true;
    while let Some(row) = rows.next()? {
        encoder.row(row, first, &mut chunk)?;
        first = false;
        if chunk.len() >= CHUNK && to.blocking_send(Ok(std::mem::take(&mut chunk).into())).is_err() {
            return Ok(());
        }
    }
    encoder.end(&mut chunk);
    if !chunk.is_empty() {
        let _ = to.blocking_send(Ok(chunk.into()));
    }
    Ok(())
}

struct Encoder {
    format: OutputFormat,
    summary: Summary,
}

impl Encoder {
    fn new(format: OutputFormat, summary: Summary) -> Self {
        Self { format, summary }
    }

    fn begin(&self, out: &mut Vec<u8>) {
        match self.format {
            OutputFormat::Json => out.extend(b"{\"data\":["),
            OutputFormat::JsonFlat => out.extend(b"["),
            OutputFormat::JsonRowColumn => {
                let named = self.summary.columns.iter().filter(|_| self.summary.rows > 0);
                let names: Value = named.map(|column| column.name.as_str()).collect();
                out.extend(format!("{{\"data\":{{\"columns\":{names},\"rows\":[").bytes());
            }
            OutputFormat::Csv | OutputFormat::Tsv if self.summary.rows > 0 => self.line(self.header(), out),
            OutputFormat::Csv | OutputFormat::Tsv | OutputFormat::Ndjson => {}
        }
    }

    fn row(&self, row: Vec<Value>, first: bool, out: &mut Vec<u8>) -> io::Result<()> {
        match self.format {
            OutputFormat::Json | OutputFormat::JsonFlat | OutputFormat::JsonRowColumn if !first => {
                out.push(b',')
            }
            _ => {}
        }
        match self.format {
            OutputFormat::Json | OutputFormat::JsonFlat => serde_json::to_writer(out, &self.object(row))?,
            OutputFormat::JsonRowColumn => serde_json::to_writer(out, &row)?,
            OutputFormat::Ndjson => {
                serde_json::to_writer(&mut *out, &self.object(row))?;
                out.push(b'\n');
            }
            OutputFormat::Csv | OutputFormat::Tsv => self.line(self.fields(&row), out),
        }
        Ok(())
    }

    fn end(&self, out: &mut Vec<u8>) {
        match self.format {
            OutputFormat::Json => out.extend(b"]}"),
            OutputFormat::JsonFlat => out.extend(b"]"),
            OutputFormat::JsonRowColumn => out.extend(b"]}}"),
            OutputFormat::Ndjson | OutputFormat::Csv | OutputFormat::Tsv => {}
        }
    }

    fn object(&self, row: Vec<Value>) -> Map<String, Value> {
        self.summary.columns.iter().map(|column| column.name.clone()).zip(row).collect()
    }

    /// The names of a table's columns: one that holds objects is taken apart by their keys.
    fn header(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (at, column) in self.summary.columns.iter().enumerate() {
            match self.summary.leaves.get(&at) {
                Some(keys) => names.extend(keys.iter().map(|key| format!("{}.{key}", column.name))),
                None => names.push(column.name.clone()),
            }
        }
        names
    }

    fn fields(&self, row: &[Value]) -> Vec<String> {
        let mut fields = Vec::new();
        for (at, value) in row.iter().enumerate() {
            match self.summary.leaves.get(&at) {
                Some(keys) => {
                    fields.extend(keys.iter().map(|key| leaf(value, key).map(text).unwrap_or_default()))
                }
                None => fields.push(text(value)),
            }
        }
        fields
    }

    /// A line of a table: fields are quoted only where they must be.
    fn line(&self, fields: Vec<String>, out: &mut Vec<u8>) {
        let delimiter = if self.format == OutputFormat::Tsv { '\t' } else { ',' };
        let alone = fields.len() == 1;
        for (at, field) in fields.iter().enumerate() {
            if at > 0 {
                out.push(delimiter as u8);
            }
            if field.contains([delimiter, '"', '\r', '\n']) || (alone && field.is_empty()) {
                out.extend(format!("\"{}\"", field.replace('"', "\"\"")).bytes());
            } else {
                out.extend(field.bytes());
            }
        }
        out.extend(b"\r\n");
    }
}
