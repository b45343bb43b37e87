//! What an engine does with a job that it was given, and what the gear may do meanwhile.

use super::*;

#[tokio::test]
async fn an_engine_is_told_what_to_fetch_to_run_and_to_hand_in() {
    let (bench, _, id) = running("utility").await;
    let job = bench.get(&format!("/jobs/{id}")).await.ok();
    assert_eq!(job["state"], "running");
    assert!(job["transitions"]["running"].is_string());
    let request = &job["request"];
    assert_eq!(request["target"]["command"], json!(["bash", "-c", "./run"]));
    assert_eq!(request["target"]["env"]["FW_CONFIG_N"], "3");
    let uris: Vec<&str> =
        request["inputs"].as_array().unwrap().iter().map(|item| item["uri"].as_str().unwrap()).collect();
    assert_eq!(uris[1], format!("/jobs/{id}/config.json"));
    assert_eq!(bench.get(uris[2]).await.bytes, "abc".as_bytes());
    assert_eq!(request["inputs"][2]["location"], "/flywheel/v0/input/image");
    let out = format!("/engine?level=acquisition&id={}&job={id}", bench.acquisition);
    assert_eq!(request["outputs"][0]["uri"], out);
}

#[tokio::test]
async fn what_a_job_says_is_kept_in_order_and_read_in_three_forms() {
    let (bench, _, id) = running("utility").await;
    let path = format!("/jobs/{id}/logs");
    bench.post(&path, json!([{"fd": 1, "msg": "one <1>\n"}, {"fd": 2, "msg": "two\n"}])).await.ok();
    bench.post(&path, json!([{"fd": 1, "msg": "three"}])).await.ok();
    let logs = bench.get(&path).await.ok();
    let lines: Vec<(i64, &str)> = logs["logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["fd"].as_i64().unwrap(), line["msg"].as_str().unwrap()))
        .collect();
    assert_eq!(lines, [(-1, "Gear: count, version: 1.0.0\n"), (1, "one <1>\n"), (2, "two\n"), (1, "three")]);
    let text = bench.get(&format!("{path}/text")).await;
    assert_eq!(text.bytes, "Gear: count, version: 1.0.0\none <1>\ntwo\nthree".as_bytes());
    let html = String::from_utf8(bench.get(&format!("{path}/html")).await.bytes.to_vec()).unwrap();
    assert!(html.contains("<span class=\"fd-1\">one &lt;1&gt;\n</span>"), "{html}");
    bench.post(&path, json!([{"fd": "out", "msg": 1}])).await.refused(422);
    bench.get("/jobs/ffffffffffffffffffffffff/logs").await.refused(404);
}

#[tokio::test]
async fn outputs_belong_to_the_job_and_metadata_reaches_files_and_containers() {
    let (bench, gear, id) = running("utility").await;
    let ticket =
        bench.post(&format!("/jobs/{id}/prepare-complete"), json!(null)).await.ok()["ticket"].clone();
    let path = format!(
        "/engine?level=acquisition&id={}&job={id}&job_ticket={}",
        bench.acquisition,
        ticket.as_str().unwrap()
    );
    let metadata = json!({
        "acquisition": {
            "tags": ["done"], "info": {"a": {"b": 1}},
            "files": [
                {"name": "out.txt", "type": "table", "info": {"rows": 2}, "tags": ["new"]},
                {"name": "a.txt", "info": {"seen": true}, "modality": "MR"},
            ],
        },
        "session": {"weight": 70.5, "info": {"k": 1}, "subject": {"sex": "female"}},
        "project": {"tags": ["run"]},
    });
    let placed = bench.upload(&path, &[("out.txt", b"1\n2\n")], Some(metadata)).await.ok();
    assert_eq!((&placed[0]["name"], &placed[0]["type"]), (&json!("out.txt"), &json!("table")));
    assert_eq!(placed[0]["origin"], json!({"type": "job", "id": id}));
    assert_eq!(placed[0]["gear_info"], json!({"id": gear, "name": "count", "version": "1.0.0"}));
    let acquisition = bench.get(&format!("/acquisitions/{}", bench.acquisition)).await.ok();
    assert_eq!((&acquisition["tags"], &acquisition["info"]), (&json!(["done"]), &json!({"a": {"b": 1}})));
    let seen = bench.get(&format!("{}/info", bench.file("a.txt"))).await.ok();
    assert_eq!((&seen["info"], &seen["modality"]), (&json!({"seen": true}), &json!("MR")));
    let session = bench.get(&format!("/sessions/{}", bench.session)).await.ok();
    assert_eq!((&session["weight"], &session["subject"]["sex"]), (&json!(70.5), &json!("female")));
    assert_eq!(bench.get(&format!("/projects/{}", bench.project)).await.ok()["tags"], json!(["run"]));
    let done = json!({"success": true, "profile": {"elapsed_time_ms": 5, "executor": {"cpu_cores": 2}}});
    let complete = format!("/jobs/{id}/complete?job_ticket_id={}", ticket.as_str().unwrap());
    bench.post(&complete, done).await.ok();
    let job = bench.get(&format!("/jobs/{id}")).await.ok();
    assert_eq!((&job["state"], &job["saved_files"]), (&json!("complete"), &json!(["out.txt"])));
    assert_eq!(job["outputs"][0]["name"], "out.txt");
    assert_eq!(job["produced_metadata"]["project"], json!({"tags": ["run"]}));
    let profile = &job["profile"];
    assert_eq!((&profile["total_output_files"], &profile["total_output_size_bytes"]), (&json!(1), &json!(4)));
    assert_eq!((&profile["elapsed_time_ms"], &profile["total_input_size_bytes"]), (&json!(5), &json!(3)));
    assert!(profile["total_time_ms"].is_u64());
    let logs = bench.get(&format!("/jobs/{id}/logs/text")).await.bytes;
    assert!(logs.ends_with(b"Saved out.txt\n"), "{logs:?}");
    let detail = bench.get(&format!("/jobs/{id}/detail")).await.ok();
    assert_eq!(detail["inputs"]["image"]["ref"], input(&bench, "a.txt"));
    assert_eq!(detail["inputs"]["image"]["object"]["size"], 3);
    assert_eq!(detail["outputs"][0]["ref"]["name"], "out.txt");
    assert_eq!(detail["parent_info"]["session"]["label"], "ses-01");
    bench.call(Method::DELETE, &bench.file("out.txt"), json!(null)).await.ok();
    let job = bench.get(&format!("/jobs/{id}")).await.ok();
    assert_eq!((&job["outputs"], &job["deleted_outputs"][0]["name"]), (&json!([]), &json!("out.txt")));
}

#[tokio::test]
async fn outputs_that_do_not_fit_are_refused_and_leave_nothing() {
    let (bench, _, id) = running("utility").await;
    let (acquisition, session) = (bench.acquisition.clone(), bench.session.clone());
    let to = |level: &str, container: &str, more: &str| {
        format!("/engine?level={level}&id={container}&job={id}{more}")
    };
    for (path, metadata, status) in [
        (to("session", &session, ""), json!(null), 400),
        (to("planet", &session, ""), json!(null), 400),
        (to("acquisition", &acquisition, "&job_ticket=other"), json!(null), 400),
        (to("acquisition", "ffffffffffffffffffffffff", ""), json!(null), 404),
        (to("acquisition", &acquisition, ""), json!({"planet": {}}), 422),
        (to("acquisition", &acquisition, ""), json!({"acquisition": {"colour": 1}}), 422),
        (
            to("acquisition", &acquisition, ""),
            json!({"acquisition": {"files": [{"name": "out.txt", "colour": 1}]}}),
            422,
        ),
        (to("acquisition", &acquisition, ""), json!({"acquisition": {"files": [{"type": "x"}]}}), 422),
    ] {
        bench.upload(&path, &[("out.txt", b"1")], Some(metadata)).await.refused(status);
    }
    bench.get(&bench.file("out.txt")).await.refused(404);
}

#[tokio::test]
async fn an_analysis_and_its_job_are_made_together_or_not_at_all() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"abc").await;
    let gear = gear(&bench, "count", "analysis").await;
    let path = format!("/sessions/{}/analyses", bench.session);
    let job = json!({"gear_id": gear, "inputs": {"image": input(&bench, "a.txt")}, "config": {"n": 0}});
    bench.post(&path, json!({"label": "bad", "job": job})).await.refused(422);
    assert_eq!(bench.get(&path).await.ok(), json!([]));
    let job = json!({"gear_id": gear, "inputs": {"image": input(&bench, "a.txt")}, "tags": ["t"]});
    let made = bench.post(&format!("{path}?job=true"), json!({"label": "good", "job": job})).await.ok();
    let (id, job) = (made["_id"].as_str().unwrap(), made["job_id"].as_str().unwrap());
    let analysis = bench.get(&format!("/analyses/{id}")).await.ok();
    assert_eq!((&analysis["job"], &analysis["gear_info"]["name"]), (&json!(job), &json!("count")));
    assert_eq!(analysis["inputs"][0]["name"], "a.txt");
    let inflated = bench.get(&format!("/analyses/{id}?inflate_job=true")).await.ok();
    assert_eq!((&inflated["job"]["state"], &inflated["job_id"]), (&json!("pending"), &json!(job)));
    let shown = bench.get(&format!("/jobs/{job}")).await.ok();
    assert_eq!(shown["destination"], json!({"type": "analysis", "id": id}));
    assert_eq!(shown["tags"], json!(["t", "count", "analysis"]));
    assert_eq!(shown["parents"]["analysis"], id);
    bench.upload(&format!("/analyses/{id}/files"), &[("x.txt", b"x")], None).await.refused(400);
    start(&bench).await;
    let out = format!("/engine?level=analysis&id={id}&job={job}");
    let metadata = json!({"analysis": {"info": {"k": 1}, "files": [{"name": "o.txt", "info": {"m": 1}}]},
        "acquisition": {"files": [{"name": "a.txt", "tags": ["used"]}]}});
    bench.upload(&out, &[("o.txt", b"x")], Some(metadata)).await.ok();
    bench.post(&format!("/jobs/{job}/complete"), json!({"success": true})).await.ok();
    let analysis = bench.get(&format!("/analyses/{id}")).await.ok();
    assert_eq!((&analysis["files"][0]["name"], &analysis["info"]), (&json!("o.txt"), &json!({"k": 1})));
    assert_eq!(analysis["files"][0]["info"], json!({"m": 1}));
}
