//! Protocols, tasks, responses, pools and forms through the router.
#![allow(clippy::unwrap_used)]

use http::Method;
use serde_json::{Value, json};

use crate::tests::Api;

fn form() -> Value {
    json!({"title": "t", "description": "d", "defaults": {}, "fields": []})
}

async fn protocol(api: &Api, group: &str, more: Value) -> String {
    let mut body = json!({
        "label": "read", "protocol_config": {"longitudinal": false}, "group_id": group, "task_type": "R", "form": form(),
    });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    let id = api.post("/protocols", body).await.id();
    api.put(&format!("/protocols/{id}/publish"), json!(null)).await.ok();
    id
}

fn task(protocol: &str, session: &str) -> Value {
    json!({
        "subcategory": "x", "status": "todo", "parent_ref": {"type": "session", "id": session},
        "due_date": "2030-01-01T00:00:00Z", "priority": "high", "protocol_id": protocol,
        "assignee": {"id": "r@x.org", "type": "user"},
    })
}

#[tokio::test]
async fn a_task_goes_from_its_making_to_a_signed_completion() {
    let api = Api::new().await;
    let [group, project, _, session, _] = api.tree().await;
    let reader = api.user("r@x.org", false).await;
    api.post(&format!("/projects/{project}/permissions"), json!({"_id": "r@x.org", "access": "ro"}))
        .await
        .ok();
    let signed = json!({"esignature_config": {"required": true, "reasons": ["approved"]}});
    let protocol = protocol(&api, &group, signed).await;
    let made = api.post("/tasks/reader", task(&protocol, &session)).await.ok();
    let id = made["_id"].as_str().unwrap().to_owned();
    assert_eq!((&made["task_id"], &made["parents"]["project"]), (&json!("R-00001-001"), &json!(project)));
    assert!(made["transitions"]["todo"].is_string());
    let at = format!("/tasks/reader/{id}");
    let shown = api.get_as(&reader, &at).await.ok();
    assert_eq!(shown["parent_details"]["session_label"], "ses-1");

    let answer = json!({"task_id": id, "data": {"score": 3}});
    let call = |method, path: String, body| {
        let (api, reader) = (&api, &reader);
        async move { api.call(reader, method, &path, Some(body)).await }
    };
    let response = call(Method::POST, format!("/tasks/{id}/responses"), answer.clone()).await.ok();
    let again = call(Method::POST, format!("/tasks/{id}/responses"), answer.clone()).await.ok();
    assert_eq!((&response["id"], &again["revision"]), (&again["id"], &json!(2)), "one response a reader");
    let replaced = json!({"task_id": id, "data": {"score": 2}});
    let own = format!("/tasks/{id}/responses/{}", response["id"].as_str().unwrap());
    assert_eq!(call(Method::PUT, own, replaced).await.ok()["data"]["score"], 2);
    let response = format!("/responses/{}", response["id"].as_str().unwrap());
    assert_eq!(api.get_as(&reader, &response).await.ok()["data"]["score"], 2);
    call(Method::PATCH, response.clone(), json!({"data": {"score": 4}})).await.ok();
    let sealed = call(Method::POST, format!("{response}/submit"), json!(null)).await.ok();
    assert_eq!((&sealed["data"]["score"], &sealed["submitted"]), (&json!(4), &json!(true)));
    call(Method::PATCH, response.clone(), json!({"data": {"score": 5}})).await.error(409);
    assert_eq!(api.get(&format!("/tasks/{id}/responses")).await.ok()["total"], 1);

    call(Method::POST, format!("{at}/complete"), json!({})).await.error(422);
    let done = call(Method::POST, format!("{at}/complete"), json!({"reason": "approved"})).await.ok();
    assert_eq!((&done["status"], &done["esignature"]["user_id"]), (&json!("completed"), &json!("r@x.org")));
    call(Method::PUT, at.clone(), json!({"status": "todo"})).await.error(409);
    assert_eq!(api.get("/tasks/reader/facets/status").await.ok(), json!({"completed": 1}));
    assert_eq!(api.get(&format!("/tasks/sessions/ids?ids={id}")).await.ok(), json!([session]));
    let copy = api.post(&format!("{at}/clone"), json!({"priority": "low"})).await.ok();
    assert_eq!((&copy["status"], &copy["priority"]), (&json!("todo"), &json!("low")));
}

#[tokio::test]
async fn tasks_are_hidden_from_strangers_and_made_by_administrators() {
    let api = Api::new().await;
    let [group, project, _, session, _] = api.tree().await;
    api.user("r@x.org", false).await;
    let member = api.user("m@x.org", false).await;
    let stranger = api.user("s@x.org", false).await;
    api.post(&format!("/projects/{project}/permissions"), json!({"_id": "m@x.org", "access": "ro"}))
        .await
        .ok();
    let protocol = protocol(&api, &group, json!({})).await;
    let body = task(&protocol, &session);
    api.call(&member, Method::POST, "/tasks/reader", Some(body.clone())).await.error(403);
    let id = api.post("/tasks/reader", body.clone()).await.id();
    api.get_as(&stranger, &format!("/tasks/reader/{id}")).await.error(404);
    assert_eq!(api.get_as(&stranger, "/tasks/reader").await.ok()["total"], 0);
    assert_eq!(api.get_as(&member, "/tasks/reader").await.ok()["total"], 1);
    let change = json!({"priority": "low"});
    api.call(&member, Method::PUT, &format!("/tasks/reader/{id}"), Some(change)).await.error(403);
    let nobody = json!({"assignee": {"id": "nobody@x.org", "type": "user"}});
    api.put(&format!("/tasks/reader/{id}/assign"), nobody).await.error(404);
    let pool = api.post("/staffing_pools", json!({"users": ["m@x.org"], "label": "p"})).await.id();
    let assigned = json!({"assignee": {"id": pool, "type": "staffing_pool"}});
    api.put(&format!("/tasks/reader/{id}/assign"), assigned).await.ok();
    let begin = json!({"status": "in_progress"});
    api.call(&member, Method::PUT, &format!("/tasks/reader/{id}"), Some(begin)).await.ok();
}

#[tokio::test]
async fn a_set_opens_its_adjudication_when_both_readers_are_done() {
    let api = Api::new().await;
    let [group, _, _, session, _] = api.tree().await;
    let workflow = json!({"workflow": {"type": "adjudication", "trigger_fields": [
        {"key": "score", "threshold": 1}, {"key": "side"}]}});
    let protocol = protocol(&api, &group, workflow).await;
    let body = json!({"protocol_id": protocol, "parent_ref": {"type": "session", "id": session}});
    let set = api.post("/tasks/reader/adjudication", body).await.ok();
    let ids: Vec<&str> = set.as_array().unwrap().iter().map(|task| task["_id"].as_str().unwrap()).collect();
    let [first, second, third] = ids.as_slice() else { panic!("{set}") };
    assert_eq!(set[2]["status"], "blocked");
    api.post(&format!("/tasks/reader/{third}/complete"), json!(null)).await.error(409);
    for (id, data) in [(first, json!({"score": 3, "side": "l"})), (second, json!({"score": 4, "side": "r"}))]
    {
        api.post(&format!("/tasks/{id}/responses"), json!({"task_id": id, "data": data})).await.ok();
        api.post(&format!("/tasks/reader/{id}/complete"), json!(null)).await.ok();
    }
    let third = format!("/tasks/reader/{third}");
    let open = api.get(&third).await.ok();
    assert_eq!(open["status"], "todo");
    assert_eq!(open["adjudication"]["triggered_fields"], json!({"score": false, "side": true}));
    let decided = api.put(&third, json!({"adjudication": {"decision": "reader_2"}})).await.ok();
    assert_eq!(decided["adjudication"]["decision"], "reader_2");
}

#[tokio::test]
async fn a_batch_has_a_task_for_each_container_that_its_filters_let_through() {
    let api = Api::new().await;
    let [group, project, subject, session, _] = api.tree().await;
    api.session(&project, &subject, "ses-2").await;
    api.post(&format!("/sessions/{session}/tags"), json!({"value": "read"})).await.ok();
    let protocol = protocol(&api, &group, json!({})).await;
    let body = |filters: Value| json!({"subcategory": "x", "filters": filters, "protocol_id": protocol, "project_id": project});
    for (filters, count) in [
        (json!({"container_type": "session"}), 2),
        (json!({"container_type": "session", "include_tags": ["read", "other"]}), 1),
        (
            json!({"container_type": "session", "include_tags": ["read", "other"], "include_tags_mode": "all"}),
            0,
        ),
        (json!({"container_type": "session", "exclude_tags": ["read"]}), 1),
    ] {
        let tasks = api.post("/tasks/reader/batch", body(filters.clone())).await.ok();
        assert_eq!(tasks.as_array().unwrap().len(), count, "{filters}");
    }
    let filters = json!({"container_type": "session"});
    let sets = json!({"protocol_id": protocol, "project_id": project, "filters": filters});
    assert_eq!(api.post("/tasks/reader/adjudication/batch", sets).await.ok().as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn protocols_are_published_changed_and_archived() {
    let api = Api::new().await;
    let [group, ..] = api.tree().await;
    let stranger = api.user("s@x.org", false).await;
    let draft = json!({
        "label": "draft", "protocol_config": {"longitudinal": true}, "group_id": group, "task_type": "R",
        "saved_json_text": "{",
    });
    api.call(&stranger, Method::POST, "/protocols", Some(draft.clone())).await.error(403);
    let at = format!("/protocols/{}", api.post("/protocols", draft).await.id());
    api.get_as(&stranger, &at).await.error(404);
    api.put(&format!("{at}/publish"), json!(null)).await.error(409);
    api.put(&at, json!({"form": form()})).await.ok();
    assert_eq!(api.put(&format!("{at}/publish"), json!(null)).await.ok()["version"], 1);
    assert_eq!(api.put(&at, json!({"notes": "n"})).await.ok()["version"], 2);
    assert_eq!(api.get(&at).await.ok()["notes"], "n");
    api.delete(&at).await.error(409);
    assert_eq!(api.put(&format!("{at}/archive"), json!(null)).await.ok()["status"], "archived");
    api.put(&at, json!({"notes": "m"})).await.error(409);
    assert_eq!(api.get("/protocols").await.ok()["total"], 1);
}

#[tokio::test]
async fn forms_belong_to_groups_or_to_the_site() {
    let api = Api::new().await;
    let [group, ..] = api.tree().await;
    let stranger = api.user("s@x.org", false).await;
    let body = json!({"label": "f", "context": "reader", "group": group, "form_schema": form()});
    api.call(&stranger, Method::POST, "/customforms", Some(body.clone())).await.error(403);
    let at = format!("/customforms/{}", api.post("/customforms", body).await.id());
    api.get_as(&stranger, &at).await.error(404);
    assert_eq!(api.put(&format!("{at}/publish"), json!(null)).await.ok()["status"], "published");
    assert_eq!(api.put(&at, json!({"label": "g", "form_schema": form()})).await.ok()["version"], 2);
    assert_eq!(api.get(&at).await.ok()["label"], "g");
    let unfinished = json!({"label": "w", "context": "upload", "saved_json_text": "{"});
    let site = format!("/customforms/{}", api.post("/customforms", unfinished).await.id());
    api.put(&format!("{site}/publish"), json!(null)).await.error(409);
    api.post("/customforms", json!({"label": "w", "context": "upload"})).await.error(422);
    assert_eq!(api.get_as(&stranger, "/customforms").await.ok()["total"], 1);
}

#[tokio::test]
async fn a_user_is_in_the_pools_that_were_set_and_in_no_others() {
    let api = Api::new().await;
    api.user("a@x.org", false).await;
    let first = api.post("/staffing_pools", json!({"users": ["a@x.org"], "label": "1"})).await.id();
    let second = api.post("/staffing_pools", json!({"users": [], "label": "2"})).await.id();
    api.put("/staffing_pools/users/a@x.org/staffing_pools", json!({"pools": [second]})).await.empty();
    assert_eq!(api.get(&format!("/staffing_pools/{first}")).await.ok()["users"], json!([]));
    assert_eq!(api.get(&format!("/staffing_pools/{second}")).await.ok()["users"], json!(["a@x.org"]));
    api.post("/staffing_pools", json!({"users": ["nobody@x.org"], "label": "3"})).await.error(404);
    api.put(&format!("/staffing_pools/{first}"), json!({"description": "d"})).await.ok();
    api.delete(&format!("/staffing_pools/{first}")).await.ok();
    assert_eq!(api.get("/staffing_pools").await.ok()["total"], 1);
}

#[tokio::test]
async fn next_of_a_page_leads_through_everything() {
    let api = Api::new().await;
    let [group, ..] = api.tree().await;
    for label in ["b", "a", "c"] {
        api.post("/staffing_pools", json!({"users": [], "label": label})).await.ok();
        let shared = json!({"label": label, "context": "upload", "form_schema": form()});
        api.post("/customforms", shared).await.ok();
        let draft = json!({
            "label": label, "protocol_config": {"longitudinal": true}, "group_id": group, "task_type": "R",
            "form": form(),
        });
        api.post("/protocols", draft).await.ok();
    }
    for list in ["staffing_pools", "customforms", "protocols"] {
        let page = api.get(&format!("/{list}?limit=2")).await.ok();
        assert_eq!(page["next"], page["results"][1]["_id"], "{list}");
        let rest =
            api.get(&format!("/{list}?limit=2&after_id={}", page["next"].as_str().unwrap())).await.ok();
        assert_eq!((&rest["results"][0]["label"], &rest["next"]), (&json!("c"), &json!("")), "{list}");
        assert_eq!(api.get(&format!("/{list}?limit=2&skip=1")).await.ok()["next"], "", "{list}");
        assert_eq!(api.get(&format!("/{list}?limit=2&sort=label")).await.ok()["next"], "", "{list}");
    }
    assert_eq!(api.get("/tasks/reader").await.ok()["next"], "");
}

#[tokio::test]
async fn an_unpublished_protocol_has_no_tasks() {
    let api = Api::new().await;
    let [group, _, _, session, _] = api.tree().await;
    let draft = json!({
        "label": "d", "protocol_config": {"longitudinal": true}, "group_id": group, "task_type": "R", "form": form(),
    });
    let id = api.post("/protocols", draft).await.id();
    api.user("r@x.org", false).await;
    api.post("/tasks/reader", task(&id, &session)).await.error(409);
    api.delete(&format!("/protocols/{id}")).await.empty();
}
