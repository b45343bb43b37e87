//! Gears that run for real on the site's own engine, over plain HTTP: from the folder of a gear to its outputs.

use std::time::Duration;

use flywheel_local::{Engine, Site};
use flywheel_tests::{
    http::{Call, Client},
    process::Process,
    site::LocalSite,
};
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha384};

/// A site with an engine, an acquisition on it, and a file in that: `a.txt`.
struct Bench {
    site: LocalSite,
    project: String,
    acquisition: String,
}

impl Bench {
    fn new(engine: Engine) -> Self {
        let site = LocalSite::start_with_engine(engine);
        let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
        let project = site.create("/projects", &json!({"group": "lab", "label": "p"}));
        let session = json!({"project": project, "label": "s", "subject": {"label": "sub-01"}});
        let session = site.create("/sessions", &session);
        let acquisition = site.create("/acquisitions", &json!({"session": session, "label": "a"}));
        let bench = Self { site, project, acquisition };
        bench.upload("a.txt", b"hello gear");
        bench
    }

    fn call(&self, method: Method, path: &str) -> Call {
        self.site.call(method, path).as_user("admin")
    }

    fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path).send().expect(200).json()
    }

    fn upload(&self, name: &str, content: &[u8]) {
        let path = format!("/acquisitions/{}/files", self.acquisition);
        let _ = self.call(Method::POST, &path).upload(name, content, None).send().expect(200);
    }

    /// Adds a gear whose program is a shell script.
    fn gear(&self, name: &str, script: &str, more: Value) -> String {
        add_gear(|method, path| self.call(method, path), name, script, more)
    }

    /// Queues a job on `a.txt`.
    fn start(&self, gear: &str, config: Value) -> String {
        let file = json!({"type": "acquisition", "id": self.acquisition, "name": "a.txt"});
        let body = json!({
            "gear_id": gear, "inputs": {"text": file}, "config": config,
            "destination": {"type": "acquisition", "id": self.acquisition},
        });
        self.site.create("/jobs/add", &body)
    }

    fn job(&self, id: &str) -> Value {
        self.get(&format!("/jobs/{id}"))
    }

    /// Waits until a job is in a state that it does not leave.
    fn end_of(&self, id: &str) -> Value {
        loop {
            let job = self.job(id);
            if ["complete", "failed", "cancelled"].iter().any(|state| job["state"] == *state) {
                return job;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self, id: &str) -> String {
        log_of(&self.get(&format!("/jobs/{id}/logs")))
    }

    /// Waits for a text in the log of a job that runs.
    fn wait_for(&self, id: &str, text: &str) {
        while !self.log(id).contains(text) {
            assert_eq!(self.job(id)["failure_reason"], Value::Null, "{}", self.log(id));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn files(&self) -> Vec<Value> {
        let acquisition = self.get(&format!("/acquisitions/{}", self.acquisition));
        acquisition["files"].as_array().unwrap().clone()
    }

    fn file(&self, name: &str) -> Value {
        self.files().into_iter().find(|file| file["name"] == name).unwrap_or_else(|| panic!("no {name}"))
    }

    fn content(&self, name: &str) -> String {
        let path = format!("/acquisitions/{}/files/{name}", self.acquisition);
        let answer = self.call(Method::GET, &path).send().expect(200);
        String::from_utf8(answer.body.to_vec()).unwrap()
    }
}

fn log_of(record: &Value) -> String {
    let lines = record["logs"].as_array().unwrap().iter();
    lines.map(|line| format!("{}:{}", line["fd"], line["msg"].as_str().unwrap())).collect()
}

fn manifest(name: &str, more: Value) -> Value {
    let mut manifest = json!({
        "name": name, "label": name, "description": "d", "version": "1.0.0", "author": "a", "license": "MIT", "url": "",
        "source": "", "inputs": {"text": {"base": "file"}},
        "config": {"word": {"type": "string", "default": "plain"}},
    });
    manifest.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    manifest
}

fn add_gear(call: impl Fn(Method, &str) -> Call, name: &str, script: &str, more: Value) -> String {
    let manifest = manifest(name, more);
    let mut builder = tar::Builder::new(Vec::new());
    for (name, mode, content) in
        [("manifest.json", 0o644, manifest.to_string()), ("run", 0o755, format!("#!/bin/sh\n{script}\n"))]
    {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        builder.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    let archive = builder.into_inner().unwrap();
    let path = format!("/local/gear-folders/{}", hex::encode(Sha384::digest(&archive)));
    let exchange = call(Method::PUT, &path).body(archive).send().expect(200).json();
    let mut exchange = exchange;
    exchange["git-commit"] = "local".into();
    let body = json!({"category": "utility", "gear": manifest, "exchange": exchange});
    let answer = call(Method::POST, &format!("/gears/{name}")).json(&body).send().expect(200);
    answer.json()["_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_gear_sees_what_it_was_promised_and_its_outputs_log_and_metadata_arrive() {
    let bench = Bench::new(Engine::new().variable("EXTRA", "beside"));
    let script = r#"
        pwd
        echo "word: $FW_CONFIG_WORD, colour: $COLOUR, extra: $EXTRA"
        echo "to the other stream" >&2
        test "$FLYWHEEL" = "$(pwd)" && test -d work && test -f manifest.json && test -z "$(ls output)" || exit 9
        cat input/text/a.txt > output/copy.txt
        cp config.json output/seen.json
        mkdir output/folder
        cat > output/.metadata.json <<END
{"acquisition": {"info": {"made": {"by": "gear"}}, "tags": ["done"], "files": [
    {"name": "copy.txt", "type": "text", "tags": ["copied"], "info": {"length": 10}},
    {"name": "a.txt", "info": {"seen": true}}
]}}
END
    "#;
    let more = json!({"environment": {"COLOUR": "green"}, "custom": {"flywheel": {"show-job": true}}});
    let gear = bench.gear("copier", script, more);
    let id = bench.start(&gear, json!({"word": "a b"}));
    let job = bench.end_of(&id);
    let log = bench.log(&id);
    assert_eq!(job["state"], "complete", "{log}");
    assert!(log.starts_with("-1:Gear: copier, version: 1.0.0\n"), "{log}");
    assert!(log.contains("1:word: a b, colour: green, extra: beside\n"), "{log}");
    assert!(log.contains("2:to the other stream\n"), "{log}");
    assert!(log.contains("-1:output/folder is no file"), "{log}");
    assert_eq!(bench.content("copy.txt"), "hello gear");

    let copy = bench.file("copy.txt");
    assert_eq!(copy["origin"], json!({"type": "job", "id": id}));
    assert_eq!((&copy["tags"], &copy["info"]["length"]), (&json!(["copied"]), &json!(10)));
    assert_eq!(copy["gear_info"]["name"], "copier");
    assert_eq!(bench.file("a.txt")["info"]["seen"], true);
    let acquisition = bench.get(&format!("/acquisitions/{}", bench.acquisition));
    assert_eq!(
        (&acquisition["info"]["made"]["by"], &acquisition["tags"]),
        (&json!("gear"), &json!(["done"]))
    );

    let seen: Value = serde_json::from_str(&bench.content("seen.json")).unwrap();
    assert_eq!((&seen["config"]["word"], &seen["job"]["id"]), (&json!("a b"), &json!(id)));
    assert_eq!(seen["destination"], json!({"type": "acquisition", "id": bench.acquisition}));
    let place = seen["inputs"]["text"]["location"]["path"].as_str().unwrap();
    assert!(place.ends_with("/input/text/a.txt") && !std::path::Path::new(place).exists(), "{place}");

    assert_eq!(job["saved_files"], json!(["copy.txt", "seen.json"]));
    for key in
        ["elapsed_time_ms", "preparation_time_ms", "upload_time_ms", "total_time_ms", "total_output_files"]
    {
        assert!(job["profile"][key].is_u64(), "{key}: {}", job["profile"]);
    }
    assert_eq!(job["profile"]["executor"]["name"], "engine_local");
}

#[test]
fn a_gear_that_fails_says_why_and_leaves_nothing() {
    let bench = Bench::new(Engine::new());
    let gear = bench.gear("failing", "echo x > output/half.txt; echo broken >&2; exit 3", json!({}));
    let id = bench.start(&gear, json!({}));
    let job = bench.end_of(&id);
    assert_eq!((&job["state"], &job["failure_reason"]), (&json!("failed"), &json!("gear_exit")));
    let log = bench.log(&id);
    assert!(log.contains("2:broken\n") && log.contains("exit status: 3"), "{log}");
    assert_eq!(bench.files().len(), 1);

    let gear = bench.gear("nonsense", "echo '{' > output/.metadata.json; echo x > output/a", json!({}));
    let id = bench.start(&gear, json!({}));
    assert_eq!(bench.end_of(&id)["failure_reason"], "invalid_metadata", "{}", bench.log(&id));
    let said = r#"echo '{"galaxy": {}}' > output/.metadata.json"#;
    let gear = bench.gear("stranger", said, json!({}));
    let id = bench.start(&gear, json!({}));
    assert_eq!(bench.end_of(&id)["failure_reason"], "invalid_metadata");
    assert!(bench.log(&id).contains("galaxy") || bench.log(&id).contains("Metadata"), "{}", bench.log(&id));

    let gear = bench.gear("missing", "", json!({"command": "./not-there"}));
    let id = bench.start(&gear, json!({}));
    assert_eq!(bench.end_of(&id)["state"], "failed");
    assert!(bench.log(&id).contains("not-there"), "{}", bench.log(&id));
}

#[test]
fn a_job_that_takes_too_long_is_stopped_with_its_children() {
    let bench = Bench::new(Engine::new().time_limit(Duration::from_secs(600)));
    let more = json!({"custom": {"local-engine": {"time-limit": 0.3}}});
    let gear = bench.gear("endless", "sleep 1000 & wait", more);
    let id = bench.start(&gear, json!({}));
    let job = bench.end_of(&id);
    assert_eq!((&job["state"], &job["failure_reason"]), (&json!("failed"), &json!("time_limit")));
    assert!(bench.log(&id).contains("0.3 s"), "{}", bench.log(&id));
}

#[test]
fn a_cancelled_job_ends_and_the_next_one_runs() {
    let bench = Bench::new(Engine::new());
    let endless = bench.gear("endless", "echo begun; sleep 1000", json!({}));
    let quick = bench.gear("quick", "echo $FW_CONFIG_WORD > output/quick.txt", json!({}));
    let (first, second) = (bench.start(&endless, json!({})), bench.start(&quick, json!({"word": "next"})));
    bench.wait_for(&first, "begun");
    assert_eq!(bench.job(&second)["state"], "pending");
    let cancel = json!({"state": "cancelled"});
    let _ = bench.call(Method::PUT, &format!("/jobs/{first}")).json(&cancel).send().expect(200);
    assert_eq!(bench.end_of(&second)["state"], "complete");
    assert_eq!(bench.job(&first)["state"], "cancelled");
    assert_eq!(bench.content("quick.txt"), "next\n");
}

#[test]
fn as_many_jobs_run_at_a_time_as_there_are_slots() {
    let bench = Bench::new(Engine::new().slots(2));
    let folder = tempfile::tempdir().unwrap();
    let marks = folder.path().display();
    let script =
        format!("touch {marks}/$FW_CONFIG_WORD; while [ $(ls {marks} | wc -l) -lt 2 ]; do sleep 0.05; done");
    let gear = bench.gear("pair", &script, json!({}));
    let both = ["one", "two"].map(|word| bench.start(&gear, json!({"word": word})));
    for id in both {
        assert_eq!(bench.end_of(&id)["state"], "complete");
    }
}

#[test]
fn a_job_whose_engine_went_away_is_tried_again_when_the_site_is_back() {
    let data = tempfile::tempdir().unwrap();
    let mark = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let open = || {
        runtime.block_on(async {
            let builder = Site::builder().data(data.path()).admin_key("secret").engine(Engine::new());
            let site = builder.open().await.unwrap();
            let running = site.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
            let client = Client::new(running.address(), vec![("admin".to_owned(), "secret".to_owned())]);
            (site, running, client)
        })
    };
    let (site, running, client) = open();
    let call = |client: &Client, method, path: &str| client.call(method, path).as_user("admin");
    let create = |path: &str, body: Value| {
        let answer = call(&client, Method::POST, path).json(&body).send().expect(200).json();
        answer["_id"].as_str().unwrap().to_owned()
    };
    let _ = create("/groups", json!({"_id": "lab", "label": "Lab"}));
    let project = create("/projects", json!({"group": "lab", "label": "p"}));
    let script = format!(
        "if [ -e {0}/begun ]; then echo again > output/again.txt; else touch {0}/begun; sleep 1000; fi",
        mark.path().display()
    );
    let gear = add_gear(|method, path| call(&client, method, path), "lost", &script, json!({"inputs": {}}));
    let first =
        create("/jobs/add", json!({"gear_id": gear, "destination": {"type": "project", "id": project}}));
    while !mark.path().join("begun").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(site);
    runtime.block_on(running.shutdown());

    let (_site, running, client) = open();
    let get = |path: &str| call(&client, Method::GET, path).send().expect(200).json();
    let lost = get(&format!("/jobs/{first}"));
    assert_eq!(lost["state"], "failed");
    assert!(lost["failure_reason"].as_str().unwrap().contains("lost"), "{lost}");
    assert!(log_of(&get(&format!("/jobs/{first}/logs"))).contains("lost"));
    let found = loop {
        let project = get(&format!("/projects/{project}"));
        let files = project["files"].as_array().unwrap();
        if let Some(file) = files.iter().find(|file| file["name"] == "again.txt") {
            break file.clone();
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let second = get(&format!("/jobs/{}", found["origin"]["id"].as_str().unwrap()));
    assert_eq!((&second["attempt"], &second["previous_job_id"]), (&json!(2), &json!(first)));
    runtime.block_on(running.shutdown());
}

#[test]
fn an_uploaded_file_sets_a_rule_going_and_the_outputs_do_too() {
    let bench = Bench::new(Engine::new());
    let script = "for f in input/text/*; do cat $f > output/$(basename $f .txt).csv; done";
    let first = bench.gear("to-csv", script, json!({}));
    let second = bench.gear("count", "cat input/text/* | wc -c > output/count.json", json!({}));
    let rules = format!("/projects/{}/rules", bench.project);
    for (name, gear, kind) in [("texts", &first, "text"), ("tables", &second, "tabular data")] {
        let rule = json!({"name": name, "gear_id": gear, "all": [{"type": "file.type", "value": kind}]});
        let _ = bench.call(Method::POST, &rules).json(&rule).send().expect(200);
    }
    bench.upload("b.txt", b"four");
    let jobs = || bench.get(&format!("/projects/{}/jobs", bench.project));
    let done = || bench.files().iter().any(|file| file["name"] == "count.json");
    while !done() {
        let text = jobs().to_string();
        assert!(!text.contains(r#""state":"failed""#), "{text}");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(bench.content("b.csv"), "four");
    assert_eq!(bench.content("count.json").trim(), "4");
    let jobs = jobs();
    let jobs = jobs.as_array().or(jobs["jobs"].as_array()).or(jobs["results"].as_array()).unwrap().len();
    assert_eq!(jobs, 2);
}

#[test]
fn a_gear_with_a_key_speaks_to_the_site_while_it_runs_and_not_after() {
    let bench = Bench::new(Engine::new());
    let inputs = json!({"inputs": {"text": {"base": "file"}, "key": {"base": "api-key"}}});
    let shared = tempfile::tempdir().unwrap();
    let script = "cp config.json SHARED/new; mv SHARED/new SHARED/config.json
        while [ ! -e SHARED/go ]; do sleep 0.05; done"
        .replace("SHARED", &shared.path().display().to_string());
    let gear = bench.gear("keyed", &script, inputs);
    let id = bench.start(&gear, json!({}));
    let place = shared.path().join("config.json");
    while !place.exists() {
        assert_eq!(bench.job(&id)["failure_reason"], Value::Null, "{}", bench.log(&id));
        std::thread::sleep(Duration::from_millis(20));
    }
    let config: Value = serde_json::from_slice(&std::fs::read(place).unwrap()).unwrap();
    let key = config["inputs"]["key"]["key"].as_str().unwrap();
    let expected = format!("{}:__force_insecure:", bench.site.address());
    let secret = key.strip_prefix(&expected).unwrap_or_else(|| panic!("{key}"));
    let ask = || {
        let authorization = format!("scitran-user {secret}");
        bench.site.get(&format!("/projects/{}", bench.project)).header("authorization", &authorization).send()
    };
    let _ = ask().expect(200);
    std::fs::write(shared.path().join("go"), "").unwrap();
    assert_eq!(bench.end_of(&id)["state"], "complete", "{}", bench.log(&id));
    let _ = ask().refused(401);
}

#[cfg(unix)]
#[test]
fn a_gear_with_an_image_runs_in_a_container() {
    use std::os::unix::fs::PermissionsExt;
    let tools = tempfile::tempdir().unwrap();
    let docker = tools.path().join("docker");
    // Does what a runtime would do with the folders of the run, and notes how it was called.
    let script = r#"#!/bin/sh
echo "docker $*"
for word; do case $word in
    type=bind,source=*,target=/flywheel/v0/output) output=${word#type=bind,source=}; output=${output%,target=*};;
    type=bind,source=*,target=/flywheel/v0/config.json,readonly) config=${word#type=bind,source=}; config=${config%,target=*};;
esac; done
cp "$config" "$output/config.json"
"#;
    std::fs::write(&docker, script).unwrap();
    std::fs::set_permissions(&docker, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let bench = Bench::new(Engine::new().path(format!("{}:{path}", tools.path().display())));
    let image = json!({"custom": {"gear-builder": {"image": "lab/imaged:1"}}});
    let body = json!({"category": "utility", "gear": manifest("imaged", image)});
    let answer = bench.call(Method::POST, "/gears/imaged").json(&body).send().expect(200);
    let gear = answer.json()["_id"].as_str().unwrap().to_owned();
    let id = bench.start(&gear, json!({"word": "w"}));
    let job = bench.end_of(&id);
    let log = bench.log(&id);
    assert_eq!(job["state"], "complete", "{log}");
    assert!(
        log.contains("docker run --rm --name fw-job-") && log.contains("--env FW_CONFIG_WORD=w"),
        "{log}"
    );
    assert!(log.contains("--entrypoint bash lab/imaged:1 -c ./run"), "{log}");
    let seen: Value = serde_json::from_str(&bench.content("config.json")).unwrap();
    assert_eq!(seen["inputs"]["text"]["location"]["path"], "/flywheel/v0/input/text/a.txt");
}

#[test]
fn a_gear_that_cannot_be_run_here_fails_with_what_is_missing() {
    let bench = Bench::new(Engine::new().path("/nowhere"));
    let image = json!({"custom": {"gear-builder": {"image": "lab/imaged:1"}}});
    let body = json!({"category": "utility", "gear": manifest("imaged", image)});
    let answer = bench.call(Method::POST, "/gears/imaged").json(&body).send().expect(200);
    let gear = answer.json()["_id"].as_str().unwrap().to_owned();
    let id = bench.start(&gear, json!({}));
    assert_eq!(bench.end_of(&id)["failure_reason"], "engine_error");
    assert!(bench.log(&id).contains("neither docker nor podman"), "{}", bench.log(&id));
}

/// A job of a gear that notes its process and sleeps, in a site of one client; the id of that process.
#[cfg(target_os = "linux")]
fn sleeping_job(client: &Client, mark: &std::path::Path) -> u32 {
    let call = |method, path: &str| client.call(method, path).as_user("admin");
    let create = |path: &str, body: Value| {
        let answer = call(Method::POST, path).json(&body).send().expect(200);
        answer.json()["_id"].as_str().unwrap().to_owned()
    };
    create("/groups", json!({"_id": "lab", "label": "Lab"}));
    let project = create("/projects", json!({"group": "lab", "label": "p"}));
    let script = format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", mark.display());
    let gear = add_gear(call, "sleeper", &script, json!({"inputs": {}}));
    create("/jobs/add", json!({"gear_id": gear, "destination": {"type": "project", "id": project}}));
    while !mark.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::fs::read_to_string(mark).unwrap().trim().parse().unwrap()
}

#[cfg(target_os = "linux")]
fn wait_for_end_of(process: u32) {
    let stat = format!("/proc/{process}/stat");
    while std::fs::read_to_string(&stat).is_ok_and(|text| !text.contains(") Z ")) {
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_program_of_a_gear_ends_with_a_site_that_is_killed() {
    let (folder, marks) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = env!("CARGO_BIN_EXE_site-process");
    let mut site = Process::shell(&format!("exec '{program}' \"$@\" engine"), folder.path());
    let sleeping = sleeping_job(&site.client, &marks.path().join("a"));
    site.kill();
    wait_for_end_of(sleeping);
}

#[cfg(target_os = "linux")]
#[test]
fn a_site_that_is_closed_ends_its_gears_and_removes_their_folders() {
    let (folder, marks) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let builder = Site::builder().data(folder.path()).admin_key("k").engine(Engine::new());
    let site = runtime.block_on(builder.open()).unwrap();
    let running = runtime.block_on(site.listen(([127, 0, 0, 1], 0).into())).unwrap();
    let client = Client::new(running.address(), vec![("admin".to_owned(), "k".to_owned())]);
    let sleeping = sleeping_job(&client, &marks.path().join("a"));
    runtime.block_on(running.shutdown());
    assert_eq!(std::fs::read_dir(folder.path().join("runs")).unwrap().count(), 2, "a folder and a record");
    runtime.block_on(site.close());
    assert_eq!(std::fs::read_dir(folder.path().join("runs")).unwrap().count(), 0);
    wait_for_end_of(sleeping);
}
