//! The same client for programs without an async runtime: `.block()` on anything that can be awaited, `.block_iter()` on
//! any stream.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = tokio::runtime::Runtime::new()?;
//! # let site = server.block_on(flywheel_local::Site::builder().open())?;
//! # let running = server.block_on(site.listen(([127, 0, 0, 1], 0).into()))?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let study = fw.add_group("neuro", "Neuro Lab").block()?.add_project("Study").block()?;
//! # study.add_session("sub-01", "baseline").block()?;
//! use flywheel::blocking::{Block, BlockIter};
//!
//! let project = fw.projects().filter("label=Study").find_one().block()?;
//! for session in project.sessions().iter().block_iter() {
//!     println!("{}", session?.label());
//! }
//! assert_eq!(project.sessions().count().block()?, 1);
//! # Ok(())
//! # }
//! ```

use std::{future::IntoFuture, sync::LazyLock};

use futures::{Stream, StreamExt};
use tokio::runtime::{Builder, Runtime};

/// One runtime for the whole process: connections that one call opened serve the next one.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("flywheel")
        .enable_all()
        .build()
        .expect("a process that cannot start two threads cannot go on")
});

/// Waits for anything that can be awaited: requests, finders, uploads, downloads.
pub trait Block: IntoFuture + Sized {
    /// Waits for the result on this thread.
    ///
    /// # Panics
    /// When called from inside an async runtime, where it would stop everything else: use `.await` there.
    fn block(self) -> Self::Output {
        // Some futures make timers and tasks before they are first polled.
        let _inside = RUNTIME.enter();
        RUNTIME.block_on(self.into_future())
    }
}

impl<T: IntoFuture> Block for T {}

/// Reads any stream item by item.
pub trait BlockIter: Stream + Unpin + Sized {
    /// An iterator that waits for each item on this thread.
    ///
    /// # Panics
    /// As [`Block::block`], at each item.
    fn block_iter(self) -> BlockingIter<Self> {
        BlockingIter { stream: self }
    }
}

impl<T: Stream + Unpin> BlockIter for T {}

/// The iterator of [`BlockIter::block_iter`].
#[derive(Debug)]
pub struct BlockingIter<S> {
    stream: S,
}

impl<S: Stream + Unpin> Iterator for BlockingIter<S> {
    type Item = S::Item;

    fn next(&mut self) -> Option<S::Item> {
        RUNTIME.block_on(self.stream.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
