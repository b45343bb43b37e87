//! Requests that no generated method can make: other headers, another address, a body that is opened again.

use super::{builder::Transport, call::Call, execute::body_stream};
use crate::{
    ByteStream, Error, Operation, ResponseValue,
    support::{address, multipart::Form},
};
use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture, stream::BoxStream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use reqwest::Url;
use std::{fmt, io, sync::Arc};

/// A request that is put together by hand: for transfers, which need ranges, validators, storage addresses and
/// bodies that are opened anew for each attempt.
#[derive(Clone)]
pub struct RawRequest {
    call: Call,
    method: Method,
    address: Address,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Body,
}

#[derive(Clone)]
enum Address {
    /// Below the address of the API, encoded already.
    Route { operation: &'static Operation, path: String },
    /// Anywhere.
    Url(String),
}

#[derive(Clone)]
enum Body {
    None,
    Json(Bytes),
    Form(Form),
    Stream { length: u64, open: Open },
}

type Open = Arc<dyn Fn() -> BoxStream<'static, io::Result<Bytes>> + Send + Sync>;

impl RawRequest {
    /// A request for `operation`, with `path` as the values of its path parameters in their order. What the
    /// operation always sends in its query is added when the request is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when there are too few or too many values, or one cannot stand in a path.
    pub fn of(operation: &'static Operation, path: &[&str]) -> Result<Self, Error> {
        let mut values = path.iter();
        let path = address::path(operation, |name| {
            values.next().map(|value| address::segment(operation, name, value)).transpose()
        })?;
        if values.next().is_some() {
            return Err(Error::invalid_request(operation, "there are more values than path parameters"));
        }
        Ok(Self::new(operation.into(), operation.method.clone(), Address::Route { operation, path }))
    }

    /// A request to any address, such as a signed one of a storage. `call` says how it may be treated.
    pub fn to(call: Call, method: Method, url: impl Into<String>) -> Self {
        Self::new(call, method, Address::Url(url.into()))
    }

    fn new(call: Call, method: Method, address: Address) -> Self {
        Self { call, method, address, query: Vec::new(), headers: HeaderMap::new(), body: Body::None }
    }

    /// Changes how the call is treated.
    #[must_use]
    pub fn treat(mut self, change: impl FnOnce(Call) -> Call) -> Self {
        self.call = change(self.call);
        self
    }

    /// Sets a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.retain(|(known, _)| known != name);
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Sets a header. A value that no header can hold is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Sends a JSON document.
    #[must_use]
    pub fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Body::Json(body.to_string().into());
        self
    }

    /// Sends a form.
    #[must_use]
    pub fn form(mut self, form: Form) -> Self {
        self.body = Body::Form(form);
        self
    }

    /// Sends the `length` bytes of the stream that `open` gives anew for each attempt.
    #[must_use]
    pub fn stream<F>(mut self, length: u64, open: F) -> Self
    where
        F: Fn() -> BoxStream<'static, io::Result<Bytes>> + Send + Sync + 'static,
    {
        self.body = Body::Stream { length, open: Arc::new(open) };
        self
    }

    /// The address of the request, on the site of `transport`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when it is none.
    pub fn url(&self, transport: &Transport) -> Result<String, Error> {
        self.parsed(transport).map(String::from)
    }

    fn parsed(&self, transport: &Transport) -> Result<Url, Error> {
        match &self.address {
            Address::Url(url) => address::url(url, &self.query, std::iter::empty()),
            Address::Route { operation, path } => {
                let start = format!("{}{path}", transport.base_url());
                address::url(&start, &self.query, address::constants(operation, &self.query))
            }
        }
    }

    async fn build(&self, transport: &Transport) -> Result<reqwest::Request, Error> {
        let mut request = reqwest::Request::new(self.method.clone(), self.parsed(transport)?);
        *request.headers_mut() = self.headers.clone();
        match &self.body {
            Body::None => {}
            Body::Json(bytes) => {
                let json = HeaderValue::from_static("application/json");
                request.headers_mut().insert(header::CONTENT_TYPE, json);
                *request.body_mut() = Some(bytes.clone().into());
            }
            Body::Form(form) => form.write_to(&mut request).await?,
            Body::Stream { length, open } => {
                request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(*length));
                *request.body_mut() = Some(reqwest::Body::wrap_stream(open()));
            }
        }
        Ok(request)
    }
}

impl fmt::Debug for RawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRequest")
            .field("call", &self.call)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl Transport {
    /// Sends `request` like any other call and gives back its answer as a stream. Unless the call is
    /// [`streaming`](Call::streaming), the answer is in memory already.
    ///
    /// # Errors
    /// As [`Transport::execute_with`].
    pub async fn send(&self, request: &RawRequest) -> Result<ResponseValue<ByteStream>, Error> {
        let make = || -> BoxFuture<'_, Result<reqwest::Request, Error>> { request.build(self).boxed() };
        let response = self.execute_with(request.call, make).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(ResponseValue::new(ByteStream::new(body_stream(response, request.call)), status, headers))
    }

    /// Sends `request` and decodes its JSON answer; an empty one is `null`.
    ///
    /// # Errors
    /// As [`Transport::execute_with`], and [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the answer is not of the form of `T`.
    pub async fn send_json<T: serde::de::DeserializeOwned>(&self, request: &RawRequest) -> Result<T, Error> {
        let answer = self.send(request).await?;
        let status = answer.status();
        let bytes = answer.into_inner().collect().await?;
        let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        serde_json::from_slice(text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Error::decode(request.call, status, format!("the answer has not the expected form at {place}"))
        })
    }
}
