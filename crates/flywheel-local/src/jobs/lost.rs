//! Jobs whose engine fell silent: they fail, and are tried again while attempts remain.

use axum::{Json, extract::State};
use chrono::{TimeDelta, Utc};
use flywheel_core::time;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    retry,
    states::{self, State as JobState},
    store::{self, TICKET},
};
use crate::{error::ApiResult, guard::Guard, state::AppState};

/// How long a running job may be silent.
pub(crate) const SILENCE: TimeDelta = TimeDelta::seconds(300);

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
        store::add_log(db, &job.id, -1, "The job was lost: nothing was heard of its engine.\n")?;
        job.doc.insert("failure_reason".into(), "lost: nothing was heard of the job's engine".into());
        states::change(db, &mut job, JobState::Failed)?;
        retry::by_itself(db, &mut job)?;
        count += 1;
    }
    Ok(count)
}

/// `POST /jobs/reap`
pub(super) async fn post(_guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let orphaned = state.store.write(|db| reap(db, SILENCE)).await?;
    Ok(Json(json!({"orphaned": orphaned})))
}
