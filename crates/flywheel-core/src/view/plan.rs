//! A checked view: which containers are visited, which files are looked into, which columns come out in which order.
//! What cannot work is said here, before anything is visited.

use serde_json::{Map, Value};

use super::{
    alias,
    condition::Condition,
    document::{
        Accumulator, AnalysisFilter, Column, FileSpec, GroupBy, Match, MissingData, NameFilter, RecordFormat,
        View,
    },
    expression::Expression,
    names::NamePattern,
    value::{self, ColumnType},
};
use crate::{filter::Filter, syntax::ParseError};

/// A container that a view visits, outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A project.
    Project,
    /// A subject.
    Subject,
    /// A session.
    Session,
    /// An acquisition.
    Acquisition,
}

impl Level {
    /// Every level, outermost first.
    pub const ALL: [Self; 4] = [Self::Project, Self::Subject, Self::Session, Self::Acquisition];

    /// As columns write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Subject => "subject",
            Self::Session => "session",
            Self::Acquisition => "acquisition",
        }
    }

    /// The level of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// What a column reads from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A container.
    Container(Level),
    /// The analysis that holds the file.
    Analysis,
    /// The file: what is known about it.
    File,
    /// A record in the file.
    Record,
}

impl Origin {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "analysis" => Some(Self::Analysis),
            "file" => Some(Self::File),
            "file_data" => Some(Self::Record),
            _ => Level::parse(name).map(Self::Container),
        }
    }
}

/// What a row is made of.
pub trait Parts {
    /// The document that columns of this origin read from; none where the row has no such part.
    fn part(&self, origin: Origin) -> Option<&Map<String, Value>>;
}

/// A column that comes out.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputColumn {
    /// Its name.
    pub name: String,
    /// What it reads from.
    pub origin: Origin,
    /// The path in there.
    pub path: Vec<String>,
    /// What values become.
    pub kind: Option<ColumnType>,
    /// The arithmetic that values go through, in this order.
    pub expressions: Vec<Expression>,
    /// What becomes of it when rows are grouped.
    pub accumulator: Option<Accumulator>,
}

impl OutputColumn {
    /// A field of the records of files, as it is.
    pub fn of_record(name: impl Into<String>) -> Self {
        let name = name.into();
        Self::plain(name.clone(), Origin::Record, vec![name])
    }

    fn plain(name: String, origin: Origin, path: Vec<String>) -> Self {
        Self { name, origin, path, kind: None, expressions: Vec::new(), accumulator: None }
    }

    /// The value in a row; none where it is missing, which is not the same as null.
    pub fn value(&self, parts: &impl Parts) -> Option<Value> {
        let mut found = value::at_path_of(parts.part(self.origin)?, &self.path)?.clone();
        if !found.is_null() {
            for expression in &self.expressions {
                found = value::from_number(expression.of(value::number(&found)?)?)?;
            }
        }
        match self.kind {
            Some(kind) => kind.convert(found),
            None => Some(found),
        }
    }

    /// Whether both read the same.
    fn reads_as(&self, other: &Self) -> bool {
        (self.origin, &self.path) == (other.origin, &other.path)
    }

    /// Whether both are the same column under the same name.
    fn repeats(&self, other: &Self) -> bool {
        self.reads_as(other) && (&self.name, self.kind) == (&other.name, other.kind)
    }
}

/// Which files are looked into, made ready.
#[derive(Clone, Debug)]
pub struct FileRule {
    /// The containers whose files are meant.
    pub level: Level,
    /// When given, the files of the containers' analyses are meant.
    pub analyses: Option<AnalysisRule>,
    /// The names of the files.
    pub names: NamePattern,
    /// Which of several files, and of several analyses.
    pub matching: Match,
    /// The names of members of zip archives.
    pub member_names: NamePattern,
    /// Which of several members.
    pub member_matching: Match,
    /// How files are written; by their names' ends when none.
    pub format: Option<RecordFormat>,
    /// How tables are written.
    pub dialect: Dialect,
    /// Whether each record makes a row, and not each file.
    pub records: bool,
}

/// Which analyses are meant, made ready.
#[derive(Clone, Debug)]
pub struct AnalysisRule(Vec<(&'static [&'static str], NamePattern)>);

impl AnalysisRule {
    fn new(filter: &AnalysisFilter) -> Result<Self, ViewError> {
        let each: [(&'static [&'static str], &Option<NameFilter>); 3] = [
            (&["label"], &filter.label),
            (&["gear_info", "name"], &filter.gear_name),
            (&["gear_info", "version"], &filter.gear_version),
        ];
        let given = each.into_iter().filter_map(|(path, filter)| Some((path, filter.as_ref()?)));
        let rules = given.map(|(path, filter)| Ok((path, NamePattern::new(filter)?)));
        rules.collect::<Result<_, ViewError>>().map(Self)
    }

    /// Whether the analysis of this document is meant.
    pub fn matches(&self, analysis: &Map<String, Value>) -> bool {
        self.0.iter().all(|(path, pattern)| {
            let path: Vec<String> = path.iter().map(|&key| key.to_owned()).collect();
            let found = value::at_path_of(analysis, &path).and_then(Value::as_str);
            found.is_some_and(|text| pattern.matches(text))
        })
    }
}

/// How the fields of a table are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// What stands between fields; none is a comma, or a tab in tsv.
    pub delimiter: Option<u8>,
    /// What stands around fields that hold delimiters; none where nothing does.
    pub quote: Option<u8>,
    /// What stands before a quote inside a field, where it is not doubled.
    pub escape: Option<u8>,
    /// Whether a quote inside a field is doubled.
    pub double_quote: bool,
    /// Whether spaces around fields are dropped.
    pub trim: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { delimiter: None, quote: Some(b'"'), escape: None, double_quote: true, trim: false }
    }
}

impl Dialect {
    fn new(options: Option<&Value>) -> Result<Self, ViewError> {
        let mut dialect = Self::default();
        let Some(options) = options.filter(|options| !options.is_null()) else { return Ok(dialect) };
        let options = options.as_object().ok_or_else(|| wrong_option("formatOptions", "an object"))?;
        for (name, value) in options {
            match name.as_str() {
                "delimiter" => dialect.delimiter = Some(one_byte(name, value)?),
                "quotechar" if value.is_null() => dialect.quote = None,
                "quotechar" => dialect.quote = Some(one_byte(name, value)?),
                "escapechar" if value.is_null() => dialect.escape = None,
                "escapechar" => dialect.escape = Some(one_byte(name, value)?),
                "doublequote" => dialect.double_quote = truth(name, value)?,
                "skipinitialspace" => dialect.trim = truth(name, value)?,
                "quoting" if value == 3 => dialect.quote = None,
                "quoting" | "lineterminator" | "strict" | "encoding" => {}
                "dialect" => match value.as_str() {
                    Some("excel" | "unix") => {}
                    Some("excel-tab") => dialect.delimiter = Some(b'\t'),
                    _ => return Err(wrong_option(name, "excel, excel-tab or unix")),
                },
                _ => return Err(wrong_option(name, "an option of tables, such as delimiter or quotechar")),
            }
        }
        Ok(dialect)
    }
}

fn wrong_option(name: &str, expected: &str) -> ViewError {
    ViewError::FormatOption(name.to_owned(), expected.to_owned())
}

fn one_byte(name: &str, value: &Value) -> Result<u8, ViewError> {
    match value.as_str().map(str::as_bytes) {
        Some(&[byte]) => Ok(byte),
        _ => Err(wrong_option(name, "one ASCII character")),
    }
}

fn truth(name: &str, value: &Value) -> Result<bool, ViewError> {
    value.as_bool().ok_or_else(|| wrong_option(name, "true or false"))
}

impl FileRule {
    fn new(spec: &FileSpec) -> Result<Self, ViewError> {
        if spec.filter.value.is_empty() {
            return Err(ViewError::FilesNeedBoth);
        }
        let level =
            Level::parse(&spec.container).ok_or_else(|| ViewError::FileContainer(spec.container.clone()))?;
        let any = NameFilter::new("*");
        let members = spec.zip_member.as_ref();
        Ok(Self {
            level,
            analyses: spec.analysis_filter.as_ref().map(AnalysisRule::new).transpose()?,
            names: NamePattern::new(&spec.filter)?,
            matching: spec.matching.unwrap_or_default(),
            member_names: NamePattern::new(members.map_or(&any, |members| &members.name))?,
            member_matching: members.and_then(|members| members.matching).unwrap_or_default(),
            format: spec.format,
            dialect: Dialect::new(spec.format_options.as_ref())?,
            records: spec.process_files.unwrap_or(true),
        })
    }
}

/// What is wrong with a view.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// A source that leads nowhere.
    #[error(
        "{0:?} is no column: expected an alias, or a field of project, subject, session, acquisition, analysis or file, \
         such as subject.label"
    )]
    UnknownColumn(String),
    /// A source that views do not show.
    #[error("{0:?} cannot be a column: views do not show permissions and lists of files")]
    Forbidden(String),
    /// A group of columns where one column is meant.
    #[error("{0:?} stands for several columns: name one of them")]
    GroupOfColumns(String),
    /// An expression that is none.
    #[error("the expression of the column {0:?} cannot be read: {1}")]
    Expression(String, ParseError),
    /// A filter that is none.
    #[error("the filter of the view cannot be read: {0}")]
    Filter(ParseError),
    /// A filter on something that the view does not visit.
    #[error("the filter asks for {0:?}, which the view does not visit: add a column of that container")]
    FilterOutside(String),
    /// A pattern that is none.
    #[error("{0:?} is not a regular expression: {1}")]
    Pattern(String, String),
    /// Nothing says which containers are visited.
    #[error(
        "the view names no container: add a column of project, subject, session or acquisition, or a fileSpec"
    )]
    NoContainer,
    /// A column of a container that lies below the one whose files are read.
    #[error("the column {0:?} lies below the {1} whose files the view reads")]
    BelowFiles(String, &'static str),
    /// A column about files in a view without any.
    #[error("the column {0:?} is about files: add a fileSpec with container and filter")]
    NeedsFiles(String),
    /// A column about analyses in a view without any.
    #[error("the column {0:?} is about analyses: add an analysisFilter to the fileSpec")]
    NeedsAnalyses(String),
    /// A kind of container that holds no files for views.
    #[error("fileSpec.container is {0:?}: expected project, subject, session or acquisition")]
    FileContainer(String),
    /// Options of files without saying which files.
    #[error("fileSpec needs both container and filter")]
    FilesNeedBoth,
    /// Files of two kinds of container.
    #[error("a view reads the files of one kind of container: {0} is chosen already, {1} cannot be as well")]
    SeveralFileContainers(String, String),
    /// Files of containers and of analyses.
    #[error("a view reads the files of {0}s or those of their analyses, not both")]
    FilesAndAnalyses(String),
    /// An option of the reader that it does not have, or with a value it does not take.
    #[error("fileSpec.formatOptions: {0}: expected {1}")]
    FormatOption(String, String),
}

/// A checked view.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The innermost containers that are visited; each makes a row, or several by way of its files.
    pub deepest: Level,
    /// The columns that are known beforehand, in order. Those of the group stand first.
    pub columns: Vec<OutputColumn>,
    /// Where among them the fields of the first record that is read come in, when the view names none itself.
    pub own_fields_at: Option<usize>,
    /// How many of the columns make the group, when rows are grouped.
    pub grouped: Option<usize>,
    /// Whether rows with a missing value are left out.
    pub drops_missing: bool,
    /// Whether a last column says what went wrong.
    pub error_column: bool,
    /// What must hold for a row.
    pub conditions: Vec<Condition>,
    /// Which files are looked into.
    pub files: Option<FileRule>,
}

/// The name of the column that says what went wrong.
pub const ERRORS: &str = "errors";

impl Plan {
    /// Checks a view and makes it ready; `more` must hold beside the view's own filter.
    ///
    /// # Errors
    /// [`ViewError`] says what cannot work.
    pub fn new(view: &View, more: &Filter) -> Result<Self, ViewError> {
        let view = view.clone().settled()?;
        let files = view.file_spec.as_ref().map(FileRule::new).transpose()?;
        let explicit = expand_all(&view.columns)?;
        let group = view.group_by.as_ref().map(group_columns).transpose()?.unwrap_or_default();
        let deepest = deepest(explicit.iter().chain(&group), files.as_ref())?;
        let fields = match (&files, &view.file_spec) {
            (Some(rule), Some(spec)) if rule.records => fields(&spec.columns)?,
            _ => Vec::new(),
        };
        let asked = |column: &OutputColumn| {
            column.origin == Origin::Record && column.path.first().is_some_and(|key| key != "_index")
        };
        let own_fields = files.as_ref().is_some_and(|rule| rule.records)
            && fields.is_empty()
            && group.is_empty()
            && !explicit.iter().any(asked);
        let mut plan = Self {
            deepest,
            columns: Vec::new(),
            own_fields_at: None,
            grouped: view.group_by.as_ref().map(|_| group.len()),
            drops_missing: view.missing_data_strategy == Some(MissingData::DropRow),
            error_column: view.has_error_column() && view.group_by.is_none(),
            conditions: Vec::new(),
            files,
        };
        if plan.grouped.is_some() {
            plan.columns.clone_from(&group);
            let again = |column: &OutputColumn| {
                column.accumulator.is_none() && group.iter().any(|key| key.reads_as(column))
            };
            plan.columns.extend(explicit.into_iter().chain(fields).filter(|column| !again(column)));
        } else {
            let ends = (view.include_labels.unwrap_or(true), view.include_ids.unwrap_or(true));
            plan.arrange(explicit, fields, own_fields, ends)?;
        }
        plan.conditions = plan.conditions(view.filter.as_deref().unwrap_or_default(), more)?;
        Ok(plan)
    }

    /// Labels in front, ids at the end; neither repeats a column that is there already.
    fn arrange(
        &mut self,
        explicit: Vec<OutputColumn>,
        fields: Vec<OutputColumn>,
        own_fields: bool,
        (labels, ids): (bool, bool),
    ) -> Result<(), ViewError> {
        let of_each = |what: &str| -> Result<Vec<OutputColumn>, ViewError> {
            let visited = Level::ALL.into_iter().filter(|level| *level <= self.deepest);
            visited.map(|level| single(&format!("{}.{what}", level.name()))).collect()
        };
        let labels = if labels { of_each("label")? } else { Vec::new() };
        let ids = if ids { of_each("id")? } else { Vec::new() };
        self.columns = labels.clone();
        let new = |column: &OutputColumn| !labels.iter().any(|label| label.repeats(column));
        self.columns.extend(explicit.into_iter().filter(new));
        self.columns.extend(fields);
        self.own_fields_at = own_fields.then_some(self.columns.len());
        for id in ids {
            if !self.columns.iter().any(|column| column.repeats(&id)) {
                self.columns.push(id);
            }
        }
        Ok(())
    }

    fn conditions(&self, own: &str, more: &Filter) -> Result<Vec<Condition>, ViewError> {
        let own: Filter = own.parse().map_err(ViewError::Filter)?;
        let all = own.clauses.iter().chain(&more.clauses);
        all.map(|clause| Condition::new(clause, self.filtered(&clause.field)?)).collect()
    }

    /// The column that a filter speaks of: a source or an alias on what is visited, else an output column by its name.
    fn filtered(&self, field: &str) -> Result<OutputColumn, ViewError> {
        let visited = |column: &OutputColumn| match column.origin {
            Origin::Container(level) => level <= self.deepest,
            Origin::Analysis => self.files.as_ref().is_some_and(|rule| rule.analyses.is_some()),
            Origin::File => self.files.is_some(),
            Origin::Record => self.files.as_ref().is_some_and(|rule| rule.records),
        };
        let named = || self.columns.iter().find(|column| column.name == field).cloned();
        match single(field) {
            Ok(column) if visited(&column) => Ok(column),
            Err(group @ ViewError::GroupOfColumns(_)) => named().ok_or(group),
            Ok(_) | Err(_) => named().ok_or_else(|| ViewError::FilterOutside(field.to_owned())),
        }
    }
}

/// The innermost level that is visited, and whether every column can be had there.
fn deepest<'a>(
    columns: impl Iterator<Item = &'a OutputColumn>,
    files: Option<&FileRule>,
) -> Result<Level, ViewError> {
    let mut deepest = files.map(|rule| rule.level);
    for column in columns {
        match (column.origin, files) {
            (Origin::Container(level), Some(rule)) if level > rule.level => {
                return Err(ViewError::BelowFiles(column.name.clone(), rule.level.name()));
            }
            (Origin::Container(level), _) => deepest = deepest.max(Some(level)),
            (Origin::Analysis, Some(rule)) if rule.analyses.is_some() => {}
            (Origin::Analysis, _) => return Err(ViewError::NeedsAnalyses(column.name.clone())),
            (Origin::File | Origin::Record, Some(_)) => {}
            (Origin::File | Origin::Record, None) => return Err(ViewError::NeedsFiles(column.name.clone())),
        }
    }
    deepest.ok_or(ViewError::NoContainer)
}

fn group_columns(group: &GroupBy) -> Result<Vec<OutputColumn>, ViewError> {
    let as_column = |src: &String, dst: &Option<String>| Column { dst: dst.clone(), ..Column::new(src) };
    let columns: Vec<Column> =
        group.columns.iter().map(|column| as_column(&column.src, &column.dst)).collect();
    expand_all(&columns)
}

fn expand_all(columns: &[Column]) -> Result<Vec<OutputColumn>, ViewError> {
    let lists = columns.iter().map(expand).collect::<Result<Vec<_>, _>>()?;
    Ok(lists.into_iter().flatten().collect())
}

/// The columns that one stands for: itself, or the members of a group.
fn expand(column: &Column) -> Result<Vec<OutputColumn>, ViewError> {
    let dst = column.dst.as_deref().filter(|dst| !dst.is_empty());
    let names: Vec<(&str, String)> = match alias::find(&column.src) {
        Some(alias) if alias.is_group() => {
            let named = |member: &&'static str| {
                let last = member.rsplit('.').next().unwrap_or(member);
                (*member, dst.map_or_else(|| (*member).to_owned(), |dst| format!("{dst}.{last}")))
            };
            alias.group.iter().map(named).collect()
        }
        _ => vec![(column.src.as_str(), dst.unwrap_or(&column.src).to_owned())],
    };
    let own = column.expr.as_deref().filter(|expr| !expr.trim().is_empty());
    let own = own.map(|expr| expression(&column.src, expr)).transpose()?;
    let one = |(src, name): (&str, String)| {
        let mut output = single(src)?;
        output.name = name;
        output.kind = column.kind.or(output.kind);
        output.expressions.extend(own.clone());
        output.accumulator = column.accumulator;
        Ok(output)
    };
    names.into_iter().map(one).collect()
}

fn expression(column: &str, expr: &str) -> Result<Expression, ViewError> {
    expr.parse().map_err(|error| ViewError::Expression(column.to_owned(), error))
}

/// The one column of a source or alias.
fn single(src: &str) -> Result<OutputColumn, ViewError> {
    let Some(alias) = alias::find(src) else { return field(src) };
    if alias.is_group() {
        return Err(ViewError::GroupOfColumns(src.to_owned()));
    }
    let mut column = field(alias.src)?;
    column.name = alias.name.to_owned();
    column.kind = Some(alias.kind);
    column.expressions = alias.expr.map(|expr| expression(src, expr)).transpose()?.into_iter().collect();
    Ok(column)
}

fn field(src: &str) -> Result<OutputColumn, ViewError> {
    let unknown = || ViewError::UnknownColumn(src.to_owned());
    let (origin, path) = src.split_once('.').ok_or_else(unknown)?;
    let origin = Origin::parse(origin).ok_or_else(unknown)?;
    let mut path: Vec<String> = path.split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err(unknown());
    }
    let first = path.first().map(String::as_str);
    if origin != Origin::Record && matches!(first, Some("permissions" | "files")) {
        return Err(ViewError::Forbidden(src.to_owned()));
    }
    if origin == Origin::Container(Level::Subject) && first == Some("code") {
        // The older name of a subject's label.
        path = vec!["label".to_owned()];
    }
    Ok(OutputColumn::plain(src.to_owned(), origin, path))
}

/// The fields of records that a view names.
fn fields(columns: &[Column]) -> Result<Vec<OutputColumn>, ViewError> {
    let one = |column: &Column| {
        let path = column.src.split('.').map(str::to_owned).collect();
        let name = column.dst.clone().filter(|dst| !dst.is_empty()).unwrap_or_else(|| column.src.clone());
        let own = column.expr.as_deref().filter(|expr| !expr.trim().is_empty());
        Ok(OutputColumn {
            kind: column.kind,
            expressions: own.map(|expr| expression(&column.src, expr)).transpose()?.into_iter().collect(),
            accumulator: column.accumulator,
            ..OutputColumn::plain(name, Origin::Record, path)
        })
    };
    columns.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn try_plan(document: Value) -> Result<Plan, ViewError> {
        Plan::new(&serde_json::from_value(document).unwrap(), &Filter::default())
    }

    fn plan(document: Value) -> Plan {
        try_plan(document).unwrap_or_else(|error| panic!("{error}"))
    }

    fn names(plan: &Plan) -> Vec<&str> {
        plan.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// A row of documents by their names.
    struct Row(HashMap<Origin, Map<String, Value>>);

    impl Parts for Row {
        fn part(&self, origin: Origin) -> Option<&Map<String, Value>> {
            self.0.get(&origin)
        }
    }

    fn row(documents: Value) -> Row {
        let map = documents.as_object().unwrap().clone().into_iter();
        Row(map
            .map(|(name, doc)| (Origin::parse(&name).unwrap(), doc.as_object().unwrap().clone()))
            .collect())
    }

    #[test]
    fn labels_come_first_and_ids_last_and_nothing_twice() {
        let subject = plan(json!({"columns": [{"src": "subject"}]}));
        assert_eq!(
            names(&subject),
            [
                "project.label",
                "subject.label",
                "subject.id",
                "subject.firstname",
                "subject.lastname",
                "subject.sex",
                "subject.cohort",
                "subject.type",
                "subject.race",
                "subject.ethnicity",
                "subject.species",
                "subject.strain",
                "project.id"
            ]
        );
        let renamed = plan(json!({"columns": [{"src": "subject.label", "dst": "who"}], "includeIds": false}));
        assert_eq!(names(&renamed), ["project.label", "subject.label", "who"]);
        let bare = json!({"columns": [{"src": "session.tags"}], "includeIds": false, "includeLabels": false});
        assert_eq!(names(&plan(bare)), ["session.tags"]);
    }

    #[test]
    fn a_renamed_group_names_its_members_after_it() {
        let document =
            json!({"columns": [{"src": "project", "dst": "p"}], "includeIds": false, "includeLabels": false});
        assert_eq!(names(&plan(document)), ["p.id", "p.label"]);
    }

    #[test]
    fn the_deepest_container_decides_what_is_visited() {
        assert_eq!(
            plan(json!({"columns": [{"src": "project.label"}, {"src": "session.age"}]})).deepest,
            Level::Session
        );
        assert_eq!(plan(json!({"columns": [{"src": "subject.age"}]})).deepest, Level::Session);
        let files = json!({"columns": [{"src": "subject.label"}],
            "fileSpec": {"container": "acquisition", "filter": {"value": "*.csv"}}});
        assert_eq!(plan(files).deepest, Level::Acquisition);
    }

    #[test]
    fn what_cannot_work_is_said_beforehand() {
        let spec = json!({"container": "subject", "filter": {"value": "*"}});
        for (document, words) in [
            (json!({"columns": [{"src": "nonsense"}]}), "no column"),
            (json!({"columns": [{"src": "group.label"}]}), "no column"),
            (json!({"columns": [{"src": "subject..label"}]}), "no column"),
            (json!({"columns": [{"src": "project.permissions"}]}), "permissions"),
            (json!({"columns": [{"src": "acquisition.files.0.name"}]}), "files"),
            (json!({"columns": []}), "names no container"),
            (json!({"columns": [{"src": "file.name"}]}), "fileSpec"),
            (json!({"columns": [{"src": "session.label"}, {"src": "analysis.label"}]}), "analysisFilter"),
            (json!({"columns": [{"src": "session.label"}], "fileSpec": spec}), "below the subject"),
            (json!({"columns": [{"src": "session.age", "expr": "x + import"}]}), "x + import\n      ^"),
            (json!({"columns": [{"src": "subject.label"}], "filter": "session.label=a"}), "does not visit"),
            (json!({"columns": [{"src": "subject.label"}], "filter": "subject.label"}), "no operator"),
            (json!({"columns": [{"src": "subject.label"}], "filter": "subject=a"}), "several columns"),
            (
                json!({"columns": [{"src": "subject.label"}], "filter": "subject.label=~("}),
                "regular expression",
            ),
            (
                json!({"columns": [], "fileSpec": {"container": "group", "filter": {"value": "*"}}}),
                "expected project",
            ),
            (json!({"columns": [], "fileSpec": {"container": "session", "filter": {"value": ""}}}), "both"),
            (
                json!({"columns": [], "fileSpec": {"container": "session", "filter": {"value": "*"},
                    "formatOptions": {"delimiter": ";;"}}}),
                "one ASCII character",
            ),
            (
                json!({"columns": [], "fileSpec": {"container": "session", "filter": {"value": "(", "regex": true}}}),
                "regular expression",
            ),
        ] {
            let message =
                try_plan(document.clone()).err().unwrap_or_else(|| panic!("{document}")).to_string();
            assert!(message.contains(words), "{document}: {message}");
        }
    }

    #[test]
    fn fields_of_records_are_those_named_or_all() {
        let spec = |columns: Value| {
            json!({"columns": [{"src": "session.label"}], "includeLabels": false,
                "fileSpec": {"container": "session", "filter": {"value": "*.csv"}, "columns": columns}})
        };
        let all = plan(spec(json!([])));
        assert_eq!(
            (all.own_fields_at, names(&all)),
            (Some(1), vec!["session.label", "project.id", "subject.id", "session.id"])
        );
        let named = plan(spec(json!([{"src": "rt", "dst": "rt_ms", "type": "float"}])));
        assert_eq!(named.own_fields_at, None);
        assert_eq!(names(&named), ["session.label", "rt_ms", "project.id", "subject.id", "session.id"]);
        let row = row(json!({"file_data": {"rt": "0.5"}}));
        assert_eq!(named.columns[1].value(&row), Some(json!(0.5)));
    }

    #[test]
    fn grouping_puts_its_columns_first_and_drops_ids_labels_and_errors() {
        let grouped = plan(json!({
            "columns": [{"src": "session.age_years", "dst": "age", "accumulator": "mean"}, {"src": "subject.label"}],
            "groupBy": {"columns": ["subject.label", {"src": "subject.sex", "dst": "sex"}]},
        }));
        assert_eq!(names(&grouped), ["subject.label", "sex", "age"]);
        assert_eq!((grouped.grouped, grouped.error_column), (Some(2), false));
    }

    #[test]
    fn values_are_read_computed_and_converted_and_missing_is_not_null() {
        let view = plan(json!({"columns": [
            {"src": "session.age_years"}, {"src": "session.age", "dst": "half", "expr": "x / 2", "type": "int"},
            {"src": "subject.code", "dst": "code"}, {"src": "session.weight"}, {"src": "session.info.a.1", "dst": "a"},
        ], "includeIds": false, "includeLabels": false}));
        let full = row(
            json!({"session": {"age": 31557600, "weight": null, "info": {"a": [1, "two"]}}, "subject": {"label": "s"}}),
        );
        let values: Vec<Option<Value>> = view.columns.iter().map(|column| column.value(&full)).collect();
        assert_eq!(
            values,
            [Some(json!(1.0)), Some(json!(15_778_800)), Some(json!("s")), None, Some(json!("two"))]
        );
        let untyped = plan(json!({"columns": [{"src": "session.nothing"}]}));
        let null = row(json!({"session": {"nothing": null}}));
        let column = untyped.columns.iter().find(|column| column.name == "session.nothing").unwrap();
        assert_eq!(column.value(&null), Some(Value::Null));
        assert_eq!(column.value(&row(json!({"session": {}}))), None);
        assert_eq!(column.value(&row(json!({}))), None);
    }

    #[test]
    fn a_filter_brings_values_to_the_type_of_its_literal() {
        let document = json!({"subject": {"label": "sub-7", "tags": ["a", "b"], "info": {"n": "7", "when": "2024-03-01T10:00:00+00:00"}}});
        for (filter, wanted) in [
            ("subject.info.n>5", true),
            ("subject.info.n=7", true),
            ("subject.info.n=\"7\"", true),
            ("subject.label=~ub-7", false),
            ("subject.label=~sub", true),
            ("subject.tags=b", true),
            ("subject.tags!=b", false),
            ("subject.tags!=c", true),
            ("subject.info.none=null", true),
            ("subject.info.none!=1", true),
            ("subject.info.none<1", false),
            ("subject.info.when>2024-02-28", true),
            ("who=sub-7", true),
            ("subject.code=sub-7,subject.info.n<7", false),
        ] {
            let view: View =
                serde_json::from_value(json!({"columns": [{"src": "subject.label", "dst": "who"}]})).unwrap();
            let plan = Plan::new(&view, &filter.parse().unwrap())
                .unwrap_or_else(|error| panic!("{filter}: {error}"));
            let row = row(document.clone());
            assert_eq!(plan.conditions.iter().all(|condition| condition.holds(&row)), wanted, "{filter}");
        }
    }

    #[test]
    fn analyses_are_chosen_by_label_gear_and_version() {
        let rule = |filter: Value| AnalysisRule::new(&serde_json::from_value(filter).unwrap()).unwrap();
        let analysis = json!({"label": "AFQ run", "gear_info": {"name": "afq", "version": "1.2"}});
        let analysis = analysis.as_object().unwrap();
        assert!(rule(json!({})).matches(analysis));
        assert!(
            rule(json!({"label": {"value": "afq*"}, "gear.version": {"value": "1.*"}})).matches(analysis)
        );
        assert!(!rule(json!({"gear.name": {"value": "mriqc"}})).matches(analysis));
        assert!(
            !rule(json!({"gear.name": {"value": "*"}})).matches(json!({"label": "x"}).as_object().unwrap())
        );
    }

    proptest! {
        #[test]
        fn any_sources_are_read_without_panic(sources in prop::collection::vec("[a-z_.]{0,20}", 0..5), expr in "[x0-9+ ]{0,6}") {
            let columns = sources.into_iter().map(|src| Column { expr: Some(expr.clone()), ..Column::new(src) });
            let view = View { columns: columns.collect(), ..View::default() };
            let _ = Plan::new(&view, &Filter::default());
        }

        #[test]
        fn every_alias_makes_a_plan_with_or_without_files(at in 0..alias::ALL.len()) {
            let alias = alias::ALL[at];
            let spec = json!({"container": "acquisition", "filter": {"value": "*"}, "analysisFilter": {}});
            let document = json!({"columns": [{"src": alias.name}], "fileSpec": spec});
            prop_assert!(try_plan(document).is_ok(), "{}", alias.name);
        }
    }
}
