//! From a file to its records: tables and JSON, packed with gzip or in a zip archive or not at all.
//!
//! Tables are read record by record, however long they are. What a file can make this hold in memory is bounded: one
//! record of a table, and [`JSON_LIMIT`] bytes of JSON.

use std::{
    cell::Cell,
    io::{self, BufReader, Read},
    rc::Rc,
};

use csv::{ByteRecord, ReaderBuilder, Trim};
use flate2::read::MultiGzDecoder;
use flywheel_core::view::{
    RecordFormat,
    plan::{Dialect, FileRule},
};
use serde_json::Value;
use zip::{ZipArchive, result::ZipError};

use super::sink::Flow;
use crate::{
    blobs::BlobStore,
    error::{ApiError, ApiResult},
    files::answer,
    store::{Doc, files::FileRow},
};

/// The most bytes of JSON that are read from one file.
const JSON_LIMIT: u64 = 10 << 20;

/// The most bytes of one record of a table.
const RECORD_LIMIT: u64 = 16 << 20;

/// Why a file's records end early.
pub(super) enum Trouble {
    /// The file is not what it should be.
    Unreadable(String),
    /// The site itself failed.
    Site(ApiError),
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        Self::Site(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<ZipError> for Trouble {
    fn from(error: ZipError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// Takes the number of a record, from 0, and the record.
type Each<'a> = &'a mut dyn FnMut(u64, Doc) -> ApiResult<Flow>;

/// Hands on the records of a file, or of the members of an archive that the rule means.
pub(super) fn read(
    blobs: &BlobStore,
    file: &FileRow,
    rule: &FileRule,
    each: Each<'_>,
) -> Result<Flow, Trouble> {
    let stored = answer::stored(file)?;
    let source =
        blobs.open(stored.id, stored.size).map_err(|error| Trouble::Unreadable(error.to_string()))?;
    let mut source = BufReader::new(source);
    let name = file.text("name");
    if name.to_ascii_lowercase().ends_with(".zip") {
        members(ZipArchive::new(source)?, rule, each)
    } else {
        unpacked(name, &mut source, rule, each)
    }
}

fn members<R: Read + io::Seek>(
    mut archive: ZipArchive<R>,
    rule: &FileRule,
    each: Each<'_>,
) -> Result<Flow, Trouble> {
    let mut found = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index)?;
        let name = member.name()?.into_owned();
        if !member.is_dir() && rule.member_names.matches(&name) {
            let time = member.last_modified();
            let made = time.map(|t| (t.year(), t.month(), t.day(), t.hour(), t.minute(), t.second()));
            found.push((index, name, made));
        }
    }
    if found.is_empty() {
        return Err(Trouble::Unreadable("no member of the archive has a name that is asked for".into()));
    }
    for (index, name, _) in rule.member_matching.reduce(found, |(_, _, made)| *made) {
        let mut member = archive.by_index(index)?;
        if unpacked(&name, &mut member, rule, each)?.is_break() {
            return Ok(Flow::Break(()));
        }
    }
    Ok(Flow::Continue(()))
}

fn unpacked(name: &str, source: &mut dyn Read, rule: &FileRule, each: Each<'_>) -> Result<Flow, Trouble> {
    let format = rule.format.or_else(|| RecordFormat::of_name(name)).ok_or_else(|| {
        Trouble::Unreadable(format!(
            "{name:?} is no csv, tsv or json by its name; fileSpec.format can say what it is"
        ))
    })?;
    if name.to_ascii_lowercase().ends_with(".gz") {
        records(&mut MultiGzDecoder::new(source), format, &rule.dialect, each)
    } else {
        records(source, format, &rule.dialect, each)
    }
}

fn records(
    source: &mut dyn Read,
    format: RecordFormat,
    dialect: &Dialect,
    each: Each<'_>,
) -> Result<Flow, Trouble> {
    match format {
        RecordFormat::Csv => table(source, dialect.delimiter.unwrap_or(b','), dialect, each),
        RecordFormat::Tsv => table(source, dialect.delimiter.unwrap_or(b'\t'), dialect, each),
        RecordFormat::Json => json(source, each),
    }
}

const MARK: &[u8] = b"\xef\xbb\xbf";

fn json(source: &mut dyn Read, each: Each<'_>) -> Result<Flow, Trouble> {
    let unreadable = |message: &str| Trouble::Unreadable(message.to_owned());
    let mut bytes = Vec::new();
    source.take(JSON_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > JSON_LIMIT {
        return Err(unreadable("the JSON is longer than 10 MiB"));
    }
    let text = bytes.strip_prefix(MARK).unwrap_or(&bytes);
    let document = serde_json::from_slice(text)
        .map_err(|error| Trouble::Unreadable(format!("the file is not JSON: {error}")))?;
    let list = match document {
        Value::Array(list) => list,
        object => vec![object],
    };
    if !list.iter().all(Value::is_object) {
        return Err(unreadable("the JSON is neither an object nor a list of objects"));
    }
    for (index, item) in (0..).zip(list) {
        if let Value::Object(record) = item
            && each(index, record)?.is_break()
        {
            return Ok(Flow::Break(()));
        }
    }
    Ok(Flow::Continue(()))
}

fn table(source: &mut dyn Read, delimiter: u8, dialect: &Dialect, each: Each<'_>) -> Result<Flow, Trouble> {
    let since = Rc::new(Cell::new(0));
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter);
    builder.quoting(dialect.quote.is_some()).quote(dialect.quote.unwrap_or(b'"'));
    builder.escape(dialect.escape).double_quote(dialect.double_quote);
    builder.trim(if dialect.trim { Trim::Fields } else { Trim::None });
    let mut reader = builder.from_reader(Watched { source, since: since.clone() });
    let mut record = ByteRecord::new();
    let mut next = |record: &mut ByteRecord| {
        since.set(0);
        reader
            .read_byte_record(record)
            .map_err(|error| Trouble::Unreadable(format!("the table cannot be read: {error}")))
    };
    if !next(&mut record)? {
        return Ok(Flow::Continue(()));
    }
    let names: Vec<String> =
        record.iter().map(|name| text(name.strip_prefix(MARK).unwrap_or(name))).collect();
    let mut index = 0;
    while next(&mut record)? {
        let fields = names.iter().zip(record.iter()).map(|(name, value)| (name.clone(), text(value).into()));
        if each(index, fields.collect())?.is_break() {
            return Ok(Flow::Break(()));
        }
        index += 1;
    }
    Ok(Flow::Continue(()))
}

/// UTF-8, or where it is none the encoding that old spreadsheets write.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// Counts what is read since a record ended, so that a quote which is never closed does not take the whole file.
struct Watched<'a> {
    source: &'a mut dyn Read,
    since: Rc<Cell<u64>>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since.get() > RECORD_LIMIT {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "one record is longer than 16 MiB"));
        }
        let count = self.source.read(buffer)?;
        self.since.set(self.since.get() + count as u64);
        Ok(count)
    }
}
