//! Analyses made ad hoc.

use axum::body::Body;
use http::{Request, header::AUTHORIZATION};
use serde_json::json;

use super::Api;

#[tokio::test]
async fn an_analysis_keeps_the_inputs_of_its_birth() {
    let api = Api::new().await;
    let [_, project, _, session, acquisition] = api.tree().await;
    let source = format!("/acquisitions/{acquisition}");
    api.file(api.root(), &source, "a.txt", "one").await.ok();
    let body = json!({"label": "seg", "description": "d", "info": {"k": 1},
        "inputs": [{"type": "acquisition", "id": acquisition, "name": "a.txt"}]});
    let analysis = api.post(&format!("/sessions/{session}/analyses"), body).await.id();
    api.file(api.root(), &source, "a.txt", "two and more").await.ok();
    let shown = api.get(&format!("/analyses/{analysis}")).await.ok();
    assert_eq!(shown["parent"], json!({"type": "session", "id": session}));
    assert_eq!(
        (&shown["parents"]["project"], &shown["parents"]["session"]),
        (&json!(project), &json!(session))
    );
    assert_eq!((&shown["inputs"][0]["size"], &shown["inputs"][0]["version"]), (&json!(3), &json!(1)));
    assert_eq!(shown["info"], json!({"k": 1}));
    assert_eq!(api.get(&format!("/sessions/{session}")).await.ok()["analyses"][0]["_id"], analysis.as_str());
}

#[tokio::test]
async fn older_clients_read_inputs_apart_from_outputs() {
    let api = Api::new().await;
    let [_, _, _, session, acquisition] = api.tree().await;
    api.file(api.root(), &format!("/acquisitions/{acquisition}"), "a.txt", "taken").await.ok();
    let body =
        json!({"label": "seg", "inputs": [{"type": "acquisition", "id": acquisition, "name": "a.txt"}]});
    let analysis = api.post(&format!("/sessions/{session}/analyses"), body).await.id();
    api.file(api.root(), &format!("/analyses/{analysis}"), "a.txt", "made").await.ok();
    api.file(api.root(), &format!("/analyses/{analysis}"), "b.txt", "made").await.ok();
    for at in [format!("/analyses/{analysis}"), format!("/sessions/{session}/analyses/{analysis}")] {
        for (file, text) in [("files/a.txt", "made"), ("inputs/a.txt", "taken")] {
            let request = Request::get(format!("/api{at}/{file}")).header(AUTHORIZATION, "scitran-user root");
            assert_eq!(api.text(request.body(Body::empty()).unwrap()).await, text, "{at}/{file}");
        }
        api.get(&format!("{at}/inputs/b.txt")).await.error(404);
    }
    let input = api.get(&format!("/analyses/{analysis}/inputs/a.txt/info")).await.ok();
    assert_eq!((&input["parent_ref"]["type"], &input["size"]), (&json!("acquisition"), &json!(5)));
}

#[tokio::test]
async fn inputs_must_be_there() {
    let api = Api::new().await;
    let [_, _, _, session, acquisition] = api.tree().await;
    let path = format!("/sessions/{session}/analyses");
    let input =
        |id: &str, kind: &str| json!({"label": "x", "inputs": [{"type": kind, "id": id, "name": "none"}]});
    api.post(&path, input(&acquisition, "acquisition")).await.error(404);
    api.post(&path, input("ffffffffffffffffffffffff", "acquisition")).await.error(404);
    api.post(&path, input(&acquisition, "planet")).await.error(422);
    assert_eq!(api.get("/analyses").await.ok(), json!([]));
}

#[tokio::test]
async fn analyses_are_listed_by_where_they_lie() {
    let api = Api::new().await;
    let [group, project, subject, session, acquisition] = api.tree().await;
    for (kind, id) in [
        ("projects", &project),
        ("subjects", &subject),
        ("sessions", &session),
        ("acquisitions", &acquisition),
    ] {
        api.post(&format!("/{kind}/{id}/analyses"), json!({"label": kind})).await.ok();
    }
    let labels = async |path: String| api.get(&path).await.column("label");
    assert_eq!(labels("/analyses".into()).await, ["projects", "subjects", "sessions", "acquisitions"]);
    assert_eq!(labels(format!("/subjects/{subject}/analyses")).await, ["subjects"]);
    assert_eq!(labels(format!("/projects/{project}/sessions/analyses")).await, ["sessions"]);
    assert_eq!(
        labels(format!("/subjects/{subject}/all/analyses")).await,
        ["subjects", "sessions", "acquisitions"]
    );
    assert_eq!(labels(format!("/groups/{group}/all/analyses?exhaustive=true")).await.len(), 4);
    api.get(&format!("/sessions/{session}/projects/analyses")).await.error(400);
    api.get(&format!("/containers/{session}/analyses")).await.ok();
}

#[tokio::test]
async fn an_analysis_is_changed_and_deleted_alone_or_below_its_parent() {
    let api = Api::new().await;
    let [_, project, _, session, _] = api.tree().await;
    let list = format!("/sessions/{session}/analyses");
    let analysis = api.post(&list, json!({"label": "a"})).await.id();
    let below = format!("{list}/{analysis}");
    api.put(&below, json!({"label": "b", "description": "d"})).await.ok();
    api.put(&format!("/analyses/{analysis}"), json!({"info": {}})).await.error(422);
    assert_eq!(api.get(&below).await.ok()["label"], "b");
    api.get(&format!("/projects/{project}/analyses/{analysis}")).await.error(404);
    let note = api.post(&format!("{below}/notes"), json!({"text": "n"})).await.id();
    api.delete(&format!("{below}/notes/{note}")).await.ok();
    api.patch(&format!("/analyses/{analysis}/info"), json!({"set": {"a": 1}})).await.ok();
    api.post(&format!("/analyses/{analysis}/tags"), json!({"value": "t"})).await.ok();
    api.delete(&below).await.ok();
    api.get(&below).await.error(404);
}

#[tokio::test]
async fn what_an_analysis_took_as_input_stays() {
    let api = Api::new().await;
    let [_, _, subject, session, acquisition] = api.tree().await;
    api.file(api.root(), &format!("/acquisitions/{acquisition}"), "a.txt", "one").await.ok();
    let body = json!({"label": "x", "inputs": [{"type": "acquisition", "id": acquisition, "name": "a.txt"}]});
    let analysis = api.post(&format!("/subjects/{subject}/analyses"), body).await.id();
    let refused = api.delete(&format!("/acquisitions/{acquisition}")).await;
    assert_eq!(refused.body["reason"], "analysis_conflict");
    refused.error(403);
    api.delete(&format!("/sessions/{session}")).await.error(403);
    api.delete(&format!("/analyses/{analysis}")).await.ok();
    api.delete(&format!("/sessions/{session}")).await.ok();
}
