//! Uploads over plain HTTP: names, metadata, and what a form may hold.

use flywheel_tests::site::LocalSite;
use serde_json::{Value, json};

fn site_with_project() -> (LocalSite, String) {
    let site = LocalSite::start();
    let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let id = site.create("/projects", &json!({"group": "lab", "label": "Study"}));
    (site, id)
}

fn upload(site: &LocalSite, id: &str, name: &str, metadata: Option<&Value>) -> Value {
    let call = site.post(&format!("/projects/{id}/files")).as_user("admin");
    let rows = call.upload(name, b"content", metadata).send().expect(200).json();
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    rows[0].clone()
}

#[test]
fn folders_in_a_file_name_never_leave_the_container() {
    let (site, id) = site_with_project();
    for name in ["../../evil.txt", "/etc/evil.txt", "a/../evil.txt"] {
        let call = site.post(&format!("/projects/{id}/files")).as_user("admin");
        let answer = call.upload(name, b"x", None).send();
        if answer.status == 200 {
            let stored = answer.json()[0]["name"].as_str().unwrap().to_owned();
            assert!(!stored.contains('/') && stored != "..", "{name} became {stored}");
        } else {
            let _ = answer.refused(422);
        }
    }
}

#[test]
fn metadata_comes_as_an_object_or_as_a_list_matched_by_name() {
    let (site, id) = site_with_project();
    let entry = upload(&site, &id, "a.bin", Some(&json!({"type": "nifti", "info": {"x": 1}})));
    assert_eq!((&entry["type"], &entry["info"]), (&json!("nifti"), &json!({"x": 1})));
    let entry =
        upload(&site, &id, "b.bin", Some(&json!([{"name": "b.bin", "tags": ["t"], "modality": "CT"}])));
    assert_eq!((&entry["tags"], &entry["modality"]), (&json!(["t"]), &json!("CT")));
}

#[test]
fn metadata_that_cannot_be_read_is_refused_and_nothing_is_stored() {
    let (site, id) = site_with_project();
    for metadata in [
        json!("text"),
        json!({"size": "big"}),
        json!({"no_such_key": 1}),
        json!({"classification": {"Intent": ["Structural"]}}),
    ] {
        let call = site.post(&format!("/projects/{id}/files")).as_user("admin");
        let answer = call.upload("a.txt", b"x", Some(&metadata)).send();
        assert!(matches!(answer.status, 400 | 422), "{metadata}: {answer:?}");
    }
    let project = site.get(&format!("/projects/{id}")).as_user("admin").send().expect(200).json();
    assert_eq!(project["files"], json!([]));
}

#[test]
fn a_form_without_an_end_is_refused() {
    let (site, id) = site_with_project();
    let call = site.post(&format!("/projects/{id}/files")).as_user("admin");
    let call = call.header("content-type", "multipart/form-data; boundary=b");
    let answer =
        call.body("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf").send();
    assert!(matches!(answer.status, 400 | 422), "{answer:?}");
    let project = site.get(&format!("/projects/{id}")).as_user("admin").send().expect(200).json();
    assert_eq!(project["files"], json!([]));
}

#[test]
fn an_encoded_slash_reaches_no_other_file() {
    let (site, id) = site_with_project();
    let _ = upload(&site, &id, "a.txt", None);
    for name in ["..%2Ffiles%2Fa.txt", "%2e%2e", "..", "%2Fa.txt", "a.txt%00", "a%2Ftxt"] {
        let answer = site.get(&format!("/projects/{id}/files/{name}")).as_user("admin").send();
        assert!(matches!(answer.status, 400 | 404 | 405 | 422), "{name}: {answer:?}");
    }
    let plain = site.get(&format!("/projects/{id}/files/%61.txt")).as_user("admin").send().expect(200);
    assert_eq!(&plain.body[..], b"content");
}

#[test]
fn the_same_name_twice_is_two_versions_of_one_file() {
    let (site, id) = site_with_project();
    let first = upload(&site, &id, "a.txt", None);
    let second = upload(&site, &id, "a.txt", None);
    assert_eq!(first["file_id"], second["file_id"]);
    assert_ne!(first["_id"], second["_id"]);
    assert_eq!((&first["version"], &second["version"]), (&json!(1), &json!(2)));
    let file = second["file_id"].as_str().unwrap();
    let versions = site.get(&format!("/files/{file}/versions")).as_user("admin").send().expect(200).json();
    assert_eq!(versions.as_array().unwrap().len(), 2);
}
