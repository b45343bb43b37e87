//! A blob while it arrives: hashed and written off the async threads, with one batch of chunks in flight.

use std::{io, io::Write};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use sha2::{Digest, Sha384};
use tokio::task::JoinHandle;

use super::{BlobStore, Sink, Stored, blocking};

/// How much is gathered before it is handed to a blocking thread; an upload holds at most about twice this.
const BATCH: usize = 1024 * 1024;

/// What the blocking side owns: it travels into each task and back.
struct Writing {
    sink: Box<dyn Sink>,
    hasher: Sha384,
    size: u64,
}

impl Writing {
    /// Writes `chunks` after what is there, beginning the blob when nothing is.
    fn carry_on(writing: Option<Self>, store: &BlobStore, chunks: &[Bytes]) -> io::Result<Self> {
        let mut writing = match writing {
            Some(writing) => writing,
            None => Self { sink: store.blobs.create()?, hasher: Sha384::new(), size: 0 },
        };
        for chunk in chunks {
            writing.sink.write_all(chunk)?;
            writing.hasher.update(chunk);
            writing.size += chunk.len() as u64;
        }
        Ok(writing)
    }

    fn publish(self, store: &BlobStore) -> io::Result<Stored> {
        let id = store.publish(self.sink)?;
        Ok(Stored { id, size: self.size, hash: hash_text(&self.hasher.finalize()) })
    }
}

/// The platform's way to write a hash.
pub(super) fn hash_text(digest: &[u8]) -> String {
    format!("v0-sha384-{}", hex::encode(digest))
}

/// A new blob; dropped before [`Upload::finish`] it leaves nothing behind.
pub(crate) struct Upload {
    store: BlobStore,
    batch: Vec<Bytes>,
    batched: usize,
    in_flight: Option<JoinHandle<io::Result<Writing>>>,
}

impl Upload {
    pub(super) fn new(store: BlobStore) -> Self {
        Self { store, batch: Vec::new(), batched: 0, in_flight: None }
    }

    /// Takes the next bytes; waits when the disk is behind.
    ///
    /// # Errors
    /// The storage could not write earlier bytes.
    pub(crate) async fn write(&mut self, chunk: Bytes) -> io::Result<()> {
        self.batched += chunk.len();
        self.batch.push(chunk);
        if self.batched >= BATCH {
            let (store, writing) = (self.store.clone(), self.settle().await?);
            let chunks = self.take_batch();
            self.in_flight =
                Some(tokio::task::spawn_blocking(move || Writing::carry_on(writing, &store, &chunks)));
        }
        Ok(())
    }

    /// [`Upload::write`] for everything a stream yields.
    ///
    /// # Errors
    /// The stream's own error, or the storage's.
    pub(crate) async fn write_all<E>(
        &mut self,
        mut chunks: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<(), E>
    where
        E: From<io::Error>,
    {
        while let Some(chunk) = chunks.next().await {
            self.write(chunk?).await?;
        }
        Ok(())
    }

    /// Puts the blob on disk whole and gives its name, size and hash.
    ///
    /// # Errors
    /// The storage could not write it; nothing stays.
    pub(crate) async fn finish(mut self) -> io::Result<Stored> {
        let (store, writing) = (self.store.clone(), self.settle().await?);
        let chunks = self.take_batch();
        blocking(move || Writing::carry_on(writing, &store, &chunks)?.publish(&store)).await?
    }

    /// The blocking side, once it has written what it was given; nothing when it was given nothing yet.
    async fn settle(&mut self) -> io::Result<Option<Writing>> {
        match self.in_flight.take() {
            Some(task) => task.await.map_err(io::Error::other)?.map(Some),
            None => Ok(None),
        }
    }

    fn take_batch(&mut self) -> Vec<Bytes> {
        self.batched = 0;
        std::mem::take(&mut self.batch)
    }
}
