//! Downloads over plain HTTP: tickets, ranges, headers.

use flywheel_tests::http::Answer;
use flywheel_tests::site::LocalSite;
use serde_json::json;

const CONTENT: &[u8] = b"0123456789abcdefghij";

struct Stored {
    site: LocalSite,
    project: String,
    path: String,
}

fn stored(name: &str) -> Stored {
    let site = LocalSite::start();
    let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let project = site.create("/projects", &json!({"group": "lab", "label": "Study"}));
    let call = site.post(&format!("/projects/{project}/files")).as_user("admin");
    let _ = call.upload(name, CONTENT, None).send().expect(200);
    let path = format!("/projects/{project}/files/{}", name.replace(' ', "%20"));
    Stored { site, project, path }
}

impl Stored {
    fn range(&self, value: &str) -> Answer {
        let path = format!("{}?view=true", self.path);
        self.site.get(&path).as_user("admin").header("Range", value).send()
    }

    fn ticket(&self) -> String {
        let path = format!("{}?ticket=", self.path);
        let stub = self.site.get(&path).as_user("admin").send().expect(200).json();
        stub["ticket"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_plain_download_is_an_attachment() {
    let stored = stored("plain.txt");
    let answer = stored.site.get(&stored.path).as_user("admin").send().expect(200);
    assert_eq!(&answer.body[..], CONTENT);
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"plain.txt\""));
    assert_eq!(answer.header("content-length"), Some("20"));
}

#[test]
fn a_viewed_file_has_its_own_type_and_is_no_attachment() {
    let stored = stored("plain.txt");
    let answer = stored.site.get(&format!("{}?view=true", stored.path)).as_user("admin").send().expect(200);
    assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
    assert!(answer.header("content-disposition").is_none_or(|value| !value.contains("attachment")));
}

#[test]
fn ranges_are_honoured_when_viewing() {
    let stored = stored("plain.txt");
    for (value, range, expected) in [
        ("bytes=0-4", "bytes 0-4/20", "01234"),
        ("bytes=5-5", "bytes 5-5/20", "5"),
        ("bytes=15-", "bytes 15-19/20", "fghij"),
        ("bytes=-3", "bytes 17-19/20", "hij"),
        ("bytes=18-400", "bytes 18-19/20", "ij"),
        ("bytes=-400", "bytes 0-19/20", "0123456789abcdefghij"),
    ] {
        let answer = stored.range(value).expect(206);
        assert_eq!(answer.header("content-range"), Some(range), "{value}");
        assert_eq!(String::from_utf8_lossy(&answer.body), expected, "{value}");
    }
    for value in ["bytes=20-", "bytes=30-40"] {
        let answer = stored.range(value).expect(416);
        assert_eq!(answer.header("content-range"), Some("bytes */20"), "{value}");
    }
    for value in ["lines=1-2", "bytes=5-2", "bytes=x-y", "bytes="] {
        assert_eq!(&stored.range(value).expect(200).body[..], CONTENT, "{value}");
    }
}

#[test]
fn several_ranges_come_as_parts() {
    let stored = stored("plain.txt");
    let answer = stored.range("bytes=0-1,10-12").expect(206);
    let kind = answer.header("content-type").unwrap().to_owned();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap_or_else(|| panic!("{kind}"));
    let text = String::from_utf8_lossy(&answer.body);
    let parts: Vec<&str> = text.split(&format!("--{}", boundary.trim_matches('"'))).collect();
    assert_eq!(parts.len(), 4, "{text}");
    for (part, range, content) in [(parts[1], "bytes 0-1/20", "01"), (parts[2], "bytes 10-12/20", "abc")] {
        let (head, body) = part.split_once("\r\n\r\n").unwrap();
        assert!(head.to_lowercase().contains(&format!("content-range: {range}")), "{head}");
        assert_eq!(body.trim_end_matches("\r\n"), content);
    }
    assert!(parts[3].starts_with("--"), "{text}");
}

#[test]
fn a_range_without_view_is_not_looked_at() {
    let stored = stored("plain.txt");
    let answer =
        stored.site.get(&stored.path).as_user("admin").header("Range", "bytes=0-1").send().expect(200);
    assert_eq!(&answer.body[..], CONTENT);
}

#[test]
fn a_ticket_needs_no_login_and_opens_only_its_own_file() {
    let stored = stored("plain.txt");
    let site = &stored.site;
    let ticket = stored.ticket();
    for _ in 0..2 {
        let answer = site.get(&format!("{}?ticket={ticket}", stored.path)).send().expect(200);
        assert_eq!(&answer.body[..], CONTENT);
    }
    let viewed = site.get(&format!("{}?ticket={ticket}&view=true", stored.path)).header("Range", "bytes=2-3");
    assert_eq!(&viewed.send().expect(206).body[..], b"23");
    let call = site.post(&format!("/projects/{}/files", stored.project)).as_user("admin");
    let _ = call.upload("other.txt", b"secret", None).send().expect(200);
    let _ = site
        .get(&format!("/projects/{}/files/other.txt?ticket={ticket}", stored.project))
        .send()
        .refused(400);
    let _ = site.get(&format!("{}?ticket=no-such-ticket", stored.path)).send().refused(404);
    let _ = site.get(&format!("{}?ticket=", stored.path)).send().refused(401);
    let _ = site.get(&stored.path).send().refused(401);
    let _ = site.get(&format!("{}?ticket=", stored.path)).as_user("eve").send().refused(403);
}

#[test]
fn a_file_is_read_by_its_id() {
    let stored = stored("plain.txt");
    let project = stored.site.get(&format!("/projects/{}", stored.project)).as_user("admin").send();
    let file = project.expect(200).json()["files"][0]["file_id"].as_str().unwrap().to_owned();
    let answer = stored.site.get(&format!("/files/{file}/download")).as_user("admin").send().expect(200);
    assert_eq!(&answer.body[..], CONTENT);
    let ticket =
        stored.site.post(&format!("/files/{file}/ticket")).as_user("admin").send().expect(200).json();
    let ticket = ticket["ticket"].as_str().unwrap().to_owned();
    let answer = stored.site.get(&format!("/files/{file}/download?ticket={ticket}")).send().expect(200);
    assert_eq!(&answer.body[..], CONTENT);
    let _ = stored.site.get(&format!("/files/{file}/download")).send().refused(401);
    let _ = stored.site.get(&format!("/files/{file}/download")).as_user("eve").send().refused(403);
}

#[test]
fn what_an_archive_would_hold_is_listed_line_by_line() {
    let stored = stored("plain.txt");
    let nodes = json!([{"level": "project", "_id": stored.project}]);
    let call = stored.site.post("/download/targets").as_user("admin");
    let answer = call.json(&json!({"nodes": nodes, "optional": true})).send().expect(200);
    let lines: Vec<serde_json::Value> = String::from_utf8_lossy(&answer.body)
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.iter().any(|line| line.to_string().contains("plain.txt")), "{lines:?}");
}

#[test]
fn an_archive_ticket_needs_no_login_and_is_refused_when_unknown() {
    let stored = stored("plain.txt");
    let nodes = json!([{"level": "project", "_id": stored.project}]);
    let call = stored.site.post("/download").as_user("admin");
    let stub = call.json(&json!({"nodes": nodes, "optional": false})).send().expect(200).json();
    assert_eq!((&stub["file_cnt"], &stub["size"]), (&json!(1), &json!(CONTENT.len())));
    let ticket = stub["ticket"].as_str().unwrap();
    let answer = stored.site.get(&format!("/download?ticket={ticket}")).send().expect(200);
    assert!(String::from_utf8_lossy(&answer.body).contains("scitran/lab/Study/plain.txt"));
    let _ = stored.site.get("/download?ticket=unknown").send().refused(404);
    let hidden = stored.site.post("/download").as_user("eve");
    let _ = hidden.json(&json!({"nodes": nodes, "optional": false})).send().refused(403);
    for body in
        [json!({}), json!({"nodes": []}), json!({"nodes": [{"level": "moon", "_id": "x"}], "optional": true})]
    {
        let answer = stored.site.post("/download").as_user("admin").json(&body).send();
        assert!(matches!(answer.status, 400 | 404 | 422), "{body}: {answer:?}");
    }
}

#[test]
fn a_hash_that_differs_is_a_conflict() {
    let stored = stored("plain.txt");
    let project =
        stored.site.get(&format!("/projects/{}", stored.project)).as_user("admin").send().expect(200).json();
    let Some(hash) = project["files"][0]["hash"].as_str().map(str::to_owned) else {
        panic!("the site keeps hashes: {project}");
    };
    let with = |hash: &str| stored.site.get(&format!("{}?hash={hash}", stored.path)).as_user("admin").send();
    assert_eq!(&with(&hash).expect(200).body[..], CONTENT);
    let _ = with("v0-sha384-00").refused(409);
}

#[test]
fn a_name_beyond_ascii_is_kept_in_the_header() {
    let stored = stored("täst 脳.txt");
    let path = format!("/projects/{}/files/t%C3%A4st%20%E8%84%B3.txt", stored.project);
    let answer = stored.site.get(&path).as_user("admin").send().expect(200);
    let header = String::from_utf8_lossy(answer.headers["content-disposition"].as_bytes()).into_owned();
    assert!(header.starts_with("attachment"), "{header}");
    assert!(header.contains("t%C3%A4st%20%E8%84%B3.txt") || header.contains("täst 脳.txt"), "{header}");
}
