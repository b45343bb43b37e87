//! `fw status`: which site, which user.

use clap::Args;
use serde_json::json;

use super::Context;
use crate::identity::{Identity, release};

/// Show which site you are logged in to, and as whom
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw status
  fw status --json | jq -r .user.id")]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let client = context.client()?;
        let who = Identity::of(&client).await?;
        let release = release(&client).await?;
        let site = client.base_url().trim_end_matches("/api");
        let line = json!({ "site": site, "release": release, "user": who });
        context.printer.result(&line, |printer| {
            printer.line(format_args!("site     {site}"))?;
            printer.line(format_args!("release  {}", release.as_deref().unwrap_or("unknown")))?;
            printer.line(format_args!("user     {who}"))?;
            printer.line(format_args!("admin    {}", if who.admin { "yes" } else { "no" }))
        })?;
        Ok(())
    }
}
