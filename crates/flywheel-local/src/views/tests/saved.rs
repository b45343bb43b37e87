//! Saved views, their parents and who may.

use super::*;

fn named(label: &str) -> Value {
    json!({"label": label, "columns": [{"src": "subject.label"}]})
}

#[tokio::test]
async fn columns_are_listed_without_what_is_hidden() {
    let bench = Bench::new().await;
    let columns = bench.get("/views/columns").await.ok();
    let columns = columns.as_array().unwrap();
    assert!(
        columns
            .iter()
            .any(|column| column["name"] == "session.age_years" && column["expr"] == "x / 31557600.0")
    );
    assert!(columns.iter().any(|column| column["name"] == "file" && column["group"][1] == "file.name"));
    assert!(columns.iter().all(|column| column["name"] != "subject.age"));
}

#[tokio::test]
async fn a_view_is_made_listed_read_changed_run_and_deleted() {
    let bench = Bench::new().await;
    let list = format!("/containers/{}/views", bench.project);
    let id = bench.add(&list, named("one")).await;
    let shown = bench.get(&format!("/views/{id}")).await.ok();
    assert_eq!((&shown["label"], &shown["parent"]), (&json!("one"), &json!(bench.project)));
    assert_eq!((&shown["includeIds"], &shown["sort"]), (&json!(true), &json!(false)));
    assert_eq!(shown["origin"], json!({"type": "user", "id": "admin@flywheel.local"}));
    let change = json!({"label": "two", "includeIds": false, "includeLabels": false, "errorColumn": false,
        "groupBy": {"columns": ["subject.sex"]}});
    bench.call(Method::PUT, &format!("/views/{id}"), change).await.ok();
    let changed = bench.get(&list).await.ok();
    assert_eq!(
        (&changed[0]["label"], &changed[0]["groupBy"]),
        (&json!("two"), &json!({"columns": [{"src": "subject.sex"}]}))
    );
    bench.call(Method::PUT, &format!("/views/{id}"), json!({"groupBy": null})).await.ok();
    let path = format!("/views/{id}/data?containerId={}&format=csv", bench.project);
    assert_eq!(bench.get(&path).await.bytes, "subject.label\r\nsub-01\r\n".as_bytes());
    let bad = json!({"columns": [{"src": "nonsense"}]});
    bench.call(Method::PUT, &format!("/views/{id}"), bad).await.refused(400);
    bench.call(Method::PUT, &format!("/views/{id}"), json!({})).await.refused(400);
    bench.call(Method::PUT, &format!("/views/{id}"), json!({"colums": []})).await.refused(422);
    assert_eq!(delete(&bench, &format!("/views/{id}")).await["deleted"], 1);
    bench.get(&format!("/views/{id}")).await.refused(404);
    assert_eq!(bench.get(&list).await.ok(), json!([]));
}

#[tokio::test]
async fn what_was_read_can_be_sent_back() {
    let bench = Bench::new().await;
    let id = bench.add(&format!("/containers/{}/views", bench.project), named("one")).await;
    let shown = bench.get(&format!("/views/{id}")).await.ok();
    bench.call(Method::PUT, &format!("/views/{id}"), shown.clone()).await.ok();
    bench.post(&format!("/views/data?containerId={}", bench.project), shown).await.ok();
}

#[tokio::test]
async fn a_view_needs_a_label_and_columns_that_exist() {
    let bench = Bench::new().await;
    let list = format!("/containers/{}/views", bench.project);
    bench.post(&list, json!({"columns": []})).await.refused(422);
    bench.post(&list, json!({"label": "x", "columns": [{"src": "nonsense"}]})).await.refused(400);
    bench.post(&format!("/containers/{}/views", bench.session), named("x")).await.refused(400);
    bench.post("/containers/nobody/views", named("x")).await.refused(404);
}

#[tokio::test]
async fn views_are_for_those_of_their_parent() {
    let bench = Bench::new().await;
    let reader = bench.as_user("ann@example.org", Some("ro")).await;
    let writer = bench.as_user("bob@example.org", Some("rw")).await;
    let stranger = bench.as_user("eve@example.org", None).await;
    let project = format!("/containers/{}/views", bench.project);
    reader.post(&project, named("x")).await.refused(403);
    stranger.get(&project).await.refused(403);
    let id = writer.add(&project, named("x")).await;
    reader.get(&format!("/views/{id}")).await.ok();
    stranger.get(&format!("/views/{id}")).await.refused(403);
    reader.call(Method::PUT, &format!("/views/{id}"), json!({"label": "y"})).await.refused(403);
    reader.call(Method::DELETE, &format!("/views/{id}"), Value::Null).await.refused(403);

    let own = "/containers/ann@example.org/views";
    let id = reader.add(own, named("mine")).await;
    writer.get(own).await.refused(403);
    writer.get(&format!("/views/{id}")).await.refused(403);
    assert_eq!(bench.get(own).await.ok()[0]["label"], "mine");

    writer.post("/containers/site/views", named("x")).await.refused(403);
    let id = bench.add("/containers/site/views", named("for all")).await;
    stranger.get(&format!("/views/{id}")).await.ok();
    assert_eq!(stranger.get("/containers/site/views").await.ok()[0]["label"], "for all");

    writer.post("/containers/lab/views", named("x")).await.refused(403);
    bench.add("/containers/lab/views", named("of the group")).await;
    assert_eq!(reader.get("/containers/lab/views").await.ok()[0]["label"], "of the group");
    stranger.get("/containers/lab/views").await.refused(403);
    stranger.anonymous(Method::GET, "/containers/site/views", "").await.refused(401);
}

#[tokio::test]
async fn views_go_with_their_project() {
    let bench = Bench::new().await;
    let id = bench.add(&format!("/containers/{}/views", bench.project), named("x")).await;
    delete(&bench, &format!("/projects/{}", bench.project)).await;
    bench.get(&format!("/views/{id}")).await.refused(404);
}
