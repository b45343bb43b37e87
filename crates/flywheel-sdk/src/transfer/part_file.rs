//! The file beside the destination that bytes go to until all are there.
//!
//! Writing and hashing happen on a thread of their own, so that neither holds up the network.

use std::{
    fs::{File, OpenOptions, TryLockError},
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use sha2::{Digest, Sha384};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{Error, ErrorKind, Result};

/// Chunks that may wait for the disk.
const QUEUE: usize = 16;
/// How often, and how far apart, the file of an earlier run is tried.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// Longest part of the destination's name that is taken over, in bytes.
const NAME_LIMIT: usize = 180;

/// A file that is being written. Dropped before [`PartFile::finish`], it is removed, unless it is to be continued later.
pub(crate) struct PartFile {
    path: PathBuf,
    destination: PathBuf,
    keep: bool,
    /// Bytes that an earlier run left.
    pub(crate) existing: u64,
    queue: Option<mpsc::Sender<Bytes>>,
    thread: Option<JoinHandle<io::Result<Sha384>>>,
}

impl PartFile {
    /// Starts a file for `destination`. With a `tag`, which stands for one content, it continues what an earlier run with
    /// the same tag left, and is left itself when it is dropped. `limit` is the most bytes that can be continued.
    pub(crate) async fn open(
        destination: &Path,
        tag: Option<String>,
        limit: Option<u64>,
        hash: bool,
    ) -> Result<Self> {
        let destination = destination.to_path_buf();
        tokio::task::spawn_blocking(move || Self::start(destination, tag.as_deref(), limit, hash))
            .await
            .map_err(|error| Error::new(ErrorKind::Io, error.to_string()))?
    }

    fn start(destination: PathBuf, tag: Option<&str>, limit: Option<u64>, hash: bool) -> Result<Self> {
        let failed = |error: io::Error| named(&destination, error);
        if destination.is_dir() {
            return Err(failed(io::Error::other("is a folder; name the file to write")));
        }
        let (path, file, keep) =
            match tag.map(|tag| continued(&destination, tag)).transpose().map_err(failed)? {
                Some(Some((path, file))) => (path, file, true),
                _ => {
                    let (path, file) = fresh(&destination).map_err(failed)?;
                    (path, file, false)
                }
            };
        let mut existing = file.metadata().map_err(failed)?.len();
        if limit.is_none_or(|limit| existing > limit) {
            file.set_len(0).map_err(failed)?;
            existing = 0;
        }
        let (queue, chunks) = mpsc::channel(QUEUE);
        let thread = tokio::task::spawn_blocking(move || write(file, existing, chunks, hash));
        Ok(Self { path, destination, keep, existing, queue: Some(queue), thread: Some(thread) })
    }

    /// Writes `chunk` after what is there.
    pub(crate) async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let open = match &self.queue {
            Some(queue) => queue.send(chunk).await.is_ok(),
            None => false,
        };
        if open { Ok(()) } else { self.written().await.map(drop) }
    }

    /// Waits until everything is written, and gives the hash of all of it.
    pub(crate) async fn written(&mut self) -> Result<Sha384> {
        self.queue = None;
        let thread = self.thread.take();
        let done = match thread {
            Some(thread) => thread.await.unwrap_or_else(|error| Err(io::Error::other(error.to_string()))),
            None => Err(io::Error::other("the file is closed")),
        };
        done.map_err(|error| named(&self.destination, error))
    }

    /// Gives the file up: what arrived is written out if it is to be continued, and removed otherwise.
    pub(crate) async fn give_up(mut self, keep: bool) {
        self.keep &= keep;
        if self.keep {
            // The failure that made this necessary is the one to tell.
            let _ = self.written().await;
        }
    }

    /// Puts the written file into its place, over whatever was there.
    pub(crate) async fn finish(mut self) -> Result<()> {
        let (from, to) = (self.path.clone(), self.destination.clone());
        tokio::fs::rename(from, to).await.map_err(|error| named(&self.destination, error))?;
        self.keep = true;
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.keep {
            // Nobody is left to tell, and a later run does not mind the leftover.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn named(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{}: {error}", path.display())).with_source(error)
}

/// The file of an earlier run with the same tag, or a new one; none while another run writes to it.
fn continued(destination: &Path, tag: &str) -> io::Result<Option<(PathBuf, File)>> {
    let path = beside(destination, tag)?;
    let file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(Some((path, file))),
            // A run that was dropped a moment ago may still be writing what it had.
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(None)
}

fn fresh(destination: &Path) -> io::Result<(PathBuf, File)> {
    let path = beside(destination, &format!("{:016x}", RandomState::new().build_hasher().finish()))?;
    let file = OpenOptions::new().read(true).append(true).create_new(true).open(&path)?;
    Ok((path, file))
}

/// `.name.tag.part` in the folder of `destination`.
fn beside(destination: &Path, tag: &str) -> io::Result<PathBuf> {
    let name = destination.file_name().ok_or_else(|| io::Error::other("has no file name"))?.to_string_lossy();
    let end = name.floor_char_boundary(NAME_LIMIT);
    Ok(destination.with_file_name(format!(".{}.{tag}.part", name.get(..end).unwrap_or_default())))
}

/// Writes until the queue is closed; hashes what was there before as well.
fn write(mut file: File, existing: u64, mut chunks: mpsc::Receiver<Bytes>, hash: bool) -> io::Result<Sha384> {
    let mut hasher = Sha384::new();
    if hash && existing > 0 {
        let mut piece = vec![0; 1 << 20];
        let mut before = io::Read::take(&file, existing);
        loop {
            let n = before.read(&mut piece)?;
            if n == 0 {
                break;
            }
            hasher.update(piece.get(..n).unwrap_or_default());
        }
    }
    while let Some(chunk) = chunks.blocking_recv() {
        file.write_all(&chunk)?;
        if hash {
            hasher.update(&chunk);
        }
    }
    file.flush()?;
    Ok(hasher)
}
