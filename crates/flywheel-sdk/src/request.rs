//! Requests: what every call returns. Nothing is sent before `.await`, and each call can be told how patient to be.

use std::{
    borrow::Cow,
    fmt,
    future::{Future, IntoFuture},
    time::Duration,
};

use flywheel_api::transport::{CallOptions, RetryPolicy, Timeouts};
use futures::future::BoxFuture;

use crate::{Client, Error, Result};

/// What a request does once it is sent: it is handed the raw client, with the options of this call.
type Run<'a, T> = Box<dyn FnOnce(flywheel_api::Client) -> BoxFuture<'a, Result<T>> + Send + 'a>;

/// A request that is sent when it is awaited; until then its options can be changed. They hold for every call that the
/// request consists of.
///
/// ```no_run
/// # async fn run(fw: flywheel::Client) -> flywheel::Result<()> {
/// use std::time::Duration;
///
/// let project = fw.projects().get("5eb0bf2e0a1b2c3d4e5f6071").timeout(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "requests do nothing unless awaited"]
pub struct Request<'a, T> {
    client: Client,
    options: CallOptions,
    run: Run<'a, T>,
}

impl<'a, T: Send + 'a> Request<'a, T> {
    /// A request that does what `run` does with the raw client it is given.
    pub(crate) fn new<F, Fut>(client: &Client, run: F) -> Self
    where
        F: FnOnce(flywheel_api::Client) -> Fut + Send + 'a,
        Fut: Future<Output = Result<T>> + Send + 'a,
    {
        Self {
            client: client.clone(),
            options: CallOptions::new(),
            run: Box::new(move |raw| Box::pin(run(raw))),
        }
    }

    /// A request that fails before anything is sent.
    pub(crate) fn failed(client: &Client, error: Error) -> Self {
        Self::new(client, move |_| std::future::ready(Err(error)))
    }

    /// The most time that each call of this request may take, retries and the waits between them included.
    pub fn timeout(self, limit: Duration) -> Self {
        self.options(CallOptions::new().timeout(limit))
    }

    /// Other timeouts than the client's.
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        self.options(CallOptions::new().timeouts(timeouts))
    }

    /// Another retry policy than the client's.
    pub fn retry(self, policy: RetryPolicy) -> Self {
        self.options(CallOptions::new().retry(policy))
    }

    /// Whether doing this twice does no harm. A call that is not idempotent by nature is repeated only when it certainly
    /// did not reach the site; saying `true` here lets it be repeated after a timeout too.
    pub fn idempotent(self, yes: bool) -> Self {
        self.options(CallOptions::new().idempotent(yes))
    }

    /// Asks the site for a feature by its name in `X-Accept-Feature`, such as `exclude-files`.
    pub fn feature(self, name: impl Into<Cow<'static, str>>) -> Self {
        self.options(CallOptions::new().feature(name))
    }

    /// See all that is there, not only what the caller has a role in. For site administrators.
    pub fn exhaustive(self, yes: bool) -> Self {
        self.options(CallOptions::new().exhaustive(yes))
    }

    /// Several options at once; what was said before stays where these say nothing.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options.over(&self.options);
        self
    }

    /// The request whose answer is changed by `change`.
    pub(crate) fn map<U, F>(self, change: F) -> Request<'a, U>
    where
        U: Send + 'a,
        F: FnOnce(T) -> Result<U> + Send + 'a,
    {
        self.recover(move |outcome| outcome.and_then(change))
    }

    /// The request whose outcome, good or bad, is changed by `change`.
    pub(crate) fn recover<U, F>(self, change: F) -> Request<'a, U>
    where
        U: Send + 'a,
        F: FnOnce(Result<T>) -> Result<U> + Send + 'a,
    {
        let Self { client, options, run } = self;
        let run = move |raw| -> BoxFuture<'a, Result<U>> { Box::pin(async move { change(run(raw).await) }) };
        Request { client, options, run: Box::new(run) }
    }
}

impl<'a, T> IntoFuture for Request<'a, T> {
    type Output = Result<T>;
    type IntoFuture = BoxFuture<'a, Result<T>>;

    fn into_future(self) -> Self::IntoFuture {
        let raw = self.client.raw().with_options(self.options);
        (self.run)(raw)
    }
}

impl<T> fmt::Debug for Request<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("client", &self.client).finish_non_exhaustive()
    }
}
