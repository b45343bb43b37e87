//! The bytes of one file or part of it, taken up again where the connection broke.

use std::ops::Range;

use bytes::Bytes;
use flywheel_api::{
    ByteStream, ResponseValue,
    transport::{RawRequest, Transport},
};
use futures::{Stream, StreamExt};
use http::{HeaderMap, StatusCode, header};

use super::{digest::Awaited, running::Reporter};
use crate::{Error, ErrorKind, Result};

/// What to fetch, and what is known of it beforehand.
#[derive(Clone)]
pub(super) struct Fetch {
    pub(super) transport: Transport,
    /// The request for the whole.
    pub(super) request: RawRequest,
    /// The bytes that are wanted of it; the whole when none are named.
    pub(super) range: Option<Range<u64>>,
    /// The size of the whole, if recorded.
    pub(super) size: Option<u64>,
    /// The hash of the whole, where the bytes are to be checked; learned from the first answer where it is not recorded.
    pub(super) awaited: Option<Awaited>,
    /// Whether the request names one content for ever, by a version or a recorded hash that is checked in the end.
    pub(super) pinned: bool,
    /// Whether parts can be asked for.
    pub(super) ranged: bool,
    pub(super) reporter: Reporter,
}

/// What the answers so far say about the content.
#[derive(Default)]
struct Seen {
    /// The size of the whole.
    total: Option<u64>,
    /// The validator, unless it is a weak one.
    etag: Option<String>,
}

/// An answer, and how many of its bytes to leave out because they were there already.
struct Answer {
    body: ByteStream,
    skip: u64,
    /// The offset at which it ends, if it says so.
    end: Option<u64>,
}

impl Fetch {
    /// The offset of the first byte that is wanted.
    pub(super) fn start(&self) -> u64 {
        self.range.as_ref().map_or(0, |range| range.start)
    }

    /// The bytes from the offset `at` on, of which those before are there already.
    pub(super) fn stream_from(self, at: u64) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        let start = self.start();
        let total = self.size.filter(|_| self.range.is_none());
        self.reporter.update(|progress| {
            progress.total = total;
            progress.transferred = at - start;
        });
        let reading =
            Reading { fetch: self, at, seen: Seen::default(), answer: None, failures: 0, broken: None };
        futures::stream::try_unfold(reading, |mut reading| async move {
            Ok(reading.next().await?.map(|chunk| (chunk, reading)))
        })
    }
}

/// A fetch under way.
struct Reading {
    fetch: Fetch,
    /// The offset of the next byte.
    at: u64,
    seen: Seen,
    answer: Option<Answer>,
    /// Failures since the last byte arrived.
    failures: u32,
    /// What broke the last answer off.
    broken: Option<Error>,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if self.is_over() {
                return Ok(None);
            }
            let mut answer = match self.answer.take() {
                Some(answer) => answer,
                None => self.open().await?,
            };
            match answer.body.next().await {
                None => return self.ended(answer.end),
                Some(Err(error)) => self.broke(error).await?,
                Some(Ok(chunk)) => {
                    let chunk = self.within(answer.wanted(chunk))?;
                    self.answer = Some(answer);
                    if !chunk.is_empty() {
                        self.at += chunk.len() as u64;
                        self.failures = 0;
                        self.fetch.reporter.add(chunk.len());
                        return Ok(Some(chunk));
                    }
                }
            }
        }
    }

    /// Whether nothing more is wanted. An answer to a request for the whole is read to its end, in case it holds more.
    fn is_over(&self) -> bool {
        let part = self.fetch.range.is_some();
        let asked = part || (self.answer.is_none() && self.at > self.fetch.start());
        asked && self.end().is_some_and(|end| self.at >= end)
    }

    /// The offset after the last byte that is wanted, if known.
    fn end(&self) -> Option<u64> {
        let total = self.seen.total.or(self.fetch.size);
        match (&self.fetch.range, total) {
            (Some(range), Some(total)) => Some(range.end.min(total)),
            (Some(range), None) => Some(range.end),
            (None, total) => total,
        }
    }

    /// Asks for the bytes that are missing.
    async fn open(&mut self) -> Result<Answer> {
        let at = self.at;
        let mut request = self.fetch.request.clone();
        if self.fetch.range.is_some() || at > 0 {
            let last = self.end().map(|end| end.saturating_sub(1).to_string()).unwrap_or_default();
            request = request.query("view", "true").header(header::RANGE, &format!("bytes={at}-{last}"));
            if let Some(etag) = &self.seen.etag {
                request = request.header(header::IF_RANGE, etag);
            }
        }
        let response = self.fetch.transport.send(&request).await?;
        let same = self.seen.compare(self.fetch.size, at, &response);
        // What broke the transfer says more than why it could not be taken up again.
        same.map_err(|error| self.broken.take().unwrap_or(error))?;
        if let (Some(awaited), Some(etag)) = (&self.fetch.awaited, &self.seen.etag) {
            awaited.learn(etag.trim_matches('"'));
        }
        let total = self.end().map(|end| end.saturating_sub(self.fetch.start()));
        self.fetch.reporter.update(|progress| progress.total = total);
        let starts = if response.status() == StatusCode::PARTIAL_CONTENT { at } else { 0 };
        let end = response.content_length().map(|length| starts + length);
        Ok(Answer { end, skip: at - starts, body: response.into_inner() })
    }

    /// `chunk` as far as it is wanted; nothing of it once all that is wanted is there.
    fn within(&self, mut chunk: Bytes) -> Result<Bytes> {
        let Some(end) = self.end() else { return Ok(chunk) };
        let left = usize::try_from(end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        if chunk.len() > left && self.fetch.range.is_none() {
            return Err(integrity(&format!("more bytes arrive than the {end} that are recorded")));
        }
        chunk.truncate(left);
        Ok(chunk)
    }

    /// The answer is over: so must be what is wanted.
    fn ended(&self, promised: Option<u64>) -> Result<Option<Bytes>> {
        match self.end().or(promised) {
            Some(end) if self.at < end => {
                let start = self.fetch.start();
                Err(integrity(&format!("{} of {} bytes arrived", self.at - start, end - start)))
            }
            _ => Ok(None),
        }
    }

    /// The answer broke off: waits for the next attempt, unless there shall be none.
    async fn broke(&mut self, error: Error) -> Result<()> {
        self.failures += 1;
        let certain = self.fetch.pinned || self.seen.etag.is_some();
        let may_resume = self.at == self.fetch.start() || (self.fetch.ranged && certain);
        if !may_resume || !self.fetch.transport.wait_to_resume(self.failures, &error).await {
            return Err(error);
        }
        self.broken = Some(error);
        Ok(())
    }
}

impl Answer {
    /// `chunk` without the bytes that were there already.
    fn wanted(&mut self, mut chunk: Bytes) -> Bytes {
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(chunk.len());
        self.skip -= skipped as u64;
        chunk.split_off(skipped)
    }
}

impl Seen {
    /// Notes what an answer to a request from `at` on says; it must not contradict what was said before.
    fn compare(
        &mut self,
        recorded: Option<u64>,
        at: u64,
        response: &ResponseValue<ByteStream>,
    ) -> Result<()> {
        let headers = response.headers();
        let total = if response.status() == StatusCode::PARTIAL_CONTENT {
            let (start, total) = content_range(headers).ok_or_else(|| {
                integrity("the answer to a request for a part does not say which part it is")
            })?;
            if start != at {
                return Err(integrity("the answer holds another part than the one asked for"));
            }
            total
        } else {
            response.content_length()
        };
        let etag = headers.get(header::ETAG).and_then(|value| value.to_str().ok());
        let etag = etag.filter(|etag| !etag.starts_with("W/")).map(str::to_owned);
        let known = self.total.or(recorded);
        if let (Some(known), Some(total)) = (known, total)
            && known != total
        {
            return Err(integrity("the content has another size than recorded: it was replaced meanwhile"));
        }
        if self.etag.is_some() && etag.is_some() && self.etag != etag {
            return Err(integrity("the content was replaced meanwhile"));
        }
        self.total = total.or(self.total);
        self.etag = etag.or(self.etag.take());
        Ok(())
    }
}

fn integrity(message: &str) -> Error {
    Error::new(ErrorKind::Integrity, message)
}

/// The first offset and the size of the whole in `Content-Range: bytes 5-9/20`.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_content_range_is_read_with_and_without_the_total() {
        let of = |text: &str| {
            content_range(&HeaderMap::from_iter([(header::CONTENT_RANGE, text.parse().unwrap())]))
        };
        assert_eq!(of("bytes 5-9/20"), Some((5, Some(20))));
        assert_eq!(of("bytes 5-9/*"), Some((5, None)));
        assert_eq!(of("bytes */20"), None);
        assert_eq!(of("items 1-2/3"), None);
    }
}
