//! What every request carries, and what never shows in an error.

use crate::{
    READ, builder, get, post,
    script::{Script, answer},
    transport,
};
use flywheel_api::{
    ErrorKind,
    transport::{Call, CallOptions, Environment, Transport},
};
use secrecy::SecretString;

#[tokio::test]
async fn a_request_carries_key_features_agent_and_what_it_accepts() {
    let server = Script::start(vec![answer("200 OK", &[], "{}")]).await;
    let secret = "x".repeat(57);
    let key = format!("{}:__force_insecure:{secret}", server.address).parse().unwrap();
    let transport = builder("")
        .api_key(&key)
        .user_agent("my-pipeline/2.1")
        .options(CallOptions::new().exhaustive(true).feature("slim-containers"))
        .build()
        .unwrap();
    let mut request = get(&transport);
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    transport.execute(READ, request).await.unwrap();
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].line(), "GET /api/projects/1?exhaustive=true HTTP/1.1");
    assert_eq!(arrived[0].header("authorization"), Some(format!("Bearer {secret}").as_str()));
    assert_eq!(
        arrived[0].header("x-accept-feature"),
        Some("Safe-Redirect, multipart_signed_url, slim-containers")
    );
    assert_eq!(arrived[0].header("accept"), Some("application/json"));
    assert_eq!(arrived[0].header("content-type"), None);
    let agent = arrived[0].header("user-agent").unwrap();
    assert!(agent.starts_with("my-pipeline/2.1 flywheel-rs/"), "{agent}");
}

#[tokio::test]
async fn an_anonymous_call_carries_no_key() {
    let server = Script::start(vec![answer("200 OK", &[], "{}"); 2]).await;
    let key = format!("{}:__force_insecure:hush", server.address).parse().unwrap();
    let transport = builder("").api_key(&key).build().unwrap();
    transport.execute(Call::new("get_config", "/config").anonymous(true), get(&transport)).await.unwrap();
    let anonymous = transport.with_options(CallOptions::new().anonymous());
    anonymous.execute(READ, get(&anonymous)).await.unwrap();
    assert_eq!(
        server.arrived().iter().filter(|request| request.header("authorization").is_some()).count(),
        0
    );
    assert_eq!(server.arrived().len(), 2);
}

#[tokio::test]
async fn a_device_introduces_itself_by_the_drone_secret() {
    let server = Script::start(vec![answer("200 OK", &[], "{}")]).await;
    let transport =
        builder(&server.base()).device(SecretString::from("s3"), "reaper", "scanner-1").build().unwrap();
    transport.execute(READ, get(&transport)).await.unwrap();
    let arrived = server.arrived();
    let sent = ["x-scitran-auth", "x-scitran-method", "x-scitran-name"].map(|name| arrived[0].header(name));
    assert_eq!(sent, [Some("s3"), Some("reaper"), Some("scanner-1")]);
}

#[tokio::test]
async fn a_key_that_the_server_echoes_is_not_shown() {
    let body = r#"{"message": "unknown key hush-hush"}"#;
    let server = Script::start(vec![answer("401 Unauthorized", &["X-Request-Id: r-7"], body)]).await;
    let key = format!("{}:__force_insecure:hush-hush", server.address).parse().unwrap();
    let transport = builder("").api_key(&key).build().unwrap();
    let error = transport.execute(READ, post(&transport)).await.unwrap_err();
    assert!(error.is_unauthenticated());
    assert_eq!((error.message(), error.request_id()), ("unknown key ***", Some("r-7")));
    assert!(error.hint().unwrap().contains("API key"));
    assert!(!format!("{error} {error:?} {transport:?}").contains("hush"));
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn the_query_of_a_failed_request_is_not_shown() {
    let transport = transport("http://127.0.0.1:1/api");
    let request = transport.request(http::Method::GET, "/subjects?filter=lastname=Doe").unwrap();
    let error = transport.execute(READ, request).await.unwrap_err();
    let mut shown = format!("{error} {error:?}");
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        shown.push_str(&format!("{inner} {inner:?}"));
        source = inner.source();
    }
    assert!(shown.contains("127.0.0.1:1") && !shown.contains("Doe"), "{shown}");
}

#[test]
fn a_builder_without_key_says_where_to_put_one() {
    let error = Transport::builder().environment(Environment::empty()).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("FLYWHEEL_API_KEY"), "{error}");
}

#[test]
fn a_malformed_address_or_variable_is_refused() {
    let kind = |base: &str| builder(base).build().unwrap_err().kind();
    assert_eq!(kind("site.example.com"), ErrorKind::Config);
    assert_eq!(kind("ftp://site.example.com"), ErrorKind::Config);
    let environment = Environment::of([("FW_SSL_CERT_FILE", "/nowhere/ca.pem")]);
    let error = builder("https://site.invalid/api").environment(environment).build().unwrap_err();
    assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
}
