//! What copies, bulk calls, uploads and packfiles may still do while a project is locked.

use http::Method;
use serde_json::{Value, json};

use super::{body, twin};
use crate::files::{document::PROVIDER, harness::Bench};

#[tokio::test]
async fn a_locked_project_is_copied_from_and_not_written_to() {
    let bench = Bench::new().await;
    let file = bench.put("a.txt", b"a").await["file_id"].as_str().unwrap().to_owned();
    let [other, subject, session] = twin(&bench).await;
    let (locked, filter) = (format!("/projects/{}", bench.project), json!({}));
    bench.post(&format!("{locked}/lock"), json!({"reason": "data_review"})).await.ok();
    let origin = json!({"type": "user", "id": "x"});
    let placed = json!({
        "group": {"_id": "lab"}, "project": {"label": "Study"}, "session": {"label": "x", "subject": {"label": "y"}},
        "acquisition": {"label": "z", "files": [{"name": "a.txt"}]},
    });
    let tags = json!({"container_type": "session", "sources": [bench.session], "tags": ["t"]});
    for (path, wanted) in [
        ("/bulk/move/sessions".to_owned(), body("projects", &[&bench.session], &other, "move")),
        ("/bulk/move/sessions".to_owned(), body("projects", &[&session], &bench.project, "move")),
        ("/bulk/delete/sessions".to_owned(), json!([bench.session])),
        ("/bulk/delete/files".to_owned(), json!([file])),
        ("/bulk/add/tags".to_owned(), tags.clone()),
        ("/bulk/remove/tags".to_owned(), tags),
        (format!("/sessions/{session}/copy"), json!({"dst_subject_id": bench.subject, "filter": filter})),
        (format!("{locked}/packfile-start"), Value::Null),
        (format!("{locked}/upsert-hierarchy"), json!({"origin": origin, "subject": {"label": "new"}})),
        (format!("/files/{file}/restore?version=1"), Value::Null),
        (
            "/files".to_owned(),
            json!({
                "provider_id": PROVIDER, "uuid": "00000000-0000-4000-8000-000000000000", "name": "b", "size": 1,
                "parent_ref": {"type": "project", "id": bench.project}, "origin": origin,
            }),
        ),
    ] {
        let message = bench.post(&path, wanted).await.refused(403);
        assert!(message.contains("locked (data_review)"), "{path}: {message}");
    }
    bench.upload("/upload/label", &[("a.txt", b"x")], Some(placed)).await.refused(403);
    for (path, list) in [("/files", &file), ("/sessions", &bench.session)] {
        bench.call(Method::DELETE, path, json!([list])).await.refused(403);
    }
    let copy = json!({"dst_subject_id": subject, "dst_session_label": "copy", "filter": filter});
    assert_eq!(bench.post(&format!("/sessions/{}/copy", bench.session), copy).await.ok()["label"], "copy");
    bench.post(&format!("{locked}/unlock"), json!({})).await.ok();
    bench.call(Method::DELETE, "/files", json!([file])).await.ok();
}
