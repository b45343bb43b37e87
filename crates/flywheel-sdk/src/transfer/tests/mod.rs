//! Transfers against a server that plays a script: what it cuts, stalls or changes is stated, what arrives is counted.
#![allow(clippy::unwrap_used)]

mod archive;
mod download;
mod resume;
#[path = "../../../../flywheel-api/tests/transport/script.rs"]
#[allow(dead_code, unreachable_pub)]
mod script;
mod upload;

use std::{path::Path, time::Duration};

use flywheel_api::transport::{Environment, RetryPolicy, Transport};
use script::{Script, Step, text};

use super::{
    Download,
    download::{Expected, FileAt},
};
use crate::{Client, ContainerRef, Kind};

/// The content that the tests move.
const CONTENT: &str = "0123456789abcdefghij";
async fn play(steps: Vec<Step>) -> (Script, Client) {
    let server = Script::start(steps).await;
    let client = client(&server, 3);
    (server, client)
}

/// A client that tries `attempts` times, at once.
fn client(server: &Script, attempts: u32) -> Client {
    let mut policy = RetryPolicy::default();
    policy.max_attempts = attempts;
    policy.initial_backoff = Duration::ZERO;
    let transport = Transport::builder().environment(Environment::empty()).base_url(server.base()).no_proxy();
    Client::from(flywheel_api::Client::new(transport.retry(policy).build().unwrap()))
}

/// A file of which nothing is recorded.
fn unknown() -> FileAt {
    let expected = Expected::default();
    let container = ContainerRef::new(Kind::Acquisition, "a1");
    FileAt { container, name: "t 1.nii".to_owned(), id: Some("f1".to_owned()), expected }
}

/// The file with [`CONTENT`], fully recorded.
fn recorded() -> FileAt {
    let hash = Some(hash_of(CONTENT));
    FileAt { expected: Expected { size: Some(CONTENT.len() as u64), hash, version: Some(2) }, ..unknown() }
}

fn hash_of(content: &str) -> String {
    use sha2::Digest;
    format!("v0-sha384-{}", hex::encode(sha2::Sha384::digest(content)))
}

fn download(client: &Client, at: &FileAt) -> Download {
    Download::file(client, Ok(at.clone()))
}

/// The whole content.
fn whole(content: &str) -> Step {
    Step::Answer(text("200 OK", &[], content.len(), content))
}

/// An answer for the whole content that is cut after `cut` bytes.
fn cut(cut: usize, headers: &[&str]) -> Step {
    Step::Answer(text("200 OK", headers, CONTENT.len(), &CONTENT[..cut]))
}

/// An answer for the part of the content from `from` on.
fn part(from: usize, headers: &[&str]) -> Step {
    let range = format!("Content-Range: bytes {from}-{}/{}", CONTENT.len() - 1, CONTENT.len());
    let headers: Vec<&str> = headers.iter().copied().chain([range.as_str()]).collect();
    Step::Answer(text("206 Partial Content", &headers, CONTENT.len() - from, &CONTENT[from..]))
}

/// The names of everything in `folder`.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
