//! Collections.

use http::Method;
use serde_json::json;

use super::Api;

#[tokio::test]
async fn nodes_are_expanded_to_the_acquisitions_of_that_moment() {
    let api = Api::new().await;
    let [_, project, _, session, acquisition] = api.tree().await;
    let collection =
        api.post("/collections", json!({"label": "c", "description": "d", "info": {"a": 1}})).await.id();
    let path = format!("/collections/{collection}");
    let contents = |operation: &str, level: &str, id: &str| json!({"contents": {"operation": operation, "nodes": [{"level": level, "_id": id}]}});
    api.put(&path, contents("add", "project", &project)).await.ok();
    let later = api.acquisition(&session, "t2").await;
    assert_eq!(api.get(&format!("{path}/acquisitions")).await.column("_id"), [acquisition.as_str()]);
    assert_eq!(api.get(&format!("{path}/sessions")).await.column("_id"), [session.as_str()]);
    api.put(&path, contents("add", "acquisition", &later)).await.ok();
    api.put(&path, contents("add", "acquisition", &later)).await.ok();
    assert_eq!(
        api.get(&format!("{path}/acquisitions?session={session}")).await.ok().as_array().unwrap().len(),
        2
    );
    assert_eq!(api.get(&format!("/acquisitions/{later}")).await.ok()["collections"], json!([collection]));
    assert_eq!(
        api.get(&format!("/acquisitions?collection_id={collection}")).await.ok().as_array().unwrap().len(),
        2
    );
    let stats = api.get("/collections?stats=true").await.ok();
    assert_eq!((&stats[0]["session_count"], &stats[0]["subject_count"]), (&json!(1), &json!(1)));
    api.put(&path, contents("remove", "session", &session)).await.ok();
    assert_eq!(api.get(&format!("{path}/acquisitions")).await.ok(), json!([]));
    api.put(&path, contents("add", "galaxy", &session)).await.error(422);
    api.put(&path, contents("add", "session", "ffffffffffffffffffffffff")).await.error(404);
    api.put(&path, contents("add", "session", &session)).await.ok();
    api.delete(&path).await.ok();
    assert_eq!(api.get(&format!("/acquisitions/{later}")).await.ok()["collections"], json!([]));
}

#[tokio::test]
async fn a_member_sees_of_a_collection_what_it_may_see_by_itself() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    let [_, hidden, ..] = api.tree_in("lab2").await;
    let collection = api.post("/collections", json!({"label": "c"})).await.id();
    let path = format!("/collections/{collection}");
    for project in [&project, &hidden] {
        let nodes = json!([{"level": "project", "_id": project}]);
        api.put(&path, json!({"contents": {"operation": "add", "nodes": nodes}})).await.ok();
    }
    let user = api.user("u@x.org", false).await;
    api.get_as(&user, &path).await.error(403);
    assert_eq!(api.get_as(&user, "/collections").await.ok(), json!([]));
    api.post(&format!("{path}/permissions"), json!({"_id": "u@x.org", "access": "ro"})).await.ok();
    assert_eq!(api.get_as(&user, &format!("{path}/acquisitions")).await.ok(), json!([]));
    let role = api.role("ro").await;
    api.post(&format!("/projects/{project}/permissions"), json!({"_id": "u@x.org", "role_ids": [role]}))
        .await
        .ok();
    assert_eq!(api.get_as(&user, &format!("{path}/acquisitions")).await.ok().as_array().unwrap().len(), 1);
    assert_eq!(api.get_as(&user, &format!("{path}/sessions")).await.ok().as_array().unwrap().len(), 1);
    api.call(&user, Method::PUT, &path, Some(json!({"label": "mine"}))).await.error(403);
    assert_eq!(api.get_as(&user, "/collections/curators").await.column("_id"), ["admin@flywheel.local"]);
}

#[tokio::test]
async fn lists_join_files_unless_told_not_to() {
    let api = Api::new().await;
    let collection = api.post("/collections", json!({"label": "c"})).await.id();
    api.file(api.root(), &format!("/collections/{collection}"), "a.txt", "x").await.ok();
    for (query, count) in [("", 1), ("?join_files=true", 1), ("?join_files=false", 0)] {
        let rows = api.get(&format!("/collections{query}")).await.ok();
        assert_eq!(rows[0]["files"].as_array().unwrap().len(), count, "{query}");
    }
}

#[tokio::test]
async fn those_of_a_user_are_told_to_the_user_and_to_administrators() {
    let api = Api::new().await;
    let (ann, bob) = (api.user("ann@x.org", false).await, api.user("bob@x.org", false).await);
    let mine = api.call(&ann, Method::POST, "/collections", Some(json!({"label": "mine"}))).await.id();
    api.call(&bob, Method::POST, "/collections", Some(json!({"label": "other"}))).await.id();
    for path in ["/collections?user_id=ann@x.org", "/users/ann@x.org/collections"] {
        assert_eq!(api.get(path).await.column("_id"), [mine.as_str()], "{path}");
        assert_eq!(api.get_as(&ann, path).await.column("_id"), [mine.as_str()], "{path}");
        api.get_as(&bob, path).await.error(403);
    }
}

#[tokio::test]
async fn analyses_of_a_collection_are_for_its_members() {
    let api = Api::new().await;
    let (ann, bob) = (api.user("ann@x.org", false).await, api.user("bob@x.org", false).await);
    let collection = api.post("/collections", json!({"label": "c"})).await.id();
    let path = format!("/collections/{collection}");
    api.post(&format!("{path}/permissions"), json!({"_id": "ann@x.org", "access": "ro"})).await.ok();
    let list = format!("{path}/analyses");
    let analysis = api.post(&list, json!({"label": "mean"})).await.id();
    let one = format!("{list}/{analysis}");
    assert_eq!(api.get_as(&ann, &list).await.column("_id"), [analysis.as_str()]);
    let shown = api.get_as(&ann, &one).await.ok();
    assert_eq!(shown["parent"], json!({"type": "collection", "id": collection}));
    api.get_as(&bob, &list).await.error(403);
    api.get_as(&bob, &one).await.error(403);
    api.call(&ann, Method::PUT, &one, Some(json!({"label": "x"}))).await.error(403);
    api.put(&one, json!({"label": "median"})).await.ok();
    api.file(api.root(), &one, "out.csv", "1").await.ok();
    assert_eq!(api.get_as(&ann, &one).await.ok()["files"][0]["name"], "out.csv");
    assert_eq!(api.get(&list).await.column("label"), ["median"]);
    api.delete(&one).await.ok();
    assert_eq!(api.get(&list).await.ok(), json!([]));
}
