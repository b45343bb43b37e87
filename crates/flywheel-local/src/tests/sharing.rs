//! Permission lists, templates, roles and the pools of groups.

use http::Method;
use serde_json::json;

use super::Api;

#[tokio::test]
async fn access_on_groups_and_collections_is_added_changed_and_taken() {
    let api = Api::new().await;
    let group = format!("/groups/{}", api.group("lab").await);
    let collection = format!("/collections/{}", api.post("/collections", json!({"label": "c"})).await.id());
    api.user("u@x.org", false).await;
    for one in [group, collection] {
        let list = format!("{one}/permissions");
        let own = format!("{list}/u@x.org");
        let entry = json!({"_id": "u@x.org", "access": "ro"});
        assert_eq!(api.post(&list, entry.clone()).await.ok(), entry);
        api.post(&list, entry.clone()).await.error(409);
        api.post(&list, json!({"_id": "nobody@x.org", "access": "ro"})).await.error(404);
        api.post(&list, json!({"_id": "u@x.org", "access": "god"})).await.error(422);
        assert_eq!(api.get(&own).await.ok(), entry);
        assert_eq!(api.put(&own, json!({"access": "rw"})).await.ok()["access"], "rw");
        assert_eq!(api.get(&one).await.ok()["permissions"].as_array().unwrap().len(), 2);
        assert_eq!(api.delete(&own).await.ok(), json!({"modified": 1}));
        api.get(&own).await.error(404);
        api.delete(&own).await.error(404);
    }
}

#[tokio::test]
async fn roles_on_projects_reach_everything_below_at_once() {
    let api = Api::new().await;
    let [_, project, _, session, acquisition] = api.tree().await;
    let user = api.user("u@x.org", false).await;
    let [ro, rw] = [api.role("ro").await, api.role("rw").await];
    let list = format!("/projects/{project}/permissions");
    let own = format!("{list}/u@x.org");
    let below = format!("/acquisitions/{acquisition}");
    api.get_as(&user, &below).await.error(403);
    let entry = json!({"_id": "u@x.org", "role_ids": [ro]});
    assert_eq!(api.post(&list, entry.clone()).await.ok(), entry);
    assert_eq!(api.get_as(&user, &below).await.ok()["permissions"], json!([entry]));
    let change = Some(json!({"label": "renamed"}));
    let refused = api.call(&user, Method::PUT, &below, change.clone()).await;
    assert!(refused.error(403).ends_with("containers_modify_metadata"));
    assert_eq!(api.put(&own, json!({"role_ids": [rw, ro]})).await.ok()["role_ids"], json!([rw, ro]));
    api.call(&user, Method::PUT, &below, change).await.ok();
    assert_eq!(
        api.get(&format!("/sessions/{session}")).await.ok()["permissions"].as_array().unwrap().len(),
        2
    );
    assert_eq!(api.call(&user, Method::DELETE, &own, None).await.ok(), json!({"modified": 1}));
    api.get_as(&user, &below).await.error(403);
}

#[tokio::test]
async fn the_older_form_of_a_permission_is_read_as_the_built_in_role() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    api.user("u@x.org", false).await;
    let list = format!("/projects/{project}/permissions");
    let added = api.post(&list, json!({"_id": "u@x.org", "access": "ro"})).await.ok();
    assert_eq!(added, json!({"_id": "u@x.org", "role_ids": [api.role("ro").await]}));
    let changed = api.put(&format!("{list}/u@x.org"), json!({"access": "rw"})).await.ok();
    assert_eq!(changed["role_ids"], json!([api.role("rw").await]));
    api.put(&format!("{list}/u@x.org"), json!({"role_ids": []})).await.error(422);
    api.put(&format!("{list}/u@x.org"), json!({"role_ids": ["ffffffffffffffffffffffff"]})).await.error(404);
}

#[tokio::test]
async fn a_project_inherits_a_copy_of_the_template_and_is_independent_of_it() {
    let api = Api::new().await;
    let group = api.group("lab").await;
    let [ro, rw, admin] = [api.role("ro").await, api.role("rw").await, api.role("admin").await];
    for user in ["u@x.org", "v@x.org"] {
        api.user(user, false).await;
        let entry = json!({"_id": user, "role_ids": [ro]});
        api.post(&format!("/groups/{group}/permissions/templates"), entry).await.ok();
    }
    let own = json!({"_id": "admin@flywheel.local", "role_ids": [ro]});
    api.post(&format!("/groups/{group}/permissions/templates"), own).await.ok();
    let make = async |query: &str, label: &str| {
        let id = api.post(&format!("/projects{query}"), json!({"label": label, "group": group})).await.id();
        format!("/projects/{id}")
    };
    let heir = make("?inherit=true", "heir").await;
    let plain = make("", "plain").await;
    let permissions = async |path: &str| api.get(path).await.ok()["permissions"].clone();
    let creator = json!({"_id": "admin@flywheel.local", "role_ids": [admin]});
    let entry = |user: &str, role: &str| json!({"_id": user, "role_ids": [role]});
    assert_eq!(permissions(&heir).await, json!([creator, entry("u@x.org", &ro), entry("v@x.org", &ro)]));
    assert_eq!(permissions(&plain).await, json!([creator]));

    let template = format!("/groups/{group}/permissions/templates/u@x.org");
    api.put(&template, json!({"role_ids": [rw]})).await.ok();
    assert_eq!(permissions(&heir).await, json!([creator, entry("u@x.org", &ro), entry("v@x.org", &ro)]));
    api.put(&template, json!({"role_ids": [rw]})).await.ok();
    api.put(&format!("{template}?propagate=true"), json!({"role_ids": [rw]})).await.ok();
    assert_eq!(permissions(&heir).await, json!([creator, entry("u@x.org", &rw), entry("v@x.org", &ro)]));
    assert_eq!(permissions(&plain).await, json!([creator, entry("u@x.org", &rw)]));
    assert_eq!(api.get(&template).await.ok(), entry("u@x.org", &rw));
    api.delete(&format!("{template}?propagate=true")).await.ok();
    assert_eq!(permissions(&plain).await, json!([creator]));
    api.get(&template).await.error(404);
}

#[tokio::test]
async fn a_custom_role_grants_its_actions_where_the_group_offers_it() {
    let api = Api::new().await;
    let [group, project, _, session, _] = api.tree().await;
    let user = api.user("u@x.org", false).await;
    let body = json!({"label": "tagger", "actions": ["containers_view_metadata", "tags_manage"]});
    let role = api.post("/roles", body.clone()).await.ok();
    assert_eq!((&role["default_flywheel_role"], &role["in_use"]), (&json!(null), &json!(false)));
    api.post("/roles", body).await.error(409);
    api.post("/roles", json!({"label": "x", "actions": ["fly"]})).await.error(422);
    let id = role["_id"].as_str().unwrap();
    let entry = json!({"_id": "u@x.org", "role_ids": [id]});
    let list = format!("/projects/{project}/permissions");
    api.post(&list, entry.clone()).await.error(422);
    let pool = format!("/groups/{group}/roles");
    api.post(&pool, json!({"_id": id})).await.ok();
    api.post(&pool, json!({"_id": id})).await.error(409);
    assert_eq!(api.get(&pool).await.column("_id"), [id]);
    api.post(&list, entry).await.ok();
    let tags = format!("/sessions/{session}/tags");
    api.call(&user, Method::POST, &tags, Some(json!({"value": "t"}))).await.ok();
    let notes = format!("/sessions/{session}/notes");
    let message = api.call(&user, Method::POST, &notes, Some(json!({"text": "t"}))).await.error(403);
    assert!(message.ends_with("notes_manage"), "{message}");
    assert_eq!(api.get(&format!("/roles/{id}")).await.ok()["in_use"], true);
    api.delete(&format!("/roles/{id}")).await.error(409);
    api.delete(&format!("{pool}/{id}")).await.error(409);
    api.put(&format!("/roles/{id}"), json!({"actions": ["containers_view_metadata"]})).await.ok();
    api.call(&user, Method::POST, &tags, Some(json!({"value": "u"}))).await.error(403);
    api.delete(&format!("{list}/u@x.org")).await.ok();
    api.delete(&format!("{pool}/{id}")).await.ok();
    api.delete(&format!("/roles/{id}")).await.ok();
    api.get(&format!("/roles/{id}")).await.error(404);
}

#[tokio::test]
async fn the_built_in_roles_are_three_and_stay_as_they_are() {
    let api = Api::new().await;
    let roles = api.get("/roles").await.ok();
    let levels: Vec<&str> = roles
        .as_array()
        .unwrap()
        .iter()
        .map(|role| role["default_flywheel_role"].as_str().unwrap())
        .collect();
    assert_eq!(levels, ["ro", "rw", "admin"]);
    for role in roles.as_array().unwrap() {
        let path = format!("/roles/{}", role["_id"].as_str().unwrap());
        api.put(&path, json!({"label": "x"})).await.error(403);
        api.delete(&path).await.error(403);
    }
    assert_eq!(api.get("/roles/actions").await.ok().as_array().unwrap().len(), 65);
}

#[tokio::test]
async fn others_permissions_are_hidden_from_who_does_not_manage_them() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    let user = api.user("u@x.org", false).await;
    let list = format!("/projects/{project}/permissions");
    api.post(&list, json!({"_id": "u@x.org", "access": "ro"})).await.ok();
    let shown = api.get_as(&user, &format!("/projects/{project}")).await.ok();
    assert_eq!(shown["permissions"].as_array().unwrap().len(), 1);
    api.get_as(&user, &format!("{list}/admin@flywheel.local")).await.error(403);
    api.get_as(&user, &format!("{list}/u@x.org")).await.ok();
    let entry = json!({"_id": "u@x.org", "role_ids": [api.role("admin").await]});
    api.call(&user, Method::POST, &list, Some(entry)).await.error(403);
}

#[tokio::test]
async fn original_data_takes_an_own_action_to_delete() {
    let api = Api::new().await;
    let [_, project, _, session, acquisition] = api.tree().await;
    let user = api.user("u@x.org", false).await;
    let list = format!("/projects/{project}/permissions");
    api.post(&list, json!({"_id": "u@x.org", "access": "rw"})).await.ok();
    api.file(&super::Person::Device, &format!("/acquisitions/{acquisition}"), "raw.dcm", "x").await.ok();
    let refused = api.call(&user, Method::DELETE, &format!("/sessions/{session}"), None).await;
    assert_eq!(refused.body["reason"], "original_data_present");
    refused.error(403);
    api.put(&format!("{list}/u@x.org"), json!({"access": "admin"})).await.ok();
    api.call(&user, Method::DELETE, &format!("/sessions/{session}"), None).await.ok();
}

#[tokio::test]
async fn memberships_are_listed_by_user() {
    let api = Api::new().await;
    let [group, project, ..] = api.tree().await;
    let user = api.user("u@x.org", false).await;
    api.post(&format!("/projects/{project}/permissions"), json!({"_id": "u@x.org", "access": "ro"}))
        .await
        .ok();
    api.post(&format!("/groups/{group}/permissions"), json!({"_id": "u@x.org", "access": "ro"})).await.ok();
    for (kind, count) in
        [("groups", 1), ("projects", 1), ("sessions", 1), ("acquisitions", 1), ("collections", 0)]
    {
        let rows = api.get_as(&user, &format!("/users/u@x.org/{kind}")).await.ok();
        assert_eq!(rows.as_array().unwrap().len(), count, "{kind}");
    }
    api.get_as(&user, "/users/admin@flywheel.local/projects").await.error(403);
}

#[tokio::test]
async fn a_project_begins_only_with_users_and_roles_that_there_are() {
    let api = Api::new().await;
    let group = api.group("lab").await;
    api.user("u@x.org", false).await;
    let role = api.post("/roles", json!({"label": "custom", "actions": ["tags_view"]})).await.id();
    let body = |user: &str, role: &str| json!({"label": "p", "group": "lab", "permissions": [{"_id": user, "role_ids": [role]}]});
    api.post("/projects", body("nobody@x.org", &api.role("ro").await)).await.error(404);
    api.post("/projects", body("u@x.org", &role)).await.error(422);
    api.post(&format!("/groups/{group}/roles"), json!({"_id": role})).await.ok();
    api.post("/projects", body("u@x.org", &role)).await.ok();
}

#[tokio::test]
async fn a_role_leaves_the_pools_when_it_is_deleted_and_stays_while_a_template_gives_it() {
    let api = Api::new().await;
    let group = api.group("lab").await;
    api.user("u@x.org", false).await;
    let role = api.post("/roles", json!({"label": "custom", "actions": ["tags_view"]})).await.id();
    let template = format!("/groups/{group}/permissions/templates");
    let entry = json!({"_id": "u@x.org", "role_ids": [role]});
    api.post(&template, entry.clone()).await.error(422);
    api.post(&format!("/groups/{group}/roles"), json!({"_id": role})).await.ok();
    api.post(&template, entry).await.ok();
    api.delete(&format!("/roles/{role}")).await.error(409);
    api.delete(&format!("/groups/{group}/roles/{role}")).await.error(409);
    api.delete(&format!("{template}/u@x.org")).await.ok();
    api.delete(&format!("/roles/{role}")).await.empty();
    assert_eq!(api.get(&format!("/groups/{group}")).await.ok()["roles"], json!([]));
}
