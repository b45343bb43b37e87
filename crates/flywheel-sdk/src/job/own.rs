//! One's own jobs: which of them, in which order, how many.

use std::future::IntoFuture;

use flywheel_api::OperationId;
use flywheel_core::{filter::Filter, sort::Sort, syntax::ParseError};
use futures::future::BoxFuture;

use super::{Job, listed};
use crate::{Client, Error, ErrorKind, Request, Result, call::Call};

/// One's own jobs, asked for when awaited.
///
/// ```no_run
/// # async fn run(fw: flywheel::Client) -> flywheel::Result<()> {
/// use flywheel::Sort;
///
/// for job in fw.my_jobs().filter("state=failed").sort(Sort::desc("created")).limit(10).await? {
///     println!("{} {}", job.id(), job.gear_name());
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is asked for until this is awaited"]
#[derive(Clone, Debug)]
pub struct MyJobs {
    client: Client,
    filter: Filter,
    sort: Sort,
    limit: Option<usize>,
    mistake: Option<ParseError>,
}

impl Client {
    /// One's own jobs, as the site lists them unless told otherwise.
    pub fn my_jobs(&self) -> MyJobs {
        let (filter, sort) = (Filter::default(), Sort::default());
        MyJobs { client: self.clone(), filter, sort, limit: None, mistake: None }
    }
}

impl MyJobs {
    /// Only what this filter lets through; several must all hold.
    pub fn filter(mut self, filter: impl TryInto<Filter, Error: Into<ParseError>>) -> Self {
        match filter.try_into() {
            Ok(filter) => self.filter &= filter,
            Err(mistake) => drop(self.mistake.get_or_insert(mistake.into())),
        }
        self
    }

    /// In this order.
    pub fn sort(mut self, sort: impl TryInto<Sort, Error: Into<ParseError>>) -> Self {
        match sort.try_into() {
            Ok(sort) => self.sort = sort,
            Err(mistake) => drop(self.mistake.get_or_insert(mistake.into())),
        }
        self
    }

    /// No more than this many.
    pub fn limit(mut self, jobs: usize) -> Self {
        self.limit = Some(jobs);
        self
    }

    /// The request, for options of this call.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when the filter or the order is none, before anything is sent.
    pub fn find(&self) -> Request<'static, Vec<Job>> {
        match self.call() {
            Ok(call) => listed(&self.client, call),
            Err(error) => Request::new(&self.client, |_| std::future::ready(Err(error))),
        }
    }

    fn call(&self) -> Result<Call> {
        let operation = OperationId::GetCurrentUserJobs;
        if let Some(mistake) = &self.mistake {
            return Err(Error::new(ErrorKind::Invalid, mistake.to_string())
                .with_operation(operation.operation().name));
        }
        let filter = (!self.filter.clauses.is_empty()).then_some(&self.filter);
        let sort = (!self.sort.keys.is_empty()).then_some(&self.sort);
        Ok(Call::new(operation)
            .query_opt("filter", filter)
            .query_opt("sort", sort)
            .query_opt("limit", self.limit))
    }
}

impl IntoFuture for MyJobs {
    type Output = Result<Vec<Job>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.find().into_future()
    }
}
