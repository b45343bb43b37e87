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
    /// anything is sent; a blob that fits into one chunk is compared with its hash as well, a longer one only by length.
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
        let mut rest = Rest { source: self.open(id, size)?, left: size };
        let mut hasher = Sha384::new();
        while rest.left > 0 {
            hasher.update(rest.take()?);
        }
        if hash_text(&hasher.finalize()) == hash { Ok(()) } else { Err(BlobError::Hash(id)) }
    }
}

/// What is still to be read, from where its source stands.
struct Rest {
    source: Box<dyn Source>,
    left: u64,
}

fn first_chunk(store: &BlobStore, blob: &Stored, range: Range<u64>) -> Result<(Bytes, Rest), BlobError> {
    let mut source = store.open(blob.id, blob.size)?;
    let range = range.start.min(blob.size)..range.end.min(blob.size);
    if range.start > 0 {
        source.seek(SeekFrom::Start(range.start))?;
    }
    let whole = range == (0..blob.size);
    let mut rest = Rest { source, left: range.end.saturating_sub(range.start) };
    let first = rest.take()?;
    if whole && rest.left == 0 && hash_text(&Sha384::digest(&first)) != blob.hash {
        return Err(BlobError::Hash(blob.id));
    }
    Ok((first, rest))
}

impl Rest {
    fn take(&mut self) -> io::Result<Bytes> {
        let mut chunk = vec![0; self.left.min(CHUNK) as usize];
        self.source.read_exact(&mut chunk)?;
        self.left -= chunk.len() as u64;
        Ok(chunk.into())
    }

    fn read_ahead(mut self) -> Option<JoinHandle<io::Result<(Bytes, Self)>>> {
        (self.left > 0).then(|| tokio::task::spawn_blocking(move || self.take().map(|chunk| (chunk, self))))
    }
}

fn chunks(rest: Rest) -> impl futures::Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(rest.read_ahead(), |ahead| async {
        match ahead?.await.map_err(io::Error::other).flatten() {
            Ok((chunk, rest)) => Some((Ok(chunk), rest.read_ahead())),
            Err(error) => Some((Err(error), None)),
        }
    })
}
