//! The bytes of files: written once, hashed while they arrive, never changed afterwards.
//!
//! | file | what it holds |
//! |---|---|
//! | `folder` | blobs as files of a local folder |
//! | `upload` | a blob while it arrives |
//! | `read` | a blob, or a range of it, as a stream |
//!
//! A blob is published whole or not at all: its bytes and its folder entry are on disk before [`Upload::finish`] answers, so
//! a row that names it may be committed right after. What a kill leaves behind is named by no row and goes with [`BlobStore::sweep`].

mod folder;
mod read;
mod upload;

use std::{
    collections::HashSet,
    fmt,
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use http::StatusCode;
use uuid::Uuid;

pub(crate) use self::{read::ByteStream, upload::Upload};
use crate::{error::ApiError, store::Keeping};

/// A blob that is on disk, as a file's row records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Its name in the store.
    pub id: Uuid,
    /// Its length in bytes.
    pub size: u64,
    /// `v0-sha384-` and 96 hexadecimal digits.
    pub hash: String,
}

/// What goes wrong with blobs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlobError {
    /// No such blob, though something names it.
    #[error("the content {0} is missing from the site's storage")]
    Missing(Uuid),
    /// The blob is not as long as it was when it was stored.
    #[error("the content {id} is damaged in the site's storage: {found} bytes where {expected} were stored")]
    Length {
        /// Which blob.
        id: Uuid,
        /// Bytes recorded when it was stored.
        expected: u64,
        /// Bytes there now.
        found: u64,
    },
    /// The blob's bytes are not those that were stored.
    #[error("the content {0} is damaged in the site's storage: its hash is not the one recorded")]
    Hash(Uuid),
    /// The disk said no.
    #[error("the site's storage failed: {0}")]
    Io(#[from] io::Error),
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Io(error) => error.into(),
            damage => {
                tracing::error!(%damage, "a file's content cannot be served");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, damage.to_string())
            }
        }
    }
}

impl From<io::Error> for ApiError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "The site's disk is full; nothing was stored")
            }
            _ => Self::internal(error),
        }
    }
}

/// What a storage has to do. Every call blocks; [`BlobStore`] moves them off the async threads.
pub(crate) trait Blobs: Send + Sync + fmt::Debug + 'static {
    /// A new blob, visible to nobody until it is published. Dropped before that, it leaves nothing.
    fn create(&self) -> io::Result<Box<dyn Sink>>;

    /// A blob for reading; `NotFound` when there is none.
    fn open(&self, id: Uuid) -> io::Result<Box<dyn Source>>;

    /// Takes a blob away; `NotFound` when there is none.
    fn remove(&self, id: Uuid) -> io::Result<()>;

    /// Where the file system has a blob.
    fn path_of(&self, id: Uuid) -> Option<PathBuf>;

    /// Every blob last written before `limit`, and, beside them, what unfinished uploads left behind is removed.
    fn sweep(&self, limit: SystemTime, orphan: &mut dyn FnMut(Uuid) -> io::Result<bool>) -> io::Result<u64>;
}

/// A blob being written.
pub(crate) trait Sink: Write + Send {
    /// Makes the bytes written so far durable under `id`.
    fn publish(self: Box<Self>, id: Uuid) -> io::Result<()>;
}

/// A blob being read.
pub(crate) trait Source: Read + Seek + Send {
    /// Its length in bytes.
    fn size(&self) -> io::Result<u64>;
}

/// The blobs of a site; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct BlobStore {
    blobs: Arc<dyn Blobs>,
    /// What was published since the store was opened, until the first sweep is through: it goes on beside uploads, and must
    /// not depend on the clock to tell theirs from what a kill left.
    young: Arc<Mutex<Option<HashSet<Uuid>>>>,
}

impl BlobStore {
    /// Blobs in the folder `root`, which is made when absent. Nothing is synced in a folder that goes with the process.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub(crate) fn in_folder(root: &Path, keeping: Keeping) -> io::Result<Self> {
        let blobs = Arc::new(folder::Folder::open(root, keeping)?);
        Ok(Self { blobs, young: Arc::new(Mutex::new(Some(HashSet::new()))) })
    }

    /// Makes what was written durable under a new name, and gives the name.
    fn publish(&self, sink: Box<dyn Sink>) -> io::Result<Uuid> {
        let id = Uuid::new_v4();
        if let Some(young) = self.young().as_mut() {
            young.insert(id);
        }
        sink.publish(id).map(|()| id)
    }

    fn young(&self) -> MutexGuard<'_, Option<HashSet<Uuid>>> {
        self.young.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_young(&self, id: Uuid) -> bool {
        self.young().as_ref().is_some_and(|young| young.contains(&id))
    }

    /// Begins a new blob. Nothing touches the disk before the first bytes are there.
    pub(crate) fn upload(&self) -> Upload {
        Upload::new(self.clone())
    }

    /// A blob for reading in a blocking task, checked to be as long as recorded.
    ///
    /// # Errors
    /// [`BlobError`] when it is missing, of another length, or cannot be opened.
    pub(crate) fn open(&self, id: Uuid, size: u64) -> Result<Box<dyn Source>, BlobError> {
        let source = self.blobs.open(id).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BlobError::Missing(id),
            _ => BlobError::Io(error),
        })?;
        match source.size()? {
            found if found == size => Ok(source),
            found => Err(BlobError::Length { id, expected: size, found }),
        }
    }

    /// Where the file system has a blob, if it has.
    pub(crate) fn path_of(&self, id: Uuid) -> Option<PathBuf> {
        self.blobs.path_of(id)
    }

    /// Takes a blob away that nothing names; one that is already gone is no error. Blocks.
    ///
    /// # Errors
    /// The storage cannot remove it.
    pub(crate) fn remove(&self, id: Uuid) -> io::Result<()> {
        match self.blobs.remove(id) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    /// Removes what unfinished uploads left and every blob, last written before `limit`, that `named` does not claim; says
    /// how many blobs went. Blocks.
    ///
    /// # Errors
    /// The storage cannot be listed, or `named` failed; nothing that is named is ever removed.
    pub(crate) fn sweep(
        &self,
        limit: SystemTime,
        mut named: impl FnMut(Uuid) -> io::Result<bool>,
    ) -> io::Result<u64> {
        self.blobs.sweep(limit, &mut |id| Ok(!self.is_young(id) && !named(id)?))
    }

    /// From here on sweeps go by the clock alone: they are given limits long past.
    pub(crate) fn grow_up(&self) {
        self.young().take();
    }
}

/// Runs blocking work off the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
