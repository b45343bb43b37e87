//! Whole containers as one tar or zip: what goes in, how it is laid out, and what it would hold.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # let session = project.add_subject("sub-01").await?.add_session("ses-01").await?;
//! # session.upload(flywheel::Source::bytes("t1.nii", "pretend this is a volume")).await?;
//! # session.upload(flywheel::Source::bytes("notes.txt", "moved")).await?;
//! use futures::TryStreamExt;
//!
//! let scans = session.archive().include_types(["nifti"]);
//! let mut targets = scans.targets();
//! while let Some(target) = targets.try_next().await? {
//!     println!("{} ({} bytes)", target.path, target.size);
//!     assert!(target.path.ends_with("t1.nii"));
//! }
//! # Ok(())
//! # }
//! ```

use std::{fmt, path::Path, pin::Pin};

use bytes::Bytes;
use flywheel_api::{
    OperationId,
    transport::{CallOptions, RawRequest},
};
use futures::{Stream, StreamExt, stream::BoxStream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    download::{Download, Downloaded},
    lines,
    running::{Callbacks, Progress, Transfer},
};
use crate::{Client, ContainerRef, Request, Result, Timestamp};

/// The form of an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArchiveFormat {
    /// A tar file, not compressed.
    #[default]
    Tar,
    /// A zip file.
    Zip,
}

impl ArchiveFormat {
    /// The name on the wire and the usual ending of the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tar => "tar",
            Self::Zip => "zip",
        }
    }
}

/// How the folders inside an archive are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArchiveLayout {
    /// By labels alone: `scitran/GROUP/PROJECT/SUBJECT/SESSION/ACQUISITION/FILE`.
    #[default]
    Classic,
    /// With the level of each folder: `flywheel/PROJECT/SUBJECTS/SUBJECT/SESSIONS/…/FILES/FILE`.
    Full,
}

impl ArchiveLayout {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Full => "full",
        }
    }
}

/// One file of an archive.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Target {
    /// Its path inside the archive.
    #[serde(rename = "dst_path")]
    pub path: String,
    /// Its name.
    #[serde(rename = "filename")]
    pub name: String,
    /// The kind of the container it hangs on, such as `acquisition`.
    pub container_type: Option<String>,
    /// The id of that container.
    pub container_id: Option<String>,
    /// Its own id.
    pub file_id: Option<String>,
    /// Its version, from 1.
    pub version: Option<u32>,
    /// Bytes.
    #[serde(deserialize_with = "or_zero")]
    pub size: u64,
    /// The recorded hash.
    pub hash: Option<String>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
}

fn or_zero<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// What an archive will hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ArchiveSummary {
    /// The name that the site proposes for the file.
    pub filename: Option<String>,
    /// The number of files inside.
    #[serde(rename = "file_cnt")]
    pub files: Option<u64>,
    /// Bytes of the files inside, together; the archive itself is a little larger.
    pub size: Option<u64>,
}

/// Everything below some containers, as one file, in folders by group, project, subject, session and acquisition.
///
/// ```no_run
/// # async fn run(fw: flywheel::Client) -> flywheel::Result<()> {
/// use flywheel::{ContainerRef, Kind};
///
/// let session = ContainerRef::new(Kind::Session, "5eb0bf2e0a1b2c3d4e5f6071");
/// fw.archive([session]).include_types(["nifti"]).to_path("session.tar").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "an archive is not fetched until it is told where to put the bytes"]
pub struct Archive {
    client: Client,
    containers: Vec<ContainerRef>,
    format: ArchiveFormat,
    layout: ArchiveLayout,
    analyses: bool,
    types: Choice,
    tags: Choice,
    callbacks: Callbacks,
    options: CallOptions,
}

/// Values of which a file has one, or none.
#[derive(Clone, Debug, Default)]
struct Choice {
    include: Vec<String>,
    exclude: Vec<String>,
}

impl Choice {
    fn is_open(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    fn on_the_wire(&self) -> Value {
        json!({"plus": self.include, "minus": self.exclude})
    }
}

fn owned(values: impl IntoIterator<Item = impl Into<String>>) -> impl Iterator<Item = String> {
    values.into_iter().map(Into::into)
}

impl Archive {
    /// Everything below `containers`.
    pub(super) fn new(client: &Client, containers: impl IntoIterator<Item = ContainerRef>) -> Self {
        Self {
            client: client.clone(),
            containers: containers.into_iter().collect(),
            format: ArchiveFormat::default(),
            layout: ArchiveLayout::default(),
            analyses: false,
            types: Choice::default(),
            tags: Choice::default(),
            callbacks: Callbacks::default(),
            options: CallOptions::new(),
        }
    }

    /// The form of the archive; tar unless said otherwise.
    pub fn format(mut self, format: ArchiveFormat) -> Self {
        self.format = format;
        self
    }

    /// How the folders inside are named; by labels alone unless said otherwise.
    pub fn layout(mut self, layout: ArchiveLayout) -> Self {
        self.layout = layout;
        self
    }

    /// Whether analyses of the containers go in as well. They do only with [`ArchiveLayout::Full`].
    pub fn analyses(mut self, yes: bool) -> Self {
        self.analyses = yes;
        self
    }

    /// Only files of these types, such as `nifti`.
    pub fn include_types(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.types.include.extend(owned(types));
        self
    }

    /// No files of these types.
    pub fn exclude_types(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.types.exclude.extend(owned(types));
        self
    }

    /// Only files with one of these tags.
    pub fn include_tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags.include.extend(owned(tags));
        self
    }

    /// No files with one of these tags.
    pub fn exclude_tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags.exclude.extend(owned(tags));
        self
    }

    /// Calls `report` as bytes move. The total stays unknown: the site makes the archive while it sends it.
    pub fn on_progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.callbacks.push(report);
        self
    }

    /// Other timeouts, retries or features than the client's.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options.over(&self.options);
        self
    }

    /// What the archive will hold, without fetching it. Containers that the caller may not read are left out of it.
    pub fn summary(&self) -> Request<'static, ArchiveSummary> {
        let archive = self.clone();
        Request::new(&self.client, move |raw| async move { Ok(archive.ticket(&raw).await?.summary) })
            .options(self.options.clone())
    }

    /// Writes the archive to `path`, in one step once it is there whole.
    pub fn to_path(self, path: impl AsRef<Path>) -> Transfer<Downloaded> {
        let path = path.as_ref().to_path_buf();
        let reporter = self.callbacks.clone().reporter();
        let watched = reporter.clone();
        Transfer::new(&watched, async move {
            let download = self.begin().await?;
            download.on_progress(move |now| reporter.update(|progress| *progress = now)).to_path(path).await
        })
    }

    /// The bytes of the archive as they arrive.
    pub fn stream(self) -> BoxStream<'static, Result<Bytes>> {
        let reporter = self.callbacks.clone().reporter();
        let stream = async move {
            match self.begin().await {
                Ok(download) => {
                    download.on_progress(move |now| reporter.update(|progress| *progress = now)).stream()
                }
                Err(error) => futures::stream::once(std::future::ready(Err(error))).boxed(),
            }
        };
        futures::stream::once(stream).flatten().boxed()
    }

    async fn begin(self) -> Result<Download> {
        let ticket = self.ticket(&self.client.raw().with_options(self.options.clone())).await?.ticket;
        let request = RawRequest::of(OperationId::DownloadTicket.operation(), &[])?;
        let request = request.query("ticket", ticket).query("format", self.format.as_str());
        Ok(Download::of(&self.client, Ok(request)).options(self.options))
    }

    /// The files it will hold, in its order, as the site finds them; nothing is packed.
    pub fn targets(&self) -> Targets {
        let archive = self.clone();
        let lines = async move {
            let raw = archive.client.raw().with_options(archive.options.clone());
            let request = archive.request(OperationId::GetDownloadTargets)?;
            Ok::<_, crate::Error>(lines::documents(raw.transport().send(&request).await?.into_inner()))
        };
        Targets { inner: futures::TryStreamExt::try_flatten(futures::stream::once(lines)).boxed() }
    }

    async fn ticket(&self, raw: &flywheel_api::Client) -> Result<Ticket> {
        raw.transport().send_json(&self.request(OperationId::CreateDownloadTicket)?).await
    }

    /// The request of an operation that takes the description of an archive.
    fn request(&self, operation: OperationId) -> Result<RawRequest> {
        let nodes: Vec<_> =
            self.containers.iter().map(|node| json!({"level": node.kind, "_id": node.id})).collect();
        let mut body = json!({"optional": true, "nodes": nodes});
        let mut filter = serde_json::Map::new();
        for (name, choice) in [("types", &self.types), ("tags", &self.tags)] {
            if !choice.is_open() {
                filter.insert(name.to_owned(), choice.on_the_wire());
            }
        }
        if !filter.is_empty() {
            body["filters"] = json!([filter]);
        }
        let mut request = RawRequest::of(operation.operation(), &[])?.query("type", self.layout.as_str());
        if self.analyses {
            request = request.query("analyses", "true");
        }
        Ok(request.json(&body))
    }
}

/// The stream of [`Archive::targets`].
#[must_use = "streams do nothing unless polled"]
pub struct Targets {
    inner: BoxStream<'static, Result<Target>>,
}

impl Stream for Targets {
    type Item = Result<Target>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Target>>> {
        self.inner.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Targets").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Ticket {
    ticket: String,
    #[serde(flatten)]
    summary: ArchiveSummary,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive")
            .field("containers", &self.containers)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
