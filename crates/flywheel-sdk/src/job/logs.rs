//! What jobs write: all of it so far, or line by line as it comes.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use flywheel_api::{
    OperationId,
    types::{JobLog, JobLogRecord},
};
use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};

use super::Job;
use crate::{Client, Request, Resource, Result, call::Call, resource, wait};

/// The longest wait between two looks at the log of a job that is under way; where something was written, the next look
/// comes soon.
const SLOWEST: Duration = Duration::from_secs(2);

/// A piece of a log: `fd` is 1 for output, 2 for errors, -1 for what the site adds; `msg` carries its own line end.
pub type LogLine = JobLog;

impl Job {
    /// What it has written so far.
    pub fn logs(&self) -> Request<'static, JobLogRecord> {
        read(self.client(), self.id())
    }

    /// What it has written so far, as one text.
    pub fn log_text(&self) -> Request<'static, String> {
        self.logs().map(|record| {
            Ok(record.logs.unwrap_or_default().into_iter().filter_map(|line| line.msg).collect())
        })
    }

    /// What it writes, from its beginning to its end, as it comes.
    pub fn log_stream(&self) -> LogStream {
        let begun = Followed {
            job: self.clone(),
            seen: 0,
            pause: Duration::ZERO,
            waiting: VecDeque::new(),
            over: false,
        };
        let pieces = stream::try_unfold(begun, |mut followed| async move {
            loop {
                if let Some(piece) = followed.waiting.pop_front() {
                    return Ok(Some((piece, followed)));
                }
                if followed.over {
                    return Ok(None);
                }
                followed.look().await?;
            }
        });
        LogStream { pieces: pieces.boxed() }
    }
}

fn read(client: &Client, id: &str) -> Request<'static, JobLogRecord> {
    Call::new(OperationId::GetJobLogs).at(id).answer(client)
}

struct Followed {
    job: Job,
    seen: usize,
    pause: Duration,
    waiting: VecDeque<LogLine>,
    over: bool,
}

impl Followed {
    /// Reads what is new. The state is read first: what a job wrote before it ended is in the log that is read after.
    async fn look(&mut self) -> Result<()> {
        let id = self.job.id().to_owned();
        tokio::time::sleep(self.pause).await;
        self.job = resource::get::<Job>(self.job.client(), &id).await?;
        self.over = self.job.is_over();
        let all = read(self.job.client(), &id).await?.logs.unwrap_or_default();
        self.waiting.extend(all.into_iter().skip(self.seen));
        self.seen += self.waiting.len();
        let quiet = if self.waiting.is_empty() { self.pause } else { Duration::ZERO };
        self.pause = wait::longer(quiet).min(SLOWEST);
        Ok(())
    }
}

/// A job's log as it grows. Ends with the job, or with an error.
#[must_use = "streams do nothing unless polled"]
pub struct LogStream {
    pieces: BoxStream<'static, Result<LogLine>>,
}

impl Stream for LogStream {
    type Item = Result<LogLine>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.try_poll_next_unpin(context)
    }
}

impl std::fmt::Debug for LogStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogStream").finish_non_exhaustive()
    }
}
