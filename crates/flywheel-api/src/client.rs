//! The client of the whole API: one method an operation, and calls without types.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::models::Listing;
use crate::operation::{AnswerKind, BodyKind, Place};
use crate::support::call::Call;
use crate::transport::{CallOptions, Transport};
use crate::{ByteStream, Error, OperationId, ResponseValue};

/// Every operation of the API, as a method that returns a builder.
///
/// Cheap to clone: clones share the connections, the retry budget and the credentials.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Transport,
}

impl Client {
    /// A client over a transport, which knows the site and the key.
    pub fn new(transport: Transport) -> Self {
        Self { transport }
    }

    /// How requests reach the site.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The same client with other options for each of its calls.
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self { transport: self.transport.with_options(options) }
    }

    /// Calls an operation without types: for fields that this release does not know, and for tools that work
    /// over the operation table.
    ///
    /// Parameters go by their names on the wire; headers are named among `query`. A query parameter that is
    /// given twice is sent twice.
    ///
    /// # Errors
    ///
    /// When a parameter is unknown, missing or cannot stand in a path, when the operation takes a form or
    /// answers a stream, and as every call.
    pub async fn request(
        &self,
        operation: OperationId,
        path: &[(&str, &str)],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<ResponseValue<Value>, Error> {
        let call = self.untyped(operation, path, query, body)?;
        match operation.operation().answer {
            AnswerKind::Empty => Ok(call.empty().await?.map(|()| Value::Null)),
            AnswerKind::Text => Ok(call.text().await?.map(Value::String)),
            AnswerKind::Bytes => {
                Err(Error::invalid_request(operation.operation(), "answers bytes: use `request_stream`"))
            }
            _ => call.answer().await,
        }
    }

    /// Calls an operation by its row in the table and reads the answer into a type of the caller's choice.
    ///
    /// # Errors
    ///
    /// As [`Client::request`].
    pub async fn request_as<T: DeserializeOwned>(
        &self,
        operation: OperationId,
        path: &[(&str, &str)],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<ResponseValue<T>, Error> {
        self.untyped(operation, path, query, body)?.answer().await
    }

    /// Calls an operation by its row in the table and reads the answer as a list, whose rows are read each by
    /// itself when one of them is odd.
    ///
    /// # Errors
    ///
    /// As [`Client::request`].
    pub async fn request_list<T: DeserializeOwned>(
        &self,
        operation: OperationId,
        path: &[(&str, &str)],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<ResponseValue<Listing<T>>, Error> {
        self.untyped(operation, path, query, body)?.listing().await
    }

    /// Calls an operation without types and hands its answer over as it arrives.
    ///
    /// # Errors
    ///
    /// As [`Client::request`].
    pub async fn request_stream(
        &self,
        operation: OperationId,
        path: &[(&str, &str)],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<ResponseValue<ByteStream>, Error> {
        self.untyped(operation, path, query, body)?.stream().await
    }

    fn untyped(
        &self,
        operation: OperationId,
        path: &[(&str, &str)],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Call<'_>, Error> {
        let operation = operation.operation();
        if operation.body == BodyKind::Multipart {
            return Err(Error::invalid_request(operation, "takes a form: use its own method"));
        }
        let mut call = Call::new(self, operation);
        for (name, value) in path {
            call.named(Place::Path, name, value)?;
        }
        for (name, value) in query {
            let header = operation.parameters_in(Place::Header).any(|parameter| parameter.name == *name);
            call.named(if header { Place::Header } else { Place::Query }, name, value)?;
        }
        if let Some(body) = body {
            call.json(Ok(body))?;
        }
        Ok(call)
    }
}
