//! The id of the request being answered: made once, sent as `X-Request-Id`, repeated in every error body.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderName, HeaderValue};

use crate::author;

tokio::task_local! {
    static CURRENT: String;
}

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request that this task answers; empty outside of one.
pub(crate) fn current() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// Middleware: gives the request its id for as long as it runs.
pub(crate) async fn assign(request: Request, next: Next) -> Response {
    let id = format!("{:08x}-{}", rand::random::<u32>(), chrono::Utc::now().timestamp());
    let value = HeaderValue::from_str(&id);
    let about = (request.method().to_string(), request.uri().path().to_owned());
    let mut response = CURRENT.scope(id, author::of_request(about, next.run(request))).await;
    if let Ok(value) = value {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
