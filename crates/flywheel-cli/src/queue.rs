//! Gears and jobs as the site tells of them: what the commands about them share.

use std::time::Duration;

use flywheel::{Client, OperationId};
use serde_json::{Value as Json, json};

use crate::exit::{Exit, Failure};

/// How often a job that is waited for is looked at.
const GLANCE: Duration = Duration::from_millis(500);

/// One call whose answer is taken as it is.
///
/// # Errors
/// What the site refuses.
pub(crate) async fn call(
    client: &Client,
    operation: OperationId,
    path: &[(&str, &str)],
    query: &[(&str, &str)],
    body: Option<Json>,
) -> flywheel::Result<Json> {
    Ok(client.raw().request_as::<Json>(operation, path, query, body).await?.into_inner())
}

/// Rows of a list, bare or in a page.
pub(crate) fn rows(answer: Json) -> Vec<Json> {
    match answer {
        Json::Array(rows) => rows,
        Json::Object(mut page) => {
            let rows = ["results", "jobs"].into_iter().find_map(|key| page.remove(key));
            rows.and_then(|rows| rows.as_array().cloned()).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// The gears of the site: the newest version of each, or all.
///
/// # Errors
/// What the site refuses.
pub(crate) async fn gears(client: &Client, all_versions: bool) -> flywheel::Result<Vec<Json>> {
    let all = all_versions.to_string();
    call(client, OperationId::GetAllGears, &[], &[("all_versions", &all)], None).await.map(rows)
}

/// A gear by its name, as NAME/VERSION, or by its id.
///
/// # Errors
/// When there is none, with those that there are.
pub(crate) async fn gear(client: &Client, wanted: &str) -> anyhow::Result<Json> {
    let wanted = wanted.strip_prefix("fw://").unwrap_or(wanted).trim_start_matches("gears/");
    let (name, version) =
        wanted.split_once('/').map_or((wanted, None), |(name, version)| (name, Some(version)));
    let known = gears(client, true).await?;
    let is = |gear: &Json, key: &str, value: &str| gear["gear"][key] == value;
    let mut fitting: Vec<&Json> = known
        .iter()
        .filter(|gear| {
            gear["_id"] == wanted || is(gear, "name", name) && version.is_none_or(|v| is(gear, "version", v))
        })
        .filter(|gear| version.is_some() || gear["_id"] == wanted || gear["disabled"].is_null())
        .collect();
    fitting.sort_by_key(|gear| gear["created"].as_str().unwrap_or_default().to_owned());
    match fitting.pop() {
        Some(gear) => Ok(gear.clone()),
        None => {
            let mut names: Vec<&str> =
                known.iter().filter_map(|gear| gear["gear"]["name"].as_str()).collect();
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
pub(crate) async fn job(client: &Client, id: &str) -> flywheel::Result<Json> {
    call(client, OperationId::GetJob, &[("job_id", id)], &[], None).await
}

/// The lines of a job's log.
///
/// # Errors
/// As [`job`].
pub(crate) async fn log(client: &Client, id: &str) -> flywheel::Result<Vec<Json>> {
    let mut record = call(client, OperationId::GetJobLogs, &[("job_id", id)], &[], None).await?;
    Ok(record["logs"].take().as_array().cloned().unwrap_or_default())
}

/// Whether a job in this state will not change any more.
pub(crate) fn is_over(job: &Json) -> bool {
    job["state"].as_str().is_some_and(|state| matches!(state, "complete" | "failed" | "cancelled"))
}

/// Waits for the end of a job, and hands on each line of its log as it comes.
///
/// # Errors
/// As [`job`], and what `tell` fails with.
pub(crate) async fn follow(
    client: &Client,
    id: &str,
    mut tell: impl FnMut(&Json) -> anyhow::Result<()>,
) -> anyhow::Result<Json> {
    let mut told = 0;
    loop {
        // The state is read first: what is in the log of a job that is over then is all there is.
        let job = job(client, id).await?;
        let lines = log(client, id).await?;
        for line in lines.iter().skip(told) {
            tell(line)?;
        }
        told = told.max(lines.len());
        if is_over(&job) {
            return Ok(job);
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// The failure that a job's end is for a script; none when it is complete.
///
/// # Errors
/// Exactly then.
pub(crate) fn require_complete(job: &Json) -> anyhow::Result<()> {
    let (state, id) = (job["state"].as_str().unwrap_or("unknown"), job["id"].as_str().unwrap_or_default());
    if state == "complete" {
        return Ok(());
    }
    let reason = job["failure_reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
    let failure = Failure::new(Exit::Failure, format!("the job {id} is {state}{reason}"));
    Err(failure.hint(format!("its log says more: fw job logs {id}")).into())
}

/// A short form of a job for JSON output.
pub(crate) fn outcome(job: &Json) -> Json {
    json!({
        "job": job["id"], "state": job["state"], "failure_reason": job["failure_reason"],
        "outputs": job["saved_files"], "destination": job["destination"],
    })
}
