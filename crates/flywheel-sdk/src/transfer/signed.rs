//! Uploads straight to the site's storage: a ticket gives the addresses, the bytes go there in parts, a last call makes a
//! file of them.

use std::{
    ops::Range,
    sync::{Arc, atomic::AtomicU64},
};

use flywheel_api::transport::{Call, RawRequest, Transport};
use futures::{StreamExt, TryStreamExt};
use http::{HeaderName, Method, StatusCode, header};
use serde_json::{Value, json};

use super::{
    running::Reporter,
    source::Ready,
    ticket::{Ticket, strange},
};
use crate::{Client, ErrorKind, Result};

/// What the length of a part is a multiple of, but for the last one.
const ALIGNMENT: u64 = 256 * 1024;
/// Parts that are on their way at once, where their order does not matter.
const AT_ONCE: usize = 4;
/// A file has to have this many bytes for its own ticket to be worth the calls, unless direct uploads are asked for.
const WORTHWHILE: u64 = 8 * 1024 * 1024;

const PUT_PART: Call =
    Call::new("put_part", "a signed address").idempotent(true).anonymous(true).also_ok(&[308]);

/// Whether to send `sources` this way: `wanted` decides if it is given, else their size and what the site offers.
pub(super) async fn applies(transport: &Transport, wanted: Option<bool>, sources: &[Ready]) -> Result<bool> {
    if let Some(wanted) = wanted {
        return Ok(wanted);
    }
    if sources.iter().all(|source| source.length < WORTHWHILE) {
        return Ok(false);
    }
    let config = match transport.site_config().await {
        Ok(config) => config,
        // A site that does not say what it offers does not offer it.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unsupported) => {
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    let on = |place: &str| config.pointer(place).and_then(Value::as_bool).unwrap_or(false);
    Ok(on("/signed_url") || on("/features/signed_url"))
}

/// Sends `sources` one after the other, each by a ticket that `begin` asks for and `end` makes a file of; gives the documents
/// of the stored files. With `listed`, the metadata goes as a list of one.
pub(super) async fn upload(
    client: &Client,
    transport: &Transport,
    begin: &RawRequest,
    end: &RawRequest,
    listed: bool,
    sources: &[Ready],
    reporter: &Reporter,
) -> Result<Vec<Value>> {
    let mut stored = Vec::with_capacity(sources.len());
    for source in sources {
        let ticket = Ticket::ask(client, transport, asking(begin, source, listed), end).await?;
        match send(transport, source, &ticket, reporter).await {
            Ok(multipart) => stored.extend(ticket.finish(multipart).await?),
            Err(error) => {
                ticket.give_back().await;
                return Err(error);
            }
        }
    }
    Ok(stored)
}

/// `begin` for one source.
fn asking(begin: &RawRequest, source: &Ready, listed: bool) -> RawRequest {
    let mut metadata = source.named_metadata();
    metadata.insert("size".to_owned(), source.length.into());
    let metadata = if listed { json!([metadata]) } else { Value::Object(metadata) };
    begin.clone().query("ticket", "").json(&json!({"metadata": metadata, "filenames": [source.name]}))
}

/// Puts the parts; gives what the last call has to say of them, if anything.
async fn send(
    transport: &Transport,
    source: &Ready,
    ticket: &Ticket,
    reporter: &Reporter,
) -> Result<Option<Value>> {
    let (urls, headers) = (ticket.urls_of(&source.name)?, ticket.headers()?);
    let upload_id = urls.first().and_then(|url| parameter(url, "uploadId"));
    let several = urls.len() > 1;
    let parts = parts(source.length, urls.len());
    let request = |url: String, part: &Range<u64>| {
        let mut request = RawRequest::to(PUT_PART, Method::PUT, url);
        for (name, value) in &headers {
            request = request.header(name.clone(), value.to_str().unwrap_or_default());
        }
        if several && upload_id.is_none() {
            // One resumable upload behind all addresses: it has to be told which part this is, in their order.
            let range = format!("bytes {}-{}/{}", part.start, part.end.saturating_sub(1), source.length);
            request = request.header(header::CONTENT_RANGE, &range);
        }
        request
    };
    let puts: Vec<_> = urls
        .into_iter()
        .zip(parts)
        .map(|(url, part)| put(transport, source.clone(), request(url, &part), part, reporter.clone()))
        .collect();
    let at_once = if upload_id.is_some() { AT_ONCE } else { 1 };
    let tags: Vec<Option<String>> = futures::stream::iter(puts).buffered(at_once).try_collect().await?;
    let Some(upload_id) = upload_id else { return Ok(None) };
    let tags: Option<Vec<String>> = tags.into_iter().collect();
    let tags = tags.ok_or_else(|| strange("the storage does not say the tag of a part"))?;
    Ok(Some(json!({"e_tags": tags, "upload_id": upload_id})))
}

/// Puts one part; gives the tag that the storage gives it.
async fn put(
    transport: &Transport,
    source: Ready,
    request: RawRequest,
    part: Range<u64>,
    reporter: Reporter,
) -> Result<Option<String>> {
    let sent = Arc::new(AtomicU64::new(0));
    let length = part.end - part.start;
    let request = request.stream(length, move || source.open(part.clone(), &sent, &reporter));
    let answer = transport.send(&request).await?;
    if answer.status() == StatusCode::PERMANENT_REDIRECT {
        return Ok(None);
    }
    Ok(answer
        .headers()
        .get(HeaderName::from_static("etag"))
        .and_then(|tag| tag.to_str().ok())
        // Lists of parts have the tags bare.
        .map(|tag| tag.trim_matches('"').to_owned()))
}

/// The parts of `length` bytes for `count` addresses. Trailing parts for which nothing is left are left out.
fn parts(length: u64, count: usize) -> Vec<Range<u64>> {
    let count = count.max(1) as u64;
    let size = if count == 1 { length.max(1) } else { (length.div_ceil(count) / ALIGNMENT + 1) * ALIGNMENT };
    (0..count)
        .map(|n| n * size..if n + 1 == count { length } else { ((n + 1) * size).min(length) })
        .filter(|part| part.start < part.end || part.start == 0)
        .collect()
}

/// The value of a query parameter of `url`.
fn parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let found = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name)?;
    Some(percent_encoding::percent_decode_str(found.1).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::single_range_in_vec_init, reason = "a list of one part is meant")]
    fn parts_are_aligned_and_cover_the_file_once() {
        const K: u64 = ALIGNMENT;
        assert_eq!(parts(0, 1), [0..0]);
        assert_eq!(parts(5, 1), [0..5]);
        assert_eq!(parts(2 * K + 2, 2), [0..2 * K, 2 * K..2 * K + 2]);
        assert_eq!(parts(4 * K, 2), [0..3 * K, 3 * K..4 * K]);
        assert_eq!(parts(2 * K, 3), [0..K, K..2 * K]);
        assert_eq!(parts(K / 2, 4), [0..K / 2]);
    }

    #[test]
    fn the_id_of_a_multipart_upload_stands_in_its_addresses() {
        let url = "https://s.example/b/k?partNumber=1&uploadId=a%2Bb&X=1";
        assert_eq!(parameter(url, "uploadId").as_deref(), Some("a+b"));
        assert_eq!(parameter("https://s.example/b/k", "uploadId"), None);
    }
}
