//! `fw site check`: whether a site that is not running is whole.

use std::path::PathBuf;

use clap::Args;
use flywheel_local::Site as LocalSite;
use serde_json::json;

use super::Context;
use crate::exit::{Exit, Failure};
use crate::printer::{Tone, bytes};

/// Look through a site that is not running for anything damaged or missing
///
/// Checks the database's pages, what refers to what, the index over words, and that every stored file is there with its length.
/// Opening the site removes what a kill left behind; nothing else is changed. Ends with code 1 when something is wrong.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw site check --data ./site
  fw site check --data ./site --contents    reads every file and compares its hash")]
pub(crate) struct Check {
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Read every file and hold it against its recorded hash
    #[arg(long)]
    contents: bool,
}

impl Check {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        if !self.data.join("site.db").is_file() {
            return Err(Failure::new(Exit::Usage, format!("there is no site in {}", self.data.display()))
                .hint("name the folder that fw site serve was given with --data")
                .into());
        }
        let site = LocalSite::builder().data(&self.data).open().await?;
        let report = site.check(self.contents).await?;
        let whole = report.problems.is_empty();
        let line = json!({
            "data": self.data,
            "whole": whole,
            "containers": report.containers,
            "files": report.files,
            "blobs": report.blobs,
            "bytes": report.bytes,
            "problems": report.problems,
        });
        context.printer.result(&line, |printer| {
            for problem in &report.problems {
                printer.line(problem)?;
            }
            let verdict = if whole { "whole" } else { "damaged" };
            let counts = format!(
                "{verdict}: {} containers, {} files, {} blobs, {}",
                report.containers,
                report.files,
                report.blobs,
                bytes(report.bytes)
            );
            printer.toned(counts, Tone::Strong)
        })?;
        if whole {
            return Ok(());
        }
        Err(Failure::new(Exit::Failure, format!("the site in {} is damaged", self.data.display())).into())
    }
}
