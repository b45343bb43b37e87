//! Waiting for a job to end, and watching it on the way.

use std::{
    future::IntoFuture,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use flywheel_api::types::JobState;
use futures::{
    Stream, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use tokio::time::Instant;

use super::{Job, is_over};
use crate::{Error, ErrorKind, Resource, Result, resource};

/// The first wait between two looks; each is half as long again, up to [`SLOWEST`].
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait between two looks.
const SLOWEST: Duration = Duration::from_secs(15);

/// Waits until a job has ended and gives its last state; a failed job is no error. The job's document is kept up to date.
#[must_use = "nothing waits until this is awaited"]
#[derive(Debug)]
pub struct Wait<'a> {
    job: &'a mut Job,
    limit: Option<Duration>,
    slowest: Duration,
}

impl Job {
    /// Waits until it has ended.
    pub fn wait(&mut self) -> Wait<'_> {
        Wait { job: self, limit: None, slowest: SLOWEST }
    }

    /// Its states as they change, from the present one to the last.
    pub fn watch(&self) -> Watch {
        Watch { states: states(self.clone(), SLOWEST).map(|job| job.map(|job| state_of(&job))).boxed() }
    }
}

impl Wait<'_> {
    /// Gives up after this time, with [`ErrorKind::Timeout`]; the job goes on.
    pub fn at_most(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Looks at least this often.
    pub fn every(mut self, interval: Duration) -> Self {
        self.slowest = interval;
        self
    }
}

impl<'a> IntoFuture for Wait<'a> {
    type Output = Result<JobState>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let until = self.limit.map(|limit| Instant::now() + limit);
            let mut states = states(self.job.clone(), self.slowest).boxed();
            loop {
                let next = states.next();
                let seen = match until {
                    Some(until) => tokio::time::timeout_at(until, next).await.map_err(|_| late(self.job))?,
                    None => next.await,
                };
                match seen {
                    Some(job) => *self.job = job?,
                    None => return Ok(state_of(self.job)),
                }
            }
        })
    }
}

fn late(job: &Job) -> Error {
    let state = state_of(job);
    Error::new(ErrorKind::Timeout, format!("job {} is still {}", job.id(), state.as_str()))
        .with_operation("wait")
        .with_hint("The job goes on; wait again, or call cancel().")
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

/// What has been seen of a job, and when to look again.
struct Watched {
    job: Job,
    shown: Option<JobState>,
    pause: Duration,
}

/// The job each time that its state has changed, the present one first.
fn states(job: Job, slowest: Duration) -> impl Stream<Item = Result<Job>> {
    let begun = Watched { job, shown: None, pause: Duration::ZERO };
    stream::try_unfold(begun, move |mut watched| async move {
        loop {
            if watched.shown.as_ref().is_some_and(is_over) {
                return Ok(None);
            }
            tokio::time::sleep(watched.pause).await;
            let id = watched.job.id().to_owned();
            watched.job = resource::get::<Job>(watched.job.client(), &id).await?;
            watched.pause = longer(watched.pause).min(slowest);
            let state = state_of(&watched.job);
            if watched.shown.as_ref() != Some(&state) {
                watched.shown = Some(state);
                return Ok(Some((watched.job.clone(), watched)));
            }
        }
    })
}

/// The wait that follows this one while nothing happens.
pub(super) fn longer(pause: Duration) -> Duration {
    if pause.is_zero() { FIRST } else { pause * 3 / 2 }
}
