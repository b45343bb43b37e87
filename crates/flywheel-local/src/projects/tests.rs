//! Locks, settings, the catalogue, labels and deletion in the background, through the router.
#![allow(clippy::unwrap_used)]

use http::Method;
use serde_json::json;

use crate::tests::Api;

#[tokio::test]
async fn a_group_has_settings_of_its_own() {
    let api = Api::new().await;
    let group = api.group("lab").await;
    let path = format!("/groups/{group}/settings");
    assert_eq!(api.get(&path).await.ok(), json!({}));
    let change = json!({"external_routing_id": "x", "deid_profile": {"name": "none"}});
    assert_eq!(api.put(&path, change.clone()).await.ok(), change);
    assert_eq!(api.get(&format!("{path}/deid_profile")).await.ok(), json!({"name": "none"}));
    assert_eq!(api.get(&format!("/groups/{group}")).await.ok()["settings"], change);
    api.put(&path, json!({"cvat": {"enabled": true}})).await.error(422);
}

#[tokio::test]
async fn a_locked_project_is_read_and_not_changed_even_by_site_administrators() {
    let api = Api::new().await;
    let [group, project, subject, session, acquisition] = api.tree().await;
    let at = format!("/projects/{project}");
    api.patch(&format!("/groups/{group}/tags"), json!(["old", "unused"])).await.empty();
    api.patch(&format!("/sessions/{session}/tags"), json!(["old"])).await.empty();
    api.post(&format!("{at}/lock"), json!({"reason": "whim"})).await.error(422);
    api.post(&format!("{at}/unlock"), json!({})).await.error(409);
    api.post(&format!("{at}/lock"), json!({"reason": "study_closed"})).await.ok();
    api.post(&format!("{at}/lock"), json!({"reason": "other"})).await.error(409);
    let locked = api.get(&at).await.ok()["locked"].clone();
    assert_eq!((&locked["reason"], &locked["origin"]["type"]), (&json!("study_closed"), &json!("user")));

    let tag = json!({"value": "t"});
    assert!(api.post(&format!("{at}/tags"), tag.clone()).await.error(403).contains("study_closed"));
    api.post(&format!("/sessions/{session}/tags"), tag.clone()).await.error(403);
    api.file(api.root(), &format!("/acquisitions/{acquisition}"), "a.txt", "x").await.error(403);
    api.delete(&format!("/subjects/{subject}")).await.error(403);
    api.post("/acquisitions", json!({"label": "x", "session": session})).await.error(403);
    api.delete(&at).await.error(403);
    api.put(&format!("{at}/settings"), json!({"external_routing_id": "x"})).await.error(403);
    api.get(&format!("/sessions/{session}")).await.ok();

    let template = format!("/groups/{group}/permissions/templates");
    let role = api.get("/roles").await.ok()[0]["_id"].clone();
    let entry = json!({"_id": "admin@flywheel.local", "role_ids": [role]});
    api.post(&format!("{template}?propagate=true"), entry).await.error(403);
    api.delete(&format!("/groups/{group}/tags/old")).await.error(403);
    api.delete(&format!("/groups/{group}/tags/unused")).await.ok();
    assert_eq!(api.get(&format!("/sessions/{session}")).await.ok()["tags"], json!(["old"]));

    api.post(&format!("{at}/unlock"), json!({})).await.ok();
    assert!(api.get(&at).await.ok().get("locked").is_none());
    api.post(&format!("{at}/tags"), tag).await.ok();
}

#[tokio::test]
async fn settings_are_merged_by_key_and_a_null_takes_one_away() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    let path = format!("/projects/{project}/settings");
    assert_eq!(api.get(&path).await.ok(), json!({}));
    let apps = json!([{"name": "v", "url": "https://v.org"}]);
    let first = api.put(&path, json!({"viewer_apps": apps, "external_routing_id": "r"})).await.ok();
    assert_eq!(first["viewer_apps"][0]["id"].as_str().unwrap().len(), 24);
    api.put(&path, json!({"sharing": {"summary": "s", "body_regions": ["Head"]}})).await.ok();
    let change = json!({"sharing": {"share_level": "full_ro_access"}, "external_routing_id": null});
    let settings = api.put(&path, change).await.ok();
    assert_eq!(settings, api.get(&path).await.ok());
    assert!(settings.get("external_routing_id").is_none());
    assert_eq!(settings["sharing"]["summary"], "s");
    assert_eq!(settings["sharing"]["share_level"], "full_ro_access");
    assert_eq!(api.get(&format!("/projects/{project}")).await.ok()["settings"], settings);
    api.put(&path, json!({"sharing": {"body_regions": ["Soul"]}})).await.error(422);
    api.put(&path, json!({"deid_profile": "not an object"})).await.error(422);
    let profile = api.put(&path, json!({"deid_profile": "{\"name\": \"p\"}"})).await.ok();
    assert_eq!(profile["deid_profile"], json!({"name": "p"}));
    api.put(&path, json!({})).await.error(400);
}

#[tokio::test]
async fn the_catalogue_shows_shared_projects_to_everybody() {
    let api = Api::new().await;
    let [group, project, ..] = api.tree().await;
    api.project(&group, "private").await;
    let sharing = json!({"sharing": {"summary": "Adults at REST", "organ_systems": ["Brain"]}});
    api.put(&format!("/projects/{project}/settings"), sharing).await.ok();
    let stranger = api.user("s@x.org", false).await;
    let list = api.get_as(&stranger, "/projects/catalog-list").await.ok();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["id"]), (1, &json!(project)));
    assert_eq!(
        (&list[0]["organ_systems"], &list[0]["stats"]["number_of"]["sessions"]),
        (&json!(["Brain"]), &json!(1))
    );
    for (text, count) in [("rest", 1), ("STUDY", 1), ("galaxy", 0)] {
        let found = api.get_as(&stranger, &format!("/projects/catalog-list?search_string={text}")).await.ok();
        assert_eq!(found.as_array().unwrap().len(), count, "{text}");
    }
    let options = api.get_as(&stranger, "/projects/catalog-list-filter-options").await.ok();
    assert!(options["body_regions"].as_array().unwrap().contains(&json!("Head")));
}

#[tokio::test]
async fn labels_are_those_of_the_projects_that_the_caller_sees() {
    let api = Api::new().await;
    let [group, project, ..] = api.tree().await;
    let wanted = json!([{"_id": project, "label": "study", "group": group}]);
    assert_eq!(api.get("/projects/labels").await.ok(), wanted);
    let stranger = api.user("s@x.org", false).await;
    assert_eq!(api.get_as(&stranger, "/projects/labels").await.ok(), json!([]));
}

#[tokio::test]
async fn a_deletion_in_the_background_is_followed_by_its_status() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    let status = format!("/projects/{project}/delete-status");
    assert_eq!(api.get(&status).await.ok()["delete_status"], "static");
    let answer = api.delete(&format!("/projects/{project}?background=true")).await;
    assert_eq!((answer.status.as_u16(), &answer.body["delete_scheduled"]), (202, &json!(1)));
    loop {
        if api.get(&status).await.ok()["delete_status"] == "completed" {
            break;
        }
        tokio::task::yield_now().await;
    }
    api.get(&format!("/projects/{project}")).await.error(404);
    let stranger = api.user("s@x.org", false).await;
    api.get_as(&stranger, &status).await.error(404);
}

#[tokio::test]
async fn containers_of_any_kind_are_made_by_one_call() {
    let api = Api::new().await;
    let [group, _, subject, session, _] = api.tree().await;
    let make = |body| api.post("/containers", body);
    let project = make(json!({"container_type": "project", "label": "p", "group": group})).await.id();
    api.get(&format!("/projects/{project}")).await.ok();
    let scan = make(json!({"container_type": "acquisition", "label": "a", "session": session})).await.id();
    api.get(&format!("/acquisitions/{scan}")).await.ok();
    make(json!({"container_type": "galaxy", "label": "a"})).await.error(422);
    make(json!({"label": "a", "project": subject})).await.error(422);
    let stranger = api.user("s@x.org", false).await;
    let group = json!({"container_type": "group", "_id": "mine", "label": "x"});
    api.call(&stranger, Method::POST, "/containers", Some(group)).await.error(403);
}

#[tokio::test]
async fn what_a_caller_may_do_is_told_without_telling_what_is_there() {
    let api = Api::new().await;
    let [_, project, _, session, _] = api.tree().await;
    let member = api.user("m@x.org", false).await;
    let stranger = api.user("s@x.org", false).await;
    api.post(&format!("/projects/{project}/permissions"), json!({"_id": "m@x.org", "access": "ro"}))
        .await
        .ok();
    let path = format!("/permissions/check/tags_view?container_id={session}");
    assert_eq!(api.get_as(&member, &path).await.ok(), json!({"action": "tags_view", "allowed": true}));
    assert_eq!(api.get_as(&stranger, &path).await.ok()["allowed"], false);
    assert_eq!(api.get_as(&member, "/permissions/check/tags_manage").await.ok()["allowed"], false);
    api.get("/permissions/check/dance").await.error(422);
    let body = json!({"actions": ["tags_view", "tags_manage"], "container_ids": [project, "ffffffffffffffffffffffff"]});
    let answer = api.call(&member, Method::PUT, "/permissions/check", Some(body)).await.ok();
    let no = json!({"tags_view": false, "tags_manage": false});
    assert_eq!(answer[&project], json!({"tags_view": true, "tags_manage": false}));
    assert_eq!(answer["ffffffffffffffffffffffff"], no);
    let own = api.get_as(&member, "/permissions/self").await.ok();
    assert_eq!(own["projects"][0]["_id"], project.as_str());
    assert!(own["projects"][0]["actions"].as_array().unwrap().contains(&json!("tags_view")));
}
