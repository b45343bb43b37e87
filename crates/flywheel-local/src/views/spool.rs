//! A result on disk: one JSON list a line for each row, and a summary that is kept beside it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write},
    path::Path,
};

use flywheel_core::view::value::leaf_keys;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::NamedTempFile;

/// What is known about a result beside its rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Summary {
    /// The columns, in order.
    pub(super) columns: Vec<Named>,
    /// For columns that hold objects: the keys of the first, by which tables take them apart.
    pub(super) leaves: BTreeMap<usize, Vec<String>>,
    /// How many rows there are.
    pub(super) rows: u64,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
    /// The type that its values were brought to, when there is one.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

/// Rows being written. Dropped before it is kept, it leaves nothing.
pub(super) struct Spool {
    file: BufWriter<NamedTempFile>,
    at: u64,
    pub(super) summary: Summary,
}

impl Spool {
    /// An empty one in this folder.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let file = NamedTempFile::new_in(folder)?;
        Ok(Self { file: BufWriter::with_capacity(64 * 1024, file), at: 0, summary: Summary::default() })
    }

    /// Adds a row; answers where it stands.
    pub(super) fn push(&mut self, row: &[Value]) -> io::Result<u64> {
        for (at, value) in row.iter().enumerate() {
            if let Value::Object(map) = value
                && !map.is_empty()
            {
                self.summary.leaves.entry(at).or_insert_with(|| leaf_keys(map));
            }
        }
        let mut line = serde_json::to_vec(row)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.summary.rows += 1;
        let from = self.at;
        self.at += line.len() as u64;
        Ok(from)
    }

    /// The rows, from the first one; the file goes when they are dropped.
    pub(super) fn into_rows(self) -> io::Result<Rows> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Rows::of(file.reopen()?, self.summary)
    }

    /// Keeps the file under this name, on disk for good.
    pub(super) fn keep(self, path: &Path) -> io::Result<Summary> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(self.summary)
    }
}

/// The rows of a result.
pub(super) struct Rows {
    file: BufReader<File>,
    pub(super) summary: Summary,
}

impl Rows {
    /// Those of an open file.
    pub(super) fn of(mut file: File, summary: Summary) -> io::Result<Self> {
        file.seek(SeekFrom::Start(0))?;
        Ok(Self { file: BufReader::with_capacity(64 * 1024, file), summary })
    }

    /// The next row.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<Value>>> {
        let mut line = Vec::new();
        match self.file.read_until(b'\n', &mut line)? {
            0 => Ok(None),
            _ => Ok(Some(serde_json::from_slice(&line)?)),
        }
    }

    /// The row that stands here, as [`Spool::push`] answered.
    pub(super) fn at(&mut self, place: u64) -> io::Result<Vec<Value>> {
        self.file.seek(SeekFrom::Start(place))?;
        self.next()?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
