//! Blobs that no row names yet: they go away unless a transaction claims them.

use uuid::Uuid;

use crate::blobs::{BlobStore, Stored};

/// Holds new blobs until their rows are written. Dropped before [`Unclaimed::claim`] it removes them, so that a refused
/// upload leaves nothing on disk. It travels into the transaction, whose end alone knows.
#[derive(Debug)]
pub(crate) struct Unclaimed {
    blobs: BlobStore,
    held: Vec<Uuid>,
}

impl Unclaimed {
    /// Holds nothing yet.
    pub(crate) fn new(blobs: BlobStore) -> Self {
        Self { blobs, held: Vec::new() }
    }

    /// Holds one more.
    pub(crate) fn hold(&mut self, blob: &Stored) {
        self.held.push(blob.id);
    }

    /// The rows of those that `used` accepts are written; the others still go away.
    pub(crate) fn claim_only(mut self, used: impl Fn(Uuid) -> bool) {
        self.held.retain(|&id| !used(id));
    }

    /// The rows are written: nothing is removed any more.
    pub(crate) fn claim(mut self) {
        self.held.clear();
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let (blobs, held) = (self.blobs.clone(), std::mem::take(&mut self.held));
        let remove = move || {
            for blob in held {
                if let Err(error) = blobs.remove(blob) {
                    tracing::debug!(%error, "a refused upload stays until the next start");
                }
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}
