//! Session templates through the router: sessions are judged anew by whatever changes below them.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use crate::tests::Api;

async fn judged(api: &Api, session: &str) -> (Value, Value) {
    let session = api.get(&format!("/sessions/{session}")).await.ok();
    (session["project_has_template"].clone(), session["satisfies_template"].clone())
}

fn template() -> Value {
    json!({"templates": [{
        "session": {"label": "^ses"},
        "acquisitions": [{"minimum": 1, "label": "t1", "files": [{"minimum": 1, "classification": "Structural"}]}],
    }]})
}

#[tokio::test]
async fn every_change_below_a_session_is_followed_by_its_judgement() {
    let api = Api::new().await;
    let [_, project, _, session, acquisition] = api.tree().await;
    let (yes, no) = ((json!(true), json!(true)), (json!(true), json!(false)));
    assert_eq!(judged(&api, &session).await.0, json!(false));

    api.post(&format!("/projects/{project}/template"), template()).await.ok();
    assert_eq!(judged(&api, &session).await, no);

    let at = format!("/acquisitions/{acquisition}");
    let file = api.file(api.root(), &at, "a.nii.gz", "x").await.ok()[0]["file_id"].clone();
    assert_eq!(judged(&api, &session).await, no);
    let words = json!({"modality": "MR", "replace": {"Intent": ["Structural"]}});
    api.put(&format!("/files/{}/classification", file.as_str().unwrap()), words).await.ok();
    assert_eq!(judged(&api, &session).await, yes);

    api.put(&at, json!({"label": "bold"})).await.ok();
    assert_eq!(judged(&api, &session).await, no);
    api.put(&at, json!({"label": "T1 again"})).await.ok();
    assert_eq!(judged(&api, &session).await, yes);

    api.put(&format!("/sessions/{session}"), json!({"label": "visit"})).await.ok();
    assert_eq!(judged(&api, &session).await, no);
    api.put(&format!("/sessions/{session}"), json!({"label": "ses-1"})).await.ok();
    assert_eq!(judged(&api, &session).await, yes);

    api.delete(&format!("/files/{}", file.as_str().unwrap())).await.ok();
    assert_eq!(judged(&api, &session).await, no);
}

#[tokio::test]
async fn moving_an_acquisition_away_judges_both_sessions() {
    let api = Api::new().await;
    let [_, project, subject, first, acquisition] = api.tree().await;
    let second = api.session(&project, &subject, "ses-2").await;
    let any = json!({"templates": [{"acquisitions": [{"minimum": 1, "label": "t1"}]}]});
    api.post(&format!("/projects/{project}/template"), any).await.ok();
    assert_eq!((judged(&api, &first).await.1, judged(&api, &second).await.1), (json!(true), json!(false)));
    api.put(&format!("/acquisitions/{acquisition}"), json!({"session": second})).await.ok();
    assert_eq!((judged(&api, &first).await.1, judged(&api, &second).await.1), (json!(false), json!(true)));
    api.delete(&format!("/acquisitions/{acquisition}")).await.ok();
    assert_eq!(judged(&api, &second).await.1, json!(false));
    let stats = &api.get("/projects?stats=true").await.ok()[0]["stats"]["number_of"];
    assert_eq!((&stats["compliant_sessions"], &stats["noncompliant_sessions"]), (&json!(0), &json!(2)));
}

#[tokio::test]
async fn removing_the_template_takes_the_judgement_away() {
    let api = Api::new().await;
    let [_, project, _, session, _] = api.tree().await;
    let path = format!("/projects/{project}/template");
    api.post(&path, template()).await.ok();
    let shown = api.get(&format!("/projects/{project}")).await.ok();
    assert_eq!(shown["templates"], template()["templates"]);
    assert_eq!(api.delete(&path).await.ok(), json!({"deleted": 1}));
    assert_eq!(judged(&api, &session).await, (json!(false), Value::Null));
    assert_eq!(api.delete(&path).await.ok(), json!({"deleted": 0}));
}

#[tokio::test]
async fn a_recalculation_of_what_is_up_to_date_changes_nothing() {
    let api = Api::new().await;
    let [_, project, _, _, _] = api.tree().await;
    api.post(&format!("/projects/{project}/template"), template()).await.ok();
    let none = json!({"sessions_changed": []});
    assert_eq!(api.post(&format!("/projects/{project}/recalc"), json!(null)).await.ok(), none);
    assert_eq!(api.post("/projects/recalc", json!(null)).await.ok(), none);
}

#[tokio::test]
async fn a_template_with_a_broken_pattern_is_refused() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    let broken = json!({"templates": [{"session": {"label": "("}}]});
    let path = format!("/projects/{project}/template");
    assert!(api.post(&path, broken).await.error(422).contains('('));
    api.post(&path, json!({})).await.error(422);
}
