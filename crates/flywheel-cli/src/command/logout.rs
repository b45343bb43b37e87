//! `fw logout`: forgets the stored key.

use clap::Args;
use serde_json::json;

use super::Context;
use crate::credentials;

/// Forget the stored key
///
/// The key itself stays valid; take it back on your profile page of the site.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw logout
  fw logout --profile lab")]
pub(crate) struct Logout {}

impl Logout {
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let removed = credentials::remove(context.profile().as_deref())?;
        context.printer.result(&json!({ "removed": removed }), |printer| {
            printer.line(if removed { "You are logged out." } else { "You were not logged in." })
        })?;
        Ok(())
    }
}
