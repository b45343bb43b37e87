//! `fw job`: runs of gears.

use std::io;
use std::time::Duration;

use clap::{Args, Subcommand};
use flywheel::OperationId;
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
    limit: u32,
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
        let client = context.client()?;
        let clauses = [("state", &self.state), ("gear_info.name", &self.gear)];
        let clauses: Vec<String> =
            clauses.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?))).collect();
        let (filter, limit) = (clauses.join(","), self.limit.to_string());
        let mut query = vec![("sort", "created:desc"), ("limit", limit.as_str())];
        if !filter.is_empty() {
            query.push(("filter", &filter));
        }
        let jobs =
            queue::rows(queue::call(&client, OperationId::GetCurrentUserJobs, &[], &query, None).await?);
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

fn row(job: &Json) -> [Cell; 6] {
    let text = |place: &str| job.pointer(place).and_then(Json::as_str).unwrap_or_default().to_owned();
    let id = ["/_id", "/id"].map(text).into_iter().find(|id| !id.is_empty()).unwrap_or_default();
    let state = text("/state");
    let tone = match state.as_str() {
        "complete" => Tone::Good,
        "failed" => Tone::Bad,
        "cancelled" => Tone::Dim,
        _ => Tone::Plain,
    };
    let created = text("/created");
    let created = created.get(..19).unwrap_or(&created).replace('T', " ");
    let tags = job["tags"].as_array().into_iter().flatten().filter_map(Json::as_str);
    let tags = tags.collect::<Vec<_>>().join(", ");
    [
        id.into(),
        text("/gear_info/name").into(),
        text("/gear_info/version").into(),
        Cell::toned(state, tone),
        created.into(),
        tags.into(),
    ]
}

/// Writes a line of a log where the program wrote it; the engine's own lines go to standard error.
///
/// # Errors
/// As [`Printer::result`].
pub(crate) fn print_line(printer: &Printer, line: &Json) -> io::Result<()> {
    let text = line["msg"].as_str().unwrap_or_default();
    let text = text.strip_suffix('\n').unwrap_or(text);
    match line["fd"].as_i64() {
        Some(1) => printer.line(text),
        _ => {
            printer.note(text);
            Ok(())
        }
    }
}

impl Logs {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let client = context.client()?;
        let mut lines = Vec::new();
        let mut tell = |line: &Json| -> anyhow::Result<()> {
            lines.push(line.clone());
            Ok(print_line(&context.printer, line)?)
        };
        if self.follow {
            queue::follow(&client, &self.id, &mut tell).await?;
        } else {
            for line in queue::log(&client, &self.id).await? {
                tell(&line)?;
            }
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
                jobs.push(queue::follow(&client, id, |_| Ok(())).await?);
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
            let line = |job: &Json| {
                format!("{}\t{}", job["job"].as_str().unwrap_or(""), job["state"].as_str().unwrap_or(""))
            };
            outcomes.iter().try_for_each(|job| printer.line(line(job)))
        })?;
        jobs.iter().try_for_each(queue::require_complete)
    }
}

impl Cancel {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let client = context.client()?;
        for id in &self.ids {
            let body = json!({"state": "cancelled"});
            queue::call(&client, OperationId::ModifyJob, &[("job_id", id)], &[], Some(body)).await?;
        }
        context.printer.result(&json!({"cancelled": self.ids}), |printer| {
            self.ids.iter().try_for_each(|id| printer.line(format_args!("{id}\tcancelled")))
        })?;
        Ok(())
    }
}

impl Retry {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let client = context.client()?;
        let answer = queue::call(&client, OperationId::RetryJob, &[("job_id", &self.id)], &[], None).await?;
        let id = answer["_id"].as_str().unwrap_or_default();
        context.printer.result(&json!({"job": id}), |printer| printer.line(id))?;
        Ok(())
    }
}
