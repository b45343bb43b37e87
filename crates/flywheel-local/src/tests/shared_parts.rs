//! Tags, notes and info, which every kind of container carries.

use http::Method;
use serde_json::json;

use super::Api;

/// One container of each kind, as paths.
async fn every_kind(api: &Api) -> Vec<String> {
    let [group, project, subject, session, acquisition] = api.tree().await;
    let analysis = api.post(&format!("/sessions/{session}/analyses"), json!({"label": "a"})).await.id();
    let collection = api.post("/collections", json!({"label": "c"})).await.id();
    vec![
        format!("/groups/{group}"),
        format!("/projects/{project}"),
        format!("/subjects/{subject}"),
        format!("/sessions/{session}"),
        format!("/acquisitions/{acquisition}"),
        format!("/analyses/{analysis}"),
        format!("/collections/{collection}"),
        format!("/containers/{acquisition}"),
    ]
}

#[tokio::test]
async fn tags_are_added_renamed_and_deleted_in_all_verbs() {
    let api = Api::new().await;
    let mut kinds = every_kind(&api).await;
    let again = kinds.pop();
    for one in kinds.into_iter().filter(|one| !one.starts_with("/analyses")) {
        let path = format!("{one}/tags");
        assert_eq!(api.post(&path, json!({"value": "a"})).await.ok(), json!({"modified": 1}));
        api.post(&path, json!({"value": "a"})).await.error(409);
        api.post(&path, json!({"value": "x".repeat(33)})).await.error(422);
        api.patch(&path, json!(["a", "b", "d e"])).await.empty();
        assert_eq!(api.get(&one).await.ok()["tags"], json!(["a", "b", "d e"]));
        assert_eq!(api.get(&format!("{path}/d%20e")).await.ok(), "d e");
        assert_eq!(api.put(&format!("{path}/a"), json!({"value": "c"})).await.ok(), "c");
        api.put(&format!("{path}/a"), json!({"value": "z"})).await.error(404);
        api.put(&format!("{path}/c"), json!({"value": "b"})).await.error(409);
        api.get(&format!("{path}/a")).await.error(404);
        assert_eq!(api.delete(&format!("{path}/c")).await.ok(), json!({"deleted": 1}));
        api.delete(&format!("{path}/c")).await.error(404);
        api.call(api.root(), Method::DELETE, &path, Some(json!(["b", "unknown"]))).await.empty();
        assert_eq!(api.get(&one).await.ok()["tags"], json!(["d e"]));
    }
    let path = format!("{}/tags", again.unwrap());
    api.call(api.root(), Method::DELETE, &path, Some(json!(["d e"]))).await.empty();
    assert_eq!(api.post(&path, json!({"value": "a"})).await.ok(), json!({"modified": 1}));
}

#[tokio::test]
async fn a_tag_of_a_group_is_renamed_and_deleted_in_everything_below() {
    let api = Api::new().await;
    let [group, project, _, session, acquisition] = api.tree().await;
    let below = [
        format!("/projects/{project}"),
        format!("/sessions/{session}"),
        format!("/acquisitions/{acquisition}"),
    ];
    let file =
        api.file(api.root(), &below[2], "a.txt", "x").await.ok()[0]["file_id"].as_str().unwrap().to_owned();
    api.patch(&format!("/files/{file}/tags"), json!(["old"])).await.ok();
    for path in &below {
        api.patch(&format!("{path}/tags"), json!(["first", "old"])).await.empty();
    }
    let tags = format!("/groups/{group}/tags");
    api.post(&tags, json!({"value": "old"})).await.ok();
    api.put(&format!("{tags}/old"), json!({"value": "new"})).await.ok();
    for path in &below {
        assert_eq!(api.get(path).await.ok()["tags"], json!(["first", "new"]));
    }
    assert_eq!(api.get(&format!("/files/{file}/tags")).await.ok(), json!(["new"]));
    api.delete(&format!("{tags}/new")).await.ok();
    for path in &below {
        assert_eq!(api.get(path).await.ok()["tags"], json!(["first"]));
    }
    assert_eq!(api.get(&format!("/files/{file}/tags")).await.ok(), json!([]));
    api.post(&tags, json!({"value": "extra"})).await.ok();
    assert_eq!(api.get(&below[0]).await.ok()["tags"], json!(["first"]));
}

#[tokio::test]
async fn notes_know_their_author_and_only_that_one_changes_them() {
    let api = Api::new().await;
    for one in every_kind(&api).await.into_iter().filter(|path| !path.starts_with("/groups")) {
        let path = format!("{one}/notes");
        let note = api.post(&path, json!({"text": "first"})).await.ok();
        assert_eq!((&note["user"], &note["text"]), (&json!("admin@flywheel.local"), &json!("first")));
        let own = format!("{path}/{}", note["_id"].as_str().unwrap());
        assert_eq!(api.get(&own).await.ok(), note);
        assert_eq!(api.put(&own, json!({"text": "second"})).await.ok(), json!(1));
        assert_eq!(api.get(&one).await.ok()["notes"][0]["text"], "second");
        api.post(&path, json!({"text": ""})).await.error(422);
        api.post(&path, json!({"text": "x", "user": "y"})).await.error(422);
        assert_eq!(api.delete(&own).await.ok(), json!({"deleted": 1}));
        api.get(&own).await.error(404);
    }
    let [_, project, _, session, _] = api.tree_in("lab2").await;
    let user = api.user("u@x.org", false).await;
    let role = api.role("rw").await;
    api.post(&format!("/projects/{project}/permissions"), json!({"_id": "u@x.org", "role_ids": [role]}))
        .await
        .ok();
    let path = format!("/sessions/{session}/notes");
    let foreign = api.post(&path, json!({"text": "root's"})).await.id();
    let mine = api.call(&user, Method::POST, &path, Some(json!({"text": "mine"}))).await.id();
    let change = Some(json!({"text": "changed"}));
    api.call(&user, Method::PUT, &format!("{path}/{foreign}"), change.clone()).await.error(403);
    api.call(&user, Method::DELETE, &format!("{path}/{foreign}"), None).await.error(403);
    api.call(&user, Method::PUT, &format!("{path}/{mine}"), change).await.ok();
    api.delete(&format!("{path}/{mine}")).await.ok();
}

#[tokio::test]
async fn info_is_set_deleted_and_replaced_in_both_verbs() {
    let api = Api::new().await;
    for one in every_kind(&api).await.into_iter().filter(|path| !path.starts_with("/groups")) {
        let path = format!("{one}/info");
        let info = async || api.get(&one).await.ok()["info"].clone();
        assert_eq!(
            api.patch(&path, json!({"replace": {"a": {"x": 1}, "b.c": 2}})).await.ok(),
            json!({"modified": 1})
        );
        assert_eq!(info().await, json!({"a": {"x": 1}, "b_c": 2}));
        api.post(&path, json!({"set": {"a": {"y": 2}}, "delete": ["b_c", "none"]})).await.ok();
        assert_eq!(info().await, json!({"a": {"y": 2}}));
        assert_eq!(api.get(&one).await.ok()["info_exists"], true);
        api.patch(&path, json!({})).await.error(400);
        api.patch(&path, json!({"replace": {}, "set": {"a": 1}})).await.error(400);
        api.patch(&path, json!({"sett": {}})).await.error(422);
        api.patch(&path, json!({"replace": {}})).await.ok();
        assert_eq!(api.get(&one).await.ok()["info_exists"], false);
    }
}
