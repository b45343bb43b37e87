//! Long lists: sent piece by piece while they are read, so that a million rows need the memory of one piece.
//!
//! Each piece is a snapshot of its own. In the order of the ids it continues behind the last id of the one before; in an order of
//! the caller's, [`Piece`] tells where. A row that is there all the time comes once; one that is made, changed or deleted
//! meanwhile may come or not.

use std::sync::Arc;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::Stream;
use http::header::CONTENT_TYPE;
use rusqlite::Connection;
use serde_json::Value;

use super::{
    Rows, answer,
    piece::{PIECE, Piece},
};
use crate::{error::ApiResult, query::ListQuery, store::Store};

/// Answers a list call. `read` makes the rows of a query, each with its `_id`, by which the list is ordered unless the query
/// says otherwise. A list with pages of its own, and one with a small limit, is read at once.
///
/// # Errors
/// Those of the first piece. A later failure breaks the answer off, which clients notice.
pub(crate) async fn in_pages<R>(store: &Store, mut query: ListQuery, read: R) -> ApiResult<Response>
where
    R: Fn(&Connection, &ListQuery) -> ApiResult<Rows<Value>> + Send + Sync + 'static,
{
    if query.paged || query.limit.is_some_and(|limit| limit <= PIECE as i64) {
        return store.read(move |db| read(db, &query)).await.map(answer);
    }
    if !query.sort.keys.is_empty() {
        query.piece = Some(Piece::default());
    }
    let mut pieces = Pieces { store: store.clone(), query: Some(query), read: Arc::new(read) };
    let first = pieces.next().await?;
    if pieces.query.is_none() {
        return Ok(answer(Rows { rows: first, total: None }));
    }
    let body = Body::from_stream(pieces.text(first));
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

struct Pieces<R> {
    store: Store,
    /// What is still to be read; none when that was all.
    query: Option<ListQuery>,
    read: Arc<R>,
}

impl<R> Pieces<R>
where
    R: Fn(&Connection, &ListQuery) -> ApiResult<Rows<Value>> + Send + Sync + 'static,
{
    /// The whole list as JSON, beginning with a piece that was read.
    fn text(mut self, first: Vec<Value>) -> impl Stream<Item = ApiResult<Bytes>> + Send + 'static {
        async_stream::try_stream! {
            let (mut rows, mut before) = (first, '[');
            loop {
                yield written(&rows, &mut before)?;
                if self.query.is_none() {
                    break;
                }
                rows = self.next().await?;
            }
            yield Bytes::from_static(if before == '[' { b"[]".as_slice() } else { b"]".as_slice() });
        }
    }

    async fn next(&mut self) -> ApiResult<Vec<Value>> {
        let Some(query) = self.query.take() else { return Ok(Vec::new()) };
        let (read, mut asked) = (Arc::clone(&self.read), query.clone());
        if asked.piece.is_none() {
            asked.limit = Some(asked.limit.unwrap_or(i64::MAX).min(PIECE as i64));
        }
        let rows = self.store.read(move |db| read(db, &asked)).await?.rows;
        self.query = rest(query, &rows);
        Ok(rows)
    }
}

/// What remains of a query when these rows have been read.
fn rest(mut query: ListQuery, rows: &[Value]) -> Option<ListQuery> {
    if let Some(piece) = &query.piece {
        query.piece = Some(piece.next()?);
        return Some(query);
    }
    query.limit = query.limit.map(|limit| limit - rows.len() as i64);
    query.skip = 0;
    query.after_id = Some(rows.last()?.get("_id")?.as_str()?.to_owned());
    (rows.len() >= PIECE && query.limit != Some(0)).then_some(query)
}

/// Rows as a piece of a JSON list, with what stands before each.
fn written(rows: &[Value], before: &mut char) -> ApiResult<Bytes> {
    let mut text = String::new();
    for row in rows {
        text.push(std::mem::replace(before, ','));
        text.push_str(&serde_json::to_string(row)?);
    }
    Ok(text.into())
}
