//! Finding what matches: which documents are asked, by which index, in which order.
//!
//! A search for files asks the files. A search for containers of a level asks its own documents and those of the deeper
//! levels that the condition speaks of; whatever holds for any other document below holds for one of these too.
//!
//! For each level asked there are two ways. When some part of the condition has a finder with few rows, its rows are
//! gathered and the rest is checked. Otherwise the results are walked in the order of their ids, each is checked, and the
//! walk ends with the last one wanted.

use rusqlite::{Connection, params_from_iter, types::Value as Sql};

use super::{
    above::{Finding, is_among},
    compile::{Column, Compiled, Compiler, Expr, id_list, json_path},
    containing::Containing,
    finder::Finder,
    level::Level,
    node::{Node, split},
};
use crate::{
    access::{self, Action},
    auth::Caller,
    error::ApiResult,
    store,
    words::{self, Words},
};

/// How many projects are named to the index over words; beyond that, naming them saves nothing.
const MENTIONED: usize = 50;

/// A search about to be run.
pub(super) struct Search<'a> {
    pub(super) returned: Level,
    pub(super) node: &'a Node,
    /// The field that orders the results and whether it descends; otherwise they come by id.
    pub(super) sort: Option<(&'a str, bool)>,
    /// At most so many.
    pub(super) limit: Option<usize>,
    /// What counts as few rows: [`crate::words::FEW`].
    pub(super) few: i64,
}

/// The projects whose documents a caller may find.
pub(super) enum Sight {
    All,
    Some { containers: Vec<String>, analyses: Vec<String>, files: Vec<String> },
}

impl Sight {
    /// What a caller may find: everything, or what the roles in projects allow.
    pub(super) fn of(db: &Connection, caller: &Caller, everything: bool) -> ApiResult<Self> {
        if everything || caller.is_device() {
            return Ok(Self::All);
        }
        let sql = "SELECT DISTINCT g.container_id FROM grants g JOIN containers c ON c.id = g.container_id
             WHERE g.user_id = ? AND c.kind = 2 AND c.deleted IS NULL";
        let mut statement = db.prepare_cached(sql)?;
        let projects = statement.query_map([caller.id()], |row| row.get::<_, String>(0))?;
        let (mut containers, mut analyses, mut files) = (Vec::new(), Vec::new(), Vec::new());
        let own = caller.rule_project().map(|(project, _)| Ok(project.to_owned()));
        for project in projects.chain(own) {
            let project = project?;
            let actions = access::actions_in(db, caller, &project)?;
            for (action, list) in [
                (Action::ContainersViewMetadata, &mut containers),
                (Action::AnalysesViewMetadata, &mut analyses),
                (Action::FilesViewMetadata, &mut files),
            ] {
                if actions.has(action) {
                    list.push(project.clone());
                }
            }
        }
        Ok(Self::Some { containers, analyses, files })
    }

    /// The projects whose documents of a level are seen; none for all of them.
    fn projects(&self, level: Level) -> Option<&[String]> {
        match (self, level) {
            (Self::All, _) => None,
            (Self::Some { analyses, .. }, Level::Analysis) => Some(analyses),
            (Self::Some { files, .. }, Level::File) => Some(files),
            (Self::Some { containers, .. }, _) => Some(containers),
        }
    }

    /// The same as a condition on the rows `d` of a level.
    pub(super) fn condition(&self, level: Level) -> Option<Compiled> {
        let projects = id_list(self.projects(level)?);
        let column = if level == Level::Project { "id" } else { "project_id" };
        let expr = |sign: &str| is_among(&format!("{sign}d.{column}"), std::slice::from_ref(&projects));
        Some(match level {
            Level::Group => Compiled::Sometimes {
                check: Expr::new(
                    "d.id IN (SELECT p.parent_id FROM containers p WHERE p.kind = 2 AND p.deleted IS NULL
                     AND p.id IN (SELECT value FROM json_each(?)))",
                    vec![projects],
                ),
                finder: None,
                words: None,
            },
            _ => {
                let words = Words::any(
                    self.projects(level)?.iter().take(MENTIONED + 1).map(|id| Words::in_project(id)),
                );
                let words = words
                    .filter(|_| self.projects(level).is_some_and(|projects| projects.len() <= MENTIONED));
                Compiled::Sometimes { check: expr("+"), finder: Some(Finder::columns(expr(""))), words }
            }
        })
    }
}

impl Search<'_> {
    /// The ids of the results, in order. What is not found soon is sought again with the index over words, which costs more to
    /// begin with and does not open what cannot match.
    pub(super) fn run(&self, db: &Connection, sight: &Sight) -> ApiResult<Vec<String>> {
        let limit = self.limit.filter(|_| self.sort.is_none());
        let wanted = limit.and_then(|limit| i64::try_from(limit).ok());
        let few = words::few(db, self.returned.table(), wanted)?.min(self.few);
        let walking = Search { few, ..*self };
        match store::briefly(|| walking.ids(db, sight, false))? {
            Some(ids) => Ok(ids),
            None => self.ids(db, sight, true),
        }
    }

    pub(super) fn ids(&self, db: &Connection, sight: &Sight, thorough: bool) -> ApiResult<Vec<String>> {
        let Some(select) = self.statement(db, sight, thorough)? else { return Ok(Vec::new()) };
        let mut statement = db.prepare(&select.sql)?;
        let ids = statement.query_map(params_from_iter(select.values), |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// How it will be run, for measurements.
    #[cfg(test)]
    pub(super) fn explain(&self, db: &Connection, sight: &Sight) -> ApiResult<String> {
        let Some(select) = self.statement(db, sight, false)? else { return Ok("nothing".into()) };
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {}", select.sql))?;
        let steps = statement.query_map(params_from_iter(select.values), |row| row.get::<_, String>(3))?;
        Ok(steps.collect::<Result<Vec<_>, _>>()?.join("; "))
    }

    /// The statement that finds the ids; none when nothing can be found.
    fn statement(&self, db: &Connection, sight: &Sight, thorough: bool) -> ApiResult<Option<Expr>> {
        let containing = Containing::new(db, self.node)?;
        let mut selects = Vec::new();
        for level in self.asked() {
            selects.extend(self.select(db, sight, level, (&containing, thorough))?);
        }
        Ok(self.together(selects))
    }

    /// The levels whose documents are asked.
    fn asked(&self) -> Vec<Level> {
        let (mut spoken_of, mut everything) = (Vec::new(), false);
        self.node.levels(&mut |level| match level {
            Some(level) => spoken_of.push(level),
            None => everything = true,
        });
        let deeper = |level: &Level| *level > self.returned && (everything || spoken_of.contains(level));
        [self.returned].into_iter().chain(Level::ALL.into_iter().filter(deeper)).collect()
    }

    fn select(
        &self,
        db: &Connection,
        sight: &Sight,
        level: Level,
        (containing, thorough): (&Containing, bool),
    ) -> ApiResult<Option<Expr>> {
        let are_few = |table: &str, words: &Words| words.are_fewer(db, table, self.few);
        let few_above = |level: Level, finding: &Finding| self.few_above(db, level, finding);
        let compiler = Compiler {
            level,
            containing: &|text| containing.ids(text),
            few_above: &few_above,
            are_few: &are_few,
            thorough,
        };
        let mut parts: Vec<(Expr, Option<Finder>)> = Vec::new();
        let mut known = Vec::new();
        for part in sight.condition(level).into_iter().chain(compiler.parts(self.node)?) {
            match part {
                Compiled::Always(true) => {}
                Compiled::Always(false) => return Ok(None),
                Compiled::Sometimes { check, finder, words } => {
                    parts.push((check, finder));
                    known.extend(words);
                }
            }
        }
        if let Some(words) = Words::all(known).filter(|words| thorough || !words.is_gathered())
            && are_few(level.words(), &words)?
        {
            parts.push((Expr::new("TRUE", Vec::new()), Some(Finder::words(level, &words))));
        }
        let gathered = self.gatherer(db, level, &parts)?;
        let chosen = gathered.and_then(|at| {
            let exact = parts.get(at)?.1.as_ref()?.exact;
            if exact { parts.remove(at).1 } else { parts.get_mut(at)?.1.take() }
        });
        let checks = parts.into_iter().map(|(check, _)| check).collect();
        Ok(Some(match chosen {
            Some(finder) => self.gather(level, &finder, checks),
            None => self.walk(level, checks),
        }))
    }

    /// The ids of the containers of a level that meet a condition, when they are few.
    fn few_above(&self, db: &Connection, level: Level, finding: &Finding) -> ApiResult<Option<Vec<String>>> {
        let select = finding.select(level, self.few);
        let mut statement = db.prepare(&select.sql)?;
        let ids = statement.query_map(params_from_iter(select.values), |row| row.get(0))?;
        let ids: Vec<String> = ids.collect::<Result<_, _>>()?;
        Ok((ids.len() < usize::try_from(self.few).unwrap_or(0)).then_some(ids))
    }

    /// How the containers above are found of which the condition speaks.
    #[cfg(test)]
    pub(super) fn explain_above(&self, db: &Connection) -> ApiResult<String> {
        let plans = std::cell::RefCell::new(Vec::new());
        let few_above = |level: Level, finding: &Finding| {
            let select = finding.select(level, self.few);
            let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {}", select.sql))?;
            let steps =
                statement.query_map(params_from_iter(select.values), |row| row.get::<_, String>(3))?;
            plans.borrow_mut().extend(steps.collect::<Result<Vec<_>, _>>()?);
            Ok(None)
        };
        let are_few = |table: &str, words: &Words| words.are_fewer(db, table, self.few);
        let (containing, level) = (&|_: &str| None, self.returned);
        let compiler =
            Compiler { level, containing, few_above: &few_above, are_few: &are_few, thorough: false };
        compiler.parts(self.node)?;
        Ok(plans.into_inner().join("; "))
    }

    /// The part whose finder has the fewest rows, when they are few enough.
    fn gatherer(
        &self,
        db: &Connection,
        level: Level,
        parts: &[(Expr, Option<Finder>)],
    ) -> ApiResult<Option<usize>> {
        let mut best = None;
        let finders = parts.iter().enumerate().filter_map(|(at, part)| Some((at, part.1.as_ref()?)));
        for (at, finder) in finders.filter(|(_, finder)| !finder.many) {
            let most = best.map_or(self.few, |(_, count)| count);
            let sql = format!(
                "SELECT count(*) FROM (SELECT 1 FROM {} d WHERE {} AND {} LIMIT {most})",
                level.table(),
                finder.beside(&level.indexed_rows("d")),
                finder.condition().sql
            );
            let count: i64 =
                db.prepare(&sql)?.query_row(params_from_iter(finder.condition().values), |row| row.get(0))?;
            if count < most {
                best = Some((at, count));
            }
        }
        // Everything has to be read for an order of its own anyway, so any finder is better than none.
        let any = || parts.iter().position(|part| part.1.is_some()).filter(|_| self.sort.is_some());
        Ok(best.map(|(at, _)| at).or_else(any))
    }

    /// The ids by way of a finder.
    fn gather(&self, level: Level, finder: &Finder, checks: Vec<Expr>) -> Expr {
        let key = self.key(level);
        let sql = format!(
            "SELECT DISTINCT {key} AS id FROM {} d WHERE {} AND {key} IS NOT NULL",
            level.table(),
            finder.beside(&level.rows("d"))
        );
        let mut expr = Expr::new(sql, Vec::new());
        for part in [finder.condition()].into_iter().chain(checks).chain(self.only_analyses(level)) {
            expr.sql.push_str(" AND ");
            expr.sql.push_str(&part.sql);
            expr.values.extend(part.values);
        }
        self.limited(expr, &format!("+{key}"))
    }

    /// The ids by way of the results themselves.
    fn walk(&self, level: Level, checks: Vec<Expr>) -> Expr {
        let mut expr = if level == self.returned {
            let id = level.id();
            Expr::new(
                format!("SELECT d.{id} AS id FROM {} d WHERE {}", level.table(), level.rows("d")),
                Vec::new(),
            )
        } else {
            // An analysis of an acquisition has that for its parent, by which it is found.
            let key = match (self.returned, level) {
                (Level::Acquisition, Level::Analysis) => "d.parent_id".to_owned(),
                _ => self.key(level),
            };
            Expr::new(
                format!(
                    "SELECT t.id AS id FROM {} t WHERE {} AND EXISTS (SELECT 1 FROM {} d WHERE {key} = t.id AND {}",
                    self.returned.table(),
                    self.returned.rows("t"),
                    level.table(),
                    level.rows("d")
                ),
                Vec::new(),
            )
        };
        for check in checks {
            expr.sql.push_str(" AND ");
            expr.sql.push_str(&check.sql);
            expr.values.extend(check.values);
        }
        if level != self.returned {
            expr.sql.push(')');
        }
        let order = if level == self.returned { format!("d.{}", level.id()) } else { "t.id".to_owned() };
        self.limited(expr, &order)
    }

    /// The column of a level's table with the id of the result.
    fn key(&self, level: Level) -> String {
        format!("d.{}", level.id_of(self.returned))
    }

    /// What a file's parent must be so that it is an analysis.
    fn only_analyses(&self, level: Level) -> Option<Expr> {
        (self.returned == Level::Analysis && level == Level::File).then(|| {
            Expr::new(
                "EXISTS (SELECT 1 FROM containers a WHERE a.id = d.parent_id AND a.kind = 6)",
                Vec::new(),
            )
        })
    }

    fn limited(&self, mut expr: Expr, order: &str) -> Expr {
        if let (None, Some(limit)) = (self.sort, self.limit) {
            expr.sql = format!("SELECT id FROM ({} ORDER BY {order} LIMIT {limit})", expr.sql);
        }
        expr
    }

    /// The results of all levels in their order.
    fn together(&self, selects: Vec<Expr>) -> Option<Expr> {
        let sql: Vec<&str> = selects.iter().map(|select| select.sql.as_str()).collect();
        if sql.is_empty() {
            return None;
        }
        let union = sql.join(" UNION ");
        let mut values: Vec<Sql> = selects.iter().flat_map(|select| select.values.iter().cloned()).collect();
        let limit = self.limit.map_or(String::new(), |limit| format!(" LIMIT {limit}"));
        let sql = match self.sort.and_then(|(field, descending)| self.order(field, descending)) {
            None => format!("SELECT id FROM ({union}) ORDER BY id{limit}"),
            Some(order) => {
                values.extend(order.values);
                let (table, id) = (self.returned.table(), self.returned.id());
                let rows = self.returned.rows("d");
                format!(
                    "SELECT d.{id} FROM {table} d WHERE {rows} AND d.{id} IN (SELECT id FROM ({union})) ORDER BY {}, d.{id}{limit}",
                    order.sql
                )
            }
        };
        Some(Expr::new(sql, values))
    }

    /// The order by a field of the results or of what lies above them; none by any other.
    fn order(&self, field: &str, descending: bool) -> Option<Expr> {
        let (head, path) = split(field);
        let level = Level::parse(head).filter(|&level| self.returned.carries(level))?;
        let direction = if descending { "DESC" } else { "ASC" };
        let of = |alias: &str| match Column::of(level, path) {
            Some(column) => Expr::new(column.behind(alias), Vec::new()),
            None => {
                let keys: Vec<String> =
                    path.split('.').map(|key| json_path(key).replacen('$', "", 1)).collect();
                Expr::new(format!("{alias}.doc ->> ?"), vec![format!("${}", keys.concat()).into()])
            }
        };
        let mut key = if level == self.returned { of("d") } else { of("p") };
        if level != self.returned {
            let id = self.returned.id_of(level);
            key.sql = format!("(SELECT {} FROM containers p WHERE p.id = d.{id})", key.sql);
        }
        key.sql = format!("{} {direction}", key.sql);
        Some(key)
    }
}
