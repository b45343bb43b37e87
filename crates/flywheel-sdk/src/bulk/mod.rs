//! The same work on many things: several at a time, with progress, with a report of what failed, and so that it can be run
//! again after an interruption without doing anything twice.
//!
//! [`Project::create_many`](crate::Project::create_many), [`Client::update_many`](crate::Client::update_many),
//! [`Client::update_info_many`](crate::Client::update_info_many) and [`Client::upload_many`](crate::Client::upload_many)
//! each give a [`Bulk`]; [`Bulk::new`] makes one of any work of yours. Downloads of many files are in
//! [`folder`](crate::folder).
//!
//! With a [`journal`](Bulk::journal), a file on this machine, each item that is done is written down as soon as it is. The
//! same call with the same journal then leaves those out, and goes on with what failed or was never begun.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # let folder = tempfile::tempdir()?;
//! # let journal = folder.path().join("subjects.jsonl");
//! use flywheel::Row;
//!
//! let people = [("sub-01", "female", 31), ("sub-02", "male", 44), ("sub-03", "female", 27)];
//! let rows = || people.into_iter().flat_map(|(label, sex, years)| {
//!     let age = flywheel::Age::from_years(f64::from(years)).seconds();
//!     [Row::subject(label).set("sex", sex), Row::session(label, "baseline").set("age", age)]
//! });
//!
//! let report = project.create_many(rows()).at_once(8).journal(&journal).await?.complete()?;
//! assert_eq!(report.done.len(), 6);
//!
//! // The same again makes nothing.
//! project.create_many(rows()).journal(&journal).await?.complete()?;
//! assert_eq!(project.sessions().count().await?, 3);
//! # Ok(())
//! # }
//! ```

mod change;
mod create;
mod journal;
mod upload;

use std::{
    collections::HashSet,
    fmt,
    future::{Future, IntoFuture},
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{StreamExt, future::BoxFuture, stream};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, ErrorKind, Result};

pub use create::{Made, Row};
pub use upload::Stored;

use journal::Journal;

/// Items worked on at the same time when nothing is said.
const AT_ONCE: usize = 4;

/// How far bulk work is, in items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkProgress {
    /// Items that are done, those of earlier runs included.
    pub done: usize,
    /// Items that failed in this run.
    pub failed: usize,
    /// All items.
    pub total: usize,
}

/// What is known of an item when it is begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Whether an earlier run began it and did not see it done: the site may have it all the same.
    pub begun_before: bool,
}

/// What came of the items, each list in the order they were given.
#[derive(Debug)]
#[non_exhaustive]
pub struct BulkReport<R> {
    /// The keys of those that are done, with what came of them; those of earlier runs included.
    pub done: Vec<(String, R)>,
    /// The keys of those that failed, with why.
    pub failed: Vec<(String, Error)>,
    /// The keys of those that were not begun, because too many had failed.
    pub left: Vec<String>,
}

impl<R> BulkReport<R> {
    /// The report, when everything is done.
    ///
    /// # Errors
    /// Why the first item failed; the message says which it is and how many more did.
    pub fn complete(mut self) -> Result<Self> {
        if self.failed.is_empty() {
            return Ok(self);
        }
        let others = self.failed.len() - 1 + self.left.len();
        let (key, error) = self.failed.swap_remove(0);
        let message = match others {
            0 => format!("{key}: {}", error.message()),
            others => format!("{key}, and {others} more that are not done: {}", error.message()),
        };
        Err(error.with_message(message))
    }
}

/// What is done for one item.
type Work<R> = Box<dyn FnOnce(Attempt) -> BoxFuture<'static, Result<R>> + Send>;
type Listener = Arc<dyn Fn(BulkProgress) + Send + Sync>;

/// Work on many items, to be set up; awaiting it does it. See the [module](self).
///
/// An item that fails is part of the report and stops no other.
#[must_use = "nothing is done until this is awaited"]
pub struct Bulk<R> {
    items: Vec<(String, Work<R>)>,
    at_once: usize,
    journal: Option<PathBuf>,
    give_up_after: Option<usize>,
    listeners: Vec<Listener>,
    /// What forbids all of it, found before anything is sent.
    refused: Option<Error>,
}

impl<R> Bulk<R>
where
    R: Serialize + DeserializeOwned + Send + 'static,
{
    /// Does `work` on each item. The keys tell the items apart in the journal and in the report; each stands once.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> flywheel::Result<()> {
    /// use flywheel::bulk::Bulk;
    ///
    /// let items = ["a", "bb", "ccc"].map(|word| (word, word));
    /// let report = Bulk::new(items, |word, _| async move { Ok(word.len()) }).await?;
    /// assert_eq!(report.done[2], ("ccc".to_owned(), 3));
    /// # Ok(())
    /// # }
    /// ```
    pub fn new<K, T, F, Fut>(items: impl IntoIterator<Item = (K, T)>, work: F) -> Self
    where
        K: Into<String>,
        T: Send + 'static,
        F: Fn(T, Attempt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R>> + Send + 'static,
    {
        let work = Arc::new(work);
        let prepared = |(key, item): (K, T)| {
            let work = Arc::clone(&work);
            let run = move |attempt| -> BoxFuture<'static, Result<R>> { Box::pin(work(item, attempt)) };
            (key.into(), Box::new(run) as Work<R>)
        };
        Self {
            items: items.into_iter().map(prepared).collect(),
            at_once: AT_ONCE,
            journal: None,
            give_up_after: None,
            listeners: Vec::new(),
            refused: None,
        }
    }

    /// The same work, which fails before anything is sent if there is a reason to.
    pub(crate) fn refused(mut self, why: Option<Error>) -> Self {
        self.refused = why;
        self
    }

    /// How many items are worked on at the same time; 4 when nothing is said. Zero counts as one.
    pub fn at_once(mut self, items: usize) -> Self {
        self.at_once = items.max(1);
        self
    }

    /// Writes down in the file `path` what is done, and leaves out what an earlier run wrote down there.
    pub fn journal(mut self, path: impl AsRef<Path>) -> Self {
        self.journal = Some(path.as_ref().to_path_buf());
        self
    }

    /// Begins no further item once this many have failed.
    pub fn give_up_after(mut self, failures: usize) -> Self {
        self.give_up_after = Some(failures.max(1));
        self
    }

    /// Calls `report` whenever an item is done with.
    pub fn on_progress(mut self, report: impl Fn(BulkProgress) + Send + Sync + 'static) -> Self {
        self.listeners.push(Arc::new(report));
        self
    }

    async fn run(self) -> Result<BulkReport<R>> {
        if let Some(why) = self.refused {
            return Err(why);
        }
        let mut keys = HashSet::new();
        if let Some((key, _)) = self.items.iter().find(|(key, _)| !keys.insert(key.as_str())) {
            return Err(Error::new(ErrorKind::Invalid, format!("two items have the key {key:?}")));
        }
        let journal = self.journal.as_deref().map(Journal::open).transpose()?;
        let total = self.items.len();
        let mut tally = Tally { progress: BulkProgress { total, ..Default::default() }, ends: Vec::new() };
        let mut waiting = Vec::new();
        for (at, (key, work)) in self.items.into_iter().enumerate() {
            match journal.as_ref().and_then(|journal| journal.value(&key)) {
                Some(value) => tally.end(at, key, End::Done(value), &self.listeners),
                None => waiting.push((at, key, work)),
            }
        }
        let journal = journal.as_ref();
        let mut waiting = waiting.into_iter();
        let mut running = stream::FuturesUnordered::new();
        loop {
            let open = self.give_up_after.is_none_or(|most| tally.progress.failed < most);
            while open && running.len() < self.at_once {
                let Some((at, key, work)) = waiting.next() else { break };
                running.push(one(journal, at, key, work));
            }
            match running.next().await {
                Some((at, key, end)) => tally.end(at, key, end, &self.listeners),
                None => break,
            }
        }
        for (at, key, _) in waiting {
            tally.ends.push((at, key, End::Left));
        }
        Ok(tally.report())
    }
}

/// Works on one item, and writes down that it is begun and done.
async fn one<R: Serialize>(
    journal: Option<&Journal>,
    at: usize,
    key: String,
    work: Work<R>,
) -> (usize, String, End<R>) {
    let attempt = Attempt { begun_before: journal.is_some_and(|journal| journal.begun.contains(&key)) };
    let outcome = async {
        journal.map_or(Ok(()), |journal| journal.begin(&key))?;
        let value = work(attempt).await?;
        journal.map_or(Ok(()), |journal| journal.end(&key, &value))?;
        Ok(value)
    };
    let end = outcome.await.map_or_else(End::Failed, End::Done);
    (at, key, end)
}

/// How it ended for one item.
enum End<R> {
    Done(R),
    Failed(Error),
    Left,
}

/// What has ended so far.
struct Tally<R> {
    progress: BulkProgress,
    ends: Vec<(usize, String, End<R>)>,
}

impl<R> Tally<R> {
    fn end(&mut self, at: usize, key: String, end: End<R>, listeners: &[Listener]) {
        match end {
            End::Done(_) => self.progress.done += 1,
            End::Failed(_) => self.progress.failed += 1,
            End::Left => {}
        }
        self.ends.push((at, key, end));
        listeners.iter().for_each(|listener| listener(self.progress));
    }

    fn report(mut self) -> BulkReport<R> {
        self.ends.sort_by_key(|(at, _, _)| *at);
        let mut report = BulkReport { done: Vec::new(), failed: Vec::new(), left: Vec::new() };
        for (_, key, end) in self.ends {
            match end {
                End::Done(value) => report.done.push((key, value)),
                End::Failed(error) => report.failed.push((key, error)),
                End::Left => report.left.push(key),
            }
        }
        report
    }
}

impl<R> IntoFuture for Bulk<R>
where
    R: Serialize + DeserializeOwned + Send + 'static,
{
    type Output = Result<BulkReport<R>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<R> fmt::Debug for Bulk<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulk").field("items", &self.items.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
