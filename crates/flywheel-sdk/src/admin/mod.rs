//! Running a site: users and their keys, roles, devices, modalities, settings, providers, reports, the audit trail.
//!
//! Most of it is for site administrators. What belongs to one container is reached from it: `project.settings()`,
//! `session.changes()`.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! // People, and what they may do.
//! let mut user = fw.add_user("jo@example.org").firstname("Jo").lastname("Doe").await?;
//! user.update().disabled(true).await?;
//! let reviewer = fw.add_role("reviewer", ["files_view_metadata", "files_view_contents"]).await?;
//!
//! // Machines that send data.
//! let scanner = fw.add_device("scanner-3", "reaper").await?;
//! let key = scanner.add_key("first").await?;
//! assert!(key.key.is_some());
//!
//! // What the site looks like.
//! let report = fw.reports().site().await?;
//! println!("{:?} groups", report.group_count);
//! # let _ = reviewer;
//! # Ok(())
//! # }
//! ```

mod audit;
mod devices;
mod modalities;
mod people;
mod project;
mod reports;
mod roles;
mod settings;
mod tree;
mod uids;

pub use audit::{AuditReport, AuditTrail};
pub use devices::Device;
pub use modalities::Modality;
pub use people::User;
pub use project::Template;
pub use reports::{AccessLog, Reports, Usage};
pub use roles::Role;
pub use tree::TreeQuery;
