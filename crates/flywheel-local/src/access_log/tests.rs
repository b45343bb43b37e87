//! The access log: what is noted, what the report shows, what a stop leaves behind.
#![allow(clippy::unwrap_used)]

use http::Method;
use serde_json::json;

use super::journal::{Journal, Note};
use crate::tests::Api;

#[tokio::test]
async fn granted_and_denied_requests_are_in_the_report_with_their_place() {
    let api = Api::new().await;
    let [group, project, subject, session, acquisition] = api.tree().await;
    let stranger = api.user("s@x.org", false).await;
    let file = api.file(api.root(), &format!("/acquisitions/{acquisition}"), "a.txt", "x").await.ok();
    let file = file[0]["file_id"].as_str().unwrap().to_owned();
    api.get(&format!("/subjects/{subject}")).await.ok();
    api.get_as(&stranger, &format!("/sessions/{session}")).await.error(403);
    api.get("/sessions/ffffffffffffffffffffffff").await.error(404);
    api.get("/sessions").await.ok();
    api.get(&format!("/files/{file}")).await.ok();
    api.delete(&format!("/files/{file}")).await.ok();
    let report = api.get("/report/accesslog").await;
    let report = report.ok();
    let seen: Vec<(&str, &str)> = report
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["access_type"].as_str().unwrap(), entry["outcome"].as_str().unwrap()))
        .collect();
    let wanted = [
        ("delete_file", "granted"),
        ("view_file", "granted"),
        ("view_container", "denied"),
        ("view_subject", "granted"),
    ];
    assert_eq!(seen, wanted, "newest first");
    let denied = &report[2];
    assert_eq!((&denied["user_id"], &denied["request_method"]), (&json!("s@x.org"), &json!("GET")));
    assert_eq!(denied["request_path"], format!("/api/sessions/{session}"));
    let context = &report[0]["context"];
    assert_eq!(context["group"], json!({"id": group, "label": group}));
    assert_eq!(context["project"], json!({"id": project, "label": "study"}));
    assert_eq!(context["acquisition"], json!({"id": acquisition, "label": "t1"}));
    assert_eq!(context["file"], json!({"name": "a.txt"}));
}

#[tokio::test]
async fn the_report_is_narrowed_by_user_project_subject_type_and_time() {
    let api = Api::new().await;
    let [_, project, subject, session, _] = api.tree().await;
    let stranger = api.user("s@x.org", false).await;
    api.get(&format!("/subjects/{subject}")).await.ok();
    api.get(&format!("/projects/{project}")).await.ok();
    api.get_as(&stranger, &format!("/sessions/{session}")).await.error(403);
    for (query, count) in [
        ("user=s@x.org".to_owned(), 1),
        (format!("project={project}"), 3),
        (format!("subject={subject}"), 2),
        ("access_types=view_subject".to_owned(), 1),
        ("access_types=view_subject&access_types=view_container".to_owned(), 3),
        ("start_date=2100-01-01T00:00:00Z".to_owned(), 0),
        ("end_date=2100-01-01T00:00:00Z".to_owned(), 3),
        ("limit=2".to_owned(), 2),
        ("filter=outcome=denied".to_owned(), 1),
    ] {
        let report = api.get(&format!("/report/accesslog?{query}")).await.ok();
        assert_eq!(report.as_array().unwrap().len(), count, "{query}");
    }
    api.get("/report/accesslog?access_types=dance").await.error(400);
    api.get("/report/accesslog?start_date=yesterday").await.error(400);
    api.get_as(&stranger, "/report/accesslog").await.error(403);
}

#[tokio::test]
async fn what_moves_or_is_replaced_is_noted_where_it_was_and_where_it_is() {
    let api = Api::new().await;
    let [_, project, subject, session, acquisition] = api.tree().await;
    let files = format!("/acquisitions/{acquisition}");
    let first = api.file(api.root(), &files, "a.txt", "x").await.ok();
    let file = first[0]["file_id"].as_str().unwrap().to_owned();
    api.file(api.root(), &files, "a.txt", "y").await.ok();
    let to = json!({"container_reference": {"type": "session", "id": session}});
    api.post(&format!("/files/{file}/move"), to).await.ok();
    api.post(&format!("/files/{file}/move"), json!({"name": "b.txt"})).await.ok();
    let other = api.session(&project, &subject, "ses-2").await;
    api.put(&format!("/acquisitions/{acquisition}"), json!({"session": other, "label": "t2"})).await.ok();
    api.put(&format!("/acquisitions/{acquisition}"), json!({"label": "t3"})).await.ok();
    let report = api.get("/report/accesslog?sort=timestamp,_id").await.ok();
    let seen = report.as_array().unwrap().iter().map(|entry| {
        let of = |level: &str| entry["context"][level]["id"].as_str().unwrap_or_default();
        let name = entry["context"]["file"]["name"].as_str().unwrap_or_default();
        (entry["access_type"].as_str().unwrap(), of("session"), of("acquisition"), name)
    });
    let wanted = [
        ("replace_file", session.as_str(), acquisition.as_str(), "a.txt"),
        ("file_moved_away", &session, &acquisition, "a.txt"),
        ("file_moved_in", &session, "", "a.txt"),
        ("container_moved_away", &session, &acquisition, ""),
        ("container_moved_in", &other, &acquisition, ""),
    ];
    assert_eq!(seen.collect::<Vec<_>>(), wanted);
    let moved = &report[1];
    assert_eq!(moved["request_path"], format!("/api/files/{file}/move"));
    assert_eq!((&moved["request_method"], &moved["user_id"]), (&json!("POST"), &json!(crate::ADMIN)));
}

#[tokio::test]
async fn bulk_moves_are_noted_too() {
    let api = Api::new().await;
    let [_, project, subject, session, _] = api.tree().await;
    let to = api.subject(&project, "sub-2").await;
    let body = json!({
        "destination_container_type": "subjects", "sources": [session], "destinations": [to],
        "conflict_mode": "skip",
    });
    api.post("/bulk/move/sessions", body).await.ok();
    let report = api.get("/report/accesslog?sort=timestamp,_id").await.ok();
    let of = |index: usize| {
        let entry = &report[index];
        (entry["access_type"].as_str().unwrap(), entry["context"]["subject"]["id"].as_str().unwrap())
    };
    assert_eq!(
        (of(0), of(1)),
        (("container_moved_away", subject.as_str()), ("container_moved_in", to.as_str()))
    );
}

#[tokio::test]
async fn permissions_and_users_leave_traces() {
    let api = Api::new().await;
    let [group, ..] = api.tree().await;
    api.user("s@x.org", false).await;
    let path = format!("/groups/{group}/permissions");
    api.post(&path, json!({"_id": "s@x.org", "access": "ro"})).await.ok();
    api.put(&format!("{path}/s@x.org"), json!({"access": "rw"})).await.ok();
    api.put("/users/s@x.org", json!({"disabled": true})).await.ok();
    api.put("/users/s@x.org", json!({"disabled": false, "roles": ["developer"]})).await.ok();
    api.delete("/users/s@x.org").await.empty();
    let mut types = api.get("/report/accesslog").await.column("access_type");
    types.reverse();
    let wanted = [
        "add_permission",
        "modify_permission",
        "user_disabled",
        "user_enabled",
        "user_role_change",
        "user_deleted",
    ];
    assert_eq!(types, wanted);
}

#[tokio::test]
async fn as_csv_it_has_a_row_for_each_entry() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    api.get(&format!("/projects/{project}")).await.ok();
    let request = http::Request::builder()
        .method(Method::GET)
        .uri("/api/report/accesslog?csv=true")
        .header("authorization", "scitran-user root")
        .body(axum::body::Body::empty())
        .unwrap();
    let text = api.text(request).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].contains("access_type") && lines[1].contains("view_container"), "{text}");
}

#[tokio::test]
async fn notes_that_a_stop_left_behind_are_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let note = |id: &str| {
        let note = Note {
            id: id.into(),
            kind: "view_file".into(),
            timestamp: "2020-01-01T00:00:00.000000+00:00".into(),
            origin: json!({"type": "user", "id": "u"}),
            method: "GET".into(),
            path: "/x".into(),
            place: Vec::new(),
            granted: true,
        };
        serde_json::to_string(&note).unwrap() + "\n"
    };
    std::fs::write(folder.path().join("access.log.aside"), note("a") + &note("b")).unwrap();
    std::fs::write(folder.path().join("access.log"), note("b") + &note("c") + "{\"id\": \"cut sh").unwrap();
    let api = Api::new().await;
    let journal = Journal::open(folder.path()).unwrap();
    journal.empty(api.site.store()).await.unwrap();
    let mut ids = api.get("/report/accesslog").await.column("_id");
    ids.sort();
    assert_eq!(ids, ["a", "b", "c"]);
    assert!(!folder.path().join("access.log.aside").exists());
}
