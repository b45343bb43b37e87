//! Mixed load on a site that is killed while it runs, and what must be true when the site is back.
//!
//! Each worker keeps what was acknowledged to it in an acquisition and a session of its own, and the one call that was under way
//! when the connection broke: that one alone may have happened or not.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use flywheel_local::Site;
use http::Method;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::http::{Answer, Client, Line};
use crate::process::Process;

const WORKERS: usize = 6;

/// What one worker knows.
struct Worker {
    session: String,
    home: String,
    rng: StdRng,
    /// Files by name, with the number that their bytes are made of.
    files: BTreeMap<String, u64>,
    /// Their ids, which stay when a file is renamed or replaced.
    ids: BTreeMap<String, String>,
    counter: u64,
    /// Labels of acquisitions made in the session.
    made: Vec<String>,
    drawn: u64,
    open: Option<Step>,
}

/// One call.
#[derive(Clone)]
enum Step {
    Upload { name: String, number: u64 },
    Delete { name: String },
    Rename { name: String, to: String },
    Read { name: String },
    List,
    Count { to: u64 },
    Make { label: String },
}

/// What a run came to.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    /// Kills.
    pub kills: usize,
    /// Calls that were acknowledged.
    pub acknowledged: usize,
    /// Calls that were under way at a kill, of which so many had happened.
    pub open: usize,
    /// See `open`.
    pub happened: usize,
}

/// A site and those who work on it.
pub struct Mayhem {
    workers: Vec<Worker>,
    tally: Tally,
    rng: StdRng,
}

/// Bytes that tell which upload they are of: whose, and the how manyth.
fn content(home: &str, number: u64) -> Vec<u8> {
    let line = format!("{home} {number}\n");
    let length = 1_000 + (number as usize * 7_919) % 150_000;
    line.bytes().cycle().take(length).collect()
}

fn create(client: &Client, path: &str, body: &Value) -> String {
    let answer = client.call(Method::POST, path).as_user("admin").json(body).send().expect(200);
    answer.json()["_id"].as_str().expect("a creation answers the id").to_owned()
}

impl Mayhem {
    /// Prepares a site that is running.
    ///
    /// # Panics
    ///
    /// When the site refuses.
    #[must_use]
    pub fn prepare(client: &Client, seed: u64) -> Self {
        let _ = create(client, "/groups", &json!({"_id": "lab", "label": "Lab"}));
        let project = create(client, "/projects", &json!({"group": "lab", "label": "Study"}));
        let worker = |number: usize| {
            let subject = json!({"label": format!("sub-{number}")});
            let body = json!({"project": project, "label": "ses", "subject": subject});
            let session = create(client, "/sessions", &body);
            let home = create(client, "/acquisitions", &json!({"session": session, "label": "home"}));
            let rng = StdRng::seed_from_u64(seed ^ (number as u64 + 1));
            let (files, ids, made) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
            Worker { session, home, rng, files, ids, counter: 0, made, drawn: 0, open: None }
        };
        let workers = (0..WORKERS).map(worker).collect();
        Self { workers, tally: Tally::default(), rng: StdRng::seed_from_u64(seed) }
    }

    /// Works on the site until it is killed, after a while that is drawn.
    pub fn work_until_killed(&mut self, mut process: Process) {
        let patience = Duration::from_millis(self.rng.random_range(2..600));
        let client = process.client.clone();
        let acknowledged: usize = std::thread::scope(|scope| {
            let work = |worker| {
                let client = client.clone();
                scope.spawn(move || work(worker, &client))
            };
            let working: Vec<_> = self.workers.iter_mut().map(work).collect();
            std::thread::sleep(patience);
            process.kill();
            working.into_iter().map(|worker| worker.join().expect("a worker ends by itself")).sum()
        });
        self.tally.kills += 1;
        self.tally.acknowledged += acknowledged;
    }

    /// Opens the folder in this process and looks through all of it: the sweep runs, then nothing is wrong.
    ///
    /// # Panics
    ///
    /// When something is wrong.
    pub fn check_folder(&self, folder: &Path, contents: bool) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
        let report = runtime.block_on(async {
            let site = Site::builder().data(folder).open().await.expect("the folder opens");
            site.check(contents).await.expect("the database can be read")
        });
        assert!(report.problems.is_empty(), "after kill {}: {:#?}", self.tally.kills, report.problems);
    }

    /// Holds what is there against what was acknowledged, and takes note of what became of the open calls.
    ///
    /// # Panics
    ///
    /// When something acknowledged is missing, or something is there in part.
    pub fn compare(&mut self, client: &Client) {
        for worker in &mut self.workers {
            let open = worker.open.take();
            self.tally.open += usize::from(open.is_some());
            self.tally.happened += usize::from(worker.compare(client, open));
        }
    }

    /// What it came to so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }
}

fn work(worker: &mut Worker, client: &Client) -> usize {
    let mut line = Line::new().expect("a connection can be prepared");
    let mut acknowledged = 0;
    loop {
        let step = worker.draw();
        worker.open = Some(step.clone());
        let Ok(answer) = line.send(step.call(worker, client)) else { return acknowledged };
        let answer = answer.expect(200);
        worker.open = None;
        worker.look_at(&step, &answer);
        worker.note(&step);
        acknowledged += 1;
    }
}

impl Step {
    fn call(&self, worker: &Worker, client: &Client) -> crate::http::Call {
        let files = format!("/acquisitions/{}/files", worker.home);
        let call = |method, path: &str| client.call(method, path).as_user("admin");
        match self {
            Self::Upload { name, number } => {
                call(Method::POST, &files).upload(name, &content(&worker.home, *number), None)
            }
            Self::Delete { name } => call(Method::DELETE, &format!("{files}/{name}")),
            Self::Rename { name, to } => {
                let id = worker.ids.get(name).map(String::as_str).unwrap_or_default();
                call(Method::POST, &format!("/files/{id}/move")).json(&json!({"name": to}))
            }
            Self::Read { name } => call(Method::GET, &format!("{files}/{name}")),
            Self::List => {
                let path = format!("/sessions/{}/acquisitions?sort=created", worker.session);
                call(Method::GET, &path)
            }
            Self::Count { to } => {
                let body = json!({"set": {"counter": to, "text": format!("counted to {to}")}});
                call(Method::POST, &format!("/sessions/{}/info", worker.session)).json(&body)
            }
            Self::Make { label } => {
                let body = json!({"session": worker.session, "label": label, "info": {"made": label}});
                call(Method::POST, "/acquisitions").json(&body)
            }
        }
    }
}

impl Worker {
    fn draw(&mut self) -> Step {
        self.drawn += 1;
        let number = self.drawn;
        let known = self.files.keys().nth(self.rng.random_range(0..self.files.len().max(1))).cloned();
        match (self.rng.random_range(0..100), known) {
            (0..30, _) | (30..65, None) => Step::Upload { name: format!("file-{number}.bin"), number },
            (30..40, Some(name)) => Step::Upload { name, number },
            (40..50, Some(name)) => Step::Delete { name },
            (50..55, Some(name)) => Step::Rename { name, to: format!("renamed-{number}.bin") },
            (55..65, Some(name)) => Step::Read { name },
            (65..70, _) => Step::List,
            (70..88, _) => Step::Count { to: self.counter + 1 },
            _ => Step::Make { label: format!("made-{number}") },
        }
    }

    /// What an answer tells: the id of a file, or something that must be as it was acknowledged.
    fn look_at(&mut self, step: &Step, answer: &Answer) {
        match step {
            Step::Upload { name, .. } => {
                let id = answer.json()[0]["file_id"].as_str().expect("an upload answers the id").to_owned();
                self.ids.insert(name.clone(), id);
            }
            Step::Read { name } => {
                let number = self.files.get(name).copied().unwrap_or_default();
                assert!(answer.body == content(&self.home, number), "{name} is not what was sent last");
            }
            Step::List => {
                let count = answer.json().as_array().map_or(0, Vec::len);
                assert_eq!(count, self.made.len() + 1, "acquisitions in a list");
            }
            _ => {}
        }
    }

    fn note(&mut self, step: &Step) {
        match step {
            Step::Upload { name, number } => {
                self.files.insert(name.clone(), *number);
            }
            Step::Delete { name } => {
                self.files.remove(name);
                self.ids.remove(name);
            }
            Step::Rename { name, to } => {
                let known = (self.files.remove(name), self.ids.remove(name));
                if let (Some(number), Some(id)) = known {
                    self.files.insert(to.clone(), number);
                    self.ids.insert(to.clone(), id);
                }
            }
            Step::Read { .. } | Step::List => {}
            Step::Count { to } => self.counter = *to,
            Step::Make { label } => self.made.push(label.clone()),
        }
    }

    /// Whether the open call happened; all else must be as it was acknowledged.
    fn compare(&mut self, client: &Client, open: Option<Step>) -> bool {
        let get = |path: &str| client.call(Method::GET, path).as_user("admin").send().expect(200);
        let home = get(&format!("/acquisitions/{}", self.home)).json();
        let mut there = BTreeMap::new();
        for file in home["files"].as_array().expect("an acquisition has files") {
            let name = file["name"].as_str().expect("a file has a name").to_owned();
            let bytes = get(&format!("/acquisitions/{}/files/{name}", self.home)).body;
            let drawn =
                std::str::from_utf8(&bytes).ok().and_then(|text| text.lines().next()?.split_once(' '));
            let number = drawn.and_then(|(_, number)| number.parse().ok()).unwrap_or_default();
            let whole = content(&self.home, number);
            assert!(bytes == whole, "{name} is there in part: {} bytes", bytes.len());
            let id = file["file_id"].as_str().expect("a file has an id").to_owned();
            self.ids.insert(name.clone(), id);
            there.insert(name, number);
        }
        let session = get(&format!("/sessions/{}", self.session)).json();
        let counter = session["info"]["counter"].as_u64().unwrap_or(0);
        let found = |filter: &str| {
            let path = format!("/sessions/{}/acquisitions?{filter}", self.session);
            let rows = get(&path).json();
            let labels = rows.as_array().expect("a list is a list").iter();
            labels.map(|row| row["label"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        let mut made = found("sort=created");
        made.retain(|label| label != "home");
        // The index over words knows the same as the documents.
        let text = format!("counted to {counter}");
        assert_eq!(session["info"]["text"].as_str().unwrap_or(&text), text);
        if let Some(label) = made.last() {
            assert_eq!(found(&format!("filter=info.made={label}")), [label.as_str()]);
        }
        let same = there == self.files && counter == self.counter && made.len() == self.made.len();
        if let Some(step) = open.filter(|_| !same) {
            self.note(&step);
        } else {
            assert!(same, "{there:?} is not {:?}, or {counter} not {}", self.files, self.counter);
            made.sort();
            self.made.sort();
            assert_eq!(made, self.made);
            return false;
        }
        made.sort();
        self.made.sort();
        assert_eq!((&there, counter, &made), (&self.files, self.counter, &self.made));
        true
    }
}
