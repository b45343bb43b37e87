//! Waiting for a job to end, and watching it on the way.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use flywheel_api::types::JobState;
use futures::{Stream, StreamExt, TryStreamExt, stream::BoxStream};

use super::{Job, is_over};
use crate::{
    Error, ErrorKind, Resource, Result,
    wait::{Ends, Wait, looks},
};

impl Ends for Job {
    type End = JobState;
    const LONGEST_PAUSE: Duration = Duration::from_secs(15);

    fn is_over(&self) -> bool {
        is_over(&state_of(self))
    }

    fn end(&self) -> Result<JobState> {
        Ok(state_of(self))
    }

    fn late(&self) -> Error {
        let state = state_of(self);
        Error::new(ErrorKind::Timeout, format!("job {} is still {}", self.id(), state.as_str()))
            .with_operation("wait")
            .with_may_have_executed(true)
            .with_hint("The job goes on; wait again, or call cancel().")
    }
}

impl Job {
    /// Waits until it has ended and gives its last state; a failed job is no error.
    pub fn wait(&mut self) -> Wait<'_, Self> {
        Wait::new(self)
    }

    /// Its states as they change, the present one first; the stream ends with the job.
    pub fn watch(&self) -> Watch {
        let looks = looks(self.client().raw().clone(), self.clone(), None);
        let changes = looks.try_filter_map({
            let mut shown = None;
            move |job| {
                let state = state_of(&job);
                let new = shown.replace(state.clone()) != Some(state.clone());
                std::future::ready(Ok(new.then_some(state)))
            }
        });
        Watch { states: changes.boxed() }
    }
}

fn state_of(job: &Job) -> JobState {
    job.state().cloned().unwrap_or(JobState::Pending)
}

/// A job's states as they change. Ends after the last one, or with an error.
#[must_use = "streams do nothing unless polled"]
pub struct Watch {
    states: BoxStream<'static, Result<JobState>>,
}

impl Stream for Watch {
    type Item = Result<JobState>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.states.poll_next_unpin(context)
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
