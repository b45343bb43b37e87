//! Data views: saved, run at once or in a queue, and written out as tables.
//!
//! | file | what it holds |
//! |---|---|
//! | `routes` | the routes |
//! | `saved` | the documents of views, and who may see and change them |
//! | `place` | where in a view something is wrong |
//! | `request` | what a call asks for: the view, the container, filter, order, format |
//! | `executions` | runs in the background and their results |
//! | `evaluate` | runs that answer at once |
//! | `walk` | from containers, analyses and files to rows |
//! | `records` | from a file to its records |
//! | `sink` | from rows to a result: filter, gaps, groups, order, skip and limit |
//! | `spool` | a result on disk |
//! | `encode` | a result as JSON, CSV and the other formats |
//!
//! What a view means is in [`flywheel_core::view`]. Rows go to disk as they are produced: only the ids of one level of
//! containers, sort keys and groups are held in memory.

mod encode;
mod evaluate;
mod executions;
mod place;
mod records;
mod request;
mod routes;
mod saved;
mod sink;
mod spool;
mod walk;

#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
};

use tokio::sync::{Notify, Semaphore};

pub(crate) use self::{executions::resume, routes::routes};

/// How many views are evaluated at the same time: each holds a reader of the database, of which there are at least four.
const AT_ONCE: usize = 2;

/// Where results lie, and whose turn it is.
#[derive(Debug)]
pub(crate) struct Desk {
    folder: PathBuf,
    turns: Semaphore,
    /// Told whenever an execution ends.
    ended: Notify,
}

impl Desk {
    /// Makes the folder `views` in that of the site.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn open(site: &Path) -> io::Result<Self> {
        let folder = site.join("views");
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder, turns: Semaphore::new(AT_ONCE), ended: Notify::new() })
    }
}
