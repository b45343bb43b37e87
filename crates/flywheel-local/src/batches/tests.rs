//! Batches through the router: proposed, run, cancelled.
#![allow(clippy::unwrap_used)]

use http::Method;
use serde_json::{Value, json};

use crate::{
    files::harness::Bench,
    jobs::tests::{gear, gear_of, manifest},
};

/// A bench with three acquisitions: one with a file, one with two, one without.
async fn study() -> (Bench, [String; 2]) {
    let bench = Bench::new().await;
    bench.put("a.txt", b"abc").await;
    let mut more = Vec::new();
    for (label, files) in [("two", &[("a.txt", b"1".as_slice()), ("b.txt", b"2")][..]), ("none", &[])] {
        let body = json!({"label": label, "session": bench.session});
        let id = bench.add("/acquisitions", body).await;
        if !files.is_empty() {
            bench.upload(&format!("/acquisitions/{id}/files"), files, None).await.ok();
        }
        more.push(id);
    }
    (bench, more.try_into().unwrap())
}

fn propose(gear: &str, kind: &str, id: &str) -> Value {
    json!({"gear_id": gear, "targets": [{"type": kind, "id": id}], "optional_input_policy": "ignored"})
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["_id"].as_str().unwrap()).collect()
}

async fn state_of(bench: &Bench, batch: &str) -> Value {
    bench.get(&format!("/batch/{batch}")).await.ok()["state"].clone()
}

/// Gives the next job to an engine and ends it.
async fn end_next(bench: &Bench, success: bool) {
    let ask = json!({"whitelist": {}, "blacklist": {}, "capabilities": [], "return": {"jobs": 1}});
    let job = bench.post("/jobs/ask", ask).await.ok()["jobs"][0]["id"].as_str().unwrap().to_owned();
    bench.post(&format!("/jobs/{job}/complete"), json!({"success": success})).await.ok();
}

#[tokio::test]
async fn a_proposal_sorts_containers_by_what_the_gear_finds_there() {
    let (bench, [two, none]) = study().await;
    let gear = gear(&bench, "count", "utility").await;
    for (kind, id) in [("project", &bench.project), ("subject", &bench.subject), ("session", &bench.session)]
    {
        let proposal = bench.post("/batch", propose(&gear, kind, id)).await.ok();
        assert_eq!(ids(&proposal["matched"]), [bench.acquisition.as_str()], "{kind}");
        assert_eq!(
            (ids(&proposal["ambiguous"]), ids(&proposal["not_matched"])),
            (vec![two.as_str()], vec![none.as_str()])
        );
        let image = json!({"type": "acquisition", "id": bench.acquisition, "name": "a.txt"});
        assert_eq!(proposal["matched"][0]["inputs"], json!({"image": image}));
        assert_eq!((&proposal["state"], &proposal["config"]), (&json!("pending"), &json!({"n": 3})));
    }
    let nothing = bench.post("/batch", propose(&gear, "acquisition", &none)).await.ok();
    assert_eq!((nothing.get("_id"), ids(&nothing["not_matched"])), (None, vec![none.as_str()]));
    assert_eq!(
        bench.get("/batch").await.ok().as_array().unwrap().len(),
        3,
        "what matched nothing is not kept"
    );
}

#[tokio::test]
async fn proposals_that_make_no_sense_are_refused() {
    let (bench, _) = study().await;
    let gear = gear(&bench, "count", "utility").await;
    let (project, session) = (bench.project.clone(), bench.session.clone());
    let mut mixed = propose(&gear, "session", &session);
    mixed["targets"].as_array_mut().unwrap().push(json!({"type": "project", "id": project}));
    let mut silent = propose(&gear, "session", &session);
    silent.as_object_mut().unwrap().remove("optional_input_policy");
    let mut wrong = propose(&gear, "session", &session);
    wrong["config"] = json!({"n": 0});
    let empty = bench.add("/projects", json!({"label": "Empty", "group": "lab"})).await;
    for (body, status, told) in [
        (mixed, 400, "one type"),
        (silent, 400, "optional_input_policy"),
        (wrong, 422, "n: 0"),
        (propose(&gear, "group", "lab"), 400, "projects"),
        (propose(&gear, "session", "ffffffffffffffffffffffff"), 404, "session"),
        (propose(&gear, "project", &empty), 404, "acquisitions"),
        (propose("ffffffffffffffffffffffff", "project", &project), 404, "gear"),
        (json!({"gear_id": gear, "targets": [], "optional_input_policy": "ignored"}), 400, "targets"),
    ] {
        let message = bench.post("/batch", body.clone()).await.refused(status);
        assert!(message.contains(told), "{body}: {message}");
    }
    let ro = bench.as_user("ro@x.org", Some("ro")).await;
    ro.post("/batch", propose(&gear, "project", &project)).await.refused(403);
}

#[tokio::test]
async fn a_batch_runs_once_and_ends_with_its_jobs() {
    let (bench, _) = study().await;
    bench.call(Method::DELETE, &bench.file("b.txt"), Value::Null).await;
    let gear = gear(&bench, "count", "utility").await;
    let mut body = propose(&gear, "project", &bench.project);
    body["tags"] = json!(["night"]);
    let proposal = bench.post("/batch", body).await.ok();
    let batch = proposal["_id"].as_str().unwrap();
    bench.post(&format!("/batch/{batch}/cancel"), Value::Null).await.refused(400);
    let jobs = bench.post(&format!("/batch/{batch}/run"), Value::Null).await.ok();
    assert_eq!(jobs.as_array().unwrap().len(), 1);
    assert_eq!(jobs[0]["tags"], json!(["night", "count", "batch"]));
    assert_eq!(
        (&jobs[0]["batch"], &jobs[0]["destination"]["id"]),
        (&json!(batch), &json!(bench.acquisition))
    );
    bench.post(&format!("/batch/{batch}/run"), Value::Null).await.refused(400);
    assert_eq!(state_of(&bench, batch).await, "running");
    end_next(&bench, false).await;
    assert_eq!(state_of(&bench, batch).await, "failed");
    let retry = format!("/jobs/{}/retry", jobs[0]["id"].as_str().unwrap());
    bench.post(&retry, Value::Null).await.ok();
    assert_eq!(state_of(&bench, batch).await, "running", "a second attempt is part of the batch");
    end_next(&bench, true).await;
    let whole = bench.get(&format!("/batch/{batch}?jobs=true")).await.ok();
    assert_eq!(
        (&whole["state"], &whole["stats"]["complete"], &whole["stats"]["failed"]),
        (&json!("complete"), &json!(1), &json!(1))
    );
    assert_eq!(whole["jobs"][1]["state"], "complete");
    let stranger = bench.as_user("stranger@x.org", Some("admin")).await;
    stranger.get(&format!("/batch/{batch}")).await.refused(403);
    assert_eq!(stranger.get("/batch").await.ok(), json!([]));
}

#[tokio::test]
async fn cancelling_a_batch_stops_what_waits() {
    let (bench, [two, none]) = study().await;
    let quiet = gear_of(&bench, "utility", manifest("quiet", json!({}), json!({}))).await;
    let mut body = propose(&quiet, "project", &bench.project);
    body["container_type"] = "acquisition".into();
    let batch = bench.post("/batch", body).await.ok()["_id"].as_str().unwrap().to_owned();
    let jobs = bench.post(&format!("/batch/{batch}/run"), Value::Null).await.ok();
    let destinations: Vec<&str> =
        jobs.as_array().unwrap().iter().map(|job| job["destination"]["id"].as_str().unwrap()).collect();
    assert_eq!(destinations, [bench.acquisition.as_str(), &two, &none]);
    let ask = json!({"whitelist": {}, "blacklist": {}, "capabilities": [], "return": {"jobs": 1}});
    bench.post("/jobs/ask", ask).await.ok();
    let cancelled = bench.post(&format!("/batch/{batch}/cancel"), Value::Null).await.ok();
    assert_eq!(cancelled, json!({"number_cancelled": 2}));
    let first = jobs[0]["id"].as_str().unwrap();
    bench.post(&format!("/jobs/{first}/complete"), json!({"success": true})).await.ok();
    assert_eq!(state_of(&bench, &batch).await, "cancelled");
}

#[tokio::test]
async fn analyses_of_a_batch_belong_to_sessions() {
    let (bench, _) = study().await;
    let gear = gear(&bench, "measure", "analysis").await;
    let mut body = propose(&gear, "session", &bench.session);
    body["analysis"] = json!({"label": "measured"});
    let batch = bench.post("/batch", body).await.ok()["_id"].as_str().unwrap().to_owned();
    let jobs = bench.post(&format!("/batch/{batch}/run"), Value::Null).await.ok();
    let analyses = bench.get(&format!("/sessions/{}/analyses", bench.session)).await.ok();
    assert_eq!((&analyses[0]["label"], &analyses[0]["job"]), (&json!("measured"), &jobs[0]["id"]));
    assert_eq!(jobs[0]["tags"], json!(["measure", "analysis", "batch"]));
}

#[tokio::test]
async fn a_gear_without_files_is_proposed_for_sessions_and_a_collection_limits_the_targets() {
    let (bench, [two, _]) = study().await;
    let quiet = gear_of(&bench, "utility", manifest("quiet", json!({}), json!({}))).await;
    let proposal = bench.post("/batch", propose(&quiet, "acquisition", &two)).await.ok();
    assert_eq!(ids(&proposal["matched"]), [bench.session.as_str()]);
    let gear = gear(&bench, "count", "utility").await;
    let collection = bench.add("/collections", json!({"label": "c"})).await;
    let mut body = propose(&gear, "project", &bench.project);
    body["target_context"] = json!({"type": "collection", "id": collection});
    bench.post("/batch", body.clone()).await.refused(404);
    let put = json!({"contents": {"operation": "add", "nodes": [{"level": "acquisition", "_id": two}]}});
    bench.call(Method::PUT, &format!("/collections/{collection}"), put).await.ok();
    let limited = bench.post("/batch", body).await.ok();
    assert_eq!((ids(&limited["ambiguous"]), ids(&limited["matched"])), (vec![two.as_str()], vec![]));
}

#[tokio::test]
async fn jobs_made_beforehand_are_checked_and_run_together() {
    let (bench, _) = study().await;
    let gear = gear(&bench, "count", "utility").await;
    let image = json!({"type": "acquisition", "id": bench.acquisition, "name": "a.txt"});
    let good = json!({"gear_id": gear, "inputs": {"image": image}, "config": {"n": 5}});
    let refused = bench.post("/batch/jobs", json!({"jobs": [good, {"gear_id": gear}]})).await.refused(422);
    assert!(refused.starts_with("Job 1: "), "{refused}");
    bench.post("/batch/jobs", json!({"jobs": []})).await.refused(400);
    let batch = bench.post("/batch/jobs", json!({"jobs": [good, good]})).await.ok();
    assert_eq!(batch["proposal"]["preconstructed_jobs"][0], good);
    let jobs = bench.post(&format!("/batch/{}/run", batch["_id"].as_str().unwrap()), Value::Null).await.ok();
    assert_eq!(jobs.as_array().unwrap().len(), 2);
    assert_eq!(jobs[0]["config"]["config"], json!({"n": 5}));
}
