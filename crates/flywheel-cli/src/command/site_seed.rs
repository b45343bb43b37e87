//! `fw site seed`: made-up studies of any size, for measurements and for trying things out.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use flywheel_local::{Seed as Plan, Site as LocalSite};
use serde_json::json;

use super::Context;
use crate::printer::Tone;

/// Fill a site that is not running with made-up studies
///
/// Labels, dates, headers, classifications and quality numbers are such as an imaging lab's; the bytes are small and shared.
/// The same numbers make the same documents. Each count but the first is of things within one of the level above.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw site seed --data ./site
  fw site seed --data ./site --projects 10 --subjects 1000 --sessions 4 --acquisitions 25    a million acquisitions")]
pub(crate) struct Seed {
    /// The folder of the site; made when it is not there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The id of the group that holds the projects; made when it is not there
    #[arg(long, value_name = "ID", default_value = "seed")]
    group: String,
    /// How many projects
    #[arg(long, value_name = "N", default_value_t = 1)]
    projects: u32,
    /// How many subjects in each project
    #[arg(long, value_name = "N", default_value_t = 10)]
    subjects: u32,
    /// How many sessions of each subject
    #[arg(long, value_name = "N", default_value_t = 2)]
    sessions: u32,
    /// How many acquisitions in each session
    #[arg(long, value_name = "N", default_value_t = 4)]
    acquisitions: u32,
    /// How many files in each acquisition
    #[arg(long, value_name = "N", default_value_t = 3)]
    files: u32,
    /// What the made-up numbers are drawn from
    #[arg(long, value_name = "N", default_value_t = 1)]
    rng_seed: u64,
}

impl Seed {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let plan = Plan {
            group: self.group,
            projects: self.projects,
            subjects: self.subjects,
            sessions: self.sessions,
            acquisitions: self.acquisitions,
            files: self.files,
            rng_seed: self.rng_seed,
        };
        let site = LocalSite::builder().data(&self.data).open().await?;
        let begun = Instant::now();
        let bar = context.without_lines().progress.count("documents", plan.total().documents());
        let mut shown = 0;
        let made = site.seed(&plan, |so_far| {
            bar.advance(so_far.documents() - shown);
            shown = so_far.documents();
        });
        let made = made.await?;
        bar.done("made", None);
        let seconds = begun.elapsed().as_secs_f64();
        let line = json!({
            "data": self.data,
            "group": plan.group,
            "projects": made.projects,
            "subjects": made.subjects,
            "sessions": made.sessions,
            "acquisitions": made.acquisitions,
            "files": made.files,
            "seconds": seconds,
        });
        context.printer.result(&line, |printer| {
            printer.toned(format_args!("Filled {} in {seconds:.1} s", self.data.display()), Tone::Strong)?;
            for (count, noun) in [
                (made.projects, "projects"),
                (made.subjects, "subjects"),
                (made.sessions, "sessions"),
                (made.acquisitions, "acquisitions"),
                (made.files, "files"),
            ] {
                printer.line(format_args!("  {count:>9} {noun}"))?;
            }
            Ok(())
        })?;
        Ok(())
    }
}
