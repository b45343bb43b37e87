//! The calls around the search, and the shapes of their answers.

use http::Method;
use serde_json::{Value, json};

use super::Study;

/// Replaces what differs from run to run.
fn settled(mut value: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::String(text) if flywheel_core::id::ObjectId::is_id(text) => *text = "[id]".into(),
            Value::String(text) if text.len() > 20 && flywheel_core::time::parse(text).is_ok() => {
                *text = "[time]".into()
            }
            Value::Array(items) => items.iter_mut().for_each(walk),
            Value::Object(map) => map.values_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut value);
    value
}

#[tokio::test]
async fn each_return_type_has_its_shape() {
    let study = Study::new().await;
    let mut shown = serde_json::Map::new();
    for (returned, query) in [
        ("file", "file.name = t1.nii.gz"),
        ("acquisition", "acquisition.label = bold_SBRef"),
        ("session", "session.age > 100"),
        ("analysis", "analysis.label = QC"),
        ("subject", "subject.code = sub-1"),
        ("project", "project.label = study"),
    ] {
        let body = json!({"return_type": returned, "structured_query": query});
        shown.insert(returned.into(), settled(study.search(body).await.ok()));
    }
    let body = json!({"return_type": "file", "structured_query": "file.name = report.csv"});
    shown.insert("file of an analysis".into(), settled(study.search(body.clone()).await.ok()));
    let full = study.api.post("/dataexplorer/search", body).await.ok();
    assert_eq!(full["results"][0]["_source"]["file"]["name"], "report.csv");
    assert_eq!(full["results"][0]["_id"].as_str().unwrap().len(), 24);
    insta::assert_json_snapshot!(shown);
}

#[tokio::test]
async fn a_table_has_a_line_for_each_result() {
    let study = Study::new().await;
    let body = json!({"return_type": "file", "structured_query": "file.type = dicom"}).to_string();
    let request = http::Request::post("/api/dataexplorer/search?csv=true")
        .header("authorization", "scitran-user root")
        .body(axum::body::Body::from(body))
        .unwrap();
    let text = study.api.text(request).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("group._id,group.label,project._id,project.label,subject._id,subject.code"));
    assert!(lines[0].contains("file.name") && lines[1].contains("t1.dcm.zip"));
}

#[tokio::test]
async fn mistakes_in_a_search_are_refused_with_their_place() {
    let study = Study::new().await;
    let refused = async |query: &str| {
        study.search(json!({"return_type": "file", "structured_query": query})).await.error(422)
    };
    assert_eq!(refused("file.type = dicom AND\nfile.type is").await, "2:11 - Unknown operator: 'is'");
    assert_eq!(refused("file.type=dicom").await, "1:16 - Unexpected end of input!");
    assert!(refused(r#"file.type =~ "^((?!a).)*""#).await.contains("(?"));
    study.search(json!({"structured_query": "a = b"})).await.error(422);
    study.search(json!({"return_type": "collection"})).await.error(422);
    study.search(json!({"return_type": "file", "colour": 1})).await.error(422);
    let many = vec!["file.type = a"; 501].join(" OR ");
    study.search(json!({"return_type": "file", "structured_query": many})).await.error(400);
    let most = vec!["file.type = a"; 500].join(" OR ");
    assert_eq!(study.found("file", &most).await.len(), 0);
    let list: Vec<String> = (0..50_000).map(|n| n.to_string()).collect();
    assert_eq!(study.found("file", &format!("file.type IN [{}]", list.join(","))).await.len(), 0);
    let nested = format!("{}file.type = dicom{}", "NOT (file.name = a OR ".repeat(99), ")".repeat(99));
    assert_eq!(study.found("file", &nested).await.len(), 4);
}

#[tokio::test]
async fn a_query_is_parsed_without_being_run() {
    let study = Study::new().await;
    let parse = async |query: &str| {
        study.api.post("/dataexplorer/search/parse", json!({"structured_query": query})).await.ok()
    };
    assert_eq!(parse("a.b = c").await, json!({"valid": true, "errors": []}));
    assert_eq!(parse(" ").await, json!({"valid": true, "errors": []}));
    let message = "Unknown operator: 'is'";
    let error = json!({"line": 1, "pos": 5, "offset": 4, "message": message});
    assert_eq!(parse("a.b is c").await, json!({"valid": false, "errors": [error]}));
    study.api.post("/dataexplorer/search/parse", json!({})).await.error(422);
}

#[tokio::test]
async fn fields_and_values_are_suggested() {
    let study = Study::new().await;
    let suggest = async |query: &str| {
        study.api.post("/dataexplorer/search/suggest", json!({"structured_query": query})).await.ok()
    };
    let answer = suggest("file.classification.M").await;
    let field = json!({"display": "file.classification.Measurement", "value": "file.classification.Measurement",
        "type": "string", "facet": true});
    assert_eq!(answer, json!({"from": 0, "suggestions": [field]}));
    let answer = suggest("file.type = dicom AND file.info.s").await;
    assert_eq!(answer["from"], 22);
    let names: Vec<&str> =
        answer["suggestions"].as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap()).collect();
    assert_eq!(names, ["file.info.snr", "file.info.station"]);
    let values = suggest("file.type IN [nifti, d").await;
    assert_eq!(values, json!({"from": 21, "suggestions": [{"display": "dicom", "value": "dicom"}]}));
    let values = suggest("file.info.station = \"He").await;
    let quoted = json!({"display": "Head Scanner", "value": "\"Head Scanner\""});
    assert_eq!(values, json!({"from": 20, "suggestions": [quoted]}));
    assert_eq!(suggest("file.info.snr = 1").await["suggestions"], json!([{"display": "12", "value": "12"}]));
    for nothing in ["", "file.type ", "file.type =", "a b"] {
        assert_eq!(suggest(nothing).await, json!({"from": 0, "suggestions": []}), "{nothing:?}");
    }
    assert_eq!(suggest("f").await["suggestions"].as_array().unwrap().len(), 15);
}

#[tokio::test]
async fn fields_are_listed_and_their_values_counted() {
    let study = Study::new().await;
    let api = &study.api;
    assert_eq!(api.get("/dataexplorer/search/status").await.ok(), json!({"status": "up-to-date"}));
    let fields = api.post("/dataexplorer/search/fields", json!({"field": "station"})).await.ok();
    assert_eq!(fields, json!([{"name": "file.info.station", "type": "string", "facet": false}]));
    let mapped = api.get("/dataexplorer/mapped_fields?path=session").await.ok();
    assert_eq!((&mapped["age"]["type"], &mapped["info"]["type"]), (&json!("integer"), &json!("object")));
    let mapped = api.get("/dataexplorer/mapped_fields?path=session.info").await.ok();
    assert_eq!(mapped, json!({"score": {"type": "integer"}, "site": {"type": "string"}}));
    let count = async |body: Value| api.post("/dataexplorer/search/fields/aggregate", body).await.ok();
    assert_eq!(
        count(json!({"field_name": "file.type"})).await["buckets"][0],
        json!({"key": "dicom", "doc_count": 2})
    );
    assert_eq!(
        count(json!({"field_name": "file.name", "search_string": "SBREF"})).await,
        json!({"buckets": [{"key": "sbref.nii.gz", "doc_count": 1}]})
    );
    assert_eq!(
        count(json!({"field_name": "session.info.score"})).await,
        json!({"count": 2, "sum": 10.0, "avg": 5.0, "min": 3.0, "max": 7.0})
    );
    let body = json!({"return_type": "file", "structured_query": "file.type = dicom"});
    let facets = api.post("/dataexplorer/facets", body.clone()).await.ok()["facets"].clone();
    assert_eq!(facets["file.type"], json!({"buckets": [{"key": "dicom", "doc_count": 2}]}));
    assert_eq!(facets["subject.sex"]["buckets"].as_array().unwrap().len(), 2);
    assert_eq!(facets["project.label"], json!({"buckets": [{"key": "study", "doc_count": 2}]}));
    assert_eq!(api.post("/dataexplorer/search?facets=true", body.clone()).await.ok()["facets"], facets);
    let nodes = api.post("/dataexplorer/search/nodes", body).await.ok();
    assert_eq!(nodes["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(nodes["nodes"][0]["level"], "file");
}

#[tokio::test]
async fn what_is_found_is_deleted_when_all_of_it_may_be() {
    let study = Study::new().await;
    let api = &study.api;
    let delete = async |person, body: Value| {
        api.call(person, Method::DELETE, "/dataexplorer/search?delete_reason=test_data", Some(body)).await
    };
    let dicom = json!({"return_type": "file", "structured_query": "file.type = dicom"});
    let writer = api.user("writer@example.org", false).await;
    let stranger = delete(&writer, dicom.clone()).await.ok();
    assert_eq!(stranger, json!({"deleted": 0, "not_found": 0, "delete_scheduled": 0}));
    let permission = json!({"_id": "writer@example.org", "role_ids": [api.role("ro").await]});
    let path = format!("/projects/{}/permissions", study.project);
    api.post(&path, permission).await.ok();
    delete(&writer, dicom.clone()).await.error(403);
    delete(api.root(), json!({"return_type": "file"})).await.error(400);
    delete(api.root(), json!({"return_type": "file", "filters": [{"match_all": {}}]})).await.error(400);
    delete(api.root(), json!({"return_type": "file", "structured_query": "x"})).await.error(422);
    assert_eq!(study.found("file", "file.type = dicom").await.len(), 2);
    assert_eq!(delete(api.root(), dicom).await.ok()["deleted"], 2);
    assert!(study.found("file", "file.type = dicom").await.is_empty());
    let subjects = json!({"return_type": "subject", "structured_query": "subject.label = sub-1"});
    assert_eq!(delete(api.root(), subjects).await.ok()["deleted"], 1);
    assert_eq!(study.found("subject", "subject.label LIKE sub%").await, ["sub-2", "sub-3"]);
}
