//! The change log through the router.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use crate::tests::Api;

fn methods(log: &Value) -> Vec<&str> {
    log["changes"].as_array().unwrap().iter().map(|change| change["method"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_change_of_a_container_is_kept_with_its_author() {
    let api = Api::new().await;
    let [_, project, _, session, _] = api.tree().await;
    let member = api.user("m@x.org", false).await;
    api.post(&format!("/projects/{project}/permissions"), json!({"_id": "m@x.org", "access": "rw"}))
        .await
        .ok();
    let at = format!("/sessions/{session}");
    api.call(&member, http::Method::PUT, &at, Some(json!({"label": "ses-2", "operator": "x"}))).await.ok();
    api.patch(&format!("{at}/info"), json!({"set": {"a": 1, "b": 2}})).await.ok();
    api.patch(&format!("{at}/info"), json!({"set": {"a": 3}})).await.ok();
    let path = format!("/changes/session/{session}");
    let log = api.get_as(&member, &path).await.ok();
    assert_eq!(methods(&log), ["CREATE", "UPDATE", "UPDATE", "UPDATE"]);
    let changes = &log["changes"];
    assert_eq!(changes[0]["origin"]["id"], "admin@flywheel.local");
    assert_eq!(changes[1]["origin"], json!({"type": "user", "id": "m@x.org"}));
    assert_eq!(changes[1]["patch"], json!({"label": "ses-2", "operator": "x"}));
    assert_eq!(changes[3]["patch"], json!({"info": {"a": 3}}));
    let revisions: Vec<i64> =
        changes.as_array().unwrap().iter().map(|change| change["revision"].as_i64().unwrap()).collect();
    assert_eq!(revisions, [1, 2, 3, 4]);

    let values = api.get(&format!("{path}/fields/info.a")).await.ok();
    let values: Vec<&Value> =
        values["changes"].as_array().unwrap().iter().map(|change| &change["value"]).collect();
    assert_eq!(values, [&json!(3), &json!(1)], "newest first");
}

#[tokio::test]
async fn a_deletion_is_kept_with_its_reason_for_site_administrators_to_see() {
    let api = Api::new().await;
    let [_, project, subject, ..] = api.tree().await;
    let member = api.user("m@x.org", false).await;
    api.post(&format!("/projects/{project}/permissions"), json!({"_id": "m@x.org", "access": "rw"}))
        .await
        .ok();
    api.delete(&format!("/subjects/{subject}?delete_reason=test_data")).await.ok();
    let path = format!("/changes/subject/{subject}");
    let log = api.get(&path).await.ok();
    assert_eq!(methods(&log), ["CREATE", "DELETE"]);
    assert_eq!(log["changes"][1]["reason"], "test_data");
    api.get_as(&member, &path).await.error(404);
}

#[tokio::test]
async fn analyses_have_a_log() {
    let api = Api::new().await;
    let [_, _, _, session, _] = api.tree().await;
    let made = api.post(&format!("/sessions/{session}/analyses"), json!({"label": "fit"})).await.ok();
    let analysis = made["_id"].as_str().unwrap();
    api.put(&format!("/analyses/{analysis}"), json!({"label": "fit 2"})).await.ok();
    let log = api.get(&format!("/changes/analysis/{analysis}")).await.ok();
    assert_eq!(methods(&log), ["CREATE", "UPDATE"]);
}

#[tokio::test]
async fn files_have_a_log_for_each_version() {
    let api = Api::new().await;
    let [.., acquisition] = api.tree().await;
    let at = format!("/acquisitions/{acquisition}");
    let file = api.file(api.root(), &at, "a.txt", "1").await.ok()[0]["file_id"].as_str().unwrap().to_owned();
    api.put(&format!("{at}/files/a.txt"), json!({"type": "text"})).await.ok();
    api.patch(&format!("/files/{file}/tags"), json!(["t"])).await;
    api.file(api.root(), &at, "a.txt", "2").await.ok();
    let first = api.get(&format!("/changes/file/{file}?version=1")).await.ok();
    let seen = methods(&first);
    assert_eq!((seen.first(), seen.last()), (Some(&"CREATE"), Some(&"REPLACE_FILE")));
    let second = api.get(&format!("/changes/file/{file}")).await.ok();
    assert_eq!((&second["file_version"], methods(&second).first()), (&json!(2), Some(&"CREATE")));
    let tags = api.get(&format!("/changes/file/{file}/fields/tags?version=1")).await.ok();
    assert_eq!(tags["changes"][0]["value"], json!(["t"]));
}

#[tokio::test]
async fn a_deleted_note_is_told_apart() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    let at = format!("/projects/{project}");
    api.post(&format!("{at}/notes"), json!({"text": "x"})).await.ok();
    let note = api.get(&at).await.ok()["notes"][0]["_id"].as_str().unwrap().to_owned();
    api.delete(&format!("{at}/notes/{note}")).await.ok();
    assert_eq!(
        methods(&api.get(&format!("/changes/project/{project}")).await.ok()).last(),
        Some(&"NOTE_DELETION")
    );
}

#[tokio::test]
async fn what_is_not_there_or_has_no_log_is_told_apart() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    let stranger = api.user("s@x.org", false).await;
    api.get_as(&stranger, &format!("/changes/project/{project}")).await.error(403);
    api.get("/changes/project/ffffffffffffffffffffffff").await.error(404);
    api.get("/changes/project/x").await.error(422);
    api.get(&format!("/changes/session/{project}")).await.error(404);
    api.get(&format!("/changes/sessions/{project}")).await.error(422);
    api.get(&format!("/changes/galaxy/{project}")).await.error(422);
    api.get(&format!("/changes/annotation/{project}")).await.error(404);
}
