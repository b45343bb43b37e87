//! Reading on when a request was answered before its body had all come.
//!
//! Most clients send a whole body before they look for an answer. A server that refuses an upload at once and closes the
//! connection takes the answer away with it, and the client reports a broken pipe where it should report a refusal.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, HttpBody},
    extract::Request,
};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::time::timeout;

/// How long the rest of a body may keep silent before it is given up.
const SILENCE: Duration = Duration::from_secs(10);

/// How long the rest of a body may take in all.
const PATIENCE: Duration = Duration::from_secs(600);

/// Sees to it that the request's body is read to its end whatever the handler does with it.
pub(crate) async fn to_the_end(request: Request) -> Request {
    request.map(|body| {
        if body.is_end_stream() { body } else { Body::from_stream(ToTheEnd(Some(body.into_data_stream()))) }
    })
}

/// A body that, dropped before its end, goes on being read in the background.
struct ToTheEnd(Option<BodyDataStream>);

impl Stream for ToTheEnd {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let next = body.poll_next_unpin(context);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            self.0 = None;
        }
        next
    }
}

impl Drop for ToTheEnd {
    fn drop(&mut self) {
        if let (Some(mut rest), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(timeout(PATIENCE, async move {
                while let Ok(Some(Ok(_))) = timeout(SILENCE, rest.next()).await {}
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_that_sends_all_before_it_listens_hears_the_refusal() {
        let site = crate::Site::builder().open().await.unwrap();
        let running = site.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        for (path, status) in
            [("/api/sessions/1/files", "401"), ("/api/nowhere", "404"), ("/api/users/self/key", "401")]
        {
            let mut socket = TcpStream::connect(running.address()).await.unwrap();
            let length = 64 * 1024 * 1024;
            let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
            socket.write_all(head.as_bytes()).await.unwrap();
            for _ in 0..64 {
                socket.write_all(&vec![0; 1024 * 1024]).await.unwrap();
            }
            let mut answer = [0; 12];
            socket.read_exact(&mut answer).await.unwrap();
            assert_eq!(String::from_utf8_lossy(&answer), format!("HTTP/1.1 {status}"));
        }
        running.shutdown().await;
    }
}
