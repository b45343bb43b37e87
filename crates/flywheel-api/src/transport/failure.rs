//! What went wrong in an attempt, as an [`Error`] with its [`Class`].

use super::{call::Call, retry, retry::Class};
use crate::{Error, ErrorKind, error::Detail};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::{error::Error as StdError, fmt, time::Duration};

/// Longest text that is taken over from a server.
const MESSAGE_LIMIT: usize = 500;
/// Most complaints that are taken over from a server.
const DETAIL_LIMIT: usize = 20;

/// A failed attempt.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) class: Class,
    pub(super) retry_after: Option<Duration>,
}

/// The body of a request could not be read on our side.
#[derive(Debug)]
pub(super) struct SourceFailed(pub(super) Box<dyn StdError + Send + Sync>);

impl fmt::Display for SourceFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the source of the body failed: {}", deepest(self.0.as_ref()))
    }
}

impl StdError for SourceFailed {}

/// No byte of a body arrived for this long.
#[derive(Debug)]
pub(super) struct Stalled(pub(super) Duration);

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no byte arrived for {:?}", self.0)
    }
}

impl StdError for Stalled {}

impl Failure {
    pub(super) fn new(error: Error, class: Class) -> Self {
        let executed = class == Class::Unknown;
        Self { error: error.with_may_have_executed(executed), class, retry_after: None }
    }

    /// A limit of `what` passed after the request may have been sent.
    pub(super) fn timeout(what: &str, limit: Duration) -> Self {
        let error = Error::new(ErrorKind::Timeout, format!("{what} within {limit:?}"));
        Self::new(error.with_hint("Raise the timeout if the site is merely slow."), Class::Unknown)
    }

    /// The HTTP library failed before an answer stood complete. `address` is the `host:port` that was called.
    pub(super) fn of_http(error: reqwest::Error, address: &str) -> Self {
        let error = error.without_url();
        let cause = deepest(&error);
        if error.is_builder() {
            return Self::new(Error::new(ErrorKind::Invalid, cause).with_source(error), Class::Final);
        }
        if let Some(stalled) = find::<Stalled>(&error) {
            return Self::timeout("no byte of the body arrived", stalled.0);
        }
        if let Some(source) = find::<SourceFailed>(&error) {
            let failed = Error::new(ErrorKind::Io, source.to_string()).with_source(error);
            let mut failure = Self::new(failed, Class::Final);
            failure.error = failure.error.with_may_have_executed(true);
            return failure;
        }
        if let Some(reason) = certificate_problem(&error) {
            let message = format!("the certificate of {address} is not trusted: {reason}");
            let failed = Error::new(ErrorKind::Connect, message).with_source(error);
            let hint =
                "If the site has a private certificate authority, name its PEM file in FW_SSL_CERT_FILE.";
            return Self::new(failed.with_hint(hint), Class::Final);
        }
        if error.is_connect() {
            return Self::new(no_connection(error, address, &cause), Class::NotSent);
        }
        if find::<hyper::Error>(&error).is_some_and(hyper::Error::is_canceled) {
            let message = format!("the connection to {address} closed before the request was sent");
            return Self::new(Error::new(ErrorKind::Connect, message).with_source(error), Class::NotSent);
        }
        let message = format!("the connection to {address} broke: {cause}");
        Self::new(Error::new(ErrorKind::Network, message).with_source(error), Class::Unknown)
    }

    /// The server answered with a status that is no success.
    pub(super) fn of_status(call: &Call, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let answer = Answer::read(headers, body);
        let kind = kind_of(status);
        let retry_after = retry::retry_after(headers, chrono::Utc::now());
        let class = match status.as_u16() {
            429 => Class::Refused,
            503 if retry_after.is_some() => Class::Refused,
            502..=504 => Class::Unknown,
            _ => Class::Final,
        };
        let message = answer.message.unwrap_or_else(|| {
            let phrase = status.canonical_reason().unwrap_or("a status without a name");
            format!("the server answered {} ({phrase})", status.as_u16())
        });
        let mut error = Error::new(kind, message).with_status(status.as_u16()).with_details(answer.details);
        if let Some(id) = answer.request_id {
            error = error.with_request_id(id);
        }
        if let Some(reason) = answer.reason {
            error = error.with_reason(reason);
        }
        if let Some(hint) = hint_for(kind, call) {
            error = error.with_hint(hint);
        }
        let refused =
            class == Class::Refused || (status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT);
        Self { error: error.with_may_have_executed(!refused), class, retry_after }
    }

    /// The same failure with a changed error.
    pub(super) fn map_error(mut self, change: impl FnOnce(Error) -> Error) -> Self {
        self.error = change(self.error);
        self
    }
}

impl Error {
    /// The caller gave something that cannot be sent, such as an unsafe path segment. Nothing was sent.
    pub fn invalid_request(call: impl Into<Call>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message).with_operation(call.into().operation())
    }

    /// An answer is not what the operation promises. `message` must not hold any of the answer: only what was
    /// expected, and where.
    pub fn decode(call: impl Into<Call>, status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Decode, message)
            .with_operation(call.into().operation())
            .with_status(status.as_u16())
            .with_may_have_executed(true)
    }

    /// The body of an answer broke off, or stalled, while it was read.
    pub fn body(call: impl Into<Call>, status: StatusCode, source: reqwest::Error) -> Self {
        let address = source.url().map(address).unwrap_or_else(|| "the server".to_owned());
        Failure::of_http(source, &address)
            .error
            .with_operation(call.into().operation())
            .with_status(status.as_u16())
            .with_may_have_executed(true)
    }
}

/// `host:port` of an address, for messages.
pub(super) fn address(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or("the server");
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn no_connection(error: reqwest::Error, address: &str, cause: &str) -> Error {
    let hint = if error.is_timeout() {
        "The host does not answer: check the address in the API key, the network and the proxy settings."
    } else if find::<std::io::Error>(&error)
        .is_some_and(|e| e.kind() == std::io::ErrorKind::ConnectionRefused)
    {
        "Nothing listens there: check host and port in the API key, and that the site is running."
    } else {
        "Check the host name in the API key, the network and the proxy settings (HTTPS_PROXY, NO_PROXY)."
    };
    let message = format!("cannot connect to {address}: {cause}");
    Error::new(ErrorKind::Connect, message).with_hint(hint).with_source(error)
}

fn kind_of(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        401 | 402 => ErrorKind::Unauthenticated,
        403 => ErrorKind::PermissionDenied,
        404 | 410 => ErrorKind::NotFound,
        408 => ErrorKind::Timeout,
        409 | 412 | 423 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited,
        400..=499 => ErrorKind::Invalid,
        501 => ErrorKind::Unsupported,
        _ => ErrorKind::Server,
    }
}

fn hint_for(kind: ErrorKind, call: &Call) -> Option<String> {
    match kind {
        ErrorKind::Unauthenticated => {
            Some("Check the API key: it may be mistyped, expired, or of another site.".to_owned())
        }
        ErrorKind::PermissionDenied => Some(format!(
            "The key's user lacks the permission that {} needs; somebody who manages {} can grant it.",
            call.operation,
            owner_of(call.template),
        )),
        ErrorKind::RateLimited => Some("Send fewer requests at once.".to_owned()),
        _ => None,
    }
}

/// Who can grant a permission, by the first segment of the path.
fn owner_of(template: &str) -> &'static str {
    match template.split('/').find(|segment| !segment.is_empty()) {
        Some("groups") => "the group",
        Some("projects" | "subjects" | "sessions" | "acquisitions" | "analyses" | "files") => "the project",
        Some("collections") => "the collection",
        _ => "the site",
    }
}

/// What an error body says.
#[derive(Default)]
struct Answer {
    message: Option<String>,
    reason: Option<String>,
    request_id: Option<String>,
    details: Vec<Detail>,
}

impl Answer {
    fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        let mut answer = match serde_json::from_slice::<Value>(body) {
            Ok(json) => Self::of_json(&json),
            Err(_) => Self { message: plain_text(body), ..Self::default() },
        };
        if let Some(id) = headers.get("x-request-id").and_then(|value| value.to_str().ok()) {
            answer.request_id = Some(shorten(id));
        }
        answer
    }

    fn of_json(json: &Value) -> Self {
        let text =
            |key: &str| json.get(key).and_then(Value::as_str).map(shorten).filter(|text| !text.is_empty());
        let detail = json.get("detail");
        let said = match json {
            Value::String(text) => Some(shorten(text)),
            _ => None,
        };
        Self {
            message: text("message").or_else(|| text("detail")).or_else(|| text("error")).or(said),
            reason: text("reason").or_else(|| text("core_status_code")),
            request_id: text("request_id"),
            details: detail.and_then(Value::as_array).map(|list| details_of(list)).unwrap_or_default(),
        }
    }
}

fn details_of(list: &[Value]) -> Vec<Detail> {
    let text =
        |item: &Value, key: &str| item.get(key).and_then(Value::as_str).map(shorten).unwrap_or_default();
    list.iter()
        .take(DETAIL_LIMIT)
        .map(|item| match item {
            Value::String(message) => Detail::new("", shorten(message), ""),
            _ => Detail::new(location_of(item), text(item, "msg"), text(item, "type")),
        })
        .collect()
}

fn location_of(item: &Value) -> String {
    let steps = item.get("loc").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let steps: Vec<String> =
        steps.iter().map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned)).collect();
    shorten(&steps.join("."))
}

/// A body that is not JSON, as a short line: the title of an HTML page, else its text without the tags.
fn plain_text(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|start| {
        let start = start + "<title>".len();
        let end = start + lower.get(start..)?.find("</title>")?;
        text.get(start..end)
    });
    let shown = shorten(&without_tags(title.unwrap_or(&text)));
    (!shown.is_empty()).then_some(shown)
}

fn without_tags(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .filter_map(|c| match c {
            '<' => {
                inside = true;
                Some(' ')
            }
            '>' if inside => {
                inside = false;
                None
            }
            _ if inside => None,
            c => Some(c),
        })
        .collect()
}

/// One line, without control characters, of at most [`MESSAGE_LIMIT`] characters.
fn shorten(text: &str) -> String {
    let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = line.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MESSAGE_LIMIT) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// The errors under `error`, itself first. An `io::Error` hides the error it wraps from `source()`, so that is
/// visited on its own.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| {
        let error = *error;
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source())
    })
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref::<T>())
}

fn deepest(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(feature = "rustls")]
fn certificate_problem(error: &(dyn StdError + 'static)) -> Option<String> {
    match find::<rustls::Error>(error)? {
        rustls::Error::InvalidCertificate(problem) => Some(problem.to_string()),
        rustls::Error::General(problem) if problem.contains("certificate") => Some(problem.clone()),
        _ => None,
    }
}

#[cfg(not(feature = "rustls"))]
fn certificate_problem(error: &(dyn StdError + 'static)) -> Option<String> {
    chain(error).map(ToString::to_string).find(|text| text.to_ascii_lowercase().contains("certificate"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CALL: Call = Call::new("modify_project", "/projects/{ProjectId}");

    fn failure(status: u16, headers: &[(&'static str, &str)], body: &str) -> Failure {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        Failure::of_status(&CALL, StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    #[test]
    fn the_server_message_reason_and_request_id_are_taken_over() {
        let body = r#"{"message": "not allowed", "status_code": 403, "request_id": "r-9", "reason": "permission_denied"}"#;
        let error = failure(403, &[], body).error;
        assert!(error.is_permission_denied());
        assert_eq!((error.message(), error.reason()), ("not allowed", Some("permission_denied")));
        assert_eq!(error.request_id(), Some("r-9"));
        assert!(error.hint().unwrap().contains("modify_project"), "{error}");
        assert!(!error.may_have_executed());
    }

    #[test]
    fn validation_details_are_listed_without_the_values_that_were_sent() {
        let body = r#"{"detail": [{"loc": ["body", "subject", 0, "sex"], "msg": "unexpected", "type": "enum",
                       "input": {"lastname": "Doe"}}], "message": "invalid_request"}"#;
        let error = failure(422, &[("x-request-id", "h-1")], body).error;
        assert_eq!(error.details(), [Detail::new("body.subject.0.sex", "unexpected", "enum")]);
        assert_eq!(error.request_id(), Some("h-1"));
        assert!(!format!("{error} {error:?}").contains("Doe"));
    }

    #[test]
    fn an_html_page_becomes_its_title() {
        let error =
            failure(503, &[], "<html><head><title>503 Service\n Unavailable</title></head><body>x</body>")
                .error;
        assert_eq!((error.message(), error.status()), ("503 Service Unavailable", Some(503)));
        let error = failure(500, &[], "<h1>Oops</h1>\r\n<p>gone  wrong</p>").error;
        assert_eq!(error.message(), "Oops gone wrong");
    }

    #[test]
    fn an_empty_or_strange_body_keeps_the_status() {
        assert_eq!(failure(404, &[], "").error.message(), "the server answered 404 (Not Found)");
        assert_eq!(failure(400, &[], "[1, 2]").error.status(), Some(400));
        assert_eq!(failure(599, &[], "null").error.kind(), ErrorKind::Server);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let error = failure(500, &[], &format!("{{\"message\": \"{}\"}}", "é".repeat(2000))).error;
        assert_eq!(error.message().chars().count(), MESSAGE_LIMIT + 1);
    }

    #[test]
    fn a_503_is_a_refusal_only_when_it_says_when_to_come_back() {
        assert_eq!(failure(503, &[], "").class, Class::Unknown);
        assert!(failure(503, &[], "").error.may_have_executed());
        let refused = failure(503, &[("retry-after", "3")], "");
        assert_eq!((refused.class, refused.retry_after), (Class::Refused, Some(Duration::from_secs(3))));
        assert!(!refused.error.may_have_executed());
        assert_eq!(failure(429, &[], "").class, Class::Refused);
        assert_eq!(failure(500, &[], "").class, Class::Final);
    }
}
