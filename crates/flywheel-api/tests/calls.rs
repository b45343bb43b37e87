//! Generated calls against a server on loopback: what they send, and what becomes of the answer.
#![allow(clippy::unwrap_used, missing_docs)]

use flywheel_api::models::Patch;
use flywheel_api::support::multipart::{Content, Form};
use flywheel_api::transport::{Environment, RetryPolicy, Transport};
use flywheel_api::{Client, ErrorKind, OperationId, types};
use futures::StreamExt;
use httpmock::{Method, MockServer};
use serde_json::{Value, json};

fn client(server: &MockServer) -> Client {
    let transport = Transport::builder()
        .environment(Environment::empty())
        .base_url(server.url("/api"))
        .no_proxy()
        .retry(RetryPolicy::never());
    Client::new(transport.build().unwrap())
}

#[tokio::test]
async fn a_typed_call_sends_its_parameters_and_reads_its_model() {
    let server = MockServer::start_async().await;
    let mock = server.mock_async(|when, then| {
        when.method(Method::GET)
            .path("/api/projects")
            .query_param("filter", "label=~^a,b")
            .query_param("limit", "2")
            .header_includes("x-accept-feature", "slim-containers");
        then.status(200).json_body(json!({ "count": 1, "total": 9, "results": [
            { "_id": "64b0", "label": "a", "from_the_future": { "x": 1 } },
        ]}));
    });
    let mock = mock.await;
    let call = client(&server);
    let call =
        call.get_all_projects().filter("label=~^a,b").limit(2).x_accept_feature("pagination,slim-containers");
    let answer = call.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let projects = answer.into_inner();
    assert_eq!((projects.items.len(), projects.total()), (1, Some(9)));
    assert_eq!(projects.items[0].extra["from_the_future"], json!({ "x": 1 }));
    mock.assert_async().await;
}

#[tokio::test]
async fn an_update_tells_keeping_from_clearing() {
    let server = MockServer::start_async().await;
    let mock = server.mock_async(|when, then| {
        when.method(Method::PUT)
            .path("/api/acquisitions/64b0")
            .json_body(json!({ "label": "T1", "uid": null, "not_known_yet": null }));
        then.status(200).json_body(json!({ "modified": 1 }));
    });
    let mock = mock.await;
    let change = types::AcquisitionModifyInput {
        label: "T1".into(),
        uid: Patch::Clear,
        extra: [(String::from("not_known_yet"), Value::Null)].into_iter().collect(),
        ..Default::default()
    };
    let client = client(&server);
    let answer = client.modify_acquisition().acquisition_id("64b0").body(change).send().await.unwrap();
    assert_eq!(answer.modified, Some(1));
    let built = client.modify_acquisition().acquisition_id("64b0");
    let built = built.body_map(|body| {
        body.label("T1")
            .uid(Patch::Clear)
            .extra(json!({ "not_known_yet": null }).as_object().cloned().unwrap())
    });
    built.send().await.unwrap();
    mock.assert_calls_async(2).await;
}

#[tokio::test]
async fn an_unsafe_segment_is_refused_before_anything_is_sent() {
    let server = MockServer::start_async().await;
    let any = server.mock_async(|_, then| drop(then.status(200))).await;
    let client = client(&server);
    for name in ["..", ".", ""] {
        let error = client.delete_acquisition_file().cid("64b0").filename(name).send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("filename"), "{error}");
    }
    let error = client.get_project().send().await.unwrap_err();
    assert!(error.to_string().contains("project_id"), "{error}");
    any.assert_calls_async(0).await;
}

#[tokio::test]
async fn a_slash_in_a_name_stays_in_its_segment() {
    let server = MockServer::start_async().await;
    let mock = server.mock_async(|when, then| {
        when.is_true(|request| {
            request.uri_str().ends_with("/api/acquisitions/64b0/files/..%2F..%5Cx%20%C3%BC")
        });
        then.status(200).json_body(json!({ "deleted": 1 }));
    });
    let mock = mock.await;
    let client = client(&server);
    client.delete_acquisition_file().cid("64b0").filename("../..\\x ü").send().await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn a_payload_that_does_not_fit_stays_out_of_the_error() {
    let server = MockServer::start_async().await;
    let body = r#"["Jane Doe"]"#;
    server.mock_async(|when, then| drop((when.path("/api/version"), then.status(200).body(body)))).await;
    let error = client(&server).get_version().send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    let shown = format!("{error} {error:?} {error:#?}");
    assert!(shown.contains("get_version") && !shown.contains("Jane"), "{shown}");
}

#[tokio::test]
async fn an_empty_answer_to_a_typed_call_is_an_error_and_to_an_untyped_one_is_null() {
    let server = MockServer::start_async().await;
    server.mock_async(|when, then| drop((when.path("/api/version"), then.status(204)))).await;
    let client = client(&server);
    assert_eq!(client.get_version().send().await.unwrap_err().kind(), ErrorKind::Decode);
    let answer = client.request(OperationId::GetVersion, &[], &[], None).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.into_inner()), (204, Value::Null));
}

#[tokio::test]
async fn an_untyped_call_checks_names_against_the_table() {
    let server = MockServer::start_async().await;
    let mock = server.mock_async(|when, then| {
        when.method(Method::GET)
            .path("/api/projects/64b0")
            .query_param("join", "origin")
            .header_includes("x-accept-feature", "x");
        then.status(200).json_body(json!({ "anything": [1] }));
    });
    let mock = mock.await;
    let client = client(&server);
    let query = [("join", "origin"), ("x-accept-feature", "x")];
    let answer =
        client.request(OperationId::GetProject, &[("project_id", "64b0")], &query, None).await.unwrap();
    assert_eq!(*answer, json!({ "anything": [1] }));
    let error = client.request(OperationId::GetProject, &[("id", "64b0")], &[], None).await.unwrap_err();
    assert!(error.to_string().contains("project_id"), "{error}");
    mock.assert_async().await;
}

#[tokio::test]
async fn a_download_arrives_as_a_stream_with_its_headers() {
    let server = MockServer::start_async().await;
    let body = "x".repeat(100_000);
    server
        .mock_async(|when, then| {
            when.path("/api/acquisitions/64b0/files/a.dcm").query_param_missing("ticket");
            then.status(200).header("etag", "\"v1\"").body(&body);
        })
        .await;
    let client = client(&server);
    let call = client.download_file_from_acquisition().acquisition_id("64b0").file_name("a.dcm");
    let answer = call.send().await.unwrap();
    assert_eq!(answer.headers()["etag"], "\"v1\"");
    assert_eq!(answer.content_length(), Some(100_000));
    let mut stream = answer.into_inner();
    let mut length = 0;
    while let Some(piece) = stream.next().await {
        length += piece.unwrap().len();
    }
    assert_eq!(length, 100_000);
}

#[tokio::test]
async fn variants_of_a_route_send_what_tells_them_apart() {
    let server = MockServer::start_async().await;
    let path = "/api/acquisitions/64b0/files/a.zip";
    let ticket = server.mock_async(|when, then| {
        when.path(path).query_param("ticket", "");
        then.status(200).json_body(json!({ "ticket": "t-1" }));
    });
    let ticket = ticket.await;
    let info = server.mock_async(|when, then| {
        when.path(path).query_param("info", "true");
        then.status(200).json_body(json!({ "members": [{ "path": "1.dcm", "size": 12 }] }));
    });
    let info = info.await;
    let client = client(&server);
    let answer = client
        .get_acquisition_download_ticket()
        .acquisition_id("64b0")
        .file_name("a.zip")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.ticket.as_deref(), Some("t-1"));
    let answer = client
        .get_acquisition_file_zip_info()
        .acquisition_id("64b0")
        .file_name("a.zip")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.members.as_ref().unwrap().len(), 1);
    ticket.assert_async().await;
    info.assert_async().await;
}

#[tokio::test]
async fn an_upload_is_a_form_with_its_length() {
    let server = MockServer::start_async().await;
    let mock = server.mock_async(|when, then| {
        when.method(Method::POST)
            .path("/api/acquisitions/64b0/files")
            .header_exists("content-length")
            .body_includes("name=\"file\"; filename=\"a.txt\"")
            .body_includes("\r\n\r\nhello\r\n");
        then.status(200).json_body(json!([{ "name": "a.txt", "size": 5 }]));
    });
    let mock = mock.await;
    let form = Form::new().file("file", "a.txt", Content::bytes("hello"));
    let client = client(&server);
    let answer = client.upload_file_to_acquisition().container_id("64b0").body(form).send().await.unwrap();
    let types::FileOutputListOrUploadTicketOutput::List(files) = answer.into_inner() else {
        panic!("not a list")
    };
    assert_eq!(files[0].size, Some(5));
    mock.assert_async().await;
}

#[tokio::test]
async fn a_refusal_becomes_the_crates_error() {
    let server = MockServer::start_async().await;
    let body = json!({ "message": "User does not have access", "status_code": 403, "request_id": "r-1" });
    server.mock_async(|when, then| drop((when.any_request(), then.status(403).json_body(body)))).await;
    let error = client(&server).get_project().project_id("64b0").send().await.unwrap_err();
    assert!(error.is_permission_denied());
    assert_eq!((error.status(), error.operation()), (Some(403), "get_project"));
}
