//! Waiting for what goes on at the site by itself: the one loop behind jobs and runs of views.

use std::{future::IntoFuture, time::Duration};

use flywheel_api::{Client as Raw, transport::CallOptions};
use futures::{Stream, TryStreamExt, future::BoxFuture, stream};
use tokio::time::Instant;

use crate::{Error, ErrorKind, Resource, Result, resource};

/// The first pause between two looks; each is half as long again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Something that ends some time.
pub trait Ends: Resource {
    /// What is given when it has ended.
    type End: Send + 'static;
    /// The longest pause between two looks.
    const LONGEST_PAUSE: Duration;

    /// Whether it has ended.
    fn is_over(&self) -> bool;

    /// How it ended.
    ///
    /// # Errors
    /// When it ended in a way that leaves nothing to go on with.
    fn end(&self) -> Result<Self::End>;

    /// It has not ended in the time that was given.
    fn late(&self) -> Error;
}

/// How long to wait, and how often to look.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Patience {
    /// The pause between two looks; growing unless it is said.
    pub(crate) every: Option<Duration>,
    /// The longest wait in all.
    pub(crate) at_most: Option<Duration>,
}

impl Patience {
    /// Looks at `target`, in place, until it is over.
    pub(crate) async fn wait<C: Ends>(self, raw: &Raw, target: &mut C) -> Result<C::End> {
        if target.is_over() {
            return target.end();
        }
        let until = self.at_most.map(|limit| Instant::now() + limit);
        let mut looks = std::pin::pin!(looks(raw.clone(), target.clone(), self.every));
        loop {
            let next = looks.try_next();
            let seen = match until {
                Some(until) => tokio::time::timeout_at(until, next).await.map_err(|_| target.late())?,
                None => next.await,
            };
            match seen? {
                Some(now) => *target = now,
                None => return target.end(),
            }
        }
    }
}

/// Each look at a thing, the first at once, the last when it is over.
pub(crate) fn looks<C: Ends>(
    raw: Raw,
    thing: C,
    every: Option<Duration>,
) -> impl Stream<Item = Result<C>> + Send + 'static {
    let next = move |pause| every.unwrap_or_else(|| longer(pause).min(C::LONGEST_PAUSE));
    stream::try_unfold((thing, Duration::ZERO, false), move |(mut thing, pause, over)| {
        let raw = raw.clone();
        async move {
            if over {
                return Ok(None);
            }
            if thing.id().is_empty() {
                let message = format!("the site does not say the id of the {} to wait for", C::KIND);
                return Err(Error::new(ErrorKind::Decode, message));
            }
            tokio::time::sleep(pause).await;
            resource::read_again(&mut thing, &raw).await?;
            let over = thing.is_over();
            Ok(Some((thing.clone(), (thing, next(pause), over))))
        }
    })
}

/// The pause that follows this one while nothing happens.
pub(crate) fn longer(pause: Duration) -> Duration {
    if pause.is_zero() { FIRST_PAUSE } else { pause * 3 / 2 }
}

/// Waits until a job or a run of a view has ended; the value at hand is kept up to date. What is waited for goes on at the
/// site when this is dropped.
///
/// ```no_run
/// # async fn run(mut job: flywheel::Job) -> flywheel::Result<()> {
/// use std::time::Duration;
///
/// let state = job.wait().at_most(Duration::from_secs(3600)).every(Duration::from_secs(30)).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing waits until this is awaited"]
#[derive(Debug)]
pub struct Wait<'a, C> {
    target: &'a mut C,
    patience: Patience,
    options: CallOptions,
}

impl<'a, C: Ends> Wait<'a, C> {
    pub(crate) fn new(target: &'a mut C) -> Self {
        Self { target, patience: Patience::default(), options: CallOptions::new() }
    }

    /// Fails with [`ErrorKind::Timeout`] when it takes longer; without end unless said.
    pub fn at_most(mut self, limit: Duration) -> Self {
        self.patience.at_most = Some(limit);
        self
    }

    /// The pause between two looks, in place of one that grows from a tenth of a second: to 15 seconds for jobs, to two for
    /// runs of views.
    pub fn every(mut self, pause: Duration) -> Self {
        self.patience.every = Some(pause);
        self
    }

    /// Other timeouts, retries or features than the client's, for each look.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options.over(&self.options);
        self
    }
}

impl<'a, C: Ends> IntoFuture for Wait<'a, C> {
    type Output = Result<C::End>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let raw = self.target.client().raw().with_options(self.options);
            self.patience.wait(&raw, self.target).await
        })
    }
}
