//! Documents over plain HTTP: verbs of older clients, features, times and the forms of a login.

use flywheel_tests::site::{DRONE_SECRET, LocalSite};
use http::Method;
use serde_json::{Value, json};

/// A site with a project that holds one file.
fn site_with_file() -> (LocalSite, String) {
    let site = LocalSite::start();
    let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let id = site.create("/projects", &json!({"group": "lab", "label": "Study"}));
    let upload = site.post(&format!("/projects/{id}/files")).as_user("admin");
    let _ = upload.upload("a.txt", b"words", None).send().expect(200);
    (site, id)
}

fn get(site: &LocalSite, path: &str) -> Value {
    site.get(path).as_user("admin").send().expect(200).json()
}

#[test]
fn info_and_classification_take_the_verbs_of_old_and_new_clients() {
    let (site, id) = site_with_file();
    for (number, method) in [Method::POST, Method::PATCH].into_iter().enumerate() {
        let key = format!("k{number}");
        for path in [
            format!("/projects/{id}/info"),
            format!("/projects/{id}/files/a.txt/info"),
            format!("/containers/{id}/info"),
        ] {
            let call = site.call(method.clone(), &path).as_user("admin");
            let answer = call.json(&json!({"set": {&key: {"by": path}}})).send().expect(200);
            assert_eq!(answer.json()["modified"], 1, "{method} {path}");
        }
        let project = get(&site, &format!("/projects/{id}"));
        assert!(project["info"][&key].is_object(), "{project}");
        assert!(project["files"][0]["info"][&key].is_object(), "{project}");
        let call =
            site.call(method.clone(), &format!("/projects/{id}/files/a.txt/classification")).as_user("admin");
        let _ = call.json(&json!({"add": {"Custom": [key]}})).send().expect(200);
    }
    let project = get(&site, &format!("/projects/{id}"));
    assert_eq!(project["files"][0]["classification"]["Custom"], json!(["k0", "k1"]));
}

#[test]
fn info_of_a_file_by_its_id_is_merged_or_replaced() {
    let (site, id) = site_with_file();
    let project = get(&site, &format!("/projects/{id}"));
    let path = format!("/files/{}/info", project["files"][0]["file_id"].as_str().unwrap());
    let send = |method: Method, body: Value| {
        let _ = site.call(method, &path).as_user("admin").json(&body).send().expect(200);
        get(&site, &path)
    };
    assert_eq!(send(Method::PUT, json!({"a": {"x": 1}, "b": 2})), json!({"a": {"x": 1}, "b": 2}));
    assert_eq!(send(Method::PATCH, json!({"a": {"y": 1}, "c": 3})), json!({"a": {"y": 1}, "b": 2, "c": 3}));
    assert_eq!(send(Method::PUT, json!({"d": null})), json!({"d": null}));
}

#[test]
fn an_info_delta_says_one_thing() {
    let (site, id) = site_with_file();
    for body in [
        json!({}),
        json!({"replace": {}, "set": {"a": 1}}),
        json!({"replace": {}, "delete": ["a"]}),
        json!({"merge": {"a": 1}}),
        json!([]),
    ] {
        for path in [format!("/projects/{id}/info"), format!("/projects/{id}/files/a.txt/info")] {
            let answer = site.call(Method::PATCH, &path).as_user("admin").json(&body).send();
            assert!(matches!(answer.status, 400 | 422), "{path} {body}: {answer:?}");
        }
    }
}

#[test]
fn features_leave_out_what_a_client_does_not_want() {
    let (site, id) = site_with_file();
    let path = format!("/projects/{id}");
    assert_eq!(get(&site, &path)["files"].as_array().unwrap().len(), 1);
    assert!(get(&site, &path)["analyses"].is_array());
    let call = site.get(&path).as_user("admin").header("X-Accept-Feature", "Exclude-Files");
    let slim = call.send().expect(200).json();
    assert!(slim.get("files").is_none_or(|files| files.is_null() || files == &json!([])), "{slim}");
    let call = site.get(&path).as_user("admin").header("x-accept-feature", "slim-containers");
    let slim = call.send().expect(200).json();
    assert!(slim.get("analyses").is_none_or(Value::is_null), "{slim}");
}

#[test]
fn times_carry_their_offset() {
    let (site, id) = site_with_file();
    let project = get(&site, &format!("/projects/{id}"));
    for time in [&project["created"], &project["modified"], &project["files"][0]["created"]] {
        assert!(time.as_str().unwrap().ends_with("+00:00"), "{time}");
    }
    let session = site.create(
        "/sessions",
        &json!({"project": id, "label": "s", "subject": {"label": "x"}, "timestamp": "2020-05-05T03:22:06.229+02:00"}),
    );
    let session = get(&site, &format!("/sessions/{session}"));
    assert_eq!(session["timestamp"], "2020-05-05T01:22:06.229000+00:00");
}

#[test]
fn a_subject_is_looked_up_by_its_label_in_the_project() {
    let (site, id) = site_with_file();
    let subject = |body: Value| {
        let session = site.create("/sessions", &json!({"project": id, "label": "s", "subject": body}));
        get(&site, &format!("/sessions/{session}"))["parents"]["subject"].as_str().unwrap().to_owned()
    };
    let first = subject(json!({"label": "one"}));
    assert_eq!(subject(json!({"code": "one"})), first);
    assert_eq!(subject(json!({"_id": first})), first);
    assert_eq!(subject(json!(first)), first);
    assert_ne!(subject(json!({"label": "two"})), first);
}

#[test]
fn a_path_may_be_written_as_downloads_write_it() {
    let (site, id) = site_with_file();
    let _ = site.create("/sessions", &json!({"project": id, "label": "ses", "subject": {"label": "sub"}}));
    let resolve = |query: &str, path: &[&str]| {
        let call = site.post(&format!("/resolve?{query}")).as_user("admin");
        let body = call.json(&json!({"path": path})).send().expect(200).json();
        let names = body["path"].as_array().unwrap().iter().map(|node| {
            let name = if node["container_type"] == "file" { &node["name"] } else { &node["_id"] };
            name.as_str().unwrap().to_owned()
        });
        (names.collect::<Vec<_>>(), body)
    };
    let (names, _) = resolve("full_tree=true", &["lab", "PROJECTS", "Study", "FILES", "a.txt"]);
    assert_eq!(names, ["lab", id.as_str(), "a.txt"]);
    let (names, _) =
        resolve("full_tree=true", &["lab", "PROJECTS", "Study", "SUBJECTS", "sub", "SESSIONS", "ses"]);
    assert_eq!(names.len(), 4);
    let (_, small) = resolve("minattr=true", &["lab", "Study"]);
    let node = small["path"][1].as_object().unwrap();
    assert!(node.contains_key("_id") && !node.contains_key("permissions"), "{node:?}");
    let (_, plain) = resolve("", &["lab", "Study"]);
    for node in plain["path"].as_array().unwrap() {
        assert_eq!(node["container_type"], node["node_type"]);
    }
    let unlisted = site.post("/resolve").as_user("admin").json(&json!({"path": "lab/Study"})).send();
    let _ = unlisted.refused(400);
}

#[test]
fn every_form_of_a_login_is_understood() {
    let site = LocalSite::start();
    let key = site.secret("ann");
    let address = site.address();
    for value in [
        format!("Bearer {key}"),
        format!("scitran-user {key}"),
        format!("scitran-user __force_insecure:{key}"),
        format!("scitran-user http://{address}:{key}"),
        format!("scitran-user {address}:{key}"),
    ] {
        let me = site.get("/users/self").header("Authorization", &value).send().expect(200).json();
        assert_eq!(me["_id"], "ann@example.org", "{value}");
    }
    for value in ["", "Bearer ", "Bearer nonsense", "scitran-user x:y:z", "Basic YTpi", "Bearer \u{1}"] {
        if http::HeaderValue::from_str(value).is_err() {
            continue;
        }
        let _ = site.get("/users/self").header("Authorization", value).send().refused(401);
    }
    let _ = site.get("/users/self").send().refused(401);
}

#[test]
fn config_and_version_are_public() {
    let site = LocalSite::start();
    let config = site.get("/config").send().expect(200).json();
    assert!(config["site"]["api_url"].is_string(), "{config}");
    assert!(config["features"].is_object(), "{config}");
    let version = site.get("/version").send().expect(200).json();
    assert_eq!(version["_id"], "version");
    assert!(version["release"].is_string() && version["flywheel_release"].is_string(), "{version}");
}

#[test]
fn a_device_logs_in_with_the_secret_and_is_known_from_then_on() {
    let site = LocalSite::start();
    let device = |secret: &str, path: &str| {
        let call = site.get(path).header("X-SciTran-Auth", secret).header("X-SciTran-Method", "reaper");
        call.header("X-SciTran-Name", "scanner 1").send()
    };
    let status = device(DRONE_SECRET, "/auth/status").expect(200).json();
    assert_eq!((&status["is_device"], &status["origin"]["type"]), (&json!(true), &json!("device")));
    let again = device(DRONE_SECRET, "/auth/status").expect(200).json();
    assert_eq!(status["origin"]["id"], again["origin"]["id"]);
    let _ = device("wrong", "/auth/status").refused(401);
    let half = site.get("/auth/status").header("X-SciTran-Auth", DRONE_SECRET).send();
    let _ = half.refused(400);
}
