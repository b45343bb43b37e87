//! Building a view, with the checks that can be made before it is sent.

use std::fmt;

use flywheel_core::{
    filter::Filter,
    syntax::ParseError,
    view::{
        AnalysisFilter, Column, FileSpec, GroupColumn, Match, MissingData, NameFilter, Plan, RecordFormat,
        View as Document, ZipFilter,
    },
};
use serde_json::{Map, Value};

use crate::{Error, ErrorKind, Kind, Result};

/// What is asked for: a view that was checked, to be [run](super::Views::run) or [saved](super::Views::save).
#[derive(Clone, Debug, PartialEq)]
pub struct View(Document);

impl View {
    /// A view to be put together.
    pub fn builder() -> ViewBuilder {
        ViewBuilder::default()
    }

    /// A view of its document, checked as [`ViewBuilder::build`] does.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when it cannot work; the message says what to change.
    pub fn checked(document: Document) -> Result<Self> {
        let document = document.settled().map_err(|error| invalid(error.to_string()))?;
        let plan = Plan::new(&document, &Filter::default()).map_err(|error| invalid(error.to_string()))?;
        if let Some(column) = document.columns.iter().find(|column| column.accumulator.is_some())
            && document.group_by.is_none()
        {
            return Err(invalid(format!(
                "the column {:?} is put together over groups of rows: say group_by(column) as well",
                column.src
            )));
        }
        for (at, column) in plan.columns.iter().enumerate() {
            if plan.columns.iter().skip(at + 1).any(|other| other.name == column.name) {
                return Err(invalid(format!(
                    "two columns are called {:?}: give one of them another name with Column::named",
                    column.name
                )));
            }
        }
        Ok(Self(document))
    }

    /// A view of its document as it is, for what a site knows and this release does not, such as new short names of
    /// columns. The site says what is wrong with it.
    pub fn unchecked(document: Document) -> Self {
        Self(document)
    }

    /// The document, as the wire writes it.
    pub fn document(&self) -> &Document {
        &self.0
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, message).with_operation("build_view")
}

/// Puts a [`View`] together.
///
/// Columns are `<container>.<field>` (`session.age`, `subject.info.iq`, `file.name`), or short names that
/// [`Views::columns`](super::Views::columns) lists (`session.age_years`), some of which stand for several (`subject`). The
/// deepest container that a column names decides what makes a row.
#[must_use = "call build()"]
#[derive(Clone, Default)]
pub struct ViewBuilder {
    document: Document,
    /// What was said about files: the container once it was, the rest in the spec.
    container: Option<Kind>,
    files: FileSpec,
    /// Whether anything was said that makes sense for files alone.
    reads_files: bool,
    format_options: Map<String, Value>,
    mistake: Option<String>,
}

impl ViewBuilder {
    /// The name under which it will be saved.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.document.label = Some(label.into());
        self
    }

    /// What it is for.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.document.description = Some(text.into());
        self
    }

    /// A column: its source, or a [`Column`] with a name, a type, arithmetic.
    ///
    /// A source such as `acquisition.file.info.X` or `session.analysis.file.name` asks for every file of the container, or
    /// of its analyses, without opening it; where nothing else is said about files, rows without such a file are left out.
    pub fn column(mut self, column: impl Into<Column>) -> Self {
        self.document.columns.push(column.into());
        self
    }

    /// Several columns.
    pub fn columns<C: Into<Column>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.document.columns.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Makes one row of those with equal values in this column. The other columns are put together by their accumulators;
    /// one without shows the first value.
    pub fn group_by(mut self, column: impl Into<GroupColumn>) -> Self {
        self.document.group_by.get_or_insert_default().columns.push(column.into());
        self
    }

    /// Only rows that this filter lets through, over sources, short names and new names of columns. Several must all hold.
    pub fn filter(mut self, filter: impl TryInto<Filter, Error: Into<ParseError>>) -> Self {
        match filter.try_into() {
            Ok(filter) => {
                let known = self.document.filter.take().map(|known| format!("{known},")).unwrap_or_default();
                self.document.filter = Some(format!("{known}{filter}"));
            }
            Err(mistake) => {
                let mistake: ParseError = mistake.into();
                self.mistake.get_or_insert(format!("the filter of the view cannot be read: {mistake}"));
            }
        }
        self
    }

    /// Looks into files with these names: of each project, subject, session or acquisition. A text is a pattern with `*` and
    /// `?`; [`NameFilter::regex`] makes one of a regular expression. Each record in a file makes a row.
    pub fn files(mut self, container: Kind, names: impl Into<NameFilter>) -> Self {
        self.container = Some(container);
        self.files.filter = names.into();
        self
    }

    /// Looks into the files of these analyses of the container, instead of its own.
    pub fn analyses(mut self, which: AnalysisFilter) -> Self {
        self.files.analysis_filter = Some(which);
        self.for_files()
    }

    /// Looks into the files of analyses with this label.
    pub fn analysis_label(mut self, label: impl Into<NameFilter>) -> Self {
        self.files.analysis_filter.get_or_insert_default().label = Some(label.into());
        self.for_files()
    }

    /// Looks into the files of analyses made by the gear of this name.
    pub fn analysis_gear(mut self, name: impl Into<NameFilter>) -> Self {
        self.files.analysis_filter.get_or_insert_default().gear_name = Some(name.into());
        self.for_files()
    }

    /// Looks into the files of analyses made by a gear of this version.
    pub fn analysis_gear_version(mut self, version: impl Into<NameFilter>) -> Self {
        self.files.analysis_filter.get_or_insert_default().gear_version = Some(version.into());
        self.for_files()
    }

    /// Which of several files, and of several analyses; the first unless said otherwise.
    pub fn file_match(mut self, which: Match) -> Self {
        self.files.matching = Some(which);
        self.for_files()
    }

    /// Which members of a file that is a zip archive; the first unless the filter takes others.
    pub fn zip_member(mut self, members: impl Into<ZipFilter>) -> Self {
        self.files.zip_member = Some(members.into());
        self.for_files()
    }

    /// How the files are written; by the ends of their names unless said.
    pub fn file_format(mut self, format: RecordFormat) -> Self {
        self.files.format = Some(format);
        self.for_files()
    }

    /// An option of the reader of tables, such as `delimiter` or `quotechar`.
    pub fn format_option(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.format_options.insert(name.into(), value.into());
        self.for_files()
    }

    /// Whether files are opened, as they are unless said otherwise. Otherwise each file makes a row, of its attributes
    /// (`file.name`, `file.info.X`).
    pub fn process_files(mut self, yes: bool) -> Self {
        self.files.process_files = Some(yes);
        self
    }

    /// A field of the records in files. Without any, all fields of the first record are taken.
    pub fn file_column(mut self, column: impl Into<Column>) -> Self {
        self.files.columns.push(column.into());
        self.for_files()
    }

    /// Whether the id of each container comes behind the columns; so it is unless said otherwise.
    pub fn include_ids(mut self, yes: bool) -> Self {
        self.document.include_ids = Some(yes);
        self
    }

    /// Whether the label of each container comes before the columns; so it is unless said otherwise.
    pub fn include_labels(mut self, yes: bool) -> Self {
        self.document.include_labels = Some(yes);
        self
    }

    /// Whether a last column `errors` says what went wrong with a row; so it is unless said otherwise, or rows with gaps
    /// are left out.
    pub fn error_column(mut self, yes: bool) -> Self {
        self.document.error_column = Some(yes);
        self
    }

    /// What becomes of rows without a value in some column: null unless said otherwise.
    pub fn missing_data(mut self, strategy: MissingData) -> Self {
        self.document.missing_data_strategy = Some(strategy);
        self
    }

    /// Whether rows come in order; so they do unless said otherwise.
    pub fn sort(mut self, yes: bool) -> Self {
        self.document.sort = Some(yes);
        self
    }

    fn for_files(mut self) -> Self {
        self.reads_files = true;
        self
    }

    /// The view.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when it cannot work: a column that leads nowhere, options of files without files, files of
    /// two kinds of container, two columns of one name, a filter or an expression that cannot be read. The message says
    /// what to change.
    pub fn build(self) -> Result<View> {
        if let Some(mistake) = self.mistake {
            return Err(invalid(mistake));
        }
        let mut document = self.document;
        let mut files = self.files;
        match self.container {
            Some(container) => {
                files.container = container.as_str().to_owned();
                if files.filter.value.is_empty() {
                    return Err(invalid("files(container, name) needs a name: \"*\" stands for all files"));
                }
                if !self.format_options.is_empty() {
                    files.format_options = Some(self.format_options.into());
                }
                document.file_spec = Some(files);
            }
            None if self.reads_files => {
                let message =
                    "the view says how files are read, not which: say files(container, name) as well";
                return Err(invalid(message));
            }
            None => {}
        }
        let mut view = View::checked(document)?;
        view.0.error_column = Some(view.0.has_error_column());
        view.0.include_ids.get_or_insert(true);
        view.0.include_labels.get_or_insert(true);
        view.0.sort.get_or_insert(true);
        Ok(view)
    }
}

/// Shows the sources of the columns.
impl fmt::Debug for ViewBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<&str> = self.document.columns.iter().map(|column| column.src.as_str()).collect();
        f.debug_struct("ViewBuilder").field("columns", &columns).finish_non_exhaustive()
    }
}
