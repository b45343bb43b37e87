//! Rules through the site: kept as the platform keeps them, and jobs when files come and change.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use crate::tests::Api;

/// A site with a project, an acquisition in it, and the gear `describe`.
struct Stage {
    api: Api,
    project: String,
    acquisition: String,
    gear: String,
}

fn manifest(version: &str, inputs: Value) -> Value {
    json!({"gear": {
        "name": "describe", "label": "Describe", "description": "d", "version": version, "author": "a", "license": "MIT",
        "url": "", "source": "", "inputs": inputs, "config": {"level": {"type": "integer", "default": 1}},
    }, "category": "utility"})
}

fn one_file() -> Value {
    json!({"image": {"base": "file"}})
}

impl Stage {
    async fn new() -> Self {
        let api = Api::new().await;
        let [_, project, _, _, acquisition] = api.tree().await;
        let gear = api.post("/gears/describe", manifest("1.0.0", one_file())).await.id();
        Self { api, project, acquisition, gear }
    }

    fn rules(&self) -> String {
        format!("/projects/{}/rules", self.project)
    }

    fn rule(&self, all: Value) -> Value {
        json!({"gear_id": self.gear, "name": "r", "all": all})
    }

    async fn add(&self, all: Value) -> String {
        self.api.post(&self.rules(), self.rule(all)).await.id()
    }

    async fn upload(&self, name: &str, content: &str) -> String {
        let path = format!("/acquisitions/{}", self.acquisition);
        let files = self.api.file(self.api.root(), &path, name, content).await.ok();
        files[0]["file_id"].as_str().unwrap().to_owned()
    }

    /// The jobs of the project once all rules have been asked, oldest first.
    async fn jobs(&self) -> Vec<Value> {
        super::events::settle_now(&self.api.site).await;
        let jobs = self.api.get("/jobs?sort=created:asc").await.ok();
        jobs["results"].as_array().or(jobs.as_array()).unwrap().clone()
    }
}

fn nifti() -> Value {
    json!([{"type": "file.type", "value": "nifti"}])
}

#[tokio::test]
async fn a_rule_is_kept_with_its_defaults_changed_and_removed() {
    let stage = Stage::new().await;
    let made = stage.api.post(&stage.rules(), stage.rule(nifti())).await.ok();
    assert_eq!(made["project_id"], stage.project.as_str());
    assert_eq!(made["triggering_input"], "image");
    assert_eq!(
        (&made["priority"], &made["revision"], &made["disabled"]),
        (&json!("medium"), &json!(1), &json!(false))
    );
    assert_eq!(made["last_modified_by"]["type"], "user");
    assert!(made.get("role_id").is_none());
    let one = format!("{}/{}", stage.rules(), made["_id"].as_str().unwrap());
    assert_eq!(stage.api.get(&one).await.ok(), made);
    let changed = stage.api.put(&one, json!({"disabled": true, "tags": ["mine"]})).await.ok();
    assert_eq!(
        (&changed["disabled"], &changed["revision"], &changed["name"]),
        (&json!(true), &json!(2), &json!("r"))
    );
    assert_eq!(stage.api.get(&stage.rules()).await.column("_id"), [made["_id"].as_str().unwrap()]);
    stage.api.delete(&one).await.empty();
    stage.api.get(&one).await.error(404);
    stage.api.put(&one, json!({"disabled": true})).await.error(404);
}

#[tokio::test]
async fn what_cannot_be_a_rule_is_refused_with_the_reason() {
    let stage = Stage::new().await;
    let two = json!({"a": {"base": "file"}, "b": {"base": "file"}, "c": {"base": "file", "optional": true}});
    let two = stage.api.post("/gears/describe", manifest("2.0.0", two)).await.id();
    let keyed = json!({"image": {"base": "file"}, "key": {"base": "api-key"}});
    let keyed = stage.api.post("/gears/describe", manifest("3.0.0", keyed)).await.id();
    let mut analysis = manifest("4.0.0", one_file());
    analysis["category"] = "analysis".into();
    let analysis = stage.api.post("/gears/describe", analysis).await.id();
    let wrong = |extra: Value| {
        let mut rule = stage.rule(nifti());
        rule.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        rule
    };
    let fixed = json!({"type": "project", "id": stage.project, "name": "none.csv", "input": "image"});
    for (body, status, word) in [
        (wrong(json!({"all": []})), 400, "at least one condition"),
        (wrong(json!({"gear_id": "f".repeat(24)})), 404, "gear"),
        (wrong(json!({"gear_id": two})), 400, "a, b"),
        (wrong(json!({"gear_id": two, "triggering_input": "a"})), 400, "\"b\""),
        (wrong(json!({"triggering_input": "other"})), 400, "other"),
        (wrong(json!({"gear_id": keyed})), 400, "role_id"),
        (wrong(json!({"gear_id": analysis})), 400, "analysis"),
        (wrong(json!({"config": {"level": "high"}})), 422, "level"),
        (wrong(json!({"config": [1]})), 422, "config"),
        (wrong(json!({"all": [{"type": "file.name", "value": "(", "regex": true}]})), 422, "("),
        (wrong(json!({"all": [{"type": "file.colour", "value": "red"}]})), 422, "file.type"),
        (wrong(json!({"config": {"level": 2}, "auto_update": true})), 400, "auto_update"),
        (wrong(json!({"fixed_inputs": [fixed]})), 404, "none.csv"),
        (wrong(json!({"role_id": "f".repeat(24)})), 404, "role"),
        (wrong(json!({"colour": "red"})), 422, "colour"),
    ] {
        let message = stage.api.post(&stage.rules(), body.clone()).await.error(status);
        assert!(message.contains(word), "{body}: {message}");
    }
    let role = stage.api.role("rw").await;
    stage.api.post(&stage.rules(), wrong(json!({"gear_id": keyed, "role_id": role}))).await.ok();
}

#[tokio::test]
async fn a_file_that_fits_begins_a_job_and_no_other_does() {
    let stage = Stage::new().await;
    let rule = stage.api.post(&stage.rules(), json!({
        "gear_id": stage.gear, "name": "r", "all": nifti(), "config": {"level": 3}, "tags": ["mine"], "priority": "high",
    })).await.id();
    let file = stage.upload("t1.nii.gz", "x").await;
    stage.upload("notes.txt", "x").await;
    let jobs = stage.jobs().await;
    assert_eq!(jobs.len(), 1);
    let job = stage.api.get(&format!("/jobs/{}", jobs[0]["_id"].as_str().unwrap())).await.ok();
    assert_eq!((&job["gear_id"], &job["rule_id"]), (&json!(stage.gear), &json!(rule)));
    assert_eq!(job["origin"], json!({"type": "system", "id": null}));
    assert_eq!(job["destination"], json!({"type": "acquisition", "id": stage.acquisition}));
    assert_eq!(job["config"]["inputs"]["image"]["object"]["file_id"], file.as_str());
    assert_eq!((&job["priority"], &job["config"]["config"]["level"]), (&json!("high"), &json!(3)));
    let tags: Vec<&str> = job["tags"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(["mine", "auto", "describe"].iter().all(|tag| tags.contains(tag)), "{tags:?}");
}

#[tokio::test]
async fn a_change_that_makes_a_file_fit_begins_a_job_once_and_says_so() {
    let stage = Stage::new().await;
    stage.add(json!([{"type": "file.tags", "value": "ready"}])).await;
    let file = stage.upload("a.txt", "x").await;
    let tags = format!("/files/{file}/tags");
    assert_eq!(
        stage.api.put(&format!("/files/{file}"), json!({"type": "text"})).await.ok()["jobs_spawned"],
        0
    );
    assert_eq!(stage.api.put(&tags, json!(["ready"])).await.ok()["jobs_spawned"], 1);
    assert_eq!(stage.api.put(&tags, json!(["ready", "more"])).await.ok()["jobs_spawned"], 0);
    assert_eq!(stage.api.put(&tags, json!([])).await.ok()["jobs_spawned"], 0);
    assert_eq!(stage.api.put(&tags, json!(["ready"])).await.ok()["jobs_spawned"], 0);
    assert_eq!(stage.jobs().await.len(), 1);
    stage.upload("a.txt", "other bytes").await;
    assert_eq!(stage.jobs().await.len(), 1, "a new version begins without the tag");
    assert_eq!(stage.api.put(&tags, json!(["ready"])).await.ok()["jobs_spawned"], 1);
}

#[tokio::test]
async fn what_fitted_before_the_rule_was_there_begins_nothing() {
    let stage = Stage::new().await;
    let file = stage.upload("t1.nii", "x").await;
    stage.add(nifti()).await;
    assert_eq!(stage.api.put(&format!("/files/{file}/tags"), json!(["x"])).await.ok()["jobs_spawned"], 0);
    assert!(stage.jobs().await.is_empty());
}

#[tokio::test]
async fn a_file_can_make_its_neighbours_fit() {
    let stage = Stage::new().await;
    stage
        .add(
            json!([{"type": "file.type", "value": "nifti"}, {"type": "container.has-type", "value": "bval"}]),
        )
        .await;
    let image = stage.upload("dwi.nii.gz", "x").await;
    assert!(stage.jobs().await.is_empty());
    stage.upload("dwi.bval", "x").await;
    let jobs = stage.jobs().await;
    assert_eq!(jobs.len(), 1);
    let job = stage.api.get(&format!("/jobs/{}", jobs[0]["_id"].as_str().unwrap())).await.ok();
    assert_eq!(job["config"]["inputs"]["image"]["object"]["file_id"], image.as_str());
    stage.upload("other.bval", "x").await;
    assert_eq!(stage.jobs().await.len(), 1);
}

#[tokio::test]
async fn disabled_rules_and_rules_that_cannot_run_fail_no_upload() {
    let stage = Stage::new().await;
    let rule = stage.add(nifti()).await;
    let one = format!("{}/{rule}", stage.rules());
    stage.api.put(&one, json!({"disabled": true})).await.ok();
    stage.upload("a.nii", "x").await;
    assert!(stage.jobs().await.is_empty());
    stage.api.put(&one, json!({"disabled": false})).await.ok();
    stage.api.delete(&format!("/gears/{}", stage.gear)).await.empty();
    stage.upload("b.nii", "x").await;
    assert!(stage.jobs().await.is_empty());
}

#[tokio::test]
async fn fixed_inputs_keep_the_version_that_was_there() {
    let stage = Stage::new().await;
    let inputs = json!({"image": {"base": "file"}, "table": {"base": "file"}});
    let gear = stage.api.post("/gears/describe", manifest("2.0.0", inputs)).await.id();
    let project = format!("/projects/{}", stage.project);
    let table = stage.api.file(stage.api.root(), &project, "lut.csv", "1").await.ok();
    let rule = json!({
        "gear_id": gear, "name": "r", "all": nifti(),
        "fixed_inputs": [{"type": "project", "id": stage.project, "name": "lut.csv", "input": "table"}],
    });
    let made = stage.api.post(&stage.rules(), rule).await.ok();
    assert_eq!(
        made["fixed_inputs"],
        json!([
            {"type": "project", "id": stage.project, "name": "lut.csv", "version": 1, "input": "table"}
        ])
    );
    assert_eq!(made["triggering_input"], "image");
    stage.api.file(stage.api.root(), &project, "lut.csv", "2").await.ok();
    stage.upload("t1.nii", "x").await;
    let jobs = stage.jobs().await;
    let job = stage.api.get(&format!("/jobs/{}", jobs[0]["_id"].as_str().unwrap())).await.ok();
    let fixed = &job["config"]["inputs"]["table"]["object"];
    assert_eq!((&fixed["file_id"], &fixed["version"]), (&table[0]["file_id"], &json!(1)));
}

#[tokio::test]
async fn site_rules_are_copied_to_new_projects_and_live_on_by_themselves() {
    let stage = Stage::new().await;
    let made = stage.api.post("/site/rules", stage.rule(nifti())).await.ok();
    assert_eq!(made["project_id"], "site");
    let project = stage.api.project("lab", "second").await;
    let copies = stage.api.get(&format!("/projects/{project}/rules")).await.ok();
    assert_eq!((&copies[0]["project_id"], &copies[0]["name"]), (&json!(project), &json!("r")));
    assert_ne!(copies[0]["_id"], made["_id"]);
    let site = format!("/site/rules/{}", made["_id"].as_str().unwrap());
    stage.api.put(&site, json!({"name": "other"})).await.ok();
    assert_eq!(stage.api.get(&site).await.ok()["name"], "other");
    assert_eq!(stage.api.get("/site/rules?name=other").await.column("name"), ["other"]);
    assert_eq!(stage.api.get("/site/rules?name=r").await.column("name"), [""; 0]);
    assert_eq!(stage.api.get(&format!("/projects/{project}/rules")).await.column("name"), ["r"]);
    assert!(stage.api.get(&stage.rules()).await.column("name").is_empty());
    stage.api.delete(&site).await.empty();
    assert_eq!(stage.api.get(&format!("/projects/{project}/rules")).await.column("name"), ["r"]);
}

#[tokio::test]
async fn a_rule_follows_new_versions_of_its_gear_only_when_it_says_so() {
    let stage = Stage::new().await;
    let mut rule = stage.rule(nifti());
    let pinned = stage.api.post(&stage.rules(), rule.clone()).await.id();
    rule["auto_update"] = true.into();
    let following = stage.api.post(&stage.rules(), rule).await.id();
    let next = stage.api.post("/gears/describe", manifest("1.1.0", one_file())).await.id();
    let gear_of =
        async |rule: &str| stage.api.get(&format!("{}/{rule}", stage.rules())).await.ok()["gear_id"].clone();
    assert_eq!(gear_of(&pinned).await, stage.gear.as_str());
    assert_eq!(gear_of(&following).await, next.as_str());
}

#[tokio::test]
async fn moving_and_restoring_ask_the_rules_only_when_they_are_told_to() {
    let stage = Stage::new().await;
    let file = stage.upload("a.nii", "x").await;
    stage.upload("a.nii", "y").await;
    stage.add(nifti()).await;
    let path = format!("/files/{file}");
    stage.api.post(&format!("{path}/restore?version=1"), Value::Null).await.ok();
    assert!(stage.jobs().await.is_empty());
    let moved = stage.api.post(&format!("{path}/move"), json!({"name": "b.nii"})).await.ok();
    assert_eq!(moved["jobs_spawned"], 0);
    stage.api.post(&format!("{path}/restore?version=1&evaluate_gear_rules=true"), Value::Null).await.ok();
    assert_eq!(stage.jobs().await.len(), 1);
    stage.upload("c.nii", "x").await;
    assert_eq!(stage.jobs().await.len(), 2);
    let other = stage.api.post(&format!("{path}/restore?version=2"), Value::Null).await.ok();
    assert_eq!(other["version"], 5);
    let asked = json!({"name": "d.nii", "run_gear_rules": true});
    assert_eq!(stage.api.post(&format!("{path}/move"), asked).await.ok()["jobs_spawned"], 1);
}

#[tokio::test]
async fn copies_are_files_that_came_and_moved_containers_bring_none() {
    let stage = Stage::new().await;
    let api = &stage.api;
    stage.upload("a.nii", "before the rule").await;
    let id = stage.add(nifti()).await;
    let parent = api.get(&format!("/acquisitions/{}", stage.acquisition)).await.ok();
    let subject = api.subject(&stage.project, "sub-2").await;
    let session = api.session(&stage.project, &subject, "ses-2").await;
    let copy = json!({"dst_session_id": session, "label": "copy", "filter": {}});
    let copy = api.post(&format!("/acquisitions/{}/copy", stage.acquisition), copy).await.id();
    let jobs = stage.jobs().await;
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    assert_eq!(jobs[0]["destination"], json!({"type": "acquisition", "id": copy}));
    api.put(&format!("/acquisitions/{copy}"), json!({"session": parent["session"]})).await.ok();
    assert_eq!(stage.jobs().await.len(), 1);
    api.delete(&format!("{}/{id}", stage.rules())).await.empty();
    api.post("/site/rules", stage.rule(nifti())).await.ok();
    let whole = json!({"group_id": "lab", "project_label": "whole", "filter": {}});
    let whole = api.post(&format!("/projects/{}/copy", stage.project), whole).await.ok();
    let whole = whole["project_id"].as_str().unwrap();
    while api.get(&format!("/projects/{whole}")).await.ok()["copy_status"] == "copying" {
        tokio::task::yield_now().await;
    }
    let jobs = stage.jobs().await;
    assert_eq!(jobs.iter().filter(|job| job["parents"]["project"] == whole).count(), 2, "{jobs:?}");
}
