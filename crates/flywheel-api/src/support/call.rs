//! One call of one operation: collects the parameters, hands the request to the transport, decodes the answer.

use std::fmt::Display;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::multipart::Form;
use super::response::{ByteStream, ResponseValue};
use super::{address, decode};
use crate::models::Listing;
use crate::operation::{Operation, Place};
use crate::{Client, Error, ErrorKind, transport};

fn unreadable(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot read what is to be sent: {error}")).with_source(error)
}

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
    Json(Bytes),
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
        self.segments.push((name, address::segment(self.operation, name, &value)?));
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
        self.body = Body::Json(bytes.into());
        Ok(())
    }

    pub(crate) fn form(&mut self, body: Given<Form>) -> Result<(), Error> {
        self.body = Body::Form(self.given(body)?);
        Ok(())
    }

    fn url(&self) -> Result<Url, Error> {
        let path = address::path(self.operation, |name| {
            let given = self.segments.iter().find(|(known, _)| *known == name);
            Ok(given.map(|(_, encoded)| encoded.clone()))
        })?;
        let start = format!("{}{path}", self.client.transport().base_url());
        address::url(&start, &self.query, address::constants(self.operation, &self.query))
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
            form.write_to(&mut request).await.map_err(unreadable)?;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::OperationId;
    use crate::operation::{BodyKind, Paging, Source};
    use crate::transport::{Environment, Transport};

    fn client() -> Client {
        let transport =
            Transport::builder().environment(Environment::empty()).base_url("http://127.0.0.1:9/api");
        Client::new(transport.build().unwrap())
    }

    const HOSTILE: [&str; 14] = [
        "..", ".", "", "a/b", "a\\b", "..\\..", "%2F", "%2e%2e", "../..", "ü✓", "a\0b", "\r\n", "?x=1#y",
        "a b",
    ];

    #[test]
    fn no_value_of_any_parameter_of_any_operation_reaches_another_resource() {
        let client = client();
        for operation in OperationId::ALL.map(OperationId::operation) {
            let names =
                operation.parameters_in(Place::Path).map(|parameter| parameter.name).collect::<Vec<_>>();
            for (attacked, value) in names.iter().flat_map(|name| HOSTILE.map(|value| (*name, value))) {
                let mut call = Call::new(&client, operation);
                let given = names.iter().map(|name| (*name, if *name == attacked { value } else { "64b0" }));
                let refused =
                    given.map(|(name, value)| call.path(name, Ok(value))).any(|given| given.is_err());
                assert_eq!(
                    refused,
                    ["", ".", ".."].contains(&value),
                    "{}: {attacked} = {value:?}",
                    operation.name
                );
                if refused {
                    continue;
                }
                let url = call.url().unwrap();
                let segments = url.path_segments().unwrap().skip(1).collect::<Vec<_>>();
                let template = operation.path.split('/').skip(1).collect::<Vec<_>>();
                assert_eq!(segments.len(), template.len(), "{}: {url}", operation.name);
                for (segment, part) in segments.iter().zip(&template) {
                    let decoded = percent_encoding::percent_decode_str(segment).decode_utf8().unwrap();
                    let expected = match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                        None => part,
                        Some(name) if name == attacked => value,
                        Some(_) => "64b0",
                    };
                    assert_eq!(decoded, expected, "{}: {url}", operation.name);
                }
            }
        }
    }

    #[test]
    fn a_path_is_not_built_while_a_value_is_missing() {
        let client = client();
        let call = Call::new(&client, OperationId::GetProject.operation());
        assert!(call.url().unwrap_err().to_string().contains("project_id"));
    }

    #[test]
    fn lists_repeat_their_key_and_absent_values_send_nothing() {
        let client = client();
        let mut call = Call::new(&client, OperationId::GetAllProjects.operation());
        call.query("filter", Ok(Some("label=a b,c&d"))).unwrap();
        call.query("limit", Ok(Some(250))).unwrap();
        call.query("exhaustive", Ok(Some(true))).unwrap();
        call.query("sort", Ok(None::<String>)).unwrap();
        call.query("join", Ok(vec!["origin", "parents"])).unwrap();
        let query = call.url().unwrap().query().unwrap().to_owned();
        assert_eq!(query, "filter=label%3Da+b%2Cc%26d&limit=250&exhaustive=true&join=origin&join=parents");
    }

    #[test]
    fn constants_are_sent_unless_the_caller_gives_a_value() {
        let client = client();
        let with_defaults = OperationId::ALL.map(OperationId::operation).into_iter().filter(|operation| {
            operation.constants.iter().any(|constant| constant.replaceable && constant.place == Place::Query)
        });
        for operation in with_defaults {
            let constant = operation.constants.iter().find(|constant| constant.replaceable).unwrap();
            let query = |call: &Call<'_>| call.url().unwrap().query_pairs().into_owned().collect::<Vec<_>>();
            let mut call = Call::new(&client, operation);
            for parameter in operation.parameters_in(Place::Path) {
                call.path(parameter.name, Ok("64b0")).unwrap();
            }
            assert!(
                query(&call).contains(&(constant.name.to_owned(), constant.value.to_owned())),
                "{}",
                operation.name
            );
            call.query(constant.name, Ok("mine")).unwrap();
            assert!(query(&call).contains(&(constant.name.to_owned(), String::from("mine"))));
            assert!(!query(&call).contains(&(constant.name.to_owned(), constant.value.to_owned())));
        }
    }

    #[test]
    fn a_header_that_breaks_its_line_is_refused() {
        let client = client();
        let mut call = Call::new(&client, OperationId::GetVersion.operation());
        call.header("x-accept-feature", Ok(Some("pagination\r\nx-evil: 1"))).unwrap();
        assert!(call.request("*/*").unwrap_err().to_string().contains("x-accept-feature"));
    }

    #[test]
    fn the_table_agrees_with_itself() {
        let rows = OperationId::ALL.map(OperationId::operation);
        for (id, row) in OperationId::ALL.into_iter().zip(rows) {
            assert_eq!(row.id, id);
            let path = row.path.split(['{', '}']).skip(1).step_by(2).collect::<Vec<_>>();
            let mut given =
                row.parameters_in(Place::Path).map(|parameter| parameter.name).collect::<Vec<_>>();
            given.sort_by_key(|name| path.iter().position(|known| known == name));
            assert_eq!(path, given, "{}", row.name);
            let form = row.form.iter().filter(|field| field.file).count();
            assert_eq!(row.body == BodyKind::Multipart, form > 0, "{}", row.name);
            let paged = row.parameters_in(Place::Query).any(|parameter| parameter.name == "limit");
            assert!(paged || row.paging == Paging::None, "{} is paged without a limit", row.name);
        }
        let count = |test: fn(&&&Operation) -> bool| rows.iter().filter(test).count();
        assert_eq!(count(|row| row.body == BodyKind::Multipart), 16);
        assert_eq!(count(|row| row.source == Source::Wheel), 535);
    }
}
