//! What is uploaded: a name, bytes that can be read again, and what is known about them.

use std::{
    fmt, io,
    ops::Range,
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

    /// The name it will have on the site, if there is one.
    pub(crate) fn known_name(&self) -> Option<&str> {
        self.name.as_deref()
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
        Ok(Ready { name, length, metadata: self.metadata, origin: self.origin })
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
}

impl Ready {
    /// What to record, with the name it is about.
    pub(super) fn named_metadata(&self) -> Map<String, Value> {
        let mut named = Map::from_iter([("name".to_owned(), Value::from(self.name.as_str()))]);
        named.extend(self.metadata.clone());
        named
    }

    /// The bytes of `part`, counted in `reporter`; they end in an error when they are not as many as announced.
    ///
    /// `sent` holds what the reading before this one was counted with, which is taken back: it is sent again.
    pub(super) fn open(
        &self,
        part: Range<u64>,
        sent: &Arc<AtomicU64>,
        reporter: &Reporter,
    ) -> BoxStream<'static, io::Result<Bytes>> {
        let before = sent.swap(0, Ordering::Relaxed);
        reporter.update(|progress| progress.transferred = progress.transferred.saturating_sub(before));
        let (sent, reporter) = (Arc::clone(sent), reporter.clone());
        let last = part.end == self.length;
        let counted = exactly(self.read(&part, last), part.end - part.start, last).inspect_ok(move |chunk| {
            sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            reporter.add(chunk.len());
        });
        counted.boxed()
    }

    /// At least the bytes of `part`; with the last part, at least one more if there is one that should not be.
    fn read(&self, part: &Range<u64>, last: bool) -> BoxStream<'static, io::Result<Bytes>> {
        match &self.origin {
            Origin::Bytes(bytes) => {
                let offset = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                pieces(bytes.slice(offset(part.start)..offset(part.end))).boxed()
            }
            Origin::Reopen { open, .. } => open(part.start),
            Origin::Path(path) => file(path.clone(), part.start, part.end - part.start + u64::from(last)),
        }
    }
}

/// Bytes in memory cut into pieces, so that progress shows and no copy of the whole is made on the way.
fn pieces(mut bytes: Bytes) -> impl Stream<Item = io::Result<Bytes>> + Send {
    futures::stream::iter(std::iter::from_fn(move || {
        (!bytes.is_empty()).then(|| Ok(bytes.split_to(bytes.len().min(PIECE))))
    }))
}

/// At most `length` bytes of the file from `start` on.
fn file(path: PathBuf, start: u64, length: u64) -> BoxStream<'static, io::Result<Bytes>> {
    let opened = async move {
        let mut file = tokio::fs::File::open(&path).await?;
        file.seek(io::SeekFrom::Start(start)).await?;
        Ok::<_, io::Error>(ReaderStream::with_capacity(file.take(length), PIECE))
    };
    futures::stream::once(opened).try_flatten().boxed()
}

/// The first `length` bytes of `stream`, which fails when there are fewer, or, with the last part, more.
fn exactly(
    stream: BoxStream<'static, io::Result<Bytes>>,
    length: u64,
    last: bool,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    async_stream::try_stream! {
        let mut left = length;
        for await chunk in stream {
            let mut chunk: Bytes = chunk?;
            if chunk.len() as u64 > left {
                if last {
                    Err(changed("more", length))?;
                }
                chunk.truncate(usize::try_from(left).unwrap_or_default());
            }
            left -= chunk.len() as u64;
            yield chunk;
            if left == 0 && !last {
                return;
            }
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
