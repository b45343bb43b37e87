//! Bodies in both directions: cut, stalled, empty, not JSON, streamed and sent again.

use crate::{
    CREATE, DOWNLOAD, READ, builder, get, post,
    script::{Script, Step, answer, text},
    timeouts, transport,
};
use bytes::Bytes;
use flywheel_api::{
    Error, ErrorKind,
    transport::{Transport, body_stream, read_body},
};
use futures::{StreamExt, TryStreamExt, stream};
use httpmock::prelude::*;
use std::time::Duration;

#[tokio::test]
async fn a_body_cut_in_the_middle_is_read_again_whole() {
    let cut = Step::Answer(text("200 OK", &[], 100, r#"{"_id": "#));
    let server = Script::start(vec![cut, answer("200 OK", &[], r#"{"_id": "1"}"#)]).await;
    let transport = transport(&server.base());
    let response = transport.execute(READ, get(&transport)).await.unwrap();
    assert_eq!(response.url().path(), "/api/projects/1");
    assert_eq!(read_body(response, READ).await.unwrap(), r#"{"_id": "1"}"#);
    assert_eq!(server.arrived().len(), 2);
}

#[tokio::test]
async fn a_body_cut_in_the_middle_of_a_create_is_not_sent_again() {
    let cut = Step::Answer(text("200 OK", &[], 100, r#"{"_id": "#));
    let server = Script::start(vec![cut.clone(), cut]).await;
    let transport = transport(&server.base());
    let error = transport.execute(CREATE, post(&transport)).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_executed()), (ErrorKind::Network, true));
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn a_streamed_body_gives_what_arrived_and_then_the_failure() {
    let server = Script::start(vec![Step::Answer(text("200 OK", &[], 100, "abc"))]).await;
    let transport = transport(&server.base());
    let response = transport.execute(DOWNLOAD, get(&transport)).await.unwrap();
    assert_eq!(response.content_length(), Some(100));
    let parts: Vec<_> = body_stream(response, DOWNLOAD).collect().await;
    let (last, first) = parts.split_last().unwrap();
    let bytes: Vec<u8> = first.iter().flat_map(|part| part.as_ref().unwrap().to_vec()).collect();
    assert_eq!(bytes, b"abc");
    let error = last.as_ref().unwrap_err();
    assert_eq!(
        (error.kind(), error.status(), error.operation()),
        (ErrorKind::Network, Some(200), "download_file")
    );
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn a_stalled_body_ends_in_a_timeout() {
    let server = Script::start(vec![Step::Stall(text("200 OK", &[], 100, "abc"))]).await;
    let mut limits = timeouts();
    limits.read_idle = Duration::from_millis(100);
    let transport = builder(&server.base()).timeouts(limits).build().unwrap();
    let response = transport.execute(DOWNLOAD, get(&transport)).await.unwrap();
    let mut body = Box::pin(body_stream(response, DOWNLOAD));
    assert_eq!(body.next().await.unwrap().unwrap(), "abc");
    let error = body.next().await.unwrap().unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn a_stalled_json_answer_is_asked_for_again() {
    let stall = Step::Stall(text("200 OK", &[], 100, "{"));
    let server = Script::start(vec![stall, answer("200 OK", &[], "{}")]).await;
    let mut limits = timeouts();
    limits.read_idle = Duration::from_millis(100);
    let transport = builder(&server.base()).timeouts(limits).build().unwrap();
    transport.execute(READ, get(&transport)).await.unwrap();
    assert_eq!(server.arrived().len(), 2);
}

#[tokio::test]
async fn a_page_of_html_keeps_its_status() {
    let page = "<html><head><title>Down for maintenance</title></head><body><p>Doe, John</p></body></html>";
    let server = MockServer::start_async().await;
    let mock = server.mock_async(|when, then| {
        when.any_request();
        then.status(503).header("content-type", "text/html").body(page);
    });
    let mock = mock.await;
    let transport = transport(&server.url("/api"));
    let error = transport.execute(CREATE, post(&transport)).await.unwrap_err();
    assert_eq!((error.status(), error.message()), (Some(503), "Down for maintenance"));
    assert!(!format!("{error:?}").contains("Doe"));
    assert_eq!(mock.calls_async().await, 1);
    assert_eq!(transport.execute(READ, get(&transport)).await.unwrap_err().attempts(), 3);
    assert_eq!(mock.calls_async().await, 4);
}

#[tokio::test]
async fn an_empty_204_is_a_success() {
    let server = MockServer::start_async().await;
    let mock = server.mock_async(|when, then| {
        when.method(DELETE);
        then.status(204);
    });
    let mock = mock.await;
    let transport = transport(&server.url("/api"));
    let request = transport.request(http::Method::DELETE, "/projects/1").unwrap();
    let response = transport.execute(READ, request).await.unwrap();
    assert_eq!(response.status(), 204);
    assert!(read_body(response, READ).await.unwrap().is_empty());
    assert_eq!(mock.calls_async().await, 1);
}

fn upload(transport: &Transport, body: reqwest::Body) -> reqwest::Request {
    let mut request = transport.request(http::Method::PUT, "/projects/1").unwrap();
    request.headers_mut().insert("content-length", "6".parse().unwrap());
    *request.body_mut() = Some(body);
    request
}

fn two_chunks() -> reqwest::Body {
    let chunks = [Ok::<_, std::io::Error>(Bytes::from_static(b"abc")), Ok(Bytes::from_static(b"def"))];
    reqwest::Body::wrap_stream(stream::iter(chunks))
}

#[tokio::test]
async fn a_body_that_can_be_made_again_is_sent_again_whole() {
    let server = Script::start(vec![answer("502 Bad Gateway", &[], ""), answer("200 OK", &[], "{}")]).await;
    let transport = transport(&server.base());
    let maker = transport.clone();
    let make = || std::future::ready(Ok(upload(&maker, two_chunks())));
    transport.execute_with(READ, make).await.unwrap();
    let bodies: Vec<Vec<u8>> = server.arrived().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, [b"abcdef", b"abcdef"]);
}

#[tokio::test]
async fn a_spent_stream_is_not_sent_again_and_the_first_failure_is_told() {
    let server = Script::start(vec![answer("502 Bad Gateway", &[], ""); 2]).await;
    let transport = transport(&server.base());
    let error = transport.execute(READ, upload(&transport, two_chunks())).await.unwrap_err();
    assert_eq!((error.status(), error.attempts()), (Some(502), 1));
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn a_source_that_fails_is_an_io_error_and_is_not_retried() {
    let server = Script::start(vec![answer("200 OK", &[], "{}"); 2]).await;
    let transport = transport(&server.base());
    let maker = transport.clone();
    let make = || {
        let chunks = [Ok(Bytes::from_static(b"abc")), Err(std::io::Error::other("disk gone"))];
        std::future::ready(Ok::<_, Error>(upload(&maker, reqwest::Body::wrap_stream(stream::iter(chunks)))))
    };
    let error = transport.execute_with(READ, make).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Io, 1));
    assert!(error.message().contains("disk gone"), "{error}");
    assert_eq!(server.arrived().len(), 0);
}

#[tokio::test]
async fn a_server_that_takes_no_more_of_an_upload_ends_in_a_timeout() {
    let server = Script::start(vec![Step::IgnoreBody]).await;
    let mut limits = timeouts();
    limits.read_idle = Duration::from_millis(300);
    let transport = builder(&server.base()).timeouts(limits).build().unwrap();
    let chunk = Bytes::from(vec![0; 1 << 20]);
    let endless = stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
    let mut request = transport.request(http::Method::PUT, "/projects/1").unwrap();
    *request.body_mut() = Some(reqwest::Body::wrap_stream(endless));
    let error = transport.execute(READ, request).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!((server.connections(), server.arrived().len()), (1, 0));
}

#[tokio::test]
async fn a_download_of_many_chunks_arrives_whole() {
    let body = "0123456789".repeat(100_000);
    let server = Script::start(vec![answer("200 OK", &[], &body)]).await;
    let transport = transport(&server.base());
    let response = transport.execute(DOWNLOAD, get(&transport)).await.unwrap();
    let chunks: Vec<Bytes> = body_stream(response, DOWNLOAD).try_collect().await.unwrap();
    assert_eq!(chunks.concat(), body.as_bytes());
    assert_eq!(server.arrived().len(), 1);
}
