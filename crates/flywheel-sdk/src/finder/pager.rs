//! Walking a list: which page to ask for next, when it is the last, and when a site is going round in circles.

use std::{collections::HashSet, marker::PhantomData};

use flywheel_api::{
    Client as Raw,
    models::{Listing, Odd},
    operation::Paging,
    transport::CallOptions,
};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::{Cursor, Depth, Page, Pages, Query};
use crate::{Client, Error, ErrorKind, Kind, Resource, Result, call::Call, resource};

/// Rows that are read by themselves at the same time.
const GETS_AT_ONCE: usize = 8;

/// The state of one walk through a list.
pub(super) struct Pager<C> {
    client: Client,
    raw: Raw,
    query: Query,
    walk: Walk,
    /// Rows that came so far, odd ones included.
    seen: usize,
    total: Option<u64>,
    /// The ids of the page before.
    previous: HashSet<String>,
    kind: PhantomData<fn() -> C>,
}

/// How the next page is asked for.
enum Walk {
    /// Behind the row with this id; from the start without one.
    After(Option<String>),
    /// By its number.
    Number(usize),
    /// All in one call.
    Whole,
    /// There is no next page.
    Over,
}

/// The rows of an answer, and what of them decides how to go on.
struct Rows<C> {
    items: Vec<C>,
    odd: Vec<Odd>,
    ids: Vec<String>,
    total: Option<u64>,
    came: usize,
}

impl<C: Resource> Pager<C> {
    pub(super) fn new(client: Client, query: Query) -> Result<Self> {
        if let Some(mistake) = query.mistake {
            return Err(Error::new(ErrorKind::Invalid, mistake.to_string())
                .with_operation(query.operation.operation().name));
        }
        let operation = query.operation.operation();
        let walk = match operation.paging {
            // Sites ignore `after_id` for gears and send the same page again; there are few enough to take at once.
            _ if C::KIND == Kind::Gear => Walk::Whole,
            Paging::Cursor if query.sort.keys.is_empty() && query.page == 1 => {
                Walk::After(query.after.clone())
            }
            Paging::Cursor | Paging::Numbered => Walk::Number(query.page),
            _ => Walk::Whole,
        };
        if query.after.is_some() && !matches!(walk, Walk::After(_)) {
            let message = "only an unsorted list can be gone on with from a cursor";
            return Err(Error::new(ErrorKind::Invalid, message).with_operation(operation.name));
        }
        if query.page > 1 && matches!(walk, Walk::Whole) {
            let message = "this list comes whole and has no pages";
            return Err(Error::new(ErrorKind::Invalid, message).with_operation(operation.name));
        }
        let raw = client.raw().with_options(query.options.clone());
        Ok(Self {
            client,
            raw,
            query,
            walk,
            seen: 0,
            total: None,
            previous: HashSet::new(),
            kind: PhantomData,
        })
    }

    /// The same walk over the client of a request, which has the request's options.
    pub(super) fn with_raw(mut self, raw: Raw) -> Self {
        self.raw = raw;
        self
    }

    /// The pages, the next one asked for as soon as it is known where it begins.
    pub(super) fn pages(self) -> Pages<C> {
        let start = Step::Start(Box::new(self));
        Pages::new(stream::unfold(start, |step| async move {
            let (pager, outcome) = match step {
                Step::Start(pager) => pager.advance().await,
                Step::Ahead(task) => task.await.unwrap_or_else(|failed| (None, Err(stopped(failed)))),
                Step::End => return None,
            };
            match (pager, outcome) {
                (_, Err(error)) => Some((Err(error), Step::End)),
                (_, Ok(None)) => None,
                (Some(pager), Ok(Some(page))) if !matches!(pager.walk, Walk::Over) => Some((
                    Ok(page),
                    Step::Ahead(AbortOnDropHandle::new(tokio::spawn(pager.advance().in_current_span()))),
                )),
                (_, Ok(Some(page))) => Some((Ok(page), Step::End)),
            }
        }))
    }

    /// The first page alone.
    pub(super) async fn only_page(mut self) -> Result<Page<C>> {
        let rows = self.fetch(false).await?;
        let items = self.deepen(rows.items).await?;
        Ok(Page { items, total: rows.total, next: None, odd: rows.odd })
    }

    /// How many rows match.
    pub(super) async fn count(mut self) -> Result<u64> {
        let whole = self.query.page_size;
        if !matches!(self.walk, Walk::Whole) {
            self.query.page_size = 1;
        }
        self.query.depth = Depth::List;
        self.query.limit = None;
        let first = self.fetch(true).await?;
        if let Some(total) = first.total {
            return Ok(total);
        }
        if matches!(self.walk, Walk::Whole) || first.came == 0 {
            return Ok(first.came as u64);
        }
        // A site that does not count is counted by walking through.
        self.query.page_size = whole;
        let mut pages = self.pages();
        let mut count = 0;
        while let Some(page) = pages.try_next().await? {
            count += (page.items.len() + page.odd.len()) as u64;
        }
        Ok(count)
    }

    /// The next page, `None` behind the last one; the pager comes back only when it may go on.
    async fn advance(mut self: Box<Self>) -> Advanced<C> {
        match self.next().await {
            Ok(page) => (Some(self), Ok(page)),
            Err(error) => (None, Err(error)),
        }
    }

    async fn next(&mut self) -> Result<Option<Page<C>>> {
        if matches!(self.walk, Walk::Over) || self.query.limit.is_some_and(|limit| self.seen >= limit) {
            return Ok(None);
        }
        let first = self.seen == 0;
        let mut rows = self.fetch(first && self.is_worth_counting()).await?;
        if first {
            self.total = rows.total;
        }
        if rows.came == 0 {
            self.walk = Walk::Over;
            return Ok(None);
        }
        let next = self.step_behind(&rows)?;
        if let Some(limit) = self.query.limit {
            rows.items.truncate(limit.saturating_sub(self.seen));
        }
        self.seen += rows.came;
        if self.is_last(rows.came) {
            self.walk = Walk::Over;
        }
        let items = self.deepen(rows.items).await?;
        let next = if matches!(self.walk, Walk::Over) { None } else { next };
        Ok(Some(Page { items, total: rows.total, next, odd: rows.odd }))
    }

    /// Whether the page of this many rows, which has been counted in, was the last.
    ///
    /// A short page alone proves nothing: a site may cut what the caller may not see out of a full one. Together with a
    /// total that has been reached it does, and saves the call that would only bring an empty page.
    fn is_last(&self, came: usize) -> bool {
        let enough = self.query.limit.is_some_and(|limit| self.seen >= limit);
        let before = self.query.page.saturating_sub(1).saturating_mul(self.query.page_size);
        let all = self.total.is_some_and(|total| before.saturating_add(self.seen) as u64 >= total);
        matches!(self.walk, Walk::Whole) || enough || (all && came < self.query.page_size)
    }

    /// Moves behind the rows of a page, and makes sure that this is a move.
    fn step_behind(&mut self, rows: &Rows<C>) -> Result<Option<Cursor>> {
        let last = rows.ids.last();
        let cursor = match &mut self.walk {
            Walk::After(_) if last.is_none() && rows.came < self.query.page_size => {
                self.walk = Walk::Over;
                None
            }
            Walk::After(after) => {
                let moved = last.is_some_and(|last| Some(last) != after.as_ref());
                if !moved || rows.ids.iter().any(|id| self.previous.contains(id)) {
                    return Err(self.no_progress());
                }
                *after = last.cloned();
                last.cloned().map(Cursor)
            }
            Walk::Number(number) => {
                *number += 1;
                let again = !rows.ids.is_empty() && rows.ids.iter().all(|id| self.previous.contains(id));
                if again && rows.ids.len() == self.previous.len() {
                    return Err(self.no_progress());
                }
                None
            }
            Walk::Whole | Walk::Over => None,
        };
        self.previous = rows.ids.iter().cloned().collect();
        Ok(cursor)
    }

    fn no_progress(&self) -> Error {
        let message = "the site sent a page that it had sent before, so the list would never end";
        Error::new(ErrorKind::Server, message)
            .with_operation(self.query.operation.operation().name)
            .with_hint("Raise page_size above the number of rows, or ask for a sorted list.")
    }

    async fn fetch(&mut self, counted: bool) -> Result<Rows<C>> {
        let listing: Listing<C::Row> = self.call().list(&self.raw_for(counted)).await?;
        let (total, came) = (listing.total(), listing.len());
        let items: Vec<C> =
            listing.items.into_iter().map(|row| C::from_parts(self.client.clone(), row.into())).collect();
        let mut ids: Vec<String> =
            items.iter().map(|item| item.cursor().to_owned()).filter(|id| !id.is_empty()).collect();
        let odd_ids: Vec<String> = listing.odd.iter().filter_map(odd_id::<C>).collect();
        if !odd_ids.is_empty() {
            // The last row of the page is the one with the greatest id.
            ids.extend(odd_ids);
            ids.sort_unstable();
        }
        Ok(Rows { items, odd: listing.odd, ids, total, came })
    }

    /// Whether to ask how many rows there are, which saves the call that brings an empty page at the end.
    ///
    /// Below one container that is most lists, and counting them is cheap. Of a whole site it is one call in many, and
    /// counting can cost the site more than all the pages that the caller wants.
    fn is_worth_counting(&self) -> bool {
        !self.query.path.is_empty() && self.query.limit.is_none_or(|limit| limit > self.query.page_size)
    }

    fn raw_for(&self, counted: bool) -> Raw {
        if counted && !matches!(self.walk, Walk::Whole) {
            self.raw.with_options(CallOptions::new().feature("pagination"))
        } else {
            self.raw.clone()
        }
    }

    fn call(&self) -> Call {
        let query = &self.query;
        let mut call = query.path.iter().fold(Call::new(query.operation), |call, segment| call.at(segment));
        for (name, value) in &query.parameters {
            call = call.query(name, value);
        }
        if !query.filter.clauses.is_empty() {
            call = call.query("filter", &query.filter);
        }
        if !query.sort.keys.is_empty() {
            call = call.query("sort", &query.sort);
        }
        if query.depth == Depth::Info && self.takes_info() {
            call = call.query("include_all_info", true);
        }
        match &self.walk {
            Walk::After(after) => call.query("limit", self.page_size()).query_opt("after_id", after.as_ref()),
            Walk::Number(number) => call.query("limit", self.page_size()).query("page", number),
            Walk::Whole | Walk::Over => call,
        }
    }

    /// The rows of the next page: numbered pages must all have the same size, others need not bring more than wanted.
    fn page_size(&self) -> usize {
        let wanted = self.query.limit.map_or(usize::MAX, |limit| limit.saturating_sub(self.seen)).max(1);
        match &self.walk {
            Walk::Number(number) if *number > 1 => self.query.page_size,
            Walk::Number(_) if wanted > self.query.page_size => self.query.page_size,
            _ => self.query.page_size.min(wanted),
        }
    }

    fn takes_info(&self) -> bool {
        Call::takes(self.query.operation, "include_all_info")
    }

    /// Reads rows by themselves where the list does not give what is wanted. What vanished meanwhile is left out.
    async fn deepen(&self, items: Vec<C>) -> Result<Vec<C>> {
        let one_by_one = match self.query.depth {
            Depth::List => false,
            // Lists of files carry their metadata.
            Depth::Info => !self.takes_info() && C::KIND != Kind::File,
            Depth::Full => true,
        };
        if !one_by_one {
            return Ok(items);
        }
        let Some(operation) = C::KIND.routes().get else {
            return Err(resource::unsupported(C::KIND, "read"));
        };
        let gets = items.into_iter().map(|item| {
            let (call, raw, client) = (Call::new(operation).at(item.id()), &self.raw, &self.client);
            async move {
                match call.send(raw).await {
                    Ok(full) => Ok(Some(C::from_parts(client.clone(), full))),
                    Err(error) if error.is_not_found() => Ok(None),
                    Err(error) => Err(error),
                }
            }
        });
        stream::iter(gets)
            .buffered(GETS_AT_ONCE)
            .try_filter_map(|full| async move { Ok(full) })
            .try_collect()
            .await
    }
}

/// A page's task ends early only when the runtime does.
fn stopped(failed: JoinError) -> Error {
    match failed.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Error::new(ErrorKind::Cancelled, "the runtime stopped while a page was under way"),
    }
}

/// The id of a row that could not be read, so that a page does not begin with it again.
fn odd_id<C: Resource>(odd: &Odd) -> Option<String> {
    let name = if C::KIND == Kind::File { "file_id" } else { "_id" };
    odd.value().get(name)?.as_str().map(str::to_owned)
}

enum Step<C> {
    Start(Box<Pager<C>>),
    /// The page is under way in a task of its own, which ends when nobody wants it any more.
    Ahead(AbortOnDropHandle<Advanced<C>>),
    End,
}

/// The pager, when it may go on, and what it brought.
type Advanced<C> = (Option<Box<Pager<C>>>, Result<Option<Page<C>>>);
