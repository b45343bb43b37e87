//! The one connection that writes, on a thread of its own: writes that wait together are committed together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use http::StatusCode;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{caught, reserve::Reserve};
use crate::{
    author,
    error::{ApiError, ApiResult},
};

/// Does one write inside the open transaction, unless it is refused beforehand, and says how to answer once the fate of the
/// commit is known.
type Work = Box<dyn FnOnce(ApiResult<&Connection>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(ApiResult<()>) + Send>;

struct Job {
    work: Work,
    /// Whether it deletes, for which there is a reserve of room.
    deletes: bool,
}

/// The most writes that share one commit; it bounds how long the first of them waits.
const GROUP: usize = 256;

pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    short: Arc<AtomicBool>,
}

impl Writer {
    pub(super) fn start(connection: Connection, reserve: Reserve) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let short = reserve.watched();
        let serve = move || serve(&connection, reserve, &queue);
        thread::Builder::new().name("site-writer".into()).spawn(serve)?;
        Ok(Self { jobs, short })
    }

    /// Whether the disk is full: only what deletes is written.
    pub(super) fn is_short(&self) -> bool {
        self.short.load(Ordering::Acquire)
    }

    pub(super) async fn run<T, F>(&self, deletes: bool, work: F) -> ApiResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> ApiResult<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let author = author::current();
        let work: Work = Box::new(move |connection| {
            let result =
                connection.and_then(|connection| author::during(author, || in_savepoint(connection, work)));
            Box::new(move |commit| {
                // Nobody listens any more when the caller went away; the write stands all the same.
                let _ = reply.send(result.and_then(|value| commit.map(|()| value)));
            })
        });
        self.jobs.send(Job { work, deletes }).map_err(|_| ApiError::internal("the writer has stopped"))?;
        answer.await.map_err(|_| ApiError::internal("the writer stopped before it answered"))?
    }
}

fn serve(connection: &Connection, mut reserve: Reserve, queue: &mpsc::Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        reserve.refill();
        let mut answers = Vec::new();
        let fate = group(connection, &mut reserve, (first, queue), &mut answers);
        if fate.as_ref().is_err_and(|error| error.status() == StatusCode::INSUFFICIENT_STORAGE) {
            reserve.disk_is_full();
        }
        for answer in answers {
            answer(fate.clone());
        }
    }
}

/// Runs the first job and those that wait behind it in one transaction. The result is that of the commit.
fn group(
    connection: &Connection,
    reserve: &mut Reserve,
    (first, queue): (Job, &mpsc::Receiver<Job>),
    answers: &mut Vec<Answer>,
) -> ApiResult<()> {
    // A job that is dropped unanswered tells its caller that the writer failed.
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut next = Some(first);
    while let Some(job) = next {
        if job.deletes {
            reserve.make_room();
        }
        let refused = reserve.is_short() && !job.deletes;
        answers.push((job.work)(if refused { Err(full()) } else { Ok(connection) }));
        if connection.is_autocommit() {
            return Err(full());
        }
        next = if answers.len() < GROUP { queue.try_recv().ok() } else { None };
    }
    connection.execute_batch("COMMIT").map_err(|error| {
        // A failed commit can leave the transaction open; the next group must not find it.
        let _ = connection.execute_batch("ROLLBACK");
        error.into()
    })
}

fn full() -> ApiError {
    let message = "The site's disk is full or fails; nothing of this request was stored";
    ApiError::new(StatusCode::INSUFFICIENT_STORAGE, message)
}

fn in_savepoint<T>(connection: &Connection, work: impl FnOnce(&Connection) -> ApiResult<T>) -> ApiResult<T> {
    connection.execute_batch("SAVEPOINT one")?;
    let result = caught(|| {
        let done = work(connection)?;
        crate::templates::settle(connection)?;
        Ok(done)
    });
    if connection.is_autocommit() {
        return result;
    }
    connection.execute_batch(if result.is_ok() { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" })?;
    result
}
