//! A long list in an order of the caller's, read piece by piece.
//!
//! Nothing says where a page in such an order continues but the order itself. So the numbers of all rows are found in it once,
//! eight bytes each, and every piece reads the documents of the next few of them.

use std::sync::{Arc, OnceLock};

use rusqlite::{Connection, Row};

use super::{List, Rows};
use crate::{
    error::ApiResult,
    filter_sql::{Condition, Reach},
};

/// How many rows are read at once.
pub(super) const PIECE: usize = 500;

/// Which piece of a list is wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Piece {
    /// The numbers of all rows in their order, once the first piece has been read.
    order: Arc<OnceLock<Vec<i64>>>,
    at: usize,
}

impl Piece {
    /// The piece behind this one, when there is one.
    pub(super) fn next(&self) -> Option<Self> {
        let rows = self.order.get().map_or(0, Vec::len);
        let at = self.at + 1;
        (at * PIECE < rows).then(|| Self { order: Arc::clone(&self.order), at })
    }
}

impl List<'_> {
    /// Reads one piece of the list; `row` is the column with the number of a row.
    pub(super) fn run_piece<T>(
        &self,
        db: &Connection,
        piece: &Piece,
        row: &str,
        read: fn(&Row<'_>) -> ApiResult<T>,
    ) -> ApiResult<Rows<T>> {
        let order = match piece.order.get() {
            Some(order) => order,
            None => {
                let from = self.select.split_once(" FROM ").map_or(self.select, |(_, from)| from);
                let (limit, skip) = (self.query.limit.unwrap_or(-1), self.query.skip);
                let number = |found: &Row<'_>| Ok(found.get(0)?);
                let select = format!("{row} FROM {from}");
                let found = self.find(db, &mut self.conditions()?, |conditions| {
                    self.fetch(db, (&select, limit, skip), conditions, number)
                })?;
                piece.order.get_or_init(|| found)
            }
        };
        let wanted = order.chunks(PIECE).nth(piece.at).unwrap_or_default();
        let wanted = serde_json::to_string(wanted)?;
        let mut conditions = self.conditions()?;
        let those = Condition::new(format!("{row} IN (SELECT value FROM json_each(?))"), vec![wanted.into()]);
        conditions.insert(0, those.reaching(Reach::Numbered));
        let rows = self.fetch(db, (self.select, -1, 0), conditions, read)?;
        Ok(Rows { rows, total: None })
    }
}
