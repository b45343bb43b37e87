//! The engine protocol, spoken in process: every call goes through the site's own router as one from elsewhere would, with
//! the key of a device.

use std::{io, path::Path};

use axum::{Router, body::Body, response::Response};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{Method, Request, header};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;
use tower::ServiceExt;
use uuid::Uuid;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The site refused.
    #[error("{status}: {message}")]
    Refused {
        /// Its status.
        status: u16,
        /// Its message.
        message: String,
    },
    /// A file or a body could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The calls of an engine.
#[derive(Debug, Clone)]
pub(super) struct Protocol {
    router: Router,
    authorization: String,
    host: String,
}

impl Protocol {
    /// Calls to `router` with the key of a device. `host` is what jobs are told as the address of the site.
    pub(super) fn new(router: Router, secret: &str, host: String) -> Self {
        Self { router, authorization: format!("scitran-user {secret}"), host }
    }

    /// As before, for a site that is reached at another address.
    pub(super) fn at(&self, host: String) -> Self {
        Self { host, ..self.clone() }
    }

    async fn call(&self, method: Method, path: &str, body: Body, media: &str) -> Result<Response, Refusal> {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api{path}"))
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, media)
            .body(body)
            .map_err(io::Error::other)?;
        let Ok(response) = self.router.clone().oneshot(request).await;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = read(response).await?;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let message = body.get("message").and_then(Value::as_str).unwrap_or("no message").to_owned();
        Err(Refusal::Refused { status, message })
    }

    async fn json(&self, method: Method, path: &str, body: Value) -> Result<Value, Refusal> {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let bytes = read(self.call(method, path, body, "application/json").await?).await?;
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// The next job, if any waits.
    pub(super) async fn ask(&self, capabilities: &[&str]) -> Result<Option<Value>, Refusal> {
        let body =
            json!({"whitelist": {}, "blacklist": {}, "capabilities": capabilities, "return": {"jobs": 1}});
        let mut answer = self.json(Method::POST, "/jobs/ask", body).await?;
        Ok(answer.get_mut("jobs").and_then(Value::as_array_mut).and_then(Vec::pop))
    }

    /// A job as it stands.
    pub(super) async fn job(&self, id: &str) -> Result<Value, Refusal> {
        self.json(Method::GET, &format!("/jobs/{id}"), Value::Null).await
    }

    /// A gear.
    pub(super) async fn gear(&self, id: &str) -> Result<Value, Refusal> {
        self.json(Method::GET, &format!("/gears/{id}"), Value::Null).await
    }

    /// The document that the gear reads.
    pub(super) async fn config(&self, id: &str) -> Result<Value, Refusal> {
        self.json(Method::GET, &format!("/jobs/{id}/config.json"), Value::Null).await
    }

    /// Fetches what a request names by its path below `/api` into a file.
    pub(super) async fn fetch(&self, uri: &str, to: &Path) -> Result<u64, Refusal> {
        let response = self.call(Method::GET, uri, Body::empty(), "application/json").await?;
        let mut file = tokio::fs::File::create(to).await?;
        let mut stream = response.into_body().into_data_stream();
        let mut size = 0;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(io::Error::other)?;
            size += chunk.len() as u64;
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        Ok(size)
    }

    /// Adds lines to the log.
    pub(super) async fn log(&self, id: &str, entries: Vec<Value>) -> Result<(), Refusal> {
        self.json(Method::POST, &format!("/jobs/{id}/logs"), entries.into()).await.map(drop)
    }

    /// Says that the job is being worked on.
    pub(super) async fn heartbeat(&self, id: &str) -> Result<(), Refusal> {
        self.json(Method::PUT, &format!("/jobs/{id}/heartbeat"), Value::Null).await.map(drop)
    }

    /// Says how long what took, and who does it.
    pub(super) async fn profile(&self, id: &str, profile: Value) -> Result<(), Refusal> {
        self.json(Method::PUT, &format!("/jobs/{id}/profile"), profile).await.map(drop)
    }

    /// Announces the end; answers the ticket for what follows.
    pub(super) async fn prepare(&self, id: &str, success: bool) -> Result<String, Refusal> {
        let path = format!("/jobs/{id}/prepare-complete");
        let answer = self.json(Method::POST, &path, json!({"success": success})).await?;
        Ok(answer.get("ticket").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// Hands in the outputs and what the gear says about containers and files.
    pub(super) async fn upload(
        &self,
        uri: &str,
        outputs: Vec<(String, std::path::PathBuf)>,
        metadata: Option<Value>,
    ) -> Result<(), Refusal> {
        let boundary = Uuid::new_v4().simple().to_string();
        let media = format!("multipart/form-data; boundary={boundary}");
        let body = Body::from_stream(multipart(boundary, outputs, metadata));
        let response = self.call(Method::POST, uri, body, &media).await?;
        read(response).await?;
        Ok(())
    }

    /// Ends the job.
    pub(super) async fn complete(&self, id: &str, ticket: &str, body: Value) -> Result<(), Refusal> {
        let path = format!("/jobs/{id}/complete?job_ticket_id={ticket}");
        self.json(Method::POST, &path, body).await.map(drop)
    }
}

async fn read(response: Response) -> Result<Bytes, Refusal> {
    Ok(axum::body::to_bytes(response.into_body(), usize::MAX).await.map_err(io::Error::other)?)
}

/// A form of files that are read as they are sent, and of a part `metadata`.
fn multipart(
    boundary: String,
    outputs: Vec<(String, std::path::PathBuf)>,
    metadata: Option<Value>,
) -> impl Stream<Item = io::Result<Bytes>> {
    async_stream::try_stream! {
        if let Some(metadata) = metadata {
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\
                Content-Type: application/json\r\n\r\n{metadata}\r\n");
            yield Bytes::from(head);
        }
        for (at, (name, path)) in outputs.into_iter().enumerate() {
            let quoted = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file{at}\"; filename=\"{quoted}\"\r\n\
                Content-Type: application/octet-stream\r\n\r\n");
            yield Bytes::from(head);
            let mut content = ReaderStream::with_capacity(tokio::fs::File::open(path).await?, 256 << 10);
            while let Some(chunk) = content.next().await {
                yield chunk?;
            }
            yield Bytes::from_static(b"\r\n");
        }
        yield Bytes::from(format!("--{boundary}--\r\n"));
    }
}
