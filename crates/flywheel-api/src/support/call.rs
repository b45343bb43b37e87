//! One call of one operation: collects the parameters, hands the request to the transport, decodes the answer.

use std::fmt::Display;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::multipart::Form;
use super::response::{ByteStream, ResponseValue};
use super::{decode, segment};
use crate::models::Listing;
use crate::operation::{Operation, Place};
use crate::{Client, Error, transport};

/// A call that is being put together.
pub(crate) struct Call<'a> {
    client: &'a Client,
    operation: &'static Operation,
    segments: Vec<(&'static str, String)>,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

enum Body {
    None,
    Json(Vec<u8>),
    Form(Form),
}

/// A builder field: its value, or why the value given could not be used.
type Given<T> = Result<T, String>;

/// The value of a parameter, or which parameter it could not become.
pub(crate) fn required<T, V: TryInto<T>>(name: &str, value: V) -> Given<T> {
    value.try_into().map_err(|_| format!("the value given for {name} does not have its form"))
}

/// As [`required`], for a parameter that may stay away.
pub(crate) fn optional<T, V: TryInto<T>>(name: &str, value: V) -> Given<Option<T>> {
    required(name, value).map(Some)
}

impl<'a> Call<'a> {
    pub(crate) fn new(client: &'a Client, operation: &'static Operation) -> Self {
        Self {
            client,
            operation,
            segments: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::None,
        }
    }

    fn refuse(&self, message: impl Into<String>) -> Error {
        Error::invalid_request(self.operation, message)
    }

    fn given<T>(&self, value: Given<T>) -> Result<T, Error> {
        value.map_err(|message| self.refuse(message))
    }

    pub(crate) fn path<T: Display>(&mut self, name: &'static str, value: Given<T>) -> Result<(), Error> {
        let value = self.given(value)?.to_string();
        let encoded = segment::encode(&value).map_err(|error| self.refuse(format!("{name}: {error}")))?;
        self.segments.push((name, encoded));
        Ok(())
    }

    pub(crate) fn query<T: Serialize>(&mut self, name: &'static str, value: Given<T>) -> Result<(), Error> {
        let value = self.given(value)?;
        let value = serde_json::to_value(value).map_err(|error| self.refuse(format!("{name}: {error}")))?;
        self.query_value(name, &value);
        Ok(())
    }

    /// Lists become the same key again and again; an absent value sends nothing.
    fn query_value(&mut self, name: &'static str, value: &Value) {
        match value {
            Value::Null => {}
            Value::Array(items) => items.iter().for_each(|item| self.query_value(name, item)),
            Value::String(text) => self.query.push((name, text.clone())),
            other => self.query.push((name, other.to_string())),
        }
    }

    pub(crate) fn header<T: Display>(
        &mut self,
        name: &'static str,
        value: Given<Option<T>>,
    ) -> Result<(), Error> {
        if let Some(value) = self.given(value)? {
            self.headers.push((name, value.to_string()));
        }
        Ok(())
    }

    pub(crate) fn json<T: Serialize>(&mut self, body: Given<T>) -> Result<(), Error> {
        let body = self.given(body)?;
        let bytes = serde_json::to_vec(&body).map_err(|error| self.refuse(format!("body: {error}")))?;
        self.body = Body::Json(bytes);
        Ok(())
    }

    pub(crate) fn form(&mut self, body: Given<Form>) -> Result<(), Error> {
        self.body = Body::Form(self.given(body)?);
        Ok(())
    }

    fn url(&self) -> Result<Url, Error> {
        let mut path = String::from(self.client.transport().base_url());
        for part in self.operation.path.split('/').skip(1) {
            path.push('/');
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                None => path.push_str(part),
                Some(name) => {
                    let given = self.segments.iter().find(|(known, _)| *known == name);
                    path.push_str(&given.ok_or_else(|| self.refuse(format!("{name} is missing")))?.1);
                }
            }
        }
        let mut url = Url::parse(&path).map_err(|error| self.refuse(format!("the address: {error}")))?;
        let unset = |constant: &&crate::operation::Constant| {
            constant.place == Place::Query && !self.query.iter().any(|(name, _)| *name == constant.name)
        };
        let constants = self.operation.constants.iter().filter(unset);
        let pairs = self.query.iter().map(|(name, value)| (*name, value.as_str()));
        let pairs =
            pairs.chain(constants.map(|constant| (constant.name, constant.value))).collect::<Vec<_>>();
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        Ok(url)
    }

    fn request(&self, accept: &'static str) -> Result<reqwest::Request, Error> {
        let mut request = reqwest::Request::new(self.operation.method.clone(), self.url()?);
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        let constants = self.operation.constants.iter().filter(|constant| constant.place == Place::Header);
        for constant in constants {
            headers.insert(HeaderName::from_static(constant.name), HeaderValue::from_static(constant.value));
        }
        for (name, value) in &self.headers {
            let value = HeaderValue::try_from(value.as_str())
                .map_err(|_| self.refuse(format!("{name} holds a character that no header may hold")))?;
            let name =
                HeaderName::try_from(*name).map_err(|error| self.refuse(format!("{name}: {error}")))?;
            headers.insert(name, value);
        }
        if let Body::Json(bytes) = &self.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(bytes.clone().into());
        }
        Ok(request)
    }

    async fn send(&self, accept: &'static str) -> Result<reqwest::Response, Error> {
        let transport = self.client.transport();
        let Body::Form(form) = &self.body else {
            return transport.execute(self.operation, self.request(accept)?).await;
        };
        let attempt = || async {
            let mut request = self.request(accept)?;
            form.write_to(&mut request).await.map_err(|error| self.refuse(error.to_string()))?;
            Ok(request)
        };
        transport.execute_with(self.operation, attempt).await
    }

    /// Sends; the answer is a JSON document.
    pub(crate) async fn answer<T: DeserializeOwned>(self) -> Result<ResponseValue<T>, Error> {
        self.read("application/json", decode::document).await
    }

    /// Sends; the answer is a list, whose rows are decoded each by itself when one of them is odd.
    pub(crate) async fn listing<T: DeserializeOwned>(self) -> Result<ResponseValue<Listing<T>>, Error> {
        self.read("application/json", decode::listing).await
    }

    /// Sends; the answer is a text, with or without the quotes of a JSON string.
    pub(crate) async fn text(self) -> Result<ResponseValue<String>, Error> {
        self.read("application/json", decode::text).await
    }

    /// Sends; whatever the answer holds is dropped.
    pub(crate) async fn empty(self) -> Result<ResponseValue<()>, Error> {
        self.read("application/json", |_| Ok(decode::Decoded::from(()))).await
    }

    /// Sends; the answer is handed over as it arrives.
    pub(crate) async fn stream(self) -> Result<ResponseValue<ByteStream>, Error> {
        let response = self.send("*/*").await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let stream = ByteStream::new(transport::body_stream(response, self.operation));
        Ok(ResponseValue::new(stream, status, headers))
    }

    async fn read<T>(
        self,
        accept: &'static str,
        decode: impl FnOnce(&[u8]) -> Result<decode::Decoded<T>, decode::Undecodable>,
    ) -> Result<ResponseValue<T>, Error> {
        let response = self.send(accept).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = transport::read_body(response, self.operation).await?;
        let decoded =
            decode(&bytes).map_err(|error| Error::decode(self.operation, status, error.to_string()))?;
        decoded.report(self.operation);
        Ok(ResponseValue::new(decoded.value, status, headers).with_odd(decoded.odd))
    }
}

/// Values of parameters by their names on the wire, for calls without types.
impl<'a> Call<'a> {
    /// Takes a parameter by its name, checked against the operation table.
    pub(crate) fn named(&mut self, place: Place, name: &str, value: &str) -> Result<(), Error> {
        let known = self.operation.parameters_in(place).find(|parameter| parameter.name == name);
        let Some(parameter) = known else {
            let names = self.operation.parameters_in(place).map(|parameter| parameter.name);
            let names = names.collect::<Vec<_>>().join(", ");
            return Err(self.refuse(format!("there is no parameter {name}; known are: {names}")));
        };
        match place {
            Place::Path => self.path(parameter.name, Ok(value)),
            Place::Header => self.header(parameter.name, Ok(Some(value))),
            _ => self.query(parameter.name, Ok(value)),
        }
    }
}
