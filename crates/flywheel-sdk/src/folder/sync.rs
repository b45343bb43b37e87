//! One file of a folder: left alone when it is there already, fetched or gone on with otherwise.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::{StreamExt, stream};

use super::{Events, Fetched, FolderEvent, FolderReport, Located, Outcome};
use crate::{
    File, Result,
    transfer::{Recorded, Reporter},
};

/// How to fetch the files of a folder.
pub(super) struct Sync {
    pub(super) folder: PathBuf,
    pub(super) at_once: usize,
    pub(super) events: Events,
    pub(super) reporter: Reporter,
}

impl Sync {
    /// Fetches all of `files`, several at a time. One that fails is part of the report.
    pub(super) async fn run(self, files: Vec<Located>) -> FolderReport {
        let total = files.iter().map(|located| located.file.size()).sum();
        self.reporter.update(|progress| progress.total = Some(total));
        let at_once = self.at_once;
        let sync = Arc::new(self);
        let fetches = files.into_iter().map(move |located| Arc::clone(&sync).one(located));
        FolderReport { files: stream::iter(fetches).buffered(at_once).collect().await }
    }

    async fn one(self: Arc<Self>, located: Located) -> Fetched {
        let path = self.folder.join(&located.path);
        let fetched = match self.fetch(&located.file, &path).await {
            Ok((outcome, size, verified)) => Fetched { path, size, outcome, verified, error: None },
            Err(error) => {
                Fetched { path, size: 0, outcome: Outcome::Failed, verified: false, error: Some(error) }
            }
        };
        self.events.tell(FolderEvent::Ended(&fetched));
        fetched
    }

    async fn fetch(&self, file: &File, path: &Path) -> Result<(Outcome, u64, bool)> {
        if is_there(file, path).await? {
            self.reporter.update(|progress| progress.transferred += file.size());
            return Ok((Outcome::Unchanged, file.size(), true));
        }
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        self.events.tell(FolderEvent::Started { path, size: file.size() });
        let (events, reporter, place) = (self.events.clone(), self.reporter.clone(), path.to_path_buf());
        let counted = Arc::new(AtomicU64::new(0));
        let download = file.download().resume(true).on_progress(move |now| {
            let before = counted.swap(now.transferred, Ordering::Relaxed);
            reporter.update(|all| {
                all.transferred = all.transferred.saturating_sub(before).saturating_add(now.transferred);
            });
            events.tell(FolderEvent::Moved { path: &place, now });
        });
        let done = download.to_path(path).await?;
        Ok((Outcome::Downloaded, done.size, done.verified))
    }
}

/// Whether `path` has the bytes that the site recorded. Without a recorded hash nobody can tell.
async fn is_there(file: &File, path: &Path) -> Result<bool> {
    let Some(recorded) = file.hash.as_deref().and_then(Recorded::read) else { return Ok(false) };
    let found = tokio::fs::metadata(path).await;
    if !found.is_ok_and(|found| found.is_file() && found.len() == file.size()) {
        return Ok(false);
    }
    recorded.matches_file(path.to_path_buf()).await
}
