//! The tree as a whole: printed, walked, copied, moved, and thinned out.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # let mut session = project.add_subject("sub-01").await?.add_session("ses-01").await?;
//! # let scan = session.add_acquisition("T1w").await?;
//! # scan.upload(flywheel::Source::bytes("t1.nii.gz", "pretend this is a volume")).await?;
//! # let other = project.add_subject("sub-02").await?;
//! // What stands where.
//! let text = project.tree().files(true).text().await?;
//! assert_eq!(text, "\
//! Color Study
//! ├── sub-01
//! │   └── ses-01
//! │       └── T1w
//! │           └── t1.nii.gz
//! └── sub-02
//! ");
//!
//! // Somewhere else.
//! use flywheel::MoveTo;
//!
//! session.move_to(&other).await?;
//! assert_eq!(session.subject().await?.label(), "sub-02");
//! # Ok(())
//! # }
//! ```

mod bulk;
mod copy;
mod moves;
mod tree;

pub use bulk::{Conflicts, MoveSessions};
pub use copy::{Copy, CopyFilter, ProjectCopy};
pub use moves::MoveTo;
pub use tree::{Branch, Tree};
