//! The document of a view as the wire writes it: camelCase keys, most of them optional, null as good as absent.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{
    plan::{Level, ViewError},
    value::ColumnType,
};

/// What is asked for: columns, files to look into, and how rows are filtered, grouped and completed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// The name of a saved view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The columns, in the order in which they come out.
    #[serde(default, deserialize_with = "or_default")]
    pub columns: Vec<Column>,
    /// The columns whose equal values make one row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<GroupBy>,
    /// Which files are looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_spec: Option<FileSpec>,
    /// A filter in the grammar of [`crate::filter`], over sources and aliases of columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Whether the id of each container comes out behind the columns; so it is unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_ids: Option<bool>,
    /// Whether the label of each container comes out before the columns; so it is unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_labels: Option<bool>,
    /// Whether a last column says what went wrong with a row. See [`View::has_error_column`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_column: Option<bool>,
    /// What becomes of rows without a value in some column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_data_strategy: Option<MissingData>,
    /// Whether rows are to come in order. Without it they may come in any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<bool>,
}

/// One column that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// `<container>.<field path>`, or an alias (see [`super::alias`]).
    pub src: String,
    /// Its name in the output; the source unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst: Option<String>,
    /// What values become.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<ColumnType>,
    /// Arithmetic in `x`, the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expr: Option<String>,
    /// What becomes of it when rows are grouped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accumulator: Option<Accumulator>,
}

impl Column {
    /// A column named as its source.
    pub fn new(src: impl Into<String>) -> Self {
        Self { src: src.into(), ..Self::default() }
    }

    /// Under another name.
    ///
    /// ```
    /// use flywheel_core::view::{Accumulator, Column, ColumnType};
    ///
    /// let column = Column::new("session.age").named("decades").computed("x / 315576000").typed(ColumnType::Int);
    /// let counted = Column::new("session.id").accumulated(Accumulator::Count);
    /// # assert!(column.dst.is_some() && counted.accumulator.is_some());
    /// ```
    #[must_use]
    pub fn named(mut self, dst: impl Into<String>) -> Self {
        self.dst = Some(dst.into());
        self
    }

    /// With values of this type.
    #[must_use]
    pub fn typed(mut self, kind: ColumnType) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Through arithmetic in `x`, the value.
    #[must_use]
    pub fn computed(mut self, expr: impl Into<String>) -> Self {
        self.expr = Some(expr.into());
        self
    }

    /// Put together in this way when rows are grouped.
    #[must_use]
    pub fn accumulated(mut self, accumulator: Accumulator) -> Self {
        self.accumulator = Some(accumulator);
        self
    }
}

/// From a text: what is named is all that is said.
macro_rules! from_name {
    ($($target:ident)*) => {$(
        impl From<&str> for $target {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }

        impl From<String> for $target {
            fn from(name: String) -> Self {
                Self::new(name)
            }
        }
    )*};
}

from_name!(Column GroupColumn NameFilter ZipFilter);

/// What becomes of a column's values in a group of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accumulator {
    /// How many rows have a value.
    Count,
    /// Their sum.
    Sum,
    /// Their arithmetic mean.
    Mean,
    /// Their standard deviation as that of a whole population.
    StandardDeviation,
    /// The least.
    Minimum,
    /// The greatest.
    Maximum,
}

/// What becomes of rows without a value in some column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingData {
    /// The value is null.
    #[default]
    None,
    /// The row is left out.
    DropRow,
}

/// The columns whose equal values make one row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupBy {
    /// The columns, in the order in which they come out.
    #[serde(deserialize_with = "group_columns")]
    pub columns: Vec<GroupColumn>,
}

/// One column to group by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupColumn {
    /// As [`Column::src`].
    pub src: String,
    /// As [`Column::dst`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst: Option<String>,
}

impl GroupColumn {
    /// A column named as its source.
    pub fn new(src: impl Into<String>) -> Self {
        Self { src: src.into(), dst: None }
    }

    /// Under another name.
    #[must_use]
    pub fn named(mut self, dst: impl Into<String>) -> Self {
        self.dst = Some(dst.into());
        self
    }
}

/// Clients write a column to group by as its name alone, or as an object.
fn group_columns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<GroupColumn>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Spelling {
        Name(String),
        Object(GroupColumn),
    }
    let list = Vec::<Spelling>::deserialize(deserializer)?;
    let one = |spelling| match spelling {
        Spelling::Name(src) => GroupColumn { src, dst: None },
        Spelling::Object(column) => column,
    };
    Ok(list.into_iter().map(one).collect())
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Which files are looked into, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileSpec {
    /// The kind of container whose files are meant: `project`, `subject`, `session` or `acquisition`.
    pub container: String,
    /// When given, the files of the container's analyses are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis_filter: Option<AnalysisFilter>,
    /// The names of the files.
    pub filter: NameFilter,
    /// The names of members, where a file is a zip archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zip_member: Option<ZipFilter>,
    /// Which of several that match, of files and of analyses.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matching: Option<Match>,
    /// How the files are written; by their names' ends unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<RecordFormat>,
    /// Options of the reader, such as `delimiter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format_options: Option<Value>,
    /// Whether each record in a file makes a row; otherwise each file does. So it is unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_files: Option<bool>,
    /// The fields that are taken out of each record; without them, those of the first record that is read.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
}

/// A name with wildcards, or a regular expression. See [`super::names`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NameFilter {
    /// The pattern.
    pub value: String,
    /// Whether it is a regular expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex: Option<bool>,
}

impl NameFilter {
    /// A name with wildcards.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), regex: None }
    }

    /// A regular expression, which must match from the start of the name.
    pub fn regex(value: impl Into<String>) -> Self {
        Self { value: value.into(), regex: Some(true) }
    }
}

/// Which members of an archive.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ZipFilter {
    /// Their names.
    #[serde(flatten)]
    pub name: NameFilter,
    /// Which of several that match.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matching: Option<Match>,
}

impl ZipFilter {
    /// Members whose names match, of which the first is taken.
    pub fn new(name: impl Into<NameFilter>) -> Self {
        Self { name: name.into(), matching: None }
    }

    /// Takes these of several that match.
    #[must_use]
    pub fn taking(mut self, matching: Match) -> Self {
        self.matching = Some(matching);
        self
    }
}

/// Which analyses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnalysisFilter {
    /// Their labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<NameFilter>,
    /// The names of the gears that made them.
    #[serde(default, rename = "gear.name", skip_serializing_if = "Option::is_none")]
    pub gear_name: Option<NameFilter>,
    /// The versions of those gears.
    #[serde(default, rename = "gear.version", skip_serializing_if = "Option::is_none")]
    pub gear_version: Option<NameFilter>,
}

/// Which of several that match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Match {
    /// The first, in the order in which they are kept.
    #[default]
    First,
    /// The last, in that order.
    Last,
    /// The one that was made last.
    Newest,
    /// The one that was made first.
    Oldest,
    /// All of them.
    All,
}

impl Match {
    /// Keeps those that are meant; `made` says when one was made.
    pub fn reduce<T, K: Ord>(self, mut items: Vec<T>, made: impl Fn(&T) -> K) -> Vec<T> {
        let chosen = match self {
            Self::All => return items,
            Self::First => (!items.is_empty()).then_some(0),
            Self::Last => items.len().checked_sub(1),
            Self::Newest => (0..items.len()).max_by_key(|&at| items.get(at).map(&made)),
            Self::Oldest => (0..items.len()).min_by_key(|&at| items.get(at).map(&made)),
        };
        chosen.map(|at| vec![items.swap_remove(at)]).unwrap_or_default()
    }
}

/// How a file's records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordFormat {
    /// Comma-separated values below a line of names.
    Csv,
    /// The same with tabs.
    Tsv,
    /// An object, or a list of objects.
    Json,
}

impl RecordFormat {
    /// The format that a file's name promises; a final `.gz` is looked through.
    ///
    /// ```
    /// use flywheel_core::view::RecordFormat;
    ///
    /// assert_eq!(RecordFormat::of_name("Events.TSV.gz"), Some(RecordFormat::Tsv));
    /// assert_eq!(RecordFormat::of_name("t1.nii.gz"), None);
    /// ```
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputFormat {
    /// `{"data": [{name: value}, …]}`
    #[default]
    Json,
    /// `[{name: value}, …]`
    JsonFlat,
    /// `{"data": {"columns": [name, …], "rows": [[value, …], …]}}`
    JsonRowColumn,
    /// One object a line.
    Ndjson,
    /// Comma-separated values below a line of names.
    Csv,
    /// The same with tabs.
    Tsv,
}

impl OutputFormat {
    /// Every format.
    pub const ALL: [Self; 6] =
        [Self::Json, Self::JsonFlat, Self::JsonRowColumn, Self::Ndjson, Self::Csv, Self::Tsv];

    /// As requests write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::JsonFlat => "json-flat",
            Self::JsonRowColumn => "json-row-column",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
        }
    }

    /// The end of the name of a file that holds it, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json | Self::JsonFlat | Self::JsonRowColumn => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
        }
    }

    /// The value of `Content-Type`.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json | Self::JsonFlat | Self::JsonRowColumn => "application/json; charset=utf-8",
            Self::Ndjson => "application/x-ndjson; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Tsv => "text/tab-separated-values; charset=utf-8",
        }
    }

    /// The format of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

impl View {
    /// Whether a last column says what went wrong: unless rows with gaps are left out, or it was said.
    pub fn has_error_column(&self) -> bool {
        self.error_column.unwrap_or(self.missing_data_strategy != Some(MissingData::DropRow))
    }

    /// The view with columns such as `acquisition.file.info.X` or `session.analysis.file.name` written as what they
    /// stand for: attributes (`file.info.X`) of every file of the container, or of its analyses. Where the view says
    /// nothing about files itself, rows without such a file are left out.
    ///
    /// # Errors
    /// When such columns speak of files of several kinds of container.
    pub fn settled(mut self) -> Result<Self, ViewError> {
        let mut columns = std::mem::take(&mut self.columns);
        for column in &mut columns {
            self.settle(&mut column.src, &mut column.dst)?;
        }
        self.columns = columns;
        if let Some(mut group) = self.group_by.take() {
            for column in &mut group.columns {
                self.settle(&mut column.src, &mut column.dst)?;
            }
            self.group_by = Some(group);
        }
        Ok(self)
    }

    fn settle(&mut self, src: &mut String, dst: &mut Option<String>) -> Result<(), ViewError> {
        let parts: Vec<&str> = src.split('.').collect();
        let at = parts.iter().position(|part| *part == "file");
        let (Some(at @ 1..), Some(container)) = (at, parts.first().copied()) else { return Ok(()) };
        let between = parts.get(1..at).unwrap_or_default();
        if Level::parse(container).is_none() || !matches!(between, [] | ["analysis"]) {
            return Ok(());
        }
        let of_analyses = at > 1;
        match &self.file_spec {
            Some(spec) if spec.container != container => {
                return Err(ViewError::SeveralFileContainers(spec.container.clone(), container.to_owned()));
            }
            Some(spec) if spec.analysis_filter.is_some() != of_analyses => {
                return Err(ViewError::FilesAndAnalyses(container.to_owned()));
            }
            Some(_) => {}
            None => self.look_at_every_file(container, of_analyses),
        }
        dst.get_or_insert_with(|| src.clone());
        *src = parts.get(at..).unwrap_or_default().join(".");
        Ok(())
    }

    fn look_at_every_file(&mut self, container: &str, of_analyses: bool) {
        let label = Some(NameFilter::new("*"));
        let analyses = AnalysisFilter { label, ..AnalysisFilter::default() };
        self.file_spec = Some(FileSpec {
            container: container.to_owned(),
            analysis_filter: of_analyses.then_some(analyses),
            filter: NameFilter::new("*"),
            matching: Some(Match::All),
            process_files: Some(false),
            ..FileSpec::default()
        });
        self.missing_data_strategy.get_or_insert(MissingData::DropRow);
        self.error_column.get_or_insert(false);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn view(document: Value) -> View {
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn a_full_document_is_read_and_written_as_it_was() {
        let document = json!({
            "label": "Ages", "description": "",
            "columns": [
                {"src": "subject.label"},
                {"src": "session.age", "dst": "age_y", "type": "float", "expr": "x / 31557600", "accumulator": "mean"}],
            "groupBy": {"columns": [{"src": "subject.label"}]},
            "fileSpec": {
                "container": "acquisition",
                "analysisFilter": {"label": {"value": "*"}, "gear.name": {"value": "afq"}, "gear.version": {"value": "1.*"}},
                "filter": {"value": "*.csv", "regex": false},
                "zipMember": {"value": "*.json", "regex": false, "match": "all"}, "match": "first",
                "format": "csv", "formatOptions": {}, "processFiles": true,
                "columns": [{"src": "rt", "dst": "rt_ms", "type": "float"}]},
            "filter": "subject.label=~^sub", "includeIds": true, "includeLabels": true, "errorColumn": true,
            "missingDataStrategy": "none", "sort": true,
        });
        assert_eq!(serde_json::to_value(view(document.clone())).unwrap(), document);
    }

    #[test]
    fn null_is_as_good_as_absent_and_both_spellings_of_grouping_are_read() {
        let document = json!({"columns": [{"src": "a.b", "type": null, "dst": null}], "fileSpec": null, "sort": null,
            "groupBy": {"columns": ["subject.label", {"src": "session.label", "dst": "s"}]}});
        let group = view(document).group_by.unwrap();
        assert_eq!(group.columns[0], GroupColumn { src: "subject.label".into(), dst: None });
        assert_eq!(group.columns[1].dst.as_deref(), Some("s"));
        assert_eq!(view(json!({"columns": null})), View::default());
    }

    #[test]
    fn a_column_with_file_inside_asks_for_every_file_of_the_container() {
        let settled = view(json!({"columns": [{"src": "acquisition.file.info.X"}]})).settled().unwrap();
        assert_eq!(
            serde_json::to_value(settled).unwrap(),
            json!({
                "columns": [{"src": "file.info.X", "dst": "acquisition.file.info.X"}],
                "fileSpec": {"container": "acquisition", "filter": {"value": "*"}, "match": "all", "processFiles": false},
                "missingDataStrategy": "drop-row", "errorColumn": false,
            })
        );
        let settled = view(json!({"columns": [{"src": "session.analysis.file.name"}]})).settled().unwrap();
        let spec = settled.file_spec.unwrap();
        assert_eq!(spec.analysis_filter.unwrap().label, Some(NameFilter::new("*")));
    }

    #[test]
    fn a_column_below_free_metadata_called_file_is_left_alone() {
        let document = view(json!({"columns": [{"src": "session.info.file.name"}, {"src": "file.name"}]}));
        assert_eq!(document.clone().settled().unwrap(), document);
    }

    #[test]
    fn files_of_two_kinds_of_container_are_refused() {
        let of = |a: &str, b: &str| view(json!({"columns": [{"src": a}, {"src": b}]})).settled().unwrap_err();
        assert_eq!(
            of("acquisition.file.name", "session.file.name"),
            ViewError::SeveralFileContainers("acquisition".into(), "session".into())
        );
        assert!(of("session.file.name", "session.analysis.file.name").to_string().contains("analyses"));
    }

    #[test]
    fn the_error_column_is_there_unless_gaps_are_left_out() {
        assert!(view(json!({})).has_error_column());
        assert!(!view(json!({"missingDataStrategy": "drop-row"})).has_error_column());
        assert!(view(json!({"missingDataStrategy": "drop-row", "errorColumn": true})).has_error_column());
    }

    #[test]
    fn one_of_several_is_chosen_by_place_or_by_age() {
        let items = || vec![("a", 2), ("b", 3), ("c", 1)];
        let chosen = |matching: Match| matching.reduce(items(), |item| item.1);
        assert_eq!(chosen(Match::First), [("a", 2)]);
        assert_eq!(chosen(Match::Last), [("c", 1)]);
        assert_eq!(chosen(Match::Newest), [("b", 3)]);
        assert_eq!(chosen(Match::Oldest), [("c", 1)]);
        assert_eq!(chosen(Match::All), items());
        for matching in [Match::First, Match::Last, Match::Newest, Match::Oldest] {
            assert!(matching.reduce(Vec::<i32>::new(), |item| *item).is_empty());
        }
    }

    #[test]
    fn an_output_format_is_known_by_its_name() {
        for format in OutputFormat::ALL {
            assert_eq!(OutputFormat::parse(format.name()), Some(format));
            assert_eq!(serde_json::to_value(format).unwrap(), format.name());
        }
    }
}
