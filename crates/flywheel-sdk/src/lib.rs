//! A client for Flywheel, the platform for medical-imaging research data.
//!
//! Flywheel keeps imaging studies in a tree: groups (labs) hold projects (studies), which hold subjects, which hold
//! sessions (visits), which hold acquisitions (scans). Files, notes, tags and free metadata hang on any of these. This crate
//! finds, makes, changes and moves all of that from Rust programs.
//!
//! The examples on this page run against a real site, the in-process one of the `flywheel-local` crate.
//!
//! # A first program
//!
//! A [`Client`] needs an API key, which the platform shows on your profile page. [`Client::from_env`] takes it from
//! `FLYWHEEL_API_KEY`, or from where `fw login` has put it. Everything else begins at the client.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let key = running.api_key();
//! let fw = flywheel::Client::new(key)?;
//!
//! let group = fw.add_group("neuro", "Neuro Lab").await?;
//! let project = group.add_project("Color Study").await?;
//! for label in ["sub-01", "sub-02"] {
//!     let subject = project.add_subject(label).sex("female").await?;
//!     subject.add_session("baseline").age(flywheel::Age::from_years(31.5).seconds()).await?;
//! }
//!
//! for session in project.sessions().await? {
//!     let subject = session.subject().await?;
//!     println!("{} {} {:?}", subject.label(), session.label(), session.age_years());
//!     assert_eq!(session.age_years(), Some(31.5));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Finding
//!
//! Each kind of thing has a [`Finder`], on the client for the whole site and on a container for what is below it. A finder is
//! told what to look for and then awaited for everything, or asked for one ([`find_one`](Finder::find_one)), the first
//! ([`find_first`](Finder::find_first)), the number ([`count`](Finder::count)) or a stream ([`iter`](Finder::iter)) that is
//! walked page by page, the next page under way while this one is worked on.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # for label in ["001", "002", "phantom"] { project.add_subject(label).await?; }
//! use flywheel::{Sort, field};
//! use futures::TryStreamExt;
//!
//! let project = fw.projects().filter("label=Color Study").find_one().await?;
//!
//! // Text as the platform writes it, or built: quoting is then taken care of.
//! let first = project.subjects().filter(field("label").eq("001")).find_one().await?;
//! let recent = project.subjects().filter("created>2024-01-01,label=~^0").sort(Sort::desc("label")).limit(10).await?;
//! assert_eq!((first.label(), recent.len()), ("001", 2));
//!
//! let mut subjects = project.subjects().with_info().iter();
//! while let Some(subject) = subjects.try_next().await? {
//!     println!("{} {:?}", subject.label(), subject.info);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Lists leave out what is long or personal: free metadata, analyses, names of subjects. [`with_info`](Finder::with_info)
//! and [`full`](Finder::full) bring it without one call of yours for each row, and what was left out is never mistaken for
//! what is not there: [`info_at`](Session::info_at) says so instead of `None`.
//!
//! Who knows the way can take it: [`Client::lookup`] finds what stands at a path, [`Client::get`] what has an id.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # project.add_subject("sub-01").await?;
//! use flywheel::{Node, Subject};
//!
//! let subject: Subject = fw.lookup("neuro/Color Study/sub-01").cast().await?;
//! let Node::Project(project) = fw.get(subject.project().await?.id()).await? else { unreachable!() };
//! assert_eq!(project.label(), "Color Study");
//! # Ok(())
//! # }
//! ```
//!
//! # Changing
//!
//! Containers are values: a [`Session`] holds its document, to which it derefs, and the client it came through. What is
//! changed through it is changed in it as well.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # let mut session = project.add_subject("sub-01").await?.add_session("baseline").await?;
//! use serde_json::json;
//!
//! session.update().operator("Jo").weight(71.5).set("uid", "1.2.840.1").await?;
//! session.tags().add(["qc-pass"]).await?;
//! session.notes().add("Participant moved in run 2.").await?;
//! session.info().merge(json!({"qc": {"snr": 12.5}})).await?;
//!
//! assert_eq!(session.operator.as_deref(), Some("Jo"));
//! assert_eq!(session.info_at::<f64>("/qc/snr")?, Some(12.5));
//! # Ok(())
//! # }
//! ```
//!
//! # Files
//!
//! Bytes go up and come down without ever being in memory as a whole, with progress, cancel and a check of the hash; see
//! [`transfer`] and [`mod@file`].
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # let session = project.add_subject("sub-01").await?.add_session("baseline").await?;
//! # let folder = std::env::temp_dir();
//! use flywheel::Source;
//!
//! let acquisition = session.add_acquisition("T1w").await?;
//! let mut file = acquisition.upload(Source::bytes("t1.nii.gz", "pretend this is a volume")).await?;
//! file.update().modality("MR").await?;
//! file.classification().add([("Measurement", ["T1"])]).await?;
//!
//! let same = project.all_files().filter("type=nifti").find_one().await?;
//! let path = folder.join(format!("{}.nii.gz", same.id()));
//! let done = same.download().to_path(&path).await?;
//! assert_eq!(done.size, 24);
//! # std::fs::remove_file(path)?;
//! # Ok(())
//! # }
//! ```
//!
//! # When it fails
//!
//! Every call fails with one type, [`Error`], which says which operation failed, with which status, what the site said about
//! it, how often it was tried, and whether it may have been carried out. Transient failures are repeated before you see
//! them, as far as that is safe: see [`RetryPolicy`].
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! use std::time::Duration;
//!
//! match fw.projects().get("5eb0bf2e0a1b2c3d4e5f6071").timeout(Duration::from_secs(20)).await {
//!     Ok(project) => println!("{}", project.label()),
//!     Err(error) if error.is_not_found() => println!("no such project"),
//!     Err(error) => return Err(error.into()),
//! }
//! assert!(fw.projects().get_opt("5eb0bf2e0a1b2c3d4e5f6071").await?.is_none());
//! # Ok(())
//! # }
//! ```
//!
//! # Options
//!
//! How patient a call is, how often it is tried again and which features it asks the site for is said by [`CallOptions`], in
//! one of three places: on what is awaited (`.timeout(..)`, `.retry(..)`, `.options(..)`; what is still being told things,
//! such as `session.update()`, becomes a [`Request`] by `.request()`), on a thing at hand
//! ([`with_options`](Session::with_options)), or on the client ([`Client::with_options`]). They reach every call that a
//! request consists of.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! use flywheel::{CallOptions, RetryPolicy};
//! use std::time::Duration;
//!
//! let subject = project.add_subject("sub-01").request().timeout(Duration::from_secs(5)).await?;
//! let sessions = subject.sessions().retry(RetryPolicy::never()).await?;
//!
//! let impatient = fw.with_options(CallOptions::new().timeout(Duration::ZERO));
//! assert!(impatient.projects().await.unwrap_err().is_timeout());
//! # Ok(())
//! # }
//! ```
//!
//! # Tables and searches
//!
//! A [data view](view) makes one table of a whole project, free metadata and the contents of files included; a
//! [search](mod@search) asks the whole site at once; a [collection] keeps what was found together.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # project.add_subject("sub-01").await?.add_session("baseline").age(2_000_000_000).await?.add_acquisition("T1w").await?;
//! use flywheel::{Kind, View};
//!
//! let view = View::builder().columns(["subject.label", "session.age_years"]).build()?;
//! let ages = fw.views().run(&view, &project).table().await?;
//! assert_eq!(ages.len(), 1);
//!
//! let collection = fw.add_collection("Over sixty").await?;
//! let added = fw.search("session.age >= 1893456000").add_to(&collection, Kind::Session).await?;
//! assert_eq!(added.members, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Without async
//!
//! [`blocking`] adds `.block()` to everything that can be awaited and `.block_iter()` to every stream.
//!
//! # Beyond
//!
//! What has no method here (reading tasks, protocols and forms above all) is one step away: [`Client::raw`] has one for every
//! operation of the API, with typed parameters, bodies and answers. Fields that this release does not know are in the `extra`
//! of each document; values of enumerations that it does not know are kept as they came.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! let protocols = fw.raw().find_task_protocols().filter("label=Reading").limit(50).send().await?.into_inner();
//! assert_eq!(protocols.len(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! | feature | what it adds |
//! |---|---|
//! | `logging` (on unless left out) | [`GearContext::init_logging`]: the log of a program that runs [inside a gear](context) |
//! | `arrow` | tables of [views](view) as Arrow record batches and as Parquet files |
//! | `polars` | tables of [views](view) as Polars data frames |
//!
//! Keys never show in `Debug`, messages or traces, nor do documents, which may hold patient data: `Debug` of a container
//! shows its id.
//!
//! | module | what it is about |
//! |---|---|
//! | [`finder`] | lists: filter, sort, pages, cursors |
//! | [`container`] | groups, projects, subjects, sessions, acquisitions, analyses, collections |
//! | [`edit`] | fields, tags, notes, free metadata, permissions; making and deleting |
//! | [`mod@file`] | files: type, classification, versions |
//! | [`transfer`] | uploads, downloads, zip members, archives |
//! | [`folder`] | whole containers as folders on a disk, kept up to date |
//! | [`hierarchy`] | the tree as a whole: printed, copied, moved |
//! | [`bulk`] | the same work on many things, resumable |
//! | [`resolve`] | paths and ids |
//! | [`search`] | finding by what containers and files hold, anywhere on the site |
//! | [`view`] | tables over containers and the contents of files |
//! | [`collection`] | curating selections across projects |
//! | [`admin`] | running a site: users, roles, devices, settings, reports, audit |
//! | [`gear`] | gears: runs, batches, rules, permissions |
//! | [`job`] | jobs: waiting, logs, priorities |
//! | [`context`] | for programs that run inside a gear |
//! | [`blocking`] | the same without async |

pub mod admin;
pub mod blocking;
pub mod bulk;
mod call;
mod client;
pub mod collection;
pub mod container;
pub mod context;
pub mod edit;
pub mod file;
pub mod finder;
pub mod folder;
pub mod gear;
pub mod hierarchy;
pub mod job;
mod kind;
pub mod list;
mod local;
mod moment;
mod node;
mod request;
pub mod resolve;
mod resource;
pub mod search;
mod site;
pub mod transfer;
pub mod view;
mod wait;

pub use admin::{Device, Modality, Role, User};
pub use bulk::{Bulk, BulkReport, Row};
pub use client::{Client, ClientBuilder};
pub use container::{Acquisition, Analysis, Collection, Group, Project, Session, Subject};
pub use context::GearContext;
pub use file::{File, FileRef};
pub use finder::{Cursor, Finder, Items, Page, Pages};
pub use flywheel_api::{
    Error, ErrorKind, OperationId,
    error::Detail,
    models::{Odd, Timestamp},
    transport::{CallOptions, CredentialFiles, Environment, RetryPolicy, Timeouts},
    types,
    types::{AccessLevel, ContainerDeleteReason as DeleteReason, JobState, Note},
};
pub use flywheel_core::{
    age::Age,
    filter::{Filter, field},
    key::ApiKey,
    modality::Classification,
    path::FwPath,
    query::Query,
    sort::Sort,
};
pub use folder::{FolderDownload, FolderReport};
pub use gear::Gear;
pub use hierarchy::MoveTo;
pub use job::Job;
pub use kind::{ContainerRef, Kind, UnknownKind};
pub use list::List;
pub use moment::Moment;
pub use node::Node;
pub use request::Request;
pub use resource::Resource;
pub use search::{Hit, SavedSearch, Search};
pub use transfer::{
    Archive, ArchiveFormat, ArchiveLayout, ArchiveSummary, Canceller, Download, Downloaded, Progress, Source,
    Target, Targets, Transfer, Upload, Zip, ZipMember,
};
pub use view::{DataViewExecution, SavedView, View};
pub use wait::Wait;

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(doc)]
pub mod parity;

/// The first program of the README, so that it compiles for as long as it stands there.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
