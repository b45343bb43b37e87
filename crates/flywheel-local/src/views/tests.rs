//! Data views through the router: what is answered, byte for byte, and what is refused.
#![allow(clippy::unwrap_used)]

mod executions;
mod files;
mod formats;
mod rows;
mod saved;

use http::Method;
use serde_json::{Value, json};

use crate::files::harness::Bench;

/// Runs a view on the bench's project; the answer as text.
async fn data(bench: &Bench, view: Value, query: &str) -> String {
    let path = format!("/views/data?containerId={}{query}", bench.project);
    let answer = bench.post(&path, view).await;
    assert_eq!(answer.status, 200, "{:?}", answer.bytes);
    String::from_utf8(answer.bytes.to_vec()).unwrap()
}

/// Runs a view on the bench's project; the names of its columns and its rows.
async fn rows(bench: &Bench, view: Value, query: &str) -> (Value, Value) {
    let text = data(bench, view, &format!("{query}&format=json-row-column")).await;
    let mut document: Value = serde_json::from_str(&text).unwrap();
    (document["data"]["columns"].take(), document["data"]["rows"].take())
}

/// A view of these columns alone.
fn plain(columns: &[&str]) -> Value {
    let columns: Vec<Value> = columns.iter().map(|src| json!({"src": src})).collect();
    json!({"columns": columns, "includeIds": false, "includeLabels": false, "errorColumn": false})
}

/// A view of these columns alone, and of files.
fn of_files(columns: &[&str], spec: Value) -> Value {
    let mut view = plain(columns);
    view["fileSpec"] = spec;
    view
}

/// Text as it stands in a query.
fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A second subject with two sessions beside what the bench has. The ids of the subject and of the sessions.
async fn more_people(bench: &Bench) -> [String; 3] {
    let subject = json!({"label": "sub-02", "project": bench.project, "sex": "female", "info": {"iq": 120}});
    let subject = bench.add("/subjects", subject).await;
    let mut ids = vec![subject.clone()];
    for (label, age) in [("a", 31_557_600), ("b", 63_115_200)] {
        let session =
            json!({"label": label, "project": bench.project, "subject": {"_id": subject}, "age": age});
        ids.push(bench.add("/sessions", session).await);
    }
    ids.try_into().unwrap()
}

async fn delete(bench: &Bench, path: &str) -> Value {
    bench.call(Method::DELETE, path, Value::Null).await.ok()
}
