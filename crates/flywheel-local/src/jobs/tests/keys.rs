//! Keys of running jobs: what they open, and when they stop to.

use axum::body::Body;
use http::{Request, header};

use super::*;
use crate::{
    jobs::{self, Asker, Order},
    store::records,
};

/// Queues a job with a key input, starts it, and gives what its `config.json` says the key is, less the host.
async fn key_of(bench: &Bench, read_only: bool, asker: Option<&Bench>) -> (String, String) {
    let inputs = json!({"api-key": {"base": "api-key", "read-only": read_only}});
    let name = if read_only { "reader" } else { "writer" };
    let gear = gear_of(bench, "utility", manifest(name, inputs, json!({}))).await;
    let destination = json!({"type": "session", "id": bench.session});
    let body = json!({"gear_id": gear, "destination": destination});
    let job = asker.unwrap_or(bench).add("/jobs/add", body).await;
    start(bench).await;
    (job.clone(), issued(bench, &job).await)
}

async fn issued(bench: &Bench, job: &str) -> String {
    let config = bench.get(&format!("/jobs/{job}/config.json")).await.ok();
    let key = config["inputs"]["api-key"]["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("site.test:"), "{key}");
    key.rsplit(':').next().unwrap().to_owned()
}

/// A call with a key.
async fn with(bench: &Bench, key: &str, method: Method, path: &str, body: Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api{path}"))
        .header(header::HOST, "site.test")
        .header(header::AUTHORIZATION, format!("scitran-user {key}"))
        .header(header::CONTENT_TYPE, "application/json");
    bench.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn get(bench: &Bench, key: &str, path: &str) -> Answer {
    with(bench, key, Method::GET, path, Value::Null).await
}

#[tokio::test]
async fn a_key_acts_as_who_asked_for_the_job_while_it_runs() {
    let bench = Bench::new().await;
    let user = bench.as_user("rw@x.org", Some("rw")).await;
    let other = bench.add("/projects", json!({"label": "Other", "group": "lab"})).await;
    let (job, key) = key_of(&bench, false, Some(&user)).await;
    let status = get(&bench, &key, "/auth/status").await.ok();
    assert_eq!(status["origin"], json!({"type": "job", "id": job}));
    assert_eq!((&status["user_id"], &status["user_is_admin"]), (&json!("rw@x.org"), &json!(false)));
    let project = format!("/projects/{}", bench.project);
    get(&bench, &key, &project).await.ok();
    get(&bench, &key, &format!("/projects/{other}")).await.refused(403);
    with(&bench, &key, Method::POST, &format!("{project}/tags"), json!({"value": "seen"})).await.ok();
    let shown = get(&bench, &key, &format!("/jobs/{job}/config.json")).await.ok();
    assert_eq!(shown["inputs"]["api-key"], json!({"base": "api-key"}), "a key begets no keys");
    bench.post(&format!("/jobs/{job}/complete"), json!({"success": true})).await.ok();
    get(&bench, &key, &project).await.refused(401);
}

#[tokio::test]
async fn a_key_that_reads_only_changes_nothing() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"abc").await;
    let (_, key) = key_of(&bench, true, None).await;
    let project = format!("/projects/{}", bench.project);
    get(&bench, &key, &project).await.ok();
    get(&bench, &key, &bench.file("a.txt")).await;
    with(&bench, &key, Method::POST, "/lookup", json!({"path": ["lab", "Study"]})).await.ok();
    for (method, path, body) in [
        (Method::POST, format!("{project}/tags"), json!({"value": "t"})),
        (Method::PUT, project.clone(), json!({"label": "x"})),
        (Method::DELETE, project, Value::Null),
        (Method::POST, "/groups".to_owned(), json!({"_id": "new", "label": "x"})),
        (Method::POST, "/collections".to_owned(), json!({"label": "x"})),
        (Method::POST, "/users/self/key".to_owned(), json!({"label": "x"})),
        (Method::POST, "/gears/x".to_owned(), json!({})),
    ] {
        with(&bench, &key, method, &path, body).await.refused(403);
    }
}

#[tokio::test]
async fn the_job_of_a_rule_may_do_what_its_role_allows_in_its_project_alone() {
    let bench = Bench::new().await;
    let other = bench.add("/projects", json!({"label": "Other", "group": "lab"})).await;
    let inputs = json!({"api-key": {"base": "api-key"}});
    let gear = gear_of(&bench, "utility", manifest("writer", inputs, json!({}))).await;
    let roles = bench.get("/roles").await.ok();
    let role = |level: &str| {
        let role =
            roles.as_array().unwrap().iter().find(|role| role["default_flywheel_role"] == level).unwrap();
        role["_id"].as_str().unwrap().to_owned()
    };
    let rule = "5eb0bf2e0a1b2c3d4e5f6071";
    for (level, tag) in [("ro", 403), ("rw", 200)] {
        let (project, session) = (bench.project.clone(), bench.session.clone());
        let (gear, role) = (gear.clone(), role(level));
        let work = move |db: &rusqlite::Connection| {
            let asker = Asker::Rule { rule, role: Some(&role), project: &project };
            let destination = Some(json!({"type": "session", "id": session}));
            jobs::enqueue(db, asker, Order { gear_id: gear, destination, ..Order::default() })
        };
        let job = bench.site.store().write(work).await.unwrap().id;
        let queued = bench.get(&format!("/jobs/{job}")).await.ok();
        assert_eq!(
            (&queued["origin"]["type"], &queued["tags"]),
            (&json!("system"), &json!(["writer", "auto"]))
        );
        start(&bench).await;
        let key = issued(&bench, &job).await;
        let status = get(&bench, &key, "/auth/status").await.ok();
        assert_eq!(status["origin"], json!({"type": "gear_rule", "id": rule}));
        assert_eq!((&status["user_id"], &status["roles"]), (&Value::Null, &json!(["user"])));
        let own = format!("/projects/{}", bench.project);
        let projects = get(&bench, &key, "/projects").await.ok();
        assert_eq!(projects.as_array().unwrap().len(), 1);
        let answer = with(&bench, &key, Method::POST, &format!("{own}/tags"), json!({"value": level})).await;
        assert_eq!(answer.status.as_u16(), tag, "{level}");
        get(&bench, &key, &format!("/projects/{other}")).await.refused(403);
        with(&bench, &key, Method::POST, &format!("/projects/{other}/tags"), json!({"value": "x"}))
            .await
            .refused(403);
        get(&bench, &key, "/groups").await.refused(403);
        bench.post(&format!("/jobs/{job}/complete"), json!({"success": true})).await.ok();
    }
}

#[tokio::test]
async fn a_rule_cannot_reach_into_another_project() {
    let bench = Bench::new().await;
    let other = bench.add("/projects", json!({"label": "Other", "group": "lab"})).await;
    let gear = gear_of(&bench, "utility", manifest("quiet", json!({}), json!({}))).await;
    let session = bench.session.clone();
    let work = move |db: &rusqlite::Connection| {
        let asker = Asker::Rule { rule: "5eb0bf2e0a1b2c3d4e5f6071", role: None, project: &other };
        let destination = Some(json!({"type": "session", "id": session}));
        jobs::enqueue(db, asker, Order { gear_id: gear, destination, ..Order::default() })
    };
    assert_eq!(bench.site.store().write(work).await.unwrap_err().status(), 403);
}

#[tokio::test]
async fn the_key_of_a_disabled_user_opens_nothing() {
    let bench = Bench::new().await;
    let user = bench.as_user("rw@x.org", Some("rw")).await;
    let (_, key) = key_of(&bench, false, Some(&user)).await;
    let disable = |db: &rusqlite::Connection| {
        let mut account = records::account(db, records::AccountKind::User, "rw@x.org")?.unwrap();
        account.insert("disabled".into(), true.into());
        records::put_account(db, records::AccountKind::User, &account)
    };
    bench.site.store().write(disable).await.unwrap();
    get(&bench, &key, "/auth/status").await.refused(402);
}
