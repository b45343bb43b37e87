//! The body of an upload on its way into the parser of its parts: one chunk at a time, and no head of a part without an end.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream::BoxStream};

/// The most bytes of the head of one part, beside the chunk that they came in.
pub(super) const HEAD_LIMIT: usize = 64 * 1024;

/// How many bytes came since the last head of a part began; shared with who reads the parts.
#[derive(Debug, Clone, Default)]
pub(super) struct Head(Arc<AtomicUsize>);

impl Head {
    /// A head begins.
    pub(super) fn begins(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// The head has ended: what comes is content, however much it is.
    pub(super) fn ended(&self) {
        self.0.store(usize::MAX, Ordering::Relaxed);
    }

    fn is_too_long(&self) -> bool {
        let taken = self.0.load(Ordering::Relaxed);
        taken != usize::MAX && taken > HEAD_LIMIT
    }

    fn takes(&self, length: usize) {
        // Once the head has ended there is nothing to count.
        let more =
            |taken: usize| (taken != usize::MAX).then(|| taken.saturating_add(length).min(usize::MAX - 1));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }
}

/// A body, paced. The parser takes in whatever is ready before it looks at any of it, so after each chunk this says once that
/// nothing is ready: what it holds is then one chunk, not what a fast client has sent meanwhile.
pub(super) struct Paced {
    body: BoxStream<'static, Result<Bytes, axum::Error>>,
    head: Head,
    rests: bool,
}

impl Paced {
    pub(super) fn new(body: BoxStream<'static, Result<Bytes, axum::Error>>, head: Head) -> Self {
        Self { body, head, rests: false }
    }
}

impl Stream for Paced {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.rests) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.head.is_too_long() {
            let message = format!("the head of a part is longer than {HEAD_LIMIT} bytes");
            return Poll::Ready(Some(Err(axum::Error::new(message))));
        }
        let next = self.body.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(chunk))) = &next {
            self.head.takes(chunk.len());
            self.rests = true;
        }
        next
    }
}
