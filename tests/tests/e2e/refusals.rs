//! What the site refuses, and how it says so.

use flywheel_tests::site::LocalSite;
use http::Method;
use serde_json::json;

fn site_with_project() -> (LocalSite, String) {
    let site = LocalSite::start();
    let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let id = site.create("/projects", &json!({"group": "lab", "label": "Study"}));
    (site, id)
}

#[test]
fn an_error_names_its_request_in_the_body_and_in_a_header() {
    let (site, _) = site_with_project();
    let answer = site.get(&format!("/projects/{}", "0".repeat(24))).as_user("admin").send();
    let header = answer.header("x-request-id").map(str::to_owned);
    let body = answer.refused(404);
    assert_eq!(body["request_id"].as_str().map(str::to_owned), header);
}

#[test]
fn a_body_that_is_not_json_is_a_client_error() {
    let (site, id) = site_with_project();
    for body in ["{", "", "[1,", "\u{feff}{}", "nonsense"] {
        for (method, path) in
            [(Method::PUT, format!("/projects/{id}")), (Method::POST, "/projects".to_owned())]
        {
            let call = site.call(method, &path).as_user("admin").header("content-type", "application/json");
            let answer = call.body(body).send();
            assert!(matches!(answer.status, 400 | 422), "{path} {body:?}: {answer:?}");
        }
    }
}

#[test]
fn a_validation_error_says_where() {
    let (site, id) = site_with_project();
    let call = site.call(Method::PUT, &format!("/projects/{id}")).as_user("admin");
    let body = call.json(&json!({"colour": "red"})).send().refused(422);
    assert_eq!(body["detail"][0]["loc"], json!(["body", "colour"]), "{body}");
    assert_eq!(body["detail"][0]["type"], "extra_forbidden", "{body}");
    let body = site.post("/projects").as_user("admin").json(&json!({"label": "x"})).send().refused(422);
    assert_eq!(body["detail"][0]["loc"], json!(["body", "group"]), "{body}");
    assert_eq!(body["detail"][0]["type"], "missing", "{body}");
}

#[test]
fn wrong_types_are_refused_for_every_kind() {
    let (site, id) = site_with_project();
    for (path, body) in [
        ("/groups", json!({"_id": 5, "label": "x"})),
        ("/groups", json!({"_id": "ok", "label": ["x"]})),
        ("/projects", json!({"group": "lab", "label": {}})),
        ("/projects", json!({"group": "lab", "label": ""})),
        ("/subjects", json!({"project": id, "label": 7})),
        ("/subjects", json!({"project": id, "label": "x".repeat(65)})),
        ("/subjects", json!({"project": id, "label": "x", "cohort": "Nobody"})),
        ("/sessions", json!({"project": id, "label": "x", "subject": 5})),
        ("/sessions", json!({"project": id, "label": "x", "subject": {"label": "s"}, "age": "old"})),
        ("/sessions", json!({"project": id, "label": "x", "subject": {"label": "s"}, "timestamp": "soon"})),
        ("/acquisitions", json!({"session": 1, "label": "x"})),
    ] {
        let answer = site.post(path).as_user("admin").json(&body).send();
        assert!(matches!(answer.status, 400 | 422), "{path} {body}: {answer:?}");
    }
}

#[test]
fn an_empty_update_is_refused() {
    let (site, id) = site_with_project();
    let answer = site.call(Method::PUT, &format!("/projects/{id}")).as_user("admin").json(&json!({})).send();
    let _ = answer.refused(400);
}

#[test]
fn hidden_unknown_and_malformed_ids_are_told_apart() {
    let (site, id) = site_with_project();
    let status = |user: &str, path: &str| site.get(path).as_user(user).send().status;
    assert_eq!(status("eve", &format!("/projects/{id}")), 403);
    assert_eq!(status("eve", &format!("/projects/{}", "0".repeat(24))), 404);
    assert_eq!(status("admin", &format!("/sessions/{id}")), 404, "an id of another kind");
    assert!(matches!(status("admin", "/projects/xyz"), 400 | 404 | 422));
    assert_eq!(site.get(&format!("/projects/{id}")).send().status, 401);
}

#[test]
fn what_was_deleted_is_gone_for_every_verb() {
    let (site, id) = site_with_project();
    let path = format!("/projects/{id}");
    let answer = site.call(Method::DELETE, &path).as_user("admin").send().expect(200).json();
    assert_eq!(answer["deleted"], 1);
    let _ = site.get(&path).as_user("admin").send().refused(404);
    let _ = site.call(Method::PUT, &path).as_user("admin").json(&json!({"label": "x"})).send().refused(404);
    let _ = site.call(Method::DELETE, &path).as_user("admin").send().refused(404);
    let _ =
        site.post(&format!("{path}/tags")).as_user("admin").json(&json!({"value": "x"})).send().refused(404);
    let _ = site.post(&format!("{path}/files")).as_user("admin").upload("a", b"", None).send().refused(404);
}

#[test]
fn two_projects_of_a_group_do_not_share_a_label() {
    let (site, _) = site_with_project();
    let call = site.post("/projects").as_user("admin");
    let _ = call.json(&json!({"group": "lab", "label": "Study"})).send().refused(409);
}
