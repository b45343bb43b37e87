//! One call of one operation: where everything in this crate that talks JSON goes through.

use flywheel_api::{ByteStream, Client as Raw, OperationId, models::Listing};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Client, Error, ErrorKind, Request, Resource, Result};

/// A call of an operation by its place in the operation table.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    operation: OperationId,
    path: Vec<String>,
    query: Vec<(String, String)>,
    body: Option<Value>,
    /// Why what was given cannot be sent.
    mistake: Option<String>,
}

impl Call {
    pub(crate) fn new(operation: OperationId) -> Self {
        Self { operation, path: Vec::new(), query: Vec::new(), body: None, mistake: None }
    }

    /// The next segment of the path, in the order of the route.
    pub(crate) fn at(mut self, segment: impl Into<String>) -> Self {
        self.path.push(segment.into());
        self
    }

    pub(crate) fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }

    pub(crate) fn query_opt(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    pub(crate) fn body(self, body: impl Serialize) -> Result<Self> {
        let call = self.sending(body);
        call.check()?;
        Ok(call)
    }

    /// As [`body`](Self::body); what cannot be sent shows when the call is.
    pub(crate) fn sending(mut self, body: impl Serialize) -> Self {
        match serde_json::to_value(body) {
            Ok(body) => self.body = Some(body),
            Err(error) => self.mistake = Some(format!("the body has no form in JSON: {error}")),
        }
        self
    }

    fn check(&self) -> Result<()> {
        match &self.mistake {
            None => Ok(()),
            Some(mistake) => Err(Error::new(ErrorKind::Invalid, mistake.clone())
                .with_operation(self.operation.operation().name)),
        }
    }

    /// The request that sends this; the answer is a document.
    pub(crate) fn answer<T>(self, client: &Client) -> Request<'static, T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        Request::new(client, move |raw| async move { self.send(&raw).await })
    }

    /// The request that sends this; the answer is a list.
    pub(crate) fn rows<T>(self, client: &Client) -> Request<'static, Vec<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        Request::new(client, move |raw| async move { Ok(self.list(&raw).await?.items) })
    }

    /// The request that sends this; the answer is a thing of the site.
    pub(crate) fn thing<C: Resource>(self, client: &Client) -> Request<'static, C> {
        let held = client.clone();
        self.answer(client).map(move |model| Ok(C::from_parts(held, model)))
    }

    /// The request that sends this and drops the answer.
    pub(crate) fn done(self, client: &Client) -> Request<'static, ()> {
        Request::new(client, move |raw| async move { self.send_only(&raw).await })
    }

    /// Whether the operation takes this query parameter.
    pub(crate) fn takes(operation: OperationId, parameter: &str) -> bool {
        let place = flywheel_api::operation::Place::Query;
        operation.operation().parameters_in(place).any(|known| known.name == parameter)
    }

    /// Sends; the answer is a document.
    pub(crate) async fn send<T: DeserializeOwned>(self, raw: &Raw) -> Result<T> {
        self.check()?;
        let (path, query) = self.parameters();
        Ok(raw.request_as::<T>(self.operation, &path, &query, self.body.clone()).await?.into_inner())
    }

    /// Sends; the answer says the id of what was made.
    pub(crate) async fn make(self, raw: &Raw) -> Result<String> {
        let operation = self.operation;
        let made: Value = self.send(raw).await?;
        let id = made.get("_id").or(made.get("id")).and_then(Value::as_str).map(str::to_owned);
        id.ok_or_else(|| {
            Error::new(ErrorKind::Decode, "the answer does not say the id of what was made")
                .with_operation(operation.operation().name)
                .with_may_have_executed(true)
        })
    }

    /// Sends; the answer is a list, bare or in a page.
    pub(crate) async fn list<T: DeserializeOwned>(self, raw: &Raw) -> Result<Listing<T>> {
        self.check()?;
        let (path, query) = self.parameters();
        Ok(raw.request_list::<T>(self.operation, &path, &query, self.body.clone()).await?.into_inner())
    }

    /// Sends; whatever the answer says beyond its success is dropped, be it JSON or not.
    pub(crate) async fn send_only(self, raw: &Raw) -> Result<()> {
        self.check()?;
        let (path, query) = self.parameters();
        raw.request_stream(self.operation, &path, &query, self.body.clone()).await.map(drop)
    }

    /// Sends; the answer is handed over as it arrives.
    pub(crate) async fn stream(self, raw: &Raw) -> Result<ByteStream> {
        let (path, query) = self.parameters();
        Ok(raw.request_stream(self.operation, &path, &query, self.body.clone()).await?.into_inner())
    }

    /// The parameters by their names: those of the path stand in the order of the route.
    fn parameters(&self) -> (Parameters<'_>, Parameters<'_>) {
        let route = self.operation.operation().path;
        let names = route.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let path = names.zip(self.path.iter().map(String::as_str)).collect();
        let query = self.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        (path, query)
    }
}

type Parameters<'a> = Vec<(&'a str, &'a str)>;
