//! The one connection that writes, on a thread of its own: writes that wait together are committed together.

use std::{sync::mpsc, thread};

use http::StatusCode;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::caught;
use crate::{
    author,
    error::{ApiError, ApiResult},
};

/// Does one write inside the open transaction and says how to answer once the fate of the commit is known.
type Job = Box<dyn FnOnce(&Connection) -> Answer + Send>;
type Answer = Box<dyn FnOnce(ApiResult<()>) + Send>;

/// The most writes that share one commit; it bounds how long the first of them waits.
const GROUP: usize = 256;

pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        thread::Builder::new().name("site-writer".into()).spawn(move || serve(&connection, &queue))?;
        Ok(Self { jobs })
    }

    pub(super) async fn run<T, F>(&self, work: F) -> ApiResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> ApiResult<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let author = author::current();
        let job: Job = Box::new(move |connection| {
            let result = author::during(author, || in_savepoint(connection, work));
            Box::new(move |commit| {
                // Nobody listens any more when the caller went away; the write stands all the same.
                let _ = reply.send(result.and_then(|value| commit.map(|()| value)));
            })
        });
        self.jobs.send(job).map_err(|_| ApiError::internal("the writer has stopped"))?;
        answer.await.map_err(|_| ApiError::internal("the writer stopped before it answered"))?
    }
}

fn serve(connection: &Connection, queue: &mpsc::Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let mut answers = Vec::new();
        let fate = group(connection, first, queue, &mut answers);
        for answer in answers {
            answer(fate.clone());
        }
    }
}

/// Runs the first job and those that wait behind it in one transaction. The result is that of the commit.
fn group(
    connection: &Connection,
    first: Job,
    queue: &mpsc::Receiver<Job>,
    answers: &mut Vec<Answer>,
) -> ApiResult<()> {
    // A job that is dropped unanswered tells its caller that the writer failed.
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut next = Some(first);
    while let Some(job) = next {
        answers.push(job(connection));
        if connection.is_autocommit() {
            let message = "The site's disk is full or fails; nothing of this request was stored";
            return Err(ApiError::new(StatusCode::INSUFFICIENT_STORAGE, message));
        }
        next = if answers.len() < GROUP { queue.try_recv().ok() } else { None };
    }
    connection.execute_batch("COMMIT").map_err(|error| {
        // A failed commit can leave the transaction open; the next group must not find it.
        let _ = connection.execute_batch("ROLLBACK");
        error.into()
    })
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
