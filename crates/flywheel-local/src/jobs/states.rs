//! The states of a job, and the ways between them.

use chrono::Utc;
use flywheel_core::time;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::store::{self, Job};
use crate::{
    batches,
    error::{ApiError, ApiResult},
    store::now,
};

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Scheduled,
    Running,
    Failed,
    Complete,
    Cancelled,
}

impl State {
    /// Every state.
    pub(crate) const ALL: [State; 6] =
        [State::Pending, State::Scheduled, State::Running, State::Failed, State::Complete, State::Cancelled];

    /// As documents write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Scheduled => "scheduled",
            State::Running => "running",
            State::Failed => "failed",
            State::Complete => "complete",
            State::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    ///
    /// # Errors
    /// 422 when there is none.
    pub(crate) fn parse(name: &str) -> ApiResult<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            ApiError::unprocessable(format!("{name:?} is no state of a job: {}", names.join(", ")))
        })
    }

    /// Whether a job in this state is over.
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, State::Failed | State::Complete | State::Cancelled)
    }

    /// Whether a job may go from this state to another.
    pub(crate) const fn leads_to(self, next: State) -> bool {
        match self {
            State::Pending => matches!(next, State::Scheduled | State::Running | State::Cancelled),
            State::Scheduled => matches!(next, State::Running | State::Cancelled),
            State::Running => matches!(next, State::Failed | State::Complete | State::Cancelled),
            State::Failed | State::Complete | State::Cancelled => false,
        }
    }
}

/// Brings a job into another state, writes it, and does what goes with it: the time is stamped, the first line of the log
/// names the gear, keys of a job that is over stop to work, the batch is looked at.
///
/// # Errors
/// 400 for a job that is over, 409 for a step that jobs do not take.
pub(super) fn change(db: &Connection, job: &mut Job, next: State) -> ApiResult<()> {
    let state = job.state()?;
    require_live(state)?;
    if !state.leads_to(next) {
        let message = format!("A job that is {} cannot become {}", state.name(), next.name());
        return Err(ApiError::conflict(message));
    }
    job.doc.insert("state".into(), next.name().into());
    let time = now();
    if !job.doc.get("transitions").is_some_and(Value::is_object) {
        job.doc.insert("transitions".into(), json!({}));
    }
    job.doc["transitions"][next.name()] = time.into();
    if state == State::Running {
        note_total_time(job);
    }
    if next == State::Running {
        let line = format!("Gear: {}, version: {}\n", job.gear("name"), job.gear("version"));
        store::add_log(db, &job.id, -1, &line)?;
    }
    store::save(db, job)?;
    if next.is_over() {
        store::drop_keys(db, &job.id)?;
        if let Some(batch) = job.doc.get("batch").and_then(Value::as_str) {
            batches::reconsider(db, batch)?;
        }
    }
    Ok(())
}

/// 400 for a job that is over.
pub(super) fn require_live(state: State) -> ApiResult<()> {
    if state.is_over() {
        return Err(ApiError::bad_request(format!("Cannot mutate a job that is {}", state.name())));
    }
    Ok(())
}

/// How long the job ran in all, in its profile.
fn note_total_time(job: &mut Job) {
    let begun = job.doc.get("transitions").and_then(|times| times.get(State::Running.name()));
    let begun = begun.and_then(Value::as_str).and_then(|text| time::parse_utc(text).ok());
    if let Some(begun) = begun {
        let spent = (Utc::now() - begun).num_milliseconds().max(0);
        job.profile_mut().insert("total_time_ms".into(), spent.into());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::State::{self, Cancelled, Complete, Failed, Pending, Running, Scheduled};

    #[test]
    fn the_ways_between_states_are_these_and_no_others() {
        let ways = [
            (Pending, Scheduled),
            (Pending, Running),
            (Pending, Cancelled),
            (Scheduled, Running),
            (Scheduled, Cancelled),
            (Running, Complete),
            (Running, Failed),
            (Running, Cancelled),
        ];
        for from in State::ALL {
            for to in State::ALL {
                assert_eq!(from.leads_to(to), ways.contains(&(from, to)), "{from:?} {to:?}");
            }
            assert_eq!(State::parse(from.name()).unwrap(), from);
        }
        assert_eq!(State::parse("waiting").unwrap_err().status(), 422);
    }
}
