//! Reports of the audit trail through the router.
#![allow(clippy::unwrap_used)]

use http::{Method, Request};
use serde_json::json;

use crate::tests::Api;

async fn csv(api: &Api, id: &str) -> Vec<String> {
    let request = Request::get(format!("/api/audit-trail/reports/{id}/csv"))
        .header("authorization", "scitran-user root")
        .body(axum::body::Body::empty())
        .unwrap();
    api.text(request).await.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_report_holds_the_changes_until_it_was_asked_for() {
    let api = Api::new().await;
    let [_, project, subject, session, acquisition] = api.tree().await;
    api.file(api.root(), &format!("/acquisitions/{acquisition}"), "a.txt", "1").await.ok();
    api.put(&format!("/sessions/{session}"), json!({"label": "x"})).await.ok();
    let other = api.subject(&project, "sub-2").await;
    let body = json!({"project_id": project, "label": "all"});
    let report = api.post("/audit-trail/reports", body).await.ok();
    assert_eq!((&report["status"], &report["label"]), (&json!("complete"), &json!("all")));
    let id = report["_id"].as_str().unwrap();
    api.put(&format!("/sessions/{session}"), json!({"label": "later"})).await.ok();
    let lines = csv(&api, id).await;
    assert_eq!(lines.len(), 1 + 5 + 1 + 1, "five made, one file, one change: {lines:#?}");
    assert_eq!(report["size"].as_u64().unwrap() as usize, lines.join("\n").len() + 1);
    assert!(lines.iter().any(|line| line.contains("UPDATE") && line.contains(&session)));

    let some = json!({"project_id": project, "subject_ids": [other], "label": "some"});
    let some = api.post("/audit-trail/reports", some).await.id();
    assert_eq!(csv(&api, &some).await.len(), 2);
    let list = api.get(&format!("/audit-trail/reports?filter=project_id={project}")).await;
    assert_eq!(list.column("label"), ["all", "some"]);
    let _ = subject;
}

#[tokio::test]
async fn reports_are_for_who_may_see_those_of_their_project() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    let member = api.user("m@x.org", false).await;
    api.post(&format!("/projects/{project}/permissions"), json!({"_id": "m@x.org", "access": "rw"}))
        .await
        .ok();
    let body = json!({"project_id": project, "label": "r"});
    let id = api.post("/audit-trail/reports", body.clone()).await.id();
    let path = format!("/audit-trail/reports/{id}");
    api.call(&member, Method::POST, "/audit-trail/reports", Some(body)).await.error(403);
    assert_eq!(api.get_as(&member, "/audit-trail/reports").await.ok(), json!([]));
    api.get_as(&member, &format!("{path}/csv")).await.error(403);
    api.get(&format!("{path}/download")).await.error(404);
    let canceled = api.patch(&path, json!({"status": "canceled"})).await.ok();
    assert_eq!(canceled["status"], "canceled");
    api.get(&format!("{path}/csv")).await.error(409);
    api.delete(&path).await.ok();
    api.delete(&path).await.error(404);
}
