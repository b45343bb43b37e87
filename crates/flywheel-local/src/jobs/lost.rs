//! Jobs whose engine fell silent: they fail, and are tried again while attempts remain.

use std::time::Duration;

use axum::{Json, extract::State};
use chrono::{TimeDelta, Utc};
use flywheel_core::time;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    retry,
    states::{self, State as JobState},
    store::{self, Job, TICKET},
};
use crate::{error::ApiResult, guard::Guard, state::AppState};

/// How long a running job may be silent.
pub(crate) const SILENCE: TimeDelta = TimeDelta::seconds(300);

/// How often the site looks for such jobs.
const PAUSE: Duration = Duration::from_secs(60);

/// Fails the running jobs of which nothing was heard for so long, unless their outputs are about to come, and tries them
/// again. Answers how many those were.
///
/// # Errors
/// When the database fails.
pub(crate) fn reap(db: &Connection, silence: TimeDelta) -> ApiResult<usize> {
    let since = time::format(time::to_stored_precision(Utc::now() - silence));
    let mut count = 0;
    for mut job in store::silent(db, &since)? {
        if !job.text(TICKET).is_empty() {
            continue;
        }
        lose(db, &mut job, "nothing was heard of its engine")?;
        count += 1;
    }
    Ok(count)
}

fn lose(db: &Connection, job: &mut Job, why: &str) -> ApiResult<()> {
    store::add_log(db, &job.id, -1, &format!("The job was lost: {why}.\n"))?;
    job.doc.insert("failure_reason".into(), format!("lost: {why}").into());
    job.doc.shift_remove(TICKET);
    states::change(db, job, JobState::Failed)?;
    retry::by_itself(db, job)
}

/// Fails the running jobs of an engine that began anew and so knows nothing of them, and tries them again.
///
/// # Errors
/// When the database fails.
pub(crate) fn forgotten(db: &Connection, executor: &str) -> ApiResult<()> {
    let sql = "SELECT id, doc FROM jobs WHERE state = 'running' AND doc ->> '$.profile.executor.name' = ?";
    for mut job in store::many(db, sql, [executor])? {
        lose(db, &mut job, "its engine was started anew")?;
    }
    Ok(())
}

/// Looks for lost jobs now and then, for as long as the site lives.
pub(crate) async fn watch(state: AppState) {
    loop {
        tokio::time::sleep(PAUSE).await;
        if let Err(error) = state.store.write(|db| reap(db, SILENCE)).await {
            tracing::error!(%error, "lost jobs could not be looked for");
        }
    }
}

/// `POST /jobs/reap`
pub(super) async fn post(_guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let orphaned = state.store.write(|db| reap(db, SILENCE)).await?;
    Ok(Json(json!({"orphaned": orphaned})))
}
