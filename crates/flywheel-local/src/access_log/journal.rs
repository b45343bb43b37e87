//! The notes that wait for the database: in a file, so that they survive a kill of the process.
//!
//! Each note is a line of `access.log`. To empty it, the file is put aside under another name, its lines become rows in one
//! write, and it is removed. What a stop leaves behind is read at the next opening; rows go by the ids of their notes, so
//! that none is counted twice.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entry;
use crate::{
    error::{ApiError, ApiResult},
    state::AppState,
    store::Store,
};

/// How long notes wait for others before they are written together.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is noted of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) id: String,
    /// The type of access.
    pub(crate) kind: String,
    pub(crate) timestamp: String,
    pub(crate) origin: Value,
    pub(crate) method: String,
    pub(crate) path: String,
    /// The parameters of the path: what it is about.
    pub(crate) place: Vec<(String, String)>,
    pub(crate) granted: bool,
}

/// The file of notes, and whether somebody is on the way to empty it.
pub(crate) struct Journal {
    open: PathBuf,
    aside: PathBuf,
    file: Mutex<File>,
    due: AtomicBool,
    emptying: tokio::sync::Mutex<()>,
}

impl Journal {
    /// Opens the file in the folder of the site.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn open(site: &Path) -> io::Result<Self> {
        let open = site.join("access.log");
        let file = append(&open)?;
        Ok(Self {
            aside: site.join("access.log.aside"),
            open,
            file: Mutex::new(file),
            due: AtomicBool::new(false),
            emptying: tokio::sync::Mutex::new(()),
        })
    }

    /// Keeps a note. When this returns it survives a kill of the process.
    pub(crate) fn note(&self, state: &AppState, note: Note) {
        let line = match serde_json::to_string(&note) {
            Ok(line) => line + "\n",
            Err(error) => return tracing::error!(%error, "an access cannot be noted"),
        };
        let written = self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        if let Err(error) = written {
            tracing::error!(%error, "an access cannot be noted");
        }
        if !self.due.swap(true, Ordering::AcqRel) {
            let state = state.clone();
            tokio::spawn(async move {
                tokio::time::sleep(PATIENCE).await;
                if let Err(error) = state.journal.empty(&state.store).await {
                    tracing::error!(%error, "the access log cannot be written");
                }
            });
        }
    }

    /// Makes rows of all notes.
    ///
    /// # Errors
    /// When the files or the database fail; the notes stay then.
    pub(crate) async fn empty(&self, store: &Store) -> ApiResult<()> {
        let _alone = self.emptying.lock().await;
        self.due.store(false, Ordering::Release);
        // What an earlier attempt put aside and could not write goes first.
        self.write_aside(store).await?;
        if self.put_aside().map_err(ApiError::internal)? {
            self.write_aside(store).await?;
        }
        Ok(())
    }

    fn put_aside(&self) -> io::Result<bool> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.metadata()?.len() == 0 {
            return Ok(false);
        }
        fs::rename(&self.open, &self.aside)?;
        *file = append(&self.open)?;
        Ok(true)
    }

    async fn write_aside(&self, store: &Store) -> ApiResult<()> {
        let text = match fs::read_to_string(&self.aside) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(ApiError::internal(error)),
        };
        // A line that a loss of power cut short is no note.
        let notes: Vec<Note> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        store
            .write(move |db| notes.iter().try_for_each(|note| insert(db, &note.id, &entry::of(db, note)?)))
            .await?;
        fs::remove_file(&self.aside).map_err(ApiError::internal)
    }
}

fn append(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

/// Writes an entry, once.
pub(super) fn insert(db: &Connection, id: &str, entry: &Value) -> ApiResult<()> {
    db.prepare_cached("INSERT OR IGNORE INTO access_log (id, doc) VALUES (?, ?)")?
        .execute((id, entry.to_string()))?;
    Ok(())
}
