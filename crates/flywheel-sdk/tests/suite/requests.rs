//! Options of single calls, and keys.

use std::time::Duration;

use flywheel::{CallOptions, Client, ErrorKind, RetryPolicy};

use crate::bench::Bench;

#[tokio::test]
async fn options_of_a_call_hold_for_it_alone() {
    let bench = Bench::open().await;
    bench.project().await;
    let never =
        bench.fw.projects().find().timeout(Duration::ZERO).retry(RetryPolicy::never()).await.unwrap_err();
    assert_eq!(never.kind(), ErrorKind::Timeout);
    let projects = bench.fw.projects().find().timeout(Duration::from_secs(30)).await.unwrap();
    assert_eq!(projects.len(), 1);
    // What was read with a short limit is not bound to it.
    let project = bench.fw.projects().get(projects[0].id()).timeout(Duration::from_secs(30)).await.unwrap();
    project.subjects().await.unwrap();
    let slim = bench.fw.projects().get(project.id()).feature("exclude-files").await.unwrap();
    assert!(slim.files.as_ref().is_none_or(|files| files.is_empty()));
}

#[tokio::test]
async fn client_with_options_differs_in_every_call() {
    let bench = Bench::open().await;
    let hasty = bench.fw.with_options(CallOptions::new().timeout(Duration::ZERO).retry(RetryPolicy::never()));
    assert_eq!(hasty.projects().await.unwrap_err().kind(), ErrorKind::Timeout);
    assert!(bench.fw.projects().await.unwrap().is_empty());
}

#[tokio::test]
async fn unknown_key_is_told_with_the_first_request() {
    let bench = Bench::open().await;
    let stranger = Client::new(bench.running.key("unknown")).unwrap();
    let error = stranger.me().await.unwrap_err();
    assert!(error.is_unauthenticated(), "{error}");
    assert!(!format!("{error} {error:?} {stranger:?}").contains("unknown:"));
    assert_eq!(bench.fw.me().await.unwrap().id.as_deref(), Some(flywheel_local::ADMIN));
    assert_eq!(bench.fw.auth_status().await.unwrap().user_is_admin, Some(true));
    assert!(bench.fw.version().await.unwrap().release.is_some());
    bench.fw.config().await.unwrap();
}

#[tokio::test]
async fn requests_and_finders_can_be_sent_across_threads() {
    fn sendable<T: Send>(value: T) -> T {
        value
    }
    let bench = Bench::open().await;
    let project = bench.project().await;
    let finder = sendable(project.subjects());
    let count = tokio::spawn(sendable(async move { finder.count().await })).await.unwrap().unwrap();
    assert_eq!(count, 0);
    let mut session = project.add_subject("a").await.unwrap().add_session("b").await.unwrap();
    tokio::spawn(sendable(async move {
        session.update().label("c").await.unwrap();
        session.tags().add(["t"]).await.unwrap();
        session.info().merge(serde_json::json!({"a": 1})).await.unwrap();
        session.notes().add("n").await.unwrap();
        session.delete().await.unwrap();
    }))
    .await
    .unwrap();
}
