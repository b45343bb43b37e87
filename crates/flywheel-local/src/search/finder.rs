//! What leads an index to the rows that a condition holds for.

use super::{compile::Expr, level::Level};
use crate::words::Words;

/// A way to rows of a level.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finder {
    way: Way,
    /// Whether the condition holds for all of them, so that they need not be checked.
    pub(super) exact: bool,
    /// Whether they are known to be many.
    pub(super) many: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Way {
    /// A condition on columns of the rows `d` that an index serves.
    Columns(Expr),
    /// A statement that selects the numbers of rows.
    Rows(Expr),
}

impl Finder {
    /// By a condition on columns.
    pub(super) fn columns(condition: Expr) -> Self {
        Self { way: Way::Columns(condition), exact: true, many: false }
    }

    /// By the index over words, which finds a little more.
    pub(super) fn words(level: Level, words: &Words) -> Self {
        let table = level.words();
        let sql = format!("SELECT rowid FROM {table} WHERE {table} MATCH ?");
        Self {
            way: Way::Rows(Expr::new(sql, vec![words.asked().to_owned().into()])),
            exact: false,
            many: false,
        }
    }

    /// The same, of which the rows are checked otherwise.
    pub(super) fn checked(self) -> Self {
        Self { exact: false, ..self }
    }

    /// The same, of which it is known that there are many.
    pub(super) fn many(self) -> Self {
        Self { many: true, ..self }
    }

    /// What any of several find.
    pub(super) fn any(level: Level, finders: Vec<Self>) -> Self {
        let exact = finders.iter().all(|finder| finder.exact);
        let many = finders.iter().any(|finder| finder.many);
        let selects: Vec<Expr> = finders.into_iter().map(|finder| finder.select(level)).collect();
        let sql: Vec<&str> = selects.iter().map(|select| select.sql.as_str()).collect();
        let sql = sql.join(" UNION ALL ");
        let values = selects.into_iter().flat_map(|select| select.values).collect();
        Self { way: Way::Rows(Expr::new(sql, values)), exact, many }
    }

    fn select(self, level: Level) -> Expr {
        match self.way {
            Way::Columns(condition) => {
                let (table, rows) = (level.table(), level.indexed_rows("d"));
                condition.wrap(&format!("SELECT d.row FROM {table} d WHERE {rows} AND "), "")
            }
            Way::Rows(select) => select,
        }
    }

    /// That a row is found: a condition on the rows `d`.
    pub(super) fn condition(&self) -> Expr {
        match &self.way {
            Way::Columns(condition) => condition.clone(),
            Way::Rows(select) => select.clone().wrap("d.row IN (", ")"),
        }
    }

    /// What `rows` says of the rows `d`, written so that no index but the finder's own is taken for it.
    pub(super) fn beside(&self, rows: &str) -> String {
        match self.way {
            Way::Columns(_) => rows.to_owned(),
            Way::Rows(_) => rows.replace("d.kind = ", "+d.kind = "),
        }
    }
}
