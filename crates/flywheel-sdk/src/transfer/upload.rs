//! Uploads as one request: a form that is streamed, whatever the size of the files.

use std::{collections::HashSet, fmt, future::IntoFuture, sync::Arc};

use flywheel_api::{
    OperationId,
    support::multipart::{Content, Form},
    transport::{CallOptions, RawRequest},
};
use serde_json::Value;

use super::{
    placed::Place,
    running::{Callbacks, Progress, Reporter, Transfer},
    signed,
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
    plan: Plan,
    finish: Finish<T>,
}

/// What is sent, where to and how.
struct Plan {
    client: Client,
    operation: Result<OperationId>,
    /// The values of the route's parameters.
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    sources: Vec<Source>,
    /// What says where the files go, when the route does not.
    place: Option<Place>,
    preserve_metadata: bool,
    direct: Option<bool>,
    callbacks: Callbacks,
    options: CallOptions,
}

impl<T: Send + 'static> Upload<T> {
    /// An upload of `sources` by `operation`, whose route has `path` as the values of its parameters; `finish` is given the
    /// documents of the stored files.
    pub(super) fn new(
        client: &Client,
        operation: Result<OperationId>,
        path: Vec<String>,
        sources: Vec<Source>,
        finish: impl FnOnce(&Client, Vec<Value>) -> Result<T> + Send + 'static,
    ) -> Self {
        let plan = Plan {
            client: client.clone(),
            operation,
            path,
            query: Vec::new(),
            sources,
            place: None,
            preserve_metadata: false,
            direct: None,
            callbacks: Callbacks::default(),
            options: CallOptions::new(),
        };
        Self { plan, finish: Box::new(finish) }
    }

    /// The same upload, with a query parameter.
    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.plan.query.push((name, value.into()));
        self
    }

    /// The same upload, to containers that are named and not known by their ids; only forms go there.
    pub(super) fn placed(mut self, place: Place) -> Self {
        self.plan.place = Some(place);
        self.plan.direct = Some(false);
        self
    }

    /// The same upload, of which the caller gets something else.
    pub(super) fn map<U: Send + 'static>(
        self,
        change: impl FnOnce(T) -> Result<U> + Send + 'static,
    ) -> Upload<U> {
        let finish = self.finish;
        Upload { plan: self.plan, finish: Box::new(move |client, stored| change(finish(client, stored)?)) }
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
        self.plan.sources = self.plan.sources.into_iter().map(change).collect();
        self
    }

    /// Whether a file that replaces one of the same name keeps its type, classification, tags and info, as far as the
    /// upload does not say otherwise. It does not by default.
    pub fn preserve_metadata(mut self, yes: bool) -> Self {
        self.plan.preserve_metadata = yes;
        self
    }

    /// Whether the bytes go straight to the storage of the site, by signed addresses and in several parts, or through the
    /// site in one form. By default files of 8 MiB and more go straight where the site offers it (`signed_url` in its
    /// configuration).
    pub fn direct(mut self, yes: bool) -> Self {
        self.plan.direct = Some(yes);
        self
    }

    /// Calls `report` as bytes move, from the task that moves them.
    pub fn on_progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.plan.callbacks.push(report);
        self
    }

    /// Other timeouts, retries or features than the client's.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.plan.options = options.over(&self.plan.options);
        self
    }

    /// The transfer, to be watched, cancelled and awaited.
    pub fn start(self) -> Transfer<T> {
        let Self { plan, finish } = self;
        let reporter = plan.callbacks.clone().reporter();
        let watched = reporter.clone();
        Transfer::new(&watched, async move {
            let client = plan.client.clone();
            finish(&client, plan.run(&reporter).await?)
        })
    }
}

impl Plan {
    async fn run(self, reporter: &Reporter) -> Result<Vec<Value>> {
        let operation = self.operation?;
        let named = |error: Error| error.with_operation(operation.operation().name);
        let sources = prepare(self.sources).await.map_err(named)?;
        let total = sources.iter().map(|source| source.length).sum();
        reporter.update(|progress| progress.total = Some(total));
        let transport = self.client.raw().transport().with_options(self.options);
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let request = |operation: OperationId, path: &[&str]| -> Result<RawRequest> {
            let mut request = RawRequest::of(operation.operation(), path)?;
            for (name, value) in &self.query {
                request = request.query(name, value.clone());
            }
            let preserve = self.preserve_metadata.then_some("true");
            Ok(preserve.into_iter().fold(request, |request, yes| request.query("preserve_metadata", yes)))
        };
        let stored = if signed::applies(&transport, self.direct, &sources).await? {
            // The routes of tickets are those of all kinds of container, told apart by the first word of the route.
            let kind = operation.operation().path.split('/').nth(1).unwrap_or_default();
            let path: Vec<&str> = std::iter::once(kind).chain(path).collect();
            let begin = request(OperationId::CreateSignedUploadTicket, &path)?;
            let end = request(OperationId::CompleteSignedUpload, &path)?;
            let listed = operation == OperationId::UploadOutputToAnalysis;
            signed::upload(&self.client, &transport, &begin, &end, listed, &sources, reporter)
                .await
                .map_err(named)?
        } else {
            let request = request(operation, &path)?;
            let stored: Option<_> =
                transport.send_json(&request.form(form(&sources, self.place.as_ref(), reporter))).await?;
            stored.unwrap_or_default()
        };
        check_sizes(&sources, &stored).map_err(named)?;
        Ok(stored)
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

fn form(sources: &[Ready], place: Option<&Place>, reporter: &Reporter) -> Form {
    let form = sources.iter().enumerate().fold(Form::new(), |form, (at, source)| {
        let (opened, reporter, sent) = (source.clone(), reporter.clone(), Arc::default());
        let open = move || std::future::ready(Ok(opened.open(0..opened.length, &sent, &reporter)));
        let content = Content::reopenable(Some(source.length), open);
        // Routes that place files by name tell their parts apart by the names of the fields.
        let field = if place.is_some() { format!("file{at}") } else { "file".to_owned() };
        form.file(&field, &source.name, content)
    });
    let metadata = match place {
        Some(place) => Some(place.metadata(sources)),
        None => metadata(sources),
    };
    match metadata {
        Some(metadata) => form.text("metadata", metadata.to_string()),
        None => form,
    }
}

/// What to record: an object for one file, a list matched by name for several; nothing when nothing is said.
fn metadata(sources: &[Ready]) -> Option<Value> {
    if sources.iter().all(|source| source.metadata.is_empty()) {
        return None;
    }
    match sources {
        [one] => Some(Value::Object(one.named_metadata())),
        several => Some(several.iter().map(Ready::named_metadata).collect()),
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
        f.debug_struct("Upload").field("sources", &self.plan.sources).finish_non_exhaustive()
    }
}
