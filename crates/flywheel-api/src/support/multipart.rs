//! Forms of several parts, streamed, with parts that can be opened again for another attempt.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{Stream, StreamExt, TryStreamExt};
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use tokio_util::io::ReaderStream;

/// The bytes of a part, as they are read.
pub type PartStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// The content of a part.
///
/// Bytes, files and reopenable streams can be sent again, so a call with them is retried as far as its operation
/// allows. A stream that can be read once is sent once.
#[derive(Clone)]
pub struct Content {
    length: Option<u64>,
    open: Open,
}

#[derive(Clone)]
enum Open {
    Bytes(Bytes),
    Again(Arc<dyn Fn() -> BoxFuture<'static, io::Result<PartStream>> + Send + Sync>),
    Once(Arc<Mutex<Option<PartStream>>>),
}

impl Content {
    /// Bytes in memory.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { length: Some(bytes.len() as u64), open: Open::Bytes(bytes) }
    }

    /// A file, opened anew for each attempt.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub async fn file(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref().to_path_buf();
        let length = tokio::fs::metadata(&path).await?.len();
        Ok(Self::reopenable(Some(length), move || open_file(path.clone())))
    }

    /// A stream that `open` gives anew for each attempt; `length` in bytes, when it is known.
    pub fn reopenable<F, Fut>(length: Option<u64>, open: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<PartStream>> + Send + 'static,
    {
        Self { length, open: Open::Again(Arc::new(move || Box::pin(open()))) }
    }

    /// A stream that can be read once; `length` in bytes, when it is known. A call with it is never repeated.
    pub fn once(length: Option<u64>, stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self { length, open: Open::Once(Arc::new(Mutex::new(Some(Box::pin(stream))))) }
    }

    async fn stream(&self) -> io::Result<PartStream> {
        match &self.open {
            Open::Bytes(bytes) => Ok(one(bytes.clone())),
            Open::Again(open) => open().await,
            Open::Once(stream) => {
                let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
                stream.ok_or_else(|| io::Error::other("the stream was read already and cannot be sent again"))
            }
        }
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::bytes(bytes)
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::bytes(bytes)
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::bytes(text)
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::bytes(text.to_owned())
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("length", &self.length).finish_non_exhaustive()
    }
}

async fn open_file(path: PathBuf) -> io::Result<PartStream> {
    const PIECE: usize = 256 * 1024;
    let file = tokio::fs::File::open(path).await?;
    Ok(Box::pin(ReaderStream::with_capacity(file, PIECE)))
}

fn one(bytes: Bytes) -> PartStream {
    Box::pin(futures::stream::once(std::future::ready(Ok(bytes))))
}

/// A form of several parts (`multipart/form-data`), sent in the order in which they are added.
///
/// ```
/// use flywheel_api::support::multipart::{Content, Form};
///
/// let form = Form::new()
///     .text("metadata", r#"[{"name": "scan.nii.gz", "type": "nifti"}]"#)
///     .file("file", "scan.nii.gz", Content::bytes("..."));
/// assert!(form.length().is_some());
/// ```
#[derive(Clone, Debug)]
pub struct Form {
    boundary: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    head: String,
    content: Content,
}

impl Default for Form {
    fn default() -> Self {
        Self::new()
    }
}

impl Form {
    /// A form without parts.
    pub fn new() -> Self {
        let boundary = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
        Self { boundary, parts: Vec::new() }
    }

    /// Adds a text field.
    #[must_use]
    pub fn text(self, name: &str, text: impl Into<String>) -> Self {
        let head = format!("Content-Disposition: form-data; name=\"{}\"\r\n", quoted(name));
        self.part(head, Content::bytes(text.into()))
    }

    /// Adds a file under a name; its type is told by the name.
    #[must_use]
    pub fn file(self, name: &str, file_name: &str, content: Content) -> Self {
        let kind = mime_guess::from_path(file_name).first_or_octet_stream();
        let head = format!(
            "Content-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {kind}\r\n",
            quoted(name),
            quoted(file_name),
        );
        self.part(head, content)
    }

    fn part(mut self, head: String, content: Content) -> Self {
        self.parts.push(Part { head, content });
        self
    }

    fn opening(&self, part: &Part) -> Bytes {
        Bytes::from(format!("--{}\r\n{}\r\n", self.boundary, part.head))
    }

    fn closing(&self) -> Bytes {
        Bytes::from(format!("--{}--\r\n", self.boundary))
    }

    /// The size of the whole body in bytes, when the size of every part is known.
    pub fn length(&self) -> Option<u64> {
        const LINE_END: u64 = 2;
        let parts = self.parts.iter().map(|part| {
            part.content.length.map(|length| self.opening(part).len() as u64 + length + LINE_END)
        });
        Some(parts.sum::<Option<u64>>()? + self.closing().len() as u64)
    }

    /// Makes the form the body of a request, opening its parts.
    pub(crate) async fn write_to(&self, request: &mut reqwest::Request) -> io::Result<()> {
        let mut pieces = Vec::with_capacity(self.parts.len() * 3 + 1);
        for part in &self.parts {
            pieces.push(one(self.opening(part)));
            pieces.push(part.content.stream().await?);
            pieces.push(one(Bytes::from_static(b"\r\n")));
        }
        pieces.push(one(self.closing()));
        let body = futures::stream::iter(pieces).flatten().into_stream();
        let kind = format!("multipart/form-data; boundary={}", self.boundary);
        let kind = HeaderValue::try_from(kind).map_err(io::Error::other)?;
        request.headers_mut().insert(CONTENT_TYPE, kind);
        if let Some(length) = self.length() {
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        *request.body_mut() = Some(reqwest::Body::wrap_stream(body));
        Ok(())
    }
}

/// A name in the quotes of a header: as browsers write it, in UTF-8 with the three characters that would end
/// the quotes or the line escaped.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn request() -> reqwest::Request {
        reqwest::Request::new(http::Method::POST, "http://127.0.0.1:9/".parse().unwrap())
    }

    async fn sent(form: &Form) -> (reqwest::Request, String) {
        let mut request = request();
        form.write_to(&mut request).await.unwrap();
        let body = request.body_mut().take().unwrap();
        let bytes = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
        (request, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_form_is_written_as_its_parts_with_its_length() {
        let form =
            Form::new().text("metadata", "{}").file("file", "a \"ü\"\r\n.json", Content::bytes("DICM"));
        let (request, body) = sent(&form).await;
        let boundary = &form.boundary;
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{{}}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a %22ü%22%0D%0A.json\"\r\n\
             Content-Type: application/json\r\n\r\nDICM\r\n--{boundary}--\r\n"
        );
        assert_eq!(body, expected);
        assert_eq!(request.headers()[CONTENT_LENGTH], expected.len().to_string());
        assert!(request.headers()[CONTENT_TYPE].to_str().unwrap().contains(boundary.as_str()));
    }

    #[tokio::test]
    async fn a_file_can_be_sent_again_and_a_stream_cannot() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scan.nii");
        std::fs::write(&path, vec![b'x'; 600_000]).unwrap();
        let form = Form::new().file("file", "scan.nii", Content::file(&path).await.unwrap());
        let (first, second) = (sent(&form).await.1, sent(&form).await.1);
        assert_eq!(first, second);
        assert_eq!(form.length(), Some(first.len() as u64));

        let stream = futures::stream::iter([Ok(Bytes::from("abc"))]);
        let form = Form::new().file("file", "x", Content::once(None, stream));
        assert_eq!(form.length(), None);
        assert!(sent(&form).await.1.contains("abc"));
        let error = form.write_to(&mut request()).await.unwrap_err();
        assert!(error.to_string().contains("cannot be sent again"));
    }
}
