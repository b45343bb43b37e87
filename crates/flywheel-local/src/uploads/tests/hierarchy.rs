//! Subjects, sessions and acquisitions that are found, changed or made in one call.

use http::Method;
use serde_json::{Value, json};

use crate::files::harness::Bench;

async fn upsert(bench: &Bench, query: &str, mut body: Value) -> Value {
    body["origin"] = json!({"type": "device", "id": "scanner"});
    bench.post(&format!("/projects/{}/upsert-hierarchy{query}", bench.project), body).await.ok()
}

#[tokio::test]
async fn what_is_missing_is_made_and_what_is_there_is_ignored_or_changed() {
    let bench = Bench::new().await;
    let body = json!({
        "subject": {"label": "sub-02", "sex": "male"},
        "session": {"uid": "5.5", "label": "ses-01", "tags": ["t"]},
        "acquisition": {"uid": "5.5.1", "label": "bold", "info": {"TR": 2}},
    });
    let made = upsert(&bench, "", body.clone()).await;
    for level in ["subject", "session", "acquisition"] {
        assert_eq!(made[level]["upsert_result"], "created", "{level}");
    }
    assert_eq!(made["session"]["uid"], "5.5");
    let again = upsert(&bench, "", body).await;
    for level in ["subject", "session", "acquisition"] {
        assert_eq!(
            (&again[level]["upsert_result"], &again[level]["_id"]),
            (&json!("ignored"), &made[level]["_id"])
        );
    }
    let change = json!({"session": {"uid": "5.5", "label": "renamed"}, "acquisition": {"uid": "5.5.1", "info": {"TE": 30}}});
    let changed = upsert(&bench, "", change).await;
    assert_eq!(
        changed["subject"],
        json!({"_id": made["subject"]["_id"], "label": "sub-02", "upsert_result": "ignored"})
    );
    assert_eq!(
        (&changed["session"]["upsert_result"], &changed["session"]["label"]),
        (&json!("updated"), &json!("renamed"))
    );
    let path = format!("/acquisitions/{}", made["acquisition"]["_id"].as_str().unwrap());
    assert_eq!(bench.get(&path).await.ok()["info"], json!({"TR": 2, "TE": 30}));
}

#[tokio::test]
async fn a_uid_of_another_place_is_a_conflict_and_changes_nothing() {
    let bench = Bench::new().await;
    bench.call(Method::PUT, &format!("/sessions/{}", bench.session), json!({"uid": "1.2"})).await.ok();
    let body = json!({"subject": {"label": "sub-09"}, "session": {"uid": "1.2", "label": "changed"}});
    let answer = upsert(&bench, "", body.clone()).await;
    assert_eq!(
        (&answer["subject"]["upsert_result"], &answer["session"]["upsert_result"]),
        (&json!("created"), &json!("conflict"))
    );
    assert_eq!(answer["session"]["_id"], bench.session);
    assert_eq!(bench.get(&format!("/sessions/{}", bench.session)).await.ok()["label"], "ses-01");
    let inside = upsert(&bench, "?uid_scope=parent", body).await;
    assert_eq!(inside["session"]["upsert_result"], "created");
    let routed = json!({"subject": {"label": "sub-01"}, "session": {"uid": "other", "label": "ses-01", "routing_field": "label"}});
    let routed = upsert(&bench, "", routed).await;
    assert_eq!(
        (&routed["session"]["_id"], &routed["session"]["upsert_result"]),
        (&json!(bench.session), &json!("updated"))
    );
}

#[tokio::test]
async fn a_level_without_its_parent_or_its_name_is_refused() {
    let bench = Bench::new().await;
    let path = format!("/projects/{}/upsert-hierarchy", bench.project);
    let origin = json!({"type": "device", "id": "x"});
    for body in [
        json!({"origin": origin}),
        json!({"subject": {"label": "x"}}),
        json!({"origin": origin, "acquisition": {"label": "x"}}),
        json!({"origin": origin, "subject": {"sex": "male"}}),
        json!({"origin": origin, "subject": {"label": "x", "colour": 1}}),
    ] {
        bench.post(&path, body.clone()).await.refused(422);
    }
    bench.post(&format!("{path}?uid_scope=moon"), json!({"origin": origin})).await.refused(422);
}
