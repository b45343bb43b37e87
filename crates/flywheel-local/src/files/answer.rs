//! A file's bytes as an answer: whole, in ranges, or one member of a zip.

use std::ops::Range;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use flywheel_core::{
    filetype,
    range::{self, RangeError},
    time,
};
use futures::{StreamExt, TryStreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::{name, zipped};
use crate::{
    blobs::{BlobStore, ByteStream, Stored},
    error::{ApiError, ApiResult},
    store::files::FileRow,
};

/// Where a file's bytes are and what they should be.
///
/// # Errors
/// 500 when its row names no blob.
pub(crate) fn stored(file: &FileRow) -> ApiResult<Stored> {
    Ok(Stored {
        id: file.blob.parse().map_err(ApiError::internal)?,
        size: file.doc.get("size").and_then(Value::as_u64).unwrap_or(0),
        hash: file.text("hash").to_owned(),
    })
}

/// The whole file, to be saved.
///
/// # Errors
/// 500 when its content is missing or damaged.
pub(crate) async fn attachment(blobs: &BlobStore, file: &FileRow) -> ApiResult<Response> {
    let blob = stored(file)?;
    let content = blobs.read(&blob, 0..blob.size).await?;
    let mut headers = describe(file, filetype::UNKNOWN_MEDIA_TYPE);
    headers.insert(header::CONTENT_LENGTH, blob.size.into());
    set(&mut headers, header::CONTENT_DISPOSITION, &name::attachment(file.text("name")));
    Ok((headers, Body::from_stream(content)).into_response())
}

/// The file to be shown: in its own media type, and in the ranges that `request` asks for.
///
/// # Errors
/// 416 when the first range lies behind the end, 500 when the content is missing or damaged.
pub(super) async fn view(blobs: &BlobStore, file: &FileRow, request: &HeaderMap) -> ApiResult<Response> {
    let blob = stored(file)?;
    let mut headers = describe(file, file.text("mimetype"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    match wanted(request, &headers, blob.size) {
        Wanted::Whole => {
            headers.insert(header::CONTENT_LENGTH, blob.size.into());
            Ok((headers, Body::from_stream(blobs.read(&blob, 0..blob.size).await?)).into_response())
        }
        Wanted::One(range) => {
            headers.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
            set(&mut headers, header::CONTENT_RANGE, &content_range(&range, blob.size));
            let content = blobs.read(&blob, range).await?;
            Ok((StatusCode::PARTIAL_CONTENT, headers, Body::from_stream(content)).into_response())
        }
        Wanted::Several(ranges) => Ok(several(blobs, blob, headers, ranges)),
        Wanted::Unsatisfiable => {
            let message =
                format!("The range begins behind the end of the file, which has {} bytes", blob.size);
            let mut refusal = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, message).into_response();
            set(refusal.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{}", blob.size));
            Ok(refusal)
        }
    }
}

/// One member of a zip.
///
/// # Errors
/// 400 when the file is no zip or has no such member, 500 when the content is missing or damaged.
pub(super) async fn member(blobs: &BlobStore, file: &FileRow, path: &str) -> ApiResult<Response> {
    let (size, content) = zipped::member(blobs, &stored(file)?, path).await?;
    let mut headers = HeaderMap::new();
    set(&mut headers, header::CONTENT_TYPE, filetype::media_type(path));
    headers.insert(header::CONTENT_LENGTH, size.into());
    Ok((headers, Body::from_stream(content)).into_response())
}

/// The headers that say what a file is. Its hash is its validator, by which a client may go on where it was cut.
fn describe(file: &FileRow, media_type: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, header::CONTENT_TYPE, media_type);
    set(&mut headers, header::ETAG, &format!("\"{}\"", file.text("hash")));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(modified) = time::parse_utc(file.text("modified")) {
        let modified = modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        set(&mut headers, header::LAST_MODIFIED, &modified);
    }
    headers
}

/// Sets a header; a value that no header can hold (a media type with a line end) leaves it out.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    One(Range<u64>),
    Several(Vec<Range<u64>>),
    Unsatisfiable,
}

/// What a request's `Range` and `If-Range` come to. Ranges that add up to more than the file are answered with the file.
fn wanted(request: &HeaderMap, answer: &HeaderMap, size: u64) -> Wanted {
    let Some(ranges) = request.get(header::RANGE).and_then(|value| value.to_str().ok()) else {
        return Wanted::Whole;
    };
    let condition = request.get(header::IF_RANGE);
    let same = |validator: &HeaderValue| {
        answer.get(header::ETAG) == Some(validator) || answer.get(header::LAST_MODIFIED) == Some(validator)
    };
    if condition.is_some_and(|validator| !same(validator)) {
        return Wanted::Whole;
    }
    match range::parse(ranges, size) {
        Err(RangeError::Malformed) => Wanted::Whole,
        Err(RangeError::Unsatisfiable) => Wanted::Unsatisfiable,
        Ok(ranges) => match <[_; 1]>::try_from(ranges) {
            Ok([one]) => Wanted::One(one),
            Err(several) if several.iter().map(|range| range.end - range.start).sum::<u64>() > size => {
                Wanted::Whole
            }
            Err(several) => Wanted::Several(several),
        },
    }
}

fn content_range(range: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

/// Several ranges as `multipart/byteranges`; each is opened when its turn comes.
fn several(blobs: &BlobStore, blob: Stored, mut headers: HeaderMap, ranges: Vec<Range<u64>>) -> Response {
    let boundary = format!("{:032x}", rand::random::<u128>());
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let head = |range: &Range<u64>| {
        let place = content_range(range, blob.size);
        Bytes::from(format!(
            "\r\n--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {place}\r\n\r\n"
        ))
    };
    let parts: Vec<(Bytes, Range<u64>)> = ranges.into_iter().map(|range| (head(&range), range)).collect();
    let end = Bytes::from(format!("\r\n--{boundary}--\r\n"));
    let length: u64 = parts.iter().map(|(head, range)| head.len() as u64 + range.end - range.start).sum();
    set(&mut headers, header::CONTENT_TYPE, &format!("multipart/byteranges; boundary={boundary}"));
    headers.insert(header::CONTENT_LENGTH, (length + end.len() as u64).into());
    let blobs = blobs.clone();
    let parts = stream::iter(parts).then(move |(head, range)| {
        let (blobs, blob) = (blobs.clone(), blob.clone());
        async move {
            let content: ByteStream = blobs.read(&blob, range).await.map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>(stream::once(async { Ok(head) }).chain(content))
        }
    });
    let body = parts.try_flatten().chain(stream::once(async { Ok(end) }));
    (StatusCode::PARTIAL_CONTENT, headers, Body::from_stream(body)).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_range_counts_only_for_the_file_the_client_knows() {
        let answer =
            headers(&[(header::ETAG, "\"h\""), (header::LAST_MODIFIED, "Tue, 05 May 2020 01:22:06 GMT")]);
        let of = |condition: Option<&str>| {
            let mut request = headers(&[(header::RANGE, "bytes=2-3")]);
            request.extend(condition.map(|value| (header::IF_RANGE, value.parse().unwrap())));
            wanted(&request, &answer, 10)
        };
        assert_eq!(of(None), Wanted::One(2..4));
        assert_eq!(of(Some("\"h\"")), Wanted::One(2..4));
        assert_eq!(of(Some("Tue, 05 May 2020 01:22:06 GMT")), Wanted::One(2..4));
        assert_eq!(of(Some("\"other\"")), Wanted::Whole);
    }

    #[test]
    fn odd_ranges_have_plain_answers() {
        let of = |range: &str| wanted(&headers(&[(header::RANGE, range)]), &HeaderMap::new(), 10);
        assert_eq!(of("bytes=20-"), Wanted::Unsatisfiable);
        assert_eq!(of("lines=1-2"), Wanted::Whole);
        assert_eq!(of("bytes=0-1,8-"), Wanted::Several(vec![0..2, 8..10]));
        assert_eq!(of("bytes=0-9,0-9"), Wanted::Whole);
        assert_eq!(wanted(&HeaderMap::new(), &HeaderMap::new(), 10), Wanted::Whole);
    }
}
