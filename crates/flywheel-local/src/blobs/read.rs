//! A blob, or a range of it, as a stream that reads one chunk ahead of its consumer.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use bytes::Bytes;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use sha2::{Digest, Sha384};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{BlobError, BlobStore, Source, Stored, blocking, upload::hash_text};

/// Bytes in order; an error ends them.
pub(crate) type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// How much is read at once; a stream holds at most about three of these.
const CHUNK: u64 = 256 * 1024;

impl BlobStore {
    /// The bytes `range` of a blob. The first chunk is read before this answers, so what is plainly wrong is said before
    /// anything is sent. A blob that is read whole is compared with its hash: one that is damaged never ends well.
    ///
    /// # Errors
    /// [`BlobError`] when the blob is missing, damaged, or cannot be read.
    pub(crate) async fn read(&self, blob: &Stored, range: Range<u64>) -> Result<ByteStream, BlobError> {
        let (store, blob, wanted) = (self.clone(), blob.clone(), range.clone());
        let (first, rest) = blocking(move || first_chunk(&store, &blob, wanted)).await??;
        Ok(stream::once(async { Ok(first) }).chain(chunks(rest)).boxed())
    }
}

impl BlobStore {
    /// Reads a whole blob and holds it against its recorded length and hash. Blocks.
    ///
    /// # Errors
    /// [`BlobError`] when the blob is missing, damaged, or cannot be read.
    pub(crate) fn verify(&self, id: Uuid, size: u64, hash: &str) -> Result<(), BlobError> {
        let blob = Stored { id, size, hash: hash.to_owned() };
        let (_, mut rest) = first_chunk(self, &blob, 0..size)?;
        while rest.left > 0 {
            rest.take()?;
        }
        Ok(())
    }
}

/// What is still to be read, from where its source stands.
struct Rest {
    source: Box<dyn Source>,
    left: u64,
    /// When all of the blob is read: what it comes to so far.
    whole: Option<Sha384>,
    blob: Stored,
}

fn first_chunk(store: &BlobStore, blob: &Stored, range: Range<u64>) -> Result<(Bytes, Rest), BlobError> {
    let mut source = store.open(blob.id, blob.size)?;
    let range = range.start.min(blob.size)..range.end.min(blob.size);
    if range.start > 0 {
        source.seek(SeekFrom::Start(range.start))?;
    }
    let whole = (range == (0..blob.size)).then(Sha384::new);
    let left = range.end.saturating_sub(range.start);
    let mut rest = Rest { source, left, whole, blob: blob.clone() };
    let first = rest.take()?;
    Ok((first, rest))
}

impl Rest {
    /// The next chunk; the last one of a whole blob is given only when the hash was right.
    fn take(&mut self) -> Result<Bytes, BlobError> {
        let mut chunk = vec![0; self.left.min(CHUNK) as usize];
        self.source.read_exact(&mut chunk)?;
        self.left -= chunk.len() as u64;
        if let Some(hasher) = &mut self.whole {
            hasher.update(&chunk);
            if self.left == 0 && hash_text(&std::mem::take(hasher).finalize()) != self.blob.hash {
                return Err(BlobError::Hash(self.blob.id));
            }
        }
        Ok(chunk.into())
    }

    fn read_ahead(mut self) -> Option<JoinHandle<Result<(Bytes, Self), BlobError>>> {
        (self.left > 0).then(|| tokio::task::spawn_blocking(move || self.take().map(|chunk| (chunk, self))))
    }
}

fn chunks(rest: Rest) -> impl futures::Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(rest.read_ahead(), |ahead| async {
        match ahead?.await {
            Ok(Ok((chunk, rest))) => Some((Ok(chunk), rest.read_ahead())),
            Ok(Err(damage)) => {
                tracing::error!(%damage, "a file's content cannot be served to its end");
                Some((Err(io::Error::other(damage)), None))
            }
            Err(error) => Some((Err(io::Error::other(error)), None)),
        }
    })
}
