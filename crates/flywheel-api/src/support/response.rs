//! An answer with its status and headers, and a body that is read as it arrives.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, StatusCode, header};

use crate::Error;
use crate::models::Odd;

/// The value of an answer, with the status and the headers it came with.
#[derive(Clone)]
pub struct ResponseValue<T> {
    inner: T,
    status: StatusCode,
    headers: HeaderMap,
    odd: Vec<Odd>,
}

impl<T> ResponseValue<T> {
    /// Puts an answer together.
    pub fn new(inner: T, status: StatusCode, headers: HeaderMap) -> Self {
        Self { inner, status, headers, odd: Vec::new() }
    }

    pub(crate) fn with_odd(mut self, odd: Vec<Odd>) -> Self {
        self.odd = odd;
        self
    }

    /// The value alone.
    pub fn into_inner(self) -> T {
        self.inner
    }

    /// The status of the answer, one of 200 to 299.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The number of bytes in the body, when the server says it.
    pub fn content_length(&self) -> Option<u64> {
        self.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// What did not have the type that the description promises: set aside with its place and its JSON, while the
    /// rest of the answer was decoded.
    pub fn odd(&self) -> &[Odd] {
        &self.odd
    }

    /// The same answer with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> ResponseValue<U> {
        let Self { inner, status, headers, odd } = self;
        ResponseValue { inner: change(inner), status, headers, odd }
    }
}

impl<T> Deref for ResponseValue<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for ResponseValue<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

/// Shows the status alone: the value may hold patient data.
impl<T> fmt::Debug for ResponseValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseValue").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The bytes of an answer, as they arrive.
pub struct ByteStream(Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>);

impl ByteStream {
    /// Wraps a stream.
    pub fn new(stream: impl Stream<Item = Result<Bytes, Error>> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }

    /// Reads what is left into memory.
    ///
    /// # Errors
    ///
    /// When the connection breaks before the end.
    pub async fn collect(mut self) -> Result<Bytes, Error> {
        let mut whole = bytes::BytesMut::new();
        while let Some(piece) = futures::StreamExt::next(&mut self.0).await {
            whole.extend_from_slice(&piece?);
        }
        Ok(whole.freeze())
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByteStream")
    }
}
