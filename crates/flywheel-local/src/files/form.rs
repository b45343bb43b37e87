//! A multipart upload, part by part and without holding a file.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use http::{HeaderMap, StatusCode, header};
use multer::{Field, Multipart};

use super::{
    name,
    paced::{Head, Paced},
};
use crate::error::{ApiError, ApiResult};

/// How long the metadata of one request may be, in bytes: what a single document may hold on the platform.
pub(super) const METADATA_LIMIT: usize = 16 * 1024 * 1024;

/// How many parts one request may have.
const PARTS_LIMIT: usize = 10_000;

/// One part of an upload.
pub(crate) enum Part {
    /// A file: any part with a file name, whatever its field is called, other than `metadata`.
    File {
        /// Its name, without folders.
        name: String,
        /// Its bytes.
        content: BoxStream<'static, ApiResult<Bytes>>,
    },
    /// The text of the field `metadata`.
    Metadata(Bytes),
}

/// The parts of a request.
pub(crate) struct Form {
    parts: Multipart<'static>,
    head: Head,
    /// How many parts there were.
    count: usize,
}

impl Form {
    /// The form in `body`.
    ///
    /// # Errors
    /// 400 when the request is not multipart or names no boundary.
    pub(crate) fn new(headers: &HeaderMap, body: Body) -> ApiResult<Self> {
        let kind =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(kind)
            .map_err(|_| ApiError::bad_request("an upload is sent as multipart/form-data with a boundary"))?;
        let head = Head::default();
        let parts = Multipart::new(Paced::new(body.into_data_stream().boxed(), head.clone()), boundary);
        Ok(Self { parts, head, count: 0 })
    }

    /// The next part that matters. A file's content has to be read, or dropped, before the next call.
    ///
    /// # Errors
    /// 400 when the form is malformed or cut, a file has no usable name, or the metadata is too long.
    pub(crate) async fn next(&mut self) -> ApiResult<Option<Part>> {
        while let Some(mut field) = self.next_field().await? {
            let disposition =
                field.headers().get(header::CONTENT_DISPOSITION).map(|value| value.as_bytes().to_vec());
            let parameter = |key| disposition.as_deref().and_then(|value| name::parameter(value, key));
            let field_name = parameter("name").unwrap_or_default();
            // Some clients give it a file name, too.
            if field_name == "metadata" {
                return metadata(field).await.map(Some);
            }
            match parameter("filename").filter(|given| !given.is_empty()) {
                Some(given) => return file(&given, field).map(Some),
                None if field_name.starts_with("file") => {
                    return Err(ApiError::bad_request(format!("the part {field_name:?} needs a file name")));
                }
                // Nobody reads it; all of it goes by, so that what comes next is a head again.
                None => while field.chunk().await.map_err(malformed)?.is_some() {},
            }
        }
        Ok(None)
    }

    async fn next_field(&mut self) -> ApiResult<Option<Field<'static>>> {
        self.head.begins();
        let field = self.parts.next_field().await.map_err(malformed)?;
        self.head.ended();
        self.count += usize::from(field.is_some());
        if self.count > PARTS_LIMIT {
            let message = format!("an upload has at most {PARTS_LIMIT} parts: send the rest in another one");
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        Ok(field)
    }
}

fn file(given: &str, field: Field<'static>) -> ApiResult<Part> {
    let name = name::without_folders(given)
        .ok_or_else(|| ApiError::bad_request(format!("{given:?} cannot be the name of a file")))?
        .to_owned();
    let content = stream::try_unfold(field, |mut field| async {
        Ok(field.chunk().await.map_err(malformed)?.map(|chunk| (chunk, field)))
    });
    Ok(Part::File { name, content: content.boxed() })
}

async fn metadata(field: Field<'static>) -> ApiResult<Part> {
    let text = field.map_err(malformed).try_fold(BytesMut::new(), |mut text, chunk| async move {
        if text.len() + chunk.len() > METADATA_LIMIT {
            let message = format!("metadata may not be longer than {METADATA_LIMIT} bytes");
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        text.extend_from_slice(&chunk);
        Ok(text)
    });
    text.await.map(|text| Part::Metadata(text.freeze()))
}

fn malformed(error: multer::Error) -> ApiError {
    let cause = match error {
        multer::Error::StreamReadFailed(cause) => cause.to_string(),
        other => other.to_string(),
    };
    ApiError::bad_request(format!("the upload was cut or is not well-formed: {cause}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn form(body: &str) -> Form {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=b".parse().unwrap());
        Form::new(&headers, Body::from(body.replace('\n', "\r\n"))).ok().unwrap()
    }

    async fn read(mut form: Form) -> ApiResult<Vec<(String, String)>> {
        let mut parts = Vec::new();
        while let Some(part) = form.next().await? {
            parts.push(match part {
                Part::Metadata(text) => ("metadata".to_owned(), String::from_utf8(text.to_vec()).unwrap()),
                Part::File { name, content } => {
                    let chunks: Vec<Bytes> = content.try_collect().await?;
                    (name, String::from_utf8(chunks.concat()).unwrap())
                }
            });
        }
        Ok(parts)
    }

    #[tokio::test]
    async fn any_field_with_a_file_name_is_a_file() {
        let parts = read(form(
            "--b\nContent-Disposition: form-data; name=\"file1\"; filename=\"a.txt\"\n\nfirst\n\
             --b\nContent-Disposition: form-data; name=\"metadata\"; filename=\"\"\n\n{}\n\
             --b\nContent-Disposition: form-data; name=\"comment\"\n\nnobody reads this\n\
             --b\nContent-Disposition: form-data; name=\"x\"; filename=\"../b.txt\"\n\nsecond\n--b--\n",
        ));
        let expected = [("a.txt", "first"), ("metadata", "{}"), ("b.txt", "second")];
        assert_eq!(parts.await.unwrap(), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[tokio::test]
    async fn metadata_with_a_file_name_is_metadata() {
        for named in ["", "; filename=\"metadata\"", "; filename=\"blob\""] {
            let parts = form(&format!(
                "--b\nContent-Disposition: form-data; name=\"metadata\"{named}\n\n{{}}\n--b--\n"
            ));
            assert_eq!(read(parts).await.unwrap(), [("metadata".to_owned(), "{}".to_owned())]);
        }
    }

    #[tokio::test]
    async fn an_empty_form_has_no_parts() {
        assert_eq!(read(form("--b--\n")).await.unwrap(), []);
    }

    #[tokio::test]
    async fn what_is_no_upload_is_refused() {
        let file = |name: &str| {
            format!(
                "--b\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\n\nbytes\n--b--\n"
            )
        };
        for (body, reason) in [
            (file(".."), "cannot be the name"),
            (file(""), "needs a file name"),
            (file("a.txt").replace("--b--", ""), "cut"),
            ("not a form at all".to_owned(), "cut"),
        ] {
            let error = read(form(&body)).await.unwrap_err();
            assert_eq!(error.status(), StatusCode::BAD_REQUEST);
            assert!(error.to_string().contains(reason), "{error}");
        }
        assert!(Form::new(&HeaderMap::new(), Body::empty()).is_err());
    }

    #[tokio::test]
    async fn metadata_has_a_limit() {
        let text = "x".repeat(METADATA_LIMIT + 1);
        let body = format!("--b\nContent-Disposition: form-data; name=\"metadata\"\n\n{text}\n--b--\n");
        assert_eq!(read(form(&body)).await.unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn parts_without_end_are_refused() {
        let part = "--b\nContent-Disposition: form-data; name=\"comment\"\n\nx\n";
        assert_eq!(read(form(&format!("{}--b--\n", part.repeat(PARTS_LIMIT)))).await.unwrap(), []);
        let error = read(form(&format!("{}--b--\n", part.repeat(PARTS_LIMIT + 1)))).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn the_head_of_a_part_has_an_end() {
        let begun = Bytes::from_static(
            b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\nX: ",
        );
        let filler = Bytes::from(vec![b'x'; 4096]);
        let sent = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = sent.clone();
        let endless = stream::iter([begun]).chain(stream::repeat(filler)).inspect(move |_| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=b".parse().unwrap());
        let body = Body::from_stream(endless.map(Ok::<_, std::io::Error>));
        let error = read(Form::new(&headers, body).ok().unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("head of a part"), "{error}");
        assert!(sent.load(std::sync::atomic::Ordering::Relaxed) < 30);
    }

    #[tokio::test]
    async fn content_far_longer_than_a_head_may_be_is_taken() {
        let long = "y".repeat(1 << 20);
        let body = format!(
            "--b\nContent-Disposition: form-data; name=\"comment\"\n\n{long}\n\
             --b\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\n\n{long}\n--b--\n"
        )
        .replace('\n', "\r\n");
        let pieces: Vec<Bytes> = body.as_bytes().chunks(1000).map(Bytes::copy_from_slice).collect();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=b".parse().unwrap());
        let body = Body::from_stream(stream::iter(pieces).map(Ok::<_, std::io::Error>));
        let parts = read(Form::new(&headers, body).ok().unwrap()).await.unwrap();
        assert_eq!(parts, [("a".to_owned(), long)]);
    }
}
