//! A transfer under way: a future that can be watched and cancelled.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Error, ErrorKind, Result};

/// How far a transfer is, in bytes of content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes that went over, those of an earlier run that is continued included. Falls back when an upload starts again.
    pub transferred: u64,
    /// Bytes in all, once that is known.
    pub total: Option<u64>,
}

type Callback = Arc<dyn Fn(Progress) + Send + Sync>;

/// Where a transfer reports its progress to.
#[derive(Clone)]
pub(crate) struct Reporter {
    sender: watch::Sender<Progress>,
    callbacks: Vec<Callback>,
}

impl Reporter {
    pub(crate) fn new(callbacks: Vec<Callback>) -> Self {
        Self { sender: watch::Sender::new(Progress::default()), callbacks }
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Progress)) {
        self.sender.send_modify(change);
        if !self.callbacks.is_empty() {
            let now = *self.sender.borrow();
            self.callbacks.iter().for_each(|callback| callback(now));
        }
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.update(|progress| progress.transferred = progress.transferred.saturating_add(bytes as u64));
    }
}

/// The callbacks that a builder collects.
#[derive(Clone, Default)]
pub(crate) struct Callbacks(Vec<Callback>);

impl Callbacks {
    pub(crate) fn push(&mut self, callback: impl Fn(Progress) + Send + Sync + 'static) {
        self.0.push(Arc::new(callback));
    }

    pub(crate) fn reporter(self) -> Reporter {
        Reporter::new(self.0)
    }
}

/// A transfer: a future that can be watched and cancelled. It moves while it is awaited; spawn it to let it run beside
/// other work. Dropping it ends it; nothing half-written stays under the name of the destination.
///
/// ```no_run
/// # async fn run(fw: flywheel::Client) -> flywheel::Result<()> {
/// let acquisition = fw.acquisitions().get("5eb0bf2e0a1b2c3d4e5f6071").await?;
/// let upload = acquisition.upload(std::path::Path::new("t1.dcm.zip")).start();
/// let (mut progress, canceller) = (upload.progress(), upload.canceller());
/// tokio::spawn(async move {
///     while progress.changed().await.is_ok() {
///         let now = *progress.borrow();
///         if now.transferred > 1 << 30 {
///             canceller.cancel();
///         }
///     }
/// });
/// upload.await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a transfer moves only while it is awaited"]
pub struct Transfer<T> {
    work: BoxFuture<'static, Result<T>>,
    progress: watch::Receiver<Progress>,
    canceller: Canceller,
}

impl<T: Send + 'static> Transfer<T> {
    pub(crate) fn new(reporter: &Reporter, work: impl Future<Output = Result<T>> + Send + 'static) -> Self {
        let canceller = Canceller(CancellationToken::new());
        let cancelled = canceller.0.clone();
        let work = async move {
            tokio::select! {
                biased;
                () = cancelled.cancelled() => Err(Error::new(ErrorKind::Cancelled, "the transfer was cancelled")),
                done = work => done,
            }
        };
        Self { work: Box::pin(work), progress: reporter.sender.subscribe(), canceller }
    }

    /// How far it is: the latest state, and a signal when it changes. The channel closes when the transfer ends.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// A handle that cancels it, from any thread.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }
}

impl<T> Future for Transfer<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        self.work.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for Transfer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer").field("progress", &*self.progress.borrow()).finish_non_exhaustive()
    }
}

/// Cancels a [`Transfer`]: its future then ends with [`ErrorKind::Cancelled`].
#[derive(Clone, Debug)]
pub struct Canceller(CancellationToken);

impl Canceller {
    /// Cancels. A transfer that has ended already is not changed.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}
