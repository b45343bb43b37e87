//! Whole containers as one tar or zip.

use std::{fmt, path::Path};

use bytes::Bytes;
use flywheel_api::{
    OperationId,
    transport::{CallOptions, RawRequest},
};
use futures::{StreamExt, stream::BoxStream};
use serde::Deserialize;
use serde_json::json;

use super::{
    download::{Download, Downloaded},
    running::{Callbacks, Progress, Transfer},
};
use crate::{Client, ContainerRef, Request, Result};

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
    include: Vec<String>,
    exclude: Vec<String>,
    callbacks: Callbacks,
    options: CallOptions,
}

impl Archive {
    /// Everything below `containers`.
    pub(super) fn new(client: &Client, containers: impl IntoIterator<Item = ContainerRef>) -> Self {
        Self {
            client: client.clone(),
            containers: containers.into_iter().collect(),
            format: ArchiveFormat::default(),
            include: Vec::new(),
            exclude: Vec::new(),
            callbacks: Callbacks::default(),
            options: CallOptions::new(),
        }
    }

    /// The form of the archive; tar unless said otherwise.
    pub fn format(mut self, format: ArchiveFormat) -> Self {
        self.format = format;
        self
    }

    /// Only files of these types, such as `nifti`.
    pub fn include_types(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.include.extend(types.into_iter().map(Into::into));
        self
    }

    /// No files of these types.
    pub fn exclude_types(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.exclude.extend(types.into_iter().map(Into::into));
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

    async fn ticket(&self, raw: &flywheel_api::Client) -> Result<Ticket> {
        let nodes: Vec<_> =
            self.containers.iter().map(|node| json!({"level": node.kind, "_id": node.id})).collect();
        let mut body = json!({"optional": true, "nodes": nodes});
        if !self.include.is_empty() || !self.exclude.is_empty() {
            body["filters"] = json!([{"types": {"plus": self.include, "minus": self.exclude}}]);
        }
        let request = RawRequest::of(OperationId::CreateDownloadTicket.operation(), &[])?;
        raw.transport().send_json(&request.query("type", "classic").json(&body)).await
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
