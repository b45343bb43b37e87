//! Queries of the tree through the router.
#![allow(clippy::unwrap_used)]

use http::Method;
use serde_json::json;

use crate::tests::Api;

#[tokio::test]
async fn a_query_answers_the_fields_it_names_at_every_level() {
    let api = Api::new().await;
    let [group, project, subject, session, acquisition] = api.tree().await;
    api.file(api.root(), &format!("/acquisitions/{acquisition}"), "a.txt", "x").await.ok();
    let body = json!({"projects": {
        "fields": ["label", "parents.group", "nothing"],
        "group": {"fields": ["label"]},
        "sessions": {
            "fields": ["label", "info"],
            "subject": {"fields": ["code"]},
            "acquisitions": {"fields": ["label"], "files": {"fields": ["name", "size"], "join-origin": true}},
        },
    }});
    let answer = api.post("/tree", body).await.ok();
    let files = json!([{"_id": answer[0]["sessions"][0]["acquisitions"][0]["files"][0]["_id"], "name": "a.txt", "size": 1}]);
    let origin = answer[0]["sessions"][0]["acquisitions"][0]["join-origin"].clone();
    assert_eq!(origin["user"]["admin@flywheel.local"]["lastname"], "Admin");
    assert_eq!(
        answer,
        json!([{
            "_id": project, "label": "study", "parents": {"group": group},
            "group": {"_id": group, "label": group},
            "sessions": [{
                "_id": session, "label": "ses-1", "subject": {"_id": subject, "code": "sub-1"},
                "acquisitions": [{"_id": acquisition, "label": "t1", "files": files, "join-origin": origin}],
            }],
        }])
    );
}

#[tokio::test]
async fn levels_are_filtered_sorted_and_limited_each_by_itself() {
    let api = Api::new().await;
    let [group, project, _, session, _] = api.tree().await;
    for label in ["t2", "t3", "bold"] {
        api.acquisition(&session, label).await;
    }
    let body = json!({"groups": {"fields": [], "acquisitions": {
        "fields": ["label"], "filter": "label=~^t", "sort": "label:desc", "limit": 2,
    }}});
    let answer = api.post("/tree", body).await.ok();
    let labels: Vec<&str> = answer[0]["acquisitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["label"].as_str().unwrap())
        .collect();
    assert_eq!((answer[0]["_id"].as_str().unwrap(), labels), (group.as_str(), vec!["t3", "t2"]));
    let sessions = json!({"sessions": {"fields": ["label"], "filter": "label=ses-1"}});
    assert_eq!(api.post("/tree?filter=label=other", sessions.clone()).await.ok(), json!([]));
    assert_eq!(api.post("/tree?filter=label=ses-1&limit=1", sessions).await.ok()[0]["label"], "ses-1");
    let counted = json!({"projects": {"fields": ["label"], "sessions": {"fields": ["project"]}}});
    assert_eq!(api.post("/tree", counted).await.ok()[0]["sessions"][0]["project"], project.as_str());
}

#[tokio::test]
async fn info_comes_only_when_all_of_it_is_asked_for() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    api.patch(&format!("/projects/{project}/info"), json!({"set": {"a": {"b": 1}}})).await.ok();
    let body = json!({"projects": {"fields": ["info.a.b"]}});
    assert_eq!(api.post("/tree", body.clone()).await.ok(), json!([{"_id": project}]));
    let whole = api.post("/tree?include_all_info=true", body).await.ok();
    assert_eq!(whole, json!([{"_id": project, "info": {"a": {"b": 1}}}]));
}

#[tokio::test]
async fn what_a_caller_may_not_see_is_not_in_the_tree() {
    let api = Api::new().await;
    let [group, ..] = api.tree().await;
    let stranger = api.user("s@x.org", false).await;
    let body = json!({"projects": {"fields": ["label"]}});
    let answer = api.call(&stranger, Method::POST, "/tree", Some(body.clone())).await;
    assert_eq!(answer.ok(), json!([]));
    api.call(&stranger, Method::POST, "/tree?exhaustive=true", Some(body)).await.error(403);
    let member = json!({"_id": "s@x.org", "access": "ro"});
    api.post(&format!("/groups/{group}/permissions"), member).await.ok();
    let groups = json!({"groups": {"fields": ["label"], "projects": {"fields": ["label"]}}});
    let answer = api.call(&stranger, Method::POST, "/tree", Some(groups)).await.ok();
    assert_eq!(answer, json!([{"_id": group, "label": group, "projects": []}]));
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_told_where() {
    let api = Api::new().await;
    for body in [
        json!({}),
        json!({"projects": {"fields": []}, "groups": {"fields": []}}),
        json!({"galaxies": {"fields": []}}),
        json!({"projects": {}}),
        json!({"projects": {"fields": "label"}}),
        json!({"projects": {"fields": [], "limit": "x"}}),
    ] {
        api.post("/tree", body).await.error(422);
    }
    let lost = json!({"projects": {"fields": [], "subjects": {"fields": [], "groups": {"fields": []}}}});
    let message = api.post("/tree", lost).await.error(422);
    assert!(message.contains("body.projects.subjects.groups"), "{message}");
    api.post("/tree", json!({"projects": {"fields": [], "filter": "label"}})).await.error(422);
}

#[tokio::test]
async fn the_graph_names_the_keys_of_every_connection() {
    let graph = Api::new().await.get("/tree/graph").await.ok();
    assert_eq!(graph["projects"]["connections"]["sessions"], json!({"foreign": "project"}));
    assert_eq!(graph["subjects"]["connections"]["acquisitions"], json!({"foreign": "parents.subject"}));
    assert_eq!(graph["sessions"]["connections"]["analyses"], json!({"foreign": "parent.id"}));
    assert_eq!(
        graph["acquisitions"]["connections"]["session"],
        json!({"local": "parents.session", "foreign": "_id", "collection": "sessions", "order": "1"})
    );
}
