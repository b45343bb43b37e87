//! What is sent again, and how often.

use crate::{
    CREATE, READ, builder, get, post, quick,
    script::{Script, Step, answer},
    transport,
};
use flywheel_api::{
    ErrorKind,
    transport::{CallOptions, RetryBudget, read_body},
};
use httpmock::prelude::*;
use std::time::Duration;

fn ok() -> Step {
    answer("200 OK", &["Content-Type: application/json"], r#"{"_id": "1"}"#)
}

#[tokio::test]
async fn a_502_is_retried_for_an_idempotent_operation() {
    let server = Script::start(vec![answer("502 Bad Gateway", &[], ""), ok()]).await;
    let transport = transport(&server.base());
    let response = transport.execute(READ, get(&transport)).await.unwrap();
    assert_eq!(read_body(response, READ).await.unwrap(), r#"{"_id": "1"}"#);
    assert_eq!(server.arrived().len(), 2);
}

#[tokio::test]
async fn a_502_is_not_retried_for_a_post_unless_marked_idempotent() {
    let server = Script::start(vec![answer("502 Bad Gateway", &[], ""); 4]).await;
    let transport = transport(&server.base());
    let error = transport.execute(CREATE, post(&transport)).await.unwrap_err();
    assert_eq!((error.kind(), error.status(), error.attempts()), (ErrorKind::Server, Some(502), 1));
    assert!(error.may_have_executed());
    assert_eq!(server.arrived().len(), 1);

    let marked = transport.with_options(CallOptions::new().idempotent(true));
    assert_eq!(marked.execute(CREATE, post(&marked)).await.unwrap_err().attempts(), 3);
    assert_eq!(server.arrived().len(), 4);
}

#[tokio::test]
async fn every_attempt_of_a_failing_server_arrives_and_is_counted() {
    let server = MockServer::start_async().await;
    let mock = server.mock_async(|when, then| {
        when.method(GET).path("/api/projects/1");
        then.status(504);
    });
    let mock = mock.await;
    let transport = transport(&server.url("/api"));
    let error = transport.execute(READ, get(&transport)).await.unwrap_err();
    assert_eq!((error.status(), error.attempts()), (Some(504), 3));
    assert_eq!(mock.calls_async().await, 3);
}

#[tokio::test]
async fn a_500_and_a_404_are_final() {
    for status in [404, 500] {
        let server = MockServer::start_async().await;
        let mock = server.mock_async(|when, then| {
            when.any_request();
            then.status(status).json_body(serde_json::json!({"message": "no such project"}));
        });
        let mock = mock.await;
        let transport = transport(&server.url("/api"));
        let error = transport.execute(READ, get(&transport)).await.unwrap_err();
        assert_eq!((error.message(), error.is_not_found()), ("no such project", status == 404));
        assert_eq!(mock.calls_async().await, 1);
    }
}

#[tokio::test]
async fn a_429_with_retry_after_is_retried_even_for_a_post() {
    let server = Script::start(vec![answer("429 Too Many Requests", &["Retry-After: 0"], ""), ok()]).await;
    let transport = transport(&server.base());
    transport.execute(CREATE, post(&transport)).await.unwrap();
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[0].body, arrived[1].body);
}

#[tokio::test]
async fn a_long_retry_after_is_cut_to_the_longest_wait() {
    let steps = vec![
        answer("503 Service Unavailable", &["Retry-After: 86400"], ""),
        answer("429 Too Many Requests", &["Retry-After: Fri, 31 Dec 2100 23:59:59 GMT"], ""),
        ok(),
    ];
    let server = Script::start(steps).await;
    let transport = transport(&server.base());
    transport.execute(READ, get(&transport)).await.unwrap();
    assert_eq!(server.arrived().len(), 3);
}

#[tokio::test]
async fn a_server_that_stays_busy_ends_as_rate_limited() {
    let server = Script::start(vec![answer("429 Too Many Requests", &["Retry-After: 0"], ""); 4]).await;
    let transport = transport(&server.base());
    let error = transport.execute(CREATE, post(&transport)).await.unwrap_err();
    assert!(error.is_rate_limited() && !error.may_have_executed());
    assert_eq!(server.arrived().len(), 3);
}

#[tokio::test]
async fn the_limit_of_the_operation_forbids_a_wait_beyond_it() {
    let server =
        Script::start(vec![answer("503 Service Unavailable", &["Retry-After: 600"], ""), ok()]).await;
    let mut policy = quick();
    policy.max_backoff = Duration::from_secs(900);
    let transport = builder(&server.base()).retry(policy).build().unwrap();
    let limited = transport.with_options(CallOptions::new().timeout(Duration::from_secs(300)));
    let error = limited.execute(READ, get(&limited)).await.unwrap_err();
    assert_eq!((error.status(), error.attempts()), (Some(503), 1));
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn an_empty_budget_ends_the_retries_of_all_clones() {
    let server = MockServer::start_async().await;
    let mock = server.mock_async(|when, then| {
        when.any_request();
        then.status(502);
    });
    let mock = mock.await;
    let transport = builder(&server.url("/api")).retry_budget(RetryBudget::new(5)).build().unwrap();
    assert_eq!(transport.execute(READ, get(&transport)).await.unwrap_err().attempts(), 2);
    let clone = transport.with_options(CallOptions::new());
    assert_eq!(clone.execute(READ, get(&clone)).await.unwrap_err().attempts(), 1);
    assert_eq!(mock.calls_async().await, 3);
}

#[tokio::test]
async fn a_refusal_after_an_unknown_end_leaves_the_end_unknown() {
    let server = Script::start(vec![Step::Hang, answer("404 Not Found", &[], "")]).await;
    let transport = transport(&server.base());
    let error = transport.execute(READ, get(&transport)).await.unwrap_err();
    assert!(error.is_not_found() && error.may_have_executed());
    assert_eq!(server.arrived().len(), 2);
}
