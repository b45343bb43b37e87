//! What becomes a job, what does not, and in which order engines get them.

use super::*;

#[tokio::test]
async fn a_job_remembers_what_was_asked_and_what_was_there() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"abc").await;
    let gear = gear(&bench, "count", "utility").await;
    let body = json!({"gear_id": gear, "inputs": {"image": input(&bench, "a.txt")}, "tags": ["mine"], "priority": "high",
        "label": "first"});
    let id = bench.add("/jobs/add", body).await;
    bench.put("a.txt", b"another").await;
    let job = bench.get(&format!("/jobs/{id}")).await.ok();
    assert_eq!((&job["id"], &job["state"], &job["attempt"]), (&json!(id), &json!("pending"), &json!(1)));
    assert_eq!(
        (&job["priority"], &job["label"], &job["tags"]),
        (&json!("high"), &json!("first"), &json!(["mine", "count"]))
    );
    assert_eq!(job["destination"], json!({"type": "acquisition", "id": bench.acquisition}));
    assert_eq!(job["inputs"]["image"], input(&bench, "a.txt"));
    assert_eq!(job["gear_info"]["name"], "count");
    assert_eq!(job["config"]["config"], json!({"n": 3}));
    let image = &job["config"]["inputs"]["image"];
    assert_eq!((&image["object"]["size"], &image["object"]["version"]), (&json!(3), &json!(1)));
    assert_eq!(image["location"]["path"], "/flywheel/v0/input/image/a.txt");
    assert_eq!(job["parents"]["project"], bench.project.as_str());
    assert_eq!(job["origin"]["type"], "user");
    assert!(job["related_container_ids"].as_array().unwrap().contains(&json!(bench.session)));
    assert!(job.as_object().unwrap().keys().all(|key| !key.starts_with('_')), "{job}");
}

#[tokio::test]
async fn what_cannot_run_is_refused_and_says_why() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"abc").await;
    let gear = gear(&bench, "count", "utility").await;
    let mut broken = manifest("broken", json!({}), json!({}));
    broken["custom"] = json!({"flywheel": {"invalid": true}});
    let broken = gear_of(&bench, "utility", broken).await;
    let analysis = bench.add(&format!("/sessions/{}/analyses", bench.session), json!({"label": "x"})).await;
    let (image, none) = (input(&bench, "a.txt"), "ffffffffffffffffffffffff");
    let of = |inputs: Value| json!({"gear_id": gear, "inputs": inputs});
    let to = |kind: &str, id: &str| json!({"gear_id": gear, "inputs": {"image": image}, "destination": {"type": kind, "id": id}});
    let set = |config: Value| json!({"gear_id": gear, "inputs": {"image": image}, "config": config});
    let with = |key: &str, value: &str| {
        let mut body = of(json!({"image": image}));
        body[key] = value.into();
        body
    };
    for (body, status, told) in [
        (json!({}), 422, "gear_id"),
        (with("gear_id", none), 404, "gear"),
        (json!({"gear_id": broken}), 400, "invalid, will not run"),
        (of(json!({})), 422, "image"),
        (of(json!({"image": image, "other": image})), 400, "other"),
        (of(json!({"image": {"type": "acquisition"}})), 400, "reference"),
        (of(json!({"image": input(&bench, "none.txt")})), 404, "none.txt"),
        (of(json!({"image": {"file_id": none}})), 404, "file"),
        (of(json!({"image": {"type": "group", "id": "lab", "name": "a"}})), 400, "group"),
        (to("analysis", &analysis), 400, "analysis"),
        (to("group", "lab"), 400, "group"),
        (to("session", none), 404, "session"),
        (set(json!({"n": 0})), 422, "n: 0 is less"),
        (set(json!({"n": "many"})), 422, "integer"),
        (with("priority", "urgent"), 422, "priority"),
        (with("compute_provider_id", none), 412, "provider"),
    ] {
        let message = bench.post("/jobs/add", body.clone()).await.refused(status);
        assert!(message.contains(told), "{body}: {message}");
    }
    let refused = bench.post("/jobs/add", set(json!({"n": 0}))).await.json();
    assert_eq!((&refused["reason"], &refused["key"]), (&json!("config did not match manifest"), &json!("n")));
    assert_eq!(bench.get("/jobs").await.ok(), json!([]));
}

#[tokio::test]
async fn a_job_needs_rights_on_what_it_reads_and_writes() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"abc").await;
    let gear = gear(&bench, "count", "utility").await;
    let body = json!({"gear_id": gear, "inputs": {"image": input(&bench, "a.txt")}});
    for (email, level, status) in
        [("none@x.org", None, 403), ("ro@x.org", Some("ro"), 403), ("rw@x.org", Some("rw"), 200)]
    {
        let user = bench.as_user(email, level).await;
        let answer = user.post("/jobs/add", body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{email} {:?}", answer.bytes);
    }
    let user = bench.as_user("rw@x.org", None).await;
    let mut named = body;
    named["compute_provider_id"] = crate::jobs::PROVIDER.into();
    user.post("/jobs/add", named.clone()).await.refused(403);
    bench.post("/jobs/add", named).await.ok();
}

#[tokio::test]
async fn a_version_of_an_input_can_be_named() {
    let bench = Bench::new().await;
    let file = bench.put("a.txt", b"abc").await;
    bench.put("a.txt", b"another").await;
    let gear = gear(&bench, "count", "utility").await;
    let mut named = input(&bench, "a.txt");
    named["version"] = 1.into();
    for (reference, size) in [
        (named, 3),
        (json!({"file_id": file["file_id"], "version": 1}), 3),
        (json!({"file_id": file["file_id"]}), 7),
        (input(&bench, "a.txt"), 7),
    ] {
        let id = bench.add("/jobs/add", json!({"gear_id": gear, "inputs": {"image": reference}})).await;
        let job = bench.get(&format!("/jobs/{id}")).await.ok();
        assert_eq!(job["config"]["inputs"]["image"]["object"]["size"], size, "{reference}");
        assert_eq!(job["inputs"]["image"], input(&bench, "a.txt"));
    }
}

#[tokio::test]
async fn the_nearest_container_gives_a_context_value() {
    let bench = Bench::new().await;
    let inputs =
        json!({"code": {"base": "context"}, "other": {"base": "context"}, "key": {"base": "api-key"}});
    let gear = gear_of(&bench, "utility", manifest("context", inputs, json!({}))).await;
    for (path, value) in
        [(format!("/projects/{}", bench.project), "far"), (format!("/sessions/{}", bench.session), "near")]
    {
        bench.post(&format!("{path}/info"), json!({"set": {"context": {"code": value}}})).await.ok();
    }
    let destination = json!({"type": "acquisition", "id": bench.acquisition});
    let id = bench.add("/jobs/add", json!({"gear_id": gear, "destination": destination})).await;
    let config = bench.get(&format!("/jobs/{id}/config.json")).await.ok();
    assert_eq!(config["inputs"]["code"], json!({"base": "context", "found": true, "value": "near"}));
    assert_eq!(config["inputs"]["other"], json!({"base": "context", "found": false}));
    assert_eq!(config["inputs"]["key"], json!({"base": "api-key"}), "a key before the job runs");
}

#[tokio::test]
async fn engines_get_jobs_by_priority_and_then_by_age() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"abc").await;
    let gear = gear(&bench, "count", "utility").await;
    let (first, second, third) =
        (queue(&bench, &gear).await, queue(&bench, &gear).await, queue(&bench, &gear).await);
    let raised =
        put(&bench, "/jobs/priority", json!({"job_ids": [third], "priority": "critical"})).await.ok();
    assert_eq!(raised, json!({"modified": 1}));
    let mut order = Vec::new();
    for _ in 0..3 {
        order.push(start(&bench).await["id"].clone());
    }
    assert_eq!(order, [json!(third), json!(first), json!(second)]);
    assert_eq!(start(&bench).await, Value::Null);
    let late = put(&bench, "/jobs/priority", json!({"job_ids": [first], "priority": "low"})).await.ok();
    assert_eq!(late, json!({"modified": 0}), "a job that runs keeps its priority");
}

#[tokio::test]
async fn an_engine_gets_only_what_it_asks_for_and_can_do() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"abc").await;
    let mut special = manifest("special", json!({}), json!({}));
    special["capabilities"] = json!(["networking"]);
    let special = gear_of(&bench, "utility", special).await;
    let to = json!({"type": "session", "id": bench.session});
    let id = bench.add("/jobs/add", json!({"gear_id": special, "destination": to, "tags": ["hpc"]})).await;
    let peek = async |key: &str, value: Value| {
        let mut body = ask();
        body["capabilities"] = json!(["networking"]);
        body["return"]["peek"] = true.into();
        if let Some((list, name)) = key.split_once('.') {
            body[list][name] = value;
        } else {
            body[key] = value;
        }
        bench.post("/jobs/ask", body).await.ok()["jobs"].as_array().unwrap().len()
    };
    for (key, value, found) in [
        ("capabilities", json!([]), 0),
        ("capabilities", json!(["networking", "gpu"]), 1),
        ("whitelist.group", json!(["lab"]), 1),
        ("whitelist.group", json!(["other"]), 0),
        ("blacklist.group", json!(["lab"]), 0),
        ("whitelist.gear-name", json!(["special", "x"]), 1),
        ("blacklist.gear-name", json!(["special"]), 0),
        ("whitelist.tag", json!(["hpc"]), 1),
        ("blacklist.tag", json!(["hpc"]), 0),
        ("whitelist.created-by", json!(["somebody@x.org"]), 0),
        ("blacklist.compute-provider", json!([crate::jobs::PROVIDER]), 0),
    ] {
        assert_eq!(peek(key, value.clone()).await, found, "{key} {value}");
    }
    assert_eq!(state_of(&bench, &id).await, "pending", "peeking changes nothing");
    let counted = |n: i64| json!({"count": n});
    let mut body = ask();
    assert_eq!(bench.post("/jobs/ask/pending", body.clone()).await.ok(), counted(0));
    body["capabilities"] = json!(["networking"]);
    assert_eq!(bench.post("/jobs/ask/pending", body.clone()).await.ok(), counted(1));
    bench.post("/jobs/ask/waiting", body.clone()).await.refused(422);
    body["return"] = json!({"states": true});
    assert_eq!(bench.post("/jobs/ask", body.clone()).await.ok()["states"]["pending"], 1);
    body["return"] = json!({});
    bench.post("/jobs/ask", body).await.refused(422);
}

#[tokio::test]
async fn jobs_are_found_by_filter_by_who_asked_and_by_where_they_work() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"abc").await;
    let gear = gear(&bench, "count", "utility").await;
    let user = bench.as_user("rw@x.org", Some("rw")).await;
    let (own, mine) = (queue(&bench, &gear).await, queue(&user, &gear).await);
    let stranger = bench.as_user("stranger@x.org", None).await;
    let count = async |bench: &Bench, path: &str| {
        let answer = bench.get(path).await.ok();
        answer.get("jobs").unwrap_or(&answer).as_array().unwrap().len()
    };
    for (filter, found) in [
        ("state=pending".to_owned(), 2),
        ("state=running".to_owned(), 0),
        (format!("gear_id={gear}"), 2),
        ("gear_info.name=count".to_owned(), 2),
        (format!("parents.project={}", bench.project), 2),
        ("origin.id=rw@x.org".to_owned(), 1),
        ("tags=count".to_owned(), 2),
        (format!("_id={own}"), 1),
        ("created>2020-01-01".to_owned(), 2),
    ] {
        assert_eq!(
            count(&bench, &format!("/jobs?filter={}", filter.replace('>', "%3E"))).await,
            found,
            "{filter}"
        );
    }
    for path in [format!("/sessions/{}/jobs", bench.session), format!("/projects/{}/jobs", bench.project)] {
        assert_eq!(count(&bench, &path).await, 2);
    }
    let narrowed = |query: &str| format!("/sessions/{}/jobs?{query}", bench.session);
    assert_eq!(count(&bench, &narrowed("states=running,failed")).await, 0);
    assert_eq!(count(&bench, &narrowed("states=running&states=pending")).await, 2);
    assert_eq!(count(&bench, &narrowed("tags=other")).await, 0);
    assert_eq!((count(&stranger, "/jobs").await, count(&user, "/jobs").await), (0, 2));
    stranger.get(&format!("/jobs/{mine}")).await.refused(403);
    let of_user = user.get("/users/self/jobs").await.ok();
    assert_eq!((&of_user["total"], &of_user["stats"]["pending"]), (&json!(1), &json!(1)));
    assert_eq!(of_user["jobs"][0]["id"], mine.as_str());
    assert_eq!(user.get("/users/self/jobs?gear=other").await.ok()["total"], 0);
    let row = &bench.get("/jobs?include_parent_info=true").await.ok()[0];
    assert_eq!((&row["_id"], &row["inputs"][0]["input"]), (&json!(own), &json!("image")));
    assert_eq!(row["parent_info"]["project"]["label"], "Study");
    assert_eq!(row["config"]["inputs"]["image"]["object"].get("info"), None);
}

#[tokio::test]
async fn the_older_form_of_asking_gives_the_next_job_of_a_tag() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"abc").await;
    let gear = gear(&bench, "count", "utility").await;
    let id = queue(&bench, &gear).await;
    bench.get("/jobs/next?tags=other").await.refused(400);
    let job = bench.get("/jobs/next?tags=count").await.ok();
    assert_eq!((&job["id"], &job["state"]), (&json!(id), &json!("running")));
    bench.get("/jobs/next").await.refused(400);
}

#[tokio::test]
async fn a_job_is_computed_by_the_provider_of_the_nearest_place_that_names_one() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"abc").await;
    let gear = gear(&bench, "count", "utility").await;
    let provider = async |label: &str, class: &str| {
        let body = json!({
            "label": label, "provider_class": class, "provider_type": "static", "creds": {}, "config": {},
        });
        bench.add("/site/providers", body).await
    };
    let (site, group, project) =
        (provider("s", "compute").await, provider("g", "compute").await, provider("p", "compute").await);
    let named = provider("n", "compute").await;
    let order = json!({"gear_id": gear, "inputs": {"image": input(&bench, "a.txt")}});
    let chosen = async |order: &Value| {
        let id = bench.add("/jobs/add", order.clone()).await;
        let job = bench.get(&format!("/jobs/{id}")).await.ok();
        let told = bench.post("/jobs/determine_provider", order.clone()).await.ok();
        assert_eq!(told["_id"], job["compute_provider_id"]);
        job["compute_provider_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(chosen(&order).await, crate::jobs::PROVIDER);
    let places = [
        ("/site/settings".to_owned(), &site),
        ("/groups/lab".to_owned(), &group),
        (format!("/projects/{}", bench.project), &project),
    ];
    for (path, provider) in places {
        put(&bench, &path, json!({"providers": {"compute": provider}})).await.ok();
        assert_eq!(&chosen(&order).await, provider, "{path}");
    }
    let mut asked = order.clone();
    asked["compute_provider_id"] = named.as_str().into();
    assert_eq!(chosen(&asked).await, named);
    bench.call(Method::DELETE, &format!("/site/providers/{project}"), json!(null)).await.ok();
    assert_eq!(chosen(&order).await, group, "a provider that is gone names nobody");
    asked["compute_provider_id"] = provider("disk", "storage").await.into();
    bench.post("/jobs/add", asked).await.refused(412);
}

#[tokio::test]
async fn a_job_is_tried_again_by_another_provider_when_an_administrator_says_so() {
    let (bench, _, id) = running("utility").await;
    let user = bench.as_user("rw@x.org", Some("admin")).await;
    bench.post(&format!("/jobs/{id}/complete"), json!({"success": false})).await.ok();
    let body = json!({
        "label": "cloud", "provider_class": "compute", "provider_type": "static", "creds": {}, "config": {},
    });
    let cloud = bench.add("/site/providers", body).await;
    let path = format!("/jobs/{id}/retry?computeProviderId=");
    user.post(&format!("{path}{cloud}"), json!(null)).await.refused(403);
    bench.post(&format!("{path}{}", "f".repeat(24)), json!(null)).await.refused(412);
    let next = bench.add(&format!("{path}{cloud}"), json!(null)).await;
    assert_eq!(bench.get(&format!("/jobs/{next}")).await.ok()["compute_provider_id"], cloud);
}
