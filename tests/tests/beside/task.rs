//! Where the tasks of one side work: a group with a project for each, all with the same data.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use flywheel::blocking::Block;
use flywheel::{Client, Project};
use flywheel_tests::site::LocalSite;
use serde::Serialize;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a task gives, or why it cannot.
pub(crate) type Outcome = Result<Value, Box<dyn Error>>;

/// A task.
pub(crate) type Work = fn(&Task) -> Outcome;

/// Seconds of a year, as the site has it.
const YEAR: u64 = 31_557_600;

/// One of the languages, and where it works.
pub(crate) struct Side {
    name: &'static str,
    projects: BTreeMap<String, String>,
    folder: TempDir,
}

/// Where a task works.
pub(crate) struct Task {
    pub(crate) fw: Client,
    pub(crate) group: String,
    pub(crate) study: Project,
    folder: PathBuf,
    side: &'static str,
    keys: Value,
}

impl Side {
    /// A group for a language, with a project of the same data for each task.
    pub(crate) fn make(site: &LocalSite, name: &'static str, tasks: &[&str]) -> Self {
        let group = site.create("/groups", &json!({"_id": format!("lab-{name}"), "label": "Lab"}));
        let project = |task: &&str| {
            let id =
                site.create("/projects", &json!({"group": group, "label": task, "description": "Beside"}));
            fill(site, &id);
            ((*task).to_owned(), id)
        };
        let projects = tasks.iter().map(project).collect();
        Self { name, projects, folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// What the Python half is told.
    pub(crate) fn document(&self, site: &LocalSite) -> Value {
        json!({
            "side": self.name,
            "group": format!("lab-{}", self.name),
            "keys": site.document()["keys"],
            "projects": self.projects,
            "folder": self.folder.path(),
        })
    }

    /// Where a task works.
    pub(crate) fn task(&self, site: &LocalSite, name: &str) -> Task {
        let keys = site.document()["keys"].clone();
        let fw = Client::new(keys["admin"].as_str().unwrap()).expect("the site gives keys that can be read");
        let study = fw.projects().get(&self.projects[name]).block().expect("the project of a task is there");
        let (group, folder) = (format!("lab-{}", self.name), self.folder.path().to_owned());
        Task { fw, group, study, folder, side: self.name, keys }
    }

    /// All that the project of a task holds, as the site tells it.
    pub(crate) fn state(&self, site: &LocalSite, task: &str) -> Value {
        let id = &self.projects[task];
        let mut project = read(site, &format!("/projects/{id}"));
        project["subjects"] = below(site, &format!("/projects/{id}"), "subjects");
        project
    }
}

/// The children of a container in the order of their labels, each in full and with what is below it.
fn below(site: &LocalSite, parent: &str, kind: &str) -> Value {
    let mut rows = read(site, &format!("{parent}/{kind}?limit=1000"));
    let rows = rows.as_array_mut().expect("a list of containers is a list");
    rows.sort_by_key(|row| (row["label"].to_string(), row["created"].to_string()));
    let full = |row: &mut Value| {
        let path = format!("/{kind}/{}", row["_id"].as_str().unwrap());
        let mut one = read(site, &path);
        match kind {
            "subjects" => one["sessions"] = below(site, &path, "sessions"),
            "sessions" => one["acquisitions"] = below(site, &path, "acquisitions"),
            _ => {}
        }
        one
    };
    rows.iter_mut().map(full).collect()
}

fn read(site: &LocalSite, path: &str) -> Value {
    site.get(path).as_user("admin").send().expect(200).json()
}

/// Three subjects of different ages, one of them with two visits, and files of several types.
fn fill(site: &LocalSite, project: &str) {
    for (number, sex, ages) in [(1, "female", &[30, 31][..]), (2, "male", &[41]), (3, "other", &[52])] {
        let subject = json!({
            "project": project, "label": format!("sub-0{number}"), "sex": sex, "firstname": "Ada",
            "info": {"cohort": if number < 3 { "a" } else { "b" }, "score": f64::from(number) * 1.5},
            "tags": [format!("tag-{number}")],
        });
        let subject = site.create("/subjects", &subject);
        for (visit, age) in ages.iter().enumerate() {
            let session = json!({
                "project": project, "subject": {"_id": subject}, "label": format!("ses-0{}", visit + 1),
                "age": age * YEAR, "timestamp": format!("2020-0{number}-0{}T09:30:00+00:00", visit + 1),
                "timezone": "Europe/Berlin", "info": {"visit": visit + 1},
            });
            let session = site.create("/sessions", &session);
            for label in ["T1w", "bold"] {
                let body = json!({
                    "session": session, "label": label, "timestamp": "2020-05-05T01:22:06+00:00",
                    "timezone": "America/Chicago",
                });
                let acquisition = site.create("/acquisitions", &body);
                put_files(site, &acquisition, label, number);
            }
        }
    }
}

fn put_files(site: &LocalSite, acquisition: &str, label: &str, number: u8) {
    let put = |name: &str, content: &[u8], metadata: &Value| {
        let call = site.post(&format!("/acquisitions/{acquisition}/files")).as_user("admin");
        let _ = call.upload(name, content, Some(metadata)).send().expect(200);
    };
    if label == "T1w" {
        let described = json!({
            "name": "t1.nii.gz", "type": "nifti", "modality": "MR", "info": {"snr": f64::from(number) * 10.0},
            "classification": {"Intent": ["Structural"], "Measurement": ["T1"]},
        });
        put("t1.nii.gz", b"pretend this is a volume", &described);
        put("results.zip", ARCHIVE, &json!({"name": "results.zip", "type": "archive"}));
    } else {
        let table = format!("trial,rt\n1,0.{number}5\n2,0.{number}7\n");
        put("events.csv", table.as_bytes(), &json!({"name": "events.csv", "type": "tabular data"}));
    }
}

/// A zip file of `readme.txt`, which says "read me", and `stats/aseg.stats`, which says "1 2 3", from 2020.
const ARCHIVE: &[u8] = include_bytes!("results.zip");

impl Task {
    /// A client of another user of the site.
    pub(crate) fn client(&self, user: &str) -> Client {
        Client::new(self.keys[user].as_str().unwrap()).expect("the site gives keys that can be read")
    }

    /// The path of something in the project.
    pub(crate) fn path(&self, below: &str) -> String {
        format!("{}/{}{below}", self.group, self.study.label())
    }

    /// A name for what the whole site shares.
    pub(crate) fn own(&self, name: &str) -> String {
        format!("{name}-{}", self.side)
    }

    /// A place for files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Some fields of a document.
pub(crate) fn pick(one: &impl Serialize, fields: &[&str]) -> Value {
    let document = json!(one);
    fields.iter().map(|field| ((*field).to_owned(), document[*field].clone())).collect()
}

/// The labels of some containers.
pub(crate) fn labels(rows: &[impl Serialize]) -> Value {
    rows.iter().map(|row| json!(row)["label"].clone()).collect()
}

/// How a call is refused: the status and what the site says of it.
pub(crate) fn refusal<T>(outcome: flywheel::Result<T>) -> Value {
    let error = outcome.err().expect("this must be refused");
    json!([error.status(), error.message()])
}
