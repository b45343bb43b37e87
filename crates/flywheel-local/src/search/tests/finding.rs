//! What is found.

use http::Method;
use serde_json::json;

use super::{Study, labels};
use crate::tests::Person;

#[tokio::test]
async fn each_return_type_gathers_the_documents_below_it() {
    let study = Study::new().await;
    for (returned, query, expected) in [
        ("file", "file.type = dicom", &["scan.dcm.zip", "t1.dcm.zip"][..]),
        ("acquisition", "file.type = dicom", &["T1w", "T1w"]),
        ("session", "file.type = dicom", &["ses-1", "ses-1"]),
        ("subject", "file.type = dicom", &["sub-1", "sub-2"]),
        ("project", "file.type = dicom", &["study"]),
        ("analysis", "file.type = dicom", &[]),
        ("analysis", "file.name = report.csv", &["QC"]),
        ("analysis", "session.age > 1000", &["QC"]),
        ("session", "analysis.label = QC", &["ses-1"]),
        ("acquisition", "analysis.label = QC", &[]),
        ("acquisition", "session.label = ses-1", &["T1w", "T1w", "bold_SBRef"]),
        ("subject", "acquisition.label CONTAINS sbref", &["sub-1"]),
        ("project", "subject.label LIKE p%", &["pilot"]),
        ("project", "group._id = lab", &["pilot", "study"]),
        ("file", "group.label = lab AND project.label = study AND parent.type = session", &["notes.txt"]),
        ("file", "parent.type = analysis", &["report.csv"]),
        ("file", "analysis.label = QC AND subject.sex = female", &["report.csv"]),
    ] {
        assert_eq!(study.found(returned, query).await, expected, "{returned}: {query}");
    }
}

#[tokio::test]
async fn conditions_meet_in_one_document() {
    let study = Study::new().await;
    let found = async |returned, query| study.found(returned, query).await;
    assert_eq!(
        found("session", "acquisition.label = T1w AND file.type = dicom AND subject.code = sub-1")
            .await
            .len(),
        1
    );
    assert!(found("session", "acquisition.label = bold_SBRef AND file.type = dicom").await.is_empty());
    assert!(found("session", "file.name = t1.nii.gz AND file.type = dicom").await.is_empty());
    assert_eq!(found("subject", "subject.sex = male OR file.name = notes.txt").await, ["sub-1", "sub-2"]);
}

#[tokio::test]
async fn a_negated_condition_holds_for_every_document_without_the_field() {
    let study = Study::new().await;
    assert_eq!(study.found("subject", "file.type != dicom").await, ["p-1", "sub-1", "sub-2", "sub-3"]);
    assert_eq!(study.found("file", "file.modality !~ M.").await, ["notes.txt", "report.csv"]);
    assert_eq!(
        study.found("file", "NOT file.classification.Measurement EXISTS").await,
        ["notes.txt", "report.csv"]
    );
    assert_eq!(study.found("subject", "NOT subject.sex EXISTS").await, ["p-1", "sub-3"]);
}

#[tokio::test]
async fn the_queries_of_the_documentation_find_what_they_are_for() {
    let study = Study::new().await;
    let curated = "session.age >= 630720000 AND session.age < 946080000 AND file.classification.Measurement = T1 \
                   AND file.classification.Intent = Structural AND NOT acquisition.label CONTAINS .*SBRef.*";
    assert_eq!(study.found("acquisition", curated).await, ["T1w"]);
    let many = "session.age >= 0 AND session.age <= 946080000 AND file.classification.Measurement IN [T2*, BOLD] \
                AND file.classification.Intent = Functional AND file.classification.Features != SBRef";
    assert_eq!(study.found("acquisition", many).await, ["bold_SBRef"]);
    assert_eq!(
        study
            .found("subject", "subject.label LIKE \"sub-%\" AND NOT subject.sex IN [male, \"not told\"]")
            .await,
        ["sub-1", "sub-3"]
    );
    assert_eq!(
        study
            .found("session", "(acquisition.modified >= 2020-08-12T04:00:00.000Z) or (file.info.X = YES)")
            .await
            .len(),
        2
    );
}

#[tokio::test]
async fn free_metadata_is_searched_within_its_types() {
    let study = Study::new().await;
    for (returned, query, count) in [
        ("file", "file.info.snr = 12", 2),
        ("file", "file.info.snr >= 12.5", 1),
        ("file", "file.info.snr = \"12\"", 0),
        ("file", "file.info.echoes = 2", 1),
        ("file", "file.info.station =~ \"Head.*\"", 1),
        ("file", "file.info.station =~ Head", 0),
        ("session", "session.info.site = 001", 1),
        ("session", "session.info.site = \"001\"", 1),
        ("session", "session.info.score < 5", 1),
        ("session", "session.timestamp >= 2020-05-05 AND session.timestamp < 2020-05-06", 1),
        ("session", "session.timestamp = 2020-05-05T10:00:00Z", 1),
        ("file", "file.size > 3", 4),
        ("file", "file.nothing = 1 OR nothing.at.all = 1 OR file = 1", 0),
        ("file", "acquisition.label CONTAINS old_sb", 1),
        ("file", "acquisition.label LIKE \"%_SBR%\"", 1),
        ("file", "acquisition.label CONTAINS nothing_such", 0),
    ] {
        assert_eq!(study.found(returned, query).await.len(), count, "{query}");
    }
}

#[tokio::test]
async fn text_query_and_filters_must_all_hold() {
    let study = Study::new().await;
    let found = async |body| labels(study.search(body).await.ok());
    let text = |text: &str| json!({"return_type": "file", "search_string": text});
    assert_eq!(found(text("HEAD scan")).await, ["t1.nii.gz"]);
    assert_eq!(found(text("bold_sb")).await, ["sbref.nii.gz"]);
    assert_eq!(found(text("study")).await.len(), 6);
    assert_eq!(found(text("zzz")).await.len(), 0);
    assert_eq!(found(json!({"return_type": "subject", "search_string": "head"})).await, ["sub-1"]);
    let both = json!({"return_type": "file", "search_string": "t1w", "structured_query": "file.type = dicom",
        "filters": [{"term": {"subject.code": "sub-1"}}]});
    assert_eq!(found(both).await, ["t1.dcm.zip"]);
    for (filter, count) in [
        (json!({"terms": {"file.type": ["dicom", "nifti"]}}), 4),
        (json!({"terms": {"file.modality": ["null"]}}), 2),
        (json!({"terms": {"file.type.raw": ["dicom", "null"]}}), 2),
        (json!({"terms": {"session.info.absent": ["null"]}}), 6),
        (json!({"terms": {"session.info.absent": []}}), 0),
        (json!({"range": {"session.age": {"gte": 500}}}), 5),
        (json!({"range": {"file.info.snr": {"gt": 12, "lt": "41"}}}), 1),
        (json!({"exists": {"field": "file.info.snr"}}), 3),
        (json!({"prefix": {"file.name": "t1."}}), 2),
        (json!({"wildcard": {"file.name": {"value": "*.nii.??"}}}), 2),
        (json!({"regexp": {"file.name": ".*zip"}}), 2),
        (json!({"match": {"acquisition.label": "SBREF"}}), 1),
        (json!({"match_phrase": {"acquisition.label": {"query": "t1w"}}}), 3),
        (json!({"match_all": {}}), 6),
        (json!({"ids": {"values": [study.session]}}), 5),
        (
            json!({"bool": {"must": [{"term": {"file.type": "dicom"}}], "must_not": {"term": {"session.age": 100}}}}),
            1,
        ),
        (
            json!({"bool": {"should": [{"term": {"file.type": "dicom"}}, {"term": {"file.type": "nifti"}}]}}),
            4,
        ),
    ] {
        let body = json!({"return_type": "file", "filters": [filter]});
        assert_eq!(found(body.clone()).await.len(), count, "{body}");
    }
    for filter in [
        json!({"fuzzy": {}}),
        json!({}),
        json!([]),
        json!({"term": {"a": 1, "b": 2}}),
        json!({"range": {"a": {}}}),
        json!({"regexp": {"file.name": "("}}),
        json!({"term": {"a": []}}),
    ] {
        study.search(json!({"return_type": "file", "filters": [filter]})).await.error(400);
    }
}

#[tokio::test]
async fn a_write_is_found_at_once_and_a_deleted_thing_never_again() {
    let study = Study::new().await;
    let query = "file.tags = checked";
    assert!(study.found("session", query).await.is_empty());
    let path = format!("/acquisitions/{}/files/t1.nii.gz", study.scan);
    let shown = study.api.get(&format!("{path}/info")).await.ok();
    let tags = format!("/files/{}/tags", shown["file_id"].as_str().unwrap());
    study.api.patch(&tags, json!(["checked"])).await.ok();
    assert_eq!(study.found("session", query).await, ["ses-1"]);
    study.api.delete(&path).await.ok();
    assert!(study.found("session", query).await.is_empty());
    study.api.delete(&format!("/sessions/{}", study.session)).await.ok();
    assert_eq!(study.found("file", "file.name EXISTS").await, ["scan.dcm.zip"]);
    assert_eq!(study.found("subject", "file.type = dicom").await, ["sub-2"]);
}

#[tokio::test]
async fn callers_find_what_their_roles_let_them_see() {
    let study = Study::new().await;
    let (api, everything) = (&study.api, json!({"return_type": "file"}));
    let reader = api.user("reader@example.org", false).await;
    let admin = api.user("admin@example.org", true).await;
    let all_data = json!({"return_type": "file", "all_data": true});
    assert_eq!(study.search_as(&reader, everything.clone()).await.ok(), json!([]));
    study.search_as(&reader, all_data.clone()).await.error(403);
    study.search_as(&Person::Anonymous, everything.clone()).await.error(401);
    assert_eq!(study.search_as(&admin, everything.clone()).await.ok(), json!([]));
    assert_eq!(labels(study.search_as(&admin, all_data).await.ok()).len(), 6);
    assert_eq!(labels(study.search_as(&Person::Device, everything.clone()).await.ok()).len(), 6);
    let permission = json!({"_id": "reader@example.org", "role_ids": [api.role("ro").await]});
    api.post(&format!("/projects/{}/permissions", study.project), permission).await.ok();
    let found = study.search_as(&reader, everything).await.ok();
    assert_eq!(labels(found.clone()).len(), 6);
    assert_eq!(found[0]["permissions"].as_array().unwrap().len(), 1);
    let projects = study.search_as(&reader, json!({"return_type": "project"})).await.ok();
    assert_eq!(labels(projects), ["study"]);
    let suggest = json!({"structured_query": "project.label = p"});
    let suggested = api.call(&reader, Method::POST, "/dataexplorer/search/suggest", Some(suggest)).await.ok();
    assert_eq!(suggested["suggestions"], json!([]));
}

#[tokio::test]
async fn results_come_in_the_asked_order_and_number() {
    let study = Study::new().await;
    let names = async |body: serde_json::Value| {
        let found = study.search(body).await.ok();
        let name = |result: &serde_json::Value| result["file"]["name"].as_str().unwrap().to_owned();
        found.as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    let sorted = |field: &str, order: &str| {
        json!({"return_type": "file", "structured_query": "file.type = dicom OR file.type = nifti",
        "sort": {"field": field, "order": order}})
    };
    assert_eq!(
        names(sorted("file.name", "asc")).await,
        ["sbref.nii.gz", "scan.dcm.zip", "t1.dcm.zip", "t1.nii.gz"]
    );
    assert_eq!(names(sorted("file.name", "desc")).await[0], "t1.nii.gz");
    assert_eq!(names(sorted("file.info.snr", "desc")).await[0], "t1.nii.gz");
    assert_eq!(names(sorted("session.age", "asc")).await[0], "scan.dcm.zip");
    assert_eq!(names(sorted("subject.code", "desc")).await[0], "scan.dcm.zip");
    assert_eq!(names(sorted("nothing", "desc")).await.len(), 4);
    let sized = |size: serde_json::Value| json!({"return_type": "file", "size": size});
    assert_eq!(names(sized(json!(2))).await, ["t1.nii.gz", "t1.dcm.zip"]);
    assert_eq!(names(sized(json!(-3))).await.len(), 1);
    assert_eq!(names(sized(json!("all"))).await.len(), 6);
    study.search(sized(json!(0))).await.error(400);
    study.search(sized(json!(10_001))).await.error(400);
    study.search(sized(json!("some"))).await.error(422);
    let by_parameter =
        study.api.post("/dataexplorer/search?simple=1&size=3", json!({"return_type": "file"})).await;
    assert_eq!(by_parameter.ok().as_array().unwrap().len(), 3);
}
