//! Connections that are refused, reset, stalled, proxied or redirected.

use crate::{
    CREATE, DOWNLOAD, READ, builder, get, post,
    script::{Script, Step, answer},
    timeouts, transport,
};
use flywheel_api::{
    ErrorKind,
    transport::{Transport, read_body},
};
use std::time::Duration;
use tokio::net::TcpListener;

#[tokio::test]
async fn a_refused_connection_names_the_address_and_certainly_did_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let transport = transport(&format!("http://{address}/api"));
    let error = transport.execute(CREATE, post(&transport)).await.unwrap_err();
    assert!(error.is_connect() && !error.may_have_executed());
    assert_eq!(error.attempts(), 3);
    assert!(error.message().contains(&address.to_string()), "{error}");
    assert!(error.hint().unwrap().contains("Nothing listens there"), "{error}");
}

#[tokio::test]
async fn a_reset_after_the_request_was_sent_is_retried_for_a_get_only() {
    let server = Script::start(vec![Step::Hang, answer("200 OK", &[], "{}"), Step::Hang]).await;
    let transport = transport(&server.base());
    transport.execute(READ, get(&transport)).await.unwrap();
    assert_eq!(server.arrived().len(), 2);

    let error = transport.execute(CREATE, post(&transport)).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Network, 1));
    assert!(error.may_have_executed() && error.is_transient());
    assert_eq!(server.arrived().len(), 3);
}

#[tokio::test]
async fn a_server_that_never_answers_ends_in_a_timeout() {
    let server = Script::start(vec![Step::Stall(Vec::new()), Step::Stall(Vec::new())]).await;
    let mut limits = timeouts();
    limits.connect = Duration::from_millis(100);
    limits.first_byte = Duration::from_millis(100);
    let transport = builder(&server.base()).timeouts(limits).build().unwrap();
    let error = transport.execute(CREATE, post(&transport)).await.unwrap_err();
    assert!(error.is_timeout() && error.may_have_executed());
    assert_eq!((error.attempts(), server.arrived().len()), (1, 1));
}

#[tokio::test]
async fn requests_go_through_the_proxy() {
    let proxy = Script::start(vec![answer("200 OK", &[], "{}")]).await;
    let transport =
        builder("http://site.invalid/api").proxy(format!("http://{}", proxy.address)).build().unwrap();
    transport.execute(READ, get(&transport)).await.unwrap();
    let arrived = proxy.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].line(), "GET http://site.invalid/api/projects/1 HTTP/1.1");
}

#[tokio::test]
async fn a_proxy_that_refuses_a_tunnel_is_a_connection_failure() {
    let refusal = || answer("407 Proxy Authentication Required", &[], "");
    let proxy = Script::start(vec![refusal(), refusal(), refusal()]).await;
    let transport =
        builder("https://site.invalid/api").proxy(format!("http://{}", proxy.address)).build().unwrap();
    let error = transport.execute(CREATE, post(&transport)).await.unwrap_err();
    assert!(error.is_connect() && !error.may_have_executed(), "{error}");
    let arrived = proxy.arrived();
    assert_eq!(arrived.len(), 3);
    assert_eq!(arrived[0].line(), "CONNECT site.invalid:443 HTTP/1.1");
}

#[tokio::test]
async fn the_proxy_of_the_environment_is_used() {
    let proxy = Script::start(vec![answer("200 OK", &[], "{}")]).await;
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["network::child_of_a_proxied_environment", "--exact", "--ignored"])
        .env("HTTP_PROXY", format!("http://{}", proxy.address))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output();
    let output = child.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(proxy.arrived().len(), 1);
}

#[tokio::test]
#[ignore = "run by the_proxy_of_the_environment_is_used in an environment of its own"]
async fn child_of_a_proxied_environment() {
    let transport = Transport::builder().base_url("http://site.invalid/api").build().unwrap();
    transport.execute(READ, get(&transport)).await.unwrap();
}

#[tokio::test]
async fn a_redirect_to_another_host_carries_the_range_but_no_key() {
    let storage = Script::start(vec![answer("206 Partial Content", &[], "cde")]).await;
    let location = format!("Location: http://{}/signed?s=1", storage.address);
    let site = Script::start(vec![answer("302 Found", &[&location], "")]).await;
    let key = format!("{}:__force_insecure:hush", site.address).parse().unwrap();
    let transport = builder("").api_key(&key).build().unwrap();
    let mut request = get(&transport);
    request.headers_mut().insert("range", "bytes=2-4".parse().unwrap());
    let response = transport.execute(DOWNLOAD, request).await.unwrap();
    assert_eq!(read_body(response, DOWNLOAD).await.unwrap(), "cde");

    assert_eq!(site.arrived()[0].header("authorization"), Some("scitran-user hush"));
    let arrived = storage.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].line(), "GET /signed?s=1 HTTP/1.1");
    assert_eq!(arrived[0].header("range"), Some("bytes=2-4"));
    assert_eq!(arrived[0].header("authorization"), None);
    assert_eq!(arrived[0].header("x-accept-feature"), None);
    assert_eq!(arrived[0].header("referer"), None);
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let site = Script::start(vec![answer("302 Found", &["Location: /api/again"], ""); 20]).await;
    let transport = transport(&site.base());
    let error = transport.execute(READ, get(&transport)).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Server, 1));
    assert_eq!(site.arrived().len(), 11);
}

#[tokio::test]
async fn the_key_is_not_sent_to_a_foreign_address() {
    let foreign = Script::start(vec![answer("200 OK", &[], "")]).await;
    let key = "127.0.0.1:9:__force_insecure:hush".parse().unwrap();
    let transport = builder("").api_key(&key).build().unwrap();
    let url = format!("http://{}/put", foreign.address).parse().unwrap();
    transport.execute(READ, reqwest::Request::new(http::Method::PUT, url)).await.unwrap();
    assert_eq!(foreign.arrived()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_head_that_is_cut_off_counts_as_sent() {
    let server = Script::start(vec![Step::Answer(b"HTTP/1.1 200 OK\r\nContent-".to_vec())]).await;
    let transport = transport(&server.base());
    let error = transport.execute(CREATE, post(&transport)).await.unwrap_err();
    assert_eq!((error.kind(), server.arrived().len()), (ErrorKind::Network, 1));
    assert!(error.may_have_executed());
}

#[tokio::test]
async fn a_redirect_that_keeps_the_method_carries_the_body() {
    let site = Script::start(vec![
        answer("307 Temporary Redirect", &["Location: /api/moved"], ""),
        answer("200 OK", &[], "{}"),
    ]);
    let site = site.await;
    let transport = transport(&site.base());
    transport.execute(CREATE, post(&transport)).await.unwrap();
    let arrived = site.arrived();
    assert_eq!(arrived[1].line(), "POST /api/moved HTTP/1.1");
    assert_eq!(arrived[0].body, arrived[1].body);
    assert_eq!(arrived.len(), 2);
}
