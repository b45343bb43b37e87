//! What a finder yields: pages, the items of pages, and cursors to go on from.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use flywheel_api::models::Odd;
use futures::{Stream, StreamExt, stream::BoxStream};
use serde::{Deserialize, Serialize};

use crate::{Error, Resource, Result};

/// One page of a list.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page<C> {
    /// The rows.
    pub items: Vec<C>,
    /// How many rows match in all, where the site says it: in the first page of what is below a container, and of files.
    /// [`count`](super::Finder::count) always says it.
    pub total: Option<u64>,
    /// Where to go on behind this page; `None` for sorted lists, and at the end.
    pub next: Option<Cursor>,
    /// Rows that are no such document and could not be read; the others are not kept back for them.
    pub odd: Vec<Odd>,
}

/// A place in an unsorted list, to go on from later, in another process too.
///
/// ```no_run
/// # async fn run(fw: flywheel::Client) -> flywheel::Result<()> {
/// use futures::TryStreamExt;
///
/// let mut sessions = fw.sessions().iter();
/// let first = sessions.try_next().await?;
/// if let Some(cursor) = sessions.cursor() {
///     let others = fw.sessions().after(cursor).find().await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub(super) String);

/// The pages of a list, the next one under way. See [`Finder::pages`](super::Finder::pages).
#[must_use = "streams do nothing unless polled"]
pub struct Pages<C>(BoxStream<'static, Result<Page<C>>>);

impl<C: Send + 'static> Pages<C> {
    pub(super) fn new(pages: impl Stream<Item = Result<Page<C>>> + Send + 'static) -> Self {
        Self(pages.boxed())
    }

    pub(super) fn failed(error: Error) -> Self {
        Self::new(futures::stream::once(std::future::ready(Err(error))))
    }
}

impl<C> Stream for Pages<C> {
    type Item = Result<Page<C>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl<C> fmt::Debug for Pages<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pages")
    }
}

/// The items of a list, one by one. See [`Finder::iter`](super::Finder::iter).
#[must_use = "streams do nothing unless polled"]
pub struct Items<C> {
    pages: Pages<C>,
    rows: vec::IntoIter<C>,
    unsorted: bool,
    last: Option<String>,
}

impl<C: Resource> Items<C> {
    pub(super) fn new(pages: Pages<C>, unsorted: bool) -> Self {
        Self { pages, rows: Vec::new().into_iter(), unsorted, last: None }
    }

    /// The place behind the item that was yielded last; `None` before the first one and for sorted lists.
    pub fn cursor(&self) -> Option<Cursor> {
        self.last.clone().map(Cursor)
    }
}

impl<C: Resource> Stream for Items<C> {
    type Item = Result<C>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.rows.next() {
                if self.unsorted {
                    self.last = Some(item.cursor().to_owned());
                }
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(self.pages.poll_next_unpin(cx)) {
                Some(Ok(page)) => self.rows = page.items.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<C> fmt::Debug for Items<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("ready", &self.rows.len()).finish_non_exhaustive()
    }
}
