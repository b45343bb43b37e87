//! Uploads as one request: a form that is streamed, whatever the size of the files.

use std::{collections::HashSet, fmt, future::IntoFuture};

use flywheel_api::{
    OperationId,
    support::multipart::{Content, Form},
    transport::{CallOptions, RawRequest},
};
use serde_json::{Map, Value};

use super::{
    running::{Callbacks, Progress, Reporter, Transfer},
    source::{Ready, Source},
};
use crate::{Client, Error, ErrorKind, Result};

/// Makes what the caller gets out of the documents of the stored files.
type Finish<T> = Box<dyn FnOnce(&Client, Vec<Value>) -> Result<T> + Send>;

/// An upload to be set up; awaiting it sends it.
///
/// ```no_run
/// # async fn run(fw: flywheel::Client) -> flywheel::Result<()> {
/// use flywheel::Source;
///
/// let session = fw.sessions().get("5eb0bf2e0a1b2c3d4e5f6071").await?;
/// let file = session.upload(Source::path("events.tsv")).on_progress(|now| eprintln!("{}", now.transferred)).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "an upload does nothing unless awaited"]
pub struct Upload<T> {
    client: Client,
    operation: Result<OperationId>,
    container: String,
    sources: Vec<Source>,
    preserve_metadata: bool,
    callbacks: Callbacks,
    options: CallOptions,
    finish: Finish<T>,
}

impl<T: Send + 'static> Upload<T> {
    /// An upload of `sources` by `operation` to the container with the id `container`; `finish` is given the documents
    /// of the stored files, one for each source.
    pub(crate) fn new(
        client: &Client,
        operation: Result<OperationId>,
        container: impl Into<String>,
        sources: Vec<Source>,
        finish: impl FnOnce(&Client, Vec<Value>) -> Result<T> + Send + 'static,
    ) -> Self {
        Self {
            client: client.clone(),
            operation,
            container: container.into(),
            sources,
            preserve_metadata: false,
            callbacks: Callbacks::default(),
            options: CallOptions::new(),
            finish: Box::new(finish),
        }
    }

    /// The same upload, of which the caller gets something else.
    pub(super) fn map<U: Send + 'static>(
        self,
        change: impl FnOnce(T) -> Result<U> + Send + 'static,
    ) -> Upload<U> {
        let Self { client, operation, container, sources, preserve_metadata, callbacks, options, finish } =
            self;
        let finish: Finish<U> = Box::new(move |client, stored| change(finish(client, stored)?));
        Upload { client, operation, container, sources, preserve_metadata, callbacks, options, finish }
    }

    /// Another name on the site, for an upload of one source.
    pub fn name(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.each_source(|source| source.name(name.clone()))
    }

    /// What to record with each file: an object with `type`, `modality`, `classification`, `tags`, `info`, ….
    pub fn metadata(self, value: impl serde::Serialize) -> Self {
        let value = serde_json::to_value(value);
        self.each_source(|source| match &value {
            Ok(value) => source.metadata(value),
            Err(error) => source.metadata(error.to_string()),
        })
    }

    fn each_source(mut self, change: impl Fn(Source) -> Source) -> Self {
        self.sources = self.sources.into_iter().map(change).collect();
        self
    }

    /// Whether a file that replaces one of the same name keeps its type, classification, tags and info, as far as the
    /// upload does not say otherwise. It does not by default.
    pub fn preserve_metadata(mut self, yes: bool) -> Self {
        self.preserve_metadata = yes;
        self
    }

    /// Calls `report` as bytes move, from the task that moves them.
    pub fn on_progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.callbacks.push(report);
        self
    }

    /// Other timeouts, retries or features than the client's.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options.over(&self.options);
        self
    }

    /// The transfer, to be watched, cancelled and awaited.
    pub fn start(self) -> Transfer<T> {
        let Self { client, operation, container, sources, preserve_metadata, callbacks, options, finish } =
            self;
        let reporter = callbacks.reporter();
        let watched = reporter.clone();
        Transfer::new(&watched, async move {
            let operation = operation?;
            let named = |error: Error| error.with_operation(operation.operation().name);
            let sources = prepare(sources).await.map_err(named)?;
            let total = sources.iter().map(|source| source.length).sum();
            reporter.update(|progress| progress.total = Some(total));
            let mut request = RawRequest::of(operation.operation(), &[&container])?;
            if preserve_metadata {
                request = request.query("preserve_metadata", "true");
            }
            let request = request.form(form(&sources, &reporter));
            let transport = client.raw().transport().with_options(options);
            let stored: Option<Vec<Value>> = transport.send_json(&request).await?;
            let stored = stored.unwrap_or_default();
            check_sizes(&sources, &stored).map_err(named)?;
            finish(&client, stored)
        })
    }
}

async fn prepare(sources: Vec<Source>) -> Result<Vec<Ready>> {
    let mut ready = Vec::with_capacity(sources.len());
    let mut names = HashSet::new();
    for source in sources {
        let source = source.prepare().await?;
        if !names.insert(source.name.clone()) {
            return Err(Error::new(ErrorKind::Invalid, "two files of one upload have the same name"));
        }
        ready.push(source);
    }
    if ready.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, "there is nothing to upload"));
    }
    Ok(ready)
}

fn form(sources: &[Ready], reporter: &Reporter) -> Form {
    let form = sources.iter().fold(Form::new(), |form, source| {
        let (opened, reporter) = (source.clone(), reporter.clone());
        let open = move || std::future::ready(Ok(opened.open(&reporter)));
        form.file("file", &source.name, Content::reopenable(Some(source.length), open))
    });
    match metadata(sources) {
        Some(metadata) => form.text("metadata", metadata.to_string()),
        None => form,
    }
}

/// What to record: an object for one file, a list matched by name for several; nothing when nothing is said.
fn metadata(sources: &[Ready]) -> Option<Value> {
    if sources.iter().all(|source| source.metadata.is_empty()) {
        return None;
    }
    let named = |source: &Ready| {
        let mut metadata = Map::from_iter([("name".to_owned(), Value::from(source.name.as_str()))]);
        metadata.extend(source.metadata.clone());
        Value::Object(metadata)
    };
    match sources {
        [one] => Some(named(one)),
        several => Some(several.iter().map(named).collect()),
    }
}

/// The site says what it stored: as many bytes as were sent.
fn check_sizes(sources: &[Ready], stored: &[Value]) -> Result<()> {
    for source in sources {
        let found = stored.iter().find(|file| file.get("name").and_then(Value::as_str) == Some(&source.name));
        let Some(size) = found.and_then(|file| file.get("size")).and_then(Value::as_u64) else { continue };
        if size != source.length {
            let message = format!("{} bytes were sent and {size} were stored", source.length);
            return Err(Error::new(ErrorKind::Integrity, message).with_may_have_executed(true));
        }
    }
    Ok(())
}

impl<T: Send + 'static> IntoFuture for Upload<T> {
    type Output = Result<T>;
    type IntoFuture = Transfer<T>;

    fn into_future(self) -> Transfer<T> {
        self.start()
    }
}

impl<T> fmt::Debug for Upload<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("operation", &self.operation)
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}
