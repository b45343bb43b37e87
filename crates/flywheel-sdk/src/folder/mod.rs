//! Whole containers as folders on a disk: several files at a time, each checked against its recorded hash, and only what is
//! missing or has changed.
//!
//! A container becomes a folder by its label, with a folder for each container in it; analyses stand in a folder `analyses`.
//! Two siblings of one label do not mix: the second one's folder begins with its id.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # let session = project.add_subject("sub-01").await?.add_session("ses-01").await?;
//! # let scan = session.add_acquisition("T1w").await?;
//! # let folder = tempfile::tempdir()?;
//! use flywheel::Source;
//!
//! scan.upload(Source::bytes("t1.nii.gz", "pretend this is a volume")).await?;
//!
//! let report = project.download_to(folder.path()).include_types(["nifti"]).await?;
//! assert_eq!((report.downloaded().count(), report.failed().count()), (1, 0));
//! assert!(folder.path().join("Color Study/sub-01/ses-01/T1w/t1.nii.gz").is_file());
//!
//! // Again: nothing moves, because nothing changed.
//! assert_eq!(project.download_to(folder.path()).await?.unchanged().count(), 1);
//! # Ok(())
//! # }
//! ```

mod name;
mod plan;
mod sync;

use std::{
    fmt,
    future::IntoFuture,
    path::{Path, PathBuf},
    sync::Arc,
};

use flywheel_api::transport::CallOptions;
use serde::{Serialize, Serializer};

use crate::{
    Acquisition, Analysis, Client, ContainerRef, Error, ErrorKind, File, Group, Progress, Project, Request,
    Resource, Result, Session, Subject, Transfer, transfer::Callbacks,
};

pub use name::safe_name;

/// Files that move at the same time when nothing is said.
const AT_ONCE: usize = 4;

/// A file and its place below the folder that everything goes to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Located {
    /// The place, relative to the folder.
    pub path: PathBuf,
    /// The file.
    pub file: File,
}

impl Located {
    /// `file` at `path` below the folder that everything goes to.
    pub fn new(path: impl Into<PathBuf>, file: File) -> Self {
        Self { path: path.into(), file }
    }
}

/// What became of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It was fetched, whole or from where an earlier run stopped.
    Downloaded,
    /// The same bytes were there already.
    Unchanged,
    /// It could not be fetched.
    Failed,
}

/// One file, where it is now and what became of it.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Fetched {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether the bytes have the hash that the site recorded; sites that record none leave only the size to check.
    pub verified: bool,
    /// Why it failed.
    #[serde(serialize_with = "message", skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

fn message<S: Serializer>(error: &Option<Error>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&error.as_ref().map(ToString::to_string).unwrap_or_default())
}

/// What became of all files, in the order of their paths.
#[derive(Debug, Default, Serialize)]
#[non_exhaustive]
pub struct FolderReport {
    /// Each file.
    pub files: Vec<Fetched>,
}

impl FolderReport {
    /// The files that were fetched.
    pub fn downloaded(&self) -> impl Iterator<Item = &Fetched> {
        self.of(Outcome::Downloaded)
    }

    /// The files that were there already.
    pub fn unchanged(&self) -> impl Iterator<Item = &Fetched> {
        self.of(Outcome::Unchanged)
    }

    /// The files that could not be fetched. The same download again goes on with them.
    pub fn failed(&self) -> impl Iterator<Item = &Fetched> {
        self.of(Outcome::Failed)
    }

    fn of(&self, outcome: Outcome) -> impl Iterator<Item = &Fetched> {
        self.files.iter().filter(move |file| file.outcome == outcome)
    }

    /// The report, or the first failure.
    ///
    /// # Errors
    /// Why the first file that failed did.
    pub fn complete(mut self) -> Result<Self> {
        match self.files.iter_mut().find_map(|file| file.error.take()) {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }
}

/// What happens while a folder is fetched.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum FolderEvent<'a> {
    /// A file is missing or has changed, and its bytes are asked for.
    Started {
        /// Where it goes.
        path: &'a Path,
        /// Bytes.
        size: u64,
    },
    /// Bytes of a file arrived.
    Moved {
        /// Where it goes.
        path: &'a Path,
        /// How far it is.
        now: Progress,
    },
    /// A file is done with.
    Ended(&'a Fetched),
}

type Listener = Arc<dyn Fn(FolderEvent<'_>) + Send + Sync>;

/// Where events go.
#[derive(Clone, Default)]
struct Events(Vec<Listener>);

impl Events {
    fn tell(&self, event: FolderEvent<'_>) {
        self.0.iter().for_each(|listener| listener(event));
    }
}

/// A download of many files into one folder, to be set up; awaiting it fetches them. See the [module](self).
///
/// A file that fails is part of the [`FolderReport`] and does not stop the others. What was interrupted goes on where it
/// stopped when the same download is run again. Dropped or cancelled, it leaves no file that is not whole.
#[must_use = "nothing is fetched until this is awaited"]
pub struct FolderDownload {
    client: Client,
    folder: PathBuf,
    files: Files,
    include: Vec<String>,
    exclude: Vec<String>,
    at_once: usize,
    events: Events,
    callbacks: Callbacks,
    options: CallOptions,
}

/// Which files.
#[derive(Clone)]
enum Files {
    These(Vec<Located>),
    Below { root: ContainerRef, label: String },
}

impl FolderDownload {
    fn new(client: &Client, folder: impl AsRef<Path>, files: Files) -> Self {
        Self {
            client: client.clone(),
            folder: folder.as_ref().to_path_buf(),
            files,
            include: Vec::new(),
            exclude: Vec::new(),
            at_once: AT_ONCE,
            events: Events::default(),
            callbacks: Callbacks::default(),
            options: CallOptions::new(),
        }
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

    /// How many files move at the same time; 4 when nothing is said. Zero counts as one.
    pub fn at_once(mut self, files: usize) -> Self {
        self.at_once = files.max(1);
        self
    }

    /// Calls `listen` with what happens to each file, from the task that moves them.
    pub fn on_event(mut self, listen: impl Fn(FolderEvent<'_>) + Send + Sync + 'static) -> Self {
        self.events.0.push(Arc::new(listen));
        self
    }

    /// Calls `report` with the bytes of all files together.
    pub fn on_progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.callbacks.push(report);
        self
    }

    /// Other timeouts, retries or features than the client's.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options.over(&self.options);
        self
    }

    /// The files that would be there in the end, and where below the folder; nothing is fetched.
    pub fn plan(&self) -> Request<'static, Vec<Located>> {
        let (files, include, exclude) = (self.files.clone(), self.include.clone(), self.exclude.clone());
        let client = self.client.clone();
        let plan = move |raw| async move {
            let mut located = match files {
                Files::These(files) => files,
                Files::Below { root, label } => plan::files_below(&Client::from(raw), &root, &label).await?,
            };
            located.retain(|located| {
                let among = |types: &[String]| {
                    located.file.file_type().is_some_and(|own| types.iter().any(|one| one == own))
                };
                (include.is_empty() || among(&include)) && !among(&exclude)
            });
            Ok(located)
        };
        Request::new(&client, plan).options(self.options.clone())
    }

    /// The transfer, to be watched, cancelled and awaited.
    pub fn start(self) -> Transfer<FolderReport> {
        let reporter = self.callbacks.clone().reporter();
        let plan = self.plan();
        let sync = sync::Sync {
            folder: self.folder,
            at_once: self.at_once,
            events: self.events,
            reporter: reporter.clone(),
        };
        Transfer::new(&reporter, async move { Ok(sync.run(plan.await?).await) })
    }
}

impl IntoFuture for FolderDownload {
    type Output = Result<FolderReport>;
    type IntoFuture = Transfer<FolderReport>;

    fn into_future(self) -> Transfer<FolderReport> {
        self.start()
    }
}

impl fmt::Debug for FolderDownload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FolderDownload").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Defines the downloads of containers that become folders.
macro_rules! folders {
    ($($name:ident)*) => {$(
        impl $name {
            /// Fetches all files of it and below it into a folder of `folder` that has its label: only what is missing
            /// there or has changed. See [`folder`](crate::folder).
            pub fn download_to(&self, folder: impl AsRef<Path>) -> FolderDownload {
                let files = Files::Below { root: self.reference(), label: self.label().to_owned() };
                FolderDownload::new(self.client(), folder, files)
            }
        }
    )*};
}

folders!(Group Project Subject Session Acquisition Analysis);

impl Client {
    /// Fetches these files to their places in `folder`: only what is missing there or has changed.
    pub fn download_many(
        &self,
        folder: impl AsRef<Path>,
        files: impl IntoIterator<Item = Located>,
    ) -> FolderDownload {
        FolderDownload::new(self, folder, Files::These(files.into_iter().collect()))
    }
}

impl crate::Node {
    /// Fetches all files of it and below it, or itself where it is a file; as `download_to` of each kind.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when it is of a kind that has no files in the hierarchy.
    pub fn download_to(&self, folder: impl AsRef<Path>) -> Result<FolderDownload> {
        match self {
            Self::Group(node) => Ok(node.download_to(folder)),
            Self::Project(node) => Ok(node.download_to(folder)),
            Self::Subject(node) => Ok(node.download_to(folder)),
            Self::Session(node) => Ok(node.download_to(folder)),
            Self::Acquisition(node) => Ok(node.download_to(folder)),
            Self::Analysis(node) => Ok(node.download_to(folder)),
            Self::File(file) => {
                let located = Located::new(safe_name(file.name()), file.clone());
                Ok(file.client().download_many(folder, [located]))
            }
            other => {
                let message = format!("a {} has no files to download", other.kind_name());
                Err(Error::new(ErrorKind::Unsupported, message))
            }
        }
    }
}
