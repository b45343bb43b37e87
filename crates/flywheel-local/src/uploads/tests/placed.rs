//! Uploads by label, by uid, and as a reaper sends them.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};

use crate::files::harness::Bench;

fn metadata(group: &str, project: &str, file: &str) -> Value {
    json!({
        "group": {"_id": group}, "project": {"label": project},
        "session": {
            "label": "ses-01", "uid": "1.2", "timestamp": "2020-01-01T10:00:00Z",
            "subject": {"code": "sub-01", "sex": "female", "firstname": ""},
        },
        "acquisition": {
            "label": "T1w", "uid": "1.2.3", "timestamp": "2020-01-01T09:30:00Z", "tags": ["sent"],
            "files": [{"name": file, "type": "dicom"}],
        },
    })
}

#[tokio::test]
async fn labels_find_what_is_there_and_add_what_is_missing() {
    let bench = Bench::new().await;
    let sent: &[(&str, &[u8])] = &[("a.dcm", b"one"), ("nobody-named-me.txt", b"dropped")];
    let files = bench.upload("/upload/label", sent, Some(metadata("LAB", "study", "a.dcm"))).await.ok();
    assert_eq!(files.as_array().unwrap().len(), 1);
    assert_eq!(files[0]["parents"]["acquisition"], bench.acquisition);
    assert_eq!((&files[0]["type"], &files[0]["_id"]["version"]), (&json!("dicom"), &json!(1)));
    assert_eq!(files[0]["_id"]["file_id"], files[0]["file_id"]);
    let acquisition = bench.get(&format!("/acquisitions/{}", bench.acquisition)).await.ok();
    assert_eq!((&acquisition["uid"], &acquisition["tags"]), (&json!("1.2.3"), &json!(["sent"])));
    let session = bench.get(&format!("/sessions/{}", bench.session)).await.ok();
    assert_eq!(session["timestamp"], "2020-01-01T09:30:00+00:00");
    let subject = bench.get(&format!("/subjects/{}", bench.subject)).await.ok();
    assert_eq!((&subject["sex"], subject.get("firstname")), (&json!("female"), None));

    let mut other = metadata("lab", "Brand New", "b.dcm");
    other["acquisition"]["label"] = "T2w".into();
    let files = bench.upload("/upload/label", &[("b.dcm", b"two")], Some(other)).await.ok();
    let project =
        bench.get(&format!("/projects/{}", files[0]["parents"]["project"].as_str().unwrap())).await.ok();
    assert_eq!((&project["label"], &project["group"]), (&json!("Brand New"), &json!("lab")));
}

#[tokio::test]
async fn what_is_known_of_a_container_stays() {
    let bench = Bench::new().await;
    let path = format!("/acquisitions/{}", bench.acquisition);
    bench.call(Method::PUT, &path, json!({"uid": "mine", "timestamp": "2019-01-01T00:00:00Z"})).await.ok();
    bench.upload("/upload/label", &[("a.dcm", b"1")], Some(metadata("lab", "Study", "a.dcm"))).await.ok();
    let acquisition = bench.get(&path).await.ok();
    assert_eq!(acquisition["uid"], "mine");
    assert_eq!(acquisition["timestamp"], "2019-01-01T00:00:00+00:00");
}

#[tokio::test]
async fn uids_find_sessions_of_the_project_whatever_they_are_called() {
    let bench = Bench::new().await;
    bench.call(Method::PUT, &format!("/sessions/{}", bench.session), json!({"uid": "1.2"})).await.ok();
    let mut sent = metadata("lab", "Study", "a.dcm");
    sent["session"]["label"] = "called otherwise".into();
    let files = bench.upload("/upload/uid", &[("a.dcm", b"1")], Some(sent)).await.ok();
    assert_eq!(files[0]["parents"]["session"], bench.session);
    assert_ne!(files[0]["parents"]["acquisition"], bench.acquisition);
    let again =
        bench.upload("/upload/uid", &[("a.dcm", b"2")], Some(metadata("lab", "Study", "a.dcm"))).await.ok();
    assert_eq!((&again[0]["file_id"], &again[0]["version"]), (&files[0]["file_id"], &json!(2)));
    let matched =
        bench.upload("/upload/uid-match", &[("a.dcm", b"3")], Some(metadata("x", "y", "a.dcm"))).await.ok();
    assert_eq!(matched[0]["version"], 3);
    let mut unknown = metadata("lab", "Study", "a.dcm");
    (unknown["session"]["uid"], unknown["acquisition"]["uid"]) = ("9".into(), "9.9".into());
    bench.upload("/upload/uid-match", &[("a.dcm", b"3")], Some(unknown)).await.refused(404);
}

#[tokio::test]
async fn a_reaper_finds_uids_anywhere_and_sorts_the_rest_under_unknown() {
    let bench = Bench::new().await;
    let reap = async |bytes: &[u8], metadata: Value| {
        bench.upload("/upload/reaper", &[("a.dcm", bytes)], Some(metadata)).await.ok()[0].clone()
    };
    let lost = reap(b"1", metadata("nobody-knows", "it", "a.dcm")).await;
    let session =
        bench.get(&format!("/sessions/{}", lost["parents"]["session"].as_str().unwrap())).await.ok();
    assert_eq!(session["label"], "gr-nobody-knows_proj-it_ses-1.2");
    assert_eq!(lost["parents"]["group"], "unknown");
    let project = bench.get(&format!("/projects/{}", session["project"].as_str().unwrap())).await.ok();
    assert_eq!(project["label"], "Unsorted");
    // Somebody moves the session; later files of it follow, the same bytes twice are one version.
    let move_to = json!({"project": bench.project, "subject": bench.subject});
    bench.call(Method::PUT, &format!("/sessions/{}", session["_id"].as_str().unwrap()), move_to).await.ok();
    let same = reap(b"1", metadata("nobody-knows", "it", "a.dcm")).await;
    assert_eq!((&same["file_id"], &same["version"]), (&lost["file_id"], &json!(1)));
    let next = reap(b"2", metadata("nobody-knows", "it", "a.dcm")).await;
    assert_eq!((&next["parents"]["project"], &next["version"]), (&json!(bench.project), &json!(2)));
    // A misspelt group is the one that comes closest.
    bench.post("/groups", json!({"_id": "neurolab", "label": "Neuro"})).await.ok();
    let mut close = metadata("Neuro-Lab", "Study", "a.dcm");
    (close["session"]["uid"], close["acquisition"]["uid"]) = ("7".into(), "7.7".into());
    assert_eq!(reap(b"3", close).await["parents"]["group"], "neurolab");
}

#[tokio::test]
async fn a_project_of_an_upload_needs_rw_on_the_group_and_begins_with_its_template() {
    let bench = Bench::new().await;
    let [ro, rw, reader] = ["ro@x.org", "rw@x.org", "reader@x.org"];
    let (reading, writing) = (bench.as_user(ro, None).await, bench.as_user(rw, None).await);
    bench.as_user(reader, None).await;
    for (user, access) in [(ro, "ro"), (rw, "rw")] {
        bench.post("/groups/lab/permissions", json!({"_id": user, "access": access})).await.ok();
    }
    let roles = bench.get("/roles").await.ok();
    let role = |level: &str| {
        let named = roles.as_array().unwrap().iter().find(|role| role["default_flywheel_role"] == level);
        named.unwrap()["_id"].clone()
    };
    let entry = json!({"_id": reader, "role_ids": [role("ro")]});
    bench.post("/groups/lab/permissions/templates", entry.clone()).await.ok();
    let sent: &[(&str, &[u8])] = &[("a.dcm", b"one")];
    let said = || Some(metadata("lab", "New", "a.dcm"));
    reading.upload("/upload/label", sent, said()).await.refused(403);
    let files = writing.upload("/upload/label", sent, said()).await.ok();
    let project = format!("/projects/{}", files[0]["parents"]["project"].as_str().unwrap());
    let maker = json!({"_id": rw, "role_ids": [role("admin")]});
    assert_eq!(bench.get(&project).await.ok()["permissions"], json!([maker, entry]));
}

#[tokio::test]
async fn an_upload_without_a_place_or_a_right_is_refused() {
    let bench = Bench::new().await;
    let sent: &[(&str, &[u8])] = &[("a.dcm", b"1")];
    bench.upload("/upload/label", sent, None).await.refused(400);
    bench.upload("/upload/label", &[], Some(metadata("lab", "Study", "a.dcm"))).await.refused(400);
    let mut wrong = metadata("lab", "Study", "a.dcm");
    wrong["acquisition"]["colour"] = "red".into();
    let message = bench.upload("/upload/label", sent, Some(wrong)).await.refused(422);
    assert!(message.contains("acquisition.colour"), "{message}");
    let mut unnamed = metadata("lab", "Study", "a.dcm");
    unnamed["acquisition"]["uid"] = "".into();
    bench.upload("/upload/uid", sent, Some(unnamed)).await.refused(422);
    let reader = bench.as_user("ro@x.org", Some("ro")).await;
    reader.upload("/upload/label", sent, Some(metadata("lab", "Study", "a.dcm"))).await.refused(403);
    reader.upload("/upload/reaper", sent, Some(metadata("lab", "Study", "a.dcm"))).await.refused(403);
    let writer = bench.as_user("rw@x.org", Some("rw")).await;
    writer.upload("/upload/label", sent, Some(metadata("lab", "Study", "a.dcm"))).await.ok();
    writer.upload("/upload/label", sent, Some(metadata("lab", "Another", "a.dcm"))).await.refused(403);
}

#[tokio::test]
async fn placed_uploads_go_by_signed_urls_too() {
    let bench = Bench::new().await;
    let body = json!({"metadata": metadata("lab", "Study", "a.dcm"), "filenames": ["a.dcm"]});
    let begun = bench.post("/upload/label?ticket=", body).await.ok();
    let url =
        begun["urls"]["a.dcm"].as_str().unwrap().strip_prefix("http://site.test/api").unwrap().to_owned();
    let ticket = begun["ticket"].as_str().unwrap();
    bench.anonymous(Method::PUT, &url, Body::from("bytes")).await.ok();
    bench.post(&format!("/upload/uid?ticket={ticket}"), Value::Null).await.refused(400);
    let files = bench.post(&format!("/upload/label?ticket={ticket}"), Value::Null).await.ok();
    assert_eq!(
        (&files[0]["size"], &files[0]["parents"]["acquisition"]),
        (&json!(5), &json!(bench.acquisition))
    );
    assert_eq!(bench.get(&bench.file("a.dcm")).await.bytes, "bytes");
    bench.post(&format!("/upload/label?ticket={ticket}"), Value::Null).await.refused(404);
}

#[tokio::test]
async fn uids_that_exist_are_told_as_far_as_the_caller_may_see() {
    let bench = Bench::new().await;
    bench.call(Method::PUT, &format!("/sessions/{}", bench.session), json!({"uid": "1.2"})).await.ok();
    let ask = json!({"sessions": ["1.2", "9.9"]});
    assert_eq!(bench.post("/uids", ask.clone()).await.ok(), json!({"sessions": ["1.2"]}));
    let elsewhere = json!({"sessions": ["1.2"], "project_id": bench.subject});
    assert_eq!(bench.post("/uids", elsewhere).await.ok(), json!({"sessions": []}));
    assert_eq!(bench.post("/uids", json!({"acquisitions": ["1.2"]})).await.ok(), json!({"acquisitions": []}));
    bench.post("/uids", json!({})).await.refused(422);
    let projects = bench.post("/uids/projects", ask.clone()).await.ok();
    assert_eq!(projects[0]["_id"], bench.project);
    assert_eq!(projects[0]["sessions"], json!(["1.2"]));
    let stranger = bench.as_user("s@x.org", None).await;
    assert_eq!(stranger.post("/uids", ask.clone()).await.ok(), json!({"sessions": []}));
    assert_eq!(stranger.post("/uids/projects", ask).await.ok(), json!([]));
}
