//! One run of a view on the site: waiting for its end, and fetching what came of it.

use std::{future::IntoFuture, time::Duration};

use bytes::Bytes;
use flywheel_api::{
    Client as Raw, OperationId,
    transport::RawRequest,
    types::{DataViewExecution as Model, DataViewExecutionState as State},
};
use flywheel_core::view::OutputFormat;
use futures::{StreamExt, TryStreamExt, future::BoxFuture, stream::BoxStream};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::rows::Rows;
use crate::{
    Error, ErrorKind, File, Request, Resource, Result,
    call::Call,
    resource::{resource, sealed::Parts},
};

resource! {
    /// One run of a data view.
    DataViewExecution: DataViewExecution, cursor id
}

/// The first wait between two looks at a run, which doubles from look to look, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How to wait for the end of a run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience {
    /// The wait between two looks; growing unless it is said.
    pub(super) every: Option<Duration>,
    /// The longest wait in all.
    pub(super) at_most: Option<Duration>,
}

impl Patience {
    /// Looks at a run until it has ended.
    pub(super) async fn wait(self, raw: &Raw, mut run: Model) -> Result<Model> {
        let begun = Instant::now();
        let mut pause = self.every.unwrap_or(FIRST_PAUSE);
        loop {
            let id = run.id.clone().unwrap_or_default();
            match &run.state {
                Some(State::Completed) => return Ok(run),
                Some(State::Failed) => return Err(failed(&run)),
                _ if id.is_empty() => {
                    return Err(failure(ErrorKind::Decode, "the site does not say the id of the run"));
                }
                _ => {}
            }
            if self.at_most.is_some_and(|limit| begun.elapsed() + pause > limit) {
                let message = format!("the run {id} of the view has not ended in the time it was given");
                return Err(failure(ErrorKind::Timeout, message)
                    .with_may_have_executed(true)
                    .with_hint("It goes on at the site: wait for it with client.views().execution(id)."));
            }
            run = Call::new(OperationId::GetDataViewExecution).at(&id).send(raw).await?;
            if !matches!(run.state, Some(State::Completed | State::Failed)) {
                tokio::time::sleep(pause).await;
                if self.every.is_none() {
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

fn failure(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error::new(kind, message).with_operation(OperationId::GetDataViewExecution.operation().name)
}

fn failed(run: &Model) -> Error {
    let why = run.extra.get("error").and_then(Value::as_str).map(|why| format!(": {why}"));
    let id = run.id.as_deref().unwrap_or_default();
    failure(ErrorKind::Server, format!("the run {id} of the view failed{}", why.unwrap_or_default()))
}

/// The data of a run that is completed.
pub(super) async fn data(raw: &Raw, id: &str, format: OutputFormat) -> Result<flywheel_api::ByteStream> {
    let call = Call::new(OperationId::GetDataViewExecutionData).at(id).query("file_format", format.name());
    call.stream(raw).await
}

impl DataViewExecution {
    /// How far it is; `None` when the site does not say.
    pub fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// Waits until it has ended; this value then shows it.
    ///
    /// # Errors
    /// [`ErrorKind::Server`] when the run failed, [`ErrorKind::Timeout`] when it takes longer than was allowed.
    pub fn wait(&mut self) -> WaitForExecution<'_> {
        WaitForExecution { run: self, patience: Patience::default() }
    }

    /// The rows, once it is completed: each an object by the names of the columns.
    pub fn rows<T: DeserializeOwned + Send + 'static>(&self) -> Rows<T> {
        let (raw, id) = (self.client().raw().clone(), self.id().to_owned());
        Rows::of(async move { data(&raw, &id, OutputFormat::JsonFlat).await })
    }

    /// The data as bytes of a format, once it is completed.
    pub fn bytes(&self, format: OutputFormat) -> BoxStream<'static, Result<Bytes>> {
        let (raw, id) = (self.client().raw().clone(), self.id().to_owned());
        futures::stream::once(async move { data(&raw, &id, format).await }).try_flatten().boxed()
    }

    /// Keeps the data as a file of the project, called after the view, and gives back the file.
    pub fn save(&self, format: OutputFormat) -> Request<'static, File> {
        let call =
            Call::new(OperationId::SaveDataViewExecution).at(self.id()).query("file_format", format.name());
        let client = self.client().clone();
        Request::new(
            self.client(),
            move |raw| async move { kept(client, call.send(&raw).await?, &raw).await },
        )
    }

    /// An address that gives the data to whoever has it, without a key, until the site lets it expire.
    pub fn url(&self, format: OutputFormat) -> Request<'static, String> {
        let id = self.id().to_owned();
        Request::new(self.client(), move |raw| async move {
            let operation = OperationId::CreateDataViewExecutionTicket;
            let answer: Value = Call::new(operation).at(&id).send(&raw).await?;
            let ticket = answer.get("ticket").and_then(Value::as_str).ok_or_else(|| {
                failure(ErrorKind::Decode, "the answer holds no ticket")
                    .with_operation(operation.operation().name)
            })?;
            RawRequest::of(OperationId::GetDataViewExecutionData.operation(), &[&id])?
                .query("ticket", ticket)
                .query("file_format", format.name())
                .url(raw.transport())
        })
    }

    /// Takes the run and its data away.
    pub fn delete(self) -> Request<'static, ()> {
        let call = Call::new(OperationId::DeleteViewExecution).at(self.id());
        Request::new(self.client(), move |raw| async move { call.send_only(&raw).await })
    }
}

/// The file that the site made of data: its answer names the version, whose document is read anew.
pub(super) async fn kept(client: crate::Client, made: Value, raw: &Raw) -> Result<File> {
    let id = made.pointer("/_id/file_id").or(made.get("file_id")).and_then(Value::as_str);
    let id = id.ok_or_else(|| {
        Error::new(ErrorKind::Decode, "the answer does not say which file was made")
            .with_may_have_executed(true)
    })?;
    Ok(File::from_parts(client, Call::new(OperationId::GetFile).at(id).send(raw).await?))
}

/// Waits for a run of a view. See [`DataViewExecution::wait`].
#[must_use = "nothing is waited for until this is awaited"]
#[derive(Debug)]
pub struct WaitForExecution<'a> {
    run: &'a mut DataViewExecution,
    patience: Patience,
}

impl<'a> WaitForExecution<'a> {
    /// The time between two looks, in place of one that grows from a tenth of a second to two seconds.
    pub fn poll_every(mut self, pause: Duration) -> Self {
        self.patience.every = Some(pause);
        self
    }

    /// The longest wait in all; without end unless said.
    pub fn at_most(mut self, limit: Duration) -> Self {
        self.patience.at_most = Some(limit);
        self
    }
}

impl<'a> IntoFuture for WaitForExecution<'a> {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'a, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { run, patience } = self;
        Box::pin(async move {
            let raw = run.client().raw().clone();
            let ended = patience.wait(&raw, run.model().clone()).await?;
            *run.model_mut() = ended;
            Ok(())
        })
    }
}
