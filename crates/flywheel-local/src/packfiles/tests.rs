//! Packfiles through the router.
#![allow(clippy::unwrap_used)]

use std::io::Read;

use http::header;
use serde_json::{Value, json};

use crate::files::harness::Bench;

async fn begun(bench: &Bench) -> (String, String) {
    let project = format!("/projects/{}", bench.project);
    let token = bench.post(&format!("{project}/packfile-start"), Value::Null).await.ok();
    (project, token["token"].as_str().unwrap().to_owned())
}

fn metadata(bench: &Bench) -> Value {
    json!({
        "project": {"_id": bench.project},
        "session": {"label": "ses-01", "subject": {"code": "sub-01"}},
        "acquisition": {"label": "packed", "timestamp": "2020-01-01T00:00:00Z"},
        "packfile": {"type": "dicom"},
    })
}

fn query(token: &str, metadata: &Value, count: usize) -> String {
    let metadata = metadata.to_string();
    let metadata = percent_encoding::utf8_percent_encode(&metadata, percent_encoding::NON_ALPHANUMERIC);
    format!("?token={token}&metadata={metadata}&file_count={count}")
}

#[tokio::test]
async fn files_sent_one_by_one_become_one_zip_with_progress() {
    let bench = Bench::new().await;
    let (project, token) = begun(&bench).await;
    for (name, bytes) in [("1.dcm", b"one".as_slice()), ("2.dcm", b"draft"), ("2.dcm", b"two")] {
        let path = format!("{project}/packfile?token={token}");
        let entries = bench.upload(&path, &[(name, bytes)], None).await.ok();
        assert_eq!((&entries[0]["name"], &entries[0]["size"]), (&json!(name), &json!(bytes.len())));
    }
    let end = format!("{project}/packfile-end{}", query(&token, &metadata(&bench), 2));
    let answer = bench.get(&end).await;
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/event-stream");
    let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
    let events: Vec<(&str, Value)> = text
        .split_terminator("\n\n")
        .map(|event| event.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap())
        .map(|(name, data)| (name, serde_json::from_str(data).unwrap()))
        .collect();
    let names: Vec<&str> = events.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["progress", "progress", "result"]);
    assert_eq!((&events[0].1["done"], &events[0].1["percent"]), (&json!(1), &json!(50.0)));
    assert_eq!(events[1].1, json!({"done": 2, "total": 2, "percent": 100.0}));
    let result = &events[2].1;
    assert_eq!(result["session_id"], bench.session);
    let path = format!("/acquisitions/{}/files/packed.zip", result["acquisition_id"].as_str().unwrap());
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bench.get(&path).await.bytes)).unwrap();
    let mut content = String::new();
    zip.by_name("packed/2.dcm").unwrap().read_to_string(&mut content).unwrap();
    assert_eq!((zip.len(), content.as_str()), (2, "two"));
    let file = bench.get(&format!("{path}/info")).await.ok();
    assert_eq!((&file["type"], &file["zip_member_count"]), (&json!("dicom"), &json!(2)));
    bench.get(&end).await.refused(404);
}

#[tokio::test]
async fn the_older_form_answers_the_result_alone_and_finds_the_acquisition_again() {
    let bench = Bench::new().await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let (project, token) = begun(&bench).await;
        bench
            .upload(&format!("{project}/packfile?token={token}"), &[("a", b"1"), ("b", b"2")], None)
            .await
            .ok();
        let body = json!({"token": token, "metadata": metadata(&bench), "file_count": 2});
        seen.push(bench.post(&format!("{project}/packfile-end"), body).await.ok()["acquisition_id"].clone());
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn a_token_is_good_for_its_caller_its_project_and_the_files_that_arrived() {
    let bench = Bench::new().await;
    let (project, token) = begun(&bench).await;
    let send = format!("{project}/packfile?token={token}");
    bench.get(&format!("{project}/packfile-end{}", query(&token, &metadata(&bench), 0))).await.refused(400);
    bench.upload(&send, &[("a", b"1")], None).await.ok();
    bench.get(&format!("{project}/packfile-end{}", query(&token, &metadata(&bench), 2))).await.refused(400);
    let mut wrong = metadata(&bench);
    wrong["packfile"] = json!({});
    bench.get(&format!("{project}/packfile-end{}", query(&token, &wrong, 1))).await.refused(422);
    let other = bench.add("/projects", json!({"label": "Other", "group": "lab"})).await;
    bench
        .upload(&format!("/projects/{other}/packfile?token={token}"), &[("a", b"1")], None)
        .await
        .refused(404);
    bench
        .get(&format!("/projects/{other}/packfile-end{}", query(&token, &metadata(&bench), 1)))
        .await
        .refused(400);
    let writer = bench.as_user("rw@x.org", Some("rw")).await;
    writer.upload(&send, &[("b", b"2")], None).await.refused(403);
    bench.upload(&format!("{project}/packfile"), &[("a", b"1")], None).await.refused(400);
    assert_eq!(
        bench.post("/clean-packfiles", Value::Null).await.ok(),
        json!({"removed": {"tokens": 0, "files": 0}})
    );
}

#[tokio::test]
async fn what_nobody_finishes_is_cleaned_away() {
    let bench = Bench::new().await;
    let (project, token) = begun(&bench).await;
    let send = format!("{project}/packfile?token={token}");
    bench.upload(&send, &[("a", b"1"), ("b", b"2")], None).await.ok();
    let age = |db: &rusqlite::Connection| {
        Ok(db.execute("UPDATE packfiles SET used = '2020-01-01T00:00:00.000000+00:00'", [])?)
    };
    bench.site.store().write(age).await.unwrap();
    assert_eq!(
        bench.post("/clean-packfiles", Value::Null).await.ok(),
        json!({"removed": {"tokens": 1, "files": 2}})
    );
    bench.upload(&send, &[("c", b"3")], None).await.refused(404);
}
