//! Downloads: whole, in ranges, by ticket, out of zips, and from a damaged storage.

use std::{fs, net::SocketAddr, path::PathBuf};

use axum::extract::ConnectInfo;
use http::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::super::harness::Bench;

#[tokio::test]
async fn a_download_offers_the_file_to_be_saved() {
    let bench = Bench::new().await;
    let file = bench.put("a \"b\".txt", b"content").await;
    let id = file["file_id"].as_str().unwrap();
    for path in [bench.file("a%20%22b%22.txt"), format!("/files/{id}/download")] {
        let answer = bench.get_with(&path, &[(header::RANGE, "bytes=0-1")]).await;
        assert_eq!((answer.status, &answer.bytes[..]), (StatusCode::OK, &b"content"[..]));
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/octet-stream");
        assert_eq!(answer.header(header::CONTENT_LENGTH), "7");
        assert_eq!(answer.header(header::ETAG), format!("\"{}\"", file["hash"].as_str().unwrap()));
        let disposition = answer.header(header::CONTENT_DISPOSITION);
        assert_eq!(disposition, "attachment; filename=\"a _b_.txt\"; filename*=UTF-8''a%20%22b%22.txt");
    }
}

#[tokio::test]
async fn head_says_what_get_would_send() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"content").await;
    let request = bench.request(Method::HEAD, &bench.file("a.txt?view=true"));
    let answer = bench.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.bytes.len()), (StatusCode::OK, 0));
    assert_eq!(answer.header(header::CONTENT_LENGTH), "7");
    assert_eq!(answer.header(header::ACCEPT_RANGES), "bytes");
}

#[tokio::test]
async fn a_view_honours_ranges() {
    let bench = Bench::new().await;
    let bytes: Vec<u8> = (0..600_000).map(|n| (n % 251) as u8).collect();
    bench.put("a.csv", &bytes).await;
    let view = |range: &'static str| {
        let (bench, path) = (&bench, bench.file("a.csv?view=true"));
        async move { bench.get_with(&path, &[(header::RANGE, range)]).await }
    };
    for (range, expected, place) in [
        ("bytes=0-9", &bytes[..10], "bytes 0-9/600000"),
        ("bytes=599990-", &bytes[599_990..], "bytes 599990-599999/600000"),
        ("bytes=-5", &bytes[599_995..], "bytes 599995-599999/600000"),
        ("bytes=100-700000", &bytes[100..], "bytes 100-599999/600000"),
        ("bytes=262000-263000", &bytes[262_000..263_001], "bytes 262000-263000/600000"),
    ] {
        let answer = view(range).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(answer.header(header::CONTENT_RANGE), place);
        assert_eq!(answer.header(header::CONTENT_TYPE), "text/csv");
        assert_eq!(answer.header(header::CONTENT_LENGTH), expected.len().to_string());
        assert_eq!(&answer.bytes[..], expected, "{range}");
    }
    for range in ["bytes=9-1", "lines=1-2", "bytes=x-"] {
        let answer = view(range).await;
        assert_eq!((answer.status, &answer.bytes[..]), (StatusCode::OK, &bytes[..]), "{range}");
    }
    let beyond = view("bytes=600000-").await;
    assert_eq!(beyond.header(header::CONTENT_RANGE), "bytes */600000");
    beyond.refused(416);
}

#[tokio::test]
async fn several_ranges_come_as_parts() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"0123456789").await;
    let answer = bench.get_with(&bench.file("a.txt?view=true"), &[(header::RANGE, "bytes=0-1,4-5,-1")]).await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
    let kind = answer.header(header::CONTENT_TYPE);
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let part = |place: &str, text: &str| {
        format!(
            "\r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {place}/10\r\n\r\n{text}"
        )
    };
    let expected =
        [part("0-1", "01"), part("4-5", "45"), part("9-9", "9"), format!("\r\n--{boundary}--\r\n")].concat();
    assert_eq!(answer.bytes, expected);
    assert_eq!(answer.header(header::CONTENT_LENGTH), expected.len().to_string());
}

#[tokio::test]
async fn a_cut_download_goes_on_only_with_the_same_file() {
    let bench = Bench::new().await;
    let etag = format!("\"{}\"", bench.put("a.txt", b"0123456789").await["hash"].as_str().unwrap());
    let path = bench.file("a.txt?view=true");
    let headers = [(header::RANGE, "bytes=5-"), (header::IF_RANGE, etag.as_str())];
    assert_eq!(bench.get_with(&path, &headers).await.bytes, "56789");
    bench.put("a.txt", b"another").await;
    let answer = bench.get_with(&path, &headers).await;
    assert_eq!((answer.status, &answer.bytes[..]), (StatusCode::OK, &b"another"[..]));
}

#[tokio::test]
async fn a_hash_that_differs_is_a_conflict() {
    let bench = Bench::new().await;
    let hash = bench.put("a.txt", b"content").await["hash"].as_str().unwrap().to_owned();
    assert_eq!(bench.get(&bench.file(&format!("a.txt?hash={hash}"))).await.bytes, "content");
    assert!(bench.get(&bench.file("a.txt?hash=v0-sha384-00")).await.refused(409).contains(&hash));
}

#[tokio::test]
async fn a_ticket_is_good_for_the_address_that_it_was_made_for() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"bytes").await;
    let from = async |address: [u8; 4], method: Method, path: &str, body: Value| {
        let peer = ConnectInfo(SocketAddr::from((address, 4000)));
        let request = bench.request(method, path).extension(peer);
        bench.send(request.body(body.to_string().into()).unwrap()).await
    };
    let (here, there) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let nodes = json!({"nodes": [{"level": "acquisition", "_id": bench.acquisition}]});
    let file = from(here, Method::GET, &bench.file("a.txt?ticket="), Value::Null).await.ok();
    let archive = from(here, Method::POST, "/download", nodes).await.ok();
    for path in [
        bench.file(&format!("a.txt?ticket={}", file["ticket"].as_str().unwrap())),
        format!("/download?ticket={}", archive["ticket"].as_str().unwrap()),
    ] {
        from(there, Method::GET, &path, Value::Null).await.refused(400);
        assert_eq!(from(here, Method::GET, &path, Value::Null).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_ticket_stands_in_for_a_login() {
    let bench = Bench::new().await;
    let file = bench.put("a.txt", b"first").await;
    let stub = bench.get(&bench.file("a.txt?ticket=")).await.ok();
    assert_eq!(
        (&stub["filename"], &stub["file_cnt"], &stub["size"]),
        (&json!("a.txt"), &json!(1), &json!(5))
    );
    let ticket = stub["ticket"].as_str().unwrap();
    let get = |path: String| async {
        let path = path;
        bench.anonymous(Method::GET, &path, "").await
    };
    bench.put("a.txt", b"second").await;
    let id = file["file_id"].as_str().unwrap();
    for path in
        [bench.file(&format!("a.txt?ticket={ticket}")), format!("/files/{id}/download?ticket={ticket}")]
    {
        assert_eq!(get(path.clone()).await.bytes, "first");
        assert_eq!(get(path + "&view=1").await.header(header::CONTENT_TYPE), "text/plain");
    }
    bench.put("b.txt", b"other").await;
    get(bench.file(&format!("b.txt?ticket={ticket}"))).await.refused(400);
    get(bench.file(&format!("a.txt?ticket={ticket}&version=2"))).await.refused(400);
    get(bench.file("a.txt?ticket=unknown")).await.refused(404);
    get(bench.file("a.txt?ticket=")).await.refused(401);
    get(bench.file("a.txt")).await.refused(401);
    assert_eq!(get(format!("/files/{id}/ticket/{ticket}/validate")).await.ok()["size"], 5);
    bench.call(Method::DELETE, &bench.file("a.txt"), json!(null)).await.ok();
    get(bench.file(&format!("a.txt?ticket={ticket}"))).await.refused(404);
}

fn zip() -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in [("series/1.txt", "one"), ("../2.csv", "two")] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_zip_is_listed_and_gives_its_members() {
    let bench = Bench::new().await;
    let id = bench.put("a.zip", &zip()).await["file_id"].as_str().unwrap().to_owned();
    for path in [bench.file("a.zip?info=true"), format!("/files/{id}/zip_info")] {
        let list = bench.get(&path).await.ok();
        assert_eq!((&list["comment"], &list["members"][1]["path"]), (&json!(""), &json!("../2.csv")));
        assert_eq!(list["members"][0]["size"], 3);
    }
    for path in [bench.file("a.zip?member=..%2F2.csv"), format!("/files/{id}/zip_member/..%2F2.csv")] {
        let answer = bench.get(&path).await;
        assert_eq!((answer.header(header::CONTENT_TYPE), &answer.bytes[..]), ("text/csv", &b"two"[..]));
    }
    assert_eq!(bench.get(&format!("/files/{id}/zip_member/series/1.txt")).await.bytes, "one");
    bench.get(&bench.file("a.zip?member=2.csv")).await.refused(400);
    bench.put("a.txt", b"no zip").await;
    bench.get(&bench.file("a.txt?info=true")).await.refused(400);
    bench.get(&bench.file("a.txt?member=x")).await.refused(400);
}

#[tokio::test]
async fn an_analysis_gives_its_inputs_as_they_were() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"as it was").await;
    let input = json!({"type": "acquisition", "id": bench.acquisition, "name": "a.txt"});
    let body = json!({"label": "Fit", "inputs": [input]});
    let analysis = bench.add(&format!("/sessions/{}/analyses", bench.session), body).await;
    bench.put("a.txt", b"as it is").await;
    let path = format!("/analyses/{analysis}/files/a.txt");
    assert_eq!(bench.get(&path).await.bytes, "as it was");
    let ticket = bench.get(&format!("{path}?ticket=")).await.ok()["ticket"].as_str().unwrap().to_owned();
    assert_eq!(bench.anonymous(Method::GET, &format!("{path}?ticket={ticket}"), "").await.bytes, "as it was");
    let inputs = bench.get(&format!("/analyses/{analysis}/input_files/a.txt/info")).await.ok();
    assert_eq!((inputs.as_array().unwrap().len(), &inputs[0]["version"]), (1, &json!(1)));
    bench.call(Method::PUT, &path, json!({"type": "x"})).await.refused(409);
    bench.call(Method::DELETE, &path, json!(null)).await.refused(409);
}

fn only_blob(bench: &Bench) -> PathBuf {
    let mut path = bench.site.data().join("blobs");
    while path.is_dir() {
        let entries = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
        path = entries.filter(|entry| !entry.ends_with("tmp")).last().unwrap();
    }
    path
}

#[tokio::test]
async fn a_missing_or_damaged_content_is_said_clearly() {
    let bench = Bench::new().await;
    bench.put("a.zip", &zip()).await;
    let blob = only_blob(&bench);
    let good = fs::read(&blob).unwrap();
    let read = |suffix: &'static str| {
        let (bench, path) = (&bench, bench.file(&format!("a.zip{suffix}")));
        async move { bench.get(&path).await }
    };
    fs::write(&blob, &good[..10]).unwrap();
    for suffix in ["", "?view=true", "?info=true", "?member=series/1.txt"] {
        assert!(read(suffix).await.refused(500).contains("damaged"), "{suffix}");
    }
    let mut bad = good.clone();
    bad[40] ^= 1;
    fs::write(&blob, &bad).unwrap();
    assert!(read("").await.refused(500).contains("damaged"));
    fs::remove_file(&blob).unwrap();
    assert!(read("").await.refused(500).contains("missing"));
    assert_eq!(bench.get(&bench.file("a.zip/info")).await.ok()["size"], good.len());
}

#[tokio::test]
async fn a_login_or_a_role_is_needed() {
    let bench = Bench::new().await;
    bench.put("a.txt", b"x").await;
    let (ro, stranger) = (bench.as_user("ro@x.org", Some("ro")).await, bench.as_user("no@x.org", None).await);
    assert_eq!(ro.get(&bench.file("a.txt")).await.bytes, "x");
    stranger.get(&bench.file("a.txt")).await.refused(403);
    stranger.get(&bench.file("a.txt?ticket=")).await.refused(403);
    let path = format!("/acquisitions/{}/files", bench.acquisition);
    ro.upload(&path, &[("b.txt", b"x")], None).await.refused(403);
    ro.post(&format!("{path}?ticket="), json!({"filenames": ["b"]})).await.refused(403);
    for (method, path, body) in [
        (Method::PUT, bench.file("a.txt"), json!({"type": "x"})),
        (Method::PATCH, bench.file("a.txt/info"), json!({"set": {"a": 1}})),
        (Method::PATCH, bench.file("a.txt/classification"), json!({"add": {"Custom": ["x"]}})),
        (Method::DELETE, bench.file("a.txt"), Value::Null),
    ] {
        ro.call(method, &path, body).await.refused(403);
    }
}
