//! What a trace shows of a call, and what it does not.

use crate::{
    READ,
    script::{Script, answer},
    transport,
};
use std::{
    io::Write,
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::format::FmtSpan;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_span_tells_operation_status_attempts_and_bytes_but_no_values() {
    let server =
        Script::start(vec![answer("502 Bad Gateway", &[], "Roe"), answer("200 OK", &[], "{\"a\": \"Roe\"}")]);
    let server = server.await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .with_span_events(FmtSpan::CLOSE)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let transport = transport(&server.base());
    let request = transport.request(http::Method::GET, "/subjects/Doe?filter=lastname=Doe").unwrap();
    transport.execute(READ, request).await.unwrap();
    drop(guard);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let expected = [
        "operation=\"get_project\"",
        "method=\"GET\"",
        "path=\"/projects/{ProjectId}\"",
        "status=200",
        "attempts=2",
        "bytes=12",
        "trying again",
    ];
    for part in expected {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert!(!text.contains("Doe") && !text.contains("Roe"), "{text}");
    assert_eq!(server.arrived().len(), 2);
}
