//! Downloads to a path, to memory, as a stream, into a writer.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

use bytes::{Bytes, BytesMut};
use flywheel_api::{
    Operation,
    transport::{CallOptions, RawRequest},
};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use sha2::{Digest, Sha384};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{
    digest::Awaited,
    fetch::Fetch,
    part_file::PartFile,
    running::{Callbacks, Progress, Reporter, Transfer},
};
use crate::{Client, ContainerRef, Error, ErrorKind, OperationId, Request, Result, resource::unsupported};

/// Where a file is: its container and its name there.
#[derive(Clone, Debug)]
pub(super) struct FileAt {
    pub(super) container: ContainerRef,
    pub(super) name: String,
    /// Its id, where that is known.
    pub(super) id: Option<String>,
    /// What its document says of the content.
    pub(super) expected: Expected,
}

/// What is wanted of a file.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// Its bytes.
    Bytes,
    /// The bytes of a member of it, a zip file.
    Member(&'a str),
    /// The list of its members.
    Listing,
}

/// What is recorded of a file's content.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected {
    /// Bytes.
    pub(super) size: Option<u64>,
    /// The hash, in whatever form.
    pub(super) hash: Option<String>,
    /// The version, from 1.
    pub(super) version: Option<i64>,
}

impl FileAt {
    /// A file of which no more than its name is known.
    pub(super) fn named(container: ContainerRef, name: &str) -> Self {
        Self { container, name: name.to_owned(), id: None, expected: Expected::default() }
    }

    /// A request for the file, of its own version.
    pub(super) fn request(&self, wanted: Wanted<'_>) -> Result<RawRequest> {
        // A name with a slash has no route of its own: those by the id reach the current version only.
        let request = if self.name.contains('/') { self.by_id(wanted)? } else { self.by_name(wanted)? };
        Ok(match self.expected.version {
            Some(version) => request.query("version", version.to_string()),
            None => request,
        })
    }

    fn by_name(&self, wanted: Wanted<'_>) -> Result<RawRequest> {
        let ContainerRef { kind, id } = &self.container;
        let operation = kind.routes().download.ok_or_else(|| unsupported(*kind, "download files of"))?;
        let request = RawRequest::of(operation.operation(), &[id, &self.name])?;
        Ok(match wanted {
            Wanted::Bytes => request,
            Wanted::Member(path) => request.query("member", path),
            Wanted::Listing => request.query("info", "true").treat(|call| call.streaming(false)),
        })
    }

    fn by_id(&self, wanted: Wanted<'_>) -> Result<RawRequest> {
        let id = self.id.as_deref().ok_or_else(|| {
            let message =
                format!("the API has no address for a file by a name with a slash: {:?}", self.name);
            Error::new(ErrorKind::Invalid, message)
                .with_hint("Ask for the file first: file(name), then download().")
        })?;
        match wanted {
            Wanted::Bytes => RawRequest::of(OperationId::DownloadFile.operation(), &[id]),
            Wanted::Member(path) => {
                RawRequest::of(OperationId::DownloadFileZipMember.operation(), &[id, path])
            }
            Wanted::Listing => RawRequest::of(OperationId::GetFileZipInfo.operation(), &[id]),
        }
    }
}

/// What a finished download amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Downloaded {
    /// Bytes at the destination.
    pub size: u64,
    /// Whether the bytes have the hash that the site recorded. False when it recorded none that can be checked, when only
    /// a part was asked for, or when checking was switched off; their number is right in any case.
    pub verified: bool,
}

/// A download to be set up. How it ends is chosen last: [`to_path`](Self::to_path), [`bytes`](Self::bytes),
/// [`stream`](Self::stream) or [`to_writer`](Self::to_writer).
///
/// A connection that breaks in the middle is taken up again where it broke, as long as the content is certainly the same.
///
/// ```no_run
/// # async fn run(fw: flywheel::Client) -> flywheel::Result<()> {
/// let acquisition = fw.acquisitions().get("5eb0bf2e0a1b2c3d4e5f6071").await?;
/// let file = acquisition.file("t1.dcm.zip").await?;
/// let done = file.download().resume(true).to_path("t1.dcm.zip").await?;
/// println!("{} bytes, hash checked: {}", done.size, done.verified);
/// let start = file.download().range(0..132).bytes().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a download does nothing until it is told where to put the bytes"]
pub struct Download {
    client: Client,
    request: Result<RawRequest>,
    expected: Expected,
    range: Option<Range<u64>>,
    ranged: bool,
    resume: bool,
    verify: bool,
    callbacks: Callbacks,
    options: CallOptions,
}

impl Download {
    /// The file at `at`.
    pub(super) fn file(client: &Client, at: Result<FileAt>) -> Self {
        let expected = at.as_ref().map(|at| at.expected.clone()).unwrap_or_default();
        let request = at.and_then(|at| at.request(Wanted::Bytes));
        Self { ranged: true, expected, ..Self::of(client, request) }
    }

    /// The member `path` of the zip file at `at`.
    pub(super) fn zip_member(client: &Client, at: Result<FileAt>, path: &str) -> Self {
        Self::of(client, at.and_then(|at| at.request(Wanted::Member(path))))
    }

    /// What an operation answers, once and whole.
    pub(crate) fn request(client: &Client, operation: &'static Operation, path: &[&str]) -> Self {
        Self::of(client, RawRequest::of(operation, path))
    }

    /// Whatever `request` answers, once and whole.
    pub(super) fn of(client: &Client, request: Result<RawRequest>) -> Self {
        Self {
            client: client.clone(),
            request: request.map(|request| request.treat(|call| call.streaming(true))),
            expected: Expected::default(),
            range: None,
            ranged: false,
            resume: false,
            verify: true,
            callbacks: Callbacks::default(),
            options: CallOptions::new(),
        }
    }

    /// Only these bytes. What lies beyond the end of the file is left out.
    pub fn range(mut self, range: Range<u64>) -> Self {
        self.range = Some(range);
        self
    }

    /// Whether [`to_path`](Self::to_path) goes on where an earlier run for the same content and the same destination
    /// stopped, and leaves what it has for a later one when it is stopped itself. What it has is kept in a hidden
    /// `.part` file beside the destination. Without it, nothing is left behind. It takes a [`File`](crate::File) to know that
    /// the content is the same: a download by name alone does not go on with an earlier run.
    pub fn resume(mut self, yes: bool) -> Self {
        self.resume = yes;
        self
    }

    /// Whether the bytes are checked against the recorded hash: that of the [`File`](crate::File), or, where only its name is
    /// known, one that the site sends along. They are by default.
    pub fn verify(mut self, yes: bool) -> Self {
        self.verify = yes;
        self
    }

    /// Calls `report` as bytes move, from the task that moves them.
    pub fn on_progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.callbacks.push(report);
        self
    }

    /// Other timeouts, retries or features than the client's.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options.over(&self.options);
        self
    }

    /// Writes the file to `path`, whose folder must be there; a file that stands there is replaced once all bytes have
    /// arrived and are checked, in one step. Until then the path is not touched.
    pub fn to_path(self, path: impl AsRef<Path>) -> Transfer<Downloaded> {
        let path = path.as_ref().to_path_buf();
        self.transfer(move |plan| async move { plan.write_to(path).await })
    }

    /// Reads the file into memory.
    pub fn bytes(self) -> Transfer<Bytes> {
        self.transfer(|plan| async move {
            let room =
                plan.fetch.size.filter(|_| plan.fetch.range.is_none()).unwrap_or_default().min(1 << 26);
            let mut bytes = BytesMut::with_capacity(usize::try_from(room).unwrap_or_default());
            let mut stream = plan.checked();
            while let Some(chunk) = stream.try_next().await? {
                bytes.extend_from_slice(&chunk);
            }
            Ok(bytes.freeze())
        })
    }

    /// Writes the file into `writer`, and flushes it in the end.
    pub fn to_writer<W: AsyncWrite + Unpin + Send + 'static>(self, mut writer: W) -> Transfer<Downloaded> {
        self.transfer(|plan| async move {
            let (mut size, awaited) = (0, plan.fetch.awaited.clone());
            let mut stream = plan.checked();
            while let Some(chunk) = stream.try_next().await? {
                writer.write_all(&chunk).await?;
                size += chunk.len() as u64;
            }
            writer.flush().await?;
            Ok(Downloaded { size, verified: awaited.is_some_and(|awaited| awaited.is_known()) })
        })
    }

    /// The bytes as they arrive. The last item is an error when they are not those that were recorded.
    pub fn stream(self) -> BoxStream<'static, Result<Bytes>> {
        match self.plan() {
            Ok(plan) => plan.checked(),
            Err((_, error)) => futures::stream::once(std::future::ready(Err(error))).boxed(),
        }
    }

    /// An address that gives the bytes to whoever has it, without a key, until the site lets it expire.
    pub fn url(self) -> Request<'static, String> {
        let Self { client, request, options, .. } = self;
        let send = move |raw: flywheel_api::Client| async move {
            let request = request?;
            let asking = request.clone().query("ticket", "").treat(|call| call.streaming(false));
            let stub: TicketStub = raw.transport().send_json(&asking).await?;
            request.query("ticket", stub.ticket).url(raw.transport())
        };
        Request::new(&client, send).options(options)
    }

    fn transfer<T, F, Fut>(self, work: F) -> Transfer<T>
    where
        T: Send + 'static,
        F: FnOnce(Plan) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        match self.plan() {
            Ok(plan) => Transfer::new(&plan.fetch.reporter.clone(), async move { work(plan).await }),
            Err((reporter, error)) => Transfer::new(&reporter, std::future::ready(Err(error))),
        }
    }

    fn plan(self) -> Result<Plan, (Reporter, Error)> {
        let reporter = self.callbacks.reporter();
        let request = match self.request {
            Ok(request) => request,
            Err(error) => return Err((reporter, error)),
        };
        let whole = self.range.is_none();
        let awaited = (whole && self.verify && self.ranged).then(Awaited::default);
        if let (Some(awaited), Some(hash)) = (&awaited, &self.expected.hash) {
            awaited.learn(hash);
        }
        let pinned = self.expected.version.is_some() || awaited.as_ref().is_some_and(Awaited::is_known);
        let transport = self.client.raw().transport().with_options(self.options);
        let Expected { size, hash, version } = self.expected;
        let tag = (self.resume && pinned && whole && self.ranged).then(|| {
            let content = format!("{:?}", (request.url(&transport).ok(), version, hash, size));
            hex::encode(Sha384::digest(content)).chars().take(16).collect()
        });
        let (range, ranged) = (self.range, self.ranged);
        let fetch = Fetch { transport, request, range, size, awaited, pinned, ranged, reporter };
        Ok(Plan { fetch, tag })
    }
}

/// A download whose every choice is made.
#[derive(Clone)]
struct Plan {
    fetch: Fetch,
    /// Stands for the content in the name of the part file, if that is to be continued.
    tag: Option<String>,
}

impl Plan {
    fn checked(self) -> BoxStream<'static, Result<Bytes>> {
        let (start, awaited) = (self.fetch.start(), self.fetch.awaited.clone());
        let stream = self.fetch.stream_from(start).boxed();
        match awaited {
            Some(awaited) => awaited.verify(stream).boxed(),
            None => stream,
        }
    }

    async fn write_to(self, path: PathBuf) -> Result<Downloaded> {
        match self.clone().write_once(&path).await {
            // What an earlier run left was not what it was taken for: once more, from the start.
            (true, Err(error)) if error.kind() == ErrorKind::Integrity => self.write_once(&path).await.1,
            (_, done) => done,
        }
    }

    /// Writes the file; also says whether anything of an earlier run was continued.
    async fn write_once(self, path: &Path) -> (bool, Result<Downloaded>) {
        let limit = self.tag.as_ref().map(|_| self.fetch.size.unwrap_or(u64::MAX));
        let mut part = match PartFile::open(path, self.tag, limit, self.fetch.awaited.is_some()).await {
            Ok(part) => part,
            Err(error) => return (false, Err(error)),
        };
        let continued = part.existing > 0;
        let done = match fill(&mut part, self.fetch).await {
            Ok(done) => part.finish().await.map(|()| done),
            Err(error) => {
                part.give_up(error.kind() != ErrorKind::Integrity).await;
                Err(error)
            }
        };
        (continued, done)
    }
}

async fn fill(part: &mut PartFile, fetch: Fetch) -> Result<Downloaded> {
    let (mut size, start, awaited) = (part.existing, fetch.start(), fetch.awaited.clone());
    let mut stream = Box::pin(fetch.stream_from(start + size));
    while let Some(chunk) = stream.try_next().await? {
        size += chunk.len() as u64;
        part.write(chunk).await?;
    }
    let hasher = part.written().await?;
    let verified = awaited.map(|awaited| awaited.check(hasher)).transpose()?.unwrap_or(false);
    Ok(Downloaded { size, verified })
}

#[derive(serde::Deserialize)]
struct TicketStub {
    ticket: String,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("range", &self.range)
            .field("resume", &self.resume)
            .finish_non_exhaustive()
    }
}
