//! Changing what is there: fields, tags, notes, free metadata, permissions; making and removing containers.
//!
//! Each of these is reached from the container it changes and awaited. What the site was told is then also in the value at
//! hand; what the site works out by itself (`modified`, `revision`, `parents` after a move) is there after a
//! [`reload`](crate::Session::reload).
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # let mut session = project.add_subject("sub-01").await?.add_session("baseline").operator("Jo").await?;
//! use serde_json::json;
//!
//! session.update().label("ses-01").weight(71.5).clear("operator").await?;
//! session.tags().add(["qc-pass", "3T"]).await?;
//! session.notes().add("Participant moved in run 2.").await?;
//! session.info().merge(json!({"qc": {"snr": 12.5}})).await?;
//!
//! assert_eq!((session.label(), session.operator.as_deref()), ("ses-01", None));
//! assert_eq!(session.info_at::<f64>("/qc/snr")?, Some(12.5));
//! # Ok(())
//! # }
//! ```

mod create;
mod delete;
mod info;
mod notes;
pub mod permissions;
mod tags;
mod update;

pub use create::Create;
pub use delete::Delete;
pub use info::Info;
pub use notes::Notes;
pub use permissions::{Access, Grant, Permissions, Roles};
pub use tags::Tags;
pub use update::Update;

pub(crate) use info::{Change, Described, InfoForm, as_object, info_at, info_call, storable};
pub(crate) use notes::Noted;
pub(crate) use permissions::PermissionRoutes;
pub(crate) use tags::Tagged;
pub(crate) use update::{fields, put, wire_name};
