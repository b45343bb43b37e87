//! What runs of views and searches send, and what they make of answers that the local site does not give.

use std::time::Duration;

use axum::{Json, http::StatusCode, response::IntoResponse};
use flywheel::{ErrorKind, Kind, Session, View, search::field};
use flywheel_core::sort::Order;
use futures::TryStreamExt;
use serde_json::{Map, Value, json};

use crate::script::{Script, Seen};

const ID: &str = "5eb0bf2e0a1b2c3d4e5f6071";

fn view() -> View {
    View::builder().column("subject.label").include_ids(false).build().unwrap()
}

fn run_in(state: &str) -> Value {
    json!({"_id": "x1", "user_id": "jo", "project_id": ID, "expires_on": "2030-01-01T00:00:00Z", "state": state})
}

#[tokio::test]
async fn a_view_is_queued_looked_at_until_it_is_done_and_fetched() {
    let script = Script::serve(|seen: &Seen, before| match (seen.line.as_str(), before) {
        (line, _) if line.contains("/data?") => "a\r\n1\r\n".into_response(),
        (_, 0) => Json(run_in("queued")).into_response(),
        (_, 1) => Json(run_in("processing")).into_response(),
        _ => Json(run_in("completed")).into_response(),
    })
    .await;
    let run = script.fw.views().run(view(), ID).filter("subject.label=a,subject.label!=b c");
    let run = run.sort("subject.label:desc").skip(2).limit(3).poll_every(Duration::from_millis(1));
    assert_eq!(run.bytes(flywheel::view::OutputFormat::Csv).await.unwrap(), "a\r\n1\r\n");
    let execution = "GET /data_view_executions/x1";
    assert_eq!(
        script.lines(),
        [
            format!(
                "POST /views/queue?containerId={ID}&filter=subject.label=a,subject.label!=\"b c\"\
                 &sort=subject.label:desc&skip=2&limit=3"
            ),
            execution.to_owned(),
            execution.to_owned(),
            format!("{execution}/data?file_format=csv"),
        ]
    );
    assert_eq!(script.seen()[0].body, serde_json::to_value(view().document()).unwrap());
}

#[tokio::test]
async fn a_saved_view_goes_by_its_id_and_a_direct_run_is_one_call() {
    let script = Script::serve(|_: &Seen, _| "[]").await;
    let views = script.fw.views();
    views.run("v1", ID).direct(true).table().await.unwrap();
    views.run(view(), ID).direct(true).limit(5).table().await.unwrap();
    views.run("v1", ID).table().await.unwrap_err();
    assert_eq!(
        script.lines(),
        [
            format!("GET /views/v1/data?containerId={ID}&format=json-flat"),
            format!("POST /views/data?containerId={ID}&limit=5&format=json-flat"),
            format!("POST /views/v1/queue?containerId={ID}"),
        ]
    );
}

#[tokio::test]
async fn a_run_that_fails_or_does_not_end_says_so() {
    let failing = Script::serve(|_: &Seen, _| {
        let mut run = run_in("failed");
        run["error"] = "no such column".into();
        Json(run)
    })
    .await;
    let error = failing.fw.views().run(view(), ID).table().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(error.message().contains("x1") && error.message().ends_with("no such column"), "{error}");

    let endless = Script::serve(|_: &Seen, _| Json(run_in("processing"))).await;
    let run = endless.fw.views().run(view(), ID).poll_every(Duration::from_millis(1));
    let error = run.wait_at_most(Duration::from_millis(20)).table().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.may_have_executed() && error.hint().is_some(), "{error}");
}

#[tokio::test]
async fn rows_before_the_place_where_an_answer_breaks_off_are_given() {
    let script = Script::serve(|_: &Seen, _| "[{\"a\": 1}, {\"a\": 2}, {\"a\"").await;
    let mut rows = script.fw.views().run(view(), ID).direct(true).objects();
    for wanted in [1, 2] {
        assert_eq!(rows.try_next().await.unwrap().unwrap()["a"], wanted);
    }
    let error = rows.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.message().contains("break off"), "{error}");
}

#[tokio::test]
async fn rows_of_several_containers_come_in_their_order() {
    let script = Script::serve(|seen: &Seen, _| {
        let id = seen.line.split("containerId=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        let slow = if id == "c1" { 60 } else { 0 };
        std::thread::sleep(Duration::from_millis(slow));
        Json(json!([{"from": id}]))
    })
    .await;
    let ids: Vec<String> = (1..=9).map(|n| format!("c{n}")).collect();
    let run = script.fw.views().run_over(view(), &ids).direct(true);
    let rows: Vec<Map<String, Value>> = run.objects().try_collect().await.unwrap();
    assert_eq!(rows.iter().map(|row| row["from"].as_str().unwrap()).collect::<Vec<_>>(), ids);
}

#[tokio::test]
async fn a_search_sends_all_that_it_was_told() {
    let script = Script::serve(|_: &Seen, _| Json(json!([]))).await;
    let search = script.fw.search(field("subject.label").eq("001") & field("session.age").gt(3));
    let clause = json!({"term": {"file.type": "nifti"}});
    let search =
        search.text("motion").clause(clause.clone()).all_data(true).sort("session.age", Order::Descending);
    search.find_hits(Kind::Session).await.unwrap();
    search.limit(7).find_hits(Kind::File).await.unwrap();
    let seen = script.seen();
    assert_eq!(seen[0].line, "POST /dataexplorer/search?simple=true");
    assert_eq!(
        seen[0].body,
        json!({
            "return_type": "session", "structured_query": "subject.label = \"001\" AND session.age > 3",
            "search_string": "motion", "filters": [clause], "all_data": true,
            "sort": {"field": "session.age", "order": "desc"}, "size": 10_000,
        })
    );
    assert_eq!((&seen[1].body["return_type"], &seen[1].body["size"]), (&json!("file"), &json!(7)));
}

#[tokio::test]
async fn beyond_one_answer_each_project_and_then_each_subject_is_asked() {
    let script = Script::serve(|seen: &Seen, _| {
        let filters = seen.body["filters"].to_string();
        let result = |level: &str, id: &str| json!({"return_type": level, level: {"_id": id}});
        let found =
            |n| (0..n).map(|n| json!({"return_type": "file", "file": {"name": n.to_string()}})).collect();
        let answer: Vec<Value> = match seen.body["return_type"].as_str().unwrap() {
            "project" => vec![result("project", "p1"), result("project", "p2")],
            "subject" => vec![result("subject", "s1")],
            _ if filters.contains("must_not") => found(1),
            _ if filters.contains("s1") || filters.contains("p2") => found(2),
            _ => found(3),
        };
        Json(answer)
    })
    .await;
    let hits = script.fw.search("file.type = dicom").page_size(3).find_hits(Kind::File).await.unwrap();
    assert_eq!(hits.len(), 2 + 1 + 2);
    let asked: Vec<(String, Value)> = script
        .seen()
        .iter()
        .map(|seen| (seen.body["return_type"].as_str().unwrap().to_owned(), seen.body["filters"].clone()))
        .collect();
    let (p1, p2, s1) = (
        json!({"term": {"project._id": "p1"}}),
        json!({"term": {"project._id": "p2"}}),
        json!({"term": {"subject._id": "s1"}}),
    );
    let none = json!({"bool": {"must_not": [{"exists": {"field": "subject._id"}}]}});
    let wanted = [
        ("file", Value::Null),
        ("project", Value::Null),
        ("file", json!([p1])),
        ("subject", json!([p1])),
        ("file", json!([p1, s1])),
        ("file", json!([p1, none])),
        ("file", json!([p2])),
    ];
    assert_eq!(asked, wanted.map(|(kind, filters)| (kind.to_owned(), filters)));
}

#[tokio::test]
async fn what_is_gone_since_the_index_saw_it_is_left_out() {
    let script = Script::serve(|seen: &Seen, _| {
        let session = |id: &str| json!({"return_type": "session", "session": {"_id": id}});
        match seen.line.as_str() {
            line if line.starts_with("POST") => Json(json!([session("s1"), session("s2")])).into_response(),
            "GET /sessions/s1" => {
                let gone = json!({"status_code": 404, "message": "Could not find resource session:s1"});
                (StatusCode::NOT_FOUND, Json(gone)).into_response()
            }
            _ => Json(json!({"_id": "s2", "label": "there"})).into_response(),
        }
    })
    .await;
    let sessions: Vec<Session> = script.fw.search("session.label EXISTS").find().await.unwrap();
    assert_eq!(sessions.iter().map(Session::label).collect::<Vec<_>>(), ["there"]);
}
