//! A condition as SQL, for the documents of one level.
//!
//! Each part comes in one or two forms. A *check* asks one row that is already there. A *finder* leads an index to the
//! rows; only conditions on indexed columns have one, and those on what lies above find its ids first. Which finder is
//! taken is decided in [`super::run`]; the columns in checks wear a `+`, so that SQLite does not decide otherwise.

use flywheel_core::{query::Value as Typed, time};
use rusqlite::types::Value as Sql;
use serde_json::Value;

use super::{
    above::{Finding, is_among},
    check::{self, Spec},
    finder::Finder,
    level::Level,
    node::{Bound, Node, Test, Wanted, split},
    pattern,
};
use crate::{
    error::ApiResult,
    matching::is_date,
    words::{self, Words},
};

/// An expression and the values of its `?`s, in order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expr {
    pub(super) sql: String,
    pub(super) values: Vec<Sql>,
}

impl Expr {
    pub(super) fn new(sql: impl Into<String>, values: Vec<Sql>) -> Self {
        Self { sql: sql.into(), values }
    }

    pub(super) fn wrap(self, before: &str, after: &str) -> Self {
        Self { sql: format!("{before}{}{after}", self.sql), values: self.values }
    }

    pub(super) fn join(parts: Vec<Self>, between: &str) -> Self {
        let sql: Vec<&str> = parts.iter().map(|part| part.sql.as_str()).collect();
        let sql = format!("({})", sql.join(between));
        Self { sql, values: parts.into_iter().flat_map(|part| part.values).collect() }
    }
}

/// A condition for the documents of one level.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Compiled {
    /// It holds for all of them, or for none.
    Always(bool),
    /// It depends. `words` are in the index for every row that meets it.
    Sometimes { check: Expr, finder: Option<Finder>, words: Option<Words> },
}

/// Asks for the containers of a level that meet a condition.
pub(super) type FewAbove<'a> = dyn Fn(Level, &Finding) -> ApiResult<Option<Vec<String>>> + 'a;

/// Makes conditions for the documents of a level, the rows `d` of its table.
pub(super) struct Compiler<'a> {
    pub(super) level: Level,
    /// What contains the text of a [`Node::Text`] among what lies above, when that was worth finding beforehand.
    pub(super) containing: &'a dyn Fn(&str) -> Option<&'a [String]>,
    /// The ids of the containers of a level, the rows `p` of their table, that meet a condition which an index serves; none when they
    /// are many. The condition says whether it names rows by their numbers.
    pub(super) few_above: &'a FewAbove<'a>,
    /// Whether few documents of a table of words have these.
    pub(super) are_few: &'a dyn Fn(&str, &Words) -> ApiResult<bool>,
    /// Whether checks ask the index over words before they open a document: for walks that may be long.
    pub(super) thorough: bool,
}

impl Compiler<'_> {
    /// The parts of a condition, all of which must hold.
    ///
    /// # Errors
    /// 500 when a test cannot be written.
    pub(super) fn parts(&self, node: &Node) -> ApiResult<Vec<Compiled>> {
        match node {
            Node::All(parts) => {
                let nested = parts.iter().map(|part| self.parts(part)).collect::<ApiResult<Vec<_>>>()?;
                Ok(nested.into_iter().flatten().collect())
            }
            other => Ok(vec![self.one(other, false)?]),
        }
    }

    fn one(&self, node: &Node, negated: bool) -> ApiResult<Compiled> {
        match node {
            Node::All(parts) => self.several(parts, negated, negated),
            Node::Any(parts) => self.several(parts, negated, !negated),
            Node::Not(inner) => self.one(inner, !negated),
            Node::Field(name, test) => self.field(name, test).map(|compiled| turned(compiled, negated)),
            Node::Text(text) => self.text(text).map(|compiled| turned(compiled, negated)),
        }
    }

    /// Parts of which one must hold, or each.
    fn several(&self, parts: &[Node], negated: bool, one_will_do: bool) -> ApiResult<Compiled> {
        let (mut checks, mut finders, mut words) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            match self.one(part, negated)? {
                Compiled::Always(truth) if truth == one_will_do => return Ok(Compiled::Always(truth)),
                Compiled::Always(_) => {}
                Compiled::Sometimes { check, finder, words: known } => {
                    checks.push(check);
                    finders.push(finder);
                    words.push(known);
                }
            }
        }
        if checks.is_empty() {
            return Ok(Compiled::Always(!one_will_do));
        }
        let finder = if one_will_do {
            finders.into_iter().collect::<Option<Vec<_>>>().map(|finders| Finder::any(self.level, finders))
        } else {
            finders.into_iter().flatten().find(|finder| !finder.many).map(Finder::checked)
        };
        let words = if one_will_do {
            words.into_iter().collect::<Option<Vec<_>>>().and_then(Words::any)
        } else {
            Words::all(words.into_iter().flatten())
        };
        let check = Expr::join(checks, if one_will_do { " OR " } else { " AND " });
        Ok(Compiled::Sometimes { check, finder, words })
    }

    fn field(&self, name: &str, test: &Test) -> ApiResult<Compiled> {
        if matches!(test, Test::OneOf(values) if values.is_empty()) {
            return Ok(Compiled::Always(false));
        }
        let (head, path) = split(name);
        let own = match (head, path) {
            ("parent", "_id" | "id") if self.level == Level::File => "parent_ref.id",
            ("parent", "type") if self.level == Level::File => "parent_ref.type",
            ("parent", path) if self.level == Level::Analysis => {
                return self.in_doc(&format!("parent.{}", path.trim_start_matches('_')), test);
            }
            _ => "",
        };
        if !own.is_empty() {
            return self.own(own, test);
        }
        match Level::parse(head) {
            Some(level) if level == self.level => self.own(path, test),
            Some(level) if self.level.carries(level) => self.above(level, path, test),
            _ => Ok(Compiled::Always(false)),
        }
    }

    fn own(&self, path: &str, test: &Test) -> ApiResult<Compiled> {
        let column = Column::of(self.level, path);
        let Some(column) = column else { return self.in_doc(path, test) };
        let Some(check) = column.test("+d.", test) else { return Ok(Compiled::Always(false)) };
        let finder = if column.finds(test) { column.test("d.", test).map(Finder::columns) } else { None };
        let words = column.words(test);
        Ok(Compiled::Sometimes { check, finder, words })
    }

    fn in_doc(&self, path: &str, test: &Test) -> ApiResult<Compiled> {
        let words = at_path(self.level, path, test);
        let check = self.narrowed("d", self.level, words.as_ref(), doc_test("d", path, test)?);
        Ok(Compiled::Sometimes { check, finder: None, words })
    }

    /// A test that asks the index over words first, where that is worth it: whatever passes the test has them.
    pub(super) fn narrowed(&self, alias: &str, level: Level, words: Option<&Words>, test: Expr) -> Expr {
        match words.filter(|_| self.thorough) {
            Some(words) => {
                let mut among = among(alias, level, words);
                among.sql.insert(0, '+');
                Expr::join(vec![among, test], " AND ")
            }
            None => test,
        }
    }

    fn text(&self, text: &str) -> ApiResult<Compiled> {
        let text = pattern::contained(text);
        let wanted = Sql::from(text.clone());
        let words = Words::containing(&text);
        let own = Expr::new("search_text(d.doc, ?)", vec![wanted.clone()]);
        let known = (self.containing)(&text);
        let above: Vec<String> = Level::ALL
            .into_iter()
            .filter(|&level| level != self.level && self.level.carries(level))
            // Where the containers are named, the projects of groups are.
            .filter(|&level| known.is_none() || level != Level::Group || self.level == Level::Project)
            .map(|level| format!("d.{}", self.column_above(level)))
            .collect();
        let mut parts = vec![self.narrowed("d", self.level, words.as_ref(), own)];
        let mut finder = None;
        match known {
            Some(ids) => {
                let ids = [id_list(ids)];
                parts.extend(above.iter().map(|id| is_among(&format!("+{id}"), &ids)));
                if let Some(words) = &words
                    && (self.are_few)(self.level.words(), words)?
                {
                    let ways = above.iter().map(|id| Finder::columns(is_among(id, &ids)));
                    let ways = [Finder::words(self.level, words)].into_iter().chain(ways).collect();
                    finder = Some(Finder::any(self.level, ways));
                }
            }
            None if above.is_empty() => {}
            None => {
                let tested = Expr::new("search_text(p.doc, ?)", vec![wanted]);
                let tested = self.narrowed("p", Level::Group, words.as_ref(), tested);
                let from =
                    format!("EXISTS (SELECT 1 FROM containers p WHERE p.id IN ({}) AND ", above.join(", "));
                parts.push(tested.wrap(&from, ")"));
            }
        }
        Ok(Compiled::Sometimes { check: Expr::join(parts, " OR "), finder, words: None })
    }
}

/// That a row is among those that have words.
pub(super) fn among(alias: &str, level: Level, words: &Words) -> Expr {
    Expr::new(
        format!("{alias}.row IN {}", Words::rows_of(level.words())),
        vec![words.asked().to_owned().into()],
    )
}

/// The words of every document that passes a test at a path.
pub(super) fn at_path(level: Level, path: &str, test: &Test) -> Option<Words> {
    let kind = level.kind().map_or(words::FILE, |kind| kind.code());
    match test {
        Test::OneOf(values) if !is_date(path) => {
            let spellings = |wanted: &Wanted| {
                let mut ways = vec![Words::text(kind, path, &wanted.text)?];
                match wanted.phrase().value() {
                    Typed::Number(number) => ways.extend(Words::number(kind, path, number)),
                    Typed::Bool(truth) => ways.extend(Words::truth(kind, path, truth)),
                    Typed::Time(_) | Typed::Text(_) => {}
                }
                Words::any(ways)
            };
            Words::any(values.iter().map(spellings).collect::<Option<Vec<_>>>()?)
        }
        Test::Range(bounds) => {
            let (mut low, mut high) = (None, None);
            for (bound, wanted) in bounds {
                let number = check::number(wanted)?;
                match bound {
                    Bound::Gt | Bound::Gte => low = Some(number),
                    Bound::Lt | Bound::Lte => high = Some(number),
                }
            }
            Words::between(kind, path, low, high)
        }
        Test::Contains(text) => {
            let text = pattern::contained(text);
            let number = text.parse().ok().map(|number| Words::number(kind, path, number));
            let ways = [Some(Words::containing(&text)), number].into_iter().flatten();
            Words::any(ways.collect::<Option<Vec<_>>>()?)
        }
        test => in_text(test),
    }
}

/// The words of every text that passes a test.
fn in_text(test: &Test) -> Option<Words> {
    match test {
        Test::Contains(text) => Words::containing(&pattern::contained(text)),
        Test::Like(like) if like.is_ascii() => {
            let runs = like.split(['%', '*', '_', '?']).filter(|run| run.len() > 2);
            Words::all(runs.filter_map(|run| Words::containing(&run.to_ascii_lowercase())))
        }
        _ => None,
    }
}

/// Ids as the JSON list that `json_each` reads.
pub(super) fn id_list(ids: &[String]) -> Sql {
    Value::from(ids).to_string().into()
}

fn turned(compiled: Compiled, negated: bool) -> Compiled {
    match compiled {
        compiled if !negated => compiled,
        Compiled::Always(truth) => Compiled::Always(!truth),
        Compiled::Sometimes { check, .. } => {
            Compiled::Sometimes { check: check.wrap("NOT coalesce(", ", 0)"), finder: None, words: None }
        }
    }
}

/// A test on a path inside a document: SQLite takes out what lies under the first key, the rest is done there. A document
/// in whose text none of the wanted values stands need not be opened for that.
pub(super) fn doc_test(alias: &str, path: &str, test: &Test) -> ApiResult<Expr> {
    let spec = Spec::new(path, test).written()?;
    let sql = format!("search_holds({alias}.doc -> ?, ?)");
    let tested = Expr::new(sql, vec![json_path(split(path).0).into(), spec.into()]);
    let Some(texts) = spelled(path, test) else { return Ok(tested) };
    let stands = |text: &str| Expr::new(format!("instr({alias}.doc, ?)"), vec![text.to_owned().into()]);
    let stands = Expr::join(texts.into_iter().map(stands).collect(), " OR ");
    Ok(Expr::join(vec![stands, tested], " AND "))
}

/// The texts of which one stands in every document that passes the test, when that can be said: JSON writes plain text
/// in one way, but numbers and dates in several.
fn spelled<'a>(path: &str, test: &'a Test) -> Option<Vec<&'a str>> {
    let Test::OneOf(values) = test else { return None };
    let plain = |wanted: &Wanted| {
        wanted.text.bytes().all(|b| (b' '..=b'~').contains(&b) && !b"\"\\/".contains(&b))
            && !wanted.text.is_empty()
            && !wanted.phrase().is_typed()
    };
    let sayable = values.len() <= 4 && !is_date(path) && values.iter().all(plain);
    sayable.then(|| values.iter().map(|wanted| wanted.text.as_str()).collect())
}

/// A key as SQLite writes paths. A key with a quotation mark cannot be written; it names nothing.
pub(super) fn json_path(key: &str) -> String {
    format!("$.\"{}\"", key.replace('"', "\u{1}"))
}

/// A text or a number for a `?`.
fn bound(value: &Value) -> Sql {
    match value.as_f64() {
        Some(number) => number.into(),
        None => value.as_str().unwrap_or_default().to_owned().into(),
    }
}

/// A field that is kept in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    /// The column behind the alias, or what stands for it.
    name: &'static str,
    holds: Holds,
    indexed: bool,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Text,
    Time,
    Number,
}

impl Column {
    /// The column of a field of this level, when it has one.
    pub(super) fn of(level: Level, path: &str) -> Option<Self> {
        let column = |name, holds, indexed| Some(Self { name, holds, indexed });
        match (level, path) {
            (Level::File, "name") => column("name", Holds::Text, true),
            (Level::File, "type") => column("type", Holds::Text, true),
            (Level::File, "modality") => column("modality", Holds::Text, true),
            (Level::File, "size") => column("size", Holds::Number, false),
            (Level::File, "version") => column("version", Holds::Number, false),
            (Level::File, "file_id" | "id") => column("file_id", Holds::Text, true),
            (Level::File, "parent_ref.id") => column("parent_id", Holds::Text, true),
            (_, "created") => column("created", Holds::Time, false),
            (_, "modified") => column("modified", Holds::Time, false),
            (Level::File, _) => None,
            (_, "_id" | "id") => column("id", Holds::Text, true),
            (_, "label") | (Level::Subject, "code") => column("label", Holds::Text, true),
            (_, "uid") => column("uid", Holds::Text, false),
            (Level::Session, "age") => column("doc ->> '$.age'", Holds::Number, true),
            (_, "timestamp") => column("timestamp", Holds::Time, true),
            _ => None,
        }
    }

    /// The column behind an alias.
    pub(super) fn behind(self, alias: &str) -> String {
        format!("{alias}.{}", self.name)
    }

    /// Whether its text is among the words of the document, as ids and times are not.
    fn is_read(self) -> bool {
        matches!(self.name, "label" | "uid" | "name" | "type" | "modality")
    }

    /// The words of every document whose column passes a test, where no index finds those.
    pub(super) fn words(self, test: &Test) -> Option<Words> {
        if self.is_read() && !self.finds(test) { in_text(test) } else { None }
    }

    /// Whether an index finds the rows for which a test holds.
    pub(super) fn finds(self, test: &Test) -> bool {
        self.indexed
            && match test {
                Test::OneOf(_) | Test::Range(_) => true,
                Test::Like(like) => !like.starts_with(['%', '*', '_', '?']),
                Test::Matches(_) | Test::Contains(_) | Test::Exists => false,
            }
    }

    /// The test on the column behind `alias` (`d.`, `+d.`); none when no value of the column can pass it.
    pub(super) fn test(self, alias: &str, test: &Test) -> Option<Expr> {
        // `->>` binds tighter than everything else, the sign included only in parentheses.
        let column = match alias.strip_prefix('+') {
            Some(alias) => format!("+({alias}{})", self.name),
            None => format!("{alias}{}", self.name),
        };
        Some(match test {
            Test::OneOf(wanted) => {
                let mut values: Vec<Value> =
                    wanted.iter().filter_map(|wanted| self.exact(wanted, true)).collect();
                match (values.len(), values.pop()) {
                    (1, Some(value)) => Expr::new(format!("{column} = ?"), vec![bound(&value)]),
                    (_, Some(last)) => {
                        values.push(last);
                        let sql = format!("{column} IN (SELECT value FROM json_each(?))");
                        Expr::new(sql, vec![Value::from(values).to_string().into()])
                    }
                    (_, None) => return None,
                }
            }
            Test::Range(bounds) => {
                let mut parts = Vec::new();
                for (end, wanted) in bounds {
                    let value = self.exact(wanted, false)?;
                    parts.push(Expr::new(format!("{column} {} ?", end.sign()), vec![bound(&value)]));
                }
                Expr::join(parts, " AND ")
            }
            Test::Exists => Expr::new(format!("{column} <> ''"), Vec::new()),
            Test::Contains(text) => {
                Expr::new(format!("search_contains({column}, ?)"), vec![pattern::contained(text).into()])
            }
            _ if self.holds == Holds::Number => return None,
            Test::Like(like) => {
                Expr::new(format!("{column} GLOB ?"), vec![pattern::glob_of_like(like).into()])
            }
            Test::Matches(regex) => {
                Expr::new(format!("text_matches({column}, ?)"), vec![regex.clone().into()])
            }
        })
    }

    /// The value as the column holds it.
    fn exact(self, wanted: &Wanted, equality: bool) -> Option<Value> {
        match self.holds {
            // A number or a date is in no order with text, but its spelling may be equal to it.
            Holds::Text if equality || !wanted.phrase().is_typed() => Some(wanted.text.clone().into()),
            Holds::Text => None,
            Holds::Time => check::instant(wanted).map(|instant| time::format(instant).into()),
            Holds::Number => check::number(wanted).map(Value::from),
        }
    }
}
