//! The loop of attempts of one call, and its span.

use super::{
    attempt::{Limits, after, attempt},
    builder::Transport,
    call::Call,
    failure::Failure,
    prepare::prepare,
    retry,
};
use crate::{Error, ErrorKind};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use reqwest::{Request, Response};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{Instrument, field::Empty};

impl Transport {
    /// Sends a request whose body, if any, is in memory, and gives back an answer of a 2xx status.
    ///
    /// It adds credentials and headers, follows redirects, and repeats what [`RetryPolicy`](super::RetryPolicy)
    /// allows. The answer of a call that is not [`streaming`](Call::streaming) is read whole already.
    ///
    /// # Errors
    /// Any failure, of the last attempt; [`Error::attempts`] says how many there were. A body that is a stream
    /// can be sent once only.
    pub async fn execute(&self, call: impl Into<Call>, request: Request) -> Result<Response, Error> {
        let mut rest = Some(request);
        let make = move || {
            let current = rest.take();
            rest = current.as_ref().and_then(Request::try_clone);
            std::future::ready(current.ok_or_else(body_is_spent))
        };
        self.execute_with(call, make).await
    }

    /// The same for a request that `make` builds anew for each attempt, such as one that streams a file.
    ///
    /// # Errors
    /// Any failure, of the last attempt. When `make` fails at first, its error; when it fails later, because a
    /// stream is spent, the failure that made another attempt necessary.
    pub async fn execute_with<F, Fut>(&self, call: impl Into<Call>, make: F) -> Result<Response, Error>
    where
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<Request, Error>> + Send,
    {
        let call = call.into();
        let span = tracing::info_span!(
            "flywheel",
            operation = call.operation,
            method = Empty,
            path = call.template,
            status = Empty,
            attempts = Empty,
            bytes = Empty,
        );
        Attempts::new(self, call).run(make).instrument(span).await
    }

    /// Whether a transfer that broke off with `error` may be taken up again where it stopped, having failed
    /// `failures` times in a row: waits as before a retry, and spends the same budget.
    pub async fn wait_to_resume(&self, failures: u32, error: &Error) -> bool {
        let policy = self.retry();
        let passing = matches!(error.kind(), ErrorKind::Network | ErrorKind::Timeout);
        if !passing || failures == 0 || failures >= policy.max_attempts {
            return false;
        }
        if self.retry_budget().take(error.is_timeout()).is_none() {
            return false;
        }
        tracing::info!(failures, kind = ?error.kind(), "taking a transfer up again");
        tokio::time::sleep(retry::wait(policy, failures - 1, None)).await;
        true
    }
}

fn body_is_spent() -> Error {
    Error::new(ErrorKind::Io, "the body is a stream that cannot be read again")
}

/// The state of one call over its attempts.
struct Attempts<'a> {
    transport: &'a Transport,
    call: Call,
    idempotent: bool,
    limits: Limits,
    start: Instant,
    made: u32,
    /// Whether any attempt so far may have been carried out.
    may_have_executed: bool,
    /// What the last retry cost.
    cost: Option<u32>,
}

impl<'a> Attempts<'a> {
    fn new(transport: &'a Transport, call: Call) -> Self {
        let timeouts = transport.timeouts();
        let start = Instant::now();
        let deadline = timeouts.operation.map(|limit| after(start, limit));
        Self {
            transport,
            idempotent: transport.options().idempotent.unwrap_or(call.idempotent),
            call,
            limits: Limits { timeouts, deadline },
            start,
            made: 0,
            may_have_executed: false,
            cost: None,
        }
    }

    async fn run<F, Fut>(mut self, mut make: F) -> Result<Response, Error>
    where
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<Request, Error>> + Send,
    {
        let mut last: Option<Failure> = None;
        loop {
            let mut request = match (make().await, last.take()) {
                (Ok(request), _) => request,
                (Err(_), Some(failure)) => return Err(self.give_up(failure)),
                (Err(error), None) => return Err(error.with_operation(self.call.operation)),
            };
            prepare(self.transport, &self.call, &mut request);
            self.made += 1;
            let span = tracing::Span::current();
            span.record("method", request.method().as_str()).record("attempts", self.made);
            let failure = match attempt(self.transport, &self.call, request, &self.limits).await {
                Ok(response) => {
                    span.record("status", response.status().as_u16());
                    self.transport.retry_budget().give_back(self.cost);
                    return Ok(response);
                }
                Err(failure) => failure,
            };
            self.may_have_executed |= failure.error.may_have_executed();
            if let Some(status) = failure.error.status() {
                span.record("status", status);
            }
            let Some(wait) = self.next_wait(&failure) else { return Err(self.give_up(failure)) };
            tracing::info!(attempt = self.made, kind = ?failure.error.kind(), status = failure.error.status(), wait_ms = wait.as_millis() as u64, "trying again");
            tokio::time::sleep(wait).await;
            last = Some(failure);
        }
    }

    /// How long to wait for another attempt; `None` when there shall be none.
    fn next_wait(&mut self, failure: &Failure) -> Option<Duration> {
        let policy = self.transport.retry();
        if !failure.class.allows_retry(self.idempotent) || self.made >= policy.max_attempts {
            return None;
        }
        let wait = retry::wait(policy, self.made - 1, failure.retry_after);
        let then = after(Instant::now(), wait);
        if self.limits.deadline.is_some_and(|deadline| then >= deadline)
            || then > after(self.start, policy.total_time)
        {
            return None;
        }
        if failure.retry_after.is_none() {
            self.cost = Some(self.transport.retry_budget().take(failure.error.is_timeout())?);
        }
        Some(wait)
    }

    fn give_up(&self, failure: Failure) -> Error {
        let error = failure.error.with_operation(self.call.operation).with_attempts(self.made);
        let message = self.transport.redact(error.message());
        // A refusal after an attempt with an unknown end leaves that end unknown.
        error.with_message(message).with_may_have_executed(self.may_have_executed)
    }
}

/// The body of `response` as it arrives; it fails when no byte arrives for
/// [`Timeouts::read_idle`](super::Timeouts::read_idle).
pub fn body_stream(
    response: Response,
    call: impl Into<Call>,
) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
    let (call, status) = (call.into(), response.status());
    response.bytes_stream().map(move |chunk| chunk.map_err(|error| Error::body(call, status, error)))
}

/// The whole body of `response`.
///
/// # Errors
/// When the body of a streamed answer breaks off or stalls; that of any other is in memory already.
pub async fn read_body(response: Response, call: impl Into<Call>) -> Result<Bytes, Error> {
    let (call, status) = (call.into(), response.status());
    response.bytes().await.map_err(|error| Error::body(call, status, error))
}
