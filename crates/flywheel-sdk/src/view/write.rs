//! Tables as bytes, and bytes as files that appear when they are whole.

use std::{
    io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use flywheel_core::view::OutputFormat;
use futures::{Stream, TryStreamExt};
use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{
    build::invalid,
    shape::{Shape, fields, header},
    table::Table,
};
use crate::{
    Result, Transfer,
    transfer::{PartFile, Reporter},
};

/// How many bytes make a chunk.
const CHUNK: usize = 256 * 1024;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As text.
    Text(OutputFormat),
    /// As Parquet.
    #[cfg(feature = "arrow")]
    Parquet,
}

impl Form {
    /// The form that a file's name ends with.
    pub(super) fn of_path(path: &Path) -> Result<Self> {
        let end = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        #[cfg(feature = "arrow")]
        if end == "parquet" {
            return Ok(Self::Parquet);
        }
        // Of the formats of one ending, the first listed is the usual one.
        let format = OutputFormat::ALL.into_iter().find(|format| format.extension() == end);
        format.map(Self::Text).ok_or_else(|| {
            let name = path.file_name().unwrap_or_default();
            let parquet = if cfg!(feature = "arrow") { ", .parquet" } else { "" };
            let error = invalid(format!(
                "the name {name:?} does not say the format: expected an end of .csv, .tsv, .json, .ndjson{parquet}"
            ));
            match end.as_str() {
                "parquet" => error.with_hint("This program was built without Parquet: switch on the feature `arrow` of the crate."),
                _ => error,
            }
        })
    }
}

/// Writes bytes to a file that takes its name when all of them are there; gives back how many there are.
pub(super) fn to_file(
    path: PathBuf,
    bytes: impl Stream<Item = Result<Bytes>> + Send + 'static,
) -> Transfer<u64> {
    let reporter = Reporter::new(Vec::new());
    let report = reporter.clone();
    Transfer::new(&reporter, async move {
        let mut part = PartFile::open(&path, None, None, false).await?;
        let (mut bytes, mut written) = (std::pin::pin!(bytes), 0);
        while let Some(chunk) = bytes.try_next().await? {
            written += chunk.len() as u64;
            report.add(chunk.len());
            part.write(chunk).await?;
        }
        part.written().await?;
        part.finish().await?;
        Ok(written)
    })
}

/// The chunks of a table in a format of text.
pub(super) struct Writer {
    columns: IndexMap<String, Shape>,
    format: OutputFormat,
    rows: Box<dyn Iterator<Item = Result<Map<String, Value>>> + Send>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    First,
    Others,
    Done,
}

impl Writer {
    pub(super) fn new(table: &Table, format: OutputFormat) -> Self {
        Self {
            columns: table.columns().clone(),
            format,
            rows: Box::new(table.objects()),
            stage: Stage::Begin,
        }
    }

    fn begin(&self, out: &mut Vec<u8>) -> Result<()> {
        match self.format {
            OutputFormat::Json => out.extend(b"{\"data\":["),
            OutputFormat::JsonFlat => out.extend(b"["),
            OutputFormat::JsonRowColumn => {
                let names: Value = self.columns.keys().map(String::as_str).collect();
                out.extend(format!("{{\"data\":{{\"columns\":{names},\"rows\":[").bytes());
            }
            OutputFormat::Csv | OutputFormat::Tsv => self.line(&header(&self.columns), out)?,
            OutputFormat::Ndjson => {}
        }
        Ok(())
    }

    fn row(&self, mut row: Map<String, Value>, out: &mut Vec<u8>) -> Result<()> {
        let text_table = matches!(self.format, OutputFormat::Csv | OutputFormat::Tsv);
        if text_table {
            return self.line(&fields(&self.columns, &row), out);
        }
        if self.stage == Stage::Others && self.format != OutputFormat::Ndjson {
            out.push(b',');
        }
        let mut value = |name: &String| row.get_mut(name).map(Value::take).unwrap_or_default();
        if self.format == OutputFormat::JsonRowColumn {
            let values: Vec<Value> = self.columns.keys().map(value).collect();
            serde_json::to_writer(&mut *out, &values).map_err(io::Error::from)?;
        } else {
            let object: Map<String, Value> =
                self.columns.keys().map(|name| (name.clone(), value(name))).collect();
            serde_json::to_writer(&mut *out, &object).map_err(io::Error::from)?;
        }
        if self.format == OutputFormat::Ndjson {
            out.push(b'\n');
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

    fn line(&self, fields: &[String], out: &mut Vec<u8>) -> Result<()> {
        let delimiter = if self.format == OutputFormat::Tsv { b'\t' } else { b',' };
        let mut writer =
            csv::WriterBuilder::new().delimiter(delimiter).terminator(csv::Terminator::CRLF).from_writer(out);
        writer.write_record(fields).map_err(io::Error::from)?;
        Ok(writer.flush()?)
    }

    fn chunk(&mut self) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(CHUNK);
        if self.stage == Stage::Begin {
            self.begin(&mut out)?;
            self.stage = Stage::First;
        }
        while out.len() < CHUNK {
            let Some(row) = self.rows.next() else {
                self.end(&mut out);
                self.stage = Stage::Done;
                break;
            };
            self.row(row?, &mut out)?;
            self.stage = Stage::Others;
        }
        Ok(out)
    }
}

impl Iterator for Writer {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Result<Bytes>> {
        (self.stage != Stage::Done).then(|| {
            let chunk = self.chunk();
            if chunk.is_err() {
                self.stage = Stage::Done;
            }
            chunk.map(Bytes::from)
        })
    }
}

#[cfg(all(test, not(feature = "arrow")))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn who_wants_parquet_is_told_what_to_switch_on() {
        let error = Form::of_path(Path::new("rows.parquet")).unwrap_err();
        assert!(error.hint().unwrap().contains("`arrow`"), "{error}");
        assert_eq!(Form::of_path(Path::new("rows.xyz")).unwrap_err().hint(), None);
    }
}
