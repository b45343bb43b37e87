//! What is uploaded: a name, bytes that can be read again, and what is known about them.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::running::Reporter;
use crate::{Error, ErrorKind, Result};

/// Bytes read from a file at a time.
const PIECE: usize = 256 * 1024;

/// A file to upload: its name on the site, its content, and what to record with it.
///
/// Every source can be read again from any place, so that an upload can be repeated where that is safe.
///
/// ```
/// use flywheel::Source;
///
/// let scan = Source::path("raw/t1.nii.gz").name("t1_mprage.nii.gz").file_type("nifti").modality("MR");
/// let report = Source::bytes("qc.json", r#"{"snr": 12.5}"#).tags(["qc"]).info(serde_json::json!({"passed": true}));
/// # let _ = (scan, report);
/// ```
#[derive(Clone)]
pub struct Source {
    name: Option<String>,
    origin: Origin,
    metadata: Map<String, Value>,
    problem: Option<String>,
}

#[derive(Clone)]
enum Origin {
    Path(PathBuf),
    Bytes(Bytes),
    Reopen { length: u64, open: Reopen },
}

type Reopen = Arc<dyn Fn(u64) -> BoxStream<'static, io::Result<Bytes>> + Send + Sync>;

impl Source {
    /// The file at `path`, under its own name. It is read when the upload starts.
    pub fn path(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Self::new(name, Origin::Path(path.to_path_buf()))
    }

    /// Bytes in memory, under `name`.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self::new(Some(name.into()), Origin::Bytes(bytes.into()))
    }

    /// A stream of `length` bytes, under `name`. `open` gives the stream anew, from the byte it is told on.
    pub fn reopen<F, S>(name: impl Into<String>, length: u64, open: F) -> Self
    where
        F: Fn(u64) -> S + Send + Sync + 'static,
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        Self::new(
            Some(name.into()),
            Origin::Reopen { length, open: Arc::new(move |from| open(from).boxed()) },
        )
    }

    fn new(name: Option<String>, origin: Origin) -> Self {
        Self { name, origin, metadata: Map::new(), problem: None }
    }

    /// Another name on the site.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What the file is, such as `dicom` or `nifti`; the site guesses it from the name otherwise.
    #[must_use]
    pub fn file_type(self, value: impl Into<String>) -> Self {
        self.set("type", value.into())
    }

    /// How it was made, such as `MR`.
    #[must_use]
    pub fn modality(self, value: impl Into<String>) -> Self {
        self.set("modality", value.into())
    }

    /// The media type, such as `application/zip`; the site guesses it from the name otherwise.
    #[must_use]
    pub fn mimetype(self, value: impl Into<String>) -> Self {
        self.set("mimetype", value.into())
    }

    /// What it shows, such as `{"Intent": ["Structural"], "Measurement": ["T1"]}`.
    #[must_use]
    pub fn classification(self, value: impl Serialize) -> Self {
        self.set("classification", value)
    }

    /// Tags.
    #[must_use]
    pub fn tags(self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let tags: Vec<String> = tags.into_iter().map(Into::into).collect();
        self.set("tags", tags)
    }

    /// Free metadata: an object.
    #[must_use]
    pub fn info(self, value: impl Serialize) -> Self {
        self.set("info", value)
    }

    /// Anything else that the site takes with a file: an object, whose keys are added to what is set already.
    #[must_use]
    pub fn metadata(mut self, value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(Value::Object(map)) => self.metadata.extend(map),
            Ok(_) => self.problem = Some("the metadata of a file is an object".to_owned()),
            Err(error) => self.problem = Some(format!("the metadata has no form in JSON: {error}")),
        }
        self
    }

    fn set(mut self, key: &str, value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(value) => {
                self.metadata.insert(key.to_owned(), value);
            }
            Err(error) => self.problem = Some(format!("`{key}` has no form in JSON: {error}")),
        }
        self
    }

    /// Finds out what can be known without reading the content.
    pub(super) async fn prepare(self) -> Result<Ready> {
        let invalid = |message: String| Error::new(ErrorKind::Invalid, message);
        if let Some(problem) = self.problem {
            return Err(invalid(problem));
        }
        let name = self.name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| invalid("a source has no file name".to_owned()))?;
        let length = match &self.origin {
            Origin::Bytes(bytes) => bytes.len() as u64,
            Origin::Reopen { length, .. } => *length,
            Origin::Path(path) => length_of(path).await?,
        };
        Ok(Ready { name, length, metadata: self.metadata, origin: self.origin, sent: Arc::default() })
    }
}

async fn length_of(path: &Path) -> Result<u64> {
    let failed = |why: String| Error::new(ErrorKind::Io, format!("{}: {why}", path.display()));
    let found =
        tokio::fs::metadata(path).await.map_err(|error| failed(error.to_string()).with_source(error))?;
    if found.is_file() { Ok(found.len()) } else { Err(failed("is not a file".to_owned())) }
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        Self::path(path)
    }
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Self::path(path)
    }
}

impl From<&PathBuf> for Source {
    fn from(path: &PathBuf) -> Self {
        Self::path(path)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A source whose name and length are known.
#[derive(Clone)]
pub(super) struct Ready {
    pub(super) name: String,
    pub(super) length: u64,
    pub(super) metadata: Map<String, Value>,
    origin: Origin,
    /// Bytes that the latest reading was counted with.
    sent: Arc<AtomicU64>,
}

impl Ready {
    /// The content from the start, counted in `reporter`; it fails when there are fewer or more bytes than the length.
    pub(super) fn open(&self, reporter: &Reporter) -> BoxStream<'static, io::Result<Bytes>> {
        let before = self.sent.swap(0, Ordering::Relaxed);
        reporter.update(|progress| progress.transferred = progress.transferred.saturating_sub(before));
        let (sent, reporter) = (Arc::clone(&self.sent), reporter.clone());
        let counted = whole(self.read(0), self.length).inspect_ok(move |chunk| {
            sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            reporter.add(chunk.len());
        });
        counted.boxed()
    }

    fn read(&self, from: u64) -> BoxStream<'static, io::Result<Bytes>> {
        match &self.origin {
            Origin::Bytes(bytes) => {
                let start = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
                pieces(bytes.slice(start..)).boxed()
            }
            Origin::Reopen { open, .. } => open(from),
            Origin::Path(path) => file(path.clone(), from, self.length),
        }
    }
}

/// Bytes in memory cut into pieces, so that progress shows and no copy of the whole is made on the way.
fn pieces(mut bytes: Bytes) -> impl Stream<Item = io::Result<Bytes>> + Send {
    futures::stream::iter(std::iter::from_fn(move || {
        (!bytes.is_empty()).then(|| Ok(bytes.split_to(bytes.len().min(PIECE))))
    }))
}

fn file(path: PathBuf, from: u64, length: u64) -> BoxStream<'static, io::Result<Bytes>> {
    let opened = async move {
        let mut file = tokio::fs::File::open(&path).await?;
        file.seek(io::SeekFrom::Start(from)).await?;
        // One byte more than was there tells that the file has grown.
        let rest = length.saturating_sub(from).saturating_add(1);
        Ok::<_, io::Error>(ReaderStream::with_capacity(file.take(rest), PIECE))
    };
    futures::stream::once(opened).try_flatten().boxed()
}

/// `stream`, which fails when it does not give exactly `length` bytes.
fn whole(
    stream: BoxStream<'static, io::Result<Bytes>>,
    length: u64,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    async_stream::try_stream! {
        let mut left = length;
        for await chunk in stream {
            let chunk = chunk?;
            left = left.checked_sub(chunk.len() as u64).ok_or_else(|| changed("more", length))?;
            yield chunk;
        }
        if left > 0 {
            Err(changed("fewer", length))?;
        }
    }
}

fn changed(how: &str, length: u64) -> io::Error {
    io::Error::other(format!(
        "the source gave {how} bytes than the {length} it was announced with: it changed while it was read"
    ))
}
