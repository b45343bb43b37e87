//! Uploads: what is sent, when it is sent again, and what is refused.

use std::{
    io,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use flywheel_api::OperationId;
use futures::stream;
use serde_json::{Value, json};

use super::{
    play,
    script::{Arrived, Step, answer},
};
use crate::{
    Client, ErrorKind, Result,
    transfer::{Source, Upload},
};

fn upload(client: &Client, sources: Vec<Source>) -> Upload<Vec<Value>> {
    Upload::new(
        client,
        Ok(OperationId::UploadFileToAcquisition),
        vec!["a1".to_owned()],
        sources,
        |_, stored| Ok(stored),
    )
}

fn stored(files: Value) -> Step {
    answer("200 OK", &["Content-Type: application/json"], &files.to_string())
}

/// The parts of a form: what is said of each, and its content.
fn parts(request: &Arrived) -> Vec<(String, String)> {
    let kind = request.header("content-type").unwrap();
    let boundary = format!("--{}", kind.split_once("boundary=").unwrap().1);
    let body = String::from_utf8(request.body.clone()).unwrap();
    let parts =
        body.split(&boundary).filter_map(|part| part.trim_start_matches("\r\n").split_once("\r\n\r\n"));
    parts.map(|(head, content)| (head.to_owned(), content.strip_suffix("\r\n").unwrap().to_owned())).collect()
}

#[tokio::test]
async fn several_sources_go_in_one_form_with_their_metadata() {
    let (server, client) =
        play(vec![stored(json!([{"name": "a.txt", "size": 3}, {"name": "b.txt", "size": 4}]))]).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("b.txt"), "beta").unwrap();
    let sources = vec![
        Source::bytes("a.txt", "abc").file_type("text").tags(["x", "y"]).info(json!({"n": 1})),
        Source::path(folder.path().join("b.txt"))
            .modality("MR")
            .classification(json!({"Intent": ["Structural"]})),
    ];
    let files = upload(&client, sources).preserve_metadata(true).await.unwrap();
    assert_eq!(files.len(), 2);
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].line(), "POST /api/acquisitions/a1/files?preserve_metadata=true HTTP/1.1");
    assert_eq!(arrived[0].header("content-length").unwrap().parse::<usize>().unwrap(), arrived[0].body.len());
    let parts = parts(&arrived[0]);
    assert!(parts[0].0.contains(r#"name="file"; filename="a.txt""#), "{parts:?}");
    assert_eq!((parts[0].1.as_str(), parts[1].1.as_str()), ("abc", "beta"));
    let metadata: Value = serde_json::from_str(&parts[2].1).unwrap();
    let expected = json!([
        {"name": "a.txt", "type": "text", "tags": ["x", "y"], "info": {"n": 1}},
        {"name": "b.txt", "modality": "MR", "classification": {"Intent": ["Structural"]}},
    ]);
    assert_eq!(metadata, expected);
}

#[tokio::test]
async fn one_source_has_one_object_of_metadata_or_none() {
    let (server, client) = play(vec![stored(json!([{"name": "b"}])), stored(Value::Null)]).await;
    upload(&client, vec![Source::bytes("a", "abc")])
        .name("b")
        .metadata(json!({"type": "text"}))
        .await
        .unwrap();
    assert!(upload(&client, vec![Source::bytes("a", "abc")]).await.unwrap().is_empty());
    let arrived = server.arrived();
    assert_eq!(parts(&arrived[0])[1].1, r#"{"name":"b","type":"text"}"#);
    assert_eq!(parts(&arrived[1]).len(), 1);
}

#[tokio::test]
async fn an_upload_that_was_refused_is_sent_again_whole() {
    let busy = answer("429 Too Many Requests", &["Retry-After: 0"], "");
    let (server, client) = play(vec![busy, stored(json!([]))]).await;
    let opened = Arc::new(Mutex::new(0));
    let counted = opened.clone();
    let source = Source::reopen("a", 6, move |from| {
        assert_eq!(from, 0);
        *counted.lock().unwrap() += 1;
        stream::iter([Ok(Bytes::from_static(b"abc")), Ok(Bytes::from_static(b"def"))])
    });
    let transfer = upload(&client, vec![source]).start();
    let progress = transfer.progress();
    transfer.await.unwrap();
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 2);
    assert!(arrived.iter().all(|request| parts(request)[0].1 == "abcdef"));
    assert_eq!(*opened.lock().unwrap(), 2);
    assert_eq!((progress.borrow().transferred, progress.borrow().total), (6, Some(6)));
}

#[tokio::test]
async fn an_upload_with_an_unknown_end_is_not_sent_again() {
    for step in [answer("502 Bad Gateway", &[], ""), Step::Hang] {
        let (server, client) = play(vec![step, stored(json!([]))]).await;
        let error = upload(&client, vec![Source::bytes("a", "abc")]).await.unwrap_err();
        assert!(error.may_have_executed());
        assert_eq!((error.operation(), server.arrived().len()), ("upload_file_to_acquisition", 1));
    }
}

#[tokio::test]
async fn a_source_that_changes_while_it_is_read_is_an_error() {
    for announced in [5, 7] {
        let (server, client) = play(vec![stored(json!([]))]).await;
        let source = Source::reopen("a", announced, |_| {
            stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"abcdef"))])
        });
        let error = upload(&client, vec![source]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains("changed while it was read"), "{error}");
        assert_eq!(server.arrived().len(), 0);
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_sending() {
    let (server, client) = play(Vec::new()).await;
    let kind = |sources| {
        let sent = upload(&client, sources);
        async { sent.await.unwrap_err() }
    };
    assert_eq!(kind(Vec::new()).await.kind(), ErrorKind::Invalid);
    assert_eq!(kind(vec![Source::bytes("", "abc")]).await.kind(), ErrorKind::Invalid);
    assert_eq!(kind(vec![Source::bytes("a", "1"), Source::bytes("a", "2")]).await.kind(), ErrorKind::Invalid);
    assert_eq!(kind(vec![Source::bytes("a", "1").metadata(3)]).await.kind(), ErrorKind::Invalid);
    let folder = tempfile::tempdir().unwrap();
    let missing = kind(vec![Source::path(folder.path().join("missing.dcm"))]).await;
    assert_eq!(missing.kind(), ErrorKind::Io);
    assert!(missing.message().contains("missing.dcm") && !missing.may_have_executed(), "{missing}");
    assert_eq!(kind(vec![Source::from(folder.path()).name("x")]).await.kind(), ErrorKind::Io);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn another_size_stored_than_sent_is_an_error() {
    let (_server, client) = play(vec![stored(json!([{"name": "a", "size": 2}]))]).await;
    let error = upload(&client, vec![Source::bytes("a", "abc")]).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_executed()), (ErrorKind::Integrity, true));
}

#[tokio::test]
async fn what_the_caller_gets_is_made_of_the_stored_documents() {
    let (_server, client) = play(vec![stored(json!([{"name": "a"}]))]).await;
    let finish = |_: &Client, stored: Vec<Value>| -> Result<usize> { Ok(stored.len()) };
    let operation = Ok(OperationId::UploadFileToAcquisition);
    assert_eq!(
        Upload::new(&client, operation, vec!["a1".to_owned()], vec![Source::bytes("a", "abc")], finish)
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn a_cancelled_upload_says_so() {
    let (server, client) = play(vec![Step::IgnoreBody]).await;
    let endless =
        Source::reopen("a", u64::MAX / 2, |_| stream::repeat_with(|| Ok(Bytes::from(vec![0; 1 << 16]))));
    let transfer = upload(&client, vec![endless]).direct(false).start();
    let (mut progress, canceller) = (transfer.progress(), transfer.canceller());
    let waiting = tokio::spawn(transfer);
    progress.wait_for(|now| now.transferred > 0).await.unwrap();
    canceller.cancel();
    assert!(waiting.await.unwrap().unwrap_err().is_cancelled());
    assert_eq!(server.arrived().len(), 0);
}

/// A ticket whose addresses are on the server itself.
fn ticket(server: &str, parts: &[&str], headers: Value) -> Step {
    let urls: Vec<String> = parts.iter().map(|part| format!("http://{server}/storage{part}")).collect();
    stored(json!({"ticket": "t-1", "urls": {"a": urls}, "headers": headers}))
}

/// A server whose steps can name its own address.
async fn play_at(steps: impl FnOnce(&str) -> Vec<Step>) -> (super::Script, Client) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = super::Script::on(listener, steps(&address)).await;
    let client = super::client(&server, 3);
    (server, client)
}

const K: usize = 256 * 1024;

#[tokio::test]
async fn a_direct_upload_puts_the_parts_and_lists_their_tags() {
    let put = answer("200 OK", &["ETag: \"p\""], "");
    let (server, client) = play_at(|address| {
        let parts = ["?partNumber=1&uploadId=u1", "?partNumber=2&uploadId=u1"];
        let done = stored(json!([{"name": "a", "size": 3 * K}]));
        vec![ticket(address, &parts, json!({"x-amz-meta": "m"})), put.clone(), put, done]
    })
    .await;
    let source = Source::bytes("a", vec![7; 3 * K]).file_type("x");
    let transfer = upload(&client, vec![source]).direct(true).preserve_metadata(true).start();
    let progress = transfer.progress();
    assert_eq!(transfer.await.unwrap().len(), 1);
    assert_eq!(progress.borrow().transferred, 3 * K as u64);
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 4);
    assert_eq!(arrived[0].line(), "POST /api/acquisitions/a1/files?preserve_metadata=true&ticket= HTTP/1.1");
    let begun: Value = serde_json::from_slice(&arrived[0].body).unwrap();
    assert_eq!(begun, json!({"metadata": {"name": "a", "type": "x", "size": 3 * K}, "filenames": ["a"]}));
    for put in &arrived[1..3] {
        assert!(put.line().starts_with("PUT /storage?partNumber="), "{}", put.line());
        assert_eq!(put.header("x-amz-meta"), Some("m"));
        assert_eq!((put.header("authorization"), put.header("content-range")), (None, None));
        assert_eq!(put.header("content-length").unwrap().parse::<usize>().unwrap(), put.body.len());
    }
    assert_eq!(arrived[1].body.len() + arrived[2].body.len(), 3 * K);
    assert_eq!(
        arrived[3].line(),
        "POST /api/acquisitions/a1/files?preserve_metadata=true&ticket=t-1 HTTP/1.1"
    );
    let ended: Value = serde_json::from_slice(&arrived[3].body).unwrap();
    assert_eq!(ended, json!({"multipart": {"e_tags": ["p", "p"], "upload_id": "u1"}}));
}

#[tokio::test]
async fn parts_of_one_resumable_upload_go_in_order_and_say_where_they_belong() {
    let (server, client) = play_at(|address| {
        let more = answer("308 Resume Incomplete", &[], "");
        let done = stored(json!([{"name": "a"}]));
        let busy = answer("503 Service Unavailable", &[], "");
        vec![ticket(address, &["?n=1", "?n=2"], Value::Null), busy, more, answer("200 OK", &[], ""), done]
    })
    .await;
    upload(&client, vec![Source::bytes("a", vec![7; 3 * K])]).direct(true).await.unwrap();
    let arrived = server.arrived();
    let ranges: Vec<_> = arrived[1..4].iter().map(|put| put.header("content-range").unwrap()).collect();
    let first = format!("bytes 0-{}/{}", 2 * K - 1, 3 * K);
    assert_eq!(ranges, [first.clone(), first, format!("bytes {}-{}/{}", 2 * K, 3 * K - 1, 3 * K)]);
    assert_eq!(arrived[4].body.len(), 0);
}

#[tokio::test]
async fn a_site_that_offers_direct_uploads_is_asked_once_and_only_for_large_files() {
    const LARGE: usize = 8 << 20;
    let (server, client) = play_at(|address| {
        let config = stored(json!({"features": {"signed_url": true}}));
        let ticket = || ticket(address, &["?n=1"], Value::Null);
        let put = || answer("200 OK", &[], "");
        let done = || stored(json!([]));
        vec![done(), config, ticket(), put(), done(), ticket(), put(), done()]
    })
    .await;
    upload(&client, vec![Source::bytes("a", "small")]).await.unwrap();
    upload(&client, vec![Source::bytes("a", vec![7; LARGE])]).await.unwrap();
    upload(&client, vec![Source::bytes("a", vec![7; LARGE])]).await.unwrap();
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 8);
    assert_eq!(arrived[1].line(), "GET /api/config HTTP/1.1");
    assert_eq!(arrived[3].body.len(), LARGE);
}

#[tokio::test]
async fn a_large_file_goes_as_a_form_where_direct_uploads_are_not_offered() {
    for config in [stored(json!({"signed_url": false})), answer("404 Not Found", &[], "")] {
        let (server, client) = play(vec![config, stored(json!([]))]).await;
        upload(&client, vec![Source::bytes("a", vec![7; 8 << 20])]).await.unwrap();
        assert!(server.arrived()[1].header("content-type").unwrap().starts_with("multipart/form-data"));
    }
}

#[tokio::test]
async fn a_ticket_without_an_address_is_an_error() {
    let (server, client) = play(vec![stored(json!({"ticket": "t-1", "urls": {}})), unfinished()]).await;
    let error = upload(&client, vec![Source::bytes("a", "abc")]).direct(true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_given_back(&server.arrived()[1]);
}

/// What a site says to the last call of an upload whose bytes have not arrived.
fn unfinished() -> Step {
    answer("400 Bad Request", &["Content-Type: application/json"], r#"{"message": "bytes are missing"}"#)
}

/// The last call of an upload that lists no parts, so that nothing is made of those that arrived.
fn assert_given_back(request: &Arrived) {
    assert_eq!(request.line(), "POST /api/acquisitions/a1/files?ticket=t-1 HTTP/1.1");
    assert!(request.body.is_empty(), "{:?}", request.body);
}

#[tokio::test]
async fn a_failed_part_gives_the_ticket_back() {
    let (server, client) = play_at(|address| {
        let expired = answer("403 Forbidden", &[], "<Message>Request has expired</Message>");
        vec![ticket(address, &["?partNumber=1&uploadId=u1"], Value::Null), expired, unfinished()]
    })
    .await;
    let error = upload(&client, vec![Source::bytes("a", vec![7; 3 * K])]).direct(true).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::PermissionDenied, Some(403)));
    assert_eq!(error.operation(), "put_part");
    assert_given_back(server.arrived().last().unwrap());
}

/// A source of two parts, of which the second never comes.
fn stalling() -> Source {
    Source::reopen("a", 3 * K as u64, |from| {
        let first = stream::iter((from == 0).then(|| Ok(Bytes::from(vec![7; 2 * K]))));
        futures::StreamExt::chain(first, stream::pending())
    })
}

/// A direct upload that has sent the first of its parts and waits with the second.
async fn half_sent() -> (super::Script, Client, crate::Transfer<Vec<Value>>) {
    let (server, client) = play_at(|address| {
        let part = answer("200 OK", &[], "");
        vec![ticket(address, &["?n=1", "?n=2"], Value::Null), part, Step::IgnoreBody, unfinished()]
    })
    .await;
    let mut transfer = upload(&client, vec![stalling()]).direct(true).start();
    while server.connections() < 3 {
        let pause = tokio::time::sleep(std::time::Duration::from_millis(1));
        tokio::select! {
            done = &mut transfer => panic!("a stalled upload ended: {done:?}"),
            () = pause => {}
        }
    }
    (server, client, transfer)
}

#[tokio::test]
async fn a_dropped_upload_gives_the_ticket_back() {
    let (server, client, transfer) = half_sent().await;
    drop(transfer);
    client.settled().await;
    assert_given_back(&server.arrived()[2]);
}

#[tokio::test]
async fn a_cancelled_upload_gives_the_ticket_back() {
    let (server, client, transfer) = half_sent().await;
    transfer.canceller().cancel();
    assert!(transfer.await.unwrap_err().is_cancelled());
    client.settled().await;
    assert_given_back(&server.arrived()[2]);
}

#[tokio::test]
async fn a_ticket_that_comes_after_the_drop_is_given_back() {
    let (server, client) =
        play_at(|address| vec![ticket(address, &["?n=1"], Value::Null), unfinished()]).await;
    let transfer = upload(&client, vec![Source::bytes("a", "abc")]).direct(true).start();
    assert!(futures::FutureExt::now_or_never(transfer).is_none());
    client.settled().await;
    assert_given_back(&server.arrived()[1]);
}

#[tokio::test]
async fn an_upload_dropped_while_it_is_finished_is_finished_once() {
    let (server, client) = play_at(|address| {
        vec![ticket(address, &["?n=1"], Value::Null), answer("200 OK", &[], ""), stored(json!([]))]
    })
    .await;
    let mut transfer = Box::pin(upload(&client, vec![Source::bytes("a", "abc")]).direct(true).start());
    while server.connections() < 3 {
        assert!(futures::poll!(&mut transfer).is_pending());
        tokio::task::yield_now().await;
    }
    drop(transfer);
    client.settled().await;
    assert_eq!(server.connections(), 3);
    assert_given_back(&server.arrived()[2]);
}
