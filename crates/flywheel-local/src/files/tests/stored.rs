//! Uploads: names, metadata, versions, all containers, many at once, and what a kill or a refusal leaves.

use std::{fs, path::Path};

use http::{Method, StatusCode, header};
use serde_json::json;

use super::super::harness::Bench;
use crate::Site;

fn count_blobs(site: &Site) -> usize {
    fn below(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| if path.is_dir() { below(&path) } else { 1 }).sum()
    }
    below(&site.data().join("blobs"))
}

/// Waits until blobs that are being removed are gone.
async fn until_blobs(site: &Site, count: usize) {
    while count_blobs(site) != count {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn an_upload_answers_the_files_document() {
    let bench = Bench::new().await;
    let file = bench.put("sub-01_T1w.nii.gz", b"voxels").await;
    assert_eq!(file["name"], "sub-01_T1w.nii.gz");
    assert_eq!(file["type"], "nifti");
    assert_eq!(file["mimetype"], "application/octet-stream");
    assert_eq!(file["size"], 6);
    assert_eq!(file["version"], 1);
    assert!(
        file["hash"].as_str().unwrap().starts_with("v0-sha384-")
            && file["hash"].as_str().unwrap().len() == 106
    );
    assert_eq!(file["origin"], json!({"type": "user", "id": crate::ADMIN}));
    assert_eq!(file["parent_ref"], json!({"type": "acquisition", "id": bench.acquisition}));
    let parents = json!({
        "group": "lab", "project": bench.project, "subject": bench.subject, "session": bench.session,
        "acquisition": bench.acquisition,
    });
    assert_eq!(file["parents"], parents);
    assert_eq!((&file["info"], &file["info_exists"]), (&json!({}), &json!(false)));
    let listed = bench.get(&format!("/acquisitions/{}", bench.acquisition)).await.ok();
    assert_eq!(listed["files"][0]["file_id"], file["file_id"]);
}

#[tokio::test]
async fn every_kind_of_container_takes_files() {
    let bench = Bench::new().await;
    let collection = bench.add("/collections", json!({"label": "Chosen"})).await;
    let analysis = bench.add(&format!("/sessions/{}/analyses", bench.session), json!({"label": "Fit"})).await;
    for path in [
        format!("/projects/{}", bench.project),
        format!("/subjects/{}", bench.subject),
        format!("/sessions/{}", bench.session),
        format!("/acquisitions/{}", bench.acquisition),
        format!("/collections/{collection}"),
        format!("/analyses/{analysis}"),
        format!("/containers/{}", bench.session),
        format!("/sessions/{}/analyses/{analysis}", bench.session),
    ] {
        let name = format!("{}.txt", path.replace('/', "_"));
        bench.upload(&format!("{path}/files"), &[(&name, b"x")], None).await.ok();
        assert_eq!(bench.get(&format!("{path}/files/{name}")).await.bytes, "x", "{path}");
    }
    bench.upload("/groups/lab/files", &[("a", b"x")], None).await.refused(404);
    bench.upload("/containers/lab/files", &[("a", b"x")], None).await.refused(422);
    let other = format!("/sessions/{}/analyses/{}", bench.session, bench.acquisition);
    bench.upload(&format!("{other}/files"), &[("a", b"x")], None).await.refused(404);
}

#[tokio::test]
async fn metadata_describes_the_file_and_is_checked() {
    let bench = Bench::new().await;
    let path = format!("/acquisitions/{}/files", bench.acquisition);
    let metadata = json!({
        "type": "custom", "modality": "MR", "classification": {"Intent": ["structural"], "Custom": ["mine"]},
        "tags": ["a", "a", "b"], "info": {"x.y": {"$z": 1}}, "mimetype": "x/y", "zip_member_count": 7,
    });
    let file = &bench.upload(&path, &[("a.zip", b"not really")], Some(metadata)).await.ok()[0];
    assert_eq!(file["type"], "custom");
    assert_eq!(file["classification"], json!({"Intent": ["Structural"], "Custom": ["mine"]}));
    assert_eq!(file["tags"], json!(["a", "b"]));
    assert_eq!((&file["info"], &file["info_exists"]), (&json!({"x_y": {"-z": 1}}), &json!(true)));
    assert_eq!((&file["mimetype"], &file["zip_member_count"]), (&json!("x/y"), &json!(7)));
    for (metadata, status) in [
        (json!({"measurements": []}), 422),
        (json!({"modality": "MR", "classification": {"Intent": ["Guess"]}}), 422),
        (json!({"classification": {"Intent": ["Structural"]}}), 422),
        (json!({"size": 3}), 422),
        (json!("{"), 400),
    ] {
        bench.upload(&path, &[("b", b"1234")], Some(metadata.clone())).await.refused(status);
    }
    bench.get(&bench.file("b/info")).await.refused(404);
    until_blobs(&bench.site, 1).await;
}

#[tokio::test]
async fn several_files_arrive_together_with_their_own_metadata() {
    let bench = Bench::new().await;
    let path = format!("/sessions/{}/files", bench.session);
    let metadata = json!([{"name": "b.txt", "type": "second"}, {"name": "a.txt", "type": "first"}]);
    let files = bench.upload(&path, &[("a.txt", b"1"), ("b.txt", b"22")], Some(metadata)).await.ok();
    assert_eq!((&files[0]["type"], &files[1]["type"]), (&json!("first"), &json!("second")));
    assert_eq!(bench.upload(&path, &[], None).await.ok(), json!([]));
    let one_wrong =
        json!([{"name": "c.txt"}, {"name": "d.txt", "modality": "MR", "classification": {"Intent": ["?"]}}]);
    bench.upload(&path, &[("c.txt", b"1"), ("d.txt", b"2")], Some(one_wrong)).await.refused(422);
    bench.get(&format!("{path}/c.txt/info")).await.refused(404);
}

#[tokio::test]
async fn names_lose_their_folders_and_keep_their_characters() {
    let bench = Bench::new().await;
    for (sent, stored) in
        [("../../evil.txt", "evil.txt"), ("C:\\\\x\\\\y.txt", "y.txt"), ("名 %41#?&.nii", "名 %41#?&.nii")]
    {
        assert_eq!(bench.put(sent, b"x").await["name"], stored);
        let encoded = percent_encoding::utf8_percent_encode(stored, percent_encoding::NON_ALPHANUMERIC);
        let answer = bench.get(&bench.file(&encoded.to_string())).await;
        assert_eq!((answer.status, &answer.bytes[..]), (StatusCode::OK, &b"x"[..]));
    }
    let path = format!("/acquisitions/{}/files", bench.acquisition);
    for name in ["..", "a/..", "a/"] {
        bench.upload(&path, &[(name, b"x")], None).await.refused(400);
    }
    until_blobs(&bench.site, 3).await;
}

#[tokio::test]
async fn words_of_an_upload_are_those_of_the_modality_that_stays() {
    let bench = Bench::new().await;
    let path = format!("/acquisitions/{}/files", bench.acquisition);
    bench.upload(&path, &[("a.dcm", b"one")], Some(json!({"modality": "MR"}))).await.ok();
    let words = json!({"classification": {"Intent": ["Structural"]}});
    bench.upload(&path, &[("a.dcm", b"two")], Some(words.clone())).await.refused(422);
    let kept =
        bench.upload(&format!("{path}?preserve_metadata=true"), &[("a.dcm", b"two")], Some(words)).await;
    assert_eq!(kept.ok()[0]["modality"], "MR");
}

#[tokio::test]
async fn the_same_name_again_is_the_next_version_of_the_same_file() {
    let bench = Bench::new().await;
    let path = format!("/acquisitions/{}/files", bench.acquisition);
    let metadata = json!({"tags": ["kept"], "info": {"a": 1}, "type": "kept"});
    let first = bench.upload(&path, &[("a.txt", b"one")], Some(metadata)).await.ok()[0].clone();
    let preserve = format!("{path}?preserve_metadata=true");
    let second =
        bench.upload(&preserve, &[("a.txt", b"two")], Some(json!({"info": {"b": 2}}))).await.ok()[0].clone();
    assert_eq!((&second["file_id"], &second["version"]), (&first["file_id"], &json!(2)));
    assert_eq!(
        (&second["tags"], &second["type"], &second["info"]),
        (&json!(["kept"]), &json!("kept"), &json!({"b": 2}))
    );
    let third = bench.put("a.txt", b"three").await;
    assert_eq!((&third["version"], &third["tags"], &third["info"]), (&json!(3), &json!([]), &json!({})));
    assert_eq!(third["type"], "text");
    for (version, content) in [("1", "one"), ("2", "two"), ("3", "three"), ("0", "three")] {
        assert_eq!(bench.get(&bench.file(&format!("a.txt?version={version}"))).await.bytes, content);
    }
    bench.get(&bench.file("a.txt?version=4")).await.refused(404);
    bench.get(&bench.file("a.txt?version=x")).await.refused(422);
    let listed = bench.get(&format!("/acquisitions/{}", bench.acquisition)).await.ok();
    assert_eq!(listed["files"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_deleted_name_starts_afresh() {
    let bench = Bench::new().await;
    let first = bench.put("a.txt", b"one").await;
    assert_eq!(
        bench.call(Method::DELETE, &bench.file("a.txt"), json!(null)).await.ok(),
        json!({"deleted": 1})
    );
    bench.get(&bench.file("a.txt")).await.refused(404);
    let again = bench.put("a.txt", b"two").await;
    assert_eq!(again["version"], 1);
    assert_ne!(again["file_id"], first["file_id"]);
}

#[tokio::test]
async fn a_zip_counts_its_members_on_arrival() {
    let bench = Bench::new().await;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("1.dcm", zip::write::SimpleFileOptions::default()).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    assert_eq!(bench.put("series.dicom.zip", &bytes).await["zip_member_count"], 1);
    assert_eq!(bench.put("broken.zip", b"PK").await["zip_member_count"], json!(null));
}

#[tokio::test]
async fn what_is_no_upload_is_refused() {
    let bench = Bench::new().await;
    let path = format!("/acquisitions/{}/files", bench.acquisition);
    bench.post(&path, json!({})).await.refused(400);
    let cut = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhalf of it";
    let request =
        bench.request(Method::POST, &path).header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    bench.send(request.body(cut.into()).unwrap()).await.refused(400);
    bench.get(&bench.file("a.txt")).await.refused(404);
    until_blobs(&bench.site, 0).await;
    bench.upload("/acquisitions/000000000000000000000000/files", &[("a", b"x")], None).await.refused(404);
    bench.upload("/acquisitions/short/files", &[("a", b"x")], None).await.refused(422);
    assert_eq!(bench.anonymous(Method::POST, &path, "x").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_hundred_uploads_at_once_are_all_there() {
    let bench = Bench::new().await;
    let names: Vec<String> = (0..100).map(|n| format!("{n}.txt")).collect();
    let files = futures::future::join_all(names.iter().map(|name| bench.put(name, name.as_bytes()))).await;
    let ids: std::collections::HashSet<String> =
        files.iter().map(|file| file["file_id"].to_string()).collect();
    assert_eq!(ids.len(), 100);
    for name in &names {
        assert_eq!(bench.get(&bench.file(name)).await.bytes, name.as_bytes());
    }
}

#[tokio::test]
async fn a_hundred_uploads_of_one_name_are_a_hundred_versions() {
    let bench = Bench::new().await;
    let contents: Vec<String> = (0..100).map(|n| format!("content {n}")).collect();
    let files =
        futures::future::join_all(contents.iter().map(|text| bench.put("a.txt", text.as_bytes()))).await;
    let mut versions: Vec<i64> = files.iter().map(|file| file["version"].as_i64().unwrap()).collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=100).collect::<Vec<_>>());
    for (file, text) in files.iter().zip(&contents) {
        assert_eq!(bench.get(&bench.file(&format!("a.txt?version={}", file["version"]))).await.bytes, text);
    }
}

#[tokio::test]
async fn a_start_sweeps_what_a_kill_left_and_keeps_every_version() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Site::builder().data(folder.path()).admin_key("k").open();
    let bench = Bench::of(open().await.unwrap()).await;
    bench.put("a.txt", b"one").await;
    bench.put("a.txt", b"two").await;
    bench.put("b.txt", b"deleted").await;
    bench.call(Method::DELETE, &bench.file("b.txt"), json!(null)).await.ok();
    let blobs =
        crate::blobs::BlobStore::in_folder(&folder.path().join("blobs"), crate::store::Keeping::Passing)
            .unwrap();
    let mut orphan = blobs.upload();
    orphan.write("stored, and then the process was killed".into()).await.unwrap();
    orphan.finish().await.unwrap();
    fs::write(folder.path().join("blobs/tmp/half"), "killed while it arrived").unwrap();
    assert_eq!(count_blobs(&bench.site), 5);
    let path = bench.file("a.txt");
    drop(bench);
    let site = open().await.unwrap();
    assert_eq!(site.check(true).await.unwrap().problems, [""; 0]);
    assert_eq!(count_blobs(&site), 3);
    let request =
        http::Request::get(format!("/api{path}?version=1")).header("authorization", "scitran-user k");
    let answer = tower::ServiceExt::oneshot(site.router(), request.body(axum::body::Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(axum::body::to_bytes(answer.into_body(), 100).await.unwrap(), "one");
}

mod signed {
    use super::*;

    async fn begin(
        bench: &Bench,
        metadata: serde_json::Value,
        names: &[&str],
        parts: bool,
    ) -> serde_json::Value {
        let path = format!("/acquisitions/{}/files?ticket=", bench.acquisition);
        let feature = if parts { "Safe-Redirect,multipart_signed_url" } else { "" };
        let request = bench.request(Method::POST, &path).header("x-accept-feature", feature);
        let body = json!({"metadata": metadata, "filenames": names}).to_string();
        bench.send(request.body(body.into()).unwrap()).await.ok()
    }

    fn path_of(url: &serde_json::Value) -> String {
        url.as_str().unwrap().strip_prefix("http://site.test/api").unwrap().to_owned()
    }

    async fn finish(bench: &Bench, ticket: &serde_json::Value) -> crate::files::harness::Answer {
        let path = format!("/acquisitions/{}/files?ticket={}", bench.acquisition, ticket.as_str().unwrap());
        bench.post(&path, json!(null)).await
    }

    #[tokio::test]
    async fn the_config_offers_it_when_the_site_is_opened_so() {
        let site = Site::builder().signed_uploads(true).open().await.unwrap();
        let bench = Bench::of(site).await;
        let config = bench.get("/config").await.ok();
        assert_eq!((&config["signed_url"], &config["features"]["signed_url"]), (&json!(true), &json!(true)));
        assert_eq!(Bench::new().await.get("/config").await.ok()["signed_url"], false);
    }

    #[tokio::test]
    async fn bytes_sent_to_the_url_become_a_file_at_the_end() {
        let bench = Bench::new().await;
        let begun = begin(&bench, json!({"name": "a.nii", "size": 5, "tags": ["t"]}), &["a.nii"], true).await;
        let url = path_of(&begun["urls"]["a.nii"][0]);
        assert_eq!(bench.anonymous(Method::PUT, &url, "first").await.status, StatusCode::OK);
        bench.get(&bench.file("a.nii")).await.refused(404);
        assert_eq!(bench.anonymous(Method::PUT, &url, "again").await.status, StatusCode::OK);
        let files = finish(&bench, &begun["ticket"]).await.ok();
        assert_eq!(
            (&files[0]["name"], &files[0]["type"], &files[0]["tags"]),
            (&json!("a.nii"), &json!("nifti"), &json!(["t"]))
        );
        assert_eq!(bench.get(&bench.file("a.nii")).await.bytes, "again");
        until_blobs(&bench.site, 1).await;
        finish(&bench, &begun["ticket"]).await.refused(404);
        assert_eq!(bench.anonymous(Method::PUT, &url, "late").await.status, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn a_long_file_is_sent_in_parts_which_become_one() {
        let bench = Bench::new().await;
        let size: u64 = 128 * 1024 * 1024;
        let begun = begin(&bench, json!({"name": "long", "size": size}), &["long"], true).await;
        let urls = begun["urls"]["long"].as_array().unwrap();
        assert_eq!(urls.len(), 2);
        let first = size / 2 + 256 * 1024;
        let parts = [vec![1; first as usize], vec![2; (size - first) as usize]];
        for (url, part) in urls.iter().zip(&parts).rev() {
            let answer = bench.anonymous(Method::PUT, &path_of(url), part.clone()).await;
            assert!(answer.header(header::ETAG).starts_with("\"v0-sha384-"));
        }
        let files = finish(&bench, &begun["ticket"]).await.ok();
        let digest = <sha2::Sha384 as sha2::Digest>::digest(parts.concat());
        assert_eq!(files[0]["hash"], format!("v0-sha384-{}", hex::encode(digest)));
        until_blobs(&bench.site, 1).await;
    }

    #[tokio::test]
    async fn an_upload_that_is_ended_before_it_is_whole_leaves_nothing() {
        let bench = Bench::new().await;
        for (second, status, named) in [(None, 400, "\"b\""), (Some("123"), 422, "5 bytes")] {
            let begun = begin(&bench, json!({"size": 5}), &["a", "b"], false).await;
            bench.anonymous(Method::PUT, &path_of(&begun["urls"]["a"]), "12345").await;
            if let Some(bytes) = second {
                bench.anonymous(Method::PUT, &path_of(&begun["urls"]["b"]), bytes).await;
            }
            assert!(finish(&bench, &begun["ticket"]).await.refused(status).contains(named));
            until_blobs(&bench.site, 0).await;
            let late = bench.anonymous(Method::PUT, &path_of(&begun["urls"]["b"]), "54321").await;
            assert_eq!(late.status, StatusCode::NOT_FOUND);
            finish(&bench, &begun["ticket"]).await.refused(404);
            assert_eq!(
                bench.get(&format!("/acquisitions/{}", bench.acquisition)).await.ok()["files"],
                json!([])
            );
        }
    }

    #[tokio::test]
    async fn an_upload_that_is_not_ones_own_is_refused_and_stays() {
        let bench = Bench::new().await;
        let begun = begin(&bench, json!({"size": 5}), &["a"], false).await;
        let ticket = begun["ticket"].as_str().unwrap();
        bench
            .post(&format!("/sessions/{}/files?ticket={ticket}", bench.session), json!(null))
            .await
            .refused(400);
        let other = bench.as_user("rw@x.org", Some("rw")).await;
        finish(&other, &begun["ticket"]).await.refused(400);
        for token in
            ["", "x", "x.0.0", &format!("{ticket}.9.0"), &format!("{ticket}.0.9"), &format!("{ticket}.-1.0")]
        {
            let path = format!("/upload/fs-file?token={token}");
            assert_eq!(
                bench.anonymous(Method::PUT, &path, "x").await.status,
                StatusCode::NOT_FOUND,
                "{token}"
            );
        }
        bench.anonymous(Method::PUT, &path_of(&begun["urls"]["a"]), "54321").await;
        assert_eq!(finish(&bench, &begun["ticket"]).await.ok().as_array().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_arrived_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Site::builder().data(folder.path()).admin_key("k").open();
        let bench = Bench::of(open().await.unwrap()).await;
        let begun = begin(&bench, json!({}), &["a.txt"], false).await;
        bench.anonymous(Method::PUT, &path_of(&begun["urls"]["a.txt"]), "acknowledged").await;
        let (acquisition, ticket) = (bench.acquisition.clone(), begun["ticket"].as_str().unwrap().to_owned());
        drop(bench);
        let site = open().await.unwrap();
        let path = format!("/api/acquisitions/{acquisition}/files?ticket={ticket}");
        let request = http::Request::post(path).header("authorization", "scitran-user k");
        let request = request.body(axum::body::Body::empty()).unwrap();
        let answer = tower::ServiceExt::oneshot(site.router(), request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
}
