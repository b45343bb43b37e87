//! Search over plain HTTP: every call of the data explorer, held against the description.

use flywheel_tests::site::LocalSite;
use http::Method;
use serde_json::{Value, json};

/// A site with a project of two subjects, a session each, and a file in it.
fn study() -> (LocalSite, String) {
    let site = LocalSite::start();
    let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let project = site.create("/projects", &json!({"group": "lab", "label": "Study"}));
    for (code, age) in [("sub-01", 100), ("sub-02", 200)] {
        let session = json!({"project": project, "label": "ses", "age": age, "subject": {"label": code},
            "timestamp": "2024-01-02T03:04:05Z"});
        let session = site.create("/sessions", &session);
        let acquisition = site.create("/acquisitions", &json!({"session": session, "label": "T1w"}));
        let upload = site.post(&format!("/acquisitions/{acquisition}/files")).as_user("admin");
        let _ = upload.upload(&format!("{code}.txt"), b"text", None).send().expect(200);
        let analysis = site.create(&format!("/sessions/{session}/analyses"), &json!({"label": "QC"}));
        let upload = site.post(&format!("/analyses/{analysis}/files")).as_user("admin");
        let _ = upload.upload("report.txt", b"text", None).send().expect(200);
    }
    (site, project)
}

fn post(site: &LocalSite, path: &str, body: &Value) -> Value {
    site.post(path).as_user("admin").json(body).send().expect(200).json()
}

#[test]
fn every_return_type_fits_the_description() {
    let (site, _) = study();
    for (returned, count) in
        [("file", 4), ("acquisition", 2), ("session", 2), ("analysis", 2), ("subject", 2), ("project", 1)]
    {
        let body = json!({"return_type": returned, "structured_query": "project.label = Study"});
        let simple = post(&site, "/dataexplorer/search?simple=true", &body);
        assert_eq!(simple.as_array().unwrap().len(), count, "{returned}");
        assert_eq!(simple[0]["return_type"], returned);
        let full = post(&site, "/dataexplorer/search?facets=true", &body);
        assert_eq!(full["results"].as_array().unwrap().len(), count, "{returned}");
        assert_eq!(full["facets"]["project.label"]["buckets"][0]["doc_count"], count);
    }
}

#[test]
fn the_calls_around_a_search_fit_the_description() {
    let (site, project) = study();
    let body = json!({"return_type": "session", "structured_query": "session.age > 150"});
    assert_eq!(post(&site, "/dataexplorer/search/nodes", &body)["nodes"][0]["level"], "session");
    assert!(post(&site, "/dataexplorer/facets", &body)["facets"].is_object());
    let query = |text: &str| json!({"structured_query": text});
    assert_eq!(post(&site, "/dataexplorer/search/parse", &query("a is b"))["valid"], false);
    let suggested = post(&site, "/dataexplorer/search/suggest", &query("session.label = s"));
    assert_eq!(suggested["suggestions"][0]["value"], "ses");
    assert!(
        !post(&site, "/dataexplorer/search/fields", &json!({"field": "age"})).as_array().unwrap().is_empty()
    );
    let ages = post(&site, "/dataexplorer/search/fields/aggregate", &json!({"field_name": "session.age"}));
    assert_eq!((&ages["min"], &ages["max"]), (&json!(100.0), &json!(200.0)));
    for path in
        ["/dataexplorer/search/status", "/dataexplorer/mapped_fields?path=file", "/dataexplorer/queries"]
    {
        let _ = site.get(path).as_user("admin").send().expect(200);
    }
    let saved = json!({"label": "old", "search": body, "parent": {"type": "project", "id": project}});
    let id = site.create("/dataexplorer/queries", &saved);
    let one = format!("/dataexplorer/queries/{id}");
    assert_eq!(site.get(&one).as_user("admin").send().expect(200).json()["search"], body);
    let _ = site.call(Method::PUT, &one).as_user("admin").json(&json!({"label": "older"})).send().expect(200);
    let page = site.get("/dataexplorer/queries").as_user("admin").header("X-Accept-Feature", "pagination");
    assert_eq!(page.send().expect(200).json()["total"], 1);
    let _ = site.call(Method::DELETE, &one).as_user("admin").send().expect(200);
    let delete = site.call(Method::DELETE, "/dataexplorer/search").as_user("admin").json(&body);
    assert_eq!(delete.send().expect(200).json()["deleted"], 1);
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let (site, _) = study();
    let search = |user: &str, body: Value| site.post("/dataexplorer/search").as_user(user).json(&body).send();
    let _ = search("admin", json!({"return_type": "file", "structured_query": "a ="})).refused(422);
    let _ = search("admin", json!({"structured_query": "a = b"})).refused(422);
    let _ = search("admin", json!({"return_type": "file", "size": 0})).refused(400);
    let _ = search("admin", json!({"return_type": "file", "filters": [{"script": {}}]})).refused(400);
    let _ = search("eve", json!({"return_type": "file", "all_data": true})).refused(403);
    let answer = search("eve", json!({"return_type": "file"})).expect(200).json();
    assert_eq!(answer["results"], json!([]));
}
