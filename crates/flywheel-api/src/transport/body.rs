//! Bodies under watch: a request body that tells how far it was sent, an answer body that fails when it stalls.

use super::failure::{SourceFailed, Stalled};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, Sleep},
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How far a streamed request body was sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sent {
    /// No byte was asked for yet: there may be no connection.
    Nothing,
    /// The last byte so far was asked for at this instant.
    Some(Instant),
    /// All of it, at this instant.
    All(Instant),
}

/// The progress of one streamed request body, seen from outside.
#[derive(Debug, Clone)]
pub(super) struct SendWatch(Arc<Watched>);

#[derive(Debug)]
struct Watched {
    sent: Mutex<Sent>,
    /// Told when the first and when the last byte went.
    turn: Notify,
}

impl SendWatch {
    /// Puts the body of `request` under watch when it is a stream; buffered bodies need none.
    pub(super) fn attach(request: &mut reqwest::Request) -> Option<Self> {
        let body = request.body_mut().take()?;
        if body.as_bytes().is_some() {
            *request.body_mut() = Some(body);
            return None;
        }
        let watch = Self(Arc::new(Watched { sent: Mutex::new(Sent::Nothing), turn: Notify::new() }));
        *request.body_mut() = Some(reqwest::Body::wrap(SentBody { inner: body, watch: watch.clone() }));
        Some(watch)
    }

    pub(super) fn state(&self) -> Sent {
        *self.0.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends when the first or the last byte went.
    pub(super) async fn turn(&self) {
        self.0.turn.notified().await;
    }

    fn advance(&self, all: bool) {
        let now = Instant::now();
        let next = if all { Sent::All(now) } else { Sent::Some(now) };
        let before =
            std::mem::replace(&mut *self.0.sent.lock().unwrap_or_else(PoisonError::into_inner), next);
        if std::mem::discriminant(&before) != std::mem::discriminant(&next) {
            self.0.turn.notify_one();
        }
    }
}

struct SentBody {
    inner: reqwest::Body,
    watch: SendWatch,
}

impl Body for SentBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            Some(Ok(_)) => self.watch.advance(self.inner.is_end_stream()),
            None => self.watch.advance(true),
            Some(Err(_)) => {}
        }
        Poll::Ready(frame.map(|frame| frame.map_err(|error| SourceFailed(error.into()).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An answer body that fails after `idle` without a byte, and reports its size to the span of its call.
pub(super) struct WatchedBody {
    inner: reqwest::Body,
    idle: Duration,
    alarm: Pin<Box<Sleep>>,
    armed: bool,
    bytes: u64,
    span: tracing::Span,
}

impl WatchedBody {
    pub(super) fn new(inner: reqwest::Body, idle: Duration, span: tracing::Span) -> Self {
        Self { inner, idle, alarm: Box::pin(tokio::time::sleep(idle)), armed: false, bytes: 0, span }
    }

    /// `response` with its body under watch.
    pub(super) fn wrap(
        response: reqwest::Response,
        idle: Duration,
        span: tracing::Span,
    ) -> reqwest::Response {
        let url = response.url().clone();
        let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        let watched = reqwest::Body::wrap(Self::new(body, idle, span));
        rebuild(parts, url, watched)
    }
}

/// A response out of its parts, keeping the address it came from.
pub(super) fn rebuild(
    parts: http::response::Parts,
    url: reqwest::Url,
    body: impl Into<reqwest::Body>,
) -> reqwest::Response {
    use reqwest::ResponseBuilderExt;
    let mut response = http::Response::from_parts(parts, body);
    if let Ok(with_url) = http::Response::builder().url(url).body(()) {
        response.extensions_mut().extend(with_url.into_parts().0.extensions);
    }
    response.into()
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                this.armed = false;
                if let Some(Ok(frame)) = &frame {
                    this.bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                if !this.armed {
                    this.alarm.as_mut().reset(super::attempt::after(Instant::now(), this.idle));
                    this.armed = true;
                }
                ready!(this.alarm.as_mut().poll(cx));
                this.armed = false;
                Poll::Ready(Some(Err(Stalled(this.idle).into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.span.record("bytes", self.bytes);
    }
}
