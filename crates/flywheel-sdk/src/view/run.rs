//! Running a view: on which containers, with which further filter and order, and how its rows come.

use std::{fmt, future::Future, path::Path, time::Duration};

use bytes::Bytes;
use flywheel_api::{
    ByteStream, Client as Raw, OperationId, transport::CallOptions, types::DataViewExecution as Model,
};
use flywheel_core::{
    filter::Filter,
    sort::Sort,
    syntax::ParseError,
    view::{OutputFormat, Plan, View as Document},
};
use futures::{FutureExt, Stream, StreamExt, TryStreamExt, future::BoxFuture, stream::BoxStream};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{
    SavedView, View,
    build::invalid,
    execution::{data, kept},
    rows::{Rows, read, texts},
    shape::Shape,
    table::Table,
    write,
};
use crate::{
    Acquisition, Client, ContainerRef, DataViewExecution, File, Project, Request, Result, Session, Subject,
    Transfer, call::Call, resource::sealed::Parts, wait::Patience,
};

/// How many containers a view is run on at the same time.
const AT_ONCE: usize = 4;

/// Which view is run: one that was built, a saved one, or the id of a saved one.
#[derive(Clone, Debug)]
pub enum ViewSource {
    /// A view that goes with the call.
    AdHoc(Box<View>),
    /// A saved view, by its id, and what it asks for where that is known.
    Saved(String, Option<Box<View>>),
}

impl From<View> for ViewSource {
    fn from(view: View) -> Self {
        Self::AdHoc(Box::new(view))
    }
}

impl From<&View> for ViewSource {
    fn from(view: &View) -> Self {
        view.clone().into()
    }
}

impl From<&SavedView> for ViewSource {
    fn from(view: &SavedView) -> Self {
        Self::Saved(view.id().to_owned(), view.view().ok().map(Box::new))
    }
}

impl From<&str> for ViewSource {
    fn from(id: &str) -> Self {
        Self::Saved(id.to_owned(), None)
    }
}

impl From<String> for ViewSource {
    fn from(id: String) -> Self {
        Self::Saved(id, None)
    }
}

impl ViewSource {
    fn document(&self) -> Option<&Document> {
        match self {
            Self::AdHoc(view) | Self::Saved(_, Some(view)) => Some(view.document()),
            Self::Saved(_, None) => None,
        }
    }
}

/// What a view is run on: a project, subject, session or acquisition, or its id.
#[derive(Clone, Debug)]
pub struct Target {
    id: String,
    label: Option<String>,
}

macro_rules! targets {
    ($($kind:ident)*) => {$(
        impl From<&$kind> for Target {
            fn from(container: &$kind) -> Self {
                let label = Some(container.label()).filter(|label| !label.is_empty());
                Self { id: container.id().to_owned(), label: label.map(str::to_owned) }
            }
        }

        impl From<$kind> for Target {
            fn from(container: $kind) -> Self {
                Self::from(&container)
            }
        }
    )*};
}

targets!(Project Subject Session Acquisition);

impl From<&str> for Target {
    fn from(id: &str) -> Self {
        Self { id: id.to_owned(), label: None }
    }
}

impl From<String> for Target {
    fn from(id: String) -> Self {
        Self { id, label: None }
    }
}

impl From<&String> for Target {
    fn from(id: &String) -> Self {
        id.as_str().into()
    }
}

/// A view about to be run; how its rows come is chosen last. See the [module](super).
#[must_use = "a view runs when its rows are asked for"]
#[derive(Clone)]
pub struct ViewRun {
    client: Client,
    plan: RunPlan,
}

/// What is run, on what, and how.
#[derive(Clone)]
struct RunPlan {
    source: ViewSource,
    targets: Vec<Target>,
    filter: Filter,
    sort: Sort,
    skip: Option<u64>,
    limit: Option<u64>,
    /// Whether the data are asked for in one call, not queued.
    direct: bool,
    patience: Patience,
    /// The name of a first column that says which container a row is of.
    origin: Option<String>,
    options: CallOptions,
    mistake: Option<String>,
}

impl ViewRun {
    pub(super) fn new(client: &Client, source: ViewSource, targets: Vec<Target>) -> Self {
        let plan = RunPlan {
            source,
            targets,
            filter: Filter::default(),
            sort: Sort::default(),
            skip: None,
            limit: None,
            direct: false,
            patience: Patience::default(),
            origin: None,
            options: CallOptions::new(),
            mistake: None,
        };
        Self { client: client.clone(), plan }
    }

    /// Only rows that this filter lets through as well, over sources and names of columns. Several must all hold.
    pub fn filter(mut self, filter: impl TryInto<Filter, Error: Into<ParseError>>) -> Self {
        match filter.try_into() {
            Ok(filter) => self.plan.filter &= filter,
            Err(mistake) => self.note(mistake.into()),
        }
        self
    }

    /// In this order of output columns: text such as `subject.label:asc`, or a [`Sort`].
    pub fn sort(mut self, sort: impl TryInto<Sort, Error: Into<ParseError>>) -> Self {
        match sort.try_into() {
            Ok(sort) => self.plan.sort = sort,
            Err(mistake) => self.note(mistake.into()),
        }
        self
    }

    fn note(&mut self, mistake: ParseError) {
        self.plan.mistake.get_or_insert(mistake.to_string());
    }

    /// Without the first rows, of each container.
    pub fn skip(mut self, rows: u64) -> Self {
        self.plan.skip = Some(rows);
        self
    }

    /// No more rows than this, of each container.
    pub fn limit(mut self, rows: u64) -> Self {
        self.plan.limit = Some(rows);
        self
    }

    /// Asks for the data in one call that lasts as long as the view runs, in place of queueing it and looking for its end.
    /// For small tables; behind proxies that cut off long calls, the queue is the way.
    pub fn direct(mut self, yes: bool) -> Self {
        self.plan.direct = yes;
        self
    }

    /// The time between two looks for the end, in place of one that grows from a tenth of a second to two seconds.
    pub fn poll_every(mut self, pause: Duration) -> Self {
        self.plan.patience.every = Some(pause);
        self
    }

    /// The longest wait for the end; without end unless said. The run goes on at the site.
    pub fn wait_at_most(mut self, limit: Duration) -> Self {
        self.plan.patience.at_most = Some(limit);
        self
    }

    /// Puts a column of this name in front that says which container a row is of: by its label, or by its id where only
    /// that was given.
    pub fn origin_column(mut self, name: impl Into<String>) -> Self {
        self.plan.origin = Some(name.into());
        self
    }

    /// Other options for the calls of this run.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.plan.options = options.over(&self.plan.options);
        self
    }

    /// Runs the view and gives back the run once it is completed, for its data in several formats; on one container.
    pub fn execute(&self) -> Request<'static, DataViewExecution> {
        let (client, plan) = (self.client.clone(), self.plan.clone());
        self.request(move |raw| async move {
            let target = plan.only_target("executed")?;
            let mut run = DataViewExecution::from_parts(client, plan.queue(&raw, target).await?);
            plan.patience.wait(&raw, &mut run).await?;
            Ok(run)
        })
    }

    /// The rows one by one, each of a type of the caller's: an object by the names of the columns.
    pub fn rows<T: DeserializeOwned + Send + 'static>(&self) -> Rows<T> {
        let rows = self.plan.clone().rows(self.raw());
        Rows::new(rows.map(|row| match row? {
            (row, None) => read(&row),
            (row, origin) => read(Value::from(with_origin(&row, origin)?).to_string().as_bytes()),
        }))
    }

    /// The rows one by one as JSON objects by the names of the columns, in their order.
    pub fn objects(&self) -> Rows<Map<String, Value>> {
        self.rows()
    }

    /// All rows at hand, with what each column holds: for data frames, record batches and files.
    pub fn table(&self) -> Request<'static, Table> {
        let (rows, columns) = (self.plan.clone(), self.plan.columns());
        self.request(move |raw| async move { Table::gather(columns?, rows.objects(raw)).await })
    }

    /// The bytes of a format as they arrive. Those of several containers, and those with a column for the container, are
    /// put together here once all rows are there.
    pub fn stream(&self, format: OutputFormat) -> BoxStream<'static, Result<Bytes>> {
        let plan = self.plan.clone();
        plan.bytes(self.raw(), format).boxed()
    }

    /// All bytes of a format, in memory.
    pub fn bytes(&self, format: OutputFormat) -> Request<'static, Bytes> {
        let plan = self.plan.clone();
        self.request(move |raw| async move {
            let chunks: Vec<Bytes> = plan.bytes(raw, format).try_collect().await?;
            Ok(chunks.concat().into())
        })
    }

    /// Writes the data to a file in the format that its name ends with: `.csv`, `.tsv`, `.json` (`{"data": [..]}`),
    /// `.ndjson` or, with the feature `arrow`, `.parquet`. Gives back how many bytes there are.
    ///
    /// The file appears under its name when all of it is there.
    pub fn to_path(&self, path: impl AsRef<Path>) -> Transfer<u64> {
        let path = path.as_ref().to_path_buf();
        let (plan, raw) = (self.plan.clone(), self.raw());
        match write::Form::of_path(&path) {
            Ok(write::Form::Text(format)) => write::to_file(path, plan.bytes(raw, format)),
            #[cfg(feature = "arrow")]
            Ok(write::Form::Parquet) => {
                let table = self.table();
                write::to_file(path, super::batches::parquet(async move { table.await }))
            }
            Err(error) => write::to_file(path, futures::stream::once(std::future::ready(Err(error)))),
        }
    }

    /// As [`to_path`](Self::to_path), in a format that the name does not have to say.
    pub fn to_path_as(&self, format: OutputFormat, path: impl AsRef<Path>) -> Transfer<u64> {
        write::to_file(path.as_ref().to_path_buf(), self.plan.clone().bytes(self.raw(), format))
    }

    /// Has the site keep the data as a file of a container; on one container.
    ///
    /// ```no_run
    /// # async fn run(fw: flywheel::Client, view: flywheel::View, project: flywheel::Project) -> flywheel::Result<()> {
    /// use flywheel::view::OutputFormat;
    ///
    /// let run = fw.views().run(&view, &project);
    /// let file = run.save_to(project.reference(), "ages.csv", OutputFormat::Csv).await?;
    /// println!("version {}", file.version());
    /// # Ok(())
    /// # }
    /// ```
    pub fn save_to(
        &self,
        container: ContainerRef,
        filename: impl Into<String>,
        format: OutputFormat,
    ) -> Request<'static, File> {
        let (client, plan, filename) = (self.client.clone(), self.plan.clone(), filename.into());
        self.request(move |raw| async move {
            let target = plan.only_target("saved")?;
            let mut body = json!({
                "containerType": container.kind, "containerId": container.id, "filename": filename,
            });
            match &plan.source {
                ViewSource::AdHoc(view) => body["view"] = json!(view.document()),
                ViewSource::Saved(id, _) => body["viewId"] = id.as_str().into(),
            }
            let call = plan.asked(Call::new(OperationId::SaveViewDataToContainer), target)?;
            let made: Value = call.query("format", format.name()).body(body)?.send(&raw).await?;
            kept(client, made, &raw).await
        })
    }

    fn raw(&self) -> Raw {
        self.client.raw().with_options(self.plan.options.clone())
    }

    fn request<T, F, Fut>(&self, run: F) -> Request<'static, T>
    where
        T: Send + 'static,
        F: FnOnce(Raw) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        Request::new(&self.client, run).options(self.plan.options.clone())
    }
}

impl fmt::Debug for ViewRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewRun").field("on", &self.plan.targets.len()).finish_non_exhaustive()
    }
}

/// The name and the value of the column that says which container a row is of.
type Origin = Option<(String, String)>;

impl RunPlan {
    /// The columns as far as they are known beforehand, with the types that they will certainly have.
    fn columns(&self) -> Result<Vec<(String, Shape)>> {
        self.check()?;
        let origin = self.origin.iter().map(|name| (name.clone(), Shape::Text));
        let plan = self.source.document().and_then(|document| Plan::new(document, &self.filter).ok());
        let known = plan.filter(|plan| plan.own_fields_at.is_none());
        let columns = known.iter().flat_map(|plan| &plan.columns);
        let typed = columns.map(|column| {
            let kind = column.kind.filter(|_| column.accumulator.is_none());
            (column.name.clone(), kind.map_or(Shape::Empty, Shape::of_type))
        });
        Ok(origin.chain(typed).collect())
    }

    /// What can be known to be wrong.
    fn check(&self) -> Result<()> {
        if let Some(mistake) = &self.mistake {
            return Err(invalid(mistake.clone()));
        }
        if self.targets.is_empty() {
            return Err(invalid("a view runs on one container or more, and none was given"));
        }
        if self.targets.iter().any(|target| target.id.is_empty()) {
            return Err(invalid("a container that the view is to run on has no id"));
        }
        match &self.source {
            // What a site knows beyond this release went unchecked on purpose.
            ViewSource::AdHoc(view) if View::checked(view.document().clone()).is_ok() => {
                Plan::new(view.document(), &self.filter).map(drop).map_err(|error| invalid(error.to_string()))
            }
            _ => Ok(()),
        }
    }

    fn only_target(&self, verb: &str) -> Result<&Target> {
        self.check()?;
        match self.targets.as_slice() {
            [one] if self.origin.is_none() => Ok(one),
            [_] => Err(invalid(format!("a run that is {verb} at the site has no column for the container"))),
            several => Err(invalid(format!(
                "a run that is {verb} at the site is on one container, not on {}",
                several.len()
            ))),
        }
    }

    /// The parameters that say on what, and which rows.
    fn asked(&self, call: Call, target: &Target) -> Result<Call> {
        self.check()?;
        let filled = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(call
            .query("containerId", &target.id)
            .query_opt("filter", filled(self.filter.to_string()))
            .query_opt("sort", filled(self.sort.to_string()))
            .query_opt("skip", self.skip)
            .query_opt("limit", self.limit))
    }

    async fn queue(&self, raw: &Raw, target: &Target) -> Result<Model> {
        let call = match &self.source {
            ViewSource::AdHoc(view) => Call::new(OperationId::QueueAdhoc).body(view.document())?,
            ViewSource::Saved(id, _) => Call::new(OperationId::QueueSaved).at(id),
        };
        self.asked(call, target)?.send(raw).await
    }

    /// The data of one container.
    async fn open(&self, raw: &Raw, target: &Target, format: OutputFormat) -> Result<ByteStream> {
        if self.direct {
            let call = match &self.source {
                ViewSource::AdHoc(view) => Call::new(OperationId::EvaluateViewAdhoc).body(view.document())?,
                ViewSource::Saved(id, _) => Call::new(OperationId::EvaluateView).at(id),
            };
            return self.asked(call, target)?.query("format", format.name()).stream(raw).await;
        }
        let mut run = DataViewExecution::from_parts(raw.clone().into(), self.queue(raw, target).await?);
        self.patience.wait(raw, &mut run).await?;
        data(raw, run.id(), format).await
    }

    /// The texts of all rows, in the order of the containers; the next containers are under way meanwhile.
    fn rows(self, raw: Raw) -> impl Stream<Item = Result<(Bytes, Origin)>> + Send + 'static {
        let targets = match self.check() {
            Ok(()) => self.targets.clone(),
            Err(error) => return futures::stream::once(std::future::ready(Err(error))).left_stream(),
        };
        let begin = move |target: Target| {
            let (plan, raw) = (self.clone(), raw.clone());
            let origin =
                plan.origin.clone().map(|name| (name, target.label.clone().unwrap_or(target.id.clone())));
            let opened: BoxFuture<'static, Result<ByteStream>> =
                async move { plan.open(&raw, &target, OutputFormat::JsonFlat).await }.boxed();
            opened.map(move |opened| opened.map(|bytes| (bytes, origin)))
        };
        futures::stream::iter(targets)
            .map(begin)
            .buffered(AT_ONCE)
            .map_ok(|(bytes, origin)| {
                texts(std::future::ready(Ok(bytes))).map_ok(move |row| (row, origin.clone()))
            })
            .try_flatten()
            .right_stream()
    }

    fn objects(self, raw: Raw) -> impl Stream<Item = Result<Map<String, Value>>> + Send + 'static {
        self.rows(raw).map(|row| row.and_then(|(row, origin)| with_origin(&row, origin)))
    }

    /// The bytes of a format: straight from the site where they are of one container and unchanged.
    fn bytes(self, raw: Raw, format: OutputFormat) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        async_stream::try_stream! {
            match self.only_target("written") {
                Ok(target) => {
                    let mut bytes = self.open(&raw, target, format).await?;
                    while let Some(chunk) = bytes.try_next().await? {
                        yield chunk;
                    }
                }
                Err(_) => {
                    let table = Table::gather(self.columns()?, self.clone().objects(raw)).await?;
                    let mut chunks = std::pin::pin!(table.bytes(format));
                    while let Some(chunk) = chunks.try_next().await? {
                        yield chunk;
                    }
                }
            }
        }
    }
}

/// The object of a row, the container that it is of in front.
fn with_origin(row: &[u8], origin: Origin) -> Result<Map<String, Value>> {
    let mut object: Map<String, Value> =
        origin.into_iter().map(|(name, label)| (name, label.into())).collect();
    object.extend(read::<Map<String, Value>>(row)?);
    Ok(object)
}
