//! Making, showing and deleting the levels of the hierarchy.

use http::Method;
use serde_json::{Value, json};

use super::{Api, Person};

/// Replaces what differs from run to run.
fn settled(mut value: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::String(text) if flywheel_core::id::ObjectId::is_id(text) => *text = "[id]".into(),
            Value::String(text) if flywheel_core::time::parse(text).is_ok() && text.len() > 20 => {
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
async fn each_level_shows_what_it_was_made_of() {
    let api = Api::new().await;
    api.post("/groups", json!({"_id": "lab", "label": "Lab"})).await.ok();
    let project = json!({"label": "study", "group": "lab", "description": "d", "info": {"k": 1}});
    let project = api.post("/projects", project).await.id();
    let session = json!({
        "label": "ses", "project": project, "timestamp": "2020-05-05T01:22:06.229Z", "timezone": "Europe/Berlin",
        "age": 1000, "weight": 70.5, "operator": "op", "uid": "1.2.3", "info": {"n": [1, 2]},
        "subject": {"label": "s1"},
    });
    let subject = json!({"project": project, "label": "s1", "firstname": "A", "lastname": "B", "sex": "female",
        "cohort": "Study", "date_of_birth": "1990-02-03"});
    api.post("/subjects", subject).await.ok();
    let session = api.post("/sessions", session).await.id();
    let acquisition = json!({"label": "t1", "session": session, "uid": "1.2.3.4", "timestamp": "2020-05-05"});
    let acquisition = api.post("/acquisitions", acquisition).await.id();
    let subject = api.get(&format!("/sessions/{session}")).await.ok()["parents"]["subject"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut shown = serde_json::Map::new();
    for path in [
        "/groups/lab".to_owned(),
        format!("/projects/{project}"),
        format!("/subjects/{subject}"),
        format!("/sessions/{session}"),
        format!("/acquisitions/{acquisition}"),
    ] {
        let one = settled(api.get(&path).await.ok());
        shown.insert(path.split('/').nth(1).unwrap().to_owned(), one);
    }
    insta::assert_json_snapshot!(shown);
}

#[tokio::test]
async fn lists_leave_out_info_and_personal_fields_unless_asked() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    let subject = json!({"label": "p", "project": project, "firstname": "F", "lastname": "L", "sex": "male", "race": "White"});
    let subject = api.post("/subjects", subject).await.id();
    let body = json!({"label": "ses-2", "project": project, "info": {"a": 1}, "subject": subject});
    let session = api.post("/sessions", body).await.id();
    let row = |answer: Value| {
        answer.as_array().unwrap().iter().find(|row| row["_id"] == session.as_str()).cloned().unwrap()
    };
    let plain = row(api.get("/sessions?exhaustive=true").await.ok());
    assert_eq!((&plain["info"], &plain["info_exists"]), (&json!({}), &json!(true)));
    assert!(plain.get("analyses").is_none());
    for field in ["firstname", "lastname", "sex", "race"] {
        assert!(plain["subject"].get(field).is_none(), "{field}");
    }
    let full = row(api.get("/sessions?include_all_info=true").await.ok());
    assert_eq!(full["info"], json!({"a": 1}));
    let one = api.get(&format!("/sessions/{session}")).await.ok();
    assert_eq!((&one["subject"]["sex"], &one["analyses"]), (&json!("male"), &json!([])));
}

#[tokio::test]
async fn a_single_session_shows_its_subject_whole() {
    let api = Api::new().await;
    let [_, _, subject, session, _] = api.tree().await;
    api.file(api.root(), &format!("/subjects/{subject}"), "plan.txt", "x").await.ok();
    api.put(&format!("/sessions/{session}"), json!({"age": 3600})).await.ok();
    let one = api.get(&format!("/sessions/{session}")).await.ok();
    assert_eq!(
        (&one["subject"]["files"][0]["name"], &one["subject"]["age"]),
        (&json!("plan.txt"), &json!(3600))
    );
    let listed = api.get("/sessions").await.ok();
    assert_eq!((&listed[0]["subject"]["files"], listed[0]["subject"].get("age")), (&json!([]), None));
    assert_eq!(api.filtered("/sessions", "subject.age>3000").await.column("_id"), [session]);
}

#[tokio::test]
async fn a_session_reuses_the_subject_of_its_label() {
    let api = Api::new().await;
    let [_, project, subject, ..] = api.tree().await;
    for named in
        [json!({"label": "sub-1"}), json!({"code": "sub-1"}), json!({"_id": subject}), json!(subject)]
    {
        let body = json!({"label": "again", "project": project, "subject": named});
        let session = api.post("/sessions", body).await.id();
        let shown = api.get(&format!("/sessions/{session}")).await.ok();
        assert_eq!(shown["parents"]["subject"], subject.as_str());
    }
    assert_eq!(api.get(&format!("/projects/{project}/subjects")).await.column("label"), ["sub-1"]);
}

#[tokio::test]
async fn a_subject_of_another_project_is_refused() {
    let api = Api::new().await;
    let [group, _, subject, ..] = api.tree().await;
    let other = api.project(&group, "other").await;
    let body = json!({"label": "x", "project": other, "subject": {"_id": subject}});
    api.post("/sessions", body).await.error(422);
}

#[tokio::test]
async fn label_and_code_of_a_subject_are_one() {
    let api = Api::new().await;
    let [_, project, subject, ..] = api.tree().await;
    let by_code = api.post("/subjects", json!({"code": "c-1", "project": project})).await.id();
    assert_eq!(api.get(&format!("/subjects/{by_code}")).await.ok()["label"], "c-1");
    api.put(&format!("/subjects/{subject}"), json!({"code": "new"})).await.ok();
    let shown = api.get(&format!("/subjects/{subject}")).await.ok();
    assert_eq!((&shown["label"], &shown["code"]), (&json!("new"), &json!("new")));
    api.post("/subjects", json!({"project": project})).await.error(422);
}

#[tokio::test]
async fn what_must_be_unique_is_and_the_rest_need_not_be() {
    let api = Api::new().await;
    let [group, project, subject, session, _] = api.tree().await;
    api.post("/groups", json!({"_id": group, "label": "again"})).await.error(409);
    api.post("/projects", json!({"label": "study", "group": group})).await.error(409);
    let message = api.post("/subjects", json!({"label": "sub-1", "project": project})).await.error(409);
    assert!(message.contains("sub-1"), "{message}");
    api.session(&project, &subject, "ses-1").await;
    api.acquisition(&session, "t1").await;
    let other = api.project(&group, "other").await;
    api.subject(&other, "sub-1").await;
}

#[tokio::test]
async fn changes_are_counted_and_dated() {
    let api = Api::new().await;
    let [_, _, _, session, _] = api.tree().await;
    let path = format!("/sessions/{session}");
    let before = api.get(&path).await.ok();
    assert_eq!(api.put(&path, json!({"operator": "me", "weight": 71})).await.ok(), json!({"modified": 1}));
    let after = api.get(&path).await.ok();
    assert_eq!((&before["revision"], &after["revision"]), (&json!(1), &json!(2)));
    assert!(after["modified"].as_str() >= before["modified"].as_str());
    assert_eq!(after["created"], before["created"]);
    api.put(&path, json!({"operator": null})).await.ok();
    assert!(api.get(&path).await.ok().get("operator").is_none());
    api.put(&path, json!({"info": {"x": 1}})).await.ok();
    api.put(&path, json!({"info": {"y": 2}})).await.ok();
    assert_eq!(api.get(&path).await.ok()["info"], json!({"y": 2}));
}

#[tokio::test]
async fn deletion_takes_everything_below_along_and_leaves_the_rest() {
    let api = Api::new().await;
    let [group, project, subject, session, acquisition] = api.tree().await;
    let other = api.session(&project, &subject, "ses-2").await;
    let analysis =
        api.post(&format!("/acquisitions/{acquisition}/analyses"), json!({"label": "a"})).await.id();
    assert_eq!(api.delete(&format!("/sessions/{session}")).await.ok(), json!({"deleted": 1}));
    api.delete(&format!("/sessions/{session}")).await.error(404);
    for gone in [
        format!("/sessions/{session}"),
        format!("/acquisitions/{acquisition}"),
        format!("/analyses/{analysis}"),
    ] {
        api.get(&gone).await.error(404);
    }
    assert_eq!(api.get("/sessions").await.column("_id"), [other.as_str()]);
    assert_eq!(api.get("/acquisitions").await.ok(), json!([]));
    let message = api.delete(&format!("/groups/{group}")).await.error(400);
    assert!(message.contains("projects"), "{message}");
    api.delete(&format!("/projects/{project}")).await.ok();
    api.delete(&format!("/groups/{group}")).await.ok();
    api.get(&format!("/groups/{group}")).await.error(404);
    api.tree().await;
    api.get(&format!("/projects/{project}")).await.error(404);
}

#[tokio::test]
async fn lists_of_ids_are_deleted_and_unknown_ones_counted() {
    let api = Api::new().await;
    let [_, project, subject, session, _] = api.tree().await;
    let other = api.session(&project, &subject, "ses-2").await;
    let ids = json!([session, other, "ffffffffffffffffffffffff", subject]);
    let answer = api.call(api.root(), http::Method::DELETE, "/sessions", Some(ids)).await.ok();
    assert_eq!(answer, json!({"deleted": 2, "not_found": 2}));
    api.get(&format!("/subjects/{subject}")).await.ok();
}

#[tokio::test]
async fn a_deletion_may_give_one_of_the_known_reasons() {
    let api = Api::new().await;
    let [_, _, _, session, acquisition] = api.tree().await;
    api.delete(&format!("/acquisitions/{acquisition}?delete_reason=boredom")).await.error(422);
    api.delete(&format!("/acquisitions/{acquisition}?delete_reason=duplicate_data")).await.ok();
    api.delete(&format!("/sessions/{session}?delete_reason=")).await.ok();
}

#[tokio::test]
async fn a_deletion_can_be_asked_about_beforehand() {
    let api = Api::new().await;
    let [_, project, _, session, acquisition] = api.tree().await;
    let rw = api.user("rw@x.org", false).await;
    let entry = json!({"_id": "rw@x.org", "role_ids": [api.role("rw").await]});
    api.post(&format!("/projects/{project}/permissions"), entry).await.ok();
    api.file(&Person::Device, &format!("/acquisitions/{acquisition}"), "scan.dcm", "x").await.ok();
    api.file(api.root(), &format!("/sessions/{session}"), "plan.txt", "x").await.ok();
    let ask = async |person: &Person, path: &str| {
        api.call(person, Method::DELETE, &format!("{path}?check=true"), None).await
    };
    let (plan, scan) = (
        format!("/sessions/{session}/files/plan.txt"),
        format!("/acquisitions/{acquisition}/files/scan.dcm"),
    );
    for path in [format!("/sessions/{session}"), plan, scan] {
        assert_eq!(ask(api.root(), &path).await.ok(), json!({"deleted": 0}), "{path}");
        if !path.ends_with("plan.txt") {
            assert_eq!(ask(&rw, &path).await.body["reason"], "original_data_present", "{path}");
        }
        assert_eq!(api.get(&path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn any_container_is_found_by_its_id_alone() {
    let api = Api::new().await;
    let [group, project, subject, session, acquisition] = api.tree().await;
    let collection = api.post("/collections", json!({"label": "c"})).await.id();
    let analysis = api.post(&format!("/sessions/{session}/analyses"), json!({"label": "a"})).await.id();
    let all = [
        (&group, "group"),
        (&project, "project"),
        (&subject, "subject"),
        (&session, "session"),
        (&acquisition, "acquisition"),
        (&collection, "collection"),
        (&analysis, "analysis"),
    ];
    for (id, kind) in all {
        assert_eq!(api.get(&format!("/containers/{id}")).await.ok()["container_type"], kind);
        api.put(&format!("/containers/{id}"), json!({"label": "new"})).await.ok();
        assert_eq!(api.get(&format!("/containers/{id}")).await.ok()["label"], "new");
    }
    api.delete(&format!("/containers/{analysis}")).await.ok();
    api.get(&format!("/containers/{analysis}")).await.error(404);
}

#[tokio::test]
async fn features_of_a_single_get_leave_parts_out() {
    let api = Api::new().await;
    let [_, _, _, session, _] = api.tree().await;
    let request = http::Request::get(format!("/api/sessions/{session}"))
        .header("authorization", "scitran-user root")
        .header("X-Accept-Feature", "Slim_Containers, EXCLUDE-FILES")
        .body(axum::body::Body::empty())
        .unwrap();
    let shown = api.send(request).await.ok();
    assert!(shown.get("analyses").is_none());
    assert_eq!(shown["files"], json!([]));
}
