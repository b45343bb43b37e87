//! Rows as they arrive: the objects of a JSON list, cut out of the bytes without waiting for the rest.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes, BytesMut};
use flywheel_api::{ByteStream, OperationId};
use futures::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Result};

/// The longest row that is read, in bytes.
const LONGEST: usize = 256 << 20;

/// Rows of a view, one by one. See [`ViewRun::rows`](super::ViewRun::rows).
#[must_use = "streams do nothing unless polled"]
pub struct Rows<T>(BoxStream<'static, Result<T>>);

impl<T: Send + 'static> Rows<T> {
    pub(super) fn new(rows: impl Stream<Item = Result<T>> + Send + 'static) -> Self {
        Self(rows.boxed())
    }
}

impl<T: DeserializeOwned + Send + 'static> Rows<T> {
    /// The rows of an answer in the format json-flat.
    pub(super) fn of(open: impl Future<Output = Result<ByteStream>> + Send + 'static) -> Self {
        Self::new(texts(open).map(|row| read(&row?)))
    }
}

/// A row of its text.
pub(super) fn read<T: DeserializeOwned>(row: &[u8]) -> Result<T> {
    serde_json::from_slice(row).map_err(|error| {
        let what = if error.is_data() { "has not the form that was asked for" } else { "is no JSON" };
        malformed(format!("a row of the view {what}: {error}"))
    })
}

fn malformed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Decode, message)
        .with_operation(OperationId::GetDataViewExecutionData.operation().name)
}

/// The texts of the rows of an answer in the format json-flat.
pub(super) fn texts(
    open: impl Future<Output = Result<ByteStream>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes>> + Send {
    async_stream::try_stream! {
        let mut bytes = open.await?;
        let mut splitter = Splitter::default();
        while let Some(chunk) = bytes.try_next().await? {
            splitter.push(&chunk);
            while let Some(row) = splitter.next()? {
                yield row;
            }
        }
        splitter.finish()?;
    }
}

impl<T> Stream for Rows<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl<T> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rows")
    }
}

/// Cuts the elements out of a JSON list that arrives in pieces.
#[derive(Debug, Default)]
struct Splitter {
    buffer: BytesMut,
    /// How far the buffer was looked at.
    seen: usize,
    /// How many brackets are open, that of the list included.
    depth: usize,
    in_text: bool,
    escaped: bool,
    ended: bool,
}

impl Splitter {
    fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The next element that has arrived whole.
    fn next(&mut self) -> Result<Option<Bytes>> {
        while let Some(&byte) = self.buffer.get(self.seen) {
            self.seen += 1;
            if self.in_text {
                self.step_in_text(byte);
                continue;
            }
            match byte {
                b'"' if self.depth > 0 => self.in_text = true,
                b'[' | b'{' if self.ended => {
                    return Err(malformed("the rows of the view go on behind their end"));
                }
                b'[' if self.depth == 0 => {
                    self.depth = 1;
                    self.drop_seen();
                }
                _ if self.depth == 0 && !byte.is_ascii_whitespace() => {
                    return Err(malformed("the rows of the view are no list"));
                }
                b'[' | b'{' => self.depth += 1,
                b']' | b'}' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.ended = true;
                        if let Some(row) = self.take(self.seen - 1) {
                            return Ok(Some(row));
                        }
                    }
                }
                b',' if self.depth == 1 => {
                    if let Some(row) = self.take(self.seen - 1) {
                        return Ok(Some(row));
                    }
                }
                _ => {}
            }
        }
        if self.buffer.len() > LONGEST {
            return Err(malformed("a row of the view is longer than 256 MiB"));
        }
        Ok(None)
    }

    fn step_in_text(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => self.in_text = false,
            _ => {}
        }
    }

    /// What stands before `end`, without the byte that ended it; none when that is white space.
    fn take(&mut self, end: usize) -> Option<Bytes> {
        let row = self.buffer.split_to(end).freeze();
        self.seen -= end;
        self.drop_seen();
        (!row.trim_ascii().is_empty()).then_some(row)
    }

    fn drop_seen(&mut self) {
        self.buffer.advance(self.seen);
        self.seen = 0;
    }

    /// The answer is at its end.
    fn finish(self) -> Result<()> {
        if self.ended { Ok(()) } else { Err(malformed("the rows of the view break off")) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn split(pieces: &[&[u8]]) -> Result<Vec<Value>> {
        let (mut splitter, mut rows) = (Splitter::default(), Vec::new());
        for piece in pieces {
            splitter.push(piece);
            while let Some(row) = splitter.next()? {
                rows.push(read(&row)?);
            }
        }
        splitter.finish().map(|()| rows)
    }

    #[test]
    fn an_empty_list_has_no_rows() {
        assert_eq!(split(&[b" [ ", b" ] \n"]).unwrap(), Vec::<Value>::new());
    }

    #[test]
    fn what_is_no_whole_list_is_an_error() {
        for text in
            ["", "[", "[{}", "{\"data\": []}", "[1, 2", "nonsense", "[]{}", "[{\"a\": \"]\"}", "][", "}"]
        {
            assert!(split(&[text.as_bytes()]).is_err(), "{text}");
        }
    }

    fn any_row() -> impl Strategy<Value = Value> {
        let text = "[a-z\\[\\]{}\",\\\\ é\n]{0,8}";
        let leaf =
            prop_oneof![Just(Value::Null), any::<i32>().prop_map(Value::from), text.prop_map(Value::from)];
        let value = leaf.prop_recursive(3, 12, 3, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map(text, inner, 0..3).prop_map(|map| json!(map)),
            ]
        });
        prop::collection::btree_map(text, value, 0..4).prop_map(|map| json!(map))
    }

    proptest! {
        #[test]
        fn rows_are_the_same_wherever_the_bytes_are_cut(
            rows in prop::collection::vec(any_row(), 0..5), size in 1usize..40, pretty in any::<bool>(),
        ) {
            let all = Value::from(rows.clone());
            let text = if pretty { format!("{all:#}") } else { all.to_string() };
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            prop_assert_eq!(split(&pieces).unwrap(), rows);
        }

        #[test]
        fn any_bytes_are_split_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = split(&bytes.chunks(7).collect::<Vec<_>>());
        }
    }
}
