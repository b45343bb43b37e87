//! Downloads of many files, with a bar for each that is under way.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use flywheel::FolderDownload;
use flywheel::folder::{FolderEvent, Outcome};

use crate::command::Context;
use crate::progress::Task;

/// The same download, which shows how far it is.
pub(crate) fn shown(context: &Context, download: FolderDownload) -> FolderDownload {
    let progress = context.progress.clone();
    let tasks: Mutex<HashMap<PathBuf, Task>> = Mutex::default();
    download.on_event(move |event| {
        let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            FolderEvent::Started { path, size } => {
                let task = progress.transfer(path.display().to_string(), Some(size));
                tasks.insert(path.to_owned(), task);
            }
            FolderEvent::Moved { path, now } => {
                if let Some(task) = tasks.get(path) {
                    task.handle().set_position(now.transferred);
                }
            }
            FolderEvent::Ended(fetched) => {
                let task = tasks.remove(&fetched.path);
                if let Some(task) = task.filter(|_| fetched.outcome == Outcome::Downloaded) {
                    task.done("downloaded", Some(fetched.size));
                }
            }
            _ => {}
        }
    })
}
