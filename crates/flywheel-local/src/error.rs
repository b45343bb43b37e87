//! The error that every handler returns, and its JSON body.

use std::fmt;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::request_id;

/// What a request failed with: a status and a body `{message, status_code, request_id, detail?, …}`.
///
/// Made by the constructors named after their status; further keys of the body are added by [`ApiError::with`].
#[derive(Debug, Clone)]
pub(crate) struct ApiError(Box<Problem>);

#[derive(Debug, Clone)]
struct Problem {
    status: StatusCode,
    message: String,
    extra: Map<String, Value>,
}

/// What callers are told of a fault of the site.
const FAILED: &str = "The site failed on this request; its log says why";

/// The result of everything that a handler calls.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// An error with any status.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self(Box::new(Problem { status, message: message.into(), extra: Map::new() }))
    }

    /// 400: the request cannot be understood.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 401: no credentials, or none that are valid.
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// 402: valid credentials of somebody who is disabled or gone.
    pub(crate) fn disabled(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYMENT_REQUIRED, message)
    }

    /// 403: known, and not allowed.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 404: there is no such thing.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 409: there is one already, or it changed meanwhile.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 422: understood, and makes no sense.
    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// 422 in the shape of a schema failure: `detail` is the list of what is wrong where.
    pub(crate) fn invalid(details: Vec<Detail>) -> Self {
        let message = details
            .first()
            .map_or_else(|| "invalid_request".to_owned(), |first| format!("invalid_request: {first}"));
        let list: Vec<Value> = details.into_iter().map(Detail::into_value).collect();
        Self::unprocessable(message).with("detail", list)
    }

    /// 500: our fault. The cause goes to the log, never to the caller.
    pub(crate) fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(%cause, "request failed inside the site");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, FAILED)
    }

    /// Adds a key to the body, such as `reason`.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.extra.insert(key.to_owned(), value.into());
        self
    }

    /// The same with words before its message.
    pub(crate) fn prefixed(mut self, prefix: &str) -> Self {
        self.0.message.insert_str(0, prefix);
        self
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.status.as_u16(), self.0.message)
    }
}

impl std::error::Error for ApiError {}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Problem { status, message, extra } = *self.0;
        let mut body = Map::new();
        body.insert("message".into(), message.into());
        body.insert("status_code".into(), status.as_u16().into());
        body.insert("request_id".into(), request_id::current().into());
        body.extend(extra);
        (status, Json(body)).into_response()
    }
}

impl From<rusqlite::Error> for ApiError {
    fn from(error: rusqlite::Error) -> Self {
        match &error {
            rusqlite::Error::SqliteFailure(_, Some(text))
                if text.starts_with(crate::store::functions::REFUSED) =>
            {
                Self::bad_request(text.trim_start_matches(crate::store::functions::REFUSED))
            }
            rusqlite::Error::SqliteFailure(code, _) if code.code == rusqlite::ErrorCode::DiskFull => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "The site's disk is full; nothing was stored")
            }
            // Nothing but `store::briefly` interrupts a read, and it takes another way then.
            rusqlite::Error::SqliteFailure(code, _)
                if code.code == rusqlite::ErrorCode::OperationInterrupted =>
            {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, FAILED)
            }
            _ => Self::internal(error),
        }
    }
}

impl From<serde_json::Error> for ApiError {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

/// A step on the way to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// Into an object, by a key.
    Key(&'a str),
    /// Into a list, by an item's number.
    Item(usize),
}

/// One entry of a schema failure's `detail` list.
#[derive(Debug, Clone)]
pub(crate) struct Detail {
    place: Vec<Value>,
    code: &'static str,
    message: String,
    input: Value,
}

impl Detail {
    /// Something wrong at `place`, outermost first (`["body", "label"]`).
    pub(crate) fn new(place: &[&str], code: &'static str, message: impl Into<String>, input: &Value) -> Self {
        let place: Vec<Step<'_>> = place.iter().map(|&key| Step::Key(key)).collect();
        Self::at(&place, code, message, input)
    }

    /// As [`Detail::new`] for what may lie in lists.
    pub(crate) fn at(
        place: &[Step<'_>],
        code: &'static str,
        message: impl Into<String>,
        input: &Value,
    ) -> Self {
        let place = place.iter().map(|step| match *step {
            Step::Key(key) => key.into(),
            Step::Item(number) => number.into(),
        });
        Self { place: place.collect(), code, message: message.into(), input: input.clone() }
    }

    /// The entry as answers have it.
    pub(crate) fn into_value(self) -> Value {
        json!({"loc": self.place, "msg": self.message, "type": self.code, "input": self.input})
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<String> = self
            .place
            .iter()
            .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned))
            .collect();
        write!(f, "{}: {}", steps.join("."), self.message)
    }
}
