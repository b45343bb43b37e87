//! The transport against servers that fail in stated ways; every test counts what reached the server.
#![allow(clippy::unwrap_used, missing_docs)]

mod body;
mod headers;
mod network;
mod retry;
#[allow(dead_code, reason = "part of it is used by the tests of transfers alone")]
mod script;
mod tls;
mod trace;

use flywheel_api::transport::{Call, Environment, RetryPolicy, Timeouts, Transport, TransportBuilder};
use std::time::Duration;

/// An operation that may be sent twice, one that may not, and one whose answer is a stream.
pub(crate) const READ: Call = Call::new("get_project", "/projects/{ProjectId}").idempotent(true);
pub(crate) const CREATE: Call = Call::new("add_project", "/projects");
pub(crate) const DOWNLOAD: Call =
    Call::new("download_file", "/files/{FileId}/download").idempotent(true).streaming(true);

/// Retries at once and often enough for every script; limits that a busy machine does not reach by chance.
pub(crate) fn quick() -> RetryPolicy {
    let mut policy = RetryPolicy::default();
    policy.max_attempts = 3;
    policy.initial_backoff = Duration::ZERO;
    policy.max_backoff = Duration::from_millis(10);
    policy
}

pub(crate) fn timeouts() -> Timeouts {
    let mut timeouts = Timeouts::default();
    timeouts.connect = Duration::from_secs(20);
    timeouts
}

pub(crate) fn builder(base: &str) -> TransportBuilder {
    Transport::builder()
        .environment(Environment::empty())
        .base_url(base)
        .no_proxy()
        .retry(quick())
        .timeouts(timeouts())
}

pub(crate) fn transport(base: &str) -> Transport {
    builder(base).build().unwrap()
}

pub(crate) fn get(transport: &Transport) -> reqwest::Request {
    transport.request(http::Method::GET, "/projects/1").unwrap()
}

pub(crate) fn post(transport: &Transport) -> reqwest::Request {
    let mut request = transport.request(http::Method::POST, "/projects").unwrap();
    *request.body_mut() = Some(r#"{"label": "x"}"#.into());
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    request
}
