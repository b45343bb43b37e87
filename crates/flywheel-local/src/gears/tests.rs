//! Gears through the router.
#![allow(clippy::unwrap_used)]

use http::Method;
use serde_json::{Value, json};

use crate::{
    files::harness::{Answer, Bench},
    jobs::tests::{gear, gear_of, manifest},
};

async fn version(bench: &Bench, name: &str, version: &str) -> String {
    let mut manifest = manifest(name, json!({}), json!({}));
    manifest["version"] = version.into();
    gear_of(bench, "utility", manifest).await
}

async fn put(bench: &Bench, path: &str, body: Value) -> Answer {
    bench.call(Method::PUT, path, body).await
}

async fn listed(bench: &Bench, query: &str) -> Vec<String> {
    let gears = bench.get(&format!("/gears{query}")).await.ok();
    let text = |gear: &Value| {
        format!("{} {}", gear["gear"]["name"].as_str().unwrap(), gear["gear"]["version"].as_str().unwrap())
    };
    gears.as_array().unwrap().iter().map(text).collect()
}

#[tokio::test]
async fn the_newest_version_of_a_gear_is_the_one_that_came_last() {
    let bench = Bench::new().await;
    version(&bench, "smooth", "2.0").await;
    let late = version(&bench, "smooth", "1.0").await;
    version(&bench, "count", "1.0").await;
    assert_eq!(listed(&bench, "").await, ["smooth 1.0", "count 1.0"]);
    assert_eq!(listed(&bench, "?filter=gear.name=smooth").await, ["smooth 1.0"]);
    assert_eq!(
        listed(&bench, "?all_versions=true&filter=gear.name=smooth").await,
        ["smooth 2.0", "smooth 1.0"]
    );
    bench.post(&format!("/gears/{late}/disable"), json!(null)).await.ok();
    assert_eq!(listed(&bench, "?filter=gear.name=smooth").await, ["smooth 2.0"]);
    assert!(bench.get(&format!("/gears/{late}")).await.ok()["disabled"].is_string());
    bench.post(&format!("/gears/{late}/enable"), json!(null)).await.ok();
    assert_eq!(listed(&bench, "?filter=gear.name=smooth").await, ["smooth 1.0"]);
    let twice = json!({"gear": bench.get(&format!("/gears/{late}")).await.ok()["gear"]});
    bench.post("/gears/smooth", twice.clone()).await.refused(409);
    bench.post("/gears/other", twice).await.refused(422);
}

#[tokio::test]
async fn gears_that_never_run_are_shown_when_asked_for() {
    let bench = Bench::new().await;
    let mut broken = manifest("broken", json!({}), json!({}));
    broken["custom"] = json!({"flywheel": {"invalid": "withdrawn"}});
    gear_of(&bench, "utility", broken).await;
    assert_eq!(listed(&bench, "").await, Vec::<String>::new());
    assert_eq!(listed(&bench, "?include_invalid=true").await, ["broken 1.0.0"]);
}

#[tokio::test]
async fn a_manifest_that_breaks_the_rules_is_refused_with_everything_wrong() {
    let bench = Bench::new().await;
    let bad = json!({"gear": {"name": "x", "inputs": {"a": {}}, "config": {}}});
    let refused = bench.post("/gears/x", bad).await;
    let places: Vec<String> =
        refused.json()["detail"].as_array().unwrap().iter().map(|detail| detail["loc"].to_string()).collect();
    assert!(places.contains(&r#"["body","gear","inputs","a","base"]"#.to_owned()), "{places:?}");
    assert!(places.contains(&r#"["body","gear","version"]"#.to_owned()), "{places:?}");
    refused.refused(422);
    bench
        .post("/gears/x", json!({"gear": manifest("x", json!({}), json!({})), "category": "magic"}))
        .await
        .refused(422);
}

#[tokio::test]
async fn a_prepared_gear_is_there_when_its_image_is() {
    let bench = Bench::new().await;
    let document = json!({"category": "qa", "gear": manifest("qc", json!({}), json!({}))});
    let ticket =
        bench.post("/gears/prepare-add", document.clone()).await.ok()["ticket"].as_str().unwrap().to_owned();
    assert_eq!(bench.get("/gears/my-tickets").await.ok(), json!([ticket]));
    let shown = bench.get(&format!("/gears/ticket/{ticket}")).await.ok();
    assert_eq!((&shown["_id"], &shown["geardoc"]["gear"]["name"]), (&json!(ticket), &json!("qc")));
    assert_eq!(bench.get(&format!("/gears/temp/{ticket}")).await.ok()["category"], "qa");
    assert_eq!(listed(&bench, "").await, Vec::<String>::new());
    let body = json!({"ticket": ticket, "repo": "lab/qc", "pointer": "sha256:abc"});
    let saved = bench.post("/gears/save", body.clone()).await.ok();
    assert_eq!(saved["exchange"]["rootfs-url"], "docker://lab/qc@sha256:abc");
    assert_eq!(listed(&bench, "").await, ["qc 1.0.0"]);
    bench.post("/gears/save", body).await.refused(404);
    bench.post("/gears/prepare-add", document).await.refused(409);
}

#[tokio::test]
async fn a_restricted_gear_is_for_the_users_and_projects_it_names() {
    let bench = Bench::new().await;
    let id = gear(&bench, "count", "utility").await;
    let member = bench.as_user("member@x.org", Some("rw")).await;
    let friend = bench.as_user("friend@x.org", None).await;
    let stranger = bench.as_user("stranger@x.org", None).await;
    let series = put(&bench, "/gears/count/series", json!({"is_restricted": true})).await.ok();
    assert_eq!((&series["name"], &series["is_restricted"]), (&json!("count"), &json!(true)));
    put(&bench, "/gears/count/permissions", json!({"users": ["friend@x.org"]})).await.ok();
    let added = put(&bench, "/gears/count/permissions/projects", json!({"id": bench.project})).await.ok();
    assert_eq!(added["permissions"], json!({"users": ["friend@x.org"], "projects": [bench.project]}));
    for (user, sees) in [(&member, true), (&friend, true), (&stranger, false), (&bench, true)] {
        assert_eq!(listed(user, "").await.len(), usize::from(sees));
        assert_eq!(user.get(&format!("/gears/{id}")).await.status.is_success(), sees);
        assert_eq!(user.get("/gears/count/series").await.status.is_success(), sees);
    }
    assert_eq!(listed(&member, &format!("?project_id={}", bench.project)).await.len(), 1);
    assert_eq!(listed(&member, "?project_id=ffffffffffffffffffffffff").await.len(), 0);
    bench
        .call(Method::DELETE, &format!("/gears/count/permissions/projects/{}", bench.project), json!(null))
        .await
        .ok();
    bench.put("a.txt", b"abc").await;
    let job = json!({"gear_id": id, "inputs": {"image": {"type": "acquisition", "id": bench.acquisition, "name": "a.txt"}}});
    member.post("/jobs/add", job.clone()).await.refused(403);
    bench.call(Method::DELETE, "/gears/count/permissions", json!(null)).await.ok();
    assert_eq!(bench.get("/gears/count/series").await.ok()["is_restricted"], false);
    member.post("/jobs/add", job).await.ok();
    put(&bench, "/gears/count/permissions/planets", json!({"id": "x"})).await.refused(422);
    put(&bench, "/gears/count/permissions/users", json!({"id": "nobody@x.org"})).await.refused(404);
    put(&bench, "/gears/none/series", json!({"is_restricted": true})).await.refused(404);
}

#[tokio::test]
async fn an_invocation_says_what_a_call_must_give() {
    let bench = Bench::new().await;
    let id = gear(&bench, "count", "utility").await;
    let schema = bench.get(&format!("/gears/{id}/invocation")).await.ok();
    assert_eq!(schema["properties"]["inputs"]["required"], json!(["image"]));
    assert_eq!(
        schema["properties"]["config"]["properties"]["n"],
        json!({"type": "integer", "default": 3, "minimum": 1})
    );
}

#[tokio::test]
async fn context_values_are_shown_with_the_container_that_gives_them() {
    let bench = Bench::new().await;
    let inputs =
        json!({"code": {"base": "context"}, "other": {"base": "context"}, "image": {"base": "file"}});
    let id = gear_of(&bench, "utility", manifest("context", inputs, json!({}))).await;
    let context = json!({"set": {"context": {"code": 7}}});
    bench.post(&format!("/subjects/{}/info", bench.subject), context).await.ok();
    let path = format!("/gears/{id}/context/acquisitions/{}", bench.acquisition);
    let code = json!({"container_type": "subject", "label": "sub-01", "id": bench.subject, "found": true, "value": 7});
    assert_eq!(bench.get(&path).await.ok(), json!({"code": code, "other": {"found": false}}));
    bench.get(&format!("/gears/{id}/context/planets/{}", bench.acquisition)).await.refused(422);
}

#[tokio::test]
async fn files_are_suggested_for_the_inputs_they_fit() {
    let bench = Bench::new().await;
    let inputs = json!({"image": {"base": "file", "type": {"enum": ["text"]}}, "any": {"base": "file", "optional": true}});
    let id = gear_of(&bench, "utility", manifest("suggest", inputs, json!({}))).await;
    bench.put("a.txt", b"abc").await;
    bench.put("b.nii", b"abc").await;
    let suggested = bench.get(&format!("/gears/{id}/suggest/acquisitions/{}", bench.acquisition)).await.ok();
    let files: Vec<&Value> =
        suggested["files"].as_array().unwrap().iter().map(|file| &file["suggested"]).collect();
    assert_eq!(files, [&json!({"image": true, "any": true}), &json!({"image": false, "any": true})]);
    let parents: Vec<&str> = suggested["parents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["cont_type"].as_str().unwrap())
        .collect();
    assert_eq!(parents, ["session", "subject", "project", "group"]);
    let path = format!("/gears/{id}/suggest/sessions/{}", bench.session);
    let children = &bench.get(&path).await.ok()["children"];
    assert_eq!(children["acquisitions"][0]["label"], "T1w");
    assert_eq!(bench.get(&format!("{path}?include=files")).await.ok()["children"], json!({}));
}

#[tokio::test]
async fn paths_lead_to_gears_and_their_versions() {
    let bench = Bench::new().await;
    let old = version(&bench, "smooth", "1.0").await;
    let new = version(&bench, "smooth", "2.0").await;
    version(&bench, "count", "1.0").await;
    let ask = async |route: &str, path: &[&str]| bench.post(route, json!({"path": path})).await;
    let ids = |nodes: &Value| -> Vec<String> {
        nodes.as_array().unwrap().iter().map(|node| node["_id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ask("/resolve", &["gears"]).await.ok();
    assert_eq!((all["children"].as_array().unwrap().len(), &all["path"]), (2, &json!([])));
    assert_eq!(
        (&all["children"][0]["container_type"], &all["children"][0]["node_type"]),
        (&json!("gear"), &json!("gear"))
    );
    let one = ask("/resolve", &["gears", "smooth"]).await.ok();
    assert_eq!((ids(&one["path"]), ids(&one["children"])), (vec![new.clone()], vec![old.clone()]));
    let exact = ask("/resolve", &["gears", "smooth", "1.0"]).await.ok();
    assert_eq!((ids(&exact["path"]), ids(&exact["children"])), (vec![old.clone()], vec![]));
    assert_eq!(ask("/lookup", &["gears", "smooth"]).await.ok()["_id"], new.as_str());
    assert_eq!(ask("/lookup", &["gears", "smooth", "1.0"]).await.ok()["_id"], old.as_str());
    assert_eq!(ask("/lookup", &["gears", &format!("<id:{old}>")]).await.ok()["_id"], old.as_str());
    for path in
        [&["gears"][..], &["gears", "none"], &["gears", "smooth", "3.0"], &["gears", "smooth", "1.0", "x"]]
    {
        ask("/lookup", path).await.refused(404);
    }
    put(&bench, "/gears/smooth/series", json!({"is_restricted": true})).await.ok();
    let stranger = bench.as_user("stranger@x.org", None).await;
    stranger.post("/lookup", json!({"path": ["gears", "smooth"]})).await.refused(404);
}
