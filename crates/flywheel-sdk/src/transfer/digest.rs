//! The recorded hash of a file, and checking bytes against it.

use std::{
    io::Read,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream::BoxStream};
use sha2::{Digest, Sha384};

use crate::{Error, ErrorKind, Result};

/// Bytes read from a file at a time.
const PIECE: usize = 256 * 1024;

/// A hash that bytes can be checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded(String);

impl Recorded {
    /// Reads a recorded hash of the form `v0-sha384-<hex>`. Others are a storage's own and tell nothing.
    pub(crate) fn read(hash: &str) -> Option<Self> {
        let hex = hash.trim().strip_prefix("v0-sha384-")?;
        let right = hex.len() == 96 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        right.then(|| Self(hex.to_ascii_lowercase()))
    }

    /// Compares with the hash of the bytes that arrived.
    pub(crate) fn check(&self, hasher: Sha384) -> Result<()> {
        if hex::encode(hasher.finalize()) == self.0 {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Integrity, "the bytes that arrived do not have the recorded hash")
            .with_hint("The file may have been replaced meanwhile: reload it and download again."))
    }

    /// Whether the file at `path` has this hash.
    pub(crate) async fn matches_file(self, path: PathBuf) -> Result<bool> {
        let hash = move || {
            let mut hasher = Sha384::new();
            let mut file = std::fs::File::open(&path)?;
            let mut piece = vec![0; PIECE];
            loop {
                match file.read(&mut piece)? {
                    0 => return Ok::<_, std::io::Error>(hasher),
                    read => hasher.update(piece.get(..read).unwrap_or_default()),
                }
            }
        };
        let hasher = tokio::task::spawn_blocking(hash)
            .await
            .map_err(|error| Error::new(ErrorKind::Io, error.to_string()))??;
        Ok(self.check(hasher).is_ok())
    }
}

/// The hash that bytes under way have to have, once it is known: from the document of the file, or else from the answer that
/// brings them.
#[derive(Clone, Debug, Default)]
pub(super) struct Awaited(Arc<OnceLock<Recorded>>);

impl Awaited {
    /// Whether it is known.
    pub(super) fn is_known(&self) -> bool {
        self.0.get().is_some()
    }

    /// Learns it, if it is not known yet and `hash` is one that tells something.
    pub(super) fn learn(&self, hash: &str) {
        if let Some(recorded) = Recorded::read(hash) {
            self.0.get_or_init(|| recorded);
        }
    }

    /// Compares with the hash of the bytes that arrived; whether it was known.
    pub(super) fn check(&self, hasher: Sha384) -> Result<bool> {
        self.0.get().map(|recorded| recorded.check(hasher)).transpose().map(|checked| checked.is_some())
    }

    /// `stream`, which fails at its end when the bytes do not have this hash.
    pub(super) fn verify(
        self,
        stream: BoxStream<'static, Result<Bytes>>,
    ) -> impl Stream<Item = Result<Bytes>> + Send {
        let state = Some((stream, Sha384::new(), self));
        futures::stream::unfold(state, |state| async move {
            let (mut stream, mut hasher, awaited) = state?;
            match stream.next().await {
                Some(Ok(chunk)) => {
                    hasher.update(&chunk);
                    Some((Ok(chunk), Some((stream, hasher, awaited))))
                }
                Some(Err(error)) => Some((Err(error), None)),
                None => awaited.check(hasher).err().map(|error| (Err(error), None)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const OF_ABC: &str = "v0-sha384-cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
                          8086072ba1e7cc2358baeca134c825a7";

    async fn collect(hash: &str, chunks: &'static [&'static str]) -> Vec<Result<Bytes>> {
        let stream = futures::stream::iter(chunks.iter().map(|chunk| Ok(Bytes::from(*chunk)))).boxed();
        let awaited = Awaited::default();
        awaited.learn(hash);
        awaited.verify(stream).collect().await
    }

    #[tokio::test]
    async fn the_right_bytes_pass_and_wrong_ones_end_in_an_error() {
        assert!(collect(OF_ABC, &["a", "bc"]).await.iter().all(Result::is_ok));
        let last =
            collect(&OF_ABC.to_ascii_uppercase().replace("V0-SHA384", "v0-sha384"), &["abd"]).await.pop();
        assert_eq!(last.unwrap().unwrap_err().kind(), ErrorKind::Integrity);
    }

    #[test]
    fn a_hash_of_another_form_is_opaque() {
        for hash in ["", "abc", "v0-sha256-00", "v0-sha384-xyz", "\"d41d8cd98f00b204e9800998ecf8427e-3\""] {
            assert_eq!(Recorded::read(hash), None);
        }
    }
}
