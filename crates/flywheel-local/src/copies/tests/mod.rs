//! Copies by reference through the router.
#![allow(clippy::unwrap_used)]

use http::Method;
use serde_json::{Value, json};

use crate::{files::harness::Bench, store::records};

/// A project with a second, empty session, an analysis of a file, tags, notes and info.
async fn filled() -> Bench {
    let bench = Bench::new().await;
    bench.put("t1.dcm", b"pixels").await;
    bench.put("t1.nii", b"voxels").await;
    bench.upload(&format!("/projects/{}/files", bench.project), &[("plan.pdf", b"plan")], None).await.ok();
    let subject = json!({"_id": bench.subject});
    bench.add("/sessions", json!({"label": "empty", "project": bench.project, "subject": subject})).await;
    let acquisition = format!("/acquisitions/{}", bench.acquisition);
    bench.call(Method::PATCH, &format!("{acquisition}/tags"), json!(["good"])).await.ok();
    bench.call(Method::PATCH, &format!("{acquisition}/info"), json!({"set": {"TR": 2}})).await.ok();
    bench.post(&format!("{acquisition}/notes"), json!({"text": "blurred"})).await.ok();
    let inputs = json!([{"type": "acquisition", "id": bench.acquisition, "name": "t1.dcm"}]);
    bench
        .add(&format!("/sessions/{}/analyses", bench.session), json!({"label": "fit", "inputs": inputs}))
        .await;
    bench
}

async fn target(bench: &Bench) -> String {
    bench.add("/projects", json!({"label": "Target", "group": "lab"})).await
}

/// Waits for a copy of a project to end.
async fn ended(bench: &Bench, copy: &Value) -> Value {
    let path = format!("/projects/{}/copy/{}/status", bench.project, copy["snapshot_id"].as_str().unwrap());
    loop {
        let status = bench.get(&path).await.ok();
        if status["status"] != "copying" {
            return status;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_subject_is_copied_with_what_is_in_it_and_says_what_it_is_a_copy_of() {
    let bench = filled().await;
    let target = target(&bench).await;
    let body = json!({"dst_project_id": target, "filter": {}});
    let copy = bench.post(&format!("/subjects/{}/copy", bench.subject), body.clone()).await.ok();
    assert_eq!((&copy["label"], &copy["code"]), (&json!("sub-01"), &json!("sub-01")));
    assert_eq!((&copy["copy_of"], &copy["original_copy_of"]), (&json!(bench.subject), &json!(bench.subject)));
    assert_eq!((&copy["copy_status"], &copy["project"]), (&json!("completed"), &json!(target)));
    let sessions = bench.get(&format!("/subjects/{}/sessions", copy["_id"].as_str().unwrap())).await.ok();
    assert_eq!(sessions.as_array().unwrap().len(), 1, "the empty session is left out");
    let session = sessions[0]["_id"].as_str().unwrap();
    let acquisitions = bench.get(&format!("/sessions/{session}/acquisitions")).await.ok();
    let path = format!("/acquisitions/{}", acquisitions[0]["_id"].as_str().unwrap());
    let acquisition = bench.get(&path).await.ok();
    assert_eq!((&acquisition["tags"], &acquisition["info"]["TR"]), (&json!(["good"]), &json!(2)));
    assert_eq!(acquisition["notes"][0]["text"], "blurred");
    let source = bench.get(&bench.file("t1.dcm/info")).await.ok();
    let file = bench.get(&format!("{path}/files/t1.dcm/info")).await.ok();
    assert_ne!(file["file_id"], source["file_id"]);
    assert_eq!((&file["version"], &file["hash"]), (&json!(1), &source["hash"]));
    assert_eq!(file["copy_of"]["file_id"], source["file_id"]);
    assert_eq!(
        (&file["copy_of"]["project_label"], &file["copy_of"]["group_label"]),
        (&json!("Study"), &json!("Lab"))
    );
    assert_eq!(file["original_copy_of"], json!({"file_id": source["file_id"], "version": 1}));
    let analyses = bench.get(&format!("/sessions/{session}/analyses")).await.ok();
    assert_eq!(analyses[0]["inputs"][0]["file_id"], file["file_id"], "the input is the copy");
    bench.post(&format!("/subjects/{}/copy", bench.subject), body).await.refused(409);
    // The bytes are there as long as one of the two is.
    bench.call(Method::DELETE, &bench.file("t1.dcm"), Value::Null).await.refused(403);
    bench.call(Method::DELETE, &bench.file("t1.nii"), Value::Null).await.ok();
    assert_eq!(bench.get(&format!("{path}/files/t1.nii")).await.bytes, "voxels");
    // A copy of a copy remembers the first.
    let again = json!({"dst_session_id": session, "label": "again", "filter": {}});
    let again = bench.post(&format!("{path}/copy"), again).await.ok();
    assert_eq!(
        (&again["copy_of"], &again["original_copy_of"]),
        (&acquisition["_id"], &json!(bench.acquisition))
    );
}

#[tokio::test]
async fn filters_leave_files_and_metadata_out() {
    let bench = filled().await;
    let copy = async |filter: Value| {
        let body = json!({"dst_session_id": bench.session, "label": "copy", "filter": filter});
        bench.post(&format!("/acquisitions/{}/copy", bench.acquisition), body).await.ok()
    };
    let names = |copy: &Value| -> Vec<String> {
        copy["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| file["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&copy(json!({"include_rules": ["file.type=dicom"]})).await), ["t1.dcm"]);
    assert_eq!(names(&copy(json!({"exclude_rules": ["file.type=dicom"]})).await), ["t1.nii"]);
    assert_eq!(names(&copy(json!({"include_rules": ["session.label=other"]})).await), Vec::<String>::new());
    let bare = copy(json!({"exclude_tags": true, "exclude_notes": true})).await;
    assert_eq!((&bare["tags"], &bare["notes"]), (&json!([]), &json!([])));
    let target = target(&bench).await;
    let body = json!({"dst_project_id": target, "filter": {"exclude_empty_containers": false, "exclude_analysis": true}});
    let subject = bench.post(&format!("/subjects/{}/copy", bench.subject), body).await.ok();
    let sessions = bench.get(&format!("/subjects/{}/sessions", subject["_id"].as_str().unwrap())).await.ok();
    assert_eq!(sessions.as_array().unwrap().len(), 2);
    let analyses = format!("/subjects/{}/all/analyses", subject["_id"].as_str().unwrap());
    assert_eq!(bench.get(&analyses).await.ok(), json!([]));
}

#[tokio::test]
async fn a_session_goes_to_the_subject_of_its_label_or_to_one_that_is_named() {
    let bench = filled().await;
    let target = target(&bench).await;
    let path = format!("/sessions/{}/copy", bench.session);
    let to_project = json!({"dst_project_id": target, "filter": {}});
    bench.post(&path, json!({"filter": {}})).await.refused(422);
    let made = bench.post(&path, to_project.clone()).await.ok();
    let subject = made["parents"]["subject"].as_str().unwrap();
    assert_eq!((&made["subject"]["label"], &made["parents"]["project"]), (&json!("sub-01"), &json!(target)));
    let again = bench.post(&path, to_project).await.ok();
    assert_eq!(again["parents"]["subject"], subject);
    let named = json!({"dst_subject_id": subject, "dst_session_label": "renamed", "filter": {}});
    assert_eq!(bench.post(&path, named).await.ok()["label"], "renamed");
}

#[tokio::test]
async fn the_filter_is_asked_for_before_anything_else() {
    let bench = filled().await;
    let stranger = bench.as_user("s@x.org", None).await;
    for kind in ["projects", "subjects", "sessions", "acquisitions"] {
        let body = json!({"dst_project_id": bench.project, "group_id": "lab", "project_label": "x", "dst_session_id": bench.session});
        let path = format!("/{kind}/ffffffffffffffffffffffff/copy");
        let answer = stranger.post(&path, body).await;
        let detail = answer.json()["detail"].clone();
        answer.refused(422);
        assert!(
            detail.as_array().unwrap().iter().any(|one| one["loc"] == json!(["body", "filter"])),
            "{kind}"
        );
    }
    let body = json!({"dst_session_id": bench.session, "filter": {}});
    stranger.post(&format!("/acquisitions/{}/copy", bench.acquisition), body.clone()).await.refused(403);
    let reader = bench.as_user("ro@x.org", Some("ro")).await;
    reader.post(&format!("/acquisitions/{}/copy", bench.acquisition), body).await.refused(403);
}

#[tokio::test]
async fn a_project_is_copied_in_the_background_as_it_was_at_its_snapshot() {
    let bench = filled().await;
    let body = json!({"group_id": "lab", "project_label": "Copy", "filter": {}});
    let path = format!("/projects/{}/copy", bench.project);
    let copy = bench.post(&path, body).await.ok();
    let status = ended(&bench, &copy).await;
    assert_eq!((&status["status"], &status["subjects_copied"]), (&json!("completed"), &json!(1)));
    let project = bench.get(&format!("/projects/{}", copy["project_id"].as_str().unwrap())).await.ok();
    assert_eq!((&project["copy_status"], &project["copy_of"]), (&json!("completed"), &json!(bench.project)));
    assert_eq!(project["files"][0]["name"], "plan.pdf");
    // What happens after the snapshot is not in a later copy of it.
    bench.call(Method::DELETE, &bench.file("t1.nii"), Value::Null).await.ok();
    bench.put("late.txt", b"late").await;
    let body = json!({
        "group_id": "lab", "project_label": "Later", "filter": {"exclude_analysis": true},
        "snapshot_id": copy["snapshot_id"],
    });
    let later = bench.post(&path, body.clone()).await.ok();
    assert_eq!(
        (&later["snapshot_id"], ended(&bench, &later).await["status"].clone()),
        (&copy["snapshot_id"], json!("completed"))
    );
    let acquisitions =
        bench.get(&format!("/projects/{}/acquisitions", later["project_id"].as_str().unwrap())).await.ok();
    let files = acquisitions[0]["files"].as_array().unwrap();
    let names: Vec<&str> = files.iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["t1.dcm", "t1.nii"]);
    let copies = bench.get(&format!("/projects/{}/copies", bench.project)).await.ok();
    assert_eq!((copies.as_array().unwrap().len(), &copies[0]["label"]), (2, &json!("Later")));
    bench.post(&path, body).await.refused(409);
    bench.get(&format!("{path}/unknown/status")).await.refused(404);
    bench.call(Method::PUT, &format!("/projects/{}", bench.project), json!({"copyable": false})).await.ok();
    bench.post(&path, json!({"group_id": "lab", "project_label": "No", "filter": {}})).await.refused(403);
}

#[tokio::test]
async fn a_copy_that_a_stop_interrupted_is_taken_up_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let open =
        async || crate::Site::builder().data(folder.path()).admin_key("admin-secret").open().await.unwrap();
    let bench = Bench::of(open().await).await;
    bench.put("a.txt", b"a").await;
    let body = json!({"group_id": "lab", "project_label": "Copy", "filter": {}});
    let copy = bench.post(&format!("/projects/{}/copy", bench.project), body).await.ok();
    ended(&bench, &copy).await;
    // As a kill right after the call would have left it: the record says where to go on.
    let (source, made) = (bench.project.clone(), copy["project_id"].as_str().unwrap().to_owned());
    let rewind = move |db: &rusqlite::Connection| {
        let mut doc = records::get(db, &format!("copy:{source}"), &made)?.unwrap();
        doc.insert("status".into(), "copying".into());
        records::put(db, &format!("copy:{source}"), &made, &doc)?;
        records::put(db, "copy_running", &made, json!({"source": source}).as_object().unwrap())
    };
    bench.site.store().write(rewind).await.unwrap();
    let project = bench.project.clone();
    drop(bench);
    let bench = Bench::again(open().await, project);
    assert_eq!(ended(&bench, &copy).await["status"], "completed");
}
