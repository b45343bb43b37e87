//! Bulk calls through the router.
#![allow(clippy::unwrap_used)]

mod locked;

use http::Method;
use serde_json::{Value, json};

use crate::files::harness::Bench;

fn body(to: &str, sources: &[&str], destination: &str, mode: &str) -> Value {
    json!({
        "destination_container_type": to, "sources": sources, "destinations": [destination],
        "conflict_mode": mode,
    })
}

/// A second project with a subject and a session of the same labels; its id and theirs.
async fn twin(bench: &Bench) -> [String; 3] {
    let project = bench.add("/projects", json!({"label": "Twin", "group": "lab"})).await;
    let subject = bench.add("/subjects", json!({"label": "sub-01", "project": project})).await;
    let session = json!({"label": "ses-01", "project": project, "subject": {"_id": subject}});
    let session = bench.add("/sessions", session).await;
    [project, subject, session]
}

#[tokio::test]
async fn sessions_move_to_a_project_and_take_their_subject_along() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"a").await;
    let project = bench.add("/projects", json!({"label": "Other", "group": "lab"})).await;
    let mut wanted = body("projects", &[&bench.session], &project, "skip");
    wanted["remove_source"] = true.into();
    assert_eq!(bench.post("/bulk/move/sessions", wanted).await.ok(), json!([]));
    let session = bench.get(&format!("/sessions/{}", bench.session)).await.ok();
    assert_eq!((&session["project"], &session["subject"]["label"]), (&json!(project), &json!("sub-01")));
    let file = bench.get(&bench.file("a.txt/info")).await.ok();
    assert_eq!(file["parents"]["project"], project);
    bench.get(&format!("/subjects/{}", bench.subject)).await.refused(404);
}

#[tokio::test]
async fn a_taken_label_is_a_conflict_that_is_told_skipped_or_merged() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"a").await;
    let attach = format!("/sessions/{}/files", bench.session);
    bench.upload(&attach, &[("notes.txt", b"source"), ("only-here.txt", b"x")], None).await.ok();
    let [project, subject, session] = twin(&bench).await;
    bench.upload(&format!("/sessions/{session}/files"), &[("notes.txt", b"target")], None).await.ok();
    let conflict = json!([{
        "move_type": ["session"], "id": bench.session, "conflict_with": {"type": "session", "id": session},
        "conflict_label": "ses-01", "label": "ses-01", "subject_code": "sub-01",
    }]);
    for (to, id) in [("projects", &project), ("subjects", &subject)] {
        for mode in ["dry", "skip"] {
            let wanted = body(to, &[&bench.session], id, mode);
            assert_eq!(bench.post("/bulk/move/sessions", wanted).await.ok(), conflict, "{to} {mode}");
        }
    }
    let unmoved = bench.get(&format!("/sessions/{}", bench.session)).await.ok();
    assert_eq!(unmoved["project"], bench.project);
    let wanted = body("projects", &[&bench.session], &project, "move");
    assert_eq!(bench.post("/bulk/move/sessions", wanted.clone()).await.ok(), conflict);
    let acquisition = bench.get(&format!("/acquisitions/{}", bench.acquisition)).await.ok();
    assert_eq!(
        (&acquisition["session"], &acquisition["parents"]["project"]),
        (&json!(session), &json!(project))
    );
    assert_eq!(bench.get(&bench.file("a.txt")).await.bytes, "a");
    let files = format!("/sessions/{session}/files");
    assert_eq!(bench.get(&format!("{files}/notes.txt")).await.bytes, "target");
    assert_eq!(bench.get(&format!("{files}/only-here.txt")).await.bytes, "x");
    assert_eq!(bench.get(&format!("{attach}/notes.txt")).await.bytes, "source", "what has no room stays");
    bench.call(Method::DELETE, &format!("{attach}/notes.txt"), Value::Null).await.ok();
    bench.post("/bulk/move/sessions", wanted).await.ok();
    bench.get(&format!("/sessions/{}", bench.session)).await.refused(404);
}

#[tokio::test]
async fn acquisitions_and_subjects_move_alike() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"a").await;
    let [project, subject, session] = twin(&bench).await;
    let wanted = body("sessions", &[&bench.acquisition], &session, "skip");
    assert_eq!(bench.post("/bulk/move/acquisitions", wanted).await.ok(), json!([]));
    assert_eq!(bench.get(&format!("/acquisitions/{}", bench.acquisition)).await.ok()["session"], session);
    let wanted = body("projects", &[&bench.subject], &project, "move");
    let conflicts = bench.post("/bulk/move/subjects", wanted).await.ok();
    let moved: Vec<&Value> = conflicts.as_array().unwrap().iter().map(|one| &one["move_type"][0]).collect();
    assert_eq!(moved, ["subject", "session"]);
    bench.get(&format!("/subjects/{}", bench.subject)).await.refused(404);
    assert_eq!(bench.get(&format!("/subjects/{subject}/sessions")).await.ok().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn one_source_that_may_not_move_stops_all() {
    let bench = Bench::new().await;
    let [project, subject, _] = twin(&bench).await;
    let writer = bench.as_user("rw@x.org", Some("rw")).await;
    let wanted = body("projects", &[&bench.session], &project, "move");
    writer.post("/bulk/move/sessions", wanted).await.refused(403);
    let missing = body("subjects", &[&bench.session, "ffffffffffffffffffffffff"], &subject, "move");
    bench.post("/bulk/move/sessions", missing).await.refused(404);
    assert_eq!(bench.get(&format!("/sessions/{}", bench.session)).await.ok()["project"], bench.project);
    bench.post("/bulk/move/sessions", body("groups", &[&bench.session], "lab", "move")).await.refused(422);
    bench.post("/bulk/move/sessions", body("projects", &[], &project, "move")).await.refused(422);
    bench
        .post("/bulk/move/acquisitions", body("projects", &[&bench.acquisition], &project, "dry"))
        .await
        .refused(422);
    let mut uneven = body("subjects", &[&bench.session], &subject, "dry");
    uneven["destinations"] = json!([subject, subject]);
    bench.post("/bulk/move/sessions", uneven).await.refused(422);
}

#[tokio::test]
async fn many_are_copied_tagged_and_deleted_at_once() {
    let bench = Bench::new().await;
    let file = bench.put("a.txt", b"a").await["file_id"].as_str().unwrap().to_owned();
    let [_, _, session] = twin(&bench).await;
    let copy = |to: &str, source: &str, id: &str| json!({"destination_container_type": to, "sources": [source], "destinations": [id], "filter": {}});
    let copied =
        bench.post("/bulk/copy/acquisitions", copy("sessions", &bench.acquisition, &session)).await.ok();
    let path = format!("/acquisitions/{}", copied[0]["_id"].as_str().unwrap());
    assert_eq!(bench.get(&format!("{path}/files/a.txt")).await.bytes, "a");
    let of_file = bench.post("/bulk/copy/files", copy("sessions", &file, &session)).await.ok();
    assert_eq!(of_file[0]["copy_of"], file);
    assert_eq!(bench.get(&format!("/sessions/{session}/files/a.txt")).await.bytes, "a");
    bench.post("/bulk/copy/files", copy("sessions", &file, &session)).await.refused(409);
    bench.post("/bulk/copy/sessions", copy("sessions", &bench.session, &session)).await.refused(422);

    let tag = |kind: &str, id: &str, tags: Value| json!({"container_type": kind, "sources": [id, "none"], "tags": tags});
    let added = bench.post("/bulk/add/tags", tag("sessions", &session, json!(["a", "b"]))).await.ok();
    assert_eq!(added, json!({"modified": 1, "conflicts": [], "not_found": 1}));
    let again = bench.post("/bulk/add/tags", tag("session", &session, json!(["b", "c"]))).await.ok();
    assert_eq!(again["conflicts"], json!([session]));
    let removed = bench.post("/bulk/remove/tags", tag("session", &session, json!(["a", "b"]))).await.ok();
    assert_eq!((&removed["modified"], &removed["conflicts"]), (&json!(1), &json!([])));
    assert_eq!(bench.get(&format!("/sessions/{session}")).await.ok()["tags"], json!(["c"]));
    bench.post("/bulk/add/tags", tag("files", &file, json!(["f"]))).await.ok();
    assert_eq!(bench.get(&format!("/files/{file}/tags")).await.ok(), json!(["f"]));

    let gone = bench.post("/bulk/delete/sessions", json!([session, "ffffffffffffffffffffffff"])).await.ok();
    assert_eq!(gone, json!({"deleted": 1, "not_found": 1}));
    assert_eq!(bench.post("/bulk/delete/files", json!({"sources": [file]})).await.ok()["deleted"], 1);
    bench.get(&bench.file("a.txt")).await.refused(404);
    bench.post("/bulk/delete/planets", json!([])).await.refused(404);
    let reader = bench.as_user("ro@x.org", Some("ro")).await;
    reader.post("/bulk/delete/acquisitions", json!([bench.acquisition])).await.refused(403);
}
