//! Running a list: one table, a scope, what the caller may see, a filter, an order, a page.
//!
//! Without a sort order rows come by ascending id, which is also what `after_id` continues: each page is a seek in an
//! index on (scope, id), so its cost does not grow with what lies before or behind it.

mod piece;
mod question;
mod stream;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use flywheel_core::id::ObjectId;
use rusqlite::{Connection, Row, params_from_iter, types::Value as Sql};
use serde_json::{Value, json};

use self::question::Question;
pub(crate) use self::{piece::Piece, stream::in_pages};
use crate::{
    access::Action,
    auth::Caller,
    error::{ApiError, ApiResult},
    filter_sql::{self, Condition, Indexed, Place, Reach, Source, Type, column_type},
    kind::Kind,
    query::ListQuery,
    store::{self, Doc, containers::Container, files::FileRow, parse_doc},
    words::{self, FEW, Words},
};

/// A list about to be run.
pub(crate) struct List<'a> {
    /// What is selected, and from where: `c.id, c.kind, c.doc FROM containers c`.
    select: &'static str,
    /// The column that orders and continues the list.
    key: &'static str,
    source: &'a dyn Source,
    query: &'a ListQuery,
    conditions: Vec<Condition>,
}

/// A page of rows, and how many there are in all when the caller asked for pages.
pub(crate) struct Rows<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) total: Option<i64>,
}

impl<'a> List<'a> {
    /// A list of containers of one kind.
    pub(crate) fn containers(source: &'a Containers, query: &'a ListQuery) -> Self {
        let kind = Condition::new(format!("c.kind = {} AND c.deleted IS NULL", source.0.code()), Vec::new());
        let kind = kind.reaching(Reach::Kind);
        let select = "c.id, c.kind, c.doc FROM containers c";
        Self { select, key: "c.id", source, query, conditions: vec![kind] }
    }

    /// A list of current files.
    pub(crate) fn files(query: &'a ListQuery) -> Self {
        let current = Condition::new("f.current", Vec::new());
        Self {
            select: "f.doc, f.blob FROM files f",
            key: "f.file_id",
            source: &Files,
            query,
            conditions: vec![current],
        }
    }

    /// A list of accounts (`user`, `device`).
    pub(crate) fn accounts(kind: &str, query: &'a ListQuery) -> Self {
        let kind = Condition::new("a.kind = ?", vec![kind.to_owned().into()]);
        Self {
            select: "a.doc FROM accounts a",
            key: "a.id",
            source: &Plain("a"),
            query,
            conditions: vec![kind],
        }
    }

    /// A list of records of one kind (roles, modalities).
    pub(crate) fn records(kind: &str, query: &'a ListQuery) -> Self {
        let kind = Condition::new("r.kind = ?", vec![kind.to_owned().into()]);
        Self {
            select: "r.doc FROM records r",
            key: "r.id",
            source: &Plain("r"),
            query,
            conditions: vec![kind],
        }
    }

    /// A list of any table: what is selected and from where, the column that orders it, and where its fields lie.
    pub(crate) fn of(
        select: &'static str,
        key: &'static str,
        source: &'a dyn Source,
        query: &'a ListQuery,
    ) -> Self {
        Self { select, key, source, query, conditions: vec![Condition::new("TRUE", Vec::new())] }
    }

    /// A list of versions of gears.
    pub(crate) fn gears(query: &'a ListQuery) -> Self {
        Self::of("g.doc FROM gears g", "g.id", &Gears, query)
    }

    /// A list of jobs.
    pub(crate) fn jobs(query: &'a ListQuery) -> Self {
        Self::of("j.id, j.doc FROM jobs j", "j.id", &Jobs, query)
    }

    /// Narrows the list to rows whose column has this value.
    pub(crate) fn within(self, column: &str, value: &str) -> Self {
        let condition = Condition::new(format!("{column} = ?"), vec![value.to_owned().into()]);
        let words = column.ends_with(".project_id").then(|| Words::in_project(value));
        self.and(condition.reaching(Reach::Many).with_words(words))
    }

    /// Narrows the list by a condition.
    pub(crate) fn and(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Narrows the list to what the caller may see; asking for everything is for site administrators and devices.
    ///
    /// # Errors
    /// 403 when `exhaustive` is asked for by anybody else.
    pub(crate) fn visible_to(self, caller: &Caller, sight: Sight) -> ApiResult<Self> {
        if caller.is_device() || (self.query.exhaustive && caller.is_site_admin()) {
            return Ok(self);
        }
        if self.query.exhaustive {
            return Err(ApiError::forbidden("exhaustive=true is for site administrators"));
        }
        if caller.rule_project().is_some() && matches!(sight, Sight::Groups) {
            return Err(ApiError::forbidden("The job of a gear rule sees its project alone, no groups"));
        }
        Ok(self.and(sight.condition(caller)))
    }

    /// The conditions that every row meets, wherever the page begins.
    fn conditions(&self) -> ApiResult<Vec<Condition>> {
        let mut conditions = self.conditions.clone();
        conditions.extend(filter_sql::conditions(&self.query.filter, self.source)?);
        Ok(conditions)
    }

    /// The statement that selects something of the rows, at most so many after those that are skipped, and its values.
    fn statement(
        &self,
        (select, limit, skip): (&str, i64, i64),
        mut conditions: Vec<Condition>,
    ) -> (String, Vec<Sql>) {
        filter_sql::prefer_few(&mut conditions);
        if let Some(after) = self.query.after_id.as_ref().filter(|after| !after.is_empty()) {
            // Clients before release 20.3 continue a list of files after a document's `_id`.
            let cursor = if self.key == "f.file_id" && !ObjectId::is_id(after) {
                "(SELECT file_id FROM files WHERE uuid = ?)"
            } else {
                "?"
            };
            conditions.push(Condition::new(format!("{} > {cursor}", self.key), vec![after.clone().into()]));
        }
        let mut order = filter_sql::order_terms(&self.query.sort, self.source);
        // Few rows are sorted in no time; an index that has them in order must not be preferred to the one that finds
        // them.
        let few = conditions.iter().any(|condition| condition.reach.is_few());
        order.push(Condition::new(format!("{}{}", if few { "+" } else { "" }, self.key), Vec::new()));
        let ((filter, mut values), (order, order_values)) = (join(&conditions, " AND "), join(&order, ", "));
        values.extend(order_values);
        values.extend([Sql::from(limit), Sql::from(skip)]);
        (format!("SELECT {select} WHERE {filter} ORDER BY {order} LIMIT ? OFFSET ?"), values)
    }

    /// Runs it; `read` makes a row of the selected columns.
    ///
    /// # Errors
    /// 400 for a filter that cannot be evaluated.
    pub(crate) fn run<T>(self, db: &Connection, read: fn(&Row<'_>) -> ApiResult<T>) -> ApiResult<Rows<T>> {
        if let (Some(piece), Some(indexed)) = (&self.query.piece, self.source.indexed()) {
            return self.run_piece(db, piece, indexed.row, read);
        }
        let mut conditions = self.conditions()?;
        let rows =
            self.find(db, &mut conditions, |conditions| self.fetch(db, self.page(), conditions, read))?;
        let total = if self.query.paged { Some(self.count(db, conditions)?) } else { None };
        Ok(Rows { rows, total })
    }

    /// What is selected, how many at most, and how many before them are left out.
    fn page(&self) -> (&str, i64, i64) {
        (self.select, self.query.limit.unwrap_or(-1), self.query.skip)
    }

    /// Fetches by way of the index over words, or past it, whichever is quicker; the conditions are then such that they may
    /// be counted.
    fn find<T>(
        &self,
        db: &Connection,
        conditions: &mut Vec<Condition>,
        fetch: impl Fn(Vec<Condition>) -> ApiResult<T>,
    ) -> ApiResult<T> {
        let question = Question::about(self.source, conditions);
        let few = match &question {
            Some(question) => {
                let wanted = self.query.limit.filter(|_| self.query.sort.keys.is_empty());
                let few = words::few(db, question.table(), wanted)?;
                !question.words.is_gathered() && question.finds_fewer(db, few)?
            }
            None => false,
        };
        // A walk that finds its rows early needs no index over words; one that does not is begun again with it.
        let walked = match &question {
            Some(_) if few => None,
            Some(_) => store::briefly(|| fetch(conditions.clone()))?,
            None => Some(fetch(conditions.clone())?),
        };
        if let Some(question) = question.filter(|_| walked.is_none() || self.query.paged) {
            let few = few || question.finds_fewer(db, FEW)?;
            conditions.insert(0, question.condition(few));
        }
        match walked {
            Some(found) => Ok(found),
            None => fetch(conditions.clone()),
        }
    }

    fn fetch<T>(
        &self,
        db: &Connection,
        page: (&str, i64, i64),
        conditions: Vec<Condition>,
        read: fn(&Row<'_>) -> ApiResult<T>,
    ) -> ApiResult<Vec<T>> {
        let (sql, values) = self.statement(page, conditions);
        let mut statement = db.prepare_cached(&sql)?;
        let mut found = statement.query(params_from_iter(values))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(read(row)?);
        }
        Ok(rows)
    }

    fn count(&self, db: &Connection, mut conditions: Vec<Condition>) -> ApiResult<i64> {
        filter_sql::prefer_few(&mut conditions);
        let from = self.select.split_once(" FROM ").map_or(self.select, |(_, from)| from);
        let (filter, values) = join(&conditions, " AND ");
        let sql = format!("SELECT count(*) FROM {from} WHERE {filter}");
        Ok(db.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?)
    }

    /// What the index over words says of its rows, when it is asked.
    #[cfg(test)]
    pub(crate) fn question(&self, few: bool) -> ApiResult<Option<Condition>> {
        let question = Question::about(self.source, &self.conditions()?);
        Ok(question.map(|question| question.condition(few)))
    }

    /// How many rows there are, wherever the page begins.
    ///
    /// # Errors
    /// As [`List::run`].
    pub(crate) fn total(self, db: &Connection) -> ApiResult<i64> {
        self.count(db, self.conditions()?)
    }

    /// The plan that SQLite makes for it.
    #[cfg(test)]
    pub(crate) fn explain(self, db: &Connection) -> ApiResult<String> {
        let (sql, values) = self.statement(self.page(), self.conditions()?);
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let steps = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3))?;
        Ok(steps.collect::<Result<Vec<_>, _>>()?.join("; "))
    }
}

fn join(parts: &[Condition], between: &str) -> (String, Vec<Sql>) {
    let sql: Vec<&str> = parts.iter().map(|part| part.sql.as_str()).collect();
    let values = parts.iter().flat_map(|part| part.values.iter().cloned()).collect();
    (sql.join(between), values)
}

/// Reads a row that is a document alone.
pub(crate) fn doc_row(row: &Row<'_>) -> ApiResult<Doc> {
    parse_doc(row.get_ref(0)?.as_str().map_err(ApiError::internal)?)
}

/// What decides which rows a caller sees.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sight {
    /// Containers in projects whose roles grant the action.
    Projects(Action),
    /// Files in projects whose roles grant the action.
    FilesOf(Action),
    /// Groups: a permission on them, or a role on a project of theirs.
    Groups,
    /// Collections with a permission.
    Collections,
    /// Jobs of the caller's own, and those in projects whose roles grant the action.
    Jobs(Action),
}

impl Sight {
    /// The rows that a caller sees.
    pub(crate) fn condition(self, caller: &Caller) -> Condition {
        let user = Sql::from(caller.id().to_owned());
        let in_projects = |table: &str, action: Action| {
            if let Some((project, actions)) = caller.rule_project() {
                let condition =
                    Condition::new(format!("{table}.project_id = ?"), vec![project.to_owned().into()]);
                return if actions.has(action) { condition } else { Condition::new("FALSE", Vec::new()) };
            }
            let granted = "SELECT g.container_id FROM grants g JOIN records r ON r.kind = 'role' AND r.id = g.role
                 WHERE g.user_id = ? AND EXISTS (SELECT 1 FROM json_each(r.doc, '$.actions') WHERE value = ?)";
            let values = vec![user.clone(), action.name().to_owned().into()];
            Condition::new(format!("{table}.project_id IN ({granted})"), values).reaching(Reach::Many)
        };
        match self {
            Sight::Projects(action) => in_projects("c", action),
            Sight::FilesOf(action) => in_projects("f", action),
            Sight::Jobs(action) => {
                let Condition { sql, mut values, .. } = in_projects("j", action);
                values.insert(0, user);
                Condition::new(format!("(j.asker = ? OR {sql})"), values)
            }
            Sight::Groups => Condition::new(
                "c.id IN (SELECT container_id FROM grants WHERE user_id = ?
                    UNION SELECT p.parent_id FROM grants g JOIN containers p ON p.id = g.container_id
                    WHERE g.user_id = ? AND p.kind = 2 AND p.deleted IS NULL)",
                vec![user.clone(), user],
            ),
            Sight::Collections => {
                Condition::new("c.id IN (SELECT container_id FROM grants WHERE user_id = ?)", vec![user])
            }
        }
    }

    /// What decides for containers of a kind.
    pub(crate) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Group => Sight::Groups,
            Kind::Collection => Sight::Collections,
            Kind::Analysis => Sight::Projects(Action::AnalysesViewMetadata),
            Kind::Project | Kind::Subject | Kind::Session | Kind::Acquisition => {
                Sight::Projects(Action::ContainersViewMetadata)
            }
        }
    }
}

/// The answer to a list call: the bare list, or a Page when the caller asked for pages.
pub(crate) fn answer(rows: Rows<Value>) -> Response {
    match rows.total {
        None => Json(rows.rows).into_response(),
        Some(total) => Json(page(rows.rows, total)).into_response(),
    }
}

/// `{count, total, results}`.
pub(crate) fn page(rows: Vec<Value>, total: i64) -> Value {
    json!({"count": rows.len(), "total": total, "results": rows})
}

/// `{count, total, results, next}` of records: `next` is the `after_id` of the page that follows. It is empty where
/// none does, and in an order of the caller's, which `after_id` excludes.
pub(crate) fn linked_page(rows: Vec<Value>, total: i64, query: &ListQuery) -> Value {
    let shown = query.skip.saturating_add(i64::try_from(rows.len()).unwrap_or(i64::MAX));
    let last = rows.last().filter(|_| shown < total && query.sort.keys.is_empty());
    let next = last.and_then(|row| row.get("_id")).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut page = page(rows, total);
    page["next"] = next.into();
    page
}

/// The containers of one kind as a source of lists.
pub(crate) struct Containers(pub(crate) Kind);

const ANCESTORS: [Kind; 5] = Kind::LEVELS;

impl Source for Containers {
    fn place(&self, field: &str) -> Place {
        let column = |name: &str, kind| Place::Column(format!("c.{name}"), kind);
        let (head, rest) = field.split_once('.').map_or((field, None), |(head, rest)| (head, Some(rest)));
        match (head, rest) {
            ("_id" | "id", None) => return column("id", Type::Id),
            ("label" | "uid" | "timestamp" | "created" | "modified", None) => {
                return column(head, column_type(head));
            }
            ("code", None) if self.0 == Kind::Subject => return column("label", Type::Text),
            ("subject", Some("age")) if self.0 == Kind::Session => return Place::Doc("age".to_owned()),
            ("parent", Some("id")) if self.0 == Kind::Analysis => return column("parent_id", Type::Id),
            ("files", Some(path)) => {
                let from = "files f WHERE f.parent_id = c.id AND f.current".to_owned();
                return Place::Any { doc: "f.doc", from, path: path.to_owned() };
            }
            ("analyses", Some(path)) => {
                let from =
                    "containers n WHERE n.parent_id = c.id AND n.kind = 6 AND n.deleted IS NULL".to_owned();
                return Place::Any { doc: "n.doc", from, path: path.to_owned() };
            }
            ("collections", None) if self.0 == Kind::Acquisition => {
                let from = "collected k WHERE k.acquisition_id = c.id".to_owned();
                return Place::AnyColumn { column: "k.collection_id", from };
            }
            ("permissions", Some(_)) if !matches!(self.0, Kind::Group | Kind::Project | Kind::Collection) => {
                let from = "containers p WHERE p.id = c.project_id".to_owned();
                return Place::One { doc: "p.doc", from, path: field.to_owned() };
            }
            _ => {}
        }
        ancestor_place(self.0, "c", field).unwrap_or_else(|| Place::Doc(field.to_owned()))
    }

    fn doc(&self) -> &'static str {
        "c.doc"
    }

    fn indexed(&self) -> Option<Indexed> {
        Some(Indexed { words: "container_words", row: "c.row", kind: self.0.code() })
    }
}

/// `project`, `parents.project`, `project._id`, `project.label`: the column of the ancestor, or a field of its document.
fn ancestor_place(kind: Kind, table: &str, field: &str) -> Option<Place> {
    let path = field.strip_prefix("parents.").unwrap_or(field);
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let ancestor = ANCESTORS.into_iter().find(|level| level.singular() == name)?;
    if ancestor == kind || (kind.parent().is_some() && ancestor > kind) {
        return None;
    }
    let column = if kind.parent() == Some(ancestor) { "parent_id" } else { ancestor.column()? };
    let column = format!("{table}.{column}");
    match rest {
        None | Some("_id" | "id") => Some(Place::Column(column, Type::Id)),
        Some(_) if field.starts_with("parents.") => None,
        Some("label") => Some(Place::LabelOf { id: column, kind: ancestor }),
        Some("code") if ancestor == Kind::Subject => Some(Place::LabelOf { id: column, kind: ancestor }),
        Some(rest) => {
            let from = format!("containers p WHERE p.id = {column}");
            Some(Place::One { doc: "p.doc", from, path: rest.to_owned() })
        }
    }
}

/// The current files as a source of lists.
pub(crate) struct Files;

impl Source for Files {
    fn place(&self, field: &str) -> Place {
        let column = |name: &str, kind| Place::Column(format!("f.{name}"), kind);
        match field {
            "file_id" | "id" => column("file_id", Type::Id),
            "_id" => column("uuid", Type::Id),
            "parent_ref.id" => column("parent_id", Type::Id),
            "name" | "type" | "modality" | "created" | "modified" => column(field, column_type(field)),
            "size" | "version" => column(field, Type::Number),
            _ => file_ancestor_place(field).unwrap_or_else(|| Place::Doc(field.to_owned())),
        }
    }

    /// Files are asked for by id one by one.
    fn unfiltered(&self, field: &str) -> bool {
        matches!(field, "_id" | "id" | "file_id")
    }

    fn doc(&self) -> &'static str {
        "f.doc"
    }

    fn indexed(&self) -> Option<Indexed> {
        Some(Indexed { words: "file_words", row: "f.row", kind: words::FILE })
    }
}

/// A file lies below every level, so each of them is an ancestor.
fn file_ancestor_place(field: &str) -> Option<Place> {
    ancestor_place(Kind::Analysis, "f", field)
}

/// The versions of gears as a source of lists.
struct Gears;

impl Source for Gears {
    fn place(&self, field: &str) -> Place {
        match field {
            "_id" | "id" => Place::Column("g.id".to_owned(), Type::Id),
            _ => Place::Doc(field.to_owned()),
        }
    }

    fn doc(&self) -> &'static str {
        "g.doc"
    }
}

/// The jobs as a source of lists.
struct Jobs;

impl Source for Jobs {
    fn place(&self, field: &str) -> Place {
        let column = |name: &str, kind| Place::Column(format!("j.{name}"), kind);
        match field {
            "_id" | "id" | "gear_id" => column(if field == "gear_id" { field } else { "id" }, Type::Id),
            "parents.project" | "project" => column("project_id", Type::Id),
            "state" => column("state", Type::Text),
            "created" | "modified" => column(field, Type::Time),
            _ => Place::Doc(field.to_owned()),
        }
    }

    fn doc(&self) -> &'static str {
        "j.doc"
    }
}

/// A table whose documents alone are filtered; the argument is its name in the statement.
pub(crate) struct Plain(pub(crate) &'static str);

impl Source for Plain {
    fn place(&self, field: &str) -> Place {
        match field {
            "_id" | "id" => Place::Column(format!("{}.id", self.0), Type::Id),
            _ => Place::Doc(field.to_owned()),
        }
    }

    fn doc(&self) -> &'static str {
        match self.0 {
            "a" => "a.doc",
            _ => "r.doc",
        }
    }
}

/// Lists the files that a caller may see.
///
/// # Errors
/// As [`List::run`].
pub(crate) fn visible_files(db: &Connection, caller: &Caller, query: &ListQuery) -> ApiResult<Rows<FileRow>> {
    List::files(query)
        .visible_to(caller, Sight::FilesOf(Action::FilesViewMetadata))?
        .run(db, FileRow::from_row)
}

/// Lists the containers of a kind that a caller may see, within a scope when there is one.
///
/// # Errors
/// As [`List::run`].
pub(crate) fn visible_containers(
    db: &Connection,
    caller: &Caller,
    kind: Kind,
    query: &ListQuery,
    scope: Option<Condition>,
) -> ApiResult<Rows<Container>> {
    let source = Containers(kind);
    let list = List::containers(&source, query).visible_to(caller, Sight::of(kind))?;
    scope.into_iter().fold(list, List::and).run(db, Container::from_row)
}
