//! Bytes that are sent first and become files later, and files of the site's own storage.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};

use crate::files::{document::PROVIDER, harness::Bench};

/// Sends bytes to a URL that was asked for; answers their uuid.
async fn sent(bench: &Bench, bytes: &'static str) -> String {
    let begun =
        bench.post("/upload/signed-url", json!({"provider_id": PROVIDER, "size": bytes.len()})).await.ok();
    let url =
        begun["upload_urls"][0].as_str().unwrap().strip_prefix("http://site.test/api").unwrap().to_owned();
    let put = bench.anonymous(Method::PUT, &url, Body::from(bytes)).await.ok();
    assert_eq!(put["uuid"], begun["uuid"]);
    begun["uuid"].as_str().unwrap().to_owned()
}

fn file(bench: &Bench, uuid: &str, size: usize) -> Value {
    json!({
        "provider_id": PROVIDER, "uuid": uuid, "name": "a.dcm.zip", "size": size, "type": "dicom",
        "client_hash": "abc", "parent_ref": {"type": "acquisition", "id": bench.acquisition},
        "origin": {"type": "device", "id": "scanner"},
    })
}

#[tokio::test]
async fn bytes_become_a_file_once_and_the_next_version_after() {
    let bench = Bench::new().await;
    let first = sent(&bench, "first").await;
    let made = bench.post("/files", file(&bench, &first, 5)).await.ok();
    assert_eq!((&made["upsert_result"], &made["_id"]), (&json!("created"), &json!(first)));
    assert_eq!((&made["client_hash"], &made["origin"]["id"]), (&json!("abc"), &json!("scanner")));
    assert_eq!(bench.get(&bench.file("a.dcm.zip")).await.bytes, "first");
    assert_eq!(bench.post("/files", file(&bench, &first, 5)).await.ok()["upsert_result"], "ignored");
    let same = sent(&bench, "first").await;
    assert_eq!(bench.post("/files", file(&bench, &same, 5)).await.ok()["upsert_result"], "ignored");
    let forced = sent(&bench, "first").await;
    let forced = bench.post("/files?force_update=true", file(&bench, &forced, 5)).await.ok();
    assert_eq!((&forced["upsert_result"], &forced["version"]), (&json!("updated"), &json!(2)));
    let other = sent(&bench, "other").await;
    let mut from_elsewhere = file(&bench, &other, 5);
    from_elsewhere["source"] = json!({"type": "import", "id": "x"});
    assert_eq!(bench.post("/files", from_elsewhere).await.ok()["upsert_result"], "conflict");
    let third = sent(&bench, "third").await;
    let third = bench.post("/files", file(&bench, &third, 5)).await.ok();
    assert_eq!((&third["upsert_result"], &third["version"]), (&json!("updated"), &json!(3)));
}

#[tokio::test]
async fn a_device_adds_files_to_what_is_in_the_project() {
    let bench = Bench::new().await;
    let path = format!("/projects/{}/upsert-file", bench.project);
    let uuid = sent(&bench, "bytes").await;
    let mut body = file(&bench, &uuid, 5);
    body.as_object_mut().unwrap().remove("parent_ref");
    assert_eq!(bench.post(&path, body).await.ok()["parent_ref"]["type"], "project");
    let other = bench.add("/projects", json!({"label": "Other", "group": "lab"})).await;
    let path = format!("/projects/{other}/upsert-file");
    let uuid = sent(&bench, "bytes").await;
    bench.post(&path, file(&bench, &uuid, 5)).await.refused(422);
}

#[tokio::test]
async fn bytes_that_are_not_there_or_not_as_announced_are_refused() {
    let bench = Bench::new().await;
    let begun = bench.post("/upload/signed-url", json!({"provider_id": PROVIDER, "size": 3})).await.ok();
    let uuid = begun["uuid"].as_str().unwrap();
    bench.post("/files", file(&bench, uuid, 3)).await.refused(400);
    let url = begun["upload_urls"][0].as_str().unwrap().strip_prefix("http://site.test/api").unwrap();
    bench.anonymous(Method::PUT, url, Body::from("four")).await.refused(422);
    bench.post("/files", file(&bench, "00000000-0000-4000-8000-000000000000", 3)).await.refused(404);
    bench.post("/files", file(&bench, "no uuid", 3)).await.refused(422);
    let mut elsewhere = file(&bench, uuid, 3);
    elsewhere["provider_id"] = "5f0000000000000000000000".into();
    bench.post("/files", elsewhere).await.refused(422);
    let mut linked = file(&bench, uuid, 3);
    (linked["reference"], linked["path"]) = (true.into(), "/etc/passwd".into());
    bench.post("/files", linked).await.refused(422);
    bench.post("/upload/signed-url", json!({"provider_id": "x"})).await.refused(422);
    let mine = sent(&bench, "mine").await;
    let other = bench.as_user("rw@x.org", Some("rw")).await;
    other.post("/files", file(&bench, &mine, 4)).await.refused(403);
}

#[tokio::test]
async fn uploads_in_parts_are_complete_when_their_bytes_are_there_and_can_be_forgotten() {
    let bench = Bench::new().await;
    let uuid = sent(&bench, "bytes").await;
    let named = json!({"provider_id": PROVIDER, "uuid": uuid});
    let s3 = json!({"provider_id": PROVIDER, "uuid": uuid, "upload_id": "u", "etags": ["e"]});
    assert_eq!(bench.post("/upload/complete-s3-multipart", s3).await.ok(), named);
    assert_eq!(bench.post("/upload/complete-azure-multipart", named.clone()).await.ok(), named);
    bench.post("/upload/signed-url/cleanup", named.clone()).await.ok();
    bench.post("/upload/signed-url/cleanup", named.clone()).await.ok();
    bench.post("/upload/complete-azure-multipart", named).await.refused(404);
    bench.post("/files", file(&bench, &uuid, 5)).await.refused(404);
}

#[tokio::test]
async fn a_storage_file_belongs_to_who_sent_it_and_to_its_tickets() {
    let bench = Bench::new().await;
    let user = bench.as_user("u@x.org", None).await;
    let made = user.upload("/storage/files", &[("avatar.png", b"pixels")], None).await.ok();
    assert_eq!((&made["size"], made.get("blob")), (&json!(6), None));
    assert_eq!(made["storage_file_id"], made["_id"]);
    let path = format!("/storage/files/{}", made["_id"].as_str().unwrap());
    assert_eq!(user.get(&path).await.bytes, "pixels");
    assert_eq!(bench.get(&path).await.bytes, "pixels", "a site administrator sees it");
    bench.as_user("other@x.org", None).await.get(&path).await.refused(404);
    bench.anonymous(Method::GET, &path, "").await.refused(401);
    let ticket = user.post(&format!("{path}/ticket"), Value::Null).await.ok();
    let ticketed = format!("{path}?ticket={}", ticket["ticket"].as_str().unwrap());
    assert_eq!(bench.anonymous(Method::GET, &ticketed, "").await.bytes, "pixels");
    user.call(Method::DELETE, &path, Value::Null).await.ok();
    user.get(&path).await.refused(404);
    user.upload("/storage/files", &[], None).await.refused(400);
    user.post("/storage/files?signed_url=True", Value::Null).await.refused(409);
}
