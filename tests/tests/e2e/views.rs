//! Data views over plain HTTP: long results arrive whole, and an execution is followed to its end.

use flywheel_tests::site::LocalSite;
use serde_json::{Value, json};

const RECORDS: usize = 30_000;

/// A site with a project whose one acquisition holds a long table. The ids of both.
fn site_with_table() -> (LocalSite, String) {
    let site = LocalSite::start();
    let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let project = site.create("/projects", &json!({"group": "lab", "label": "p"}));
    let session = json!({"project": project, "label": "s", "subject": {"label": "sub-01"}});
    let session = site.create("/sessions", &session);
    let acquisition = site.create("/acquisitions", &json!({"session": session, "label": "a"}));
    let table: String = (0..RECORDS).fold("n,text\n".to_owned(), |text, n| text + &format!("{n},row {n}\n"));
    let upload = site.post(&format!("/acquisitions/{acquisition}/files")).as_user("admin");
    let _ = upload.upload("long.csv", table.as_bytes(), None).send().expect(200);
    (site, project)
}

fn view() -> Value {
    json!({
        "columns": [{"src": "subject.label"}], "includeIds": false, "includeLabels": false, "errorColumn": false,
        "fileSpec": {"container": "acquisition", "filter": {"value": "*.csv"}, "columns": [{"src": "n", "type": "int"}]},
    })
}

#[test]
fn a_long_result_arrives_whole_in_every_format() {
    let (site, project) = site_with_table();
    for (format, rows) in [("csv", RECORDS + 1), ("tsv", RECORDS + 1), ("ndjson", RECORDS)] {
        let call = site.post(&format!("/views/data?containerId={project}&format={format}")).as_user("admin");
        let text = call.json(&view()).send().expect(200);
        assert_eq!(text.body.iter().filter(|&&byte| byte == b'\n').count(), rows, "{format}");
    }
    for (format, pointer) in [("json", "/data"), ("json-flat", ""), ("json-row-column", "/data/rows")] {
        let call = site.post(&format!("/views/data?containerId={project}&format={format}")).as_user("admin");
        let document = call.json(&view()).send().expect(200).json();
        let rows = document.pointer(pointer).and_then(Value::as_array).map(Vec::len);
        assert_eq!(rows, Some(RECORDS), "{format}");
    }
}

#[test]
fn an_execution_is_followed_to_its_end_and_fetched_by_ticket() {
    let (site, project) = site_with_table();
    let call = site.post(&format!("/views/queue?containerId={project}&sort=n:desc&limit=2")).as_user("ann");
    let _ = call.json(&view()).send().refused(403);
    let call = site.post(&format!("/views/queue?containerId={project}&sort=n:desc&limit=2")).as_user("admin");
    let execution = call.json(&view()).send().expect(200).json();
    let path = format!("/data_view_executions/{}", execution["_id"].as_str().unwrap());
    loop {
        let state = site.get(&path).as_user("admin").send().expect(200).json()["state"].clone();
        if state == "completed" {
            break;
        }
        assert!(state == "queued" || state == "processing", "{state}");
    }
    let ticket = site.post(&format!("{path}/ticket")).as_user("admin").send().expect(200).json();
    let data =
        format!("{path}/data?file_format=json-row-column&ticket={}", ticket["ticket"].as_str().unwrap());
    let rows = site.get(&data).send().expect(200).json()["data"]["rows"].clone();
    assert_eq!(rows, json!([["sub-01", RECORDS - 1], ["sub-01", RECORDS - 2]]));
    let columns = site.get(&format!("{path}/data/columns")).as_user("admin").send().expect(200).json();
    assert_eq!(columns, json!([{"name": "subject.label", "type": "string"}, {"name": "n", "type": "int"}]));
}
