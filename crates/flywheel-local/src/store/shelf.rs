//! Records of one kind that have an id, times and an origin: what a list, a form or a pool is kept as.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Doc, new_id, now, records};
use crate::{
    auth::Caller,
    error::{ApiError, ApiResult},
    list::{List, Rows, doc_row, linked_page},
    query::ListQuery,
};

/// One kind of record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shelf {
    kind: &'static str,
    name: &'static str,
}

impl Shelf {
    /// The records of a kind, and what one of them is called in messages.
    pub(crate) const fn new(kind: &'static str, name: &'static str) -> Self {
        Self { kind, name }
    }

    /// The record with this id.
    ///
    /// # Errors
    /// 404 when there is none.
    pub(crate) fn get(self, db: &Connection, id: &str) -> ApiResult<Doc> {
        let missing = || ApiError::not_found(format!("No {} {id} found", self.name));
        records::get(db, self.kind, id)?.ok_or_else(missing)
    }

    /// A new document: its id, its times and whom it comes from.
    pub(crate) fn fresh(self, caller: &Caller) -> Doc {
        let time = now();
        let doc = json!({"_id": new_id(), "created": time, "modified": time, "origin": caller.origin()});
        doc.as_object().cloned().unwrap_or_default()
    }

    /// Writes a record as it is.
    pub(crate) fn put(self, db: &Connection, doc: &Doc) -> ApiResult<()> {
        records::put(db, self.kind, doc.get("_id").and_then(Value::as_str).unwrap_or_default(), doc)
    }

    /// Writes a changed record: `modified` is touched, and `revision` counts on where there is one.
    pub(crate) fn save(self, db: &Connection, doc: &mut Doc) -> ApiResult<()> {
        doc.insert("modified".into(), now().into());
        if let Some(revision) = doc.get("revision").and_then(Value::as_i64) {
            doc.insert("revision".into(), (revision + 1).into());
        }
        self.put(db, doc)
    }

    /// Removes a record.
    ///
    /// # Errors
    /// 404 when there is none.
    pub(crate) fn remove(self, db: &Connection, id: &str) -> ApiResult<()> {
        self.get(db, id)?;
        records::remove(db, self.kind, id).map(drop)
    }

    /// Every record.
    pub(crate) fn all(self, db: &Connection) -> ApiResult<Vec<Doc>> {
        records::all(db, self.kind)
    }

    /// The records that `keep` keeps; pages are cut behind that.
    ///
    /// # Errors
    /// Those of `keep`, and as [`List::run`].
    pub(crate) fn sifted(
        self,
        db: &Connection,
        query: &ListQuery,
        mut keep: impl FnMut(&Doc) -> ApiResult<bool>,
    ) -> ApiResult<Rows<Doc>> {
        let everything = ListQuery { limit: None, skip: 0, paged: false, ..query.clone() };
        let mut kept = Vec::new();
        for row in List::records(self.kind, &everything).run(db, doc_row)?.rows {
            if keep(&row)? {
                kept.push(row);
            }
        }
        let total = Some(i64::try_from(kept.len()).unwrap_or(i64::MAX)).filter(|_| query.paged);
        let skip = usize::try_from(query.skip).unwrap_or(0);
        let limit = query.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Ok(Rows { rows: kept.into_iter().skip(skip).take(limit).collect(), total })
    }

    /// A page of the records that `keep` keeps, paged whether that was asked for or not.
    ///
    /// # Errors
    /// As [`Shelf::sifted`].
    pub(crate) fn page(
        self,
        db: &Connection,
        query: ListQuery,
        keep: impl FnMut(&Doc) -> ApiResult<bool>,
    ) -> ApiResult<Value> {
        let query = query.always_paged();
        let found = self.sifted(db, &query, keep)?;
        let rows = found.rows.into_iter().map(Value::Object).collect();
        Ok(linked_page(rows, found.total.unwrap_or_default(), &query))
    }
}
