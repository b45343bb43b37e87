//! A TCP server that plays a script: what it does on each connection is stated, what arrived is counted.

use futures::future::BoxFuture;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A connection to a client, with or without TLS.
pub(crate) type Connection = Box<dyn Duplex>;

pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// What is done with a connection before a request is read from it, such as a handshake.
type Wrap = Arc<dyn Fn(TcpStream) -> BoxFuture<'static, Option<Connection>> + Send + Sync>;

/// What happens on one connection.
#[derive(Clone)]
pub(crate) enum Step {
    /// Resets the connection at once, before TLS and before a request is read.
    Refuse,
    /// Reads the request, then resets the connection without an answer. (Without TLS only.)
    Hang,
    /// Reads the request, writes these bytes, then closes the connection properly.
    Answer(Vec<u8>),
    /// Reads the request, writes these bytes, then nothing more; the connection stays open.
    Stall(Vec<u8>),
    /// Reads only the head of the request, then nothing more.
    IgnoreBody,
}

/// An answer with its length stated, and the connection closed after it.
pub(crate) fn answer(status: &str, headers: &[&str], body: &str) -> Step {
    Step::Answer(text(status, headers, body.len(), body))
}

/// An answer that promises `promised` bytes and holds those of `body`.
pub(crate) fn text(status: &str, headers: &[&str], promised: usize, body: &str) -> Vec<u8> {
    let extra: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    format!("HTTP/1.1 {status}\r\nContent-Length: {promised}\r\nConnection: close\r\n{extra}\r\n{body}")
        .into_bytes()
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Arrived {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }
}

/// The running server. After the last step it refuses further connections.
pub(crate) struct Script {
    pub(crate) address: SocketAddr,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    connections: Arc<Mutex<usize>>,
    task: tokio::task::AbortHandle,
}

impl Script {
    pub(crate) async fn start(steps: Vec<Step>) -> Self {
        Self::wrapped(steps, plain).await
    }

    /// The same with something done to each connection first.
    pub(crate) async fn wrapped<F>(steps: Vec<Step>, wrap: F) -> Self
    where
        F: Fn(TcpStream) -> BoxFuture<'static, Option<Connection>> + Send + Sync + 'static,
    {
        Self::play(TcpListener::bind("127.0.0.1:0").await.unwrap(), steps, Arc::new(wrap))
    }

    /// The same on an address that is known already, for steps that name it.
    pub(crate) async fn on(listener: TcpListener, steps: Vec<Step>) -> Self {
        Self::play(listener, steps, Arc::new(plain))
    }

    fn play(listener: TcpListener, steps: Vec<Step>, wrap: Wrap) -> Self {
        let address = listener.local_addr().unwrap();
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let (log, count) = (arrived.clone(), connections.clone());
        let task = tokio::spawn(async move {
            for step in steps {
                let (stream, _) = listener.accept().await.unwrap();
                *count.lock().unwrap() += 1;
                tokio::spawn(serve(stream, step, wrap.clone(), log.clone()));
            }
        });
        Self { address, arrived, connections, task: task.abort_handle() }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// The requests that arrived whole.
    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn plain(stream: TcpStream) -> BoxFuture<'static, Option<Connection>> {
    Box::pin(async move { Some(Box::new(stream) as Connection) })
}

async fn serve(mut stream: TcpStream, step: Step, wrap: Wrap, log: Arc<Mutex<Vec<Arrived>>>) {
    match step {
        Step::Refuse => stream.set_zero_linger().unwrap(),
        Step::Hang => {
            if let Some(request) = read_request(&mut stream).await {
                log.lock().unwrap().push(request);
            }
            stream.set_zero_linger().unwrap();
        }
        step => {
            if let Some(stream) = wrap(stream).await {
                play(stream, step, log).await;
            }
        }
    }
}

async fn play(mut stream: Connection, step: Step, log: Arc<Mutex<Vec<Arrived>>>) {
    if matches!(step, Step::IgnoreBody) {
        read_head(&mut stream).await;
        std::future::pending::<()>().await;
    }
    let Some(request) = read_request(&mut stream).await else { return };
    log.lock().unwrap().push(request);
    match step {
        Step::Answer(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Step::Stall(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.flush().await;
            std::future::pending::<()>().await;
        }
        Step::Refuse | Step::Hang | Step::IgnoreBody => {}
    }
}

async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Some((String::from_utf8(bytes).unwrap(), rest));
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
        }
    }
}

async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Arrived> {
    let (head, mut body) = read_head(stream).await?;
    let mut request = Arrived { head, body: Vec::new() };
    let chunked = request.header("transfer-encoding").is_some();
    let length: usize = request.header("content-length").map_or(0, |value| value.parse().unwrap());
    let whole = |body: &[u8]| if chunked { body.ends_with(b"0\r\n\r\n") } else { body.len() >= length };
    while !whole(&body) {
        let mut chunk = vec![0; 64 * 1024];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => body.extend_from_slice(&chunk[..n]),
        }
    }
    request.body = body;
    Some(request)
}
