//! How much a request may ask of the site: just within each limit it is served, beyond it is refused and the site goes on.

use std::io::{Read, Write};
use std::net::TcpStream;

use flywheel_tests::http::Answer;
use flywheel_tests::site::LocalSite;
use serde_json::{Value, json};

struct Study {
    site: LocalSite,
    project: String,
    acquisition: String,
}

fn study() -> Study {
    let site = LocalSite::start();
    let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let project = site.create("/projects", &json!({"group": "lab", "label": "Study"}));
    let session = json!({"project": project, "label": "a".repeat(60), "subject": {"label": "sub"}});
    let session = site.create("/sessions", &session);
    let acquisition = site.create("/acquisitions", &json!({"session": session, "label": "acq"}));
    Study { site, project, acquisition }
}

impl Study {
    fn get(&self, path: &str) -> Answer {
        self.site.get(path).as_user("admin").send()
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.site.post(path).as_user("admin").json(body).send()
    }

    fn search(&self, query: &str) -> Answer {
        self.post("/dataexplorer/search", &json!({"return_type": "session", "structured_query": query}))
    }

    fn upload(&self, name: &str, bytes: &[u8]) {
        let call = self.site.post(&format!("/acquisitions/{}/files", self.acquisition)).as_user("admin");
        let _ = call.upload(name, bytes, None).send().expect(200);
    }
}

/// The first line that the site answers to bytes that no client library would send.
fn raw(site: &LocalSite, head: &str) -> String {
    let secret = site.secret("admin");
    let mut stream = TcpStream::connect(site.address()).unwrap();
    let text =
        format!("GET /api/users/self HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\r\n{head}\r\n");
    // A site that has heard enough closes the connection under the sender.
    let _ = stream.write_all(text.as_bytes());
    let mut answer = [0; 12];
    let _ = stream.read_exact(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn heads_of_requests() {
    let study = study();
    let fields = |count: usize| (0..count).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    assert_eq!(raw(&study.site, &fields(90)), "HTTP/1.1 200");
    assert_eq!(raw(&study.site, &fields(200)), "HTTP/1.1 431");
    assert_eq!(raw(&study.site, &format!("X: {}\r\n", "y".repeat(300_000))), "HTTP/1.1 200");
    assert_eq!(raw(&study.site, &format!("X: {}\r\n", "y".repeat(1_000_000))), "HTTP/1.1 431");
    let _ = study.get(&format!("/sessions?filter=label%3D{}", "y".repeat(60_000))).expect(200);
    assert_eq!(raw(&study.site, ""), "HTTP/1.1 200");
}

#[test]
fn bodies() {
    let study = study();
    let path = format!("/projects/{}/info", study.project);
    let text = |length| json!({"set": {"text": "x".repeat(length)}});
    let _ = study.post(&path, &text(1 << 20)).expect(200);
    let refusal = study.post(&path, &text(17 << 20)).refused(413);
    assert!(refusal["message"].as_str().unwrap().contains("16777216"), "{refusal}");
    let deep = |levels: usize| {
        let text = format!("{{\"set\": {{\"deep\": {}1{}}}}}", "[".repeat(levels), "]".repeat(levels));
        study.site.post(&path).as_user("admin").header("content-type", "application/json").body(text).send()
    };
    let _ = deep(98).expect(200);
    let _ = deep(99).refused(400);
    let _ = deep(100_000).refused(400);
}

#[test]
fn filters_and_orders() {
    let study = study();
    let list = |query: String| study.get(&format!("/sessions?{query}"));
    let clauses = |count: usize| vec!["label!=x"; count].join(",");
    let _ = list(format!("filter={}", clauses(200))).expect(200);
    let _ = list(format!("filter={}", clauses(201))).refused(400);
    let _ = list(format!("sort={}", vec!["label"; 20].join(","))).expect(200);
    let _ = list(format!("sort={}", vec!["label"; 21].join(","))).refused(422);
    // Matching it takes exponentially many steps; the site takes 200,000 and names the pattern.
    let refusal = list("filter=label%3D~%5E(a%7Caa)%2B(%3F%3Db)c%24".to_owned()).refused(400);
    assert!(refusal["message"].as_str().unwrap().contains("(a|aa)+"), "{refusal}");
    let _ = list("filter=label%3D~((a%7B1000%7D)%7B1000%7D)%7B1000%7D".to_owned()).refused(400);
}

#[test]
fn queries() {
    let study = study();
    let nested = |depth: usize| format!("{}session.label = x{}", "(".repeat(depth), ")".repeat(depth));
    let _ = study.search(&nested(99)).expect(200);
    let _ = study.search(&nested(101)).refused(422);
    let many = |count: usize| vec!["session.label = x"; count].join(" OR ");
    let _ = study.search(&many(500)).expect(200);
    let _ = study.search(&many(501)).refused(400);
    let _ = study.search(&format!("session.label = \"{}\"", "x".repeat(1 << 20))).refused(400);
    let size =
        |size: i64| study.post("/dataexplorer/search", &json!({"return_type": "session", "size": size}));
    let _ = size(10_000).expect(200);
    let _ = size(10_001).refused(400);
}

#[test]
fn what_unpacks_to_very_much_is_read_no_further_than_its_limit() {
    let study = study();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let spaces = vec![b' '; 1 << 20];
    packed.write_all(b"[{\"a\": 1}").unwrap();
    (0..64).for_each(|_| packed.write_all(&spaces).unwrap());
    packed.write_all(b"]").unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 1 << 20);
    study.upload("bomb.json.gz", &packed);
    let view = json!({
        "columns": [{"src": "session.label"}], "errorColumn": true,
        "fileSpec": {"container": "acquisition", "filter": {"value": "*.json.gz"}, "format": "json"},
    });
    let path = format!("/views/data?containerId={}&format=json-flat", study.project);
    let rows = study.post(&path, &view).expect(200).json();
    let said = rows[0]["errors"].as_str().unwrap_or_default();
    assert!(said.contains("longer than 10 MiB"), "{rows}");
}
