//! What is not served, not found, not allowed or not understood.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use super::{Api, Person};

#[tokio::test]
async fn every_operation_is_served_or_says_its_name() {
    let api = Api::new().await;
    let served = crate::router::routes();
    for operation in crate::operations::ALL.iter() {
        let route =
            served.iter().find(|route| route.method == operation.method && operation.fits(&route.path));
        let path = route.map_or(operation.path, |route| &route.path).replace(['{', '}'], "");
        let answer = api.call(&Person::Anonymous, operation.method.clone(), &path, None).await;
        let message = answer.body["message"].as_str().unwrap_or_default();
        if route.is_some() {
            let routed = answer.status != 501 && answer.status != 405 && !message.contains("no such route");
            assert!(routed, "{} {path}: {}", operation.id, answer.body);
        } else {
            assert_eq!(
                (answer.status.as_u16(), &answer.body["operation"]),
                (501, &json!(operation.id)),
                "{path}"
            );
            assert!(message.contains(operation.id));
        }
    }
}

#[tokio::test]
async fn unknown_routes_and_wrong_methods_are_told_apart() {
    let api = Api::new().await;
    api.get("/nothing/here").await.error(404);
    api.call(api.root(), Method::PATCH, "/version", None).await.error(405);
    api.call(api.root(), Method::POST, "/acquisitions/x", None).await.error(405);
    let outside = Request::get("/elsewhere").body(Body::empty()).unwrap();
    api.send(outside).await.error(404);
}

#[tokio::test]
async fn ids_are_ill_formed_unknown_or_of_another_kind() {
    let api = Api::new().await;
    let [_, project, _, session, _] = api.tree().await;
    let bad = api.get("/sessions/not-an-id").await;
    assert_eq!(bad.body["detail"][0]["loc"], json!(["path", "id"]));
    bad.error(422);
    api.get("/sessions/ffffffffffffffffffffffff").await.error(404);
    api.get(&format!("/sessions/{project}")).await.error(404);
    api.get("/groups/no%20such%20group").await.error(404);
    api.get("/groups/nosuch").await.error(404);
    api.get("/containers/zzz").await.error(404);
    api.get(&format!("/projects/{session}/sessions")).await.error(404);
}

#[tokio::test]
async fn bodies_are_checked_field_by_field() {
    let api = Api::new().await;
    let [group, project, ..] = api.tree().await;
    let cases: Vec<(&str, Value, Value)> = vec![
        ("/groups", json!({"_id": "UPPER", "label": "x"}), json!(["body", "_id"])),
        ("/groups", json!({"_id": "ok"}), json!(["body", "label"])),
        ("/projects", json!({"group": group}), json!(["body", "label"])),
        ("/projects", json!({"label": "x", "group": group, "colour": 1}), json!(["body", "colour"])),
        ("/projects", json!({"label": "", "group": group}), json!(["body", "label"])),
        ("/subjects", json!({"label": "x", "project": project, "sex": "other?"}), json!(["body", "sex"])),
        ("/subjects", json!({"label": "x".repeat(65), "project": project}), json!(["body", "label"])),
        (
            "/subjects",
            json!({"label": "x", "project": project, "firstname": "a/b"}),
            json!(["body", "firstname"]),
        ),
        ("/sessions", json!({"label": "x", "project": project}), json!(["body", "subject"])),
        (
            "/sessions",
            json!({"label": "x", "project": project, "subject": {}}),
            json!(["body", "subject", "label"]),
        ),
        (
            "/sessions",
            json!({"label": "x", "project": project, "subject": {"label": "s", "sex": "male"}}),
            json!(["body", "subject", "sex"]),
        ),
        (
            "/sessions",
            json!({"label": "x", "project": project, "subject": {"label": "s"}, "age": "1"}),
            json!(["body", "age"]),
        ),
        (
            "/sessions",
            json!({"label": "x", "project": project, "subject": {"label": "s"}, "timezone": "Moon"}),
            json!(["body", "timezone"]),
        ),
        ("/acquisitions", json!({"label": "x", "session": "nope"}), json!(["body", "session"])),
    ];
    for (path, body, place) in cases {
        let answer = api.post(path, body.clone()).await;
        assert_eq!(answer.body["detail"][0]["loc"], place, "{body}");
        answer.error(422);
    }
    api.post("/acquisitions", json!({"label": "x", "session": "ffffffffffffffffffffffff"})).await.error(404);
    api.put(&format!("/projects/{project}"), json!({})).await.error(400);
    api.put(&format!("/projects/{project}"), json!({"label": null})).await.error(422);
}

#[tokio::test]
async fn bodies_that_are_no_json_too_deep_or_too_long_are_refused() {
    let api = Api::new().await;
    let send = async |body: Vec<u8>| {
        let request = Request::post("/api/groups")
            .header("authorization", "Bearer root")
            .body(Body::from(body))
            .unwrap();
        api.send(request).await
    };
    send(b"{".to_vec()).await.error(400);
    for depth in [101, 5000] {
        send([b"[".repeat(depth), b"]".repeat(depth)].concat()).await.error(400);
    }
    send(vec![b' '; crate::body::LIMIT + 1]).await.error(413);
}

#[tokio::test]
async fn a_caller_without_access_learns_only_what_the_platform_tells() {
    let api = Api::new().await;
    let [group, project, subject, session, acquisition] = api.tree().await;
    let stranger = api.user("s@x.org", false).await;
    for (kind, id) in [
        ("groups", &group),
        ("projects", &project),
        ("subjects", &subject),
        ("sessions", &session),
        ("acquisitions", &acquisition),
    ] {
        let refused = api.get_as(&stranger, &format!("/{kind}/{id}")).await;
        assert!(!refused.body.to_string().contains("study") && !refused.body.to_string().contains("ses-1"));
        refused.error(403);
        assert_eq!(api.get_as(&stranger, &format!("/{kind}")).await.ok(), json!([]));
    }
    api.get_as(&stranger, "/sessions/ffffffffffffffffffffffff").await.error(404);
}

#[tokio::test]
async fn a_path_that_is_no_text_is_refused_in_json() {
    let api = Api::new().await;
    let request =
        Request::get("/api/groups/%FF").header("authorization", "Bearer root").body(Body::empty()).unwrap();
    api.send(request).await.error(400);
}
