//! The rows of a view at hand: on disk, with what each column holds.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use flywheel_core::view::OutputFormat;
use futures::{Stream, TryStreamExt};
use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{rows::read, shape::Shape, write};
use crate::{Error, ErrorKind, Result, Transfer};

/// How many bytes are gathered before they go to disk.
const CHUNK: usize = 256 * 1024;

/// The rows of a view, with their columns. They lie in a file without a name that goes with the last clone, so that their
/// number is not bound by memory, and are read as often as wanted.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let site = flywheel_local::Site::builder().open().await?;
/// # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
/// # let fw = flywheel::Client::new(running.api_key())?;
/// # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
/// # for (label, iq) in [("sub-01", 104), ("sub-02", 117)] {
/// #     project.add_subject(label).set("info", serde_json::json!({"test": {"iq": iq}})).await?;
/// # }
/// use flywheel::view::{OutputFormat, View};
///
/// let view = View::builder().columns(["subject.label", "subject.info"]).include_ids(false).build()?;
/// let table = fw.views().run(&view, &project).table().await?;
///
/// assert_eq!(table.names(), ["project.label", "subject.label", "subject.info", "errors"]);
/// for row in table.objects() {
///     let row = row?;
///     println!("{} {}", row["subject.label"], row["subject.info"]["test"]["iq"]);
/// }
/// // In text tables objects are taken apart.
/// let text = table.to_text(OutputFormat::Csv)?;
/// assert!(text.starts_with("project.label,subject.label,subject.info.test.iq,errors\r\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Table {
    columns: IndexMap<String, Shape>,
    rows: u64,
    file: Arc<Mutex<File>>,
}

impl Table {
    /// Takes in all rows. Columns that are known beforehand come first; others in the order in which they appear.
    pub(super) async fn gather(
        known: Vec<(String, Shape)>,
        rows: impl Stream<Item = Result<Map<String, Value>>> + Send,
    ) -> Result<Self> {
        let (mut rows, mut columns, mut count) = (std::pin::pin!(rows), IndexMap::from_iter(known), 0);
        let mut file = off_thread(tempfile::tempfile).await?;
        let mut lines = Vec::new();
        while let Some(row) = rows.try_next().await? {
            for (name, value) in &row {
                match columns.get_mut(name) {
                    Some(shape) => *shape = std::mem::take(shape).and(value),
                    None => drop(columns.insert(name.clone(), Shape::of(value))),
                }
            }
            serde_json::to_writer(&mut lines, &row).map_err(io::Error::from)?;
            lines.push(b'\n');
            count += 1;
            if lines.len() >= CHUNK {
                file = append(file, std::mem::take(&mut lines)).await?;
            }
        }
        let file = append(file, lines).await?;
        Ok(Self { columns, rows: count, file: Arc::new(Mutex::new(file)) })
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The columns in their order, with what they hold.
    pub fn columns(&self) -> &IndexMap<String, Shape> {
        &self.columns
    }

    /// The names of the columns in their order.
    pub fn names(&self) -> Vec<&str> {
        self.columns.keys().map(String::as_str).collect()
    }

    /// The rows, each of a type of the caller's: an object by the names of the columns.
    pub fn rows<T: DeserializeOwned>(&self) -> impl Iterator<Item = Result<T>> + Send + 'static + use<T> {
        let mut lines = BufReader::new(Reader { file: self.file.clone(), at: 0 });
        let mut line = Vec::new();
        std::iter::from_fn(move || {
            line.clear();
            match lines.read_until(b'\n', &mut line) {
                Ok(0) => None,
                Ok(_) => Some(read(&line)),
                Err(error) => Some(Err(error.into())),
            }
        })
    }

    /// The rows as JSON objects by the names of the columns.
    pub fn objects(&self) -> impl Iterator<Item = Result<Map<String, Value>>> + Send + 'static + use<> {
        self.rows()
    }

    /// The table as text of a format, in memory.
    ///
    /// # Errors
    /// When the rows cannot be read back from disk.
    pub fn to_text(&self, format: OutputFormat) -> Result<String> {
        let mut text = Vec::new();
        for chunk in write::Writer::new(self, format) {
            text.extend_from_slice(&chunk?);
        }
        String::from_utf8(text).map_err(|error| Error::new(ErrorKind::Decode, error.to_string()))
    }

    /// Writes the table to a file in the format that its name ends with: `.csv`, `.tsv`, `.json` (`{"data": [..]}`),
    /// `.ndjson` or, with the feature `arrow`, `.parquet`. Gives back how many bytes there are.
    ///
    /// The file appears under its name when all of it is there.
    pub fn to_path(&self, path: impl AsRef<Path>) -> Transfer<u64> {
        let path = path.as_ref().to_path_buf();
        match write::Form::of_path(&path) {
            Ok(write::Form::Text(format)) => write::to_file(path, self.clone().bytes(format)),
            #[cfg(feature = "arrow")]
            Ok(write::Form::Parquet) => {
                write::to_file(path, super::batches::parquet(std::future::ready(Ok(self.clone()))))
            }
            Err(error) => write::to_file(path, futures::stream::once(std::future::ready(Err(error)))),
        }
    }

    /// The bytes of a format.
    pub(super) fn bytes(self, format: OutputFormat) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        async_stream::try_stream! {
            let mut writer = write::Writer::new(&self, format);
            loop {
                let (chunk, rest) = off_thread(move || Ok((writer.next().transpose(), writer))).await?;
                let Some(chunk) = chunk? else { break };
                writer = rest;
                yield chunk;
            }
        }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("columns", &self.names())
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// Does what waits for the disk where nothing else waits for it.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Error::new(ErrorKind::Io, error.to_string()))??)
}

async fn append(mut file: File, lines: Vec<u8>) -> Result<File> {
    off_thread(move || file.write_all(&lines).map(|()| file)).await
}

/// Reads a file that others read as well, each from a place of its own.
struct Reader {
    file: Arc<Mutex<File>>,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let read = file.read(into)?;
        self.at += read as u64;
        Ok(read)
    }
}
