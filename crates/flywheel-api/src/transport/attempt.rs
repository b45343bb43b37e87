//! One attempt: time limits, redirects, the answer's body.

use super::{
    body::{SendWatch, Sent, WatchedBody, rebuild},
    builder::Transport,
    call::Call,
    failure::{Failure, address},
    prepare::Head,
    retry::Class,
    settings::Timeouts,
};
use crate::{Error, ErrorKind};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{StatusCode, header};
use reqwest::{Request, Response};
use std::{pin::pin, time::Duration};
use tokio::time::{Instant, sleep_until, timeout_at};

const REDIRECT_LIMIT: usize = 10;
/// Most bytes of an error body that are read.
const ERROR_BODY_LIMIT: usize = 64 * 1024;
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// `limit` after `start`; far in the future where that overflows.
pub(super) fn after(start: Instant, limit: Duration) -> Instant {
    start.checked_add(limit.min(FAR)).unwrap_or(start)
}

/// The limits of one attempt.
pub(super) struct Limits {
    pub(super) timeouts: Timeouts,
    /// When the whole operation must be over.
    pub(super) deadline: Option<Instant>,
}

/// Sends `request` once, redirects included, and reads the answer unless the caller streams it.
pub(super) async fn attempt(
    transport: &Transport,
    call: &Call,
    request: Request,
    limits: &Limits,
) -> Result<Response, Failure> {
    let streamed = request.body().is_some_and(|body| body.as_bytes().is_none());
    let own = (!streamed && !call.streaming).then(|| after(Instant::now(), limits.timeouts.attempt));
    let work = exchange(transport, call, request, &limits.timeouts);
    match (own, limits.deadline) {
        (Some(own), Some(deadline)) if deadline < own => operation_limited(work, deadline, limits).await,
        (Some(own), _) => timeout_at(own, work)
            .await
            .unwrap_or_else(|_| Err(Failure::timeout("the attempt did not end", limits.timeouts.attempt))),
        (None, Some(deadline)) => operation_limited(work, deadline, limits).await,
        (None, None) => work.await,
    }
}

async fn operation_limited(
    work: impl Future<Output = Result<Response, Failure>>,
    deadline: Instant,
    limits: &Limits,
) -> Result<Response, Failure> {
    let limit = limits.timeouts.operation.unwrap_or_default();
    timeout_at(deadline, work)
        .await
        .unwrap_or_else(|_| Err(Failure::timeout("the operation did not end", limit)))
}

async fn exchange(
    transport: &Transport,
    call: &Call,
    request: Request,
    timeouts: &Timeouts,
) -> Result<Response, Failure> {
    let response = follow(transport, request, timeouts).await?;
    let status = response.status();
    if !status.is_success() && !call.also_ok.contains(&status.as_u16()) {
        let headers = response.headers().clone();
        let body = error_body(response, timeouts).await;
        return Err(Failure::of_status(call, status, &headers, &body));
    }
    let response = WatchedBody::wrap(response, timeouts.read_idle, tracing::Span::current());
    if call.streaming { Ok(response) } else { read_whole(response).await }
}

/// Sends `request` and follows redirects; see `prepare` for what goes along.
async fn follow(
    transport: &Transport,
    mut request: Request,
    timeouts: &Timeouts,
) -> Result<Response, Failure> {
    for _ in 0..=REDIRECT_LIMIT {
        let (mut kept, streamed) = match request.try_clone() {
            Some(copy) => (copy, false),
            None => (Head::of(&request).into_request(), true),
        };
        let response = send(transport, request, timeouts).await?;
        let status = response.status();
        let location = match status.as_u16() {
            301 | 302 | 303 | 307 | 308 => response.headers().get(header::LOCATION).cloned(),
            _ => None,
        };
        let Some(location) = location else { return Ok(response) };
        let redirected = Head::of(&kept).redirected(status, &location);
        let (next, keeps_body) = redirected.map_err(|error| unknown_final(error, status))?;
        if keeps_body && streamed {
            let error = Error::new(ErrorKind::Server, "the server redirects an upload that is sent already");
            return Err(unknown_final(error, status));
        }
        request = next.into_request();
        if keeps_body {
            *request.body_mut() = kept.body_mut().take();
        }
    }
    let error = Error::new(ErrorKind::Server, format!("more than {REDIRECT_LIMIT} redirects"));
    Err(unknown_final(error, StatusCode::FOUND))
}

fn unknown_final(error: Error, status: StatusCode) -> Failure {
    Failure::new(error.with_status(status.as_u16()), Class::Final)
        .map_error(|error| error.with_may_have_executed(true))
}

/// Sends `request` and waits for the head of the answer: as long as a streamed body moves, and `first_byte`
/// after that.
async fn send(transport: &Transport, mut request: Request, timeouts: &Timeouts) -> Result<Response, Failure> {
    let address = address(request.url());
    let watch = SendWatch::attach(&mut request);
    let start = Instant::now();
    let mut sending = pin!(transport.http().execute(request));
    loop {
        let (limit, since, what) = match watch.as_ref().map(SendWatch::state) {
            None | Some(Sent::Nothing) => {
                (timeouts.first_byte, after(start, timeouts.connect), "the server did not begin to answer")
            }
            Some(Sent::Some(last)) => {
                (timeouts.read_idle, last, "the server did not take the next byte of the body")
            }
            Some(Sent::All(last)) => (timeouts.first_byte, last, "the server did not begin to answer"),
        };
        let turn = async {
            match &watch {
                Some(watch) => watch.turn().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            result = sending.as_mut() => return result.map_err(|error| Failure::of_http(error, &address)),
            () = turn => {}
            () = sleep_until(after(since, limit)) => {
                if !watch.as_ref().is_some_and(|watch| moved(watch.state(), since)) {
                    return Err(Failure::timeout(what, limit));
                }
            }
        }
    }
}

/// Whether the body moved after `since`.
fn moved(sent: Sent, since: Instant) -> bool {
    match sent {
        Sent::Nothing => false,
        Sent::Some(last) | Sent::All(last) => last > since,
    }
}

/// What can be read of an error body; a failure to read it hides nothing, the status is known.
async fn error_body(response: Response, timeouts: &Timeouts) -> Bytes {
    let end = after(Instant::now(), timeouts.read_idle);
    let mut stream = pin!(response.bytes_stream());
    let mut body = BytesMut::new();
    while body.len() < ERROR_BODY_LIMIT {
        match timeout_at(end, stream.next()).await {
            Ok(Some(Ok(chunk))) => body.extend_from_slice(&chunk),
            _ => break,
        }
    }
    body.freeze()
}

async fn read_whole(response: Response) -> Result<Response, Failure> {
    let url = response.url().clone();
    let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
    let collected = http_body_util::BodyExt::collect(body).await;
    let bytes = collected.map_err(|error| Failure::of_http(error, &address(&url)))?.to_bytes();
    Ok(rebuild(parts, url, bytes))
}
