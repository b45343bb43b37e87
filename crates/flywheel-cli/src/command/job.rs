//! `fw job`: runs of gears.

use std::io;
use std::time::Duration;

use clap::{Args, Subcommand};
use flywheel::{field, job::LogLine};
use serde_json::{Value as Json, json};

use super::Context;
use crate::exit::{Exit, Failure};
use crate::printer::{Cell, Printer, Table, Tone};
use crate::queue;

/// Look at jobs, wait for them, cancel them
#[derive(Debug, Args)]
pub(crate) struct Job {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ls(Ls),
    Logs(Logs),
    Wait(Wait),
    Cancel(Cancel),
    Retry(Retry),
}

/// List jobs, newest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw job ls
  fw job ls --state failed --limit 100
  fw job ls --json | jq -r '.[] | select(.state == \"running\") | .id'

To a pipe, each line is id, gear, version, state, time of creation and tags, separated by tabs.")]
struct Ls {
    /// Only jobs in this state
    #[arg(long, value_parser = ["pending", "scheduled", "running", "failed", "complete", "cancelled"])]
    state: Option<String>,
    /// Only jobs of the gear of this name
    #[arg(long, value_name = "NAME")]
    gear: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 25)]
    limit: usize,
}

/// Show what a job wrote
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw job logs 64b0c1d2e3f405162738495a
  fw job logs 64b0c1d2e3f405162738495a --follow

The program's standard output goes to standard output, everything else to standard error.")]
struct Logs {
    /// The job
    id: String,
    /// Go on until the job ends
    #[arg(short, long)]
    follow: bool,
}

/// Wait for the end of jobs; one that does not complete ends with code 1
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw job wait 64b0c1d2e3f405162738495a --timeout 600")]
struct Wait {
    /// The jobs
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Give up after so many seconds, with code 6
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

/// Cancel jobs that are not over
#[derive(Debug, Args)]
struct Cancel {
    /// The jobs
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

/// Run a failed job again, as a new job
#[derive(Debug, Args)]
struct Retry {
    /// The job
    id: String,
}

impl Job {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self.command {
            Command::Ls(ls) => ls.run(context).await,
            Command::Logs(logs) => logs.run(context).await,
            Command::Wait(wait) => wait.run(context).await,
            Command::Cancel(cancel) => cancel.run(context).await,
            Command::Retry(retry) => retry.run(context).await,
        }
    }
}

impl Ls {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let newest = context.client()?.my_jobs().sort("created:desc").limit(self.limit);
        let clauses = [("state", &self.state), ("gear_info.name", &self.gear)];
        let wanted = clauses.iter().filter_map(|(name, value)| Some(field(*name).eq(value.as_ref()?)));
        let jobs = wanted.fold(newest, |jobs, clause| jobs.filter(clause)).await?;
        let mut table = Table::new(["Id", "Gear", "Version", "State", "Created", "Tags"]).whole([0, 4]);
        for job in &jobs {
            table.row(row(job));
        }
        context.printer.result(&jobs, |printer| printer.table(&table))?;
        if jobs.is_empty() {
            context
                .printer
                .note("There are no such jobs. Start one with: fw gear run GEAR --input NAME=PATH");
        }
        Ok(())
    }
}

fn row(job: &flywheel::Job) -> [Cell; 6] {
    let state = queue::state(job);
    let tone = match state {
        "complete" => Tone::Good,
        "failed" => Tone::Bad,
        "cancelled" => Tone::Dim,
        _ => Tone::Plain,
    };
    let version = job.gear_info.as_ref().and_then(|gear| gear.version.as_deref()).unwrap_or_default();
    let created = job.created_at().map(|created| created.utc().format("%Y-%m-%d %H:%M:%S").to_string());
    [
        job.id().into(),
        job.gear_name().into(),
        version.into(),
        Cell::toned(state, tone),
        created.unwrap_or_default().into(),
        job.tags.as_deref().unwrap_or_default().join(", ").into(),
    ]
}

/// Writes a line of a log where the program wrote it; the engine's own lines go to standard error.
///
/// # Errors
/// As [`Printer::result`].
pub(crate) fn print_line(printer: &Printer, line: &LogLine) -> io::Result<()> {
    let text = line.msg.as_deref().unwrap_or_default();
    let text = text.strip_suffix('\n').unwrap_or(text);
    match line.fd {
        Some(1) => printer.line(text),
        _ => {
            printer.note(text);
            Ok(())
        }
    }
}

impl Logs {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let job = queue::job(&context.client()?, &self.id).await?;
        let mut lines = Vec::new();
        let mut tell = |line: &LogLine| -> anyhow::Result<()> {
            lines.push(line.clone());
            Ok(print_line(&context.printer, line)?)
        };
        if self.follow {
            queue::follow(job, &mut tell).await?;
        } else {
            job.logs().await?.logs.unwrap_or_default().iter().try_for_each(&mut tell)?;
        }
        context.printer.result(&lines, |_| Ok(()))?;
        Ok(())
    }
}

impl Wait {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let client = context.client()?;
        let all = async {
            let mut jobs = Vec::new();
            for id in &self.ids {
                let mut job = queue::job(&client, id).await?;
                job.wait().await?;
                jobs.push(job);
            }
            anyhow::Ok(jobs)
        };
        let jobs = match self.timeout {
            None => all.await?,
            Some(seconds) => {
                tokio::time::timeout(Duration::from_secs(seconds), all).await.map_err(|_| {
                    Failure::new(Exit::Unreachable, format!("the jobs did not end in {seconds} s"))
                        .hint("they go on; wait again, or look at them with \"fw job ls\"")
                })??
            }
        };
        let outcomes: Vec<Json> = jobs.iter().map(queue::outcome).collect();
        context.printer.result(&outcomes, |printer| {
            let line = |job: &flywheel::Job| format!("{}\t{}", job.id(), queue::state(job));
            jobs.iter().try_for_each(|job| printer.line(line(job)))
        })?;
        jobs.iter().try_for_each(queue::require_complete)
    }
}

impl Cancel {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let client = context.client()?;
        for id in &self.ids {
            queue::job(&client, id).await?.cancel().await?;
        }
        context.printer.result(&json!({"cancelled": self.ids}), |printer| {
            self.ids.iter().try_for_each(|id| printer.line(format_args!("{id}\tcancelled")))
        })?;
        Ok(())
    }
}

impl Retry {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let job = queue::job(&context.client()?, &self.id).await?.retry().await?;
        let id = job.id();
        context.printer.result(&json!({"job": id}), |printer| printer.line(id))?;
        Ok(())
    }
}
