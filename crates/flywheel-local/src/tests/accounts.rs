//! Users, keys, devices, and who is let in.

use axum::body::Body;
use http::{Method, Request};
use serde_json::json;

use super::{Api, Person};

#[tokio::test]
async fn every_written_form_of_a_key_is_let_in_and_others_are_not() {
    let api = Api::new().await;
    let user = api.site.add_user("u@x.org", false).await.unwrap();
    assert_eq!(user.len(), 57);
    let good = [
        "scitran-user root".to_owned(),
        "Bearer root".to_owned(),
        format!("Bearer {user}"),
        format!("scitran-user {user}"),
        "scitran-user 127.0.0.1:8090:root".to_owned(),
        "scitran-user __force_insecure:root".to_owned(),
        "scitran-user http://localhost:8090:root".to_owned(),
    ];
    for header in good {
        let request =
            Request::get("/api/auth/status").header("authorization", &header).body(Body::empty()).unwrap();
        assert_eq!(api.send(request).await.status, 200, "{header}");
    }
    for header in ["scitran-user wrong", "Bearer ", "scitran-user root:", "root2"] {
        let request =
            Request::get("/api/auth/status").header("authorization", header).body(Body::empty()).unwrap();
        api.send(request).await.error(401);
    }
    api.get_as(&Person::Anonymous, "/auth/status").await.error(401);
    for open in ["/config", "/version"] {
        api.get_as(&Person::Anonymous, open).await.ok();
    }
}

#[tokio::test]
async fn users_are_made_once_changed_and_deleted_by_administrators() {
    let api = Api::new().await;
    let body = json!({"_id": "new@x.org", "firstname": "N", "lastname": "U"});
    assert_eq!(api.post("/users", body.clone()).await.id(), "new@x.org");
    api.post("/users", body).await.error(409);
    api.post("/users", json!({"_id": "no spaces", "firstname": "N", "lastname": "U"})).await.error(422);
    api.post("/users", json!({"_id": "x"})).await.error(422);
    api.put("/users/new@x.org", json!({"firstname": "M", "roles": ["site_admin"]})).await.ok();
    let shown = api.get("/users/new@x.org").await.ok();
    assert_eq!(
        (&shown["firstname"], &shown["root"], &shown["email"]),
        (&json!("M"), &json!(true), &json!("new@x.org"))
    );
    api.put("/users/new@x.org", json!({"root": false})).await.ok();
    assert_eq!(api.get("/users/new@x.org").await.ok()["roles"], json!([]));
    assert_eq!(api.get("/users").await.column("_id"), ["admin@flywheel.local", "new@x.org"]);
    api.delete("/users/new@x.org").await.ok();
    api.get("/users/new@x.org").await.error(404);
    api.delete("/users/admin@flywheel.local").await.error(403);
    api.put("/users/admin@flywheel.local", json!({"disabled": true})).await.error(400);
}

#[tokio::test]
async fn users_change_their_own_name_and_nothing_of_others() {
    let api = Api::new().await;
    let user = api.user("u@x.org", false).await;
    let put = |path: &'static str, body| api.call(&user, Method::PUT, path, Some(body));
    put("/users/u@x.org", json!({"firstname": "Me"})).await.ok();
    put("/users/u@x.org", json!({"roles": ["site_admin"]})).await.error(403);
    put("/users/admin@flywheel.local", json!({"firstname": "Me"})).await.error(403);
    assert_eq!(api.get("/users/u@x.org").await.ok()["firstname"], "Me");
}

#[tokio::test]
async fn a_disabled_user_is_refused_and_can_lose_all_permissions() {
    let api = Api::new().await;
    let [group, project, ..] = api.tree().await;
    let user = api.user("u@x.org", false).await;
    let entry = json!({"_id": "u@x.org", "role_ids": [api.role("rw").await]});
    api.post(&format!("/projects/{project}/permissions"), entry.clone()).await.ok();
    api.post(&format!("/groups/{group}/permissions/templates"), entry).await.ok();
    api.put("/users/u@x.org?clear_permissions=true", json!({"disabled": true})).await.ok();
    api.get_as(&user, "/auth/status").await.error(402);
    api.get(&format!("/projects/{project}/permissions/u@x.org")).await.error(404);
    assert_eq!(api.get(&format!("/groups/{group}")).await.ok()["permissions_template"], json!([]));
    api.put("/users/u@x.org", json!({"disabled": false})).await.ok();
    api.get_as(&user, &format!("/projects/{project}")).await.error(403);
}

#[tokio::test]
async fn keys_are_shown_whole_once_and_end_when_deleted_or_expired() {
    let api = Api::new().await;
    let made = api.post("/users/self/key", json!({"label": "laptop"})).await.ok();
    let key = made["key"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    assert_eq!(key.len(), 57);
    let person = Person::Key(key.clone());
    let myself = api.get_as(&person, "/users/self").await.ok();
    let listed =
        myself["api_keys"].as_array().unwrap().iter().find(|key| key["label"] == "laptop").unwrap().clone();
    assert!(!myself.to_string().contains(&key));
    assert!(key.starts_with(listed["key"].as_str().unwrap().trim_end_matches('…')));
    api.delete(&format!("/users/self/key/{}", listed["_id"].as_str().unwrap())).await.ok();
    api.get_as(&person, "/users/self").await.error(401);
    api.delete("/users/self/key/ffffffffffffffffffffffff").await.error(404);
    let old = api.post("/users/self/key", json!({"label": "old", "expires_at": "2020-01-01"})).await.ok();
    let old = Person::Key(old["key"].as_str().unwrap().to_owned());
    let message = api.get_as(&old, "/users/self").await.error(401);
    assert!(message.contains("expired"), "{message}");
}

#[tokio::test]
async fn an_account_has_five_keys_at_most() {
    let api = Api::new().await;
    let user = api.user("u@x.org", false).await;
    for n in 0..4 {
        api.call(&user, Method::POST, "/users/self/key", Some(json!({"label": n.to_string()}))).await.ok();
    }
    api.call(&user, Method::POST, "/users/self/key", Some(json!({"label": "6th"}))).await.error(422);
}

#[tokio::test]
async fn keys_are_not_in_the_database_in_the_clear() {
    let api = Api::new().await;
    let key = api.site.add_user("u@x.org", false).await.unwrap();
    let found =
        std::fs::read_dir(api.site.data()).unwrap().flatten().filter(|entry| entry.path().is_file()).any(
            |entry| {
                let bytes = std::fs::read(entry.path()).unwrap();
                bytes.windows(key.len()).any(|window| window == key.as_bytes())
            },
        );
    assert!(!found);
}

#[tokio::test]
async fn own_info_takes_set_delete_and_replace() {
    let api = Api::new().await;
    api.patch("/users/self/info", json!({"set": {"a": 1, "b": 2}})).await.ok();
    api.patch("/users/self/info", json!({"delete": ["a"]})).await.ok();
    assert_eq!(api.get("/users/self/info").await.ok(), json!({"b": 2}));
    assert_eq!(api.get("/users/self/info?fields=c").await.ok(), json!({}));
    assert!(api.get("/users/admin@flywheel.local").await.ok().get("info").is_none());
}

#[tokio::test]
async fn a_device_registers_itself_and_then_comes_with_its_key() {
    let api = Api::new().await;
    let status = api.get_as(&Person::Device, "/auth/status").await.ok();
    assert_eq!((&status["is_device"], &status["origin"]["type"]), (&json!(true), &json!("device")));
    let id = status["origin"]["id"].as_str().unwrap();
    let myself = api.get_as(&Person::Device, "/devices/self").await.ok();
    assert_eq!(
        (&myself["_id"], &myself["type"], &myself["label"]),
        (&json!(id), &json!("scanner"), &json!("one"))
    );
    let key = Person::Key(myself["key"].as_str().unwrap().to_owned());
    assert_eq!(api.get_as(&key, "/auth/status").await.ok()["origin"]["id"], id);
    assert!(api.get(&format!("/devices/{id}")).await.ok().get("key").is_none());
    assert_eq!(api.get("/devices").await.column("_id"), [id]);
    let request = http::Request::get("/api/devices")
        .header("authorization", format!("scitran-user {}", myself["key"].as_str().unwrap()))
        .header("x-accept-feature", "multipart_signed_url, pagination");
    assert_eq!(api.send(request.body(axum::body::Body::empty()).unwrap()).await.column("_id"), [id]);
    api.get_as(&Person::Device, "/users/self").await.error(403);
    api.get("/devices/self").await.error(403);
    let report = json!({"interval": 60, "version": "1", "errors": []});
    api.call(&Person::Device, Method::PUT, "/devices/self", Some(report)).await.ok();
    api.call(&Person::Device, Method::PUT, "/devices/self", Some(json!({"type": "other"}))).await.error(422);
    assert_eq!(api.get("/devices/status").await.ok()[id]["status"], "ok");
    api.put(&format!("/devices/{id}"), json!({"disabled": true})).await.ok();
    api.get_as(&Person::Device, "/auth/status").await.error(402);
    api.get_as(&key, "/auth/status").await.error(402);
    api.delete(&format!("/devices/{id}")).await.ok();
    api.get_as(&key, "/auth/status").await.error(401);
}

#[tokio::test]
async fn a_device_keeps_its_type_and_its_storage_through_changes_that_name_none() {
    let api = Api::new().await;
    let new = json!({"label": "one", "type": "scanner", "storage_config": {"storage_strategy": "project"}});
    let at = format!("/devices/{}", api.post("/devices", new).await.id());
    api.put(&at, json!({"disabled": false, "storage_config": null})).await.ok();
    let kept = api.get(&at).await.ok();
    assert_eq!((&kept["type"], &kept["disabled"]), (&json!("scanner"), &json!(false)));
    assert_eq!(kept["storage_config"], json!({"storage_strategy": "project"}));
    api.put(&at, json!({"storage_config": {"storage_strategy": "moon"}})).await.error(422);
    api.put(&at, json!({"storage_config": {"provider": "p"}})).await.error(422);
    let plain = json!({"label": "two", "type": "scanner", "storage_config": null});
    let at = format!("/devices/{}", api.post("/devices", plain).await.id());
    assert_eq!(api.get(&at).await.ok()["storage_config"], json!({}));
    api.call(&Person::Device, Method::PUT, "/devices/self", Some(json!({"type": null, "version": "2"})))
        .await
        .ok();
    assert_eq!(api.get_as(&Person::Device, "/devices/self").await.ok()["type"], "scanner");
}

#[tokio::test]
async fn a_key_of_a_device_lets_it_in_until_it_is_deleted() {
    let api = Api::new().await;
    let at =
        format!("/devices/{}", api.post("/devices", json!({"label": "one", "type": "scanner"})).await.id());
    let made = api.post(&format!("{at}/key"), json!({"label": "lab"})).await.ok();
    let device = Person::Key(made["key"].as_str().unwrap().rsplit(':').next().unwrap().to_owned());
    assert_eq!(api.get_as(&device, "/auth/status").await.ok()["is_device"], true);
    let listed = api.get(&at).await.ok()["api_keys"][0].clone();
    api.delete(&format!("{at}/key/{}", listed["_id"].as_str().unwrap())).await.ok();
    api.get_as(&device, "/auth/status").await.error(401);
}

#[tokio::test]
async fn an_avatar_is_where_the_user_says_it_is() {
    let api = Api::new().await;
    let me = format!("/users/{}", crate::ADMIN);
    api.get("/users/self/avatar").await.error(404);
    api.put(&me, json!({"avatar": "https://example.org/a.png"})).await.ok();
    for path in ["/users/self/avatar".to_owned(), format!("{me}/avatar")] {
        assert_eq!(api.get(&path).await.status, 302, "{path}");
    }
}

#[tokio::test]
async fn no_user_takes_the_id_of_a_device() {
    let api = Api::new().await;
    let id = api.post("/devices", json!({"label": "one", "type": "scanner"})).await.id();
    let user = json!({"_id": id, "firstname": "N", "lastname": "U"});
    api.post("/users", user).await.error(409);
    assert_eq!(api.get(&format!("/devices/{id}")).await.ok()["type"], "scanner");
}

#[tokio::test]
async fn device_headers_must_be_whole_and_right() {
    let api = Api::new().await;
    let request = |secret: &str, method: Option<&str>| {
        let mut request =
            Request::get("/api/auth/status").header("X-SciTran-Auth", secret).header("X-SciTran-Name", "n");
        if let Some(method) = method {
            request = request.header("X-SciTran-Method", method);
        }
        request.body(Body::empty()).unwrap()
    };
    api.send(request("drone-secret", None)).await.error(400);
    api.send(request("wrong", Some("m"))).await.error(401);
    api.send(request("drone-secret", Some("m"))).await.ok();
}

#[tokio::test]
async fn modalities_are_shipped_and_kept_by_administrators() {
    let api = Api::new().await;
    let magnetic = api.get("/modalities/MR").await.ok();
    let count = |aspect: &str| magnetic["classification"][aspect].as_array().unwrap().len();
    assert_eq!((count("Intent"), count("Measurement")), (9, 19));
    assert!(magnetic["classification"]["Features"].as_array().unwrap().iter().any(|word| word == "SBRef"));
    api.post("/modalities", json!({"_id": "XX", "classification": {"A": ["b"]}})).await.ok();
    api.post("/modalities", json!({"_id": "XX"})).await.error(409);
    api.post("/modalities", json!({"_id": "YY", "classification": {"A": "b"}})).await.error(422);
    let changed = api.put("/modalities/XX", json!({"active": false})).await.ok();
    assert_eq!((&changed["active"], &changed["classification"]), (&json!(false), &json!({"A": ["b"]})));
    assert_eq!(api.delete("/modalities/XX").await.ok(), json!({"deleted": 1}));
    api.get("/modalities/XX").await.error(404);
}

#[tokio::test]
async fn the_site_tells_about_itself() {
    let api = Api::new().await;
    let version = api.get("/version").await.ok();
    assert_eq!(version["release"], version["flywheel_release"]);
    let config = api.get("/config").await.ok();
    assert_eq!(config["site"]["pagination_limit"], 100);
    for (feature, on) in
        [("collections", true), ("gear_access", true), ("signed_url", false), ("audit_trail", false)]
    {
        assert_eq!(config["features"][feature], on, "{feature}");
    }
    assert_eq!(api.get("/site/settings").await.ok()["_id"], "site");
    api.put("/site/settings", json!({"center_gears": ["a"]})).await.ok();
    assert_eq!(api.get("/site/settings").await.ok()["center_gears"], json!(["a"]));
    let links = json!([{"label": "l", "url": "https://x.org"}]);
    assert_eq!(api.put("/site/bookmark-list", links.clone()).await.ok(), links);
    assert_eq!(api.get("/site/bookmark-list").await.ok(), links);
}

#[tokio::test]
async fn another_process_on_the_same_folder_is_refused() {
    let api = Api::new().await;
    let error = crate::Site::builder().data(api.site.data()).open().await.unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
}

#[tokio::test]
async fn a_site_keeps_everything_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let open =
        || crate::Site::builder().data(folder.path()).admin_key("127.0.0.1:1:__force_insecure:root").open();
    let ask = |path: &str, body: &'static str| {
        Request::post(format!("/api{path}"))
            .header("authorization", "Bearer root")
            .body(Body::from(body))
            .unwrap()
    };
    let site = open().await.unwrap();
    let made = tower::ServiceExt::oneshot(site.router(), ask("/groups", r#"{"_id": "lab", "label": "L"}"#))
        .await
        .unwrap();
    assert_eq!(made.status(), 200);
    drop(site);
    let site = open().await.unwrap();
    let again = tower::ServiceExt::oneshot(site.router(), ask("/groups", r#"{"_id": "lab", "label": "L"}"#))
        .await
        .unwrap();
    assert_eq!(again.status(), 409);
}

#[tokio::test]
async fn one_person_has_one_code_and_subjects_carry_no_other() {
    let api = Api::new().await;
    let [_, project, subject, ..] = api.tree().await;
    let by_id = |id: &str| json!({"patient_id": id, "use_patient_id": true});
    let first = api.post("/subjects/master-code", by_id("P-1")).await.ok();
    assert_eq!(api.post("/subjects/master-code", by_id(" p-1 ")).await.ok(), first);
    assert_ne!(api.post("/subjects/master-code", by_id("P-2")).await.ok(), first);
    let named = json!({"first_name": "Ada", "last_name": "L", "date_of_birth": "1815-12-10", "use_patient_id": false});
    let person = api.post("/subjects/master-code", named.clone()).await.ok();
    assert_eq!(api.post("/subjects/master-code", named).await.ok(), person);
    api.post("/subjects/master-code", json!({"first_name": "Ada"})).await.error(422);
    let code = first["code"].as_str().unwrap();
    assert_eq!(api.get(&format!("/subjects/master-code/{code}")).await.ok(), first);
    api.get("/subjects/master-code/NOBODY").await.error(404);
    api.put(&format!("/subjects/{subject}"), json!({"master_code": code})).await.ok();
    api.put(&format!("/subjects/{subject}"), json!({"master_code": "NOBODY"})).await.error(422);
    let body = json!({"project": project, "label": "x", "master_code": "NOBODY"});
    api.post("/subjects", body).await.error(422);
    assert!(api.get(&format!("/changes/master_subject_code/{code}")).await.ok()["changes"].is_array());
}

#[tokio::test]
async fn users_keep_preferences_and_the_projects_they_visited() {
    let api = Api::new().await;
    let [group, project, ..] = api.tree().await;
    let other = api.project(&group, "other").await;
    api.put("/users/self/preferences", json!({"a": 1, "b": 2})).await.ok();
    api.put("/users/self/preferences", json!({"a": null, "c": 3})).await.ok();
    for id in [&project, &other, &project] {
        api.post(&format!("/users/self/visited_projects/{id}"), json!(null)).await.ok();
    }
    let own = api.get("/users/self").await.ok();
    assert_eq!(own["preferences"], json!({"b": 2, "c": 3}));
    assert_eq!(own["visited_projects"], json!([project, other]));
    api.put("/users/self/preferences", json!([])).await.error(422);
    api.post("/logout", json!(null)).await.ok();
    assert_eq!(api.get("/report/accesslog").await.column("access_type"), ["user_logout"]);
}
