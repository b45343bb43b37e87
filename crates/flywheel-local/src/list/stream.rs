//! Lists without a limit: sent page by page while they are read, so that a million rows need the memory of one page.
//!
//! Each page continues behind the last id of the one before and is a snapshot of its own. A row that is there all the time comes
//! once; one that is made or deleted meanwhile may come or not.

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

use super::{Rows, answer};
use crate::{error::ApiResult, query::ListQuery, store::Store};

/// How many rows are read at once.
const PAGE: usize = 500;

/// Answers a list call. `read` makes the rows of a query, each with its `_id`, by which the list is ordered unless the query
/// says otherwise. A list with a limit, with pages of its own or with an order is read at once.
///
/// # Errors
/// Those of the first page. A later failure breaks the answer off, which clients notice.
pub(crate) async fn in_pages<R>(store: &Store, query: ListQuery, read: R) -> ApiResult<Response>
where
    R: Fn(&Connection, &ListQuery) -> ApiResult<Rows<Value>> + Send + Sync + 'static,
{
    if query.paged || query.limit.is_some() || query.skip > 0 || !query.sort.keys.is_empty() {
        return store.read(move |db| read(db, &query)).await.map(answer);
    }
    let mut pages = Pages { store: store.clone(), query, read: Arc::new(read) };
    let first = pages.next().await?;
    if first.len() < PAGE {
        return Ok(answer(Rows { rows: first, total: None }));
    }
    let body = Body::from_stream(pages.text(first));
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

struct Pages<R> {
    store: Store,
    query: ListQuery,
    read: Arc<R>,
}

impl<R> Pages<R>
where
    R: Fn(&Connection, &ListQuery) -> ApiResult<Rows<Value>> + Send + Sync + 'static,
{
    /// The whole list as JSON, beginning with a page that was read.
    fn text(mut self, first: Vec<Value>) -> impl Stream<Item = ApiResult<Bytes>> + Send + 'static {
        async_stream::try_stream! {
            let (mut rows, mut before) = (first, '[');
            while !rows.is_empty() {
                let last = rows.len() < PAGE;
                yield written(&rows, &mut before)?;
                rows = if last { Vec::new() } else { self.next().await? };
            }
            yield Bytes::from_static(b"]");
        }
    }

    async fn next(&mut self) -> ApiResult<Vec<Value>> {
        let (read, mut query) = (Arc::clone(&self.read), self.query.clone());
        query.limit = Some(PAGE as i64);
        let rows = self.store.read(move |db| read(db, &query)).await?.rows;
        let last = rows.last().and_then(|row| row.get("_id")).and_then(Value::as_str);
        self.query.after_id = last.map(str::to_owned).or(self.query.after_id.take());
        Ok(rows)
    }
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
