//! `fw demo`: the whole of it on a site of its own.

use std::path::PathBuf;

use clap::Args;

use super::Context;

/// Show what this is for: a study on a local site, from import to verified download
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where to put the site, the data and the reports, and keep them
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Demo {
    pub(crate) async fn run(self, _context: &Context) -> anyhow::Result<()> {
        Ok(())
    }
}
