//! Conditions on what lies above a document: on its project, its session.
//!
//! When few containers meet such a condition, they are found once, before the search, and named in it. When many do, each
//! row is asked about its own.

use rusqlite::types::Value as Sql;

use super::{
    compile::{Column, Compiled, Compiler, Expr, among, at_path, doc_test, id_list},
    finder::Finder,
    level::Level,
    node::Test,
};
use crate::error::ApiResult;

/// A condition on the rows `p` of a level that an index serves.
pub(super) struct Finding {
    condition: Expr,
    /// Whether it finds them by their numbers.
    numbered: bool,
}

impl Finding {
    /// The statement that selects the ids of those rows, at most so many, and its values.
    pub(super) fn select(&self, level: Level, limit: i64) -> Expr {
        let rows = level.rows("p");
        // An index that begins with the kind must not seem to be a way.
        let rows = if self.numbered { rows.replace("p.kind = ", "+p.kind = ") } else { rows };
        let before = format!("SELECT p.id FROM containers p WHERE {rows} AND ");
        self.condition.clone().wrap(&before, &format!(" LIMIT {limit}"))
    }
}

impl Compiler<'_> {
    /// The column of this level's rows with the id of what lies above, an indexed one.
    pub(super) fn column_above(&self, level: Level) -> &'static str {
        match (self.level, level) {
            // An analysis of an acquisition has that for its parent.
            (Level::Analysis, Level::Acquisition) => "parent_id",
            (Level::Project, Level::Group) => "parent_id",
            _ => self.level.id_of(level),
        }
    }

    /// A test on a document above.
    pub(super) fn above(&self, level: Level, path: &str, test: &Test) -> ApiResult<Compiled> {
        // These are so few that they are always found once.
        let always = matches!(level, Level::Group | Level::Project);
        let (tested, words, indexed) = match Column::of(level, path) {
            Some(column) => match column.test("p.", test) {
                Some(tested) => (tested, column.words(test), column.finds(test)),
                None => return Ok(Compiled::Always(false)),
            },
            None => (doc_test("p", path, test)?, at_path(level, path, test), false),
        };
        let asked = words.as_ref().filter(|words| !words.is_gathered() || self.thorough);
        let finding = match asked {
            Some(words) if (self.are_few)(level.words(), words)? => {
                let parts = vec![among("p", level, words), tested.clone()];
                Some(Finding { condition: Expr::join(parts, " AND "), numbered: true })
            }
            _ => (always || indexed).then(|| Finding { condition: tested.clone(), numbered: false }),
        };
        let tested = self.narrowed("p", level, words.as_ref(), tested);
        if let Some(finding) = &finding
            && let Some(ids) = (self.few_above)(level, finding)?
        {
            return Ok(self.below(level, &ids));
        }
        let column = self.column_above(level);
        let kind = level.kind().map_or(0, |kind| kind.code());
        let from =
            format!("EXISTS (SELECT 1 FROM containers p WHERE p.id = d.{column} AND p.kind = {kind} AND ");
        let check = tested.wrap(&from, ")");
        let finder = finding.map(|finding| {
            let from = format!("d.{column} IN (SELECT p.id FROM containers p WHERE {} AND ", level.rows("p"));
            Finder::columns(finding.condition.wrap(&from, ")")).many()
        });
        Ok(Compiled::Sometimes { check, finder, words: None })
    }

    /// What lies below containers of a level.
    fn below(&self, level: Level, ids: &[String]) -> Compiled {
        if ids.is_empty() {
            return Compiled::Always(false);
        }
        let ids = [id_list(ids)];
        // Nothing is indexed by its group but projects.
        let far = level == Level::Group && self.level != Level::Project;
        let expr = |sign: &str| match far {
            true => {
                let projects = "SELECT q.id FROM containers q WHERE q.kind = 2 AND q.deleted IS NULL AND ";
                is_among("q.parent_id", &ids).wrap(&format!("{sign}d.project_id IN ({projects}"), ")")
            }
            false => is_among(&format!("{sign}d.{}", self.column_above(level)), &ids),
        };
        Compiled::Sometimes { check: expr("+"), finder: Some(Finder::columns(expr(""))), words: None }
    }
}

/// That a column holds one of the ids in a list.
pub(super) fn is_among(column: &str, ids: &[Sql]) -> Expr {
    Expr::new(format!("{column} IN (SELECT value FROM json_each(?))"), ids.to_vec())
}
