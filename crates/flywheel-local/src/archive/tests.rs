//! Archives as clients get them, through the router.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, io::Read};

use http::{Method, header};
use serde_json::{Value, json};

use crate::files::harness::Bench;

async fn ticket(bench: &Bench, query: &str, body: Value) -> Value {
    bench.post(&format!("/download{query}"), body).await.ok()
}

fn node(level: &str, id: &str) -> Value {
    json!({"nodes": [{"level": level, "_id": id}]})
}

/// The files of a tar, by path.
async fn untar(bench: &Bench, ticket: &Value) -> BTreeMap<String, String> {
    let path = format!("/download?ticket={}", ticket["ticket"].as_str().unwrap());
    let answer = bench.anonymous(Method::GET, &path, "").await;
    assert!(answer.status.is_success());
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(&answer.bytes[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        files.insert(path, content);
    }
    files
}

async fn paths(bench: &Bench, query: &str, body: Value) -> Vec<String> {
    let ticket = ticket(bench, query, body).await;
    untar(bench, &ticket).await.into_keys().collect()
}

async fn filled() -> Bench {
    let bench = Bench::new().await;
    bench.put("t1.nii", b"voxels").await;
    bench.put("t1.json", b"{}").await;
    for (path, name) in [
        (format!("/projects/{}", bench.project), "plan.pdf"),
        (format!("/subjects/{}", bench.subject), "s.txt"),
        (format!("/sessions/{}", bench.session), "x.csv"),
    ] {
        bench.upload(&format!("{path}/files"), &[(name, name.as_bytes())], None).await.ok();
    }
    bench
}

#[tokio::test]
async fn a_project_comes_in_the_classic_layout() {
    let bench = filled().await;
    let stub = ticket(&bench, "", node("project", &bench.project)).await;
    assert_eq!((&stub["file_cnt"], &stub["size"]), (&json!(5), &json!(6 + 2 + 8 + 5 + 5)));
    let name = stub["filename"].as_str().unwrap();
    assert!(name.starts_with("scitran_2") && name.ends_with(".tar"), "{name}");
    let files = untar(&bench, &stub).await;
    let expected = [
        ("scitran/lab/Study/plan.pdf", "plan.pdf"),
        ("scitran/lab/Study/sub-01/s.txt", "s.txt"),
        ("scitran/lab/Study/sub-01/ses-01/T1w/t1.json", "{}"),
        ("scitran/lab/Study/sub-01/ses-01/T1w/t1.nii", "voxels"),
        ("scitran/lab/Study/sub-01/ses-01/x.csv", "x.csv"),
    ];
    assert_eq!(files, expected.map(|(path, text)| (path.to_owned(), text.to_owned())).into());
}

#[tokio::test]
async fn the_same_ticket_gives_a_zip() {
    let bench = filled().await;
    let stub = ticket(&bench, "?prefix=mine", node("session", &bench.session)).await;
    let path = format!("/download?ticket={}&format=zip", stub["ticket"].as_str().unwrap());
    let answer = bench.anonymous(Method::GET, &path, "").await;
    assert!(answer.header(header::CONTENT_DISPOSITION).ends_with(".zip\""));
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(answer.bytes)).unwrap();
    let mut content = String::new();
    zip.by_name("mine/lab/Study/sub-01/ses-01/T1w/t1.nii").unwrap().read_to_string(&mut content).unwrap();
    assert_eq!((zip.len(), content.as_str()), (3, "voxels"));
}

#[tokio::test]
async fn filters_choose_files_by_type_tag_and_age() {
    let bench = filled().await;
    let with =
        |filters: Value| json!({"nodes": [{"level": "project", "_id": bench.project}], "filters": filters});
    let t1 = "scitran/lab/Study/sub-01/ses-01/T1w/t1.nii";
    assert_eq!(paths(&bench, "", with(json!([{"types": {"plus": ["nifti"], "minus": []}}]))).await, [t1]);
    assert_eq!(
        paths(&bench, "", with(json!([{"types": {"+": ["nifti"]}}, {"types": {"+": ["pdf"]}}]))).await.len(),
        2
    );
    assert_eq!(paths(&bench, "", with(json!([{"types": {"minus": ["nifti", "pdf"]}}]))).await.len(), 3);
    bench.post("/download", with(json!([{"tags": {"plus": ["none has it"]}}]))).await.refused(404);
    bench.post("/download", with(json!([{"since": 4_000_000_000_u64}]))).await.refused(404);
    let tags = format!("/sessions/{}/tags", bench.session);
    bench.call(Method::PATCH, &tags, json!(["skip"])).await.ok();
    let body = json!({
        "nodes": [{"level": "project", "_id": bench.project}],
        "container_filters": [{"tags": {"type": "session", "minus": ["skip"]}}],
    });
    assert_eq!(
        paths(&bench, "", body).await,
        ["scitran/lab/Study/plan.pdf", "scitran/lab/Study/sub-01/s.txt"]
    );
}

#[tokio::test]
async fn siblings_of_one_label_stay_apart_and_a_container_comes_once() {
    let bench = filled().await;
    let twin = bench.add("/acquisitions", json!({"label": "T1w", "session": bench.session})).await;
    bench.upload(&format!("/acquisitions/{twin}/files"), &[("t1.nii", b"twin")], None).await.ok();
    let body = json!({"nodes": [
        {"level": "session", "_id": bench.session}, {"level": "acquisition", "_id": twin},
        {"level": "project", "_id": bench.project},
    ]});
    let stub = ticket(&bench, "", body).await;
    let files = untar(&bench, &stub).await;
    assert_eq!((files.len(), &stub["file_cnt"]), (6, &json!(6)));
    assert_eq!(files["scitran/lab/Study/sub-01/ses-01/T1w_0/t1.nii"], "twin");
}

#[tokio::test]
async fn an_analysis_comes_with_inputs_and_outputs() {
    let bench = filled().await;
    let input = json!({"type": "acquisition", "id": bench.acquisition, "name": "t1.nii"});
    let body = json!({"label": "Fit 1", "inputs": [input]});
    let analysis = bench.add(&format!("/sessions/{}/analyses", bench.session), body).await;
    bench.upload(&format!("/analyses/{analysis}/files"), &[("out.csv", b"1")], None).await.ok();
    bench.put("t1.nii", b"replaced since").await;
    let stub = ticket(&bench, "", node("analysis", &analysis)).await;
    assert_eq!(stub["filename"], "analysis_Fit 1.tar");
    let files = untar(&bench, &stub).await;
    assert_eq!(files["Fit 1/input/t1.nii"], "voxels");
    assert_eq!(files["Fit 1/output/out.csv"], "1");
    assert_eq!(paths(&bench, "", node("session", &bench.session)).await.len(), 3);
    let full = paths(&bench, "?type=full&analyses=true", node("project", &bench.project)).await;
    assert_eq!(
        full,
        [
            "flywheel/Study/FILES/plan.pdf",
            "flywheel/Study/SUBJECTS/sub-01/FILES/s.txt",
            "flywheel/Study/SUBJECTS/sub-01/SESSIONS/ses-01/ACQUISITIONS/T1w/FILES/t1.json",
            "flywheel/Study/SUBJECTS/sub-01/SESSIONS/ses-01/ACQUISITIONS/T1w/FILES/t1.nii",
            "flywheel/Study/SUBJECTS/sub-01/SESSIONS/ses-01/ANALYSES/Fit 1/INPUT/t1.nii",
            "flywheel/Study/SUBJECTS/sub-01/SESSIONS/ses-01/ANALYSES/Fit 1/OUTPUT/out.csv",
            "flywheel/Study/SUBJECTS/sub-01/SESSIONS/ses-01/FILES/x.csv",
        ]
    );
}

#[tokio::test]
async fn single_files_come_in_bulk() {
    let bench = filled().await;
    let file = |name: &str| json!({"container_name": "acquisition", "container_id": bench.acquisition, "filename": name});
    let body = json!({"files": [file("t1.json"), file("not there")]});
    let path = format!("acquisition/{}/t1.json", bench.acquisition);
    assert_eq!(paths(&bench, "?bulk=true", body).await, [path]);
}

#[tokio::test]
async fn a_group_brings_the_projects_one_may_read() {
    let bench = filled().await;
    let hidden = bench.add("/projects", json!({"label": "Hidden", "group": "lab"})).await;
    bench.upload(&format!("/projects/{hidden}/files"), &[("h.txt", b"x")], None).await.ok();
    assert_eq!(paths(&bench, "", node("group", "lab")).await.len(), 6);
    let ro = bench.as_user("ro@x.org", Some("ro")).await;
    assert_eq!(paths(&ro, "", node("group", "lab")).await.len(), 5);
    ro.post("/download", node("project", &hidden)).await.refused(403);
    let both = json!({"optional": true, "nodes": [
        {"level": "project", "_id": hidden}, {"level": "session", "_id": bench.session},
        {"level": "session", "_id": "000000000000000000000000"},
    ]});
    assert_eq!(paths(&ro, "", both).await.len(), 3);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let bench = filled().await;
    for (query, body, status) in [
        ("", json!({"nodes": []}), 422),
        ("", json!({}), 422),
        ("", json!([]), 422),
        ("?bulk=true", json!({"files": []}), 422),
        ("?type=odd", node("project", &bench.project), 422),
        ("", node("planet", &bench.project), 422),
        ("", node("session", &bench.project), 404),
        ("", json!({"nodes": [{"level": "project"}]}), 422),
    ] {
        bench.post(&format!("/download{query}"), body.clone()).await.refused(status);
    }
    for (query, status) in
        [("", 400), ("?ticket=", 400), ("?ticket=unknown", 404), ("?ticket=x&format=rar", 422)]
    {
        bench.anonymous(Method::GET, &format!("/download{query}"), "").await.refused(status);
    }
    bench.anonymous(Method::POST, "/download", "{}").await.refused(401);
}

#[tokio::test]
async fn targets_are_lines_and_a_summary_counts_by_type() {
    let bench = filled().await;
    let answer = bench.post("/download/targets?type=full", node("acquisition", &bench.acquisition)).await;
    let lines: Vec<Value> = answer
        .bytes
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[1]["filename"], &lines[1]["filetype"]), (&json!("t1.nii"), &json!("nifti")));
    assert_eq!(lines[1]["container_id"], bench.acquisition);
    assert!(lines[1]["dst_path"].as_str().unwrap().ends_with("/ACQUISITIONS/T1w/FILES/t1.nii"));
    let query = "?type=full&prefix=&metadata=true";
    let answer =
        bench.post(&format!("/download/targets{query}"), node("acquisition", &bench.acquisition)).await;
    let lines: Vec<Value> = String::from_utf8_lossy(&answer.bytes)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let folder = "Study/SUBJECTS/sub-01/SESSIONS/ses-01/ACQUISITIONS/T1w";
    let files =
        ["FILES/t1.json", "FILES/t1.nii"].map(|name| [name.to_owned(), format!("{name}.flywheel.json")]);
    let expected: Vec<String> = files.concat().into_iter().map(|name| format!("{folder}/{name}")).collect();
    let of_files = |line: &&Value| line["dst_path"].as_str().unwrap().contains("/FILES/");
    let paths: Vec<&str> =
        lines.iter().filter(of_files).map(|line| line["dst_path"].as_str().unwrap()).collect();
    assert_eq!(paths, expected, "what is known about a file comes right behind it");
    let about = lines.iter().find(|line| line["dst_path"] == format!("{folder}/T1w.flywheel.json")).unwrap();
    assert_eq!(
        (&about["download_type"], &about["metadata"]["label"]),
        (&json!("metadata_sidecar"), &json!("T1w"))
    );
    let nodes = json!([{"level": "project", "_id": bench.project}]);
    let summary = bench.post("/download/summary", nodes).await.ok();
    assert_eq!(summary["nifti"], json!({"_id": "nifti", "count": 1, "mb_total": 0.000006}));
    assert_eq!(summary.as_object().unwrap().len(), 5);
}

#[tokio::test]
async fn metadata_stands_beside_containers_and_files_and_counts_as_none() {
    let bench = filled().await;
    let body = node("session", &bench.session);
    let stub = ticket(&bench, "?type=full&metadata=true", body.clone()).await;
    assert_eq!(stub["file_cnt"], 3);
    let files = untar(&bench, &stub).await;
    let session = "flywheel/Study/SUBJECTS/sub-01/SESSIONS/ses-01";
    let about: Value = serde_json::from_str(&files[&format!("{session}/ses-01.flywheel.json")]).unwrap();
    assert_eq!((&about["label"], about.get("permissions")), (&json!("ses-01"), None));
    let file = format!("{session}/ACQUISITIONS/T1w/FILES/t1.nii");
    let about: Value = serde_json::from_str(&files[&format!("{file}.flywheel.json")]).unwrap();
    assert_eq!((&about["name"], files[&file].as_str()), (&json!("t1.nii"), "voxels"));
    assert_eq!(files.len(), 3 + 3 + 2);
    let lines = bench.post("/download/targets?type=full&metadata=true", body).await;
    let lines = String::from_utf8(lines.bytes.to_vec()).unwrap();
    let kinds = lines.lines().filter(|line| line.contains("metadata_sidecar")).count();
    assert_eq!((lines.lines().count(), kinds), (8, 5));
}

#[tokio::test]
async fn links_lead_to_the_bytes_on_this_machine() {
    let bench = filled().await;
    let stub = ticket(&bench, "", node("acquisition", &bench.acquisition)).await;
    let path = format!("/download?symlinks=true&ticket={}", stub["ticket"].as_str().unwrap());
    let answer = bench.anonymous(Method::GET, &path, "").await;
    let mut targets = Vec::new();
    for entry in tar::Archive::new(&answer.bytes[..]).entries().unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.header().entry_type(), tar::EntryType::Symlink);
        targets.push(std::fs::read(entry.link_name().unwrap().unwrap()).unwrap());
    }
    assert_eq!(targets, [b"{}".to_vec(), b"voxels".to_vec()]);
}
