//! Finders: lists of things, filtered, sorted, walked page by page.
//!
//! A finder is a value that says what to look for; nothing is sent until it is awaited or read.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # let session = project.add_subject("sub-01").await?.add_session("ses-01").await?;
//! # session.add_acquisition("T1w").await?;
//! use flywheel::{Sort, field};
//! use futures::{StreamExt, TryStreamExt};
//!
//! // All at once, in memory.
//! let sessions = fw.sessions().filter("label=~^ses-").sort(Sort::desc("created")).limit(10).await?;
//! assert_eq!(sessions[0].label(), "ses-01");
//!
//! // Exactly one, or an error that says whether there were none or several.
//! let project = fw.projects().filter(field("label").eq("Color Study")).find_one().await?;
//!
//! // One by one, however many there are: the next page is under way while this one is worked on.
//! let mut acquisitions = project.acquisitions().with_info().iter();
//! while let Some(acquisition) = acquisitions.try_next().await? {
//!     println!("{} {:?}", acquisition.label(), acquisition.info);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Filters are checked before anything is sent, and a mistake is pointed at:
//!
//! ```
//! # fn main() -> flywheel::Result<()> {
//! use flywheel::blocking::Block;
//!
//! let fw = flywheel::Client::new("localhost:1:__force_insecure:KEY")?;
//! let error = fw.sessions().filter("label~ses").find().block().unwrap_err();
//! assert!(error.is_invalid());
//! assert!(error.message().ends_with("label~ses\n  ^^^^^^^^^"));
//! # Ok(())
//! # }
//! ```

mod page;
mod pager;

use std::{
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
};

use flywheel_api::{
    OperationId,
    transport::{CallOptions, RetryPolicy},
};
use flywheel_core::{filter::Filter, sort::Sort, syntax::ParseError};
use futures::{TryStreamExt, future::BoxFuture};

use crate::{Client, Error, ErrorKind, Request, Resource, Result, resource};

pub use page::{Cursor, Items, Page, Pages};
use pager::Pager;

/// How many rows a page has when the caller does not say.
const PAGE_SIZE: usize = 250;

/// Looks for things of one kind: on the whole site (`fw.sessions()`) or below one container (`project.sessions()`).
///
/// Awaiting a finder is [`find`](Self::find): all that match, in memory. See the [module](self) for the other ways.
#[must_use = "a finder finds nothing until it is awaited or read"]
pub struct Finder<C> {
    client: Client,
    query: Query,
    kind: PhantomData<fn() -> C>,
}

/// What to look for, and how.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) operation: OperationId,
    pub(crate) path: Vec<String>,
    pub(crate) filter: Filter,
    pub(crate) sort: Sort,
    pub(crate) page_size: usize,
    pub(crate) limit: Option<usize>,
    /// The page to begin with, from 1.
    pub(crate) page: usize,
    pub(crate) after: Option<String>,
    pub(crate) depth: Depth,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) options: CallOptions,
    /// The first mistake in what the finder was told; reported when it is used.
    pub(crate) mistake: Option<ParseError>,
}

/// How much of each document is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// What lists give.
    List,
    /// With free metadata.
    Info,
    /// What the single GET gives.
    Full,
}

impl<C: Resource> Finder<C> {
    /// All of a kind on the site.
    pub(crate) fn all(client: &Client) -> Self {
        let operation = C::KIND.routes().list.expect("every kind has a list, as a test of the table shows");
        Self::over(client, operation, Vec::new())
    }

    /// The same finder through another client.
    pub(crate) fn through(self, client: &Client) -> Self {
        Self { client: client.clone(), ..self }
    }

    /// The rows of one list operation.
    pub(crate) fn over(client: &Client, operation: OperationId, path: Vec<String>) -> Self {
        let query = Query {
            operation,
            path,
            filter: Filter::default(),
            sort: Sort::default(),
            page_size: PAGE_SIZE,
            limit: None,
            page: 1,
            after: None,
            depth: Depth::List,
            parameters: Vec::new(),
            options: CallOptions::new(),
            mistake: None,
        };
        Self { client: client.clone(), query, kind: PhantomData }
    }

    /// Only what this filter lets through: text as the platform writes it, or one built with
    /// [`field`](crate::field). Several filters must all hold.
    pub fn filter(mut self, filter: impl TryInto<Filter, Error: Into<ParseError>>) -> Self {
        match filter.try_into() {
            Ok(filter) => self.query.filter &= filter,
            Err(mistake) => self.note(mistake.into()),
        }
        self
    }

    /// In this order: text such as `label:asc,created:desc`, or a [`Sort`]. Sorted lists are walked by page number, so what
    /// is added or removed meanwhile can shift rows from one page to another; unsorted ones have no such gap.
    pub fn sort(mut self, sort: impl TryInto<Sort, Error: Into<ParseError>>) -> Self {
        match sort.try_into() {
            Ok(sort) => self.query.sort = sort,
            Err(mistake) => self.note(mistake.into()),
        }
        self
    }

    /// Only those with this label.
    pub(crate) fn labelled(self, label: &str) -> Self {
        self.filter(flywheel_core::filter::field("label").eq(label))
    }

    fn note(&mut self, mistake: ParseError) {
        self.query.mistake.get_or_insert(mistake);
    }

    /// Rows in one page; 250 when nothing is said. Zero counts as one.
    pub fn page_size(mut self, rows: usize) -> Self {
        self.query.page_size = rows.max(1);
        self
    }

    /// No more rows than this.
    pub fn limit(mut self, rows: usize) -> Self {
        self.query.limit = Some(rows);
        self
    }

    /// Begins with this page, from 1, of [`page_size`](Self::page_size) rows each: the 3rd fifty of a list are
    /// `page_size(50).page(3).limit(50)`. A [`limit`](Self::limit) counts from there. Meant for sorted lists; to go through
    /// all of a long one, [`iter`](Self::iter) misses nothing.
    pub fn page(mut self, number: usize) -> Self {
        self.query.page = number.max(1);
        self
    }

    /// Goes on behind the row that the cursor stands at; see [`Items::cursor`].
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.query.after = Some(cursor.0);
        self
    }

    /// Everything on the site, not only what the caller has a role in. For site administrators.
    pub fn exhaustive(mut self, yes: bool) -> Self {
        self.query.options = CallOptions::new().exhaustive(yes).over(&self.query.options);
        self
    }

    /// With free metadata (`info`), which lists leave out: asked for in the same call where the API can, otherwise each row
    /// is read by itself, several at a time and in order.
    pub fn with_info(mut self) -> Self {
        if self.query.depth == Depth::List {
            self.query.depth = Depth::Info;
        }
        self
    }

    /// With everything that reading a row by itself gives: analyses, notes, the personal fields of subjects. One call a row,
    /// several at a time and in order.
    pub fn full(mut self) -> Self {
        self.query.depth = Depth::Full;
        self
    }

    /// A further query parameter of the list call, such as `stats` for projects or `join` for sessions.
    pub fn parameter(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.query.parameters.push((name.into(), value.to_string()));
        self
    }

    /// Another retry policy than the client's for the calls of this finder.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.query.options = CallOptions::new().retry(policy).over(&self.query.options);
        self
    }

    /// Other options for the calls of this finder; a timeout is for each page.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.query.options = options.over(&self.query.options);
        self
    }

    /// The one with this id.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none.
    pub fn get(&self, id: impl AsRef<str>) -> Request<'static, C> {
        resource::get(&self.client, id.as_ref()).options(self.query.options.clone())
    }

    /// The one with this id, `None` when there is none.
    pub fn get_opt(&self, id: impl AsRef<str>) -> Request<'static, Option<C>> {
        self.get(id).recover(|outcome| match outcome {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        })
    }

    /// All that match.
    pub fn find(&self) -> Request<'static, Vec<C>> {
        let pager = self.pager();
        self.request(move |raw| async move {
            let mut pages = pager?.with_raw(raw).pages();
            let mut all = Vec::new();
            while let Some(page) = pages.try_next().await? {
                all.extend(page.items);
            }
            Ok(all)
        })
    }

    /// The one that matches.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none, [`ErrorKind::NotUnique`] when there are several.
    pub fn find_one(&self) -> Request<'static, C> {
        let described = self.described();
        self.few(2).map(move |mut found| match (found.pop(), found.pop()) {
            (Some(one), None) => Ok(one),
            (None, _) => {
                Err(Error::new(ErrorKind::NotFound, format!("no {described}")).with_operation("find_one"))
            }
            (Some(_), Some(_)) => {
                let message = format!("more than one {described}");
                let error = Error::new(ErrorKind::NotUnique, message).with_operation("find_one");
                Err(error.with_hint("Say more with filter(), or take the first of them with find_first()."))
            }
        })
    }

    /// The first that matches, if any.
    pub fn find_first(&self) -> Request<'static, Option<C>> {
        self.few(1).map(|found| Ok(found.into_iter().next()))
    }

    /// The first rows, in one call.
    fn few(&self, rows: usize) -> Request<'static, Vec<C>> {
        let mut query = self.query.clone();
        // A later page begins where pages of the size that was asked for do.
        if query.page == 1 {
            query.page_size = rows;
        }
        query.limit = Some(rows);
        let pager = Pager::new(self.client.clone(), query);
        self.request(move |raw| async move {
            let mut found = pager?.with_raw(raw).only_page().await?.items;
            found.truncate(rows);
            Ok(found)
        })
    }

    /// One by one, however many there are, the next page under way while this one is worked on.
    pub fn iter(&self) -> Items<C> {
        Items::new(self.pages(), self.query.sort.keys.is_empty())
    }

    /// Page by page, with what a page says besides its rows.
    pub fn pages(&self) -> Pages<C> {
        match self.pager() {
            Ok(pager) => pager.pages(),
            Err(error) => Pages::failed(error),
        }
    }

    /// How many there are that match, as the site counts them.
    pub fn count(&self) -> Request<'static, u64> {
        let pager = Pager::<C>::new(self.client.clone(), Query { page: 1, ..self.query.clone() });
        self.request(move |raw| async move { pager?.with_raw(raw).count().await })
    }

    /// A request with the options of this finder, which its own go over.
    fn request<T, F, Fut>(&self, run: F) -> Request<'static, T>
    where
        T: Send + 'static,
        F: FnOnce(flywheel_api::Client) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        Request::new(&self.client, run).options(self.query.options.clone())
    }

    fn pager(&self) -> Result<Pager<C>> {
        Pager::new(self.client.clone(), self.query.clone())
    }

    /// What is looked for, in words for an error; filters name fields and labels that the caller wrote.
    fn described(&self) -> String {
        let kind = C::KIND;
        if self.query.filter.clauses.is_empty() {
            format!("{kind} here")
        } else {
            format!("{kind} matches {}", self.query.filter)
        }
    }
}

impl<C: Resource> IntoFuture for Finder<C> {
    type Output = Result<Vec<C>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.find().into_future()
    }
}

impl<C> Clone for Finder<C> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), query: self.query.clone(), kind: PhantomData }
    }
}

impl<C> fmt::Debug for Finder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finder").field("operation", &self.query.operation).finish_non_exhaustive()
    }
}
