//! Moving containers.

use http::Method;
use serde_json::json;

use super::Api;

#[tokio::test]
async fn a_moved_session_takes_everything_below_along() {
    let api = Api::new().await;
    let [group, _, _, session, acquisition] = api.tree().await;
    let other = api.project(&group, "other").await;
    let subject = api.subject(&other, "sub-9").await;
    let path = format!("/acquisitions/{acquisition}");
    let file =
        api.file(api.root(), &path, "a.txt", "x").await.ok()[0]["file_id"].as_str().unwrap().to_owned();
    let analysis = api.post(&format!("{path}/analyses"), json!({"label": "x"})).await.id();
    api.put(&format!("/sessions/{session}"), json!({"subject": {"_id": subject}, "label": "moved"}))
        .await
        .ok();
    let expected = [("project", &other), ("subject", &subject), ("session", &session)];
    for shown in [
        api.get(&path).await.ok(),
        api.get(&format!("/analyses/{analysis}")).await.ok(),
        api.get(&format!("/files/{file}")).await.ok(),
    ] {
        for (level, id) in &expected {
            assert_eq!(shown["parents"][level], id.as_str(), "{shown}");
        }
    }
    let shown = api.get(&format!("/sessions/{session}")).await.ok();
    assert_eq!((&shown["label"], &shown["project"]), (&json!("moved"), &json!(other)));
    assert_eq!(
        api.get(&format!("/projects/{other}/acquisitions")).await.column("_id"),
        [acquisition.as_str()]
    );
    assert_eq!(api.filtered("/files", &format!("parents.project={other}")).await.ok()["total"], 1);
}

#[tokio::test]
async fn a_session_moved_to_a_project_brings_its_subject_unless_one_is_there() {
    let api = Api::new().await;
    let [group, project, subject, session, _] = api.tree().await;
    let other = api.project(&group, "other").await;
    api.put(&format!("/sessions/{session}"), json!({"project": other})).await.ok();
    let shown = api.get(&format!("/sessions/{session}")).await.ok();
    assert_eq!((&shown["project"], &shown["subject"]["label"]), (&json!(other), &json!("sub-1")));
    assert_ne!(shown["parents"]["subject"], subject.as_str());
    let second = api.session(&project, &subject, "ses-2").await;
    let message = api.put(&format!("/sessions/{second}"), json!({"project": other})).await.error(422);
    assert!(message.contains("sub-1"), "{message}");
    let existing = shown["parents"]["subject"].clone();
    api.put(&format!("/sessions/{second}"), json!({"project": other, "subject": existing})).await.ok();
    assert_eq!(api.get(&format!("/sessions/{second}")).await.ok()["parents"]["subject"], existing);
}

#[tokio::test]
async fn a_session_moved_to_a_new_label_makes_that_subject() {
    let api = Api::new().await;
    let [_, project, _, session, acquisition] = api.tree().await;
    api.put(&format!("/sessions/{session}"), json!({"subject": {"label": "fresh"}})).await.ok();
    let subject = api.get(&format!("/acquisitions/{acquisition}")).await.ok()["parents"]["subject"].clone();
    let shown = api.get(&format!("/subjects/{}", subject.as_str().unwrap())).await.ok();
    assert_eq!((&shown["label"], &shown["project"]), (&json!("fresh"), &json!(project)));
}

#[tokio::test]
async fn subjects_projects_and_acquisitions_move() {
    let api = Api::new().await;
    let [group, project, subject, _, acquisition] = api.tree().await;
    let other = api.project(&group, "other").await;
    api.put(&format!("/subjects/{subject}"), json!({"project": other})).await.ok();
    assert_eq!(
        api.get(&format!("/acquisitions/{acquisition}")).await.ok()["parents"]["project"],
        other.as_str()
    );
    api.subject(&project, "sub-1").await;
    api.put(&format!("/subjects/{subject}"), json!({"project": project})).await.error(409);
    let second = api.subject(&other, "sub-2").await;
    let session = api.session(&other, &second, "s").await;
    api.put(&format!("/acquisitions/{acquisition}"), json!({"session": session})).await.ok();
    assert_eq!(
        api.get(&format!("/sessions/{session}/acquisitions")).await.column("_id"),
        [acquisition.as_str()]
    );
    api.group("away").await;
    api.put(&format!("/projects/{other}"), json!({"group": "away"})).await.ok();
    let shown = api.get(&format!("/acquisitions/{acquisition}")).await.ok();
    assert_eq!(shown["parents"]["group"], "away");
    assert_eq!(api.get("/groups/away/projects").await.column("_id"), [other.as_str()]);
    api.put(&format!("/acquisitions/{acquisition}"), json!({"session": "ffffffffffffffffffffffff"}))
        .await
        .error(404);
}

#[tokio::test]
async fn a_move_needs_rights_at_both_ends() {
    let api = Api::new().await;
    let [group, project, _, session, _] = api.tree().await;
    let other = api.project(&group, "other").await;
    let user = api.user("u@x.org", false).await;
    let [ro, rw] = [api.role("ro").await, api.role("rw").await];
    let give = async |project: &str, role: &str, verb: Method| {
        let post = verb == Method::POST;
        let path = format!("/projects/{project}/permissions{}", if post { "" } else { "/u@x.org" });
        let body =
            if post { json!({"_id": "u@x.org", "role_ids": [role]}) } else { json!({"role_ids": [role]}) };
        api.call(api.root(), verb, &path, Some(body)).await.ok();
    };
    give(&project, &rw, Method::POST).await;
    let path = format!("/sessions/{session}");
    let change = json!({"project": other});
    api.call(&user, Method::PUT, &path, Some(change.clone())).await.error(403);
    give(&other, &ro, Method::POST).await;
    api.call(&user, Method::PUT, &path, Some(change.clone())).await.error(403);
    assert_eq!(api.get(&path).await.ok()["project"], project.as_str());
    assert_eq!(api.get(&format!("/projects/{other}/subjects")).await.ok(), json!([]));
    give(&other, &rw, Method::PUT).await;
    api.call(&user, Method::PUT, &path, Some(change)).await.ok();
    assert_eq!(api.get(&path).await.ok()["permissions"].as_array().unwrap().len(), 2);
}
