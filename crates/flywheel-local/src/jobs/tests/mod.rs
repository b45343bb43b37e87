//! Jobs through the router: from the queue to the outputs, and what is refused on the way.
#![allow(clippy::unwrap_used)]

mod ended;
mod keys;
mod queued;
mod ran;

use http::Method;
use serde_json::{Value, json};

use crate::files::harness::{Answer, Bench};

/// A manifest with these inputs and configuration.
pub(crate) fn manifest(name: &str, inputs: Value, config: Value) -> Value {
    json!({
        "name": name, "label": name, "description": "", "version": "1.0.0", "author": "x", "license": "MIT",
        "url": "", "source": "", "config": config, "inputs": inputs,
    })
}

/// A gear with one required file input `image`, an optional one `mask`, and a number `n` that is 3 by default.
pub(crate) async fn gear(bench: &Bench, name: &str, category: &str) -> String {
    let inputs = json!({"image": {"base": "file"}, "mask": {"base": "file", "optional": true}});
    let config = json!({"n": {"type": "integer", "default": 3, "minimum": 1}});
    gear_of(bench, category, manifest(name, inputs, config)).await
}

/// A gear with this manifest.
pub(crate) async fn gear_of(bench: &Bench, category: &str, manifest: Value) -> String {
    let path = format!("/gears/{}", manifest["name"].as_str().unwrap());
    bench.add(&path, json!({"category": category, "gear": manifest})).await
}

/// A file of the bench's acquisition as an input.
fn input(bench: &Bench, name: &str) -> Value {
    json!({"type": "acquisition", "id": bench.acquisition, "name": name})
}

/// Queues a job of a gear on the file `a.txt`.
async fn queue(bench: &Bench, gear: &str) -> String {
    bench.add("/jobs/add", json!({"gear_id": gear, "inputs": {"image": input(bench, "a.txt")}})).await
}

async fn put(bench: &Bench, path: &str, body: Value) -> Answer {
    bench.call(Method::PUT, path, body).await
}

/// What an engine asks that can do nothing special.
fn ask() -> Value {
    json!({"whitelist": {}, "blacklist": {}, "capabilities": [], "return": {"jobs": 1}})
}

/// Gives the next job to an engine.
async fn start(bench: &Bench) -> Value {
    bench.post("/jobs/ask", ask()).await.ok()["jobs"][0].clone()
}

/// A bench with a gear, a file and a job of it that runs. The gear's and the job's id.
async fn running(category: &str) -> (Bench, String, String) {
    let bench = Bench::new().await;
    bench.put("a.txt", b"abc").await;
    let gear = gear(&bench, "count", category).await;
    let job = queue(&bench, &gear).await;
    assert_eq!(start(&bench).await["id"], job.as_str());
    (bench, gear, job)
}

async fn state_of(bench: &Bench, job: &str) -> String {
    bench.get(&format!("/jobs/{job}")).await.ok()["state"].as_str().unwrap().to_owned()
}
