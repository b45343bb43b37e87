//! How jobs end, and how they begin again.

use super::*;
use crate::{Site, jobs};

#[tokio::test]
async fn steps_that_jobs_do_not_take_are_refused() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"abc").await;
    let gear = gear(&bench, "count", "utility").await;
    let id = queue(&bench, &gear).await;
    let (job, complete) = (format!("/jobs/{id}"), format!("/jobs/{id}/complete"));
    bench.post(&complete, json!({"success": true})).await.refused(409);
    bench.post(&format!("{job}/prepare-complete"), json!(null)).await.refused(409);
    put(&bench, &job, json!({"state": "complete"})).await.refused(409);
    put(&bench, &job, json!({"state": "running"})).await.refused(403);
    put(&bench, &job, json!({"state": "waiting"})).await.refused(422);
    put(&bench, &job, json!({})).await.refused(400);
    put(&bench, &job, json!({"state": "cancelled"})).await.ok();
    for (path, body) in
        [(job.clone(), json!({"failure_reason": "x"})), (format!("{job}/heartbeat"), json!(null))]
    {
        assert!(put(&bench, &path, body).await.refused(400).contains("cancelled"));
    }
    bench.post(&complete, json!({"success": true})).await.refused(400);
    assert_eq!(start(&bench).await, Value::Null);
}

#[tokio::test]
async fn users_cancel_their_own_jobs_and_nothing_else() {
    let (bench, gear, id) = running("utility").await;
    let user = bench.as_user("rw@x.org", Some("rw")).await;
    put(&user, &format!("/jobs/{id}"), json!({"state": "cancelled"})).await.refused(403);
    let own = queue(&user, &gear).await;
    put(&user, &format!("/jobs/{own}"), json!({"state": "failed"})).await.refused(403);
    put(&user, &format!("/jobs/{own}"), json!({"failure_reason": "x"})).await.refused(403);
    put(&user, &format!("/jobs/{own}"), json!({"state": "cancelled"})).await.ok();
    assert_eq!(state_of(&bench, &own).await, "cancelled");
    let many = [queue(&user, &gear).await, queue(&user, &gear).await];
    put(&user, "/jobs/cancel/bulk", json!([many[0], id])).await.refused(403);
    assert_eq!(state_of(&bench, &many[0]).await, "pending", "all or none");
    let cancelled = put(&user, "/jobs/cancel/bulk", json!([many[0], many[1], own])).await.ok();
    assert_eq!(cancelled, json!({"modified": 2}));
}

#[tokio::test]
async fn a_failed_job_says_why_and_is_tried_again_once() {
    let (bench, _, id) = running("utility").await;
    bench.post(&format!("/jobs/{id}/retry"), json!(null)).await.refused(409);
    bench
        .post(&format!("/jobs/{id}/complete"), json!({"success": false, "failure_reason": "exit 3"}))
        .await
        .ok();
    let failed = bench.get(&format!("/jobs/{id}")).await.ok();
    assert_eq!((&failed["state"], &failed["failure_reason"]), (&json!("failed"), &json!("exit 3")));
    let next =
        bench.post(&format!("/jobs/{id}/retry"), json!(null)).await.ok()["_id"].as_str().unwrap().to_owned();
    let second = bench.get(&format!("/jobs/{next}")).await.ok();
    assert_eq!((&second["attempt"], &second["previous_job_id"]), (&json!(2), &json!(id)));
    assert_eq!((&second["state"], &second["original_job_id"]), (&json!("pending"), &json!(id)));
    assert_eq!((second.get("failure_reason"), second.get("request")), (None, None));
    assert_eq!(second["inputs"], failed["inputs"]);
    assert!(bench.get(&format!("/jobs/{id}")).await.ok()["retried"].is_string());
    bench.post(&format!("/jobs/{id}/retry"), json!(null)).await.refused(409);
    start(&bench).await;
    bench.post(&format!("/jobs/{next}/complete"), json!({"success": true})).await.ok();
    bench.post(&format!("/jobs/{next}/retry"), json!(null)).await.refused(409);
    let third = bench.post(&format!("/jobs/{next}/retry?ignoreState=true"), json!(null)).await.ok();
    let third = bench.get(&format!("/jobs/{}", third["_id"].as_str().unwrap())).await.ok();
    assert_eq!((&third["attempt"], &third["original_job_id"]), (&json!(3), &json!(id)));
}

#[tokio::test]
async fn a_lost_job_fails_and_is_tried_again_while_attempts_remain() {
    let (bench, _, id) = running("utility").await;
    let reap = async || {
        bench.site.store().write(|db| jobs::lost::reap(db, chrono::TimeDelta::zero())).await.unwrap()
    };
    assert_eq!(
        bench.post("/jobs/reap", json!(null)).await.ok(),
        json!({"orphaned": 0}),
        "it is not silent for long"
    );
    assert_eq!(reap().await, 1);
    let lost = bench.get(&format!("/jobs/{id}")).await.ok();
    assert_eq!(lost["state"], "failed");
    assert!(bench.get(&format!("/jobs/{id}/logs/text")).await.bytes.ends_with(b"heard of its engine.\n"));
    for _ in 0..2 {
        assert_ne!(start(&bench).await, Value::Null);
        assert_eq!(reap().await, 1);
    }
    assert_eq!(start(&bench).await, Value::Null, "after the third attempt it is over");
}

#[tokio::test]
async fn a_job_about_to_hand_in_its_outputs_is_not_lost() {
    let (bench, _, id) = running("utility").await;
    put(&bench, &format!("/jobs/{id}/prepare-complete"), json!(null)).await.ok();
    let reaped =
        bench.site.store().write(|db| jobs::lost::reap(db, chrono::TimeDelta::zero())).await.unwrap();
    assert_eq!((reaped, state_of(&bench, &id).await.as_str()), (0, "running"));
    let wrong = format!("/jobs/{id}/complete?job_ticket_id=ffffffffffffffffffffffff");
    bench.post(&wrong, json!({"success": true})).await.refused(400);
    put(&bench, &format!("/jobs/{id}/complete"), json!({"success": true})).await.ok();
    assert_eq!(state_of(&bench, &id).await, "complete");
}

#[tokio::test]
async fn a_site_that_is_told_to_tries_failed_jobs_again() {
    for (told, attempts) in [(true, 3), (false, 1)] {
        let site = Site::builder().admin_key("k").retries_failed_jobs(told).open().await.unwrap();
        let bench = Bench::of(site).await;
        bench.put("a.txt", b"abc").await;
        let gear = gear(&bench, "count", "utility").await;
        let mut before = queue(&bench, &gear).await;
        for attempt in 1..=attempts {
            let job = start(&bench).await;
            let id = job["id"].as_str().unwrap().to_owned();
            assert_eq!(job["attempt"], attempt);
            assert!(attempt == 1 || job["previous_job_id"] == before.as_str(), "{job}");
            bench.post(&format!("/jobs/{id}/complete"), json!({"success": false})).await.ok();
            before = id;
        }
        assert!(start(&bench).await.is_null(), "no attempt after {attempts}");
    }
}

#[tokio::test]
async fn a_retried_analysis_shows_its_newest_job() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"abc").await;
    let gear = gear(&bench, "count", "analysis").await;
    let job = json!({"gear_id": gear, "inputs": {"image": input(&bench, "a.txt")}});
    let path = format!("/sessions/{}/analyses?job=true", bench.session);
    let made = bench.post(&path, json!({"label": "x", "job": job})).await.ok();
    start(&bench).await;
    let first = made["job_id"].as_str().unwrap();
    bench.post(&format!("/jobs/{first}/complete"), json!({"success": false})).await.ok();
    let next = bench.post(&format!("/jobs/{first}/retry"), json!(null)).await.ok()["_id"].clone();
    let analysis = bench.get(&format!("/analyses/{}", made["_id"].as_str().unwrap())).await.ok();
    assert_eq!(analysis["job"], next);
}

#[tokio::test]
async fn profiles_are_added_to_at_any_time() {
    let (bench, _, id) = running("utility").await;
    let path = format!("/jobs/{id}/profile");
    put(&bench, &path, json!({"preparation_time_ms": 4, "versions": {"engine": "1"}})).await.ok();
    put(&bench, &path, json!({"upload_time_ms": 6, "versions": {"core": "2"}})).await.ok();
    bench.post(&format!("/jobs/{id}/complete"), json!({"success": true})).await.ok();
    put(&bench, &path, json!({"elapsed_time_ms": 7})).await.ok();
    let profile = &bench.get(&format!("/jobs/{id}")).await.ok()["profile"];
    let times = ["preparation_time_ms", "upload_time_ms", "elapsed_time_ms"]
        .map(|key| profile[key].as_i64().unwrap());
    assert_eq!((times, &profile["versions"]), ([4, 6, 7], &json!({"engine": "1", "core": "2"})));
    put(&bench, &path, json!({"elapsed_time_ms": "long"})).await.refused(422);
}
