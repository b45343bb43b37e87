//! Certificates: refused unless trusted, and then accepted.

use crate::{
    CREATE, READ, builder, get, post,
    script::{Connection, Script, Step, answer},
};
use flywheel_api::transport::Environment;
use std::{io::Write, sync::Arc};
use tokio_rustls::{TlsAcceptor, rustls};

/// A server certificate that nobody trusts, and its PEM text.
fn certificate() -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}

async fn serve(steps: Vec<Step>, acceptor: TlsAcceptor) -> Script {
    Script::wrapped(steps, move |stream| {
        let handshake = acceptor.accept(stream);
        Box::pin(async move { Some(Box::new(handshake.await.ok()?) as Connection) })
    })
    .await
}

fn base(server: &Script) -> String {
    format!("https://localhost:{}/api", server.address.port())
}

#[tokio::test]
async fn an_unknown_certificate_is_refused_with_the_way_to_trust_it() {
    let (acceptor, _) = certificate();
    let server = serve(vec![answer("200 OK", &[], "{}"); 3], acceptor).await;
    let transport = builder(&base(&server)).build().unwrap();
    let error = transport.execute(READ, get(&transport)).await.unwrap_err();
    assert!(error.is_connect() && !error.may_have_executed(), "{error:?}");
    assert!(error.hint().unwrap().contains("FW_SSL_CERT_FILE"), "{error}");
    assert_eq!((server.connections(), server.arrived().len()), (1, 0));
}

#[tokio::test]
async fn a_certificate_is_accepted_once_its_bundle_is_given() {
    let (acceptor, pem) = certificate();
    let server = serve(vec![answer("200 OK", &[], "{}"); 2], acceptor).await;
    let transport = builder(&base(&server)).trust_pem(pem.clone()).build().unwrap();
    transport.execute(READ, get(&transport)).await.unwrap();

    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pem.as_bytes()).unwrap();
    let environment = Environment::of([("FW_SSL_CERT_FILE", file.path().to_str().unwrap())]);
    let transport = builder(&base(&server)).environment(environment).build().unwrap();
    transport.execute(READ, get(&transport)).await.unwrap();
    assert_eq!(server.arrived().len(), 2);
}

#[tokio::test]
async fn the_bundle_of_another_site_does_not_help() {
    let (acceptor, _) = certificate();
    let (_, other) = certificate();
    let server = serve(vec![answer("200 OK", &[], "{}"); 3], acceptor).await;
    let transport = builder(&base(&server)).trust_pem(other).build().unwrap();
    assert!(transport.execute(READ, get(&transport)).await.unwrap_err().is_connect());
    assert_eq!(server.arrived().len(), 0);
}

#[tokio::test]
async fn a_reset_before_the_request_was_sent_is_retried_even_for_a_post() {
    let (acceptor, pem) = certificate();
    let server = serve(vec![Step::Refuse, answer("200 OK", &[], "{}")], acceptor).await;
    let transport = builder(&base(&server)).trust_pem(pem).build().unwrap();
    transport.execute(CREATE, post(&transport)).await.unwrap();
    assert_eq!((server.connections(), server.arrived().len()), (2, 1));
}
