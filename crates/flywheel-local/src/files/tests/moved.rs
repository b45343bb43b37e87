//! What becomes of files: versions and restoring, moving and renaming, deleting.

use http::Method;
use serde_json::{Value, json};

use super::super::harness::Bench;

fn path_of(file: &Value) -> String {
    format!("/files/{}", file["file_id"].as_str().unwrap())
}

#[tokio::test]
async fn versions_are_listed_and_one_is_brought_back() {
    let bench = Bench::new().await;
    let file = bench.put("a.txt", b"one").await;
    let by_id = path_of(&file);
    bench.call(Method::PUT, &format!("{by_id}/tags"), json!(["first"])).await.ok();
    bench.put("a.txt", b"two").await;
    let restored =
        bench.post(&format!("{by_id}/restore?version=1&evaluate_gear_rules=false"), json!(null)).await.ok();
    assert_eq!((&restored["version"], &restored["restored_from"]), (&json!(3), &json!(1)));
    assert_eq!((&restored["tags"], &restored["hash"]), (&json!(["first"]), &file["hash"]));
    assert_eq!(restored["restored_by"]["id"], crate::ADMIN);
    assert_eq!(bench.get(&bench.file("a.txt")).await.bytes, "one");
    bench.call(Method::DELETE, &format!("{by_id}?version=2"), json!(null)).await.ok();
    let versions = bench.get(&format!("{by_id}/versions")).await.ok();
    let versions: Vec<(i64, bool)> = versions
        .as_array()
        .unwrap()
        .iter()
        .map(|version| (version["version"].as_i64().unwrap(), version["deleted"].is_string()))
        .collect();
    assert_eq!(versions, [(1, false), (2, true), (3, false)]);
    bench.get(&format!("{by_id}?version=2")).await.refused(404);
    bench.post(&format!("{by_id}/restore?version=9"), json!(null)).await.refused(404);
    bench.post(&format!("{by_id}/restore"), json!(null)).await.refused(422);
    bench.call(Method::DELETE, &format!("{by_id}?version=2"), json!(null)).await.refused(404);
}

#[tokio::test]
async fn a_deleted_file_comes_back_by_one_of_its_versions() {
    let bench = Bench::new().await;
    let file = bench.put("a.txt", b"one").await;
    bench.put("a.txt", b"two").await;
    let by_id = path_of(&file);
    bench.call(Method::DELETE, &by_id, json!(null)).await.ok();
    bench.get(&by_id).await.refused(404);
    assert_eq!(bench.get(&format!("{by_id}/versions")).await.ok().as_array().unwrap().len(), 2);
    let reader = bench.as_user("ro@x.org", Some("ro")).await;
    reader.post(&format!("{by_id}/restore?version=1"), json!(null)).await.refused(403);
    let restored = bench.post(&format!("{by_id}/restore?version=1"), json!(null)).await.ok();
    assert_eq!((&restored["file_id"], &restored["version"]), (&file["file_id"], &json!(3)));
    assert_eq!(bench.get(&bench.file("a.txt")).await.bytes, "one");
    bench.call(Method::DELETE, &by_id, json!(null)).await.ok();
    bench.put("a.txt", b"another file").await;
    bench.post(&format!("{by_id}/restore?version=2"), json!(null)).await.refused(409);
    assert_eq!(bench.get(&bench.file("a.txt")).await.bytes, "another file");
}

#[tokio::test]
async fn a_version_is_downloaded_under_its_name() {
    let bench = Bench::new().await;
    let by_id = path_of(&bench.put("a.txt", b"one").await);
    bench.put("a.txt", b"two").await;
    assert_eq!(bench.get(&format!("{by_id}/version/1/download/a.txt")).await.bytes, "one");
    assert_eq!(bench.get(&format!("{by_id}/version/2/download/a.txt")).await.bytes, "two");
    for (version, name) in [("3", "a.txt"), ("1", "b.txt"), ("x", "a.txt")] {
        bench.get(&format!("{by_id}/version/{version}/download/{name}")).await.refused(404);
    }
}

#[tokio::test]
async fn a_moved_file_keeps_its_id_versions_tags_and_info() {
    let bench = Bench::new().await;
    let file = bench.put("a.txt", b"one").await;
    let by_id = path_of(&file);
    bench.put("a.txt", b"two").await;
    bench.call(Method::PUT, &format!("{by_id}/tags"), json!(["t"])).await.ok();
    let to = json!({"container_reference": {"type": "session", "id": bench.session}, "name": "b.txt"});
    assert_eq!(
        bench.post(&format!("{by_id}/move"), to).await.ok(),
        json!({"modified": 1, "jobs_spawned": 0})
    );
    bench.get(&bench.file("a.txt")).await.refused(404);
    let path = format!("/sessions/{}/files/b.txt", bench.session);
    assert_eq!(bench.get(&path).await.bytes, "two");
    assert_eq!(bench.get(&format!("{path}?version=1")).await.bytes, "one");
    let moved = bench.get(&by_id).await.ok();
    assert_eq!((&moved["file_id"], &moved["tags"]), (&file["file_id"], &json!(["t"])));
    assert_eq!(moved["parent_ref"], json!({"type": "session", "id": bench.session}));
    assert_eq!(moved["parents"].get("acquisition"), None);
}

#[tokio::test]
async fn a_move_that_makes_no_sense_is_refused() {
    let bench = Bench::new().await;
    let by_id = format!("{}/move", path_of(&bench.put("a.txt", b"x").await));
    bench.put("b.txt", b"x").await;
    let other_group = {
        bench.post("/groups", json!({"_id": "other", "label": "Other"})).await.ok();
        bench.add("/projects", json!({"label": "Elsewhere", "group": "other"})).await
    };
    let to = |kind: &str, id: &str| json!({"container_reference": {"type": kind, "id": id}});
    for (body, status) in [
        (json!({"name": "b.txt"}), 409),
        (json!({"name": "../b"}), 422),
        (json!({"name": ".."}), 422),
        (json!({}), 422),
        (json!({"parents": {}}), 422),
        (to("project", &other_group), 422),
        (to("group", "lab"), 422),
        (to("planet", "x"), 422),
        (to("session", "000000000000000000000000"), 404),
    ] {
        bench.post(&by_id, body.clone()).await.refused(status);
    }
    bench.post(&by_id, json!({"name": "a.txt"})).await.ok();
}

#[tokio::test]
async fn moving_needs_the_right_on_both_sides() {
    let bench = Bench::new().await;
    let file = bench.put("a.txt", b"x").await;
    let target = bench.add("/projects", json!({"label": "Target", "group": "lab"})).await;
    let rw = bench.as_user("rw@x.org", Some("rw")).await;
    let body = json!({"container_reference": {"type": "project", "id": target}});
    rw.post(&format!("{}/move", path_of(&file)), body.clone()).await.refused(403);
    bench.post(&format!("{}/move", path_of(&file)), body).await.ok();
    rw.get(&path_of(&file)).await.refused(403);
}

#[tokio::test]
async fn deleting_hides_the_file_and_a_list_counts_what_it_found() {
    let bench = Bench::new().await;
    let (a, b) = (bench.put("a.txt", b"x").await, bench.put("b.txt", b"x").await);
    let reason = |reason: &str| format!("{}?delete_reason={reason}", path_of(&a));
    bench.call(Method::DELETE, &reason("boredom"), json!(null)).await.refused(422);
    assert_eq!(bench.call(Method::DELETE, &reason("test_data"), json!(null)).await.ok()["deleted"], 1);
    bench.call(Method::DELETE, &path_of(&a), json!(null)).await.refused(404);
    let ids = json!([a["file_id"], b["file_id"], "000000000000000000000000"]);
    assert_eq!(bench.call(Method::DELETE, "/files", ids).await.ok(), json!({"deleted": 1, "not_found": 2}));
    assert_eq!(bench.get("/files?exhaustive=true").await.ok()["total"], 0);
}

#[tokio::test]
async fn original_data_and_inputs_of_analyses_are_protected() {
    let site = crate::Site::builder().drone_secret("drone").open().await.unwrap();
    let bench = Bench::of(site).await;
    let path = format!("/api{}", bench.file(""));
    let body = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"d.dcm\"\r\n\r\nx\r\n--b--\r\n";
    let request = http::Request::post(path.trim_end_matches('/'))
        .header("x-scitran-auth", "drone")
        .header("x-scitran-method", "reaper")
        .header("x-scitran-name", "scanner")
        .header("content-type", "multipart/form-data; boundary=b");
    let device = bench.send(request.body(body.into()).unwrap()).await.ok();
    assert_eq!(device[0]["origin"]["type"], "device");
    let rw = bench.as_user("rw@x.org", Some("rw")).await;
    let refused = rw.call(Method::DELETE, &bench.file("d.dcm"), json!(null)).await;
    assert_eq!(refused.json()["reason"], "original_data_present");
    rw.put("u.txt", b"x").await;
    let input = json!({"type": "acquisition", "id": bench.acquisition, "name": "u.txt"});
    let body = json!({"label": "Fit", "inputs": [input]});
    let analysis = bench.add(&format!("/sessions/{}/analyses", bench.session), body).await;
    let refused = bench.call(Method::DELETE, &bench.file("u.txt"), json!(null)).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["reason"]), (403, &json!("analysis_conflict")));
    bench.call(Method::DELETE, &format!("/analyses/{analysis}"), json!(null)).await.ok();
    rw.call(Method::DELETE, &bench.file("u.txt"), json!(null)).await.ok();
    bench.call(Method::DELETE, &bench.file("d.dcm"), json!(null)).await.ok();
}
