//! Lists of documents that are no things of the site by themselves: entries of a log, rows of a report, providers.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! use futures::TryStreamExt;
//!
//! let mut entries = fw.reports().access_log().types(["user_login"]).limit(1000).iter();
//! while let Some(entry) = entries.try_next().await? {
//!     println!("{:?} {:?}", entry.timestamp, entry.outcome);
//! }
//! # Ok(())
//! # }
//! ```

use std::{fmt, future::IntoFuture, marker::PhantomData};

use flywheel_api::{OperationId, transport::CallOptions};
use flywheel_core::{filter::Filter, syntax::ParseError};
use futures::{
    StreamExt, TryStreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use serde::de::DeserializeOwned;

use crate::{Client, Error, ErrorKind, Result, call::Call};

/// Rows in one page.
const PAGE: usize = 250;

/// A list to be read: awaited for all of it, or [`iter`](Self::iter) row by row, a page at a time.
#[must_use = "a list is not read until it is awaited or walked"]
pub struct List<T> {
    client: Client,
    operation: OperationId,
    query: Vec<(String, String)>,
    limit: Option<usize>,
    options: CallOptions,
    mistake: Option<ParseError>,
    row: PhantomData<fn() -> T>,
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            operation: self.operation,
            query: self.query.clone(),
            limit: self.limit,
            options: self.options.clone(),
            mistake: self.mistake.clone(),
            row: PhantomData,
        }
    }
}

impl<T: DeserializeOwned + Send + 'static> List<T> {
    pub(crate) fn new(client: &Client, operation: OperationId) -> Self {
        Self {
            client: client.clone(),
            operation,
            query: Vec::new(),
            limit: None,
            options: CallOptions::new(),
            mistake: None,
            row: PhantomData,
        }
    }

    /// A query parameter of the call, by its name in the API; given again, it is sent again.
    pub fn parameter(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }

    /// Only what this filter lets through. Not every list can be filtered; one that cannot refuses it.
    pub fn filter(mut self, filter: impl TryInto<Filter, Error: Into<ParseError>>) -> Self {
        match filter.try_into() {
            Ok(filter) => self.parameter("filter", filter),
            Err(mistake) => {
                self.mistake.get_or_insert(mistake.into());
                self
            }
        }
    }

    /// No more rows than this.
    pub fn limit(mut self, rows: usize) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Other timeouts, retries or features than the client's.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options.over(&self.options);
        self
    }

    /// Row by row, a page at a time.
    pub fn iter(&self) -> BoxStream<'static, Result<T>> {
        let limit = self.limit.unwrap_or(usize::MAX);
        let pages = stream::try_unfold((self.clone(), Some(1)), |(list, page)| async move {
            let Some(page) = page else { return Ok::<_, Error>(None) };
            let (rows, more) = list.page(page).await?;
            Ok(Some((stream::iter(rows.into_iter().map(Ok)), (list, more.then_some(page + 1)))))
        });
        pages.try_flatten().take(limit).boxed()
    }

    /// The rows of a page, counted from 1, and whether there may be another.
    async fn page(&self, number: usize) -> Result<(Vec<T>, bool)> {
        if let Some(mistake) = &self.mistake {
            let name = self.operation.operation().name;
            return Err(Error::new(ErrorKind::Invalid, mistake.to_string()).with_operation(name));
        }
        let mut call = Call::new(self.operation);
        for (name, value) in &self.query {
            call = call.query(name, value);
        }
        let size = self.limit.unwrap_or(PAGE).clamp(1, PAGE);
        let paged = Call::takes(self.operation, "page");
        if paged {
            call = call.query("limit", size).query("page", number);
        }
        let rows = call.list(&self.client.raw().with_options(self.options.clone())).await?;
        let came = rows.items.len() + rows.odd.len();
        Ok((rows.items, paged && came >= size))
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for List<T> {
    type Output = Result<Vec<T>>;
    type IntoFuture = BoxFuture<'static, Result<Vec<T>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.iter().try_collect())
    }
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("operation", &self.operation).finish_non_exhaustive()
    }
}
