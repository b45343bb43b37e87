//! Users and keys over plain HTTP: what people may do to themselves and to each other.

use flywheel_tests::site::LocalSite;
use http::Method;
use serde_json::{Value, json};

fn put(site: &LocalSite, caller: &str, user: &str, body: &Value) -> u16 {
    let path = format!("/users/{user}@example.org");
    site.call(Method::PUT, &path).as_user(caller).json(body).send().status
}

#[test]
fn a_user_changes_only_their_own_name() {
    let site = LocalSite::start();
    assert_eq!(put(&site, "ann", "ann", &json!({"firstname": "Annie"})), 200);
    let me = site.get("/users/self").as_user("ann").send().expect(200).json();
    assert_eq!(me["firstname"], "Annie");
    for body in [json!({"roles": ["site_admin"]}), json!({"root": true}), json!({"disabled": false})] {
        assert_eq!(put(&site, "ann", "ann", &body), 403, "{body}");
    }
    assert_eq!(put(&site, "ann", "bob", &json!({"firstname": "Bobby"})), 403);
    assert_eq!(put(&site, "admin", "bob", &json!({"firstname": "Bobby"})), 200);
}

#[test]
fn nobody_removes_themselves() {
    let site = LocalSite::start();
    let _ = site.call(Method::DELETE, "/users/admin@example.org").as_user("admin").send().refused(403);
    for body in [json!({"disabled": true}), json!({"roles": ["user"]}), json!({"root": false})] {
        assert_eq!(put(&site, "admin", "admin", &body), 400, "{body}");
    }
    let _ = site.get("/users").as_user("admin").send().expect(200);
}

#[test]
fn who_is_deleted_leaves_every_permission_list() {
    let site = LocalSite::start();
    let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let grant = site.post("/groups/lab/permissions").as_user("admin");
    let _ = grant.json(&json!({"_id": "eve@example.org", "access": "ro"})).send().expect(200);
    let _ = site.call(Method::DELETE, "/users/eve@example.org").as_user("admin").send().expect(200);
    let group = site.get("/groups/lab").as_user("admin").send().expect(200).json();
    assert!(!group["permissions"].to_string().contains("eve@example.org"), "{group}");
    let answer = site.get("/users/self").as_user("eve").send();
    assert!(matches!(answer.status, 401 | 402), "{answer:?}");
}

#[test]
fn an_account_has_at_most_five_keys_and_each_is_shown_once() {
    let site = LocalSite::start();
    let make = |label: &str| {
        let body = json!({"label": label, "expires_at": "2099-01-01T00:00:00Z"});
        site.post("/users/self/key").as_user("bob").json(&body).send()
    };
    for label in ["two", "three", "four", "five"] {
        let made = make(label).expect(200).json();
        let key = made["key"].as_str().unwrap();
        assert!(key.starts_with(&format!("{}:__force_insecure:", site.address())), "{key}");
        let secret = key.rsplit(':').next().unwrap();
        let call = site.get("/users/self").header("authorization", &format!("Bearer {secret}"));
        let me = call.send().expect(200).json();
        assert_eq!(me["_id"], "bob@example.org");
        assert!(!me.to_string().contains(secret), "{me}");
    }
    let _ = make("six").refused(422);
}

#[test]
fn a_refusal_names_the_action_that_is_missing() {
    let site = LocalSite::start();
    let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let project = site.create("/projects", &json!({"group": "lab", "label": "Study"}));
    let call = site.call(Method::PUT, &format!("/projects/{project}")).as_user("ann");
    let body = call.json(&json!({"label": "hers"})).send().refused(403);
    assert!(body["message"].as_str().unwrap().ends_with("containers_modify_metadata"), "{body}");
    assert_eq!(body["reason"], "permission_denied", "{body}");
}

#[test]
fn a_reason_for_deleting_is_one_of_the_known_ones() {
    let site = LocalSite::start();
    let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let project = site.create("/projects", &json!({"group": "lab", "label": "Study"}));
    let delete = |reason: &str| {
        let path = format!("/projects/{project}?delete_reason={reason}");
        site.call(Method::DELETE, &path).as_user("admin").send()
    };
    let _ = delete("because").refused(422);
    let _ = delete("test_data").expect(200);
}
