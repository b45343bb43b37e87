//! One run of a view on the site: waiting for its end, and fetching what came of it.

use std::time::Duration;

use bytes::Bytes;
use flywheel_api::{
    Client as Raw, OperationId,
    transport::RawRequest,
    types::{DataViewExecution as Model, DataViewExecutionState as State},
};
use flywheel_core::view::OutputFormat;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::rows::Rows;
use crate::{
    Error, ErrorKind, File, Request, Resource, Result,
    call::Call,
    resource::{resource, sealed::Parts},
    wait::{Ends, Wait},
};

resource! {
    /// One run of a data view.
    DataViewExecution: DataViewExecution, cursor id
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
    pub fn wait(&mut self) -> Wait<'_, Self> {
        Wait::new(self)
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

impl Ends for DataViewExecution {
    type End = ();
    const LONGEST_PAUSE: Duration = Duration::from_secs(2);

    fn is_over(&self) -> bool {
        matches!(self.state, Some(State::Completed | State::Failed))
    }

    fn end(&self) -> Result<()> {
        match &self.state {
            Some(State::Failed) => Err(failed(self)),
            _ => Ok(()),
        }
    }

    fn late(&self) -> Error {
        let message = format!("the run {} of the view has not ended in the time it was given", self.id());
        failure(ErrorKind::Timeout, message)
            .with_may_have_executed(true)
            .with_hint("It goes on at the site: wait for it with client.views().execution(id).")
    }
}
