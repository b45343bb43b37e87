//! Answers of one JSON document a line, read as they arrive.

use bytes::{Buf, Bytes, BytesMut};
use futures::{Stream, StreamExt};
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Result};

/// The documents of `bytes`; the first one that is none ends the stream with an error.
pub(crate) fn documents<T: DeserializeOwned + Send + Sync>(
    bytes: impl Stream<Item = Result<Bytes>> + Send + 'static,
) -> impl Stream<Item = Result<T>> + Send {
    async_stream::try_stream! {
        let mut bytes = Box::pin(bytes);
        let (mut rest, mut number) = (BytesMut::new(), 0_usize);
        loop {
            let chunk = bytes.next().await.transpose()?;
            let over = chunk.is_none();
            rest.extend_from_slice(&chunk.unwrap_or_default());
            while let Some(line) = next_line(&mut rest, over) {
                number += 1;
                if !line.trim_ascii().is_empty() {
                    let document: T = serde_json::from_slice(&line).map_err(|error| undecodable(number, &error))?;
                    yield document;
                }
            }
            if over {
                return;
            }
        }
    }
}

/// Takes a line out of `rest`; at the end of the answer also one that nothing ends.
fn next_line(rest: &mut BytesMut, over: bool) -> Option<BytesMut> {
    match rest.iter().position(|byte| *byte == b'\n') {
        Some(end) => {
            let line = rest.split_to(end);
            rest.advance(1);
            Some(line)
        }
        None => (over && !rest.is_empty()).then(|| rest.split()),
    }
}

fn undecodable(number: usize, error: &serde_json::Error) -> Error {
    // The message of the parser may quote what it read, which can be personal.
    let place = error.column();
    Error::new(ErrorKind::Decode, format!("line {number} of the answer has not the expected form at {place}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures::TryStreamExt;

    use super::*;

    async fn read(chunks: &'static [&'static str]) -> (Vec<u32>, Option<ErrorKind>) {
        let bytes = futures::stream::iter(chunks.iter().map(|chunk| Ok(Bytes::from(*chunk))));
        let mut documents = Box::pin(documents::<u32>(bytes));
        let mut read = Vec::new();
        loop {
            match documents.try_next().await {
                Ok(Some(document)) => read.push(document),
                Ok(None) => return (read, None),
                Err(error) => return (read, Some(error.kind())),
            }
        }
    }

    #[tokio::test]
    async fn documents_are_put_together_from_whatever_pieces_arrive() {
        assert_eq!(read(&["1\n2", "3\r\n\n", "", "4"]).await, (vec![1, 23, 4], None));
        assert_eq!(read(&[]).await, (vec![], None));
    }

    #[tokio::test]
    async fn a_line_that_is_no_document_ends_the_stream() {
        assert_eq!(read(&["1\n{\n2\n"]).await, (vec![1], Some(ErrorKind::Decode)));
    }
}
