//! What the index over words is asked for a list.

use rusqlite::Connection;

use crate::{
    error::ApiResult,
    filter_sql::{Condition, Indexed, Reach, Source},
    words::Words,
};

/// What the index over words is asked before, or instead of, a walk through the rows.
pub(super) struct Question {
    indexed: Indexed,
    pub(super) words: Words,
}

impl Question {
    /// What the conditions ask together; none when no index holds it, or another one finds the rows anyway.
    pub(super) fn about(source: &dyn Source, conditions: &[Condition]) -> Option<Self> {
        let indexed = source.indexed()?;
        if conditions.iter().any(|condition| condition.reach.is_few()) {
            return None;
        }
        let words = Words::all(conditions.iter().filter_map(|condition| condition.words.clone()))?;
        Some(Self { indexed, words })
    }

    /// The table whose rows it is about.
    pub(super) fn table(&self) -> &'static str {
        if self.indexed.words == "file_words" { "files" } else { "containers" }
    }

    pub(super) fn finds_fewer(&self, db: &Connection, limit: i64) -> ApiResult<bool> {
        self.words.are_fewer(db, self.indexed.words, limit)
    }

    /// That a row is among the answers; few of them lead to the rows, many are asked about each.
    pub(super) fn condition(&self, few: bool) -> Condition {
        let Indexed { words, row, .. } = self.indexed;
        let sql = format!("{}{row} IN {}", if few { "" } else { "+" }, Words::rows_of(words));
        let condition = Condition::new(sql, vec![self.words.asked().to_owned().into()]);
        condition.reaching(if few { Reach::Numbered } else { Reach::Open })
    }
}
