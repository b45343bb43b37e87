//! Who may call what: every call of the table is refused to everyone below its level and served from there on.

use flywheel_tests::http::{Answer, Call};
use flywheel_tests::site::LocalSite;
use http::Method;
use serde_json::{Value, json};

/// Callers, least first, and the built-in role they have on the project.
const CALLERS: [(&str, Option<&str>); 4] =
    [("eve", None), ("ann", Some("ro")), ("bob", Some("rw")), ("cat", Some("admin"))];

/// The least role that a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    ReadOnly = 1,
    ReadWrite = 2,
    Admin = 3,
    SiteAdmin = 4,
}

use Needs::{Admin, ReadOnly, ReadWrite, SiteAdmin};

/// What a request carries.
enum Carries {
    Nothing,
    Json(Value),
    Upload,
}

/// One call: what it needs, method, path with placeholders of [`Study::fill`], body with the same.
type Row = (Needs, Method, &'static str, Carries);

fn nothing(needs: Needs, method: Method, path: &'static str) -> Row {
    (needs, method, path, Carries::Nothing)
}

fn with(needs: Needs, method: Method, path: &'static str, body: Value) -> Row {
    (needs, method, path, Carries::Json(body))
}

fn table() -> Vec<Row> {
    let (get, post, put, patch, delete) =
        (Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE);
    let mut rows = vec![
        nothing(ReadOnly, get.clone(), "/projects/{project}"),
        nothing(ReadOnly, get.clone(), "/containers/{project}"),
        nothing(ReadOnly, get.clone(), "/projects/{project}/subjects"),
        nothing(ReadOnly, get.clone(), "/projects/{project}/sessions"),
        nothing(ReadOnly, get.clone(), "/subjects/{subject}/sessions"),
        nothing(ReadOnly, get.clone(), "/sessions/{session}/acquisitions"),
        nothing(ReadOnly, get.clone(), "/files/{file}"),
        nothing(ReadOnly, get.clone(), "/files/{file}/info"),
        nothing(ReadOnly, get.clone(), "/files/{file}/versions"),
        nothing(ReadOnly, get.clone(), "/files/{file}/tags"),
        nothing(ReadOnly, get.clone(), "/acquisitions/{acquisition}/files/a.txt"),
        nothing(ReadOnly, get.clone(), "/acquisitions/{acquisition}/files/a.txt?ticket="),
        with(ReadOnly, post.clone(), "/resolve", json!({"path": ["lab", "{label}"]})),
        with(ReadOnly, post.clone(), "/lookup", json!({"path": ["lab", "{label}", "sub"]})),
        with(ReadWrite, put.clone(), "/projects/{project}", json!({"description": "new"})),
        with(ReadWrite, post.clone(), "/subjects", json!({"project": "{project}", "label": "new"})),
        with(
            ReadWrite,
            post.clone(),
            "/sessions",
            json!({"project": "{project}", "label": "new", "subject": {"_id": "{subject}"}}),
        ),
        with(ReadWrite, post.clone(), "/acquisitions", json!({"session": "{session}", "label": "new"})),
        with(ReadWrite, put.clone(), "/acquisitions/{acquisition}/files/a.txt", json!({"type": "markdown"})),
        with(
            ReadWrite,
            patch.clone(),
            "/acquisitions/{acquisition}/files/a.txt/info",
            json!({"set": {"a": 1}}),
        ),
        with(
            ReadWrite,
            patch.clone(),
            "/acquisitions/{acquisition}/files/a.txt/classification",
            json!({"add": {"Custom": ["x"]}}),
        ),
        with(ReadWrite, patch.clone(), "/files/{file}/info", json!({"a": 1})),
        with(ReadWrite, put.clone(), "/files/{file}/info", json!({"a": 1})),
        with(ReadWrite, patch.clone(), "/files/{file}/tags", json!(["x"])),
        with(ReadWrite, put.clone(), "/files/{file}/tags", json!(["x"])),
        with(ReadWrite, delete.clone(), "/files/{file}/tags", json!(["x"])),
        with(ReadWrite, put.clone(), "/files/{file}/classification", json!({"add": {"Custom": ["x"]}})),
        with(ReadWrite, post.clone(), "/files/{file}/move", json!({"name": "b.txt"})),
        nothing(ReadWrite, post.clone(), "/files/{file}/restore?version=1"),
        nothing(ReadWrite, delete.clone(), "/files/{file}"),
        nothing(ReadWrite, delete.clone(), "/acquisitions/{acquisition}/files/a.txt"),
        nothing(ReadWrite, delete.clone(), "/acquisitions/{acquisition}"),
        nothing(ReadWrite, delete.clone(), "/sessions/{session}"),
        nothing(ReadWrite, delete.clone(), "/subjects/{subject}"),
        nothing(ReadWrite, delete.clone(), "/containers/{session}"),
        nothing(Admin, delete.clone(), "/projects/{project}"),
        with(
            Admin,
            post.clone(),
            "/projects/{project}/permissions",
            json!({"_id": "root@example.org", "role_ids": ["{role}"]}),
        ),
        with(
            Admin,
            put.clone(),
            "/projects/{project}/permissions/admin@example.org",
            json!({"role_ids": ["{role}"]}),
        ),
        nothing(Admin, delete.clone(), "/projects/{project}/permissions/admin@example.org"),
        with(SiteAdmin, post.clone(), "/groups", json!({"_id": "new-group", "label": "New"})),
        with(
            SiteAdmin,
            post.clone(),
            "/users",
            json!({"_id": "new@example.org", "firstname": "N", "lastname": "E"}),
        ),
        with(SiteAdmin, post.clone(), "/modalities", json!({"_id": "XX"})),
        with(
            SiteAdmin,
            post.clone(),
            "/roles",
            json!({"label": "new", "actions": ["containers_view_metadata"]}),
        ),
        with(SiteAdmin, put.clone(), "/groups/lab", json!({"label": "New"})),
        with(
            SiteAdmin,
            post.clone(),
            "/groups/lab/permissions",
            json!({"_id": "root@example.org", "access": "ro"}),
        ),
        with(SiteAdmin, post.clone(), "/projects", json!({"group": "lab", "label": "{label} two"})),
    ];
    for container in CONTAINERS {
        rows.push(nothing(ReadOnly, get.clone(), container.plain));
        rows.push(nothing(ReadOnly, get.clone(), container.note));
        rows.push(nothing(ReadOnly, get.clone(), container.tag));
        rows.push(with(ReadWrite, patch.clone(), container.info, json!({"set": {"a": 1}})));
        rows.push(with(ReadWrite, post.clone(), container.info, json!({"replace": {"a": 1}})));
        rows.push(with(ReadWrite, post.clone(), container.tags, json!({"value": "new"})));
        rows.push(with(ReadWrite, patch.clone(), container.tags, json!(["new"])));
        rows.push(with(ReadWrite, put.clone(), container.tag, json!({"value": "renamed"})));
        rows.push(nothing(ReadWrite, delete.clone(), container.tag));
        rows.push(with(ReadWrite, post.clone(), container.notes, json!({"text": "new"})));
        rows.push((ReadWrite, post.clone(), container.files, Carries::Upload));
        rows.push(with(ReadWrite, post.clone(), container.analyses, json!({"label": "new", "inputs": []})));
    }
    rows
}

struct Routes {
    plain: &'static str,
    info: &'static str,
    tags: &'static str,
    tag: &'static str,
    notes: &'static str,
    note: &'static str,
    files: &'static str,
    analyses: &'static str,
}

macro_rules! routes {
    ($($base:literal as $kind:literal),* $(,)?) => {
        [$(Routes {
            plain: $base,
            info: concat!($base, "/info"),
            tags: concat!($base, "/tags"),
            tag: concat!($base, "/tags/kept"),
            notes: concat!($base, "/notes"),
            note: concat!($base, "/notes/{note of ", $kind, "}"),
            files: concat!($base, "/files"),
            analyses: concat!($base, "/analyses"),
        }),*]
    };
}

const CONTAINERS: [Routes; 4] = routes![
    "/projects/{project}" as "project",
    "/subjects/{subject}" as "subject",
    "/sessions/{session}" as "session",
    "/acquisitions/{acquisition}" as "acquisition",
];

/// A project of its own for one row of the table, with everything that a row may name.
struct Study<'a> {
    site: &'a LocalSite,
    names: Vec<(String, String)>,
}

impl<'a> Study<'a> {
    fn new(site: &'a LocalSite, number: usize) -> Self {
        let label = format!("Study {number}");
        let project = site.create("/projects", &json!({"group": "lab", "label": label}));
        let subject = site.create("/subjects", &json!({"project": project, "label": "sub"}));
        let session = site
            .create("/sessions", &json!({"project": project, "label": "ses", "subject": {"_id": subject}}));
        let acquisition = site.create("/acquisitions", &json!({"session": session, "label": "acq"}));
        let mut study = Self { site, names: Vec::new() };
        for (name, value) in [
            ("project", &project),
            ("subject", &subject),
            ("session", &session),
            ("acquisition", &acquisition),
            ("label", &label),
        ] {
            study.name(name, value);
        }
        for (caller, level) in CALLERS {
            let Some(level) = level else { continue };
            let role = role(site, level);
            let body = json!({"_id": site.email(caller), "role_ids": [role]});
            let path = format!("/projects/{project}/permissions");
            let _ = site.post(&path).as_user("admin").json(&body).send().expect(200);
            study.name("role", &role);
        }
        study.furnish();
        study
    }

    /// Adds a file to the acquisition, and a tag and a note to every container.
    fn furnish(&mut self) {
        let path = self.fill("/acquisitions/{acquisition}/files");
        let rows = self.site.post(&path).as_user("admin").upload("a.txt", b"x", None).send().expect(200);
        let file = rows.json()[0]["file_id"].as_str().unwrap().to_owned();
        self.name("file", &file);
        for kind in ["project", "subject", "session", "acquisition"] {
            let base = self.fill(&format!("/{kind}s/{{{kind}}}"));
            let tag = self.site.post(&format!("{base}/tags")).as_user("admin");
            let _ = tag.json(&json!({"value": "kept"})).send().expect(200);
            let note = self.site.post(&format!("{base}/notes")).as_user("admin");
            let note = note.json(&json!({"text": "kept"})).send().expect(200).json();
            self.name(&format!("note of {kind}"), note["_id"].as_str().unwrap());
        }
    }

    fn name(&mut self, name: &str, value: &str) {
        self.names.push((format!("{{{name}}}"), value.to_owned()));
    }

    fn fill(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    fn call(&self, row: &Row) -> Call {
        let (_, method, path, carries) = row;
        let call = self.site.call(method.clone(), &self.fill(path));
        match carries {
            Carries::Nothing => call,
            Carries::Json(body) => call.json(&serde_json::from_str(&self.fill(&body.to_string())).unwrap()),
            Carries::Upload => call.upload("new.txt", b"new", None),
        }
    }

    fn by(&self, caller: &str, row: &Row) -> Answer {
        self.call(row).as_user(caller).send()
    }
}

fn role(site: &LocalSite, level: &str) -> String {
    let roles = site.get("/roles").as_user("admin").send().expect(200).json();
    let roles = roles.as_array().unwrap();
    let role = roles.iter().find(|role| role["default_flywheel_role"] == level).unwrap();
    role["_id"].as_str().unwrap().to_owned()
}

#[test]
fn every_call_needs_its_role() {
    let site = LocalSite::start();
    let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let mut wrong = Vec::new();
    for (number, row) in table().iter().enumerate() {
        let study = Study::new(&site, number);
        let (needs, method, path, _) = row;
        let mut check = |who: &str, answer: Answer, expected: u16| {
            if answer.status != expected {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                wrong.push(format!(
                    "{method} {path} by {who}: {} instead of {expected}: {text}",
                    answer.status
                ));
            }
        };
        check("nobody", study.call(row).send(), 401);
        for (rank, (caller, level)) in CALLERS.into_iter().enumerate() {
            if rank < *needs as usize {
                check(level.unwrap_or("someone without a role"), study.by(caller, row), 403);
            }
        }
        match CALLERS.get(*needs as usize) {
            Some((caller, level)) => check(level.unwrap_or_default(), study.by(caller, row), 200),
            None => check("a site administrator", study.by("admin", row), 200),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_site_administrator_without_a_role_passes_every_check_on_single_objects() {
    let site = LocalSite::start();
    let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let mut wrong = Vec::new();
    for (number, row) in table().iter().enumerate() {
        let study = Study::new(&site, number);
        let answer = study.by("root", row);
        let (_, method, path, _) = row;
        if answer.status != 200 {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            wrong.push(format!("{method} {path}: {}: {text}", answer.status));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
