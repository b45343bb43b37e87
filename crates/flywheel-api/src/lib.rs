//! Every endpoint of the Flywheel API, typed.
//!
//! This is the raw layer: one method an operation, named as in the official Python client, generated from the
//! description in `openapi/`. Programs for daily work read better on the `flywheel` crate, which is built on this
//! one and hands it out as `client.raw()`.
//!
//! ```no_run
//! use flywheel_api::transport::Transport;
//! use flywheel_api::{Client, types};
//!
//! # async fn tour() -> Result<(), flywheel_api::Error> {
//! // A client knows the site and the key; clones share its connections.
//! let client = Client::new(Transport::from_env()?);
//!
//! // A call is a builder: parameters by name, then `send`. A list reads the same whether the site answers a bare
//! // array or a page.
//! let projects = client.get_all_projects().filter("label=~^Study").limit(50).send().await?.into_inner();
//! for project in &projects {
//!     println!("{:?} {:?}", project.id, project.label);
//! }
//!
//! // What is sent is typed. A field of an update is kept, cleared or set.
//! let change = types::SubjectModify {
//!     label: "sub-01".into(),
//!     cohort: flywheel_api::models::Patch::Clear,
//!     ..Default::default()
//! };
//! client.modify_subject().subject_id("64b0c0ffee00000000000003").body(change).send().await?;
//!
//! // Bytes arrive as a stream, with the headers they came with.
//! let file = client
//!     .download_file_from_acquisition()
//!     .acquisition_id("64b0c0ffee00000000000005")
//!     .file_name("T1w.nii.gz")
//!     .send()
//!     .await?;
//! let length = file.content_length();
//! let bytes = file.into_inner().collect().await?;
//! assert!(length.is_none_or(|length| length == bytes.len() as u64));
//!
//! // Errors say what happened, and never hold what was sent or received.
//! if let Err(error) = client.get_project().project_id("gone").send().await {
//!     assert!(error.is_not_found());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What answers promise
//!
//! A release of the platform adds fields and values and changes types; no answer is refused for that, and nothing
//! of it is lost:
//!
//! - every field of an answer may be missing or null;
//! - fields without a name here are kept in `extra`, and sent back with the model;
//! - enumerations are open: a value not known yet is kept as [`models::Unrecognized`];
//! - a [`models::Timestamp`] keeps its offset and reads a text without one as UTC;
//! - an object whose kind has no model is kept as JSON, and so is the third form of a union of two;
//! - a value of another type than promised is set aside with its place ([`ResponseValue::odd`]), and the rest is
//!   decoded: one odd field costs that field, one odd row of a list costs that row.
//!
//! # Without types
//!
//! [`Client::request`] calls any row of the operation table ([`OperationId::ALL`]) with parameters by their names
//! and answers JSON: for fields that this release has no name for, and for tools.
//!
//! # Where things are
//!
//! | module | holds |
//! |---|---|
//! | [`types`] | the models, and builders of those that requests are made of |
//! | [`builder`] | the calls |
//! | [`models`] | what models are made of: lists, moments, open values, patches |
//! | [`operation`] | the operation table |
//! | [`support`] | forms, answers, path segments |
//! | [`transport`] | authorization, retry, timeouts, TLS, tracing |
//! | [`error`] | the one error |

pub mod error;
pub mod models;
pub mod operation;
pub mod support;
pub mod transport;

mod client;
#[allow(missing_docs, unused_imports, clippy::all, unreachable_pub, reason = "checked where it is made")]
#[rustfmt::skip]
mod generated;

pub use client::Client;
pub use error::{Error, ErrorKind};
pub use generated::operations::OperationId;
pub use generated::{builder, types};
pub use operation::Operation;
pub use support::response::{ByteStream, ResponseValue};
