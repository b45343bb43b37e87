//! The error of every call: opaque, one pointer wide, and without any payload.

use std::{borrow::Cow, fmt};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a call failed, what the server said about it, and what may have happened.
///
/// The type is one pointer wide; everything is reached through accessors. Neither `Display` nor `Debug` ever
/// shows a request or response body, a key, or a query string: those can hold patient data or secrets. What
/// they show of the server is its own `message`, shortened.
///
/// ```
/// use flywheel_api::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::NotUnique, "2 projects match label=Study").with_operation("find_one");
/// assert!(error.is_not_unique());
/// assert_eq!(error.to_string(), "find_one: 2 projects match label=Study");
/// ```
pub struct Error(Box<Inner>);

const _: () = assert!(size_of::<Error>() == size_of::<usize>());

struct Inner {
    kind: ErrorKind,
    operation: Option<Cow<'static, str>>,
    status: Option<u16>,
    attempts: u32,
    may_have_executed: bool,
    request_id: Option<Box<str>>,
    reason: Option<Box<str>>,
    message: Box<str>,
    details: Vec<Detail>,
    hint: Option<Cow<'static, str>>,
    source: Option<Source>,
}

/// The kinds of failure a program may want to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client is set up wrongly: no key, a malformed key, an unreadable certificate bundle. Nothing was sent.
    Config,
    /// The key is missing, unknown or expired (401, 402).
    Unauthenticated,
    /// The key is fine, the permission is not there (403).
    PermissionDenied,
    /// No such object, or a deleted one (404, 410).
    NotFound,
    /// More than one object where exactly one was asked for.
    NotUnique,
    /// The object is there already, or is in a state that does not allow the call (409, 412).
    Conflict,
    /// The server, or this client before sending, refused the argument (400, 405, 413, 415, 416, 422).
    Invalid,
    /// Too many requests (429), still after all retries.
    RateLimited,
    /// The server does not serve this operation (501).
    Unsupported,
    /// The server failed (other 5xx), or answered something that is no answer (an unexpected status).
    Server,
    /// No connection could be made: name, address, proxy or certificate. The request never left.
    Connect,
    /// The connection broke after the request was, or may have been, sent.
    Network,
    /// One of [`Timeouts`](crate::transport::Timeouts) passed.
    Timeout,
    /// The answer is not what the description of the operation says.
    Decode,
    /// Bytes arrived, but not those that were recorded: wrong hash or wrong length.
    Integrity,
    /// A local file or stream could not be read or written.
    Io,
    /// The caller cancelled.
    Cancelled,
}

/// One complaint of the server about one part of the request, from the list it sends with status 422.
///
/// The offending value, which servers echo, is left out: it may be patient data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Detail {
    /// Where, as a dotted path such as `body.subject.sex`; empty when the server does not say.
    pub location: String,
    /// What is wrong there, in the server's words.
    pub message: String,
    /// The server's code for the complaint, such as `extra_forbidden`; empty when it gives none.
    pub code: String,
}

impl Detail {
    /// A complaint `message` with code `code` about the part at `location`.
    pub fn new(location: impl Into<String>, message: impl Into<String>, code: impl Into<String>) -> Self {
        Self { location: location.into(), message: message.into(), code: code.into() }
    }
}

impl Error {
    /// An error of `kind` that says `message`.
    ///
    /// [`Error::may_have_executed`] starts as false: whoever sends a request says otherwise with
    /// [`Error::with_may_have_executed`].
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            status: None,
            attempts: 0,
            may_have_executed: false,
            request_id: None,
            reason: None,
            message: message.into().into_boxed_str(),
            details: Vec::new(),
            hint: None,
            source: None,
        }))
    }

    /// Names the operation that failed, unless a deeper layer has named one already.
    #[must_use]
    pub fn with_operation(mut self, operation: impl Into<Cow<'static, str>>) -> Self {
        self.0.operation.get_or_insert_with(|| operation.into());
        self
    }

    /// Replaces the message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into().into_boxed_str();
        self
    }

    /// Records the HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Records how many times the request was tried.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Records whether the server may have carried the request out.
    #[must_use]
    pub fn with_may_have_executed(mut self, yes: bool) -> Self {
        self.0.may_have_executed = yes;
        self
    }

    /// Records the server's id of the request.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(id.into().into_boxed_str());
        self
    }

    /// Records the server's machine-readable reason.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.0.reason = Some(reason.into().into_boxed_str());
        self
    }

    /// Records the server's list of complaints.
    #[must_use]
    pub fn with_details(mut self, details: Vec<Detail>) -> Self {
        self.0.details = details;
        self
    }

    /// Says how to mend it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Keeps the error underneath.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The HTTP status, when an answer arrived.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The operation that failed, such as `get_project`; empty when none was under way.
    pub fn operation(&self) -> &str {
        self.0.operation.as_deref().unwrap_or_default()
    }

    /// How many times the request was tried; 0 when nothing was sent.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The server's id of the (last) request, for its operators.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The server's message, or this client's where the server said nothing. At most a few hundred characters.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The server's machine-readable reason, such as `permission_denied` or `analysis_conflict`.
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// What the server found wrong, part by part.
    pub fn details(&self) -> &[Detail] {
        &self.0.details
    }

    /// How to mend it, where that is known.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Whether the server may have carried the request out.
    ///
    /// False only when it certainly did not: the request never reached it, or it was refused (a 4xx status, or
    /// 503 with `Retry-After`) in every attempt. True after a timeout, a broken connection or a 5xx status, even
    /// when a later attempt was refused: a `DELETE` that broke off and then found nothing may well have worked.
    pub fn may_have_executed(&self) -> bool {
        self.0.may_have_executed
    }

    /// No such object.
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// More than one object where one was asked for.
    pub fn is_not_unique(&self) -> bool {
        self.0.kind == ErrorKind::NotUnique
    }

    /// The key is missing, unknown or expired.
    pub fn is_unauthenticated(&self) -> bool {
        self.0.kind == ErrorKind::Unauthenticated
    }

    /// The permission for this call is missing.
    pub fn is_permission_denied(&self) -> bool {
        self.0.kind == ErrorKind::PermissionDenied
    }

    /// The object exists already or is in a state that does not allow the call.
    pub fn is_conflict(&self) -> bool {
        self.0.kind == ErrorKind::Conflict
    }

    /// An argument was refused.
    pub fn is_invalid(&self) -> bool {
        self.0.kind == ErrorKind::Invalid
    }

    /// Too many requests.
    pub fn is_rate_limited(&self) -> bool {
        self.0.kind == ErrorKind::RateLimited
    }

    /// A timeout passed.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// No connection could be made.
    pub fn is_connect(&self) -> bool {
        self.0.kind == ErrorKind::Connect
    }

    /// The caller cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.kind == ErrorKind::Cancelled
    }

    /// The same request may succeed later: the server was busy or unreachable, or a timeout passed.
    ///
    /// Whether it is safe to repeat is another question; see [`Error::may_have_executed`].
    pub fn is_transient(&self) -> bool {
        match self.0.kind {
            ErrorKind::RateLimited | ErrorKind::Connect | ErrorKind::Network | ErrorKind::Timeout => true,
            ErrorKind::Server => matches!(self.0.status, Some(502..=504)),
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = &self.0.operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(&self.0.message)?;
        for detail in &self.0.details {
            let separator = if detail.location.is_empty() { "" } else { ": " };
            let text = format!("{}{separator}{}", detail.location, detail.message);
            // The platform's own message often is its first detail.
            if !self.0.message.contains(&text) {
                write!(f, "; {text}")?;
            }
        }
        let notes: Vec<String> = [
            self.0.status.map(|status| format!("HTTP {status}")),
            self.0.request_id.as_deref().map(|id| format!("request {id}")),
            (self.0.attempts > 1).then(|| format!("{} attempts", self.0.attempts)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !notes.is_empty() {
            write!(f, " ({})", notes.join(", "))?;
        }
        match &self.0.hint {
            Some(hint) => write!(f, ". {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Error");
        shown.field("kind", &self.0.kind).field("text", &self.to_string());
        if let Some(source) = &self.0.source {
            shown.field("source", &source.to_string());
        }
        shown.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, error.to_string()).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_that_the_message_tells_already_is_not_repeated() {
        let details =
            vec![Detail::new("body.sex", "Required", "missing"), Detail::new("body.age", "Low", "ge")];
        let error = Error::new(ErrorKind::Invalid, "invalid: body.sex: Required").with_details(details);
        assert_eq!(error.to_string(), "invalid: body.sex: Required; body.age: Low");
    }

    #[test]
    fn display_names_operation_message_details_status_request_and_hint() {
        let error = Error::new(ErrorKind::Invalid, "invalid_request")
            .with_operation("add_subject")
            .with_status(422)
            .with_request_id("r-1")
            .with_attempts(2)
            .with_details(vec![Detail::new("body.sex", "Input should be 'male'", "enum")])
            .with_hint("See the list of values.");
        assert_eq!(
            error.to_string(),
            "add_subject: invalid_request; body.sex: Input should be 'male' (HTTP 422, request r-1, 2 attempts). \
             See the list of values."
        );
    }

    #[test]
    fn the_operation_named_first_is_kept() {
        let error = Error::new(ErrorKind::Io, "x").with_operation("upload").with_operation("outer");
        assert_eq!(error.operation(), "upload");
    }

    #[test]
    fn a_server_error_is_transient_only_with_a_gateway_status() {
        let of = |status| Error::new(ErrorKind::Server, "").with_status(status).is_transient();
        assert!(of(502) && of(503) && of(504));
        assert!(!of(500));
    }
}
