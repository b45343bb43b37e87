//! Data views: tables over containers and the contents of files, made by the site.
//!
//! A view says which columns are wanted; the site visits every container below the one that the view is run on, opens files
//! where the view asks for what is in them, and answers one table. A [`View`] is built here and checked before it is sent,
//! run as it is or [saved](Views::save), and its rows come as values of your own types, as a [`Table`], or as a file.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # for (label, years) in [("sub-01", 34.0), ("sub-02", 67.5)] {
//! #     let age = flywheel::Age::from_years(years).seconds();
//! #     let session = project.add_subject(label).sex("female").await?.add_session("baseline").age(age).await?;
//! #     let scan = session.add_acquisition("bold").await?;
//! #     scan.upload(flywheel::Source::bytes("events.csv", "rt,correct\n0.52,1\n0.48,0\n")).await?;
//! # }
//! # let folder = std::env::temp_dir();
//! use flywheel::view::{Column, View};
//! use futures::TryStreamExt;
//! use serde::Deserialize;
//!
//! let view = View::builder()
//!     .column(Column::new("subject.label").named("subject"))
//!     .column(Column::new("session.age_years").named("age"))
//!     .include_ids(false)
//!     .include_labels(false)
//!     .build()?;
//!
//! // Rows as values of a type of your own.
//! #[derive(Debug, Deserialize)]
//! struct Row {
//!     subject: String,
//!     age: Option<f64>,
//! }
//! let mut rows = fw.views().run(&view, &project).rows::<Row>();
//! while let Some(row) = rows.try_next().await? {
//!     println!("{} {:?}", row.subject, row.age);
//! }
//!
//! // What is in files, straight to disk; the name's end says in which format.
//! let events = View::builder()
//!     .column("subject.label")
//!     .files(flywheel::Kind::Acquisition, "*.csv")
//!     .file_column(Column::new("rt").named("reaction_time"))
//!     .build()?;
//! let path = folder.join(format!("{}.csv", project.id()));
//! fw.views().run(&events, &project).filter("subject.label=sub-01").to_path(&path).await?;
//! assert_eq!(std::fs::read_to_string(&path)?.lines().count(), 3);
//! # std::fs::remove_file(path)?;
//! # Ok(())
//! # }
//! ```
//!
//! A mistake shows before anything is sent, and says what to change:
//!
//! ```
//! let error = flywheel::View::builder().column("session.label").zip_member("*.json").build().unwrap_err();
//! assert_eq!(
//!     error.message(),
//!     "the view says how files are read, not which: say files(container, name) as well"
//! );
//! ```
//!
//! | what | holds |
//! |---|---|
//! | [`View`], [`ViewBuilder`] | what is asked for |
//! | [`Views`], [`SavedView`] | views that are kept: of the site, a user, a group, a project |
//! | [`ViewRun`] | a view on one container or several, and the ways its rows come |
//! | [`Table`] | rows at hand: typed, as Arrow record batches (feature `arrow`), as a Polars data frame (feature `polars`), as CSV, JSON and Parquet files |
//! | [`DataViewExecution`] | one run on the site, as the site keeps it |

#[cfg(feature = "arrow")]
mod batches;
mod build;
mod execution;
#[cfg(feature = "polars")]
mod frame;
mod rows;
mod run;
mod saved;
mod shape;
mod table;
mod write;

pub use build::{View, ViewBuilder};
pub use execution::DataViewExecution;
pub use flywheel_api::types::DataViewColumnAlias;
pub use flywheel_core::view::{
    Accumulator, AnalysisFilter, Column, ColumnType, GroupColumn, Match, MissingData, NameFilter,
    OutputFormat, RecordFormat, ZipFilter,
};
pub use rows::Rows;
pub use run::{Target, ViewRun, ViewSource};
pub use saved::{SavedView, Views};
pub use shape::Shape;
pub use table::Table;
