//! Gears and jobs: what the commands about them share.

use flywheel::{Client, Gear, Job, Kind, job::LogLine};
use futures::TryStreamExt;
use serde_json::{Value as Json, json};

use crate::exit::{Exit, Failure};

/// The gears of the site: the newest version of each, or all.
///
/// # Errors
/// What the site refuses.
pub(crate) async fn gears(client: &Client, all_versions: bool) -> flywheel::Result<Vec<Gear>> {
    client.gears().parameter("all_versions", all_versions).await
}

/// A gear by its name, as NAME/VERSION, or by its id.
///
/// # Errors
/// When there is none, with those that there are.
pub(crate) async fn gear(client: &Client, wanted: &str) -> anyhow::Result<Gear> {
    let wanted = wanted.strip_prefix("fw://").unwrap_or(wanted).trim_start_matches("gears/");
    let (name, version) =
        wanted.split_once('/').map_or((wanted, None), |(name, version)| (name, Some(version)));
    let mut known = gears(client, true).await?;
    let named = |gear: &Gear| match version {
        Some(version) => gear.name() == name && gear.version() == version,
        None => gear.name() == name && gear.disabled.is_none(),
    };
    let fitting = known.iter().enumerate().filter(|(_, gear)| gear.id() == wanted || named(gear));
    match fitting.max_by_key(|(_, gear)| gear.created).map(|(at, _)| at) {
        Some(at) => Ok(known.swap_remove(at)),
        None => {
            let mut names: Vec<&str> = known.iter().map(Gear::name).collect();
            names.sort_unstable();
            names.dedup();
            let hint = match names.is_empty() {
                true => "the site has no gears: add one with \"fw gear add FOLDER\"".to_owned(),
                false => format!("there are: {}", names.join(", ")),
            };
            Err(Failure::new(Exit::NotFound, format!("there is no gear {wanted}")).hint(hint).into())
        }
    }
}

/// A job.
///
/// # Errors
/// When there is none, or the key may not see it.
pub(crate) async fn job(client: &Client, id: &str) -> anyhow::Result<Job> {
    let missing = || Failure::new(Exit::NotFound, format!("there is no {} {id}", Kind::Job));
    match client.jobs().get_opt(id).await? {
        Some(job) => Ok(job),
        None => Err(missing().hint("\"fw job ls\" lists your jobs with their ids").into()),
    }
}

/// Waits for the end of a job, and hands on each line of its log as it comes.
///
/// # Errors
/// As [`job`], and what `tell` fails with.
pub(crate) async fn follow(
    mut job: Job,
    mut tell: impl FnMut(&LogLine) -> anyhow::Result<()>,
) -> anyhow::Result<Job> {
    let mut lines = job.log_stream();
    while let Some(line) = lines.try_next().await? {
        tell(&line)?;
    }
    job.wait().await?;
    Ok(job)
}

/// The failure that a job's end is for a script; none when it is complete.
///
/// # Errors
/// Exactly then.
pub(crate) fn require_complete(job: &Job) -> anyhow::Result<()> {
    let (state, id) = (state(job), job.id());
    if state == "complete" {
        return Ok(());
    }
    let reason = job.failure_reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let failure = Failure::new(Exit::Failure, format!("the job {id} is {state}{reason}"));
    Err(failure.hint(format!("its log says more: fw job logs {id}")).into())
}

/// How far a job is.
pub(crate) fn state(job: &Job) -> &str {
    job.state().map_or("unknown", |state| state.as_str())
}

/// A short form of a job for JSON output.
pub(crate) fn outcome(job: &Job) -> Json {
    json!({
        "job": job.id(), "state": state(job), "failure_reason": job.failure_reason,
        "outputs": job.saved_files, "destination": job.destination,
    })
}
