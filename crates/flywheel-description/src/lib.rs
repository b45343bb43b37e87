//! Holds what a site answers against the API description: for the tests of this workspace, whether they call the site in
//! process or over a socket.
//!
//! | module | what |
//! |---|---|
//! | [`description`] | `openapi/flywheel.json`: which operation a request calls, what it may answer |
//! | [`mod@observe`] | the layer around a site that looks at every exchange |
//! | [`recorder`] | what was looked at: operations that were reached, answers that do not fit |

pub mod description;
mod mismatch;
pub mod observe;
mod operation;
pub mod recorder;
mod relax;

pub use description::Description;
pub use mismatch::Mismatch;
pub use observe::{insist, observe};
pub use operation::{Expected, Operation, placeholder};
pub use recorder::{Recorder, Violation};
pub use relax::{allow_nulls, or_null};
