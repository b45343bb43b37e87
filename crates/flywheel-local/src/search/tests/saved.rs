//! Searches that are kept.

use http::Method;
use serde_json::{Value, json};

use super::Study;

fn query(text: &str) -> Value {
    json!({"return_type": "file", "structured_query": text, "all_data": false})
}

fn new(label: &str, kind: &str, id: &str) -> Value {
    json!({"label": label, "search": query("file.type = dicom"), "parent": {"type": kind, "id": id}})
}

#[tokio::test]
async fn a_saved_search_is_shown_changed_and_deleted() {
    let study = Study::new().await;
    let api = &study.api;
    let id = api.post("/dataexplorer/queries", new("DICOM", "project", &study.project)).await.id();
    let one = format!("/dataexplorer/queries/{id}");
    let shown = api.get(&one).await.ok();
    assert_eq!((&shown["label"], &shown["search"]), (&json!("DICOM"), &query("file.type = dicom")));
    assert_eq!(shown["parent"], json!({"type": "project", "id": study.project}));
    let changed = api.put(&one, json!({"search": query("file.type = nifti")})).await.ok();
    assert_eq!((&changed["label"], &changed["search"]), (&json!("DICOM"), &query("file.type = nifti")));
    api.put(&one, json!({})).await.error(400);
    api.put(&one, json!({"search": query("file.type is")})).await.error(422);
    api.put(&one, json!({"parent": {}})).await.error(422);
    assert_eq!(api.get("/dataexplorer/queries").await.column("label"), ["DICOM"]);
    assert_eq!(api.delete(&one).await.ok(), json!({"deleted": 1}));
    api.get(&one).await.error(404);
    api.delete(&one).await.error(404);
}

#[tokio::test]
async fn a_new_one_needs_a_label_a_search_and_a_parent_that_is_there() {
    let study = Study::new().await;
    let refuse =
        async |body: Value, status| study.api.post("/dataexplorer/queries", body).await.error(status);
    refuse(new("", "site", "site"), 422).await;
    refuse(new("x", "subject", "x"), 422).await;
    refuse(new("x", "project", &study.session), 404).await;
    refuse(new("x", "user", "nobody@example.org"), 404).await;
    refuse(json!({"label": "x", "search": {"structured_query": "a = b"}, "parent": {"type": "site", "id": "site"}}), 422).await;
    refuse(json!({"label": "x", "search": query("a ="), "parent": {"type": "site", "id": "site"}}), 422)
        .await;
}

#[tokio::test]
async fn who_sees_and_changes_one_follows_from_its_parent() {
    let study = Study::new().await;
    let api = &study.api;
    let reader = api.user("reader@example.org", false).await;
    let permission = json!({"_id": "reader@example.org", "role_ids": [api.role("ro").await]});
    api.post(&format!("/projects/{}/permissions", study.project), permission).await.ok();
    let hidden = api.project("lab", "hidden").await;
    let mut ids = Vec::new();
    for (kind, id) in [
        ("site", "site"),
        ("user", crate::ADMIN),
        ("group", "lab"),
        ("project", &study.project),
        ("session", &study.session),
        ("project", &hidden),
    ] {
        ids.push(api.post("/dataexplorer/queries", new(kind, kind, id)).await.id());
    }
    let as_reader = async |method, path: String, body| api.call(&reader, method, &path, body).await;
    let own = new("mine", "user", "reader@example.org");
    let own = as_reader(Method::POST, "/dataexplorer/queries".into(), Some(own)).await.id();
    let seen = api.get_as(&reader, "/dataexplorer/queries").await.column("label");
    assert_eq!(seen, ["site", "group", "project", "session", "mine"]);
    for (id, status) in ids.iter().zip([403, 404, 403, 403, 403, 404]) {
        let path = format!("/dataexplorer/queries/{id}");
        as_reader(Method::PUT, path.clone(), Some(json!({"label": "y"}))).await.error(status);
        as_reader(Method::DELETE, path, None).await.error(status);
    }
    as_reader(Method::PUT, format!("/dataexplorer/queries/{own}"), Some(json!({"label": "y"}))).await.ok();
    for (kind, id) in [("site", "site"), ("user", crate::ADMIN), ("project", study.project.as_str())] {
        as_reader(Method::POST, "/dataexplorer/queries".into(), Some(new("x", kind, id))).await.error(403);
    }
    as_reader(Method::GET, "/dataexplorer/queries?exhaustive=true".into(), None).await.error(403);
    assert_eq!(api.get("/dataexplorer/queries?exhaustive=true").await.column("label").len(), 7);
    let page = api.get("/dataexplorer/queries?limit=2&skip=1&sort=label:desc").await.column("label");
    assert_eq!(page.len(), 2);
}
