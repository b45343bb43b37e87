//! Requests that no client sends: whatever comes, the answer is a client's error or a success, never an internal error.

use flywheel_description::{Description, Operation};
use flywheel_tests::http::Answer;
use flywheel_tests::site::LocalSite;
use http::Method;
use serde_json::{Value, json};

/// A site with one of everything, and their ids.
struct Furnished {
    site: LocalSite,
    ids: Vec<(&'static str, String)>,
}

fn furnished() -> Furnished {
    let site = LocalSite::start();
    let group = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let project = site.create("/projects", &json!({"group": "lab", "label": "Study"}));
    let subject = site.create("/subjects", &json!({"project": project, "label": "sub"}));
    let session =
        site.create("/sessions", &json!({"project": project, "label": "ses", "subject": {"_id": subject}}));
    let acquisition = site.create("/acquisitions", &json!({"session": session, "label": "acq"}));
    let collection = site.create("/collections", &json!({"label": "col"}));
    let analysis =
        site.create(&format!("/sessions/{session}/analyses"), &json!({"label": "ana", "inputs": []}));
    let upload = site.post(&format!("/acquisitions/{acquisition}/files")).as_user("admin");
    let rows = upload.upload("a.txt", b"words", None).send().expect(200).json();
    let file = rows[0]["file_id"].as_str().unwrap().to_owned();
    let ids = vec![
        ("groups", group),
        ("projects", project),
        ("subjects", subject),
        ("sessions", session.clone()),
        ("acquisitions", acquisition),
        ("collections", collection),
        ("analyses", analysis),
        ("files", file),
        ("containers", session),
    ];
    Furnished { site, ids }
}

impl Furnished {
    fn id(&self, kind: &str) -> Option<&str> {
        self.ids.iter().find(|(known, _)| *known == kind).map(|(_, id)| id.as_str())
    }

    /// The path of an operation on what is there.
    fn path(&self, operation: &Operation) -> String {
        let kind = operation.template.trim_start_matches('/').split('/').next().unwrap_or_default();
        operation.path(|name| match name {
            "analysis_id" => self.id("analyses").unwrap_or_default().to_owned(),
            "filename" | "file_name" => "a.txt".to_owned(),
            "subcontainer_name" => "sessions".to_owned(),
            "ctype" | "container_name" => "projects".to_owned(),
            "user_id" | "uid" => "ann@example.org".to_owned(),
            _ => self.id(kind).unwrap_or("0123456789abcdef01234567").to_owned(),
        })
    }
}

/// What the site did wrong, once for each operation.
#[derive(Default)]
struct Faults {
    found: Vec<String>,
    last: String,
}

impl Faults {
    /// Notes internal errors and errors that are not JSON.
    fn note(&mut self, operation: &Operation, request: &str, answer: &Answer) {
        let sound = answer.status < 400
            || (answer.status != 500
                && serde_json::from_slice(&answer.body)
                    .is_ok_and(|document: Value| document["status_code"] == answer.status));
        if !sound && self.last != operation.id {
            self.last.clone_from(&operation.id);
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            self.found.push(format!("{} {request}: {} {body}", operation.method, answer.status));
        }
    }

    fn assert_none(&self) {
        assert!(self.found.is_empty(), "{} operations:\n{}", self.found.len(), self.found.join("\n"));
    }
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn bodies_of_any_shape_are_refused_or_taken() {
    let there = furnished();
    let mut faults = Faults::default();
    let bodies: Vec<Vec<u8>> = [
        json!(null),
        json!([]),
        json!([null, 1, {}]),
        json!("text"),
        json!(1e308),
        json!({"": ""}),
        json!({"_id": {"$gt": ""}, "label": {"$ne": null}}),
        json!({"set": {"a": {"b": [1, {"c.d": 1}]}}, "delete": [1]}),
        json!({"replace": {"Intent": "Structural"}, "modality": 5}),
        json!({"value": "\u{0}", "text": "\u{0}", "label": "\u{0}"}),
        json!({"label": "x".repeat(100_000), "value": "x".repeat(100_000), "text": "x"}),
        json!({"path": [{}], "nodes": [{"level": "project"}], "permissions": "all", "role_ids": {}}),
        json!({"timestamp": "9999999-99-99", "age": 1e300, "weight": "heavy", "info": []}),
    ]
    .iter()
    .map(|body| body.to_string().into_bytes())
    .chain([
        nested(100_000).into_bytes(),
        format!("{{\"info\": {}}}", nested(3_000)).into_bytes(),
        b"\xff\xfe{}".to_vec(),
        b"{\"a\": \"\xc3\"}".to_vec(),
        b"{\"a\": 1e999999}".to_vec(),
        b"{\"label\": \"x\", \"label\": \"y\"}".to_vec(),
    ])
    .collect();
    for operation in Description::shared().operations() {
        if matches!(operation.method, Method::GET | Method::DELETE) {
            continue;
        }
        let path = there.path(operation);
        for body in &bodies {
            let call = there.site.call(operation.method.clone(), &path).as_user("admin");
            let answer = call.header("content-type", "application/json").body(body.clone()).send();
            let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
            faults.note(operation, &format!("{path} {shown}"), &answer);
        }
    }
    faults.assert_none();
}

#[test]
fn lists_take_or_refuse_any_query() {
    let there = furnished();
    let mut faults = Faults::default();
    let queries = [
        "filter=_id%3Ezzz",
        "filter=_id%3D0123456789abcdef01234567",
        "filter=info.%24where%3D1",
        "filter=info..a%3D1",
        "filter=.%3D1",
        "filter=info.a'b%22c%3D1",
        "filter=info%5B0%5D.a%3D1",
        "filter=label%3D~(a%2B)%2B%24",
        "filter=label%3D~(%3F%3C!x)a",
        "filter=label%3D~%5C",
        "filter=label%3D%22",
        "filter=created%3E2020-13-45",
        "filter=created%3E9999999-01-01T00:00:00",
        "filter=age%3E1e999",
        "filter=%00%3D1",
        "filter=%FF",
        "filter=permissions%3Dx,files%3Dx,parents%3Dx,tags%3D~.",
        "sort=info..x",
        "sort=info.a'b:asc",
        "sort=%00",
        "sort=files.name:desc,parents:asc",
        "limit=99999999999999999999",
        "skip=9223372036854775807&limit=1",
        "page=9223372036854775807&limit=9223372036854775807",
        "after_id=%00",
        "after_id='%3B--",
        "exhaustive=maybe&include_all_info=&join=origin&join=nothing",
        "%00=%00&=&&&",
    ];
    for operation in Description::shared().operations() {
        if operation.method != Method::GET {
            continue;
        }
        let path = there.path(operation);
        for query in queries {
            let answer = there.site.get(&format!("{path}?{query}")).as_user("admin").send();
            faults.note(operation, &format!("{path}?{query}"), &answer);
        }
    }
    faults.assert_none();
}

#[test]
fn any_path_segment_is_taken_for_a_name() {
    let there = furnished();
    let mut faults = Faults::default();
    let names = [
        "%00",
        "%FF%FE",
        "%2e%2e",
        "..%2f..%2fetc%2fpasswd",
        "%F0%9F%A7%A0",
        "'%3B--",
        "%25",
        "a%0d%0ab",
        "*",
    ];
    let long = "x".repeat(5_000);
    for operation in Description::shared().operations() {
        for name in names.into_iter().chain([long.as_str()]) {
            let path = operation.path(|_| name.to_owned());
            let call = there.site.call(operation.method.clone(), &path).as_user("admin");
            let answer = call.json(&json!({})).send();
            faults.note(operation, &path, &answer);
        }
    }
    faults.assert_none();
    let project = there.id("projects").unwrap();
    let _ = there.site.get(&format!("/projects/{project}")).as_user("admin").send().expect(200);
}
