//! Plain HTTP requests to a local site, written out as a test wants them.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// Why no whole answer came back.
pub type Broken = Box<dyn std::error::Error + Send + Sync>;

/// Where a site listens, and the keys of its users.
#[derive(Debug, Clone)]
pub struct Client {
    address: SocketAddr,
    keys: Arc<[(String, String)]>,
}

/// A request that has not been sent yet.
#[must_use = "a request does nothing until it is sent"]
pub struct Call {
    client: Client,
    method: Method,
    target: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// What came back: the whole body, whatever the status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body, unframed.
    pub body: Bytes,
}

impl Client {
    /// A client of the site at an address, which knows the secret part of some users' keys by name.
    #[must_use]
    pub fn new(address: SocketAddr, keys: Vec<(String, String)>) -> Self {
        Self { address, keys: keys.into() }
    }

    /// Where the site listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Names and secrets of the users.
    #[must_use]
    pub fn keys(&self) -> &[(String, String)] {
        &self.keys
    }

    /// The secret part of a user's key.
    ///
    /// # Panics
    ///
    /// When there is no such user.
    #[must_use]
    pub fn secret(&self, name: &str) -> &str {
        let key = self.keys.iter().find(|(known, _)| known == name);
        key.map(|(_, secret)| secret.as_str()).unwrap_or_else(|| panic!("no user {name}"))
    }

    /// Begins a request without Authorization. `path` begins after `/api` and goes out as it is given.
    pub fn call(&self, method: Method, path: &str) -> Call {
        Call {
            client: self.clone(),
            method,
            target: format!("/api{path}"),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }
}

impl Call {
    /// Sends the key of one of the site's users.
    pub fn as_user(self, name: &str) -> Self {
        let value = format!("Bearer {}", self.client.secret(name));
        self.header("authorization", &value)
    }

    /// Adds a header field.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a `multipart/form-data` body of one file, and of its metadata when given.
    pub fn upload(self, name: &str, content: &[u8], metadata: Option<&Value>) -> Self {
        const BOUNDARY: &str = "part-of-a-conformance-upload";
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(content);
        if let Some(metadata) = metadata {
            body.extend_from_slice(
                format!(
                    "\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}"
                )
                .as_bytes(),
            );
        }
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        self.header("content-type", &format!("multipart/form-data; boundary={BOUNDARY}")).body(body)
    }

    /// Sends the request and reads the whole answer.
    ///
    /// # Panics
    ///
    /// When the site cannot be reached or breaks the connection off.
    pub fn send(self) -> Answer {
        self.try_send().unwrap_or_else(|error| panic!("the site breaks off: {error}"))
    }

    /// Sends the request and reads the whole answer.
    ///
    /// # Errors
    ///
    /// When the site cannot be reached or breaks the connection off.
    ///
    /// # Panics
    ///
    /// When the request is not well-formed.
    pub fn try_send(self) -> Result<Answer, Broken> {
        let address = self.client.address;
        let request = self.request();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        runtime.block_on(exchange(address, request))
    }

    fn request(self) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(&self.target)
            .header(header::HOST, self.client.address.to_string());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Full::new(self.body)).expect("tests write requests that are well-formed")
    }
}

/// A connection that is kept from one request to the next.
pub struct Line {
    runtime: tokio::runtime::Runtime,
    sender: Option<hyper::client::conn::http1::SendRequest<Full<Bytes>>>,
}

impl Line {
    /// A connection that is made when the first request needs it.
    ///
    /// # Errors
    ///
    /// When the system refuses what a connection needs.
    pub fn new() -> Result<Self, Broken> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        Ok(Self { runtime, sender: None })
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    ///
    /// When the site cannot be reached or breaks the connection off.
    pub fn send(&mut self, call: Call) -> Result<Answer, Broken> {
        let address = call.client.address;
        let request = call.request();
        let sender = self.sender.take();
        let (sender, answer) = self.runtime.block_on(async {
            let mut sender = match sender {
                Some(sender) if !sender.is_closed() => sender,
                _ => {
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    let (sender, connection) =
                        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                    tokio::spawn(connection);
                    sender
                }
            };
            sender.ready().await?;
            let (parts, body) = sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, body };
            Ok::<_, Broken>((sender, answer))
        })?;
        self.sender = Some(sender);
        Ok(answer)
    }
}

async fn exchange(address: SocketAddr, request: Request<Full<Bytes>>) -> Result<Answer, Broken> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    driver.abort();
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// When the body is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in the answer {self:?}"))
    }

    /// A header field, when it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// This answer, after making sure of its status.
    ///
    /// # Panics
    ///
    /// When the status is another one.
    #[must_use]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// The message of an error, after making sure of its status and the common shape of errors.
    ///
    /// # Panics
    ///
    /// When the status is another one, or the body is not an error document.
    #[must_use]
    #[track_caller]
    pub fn refused(self, status: u16) -> Value {
        let body = self.expect(status).json();
        assert_eq!(body["status_code"], status, "{body}");
        assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        assert!(body["request_id"].is_string(), "{body}");
        body
    }
}
