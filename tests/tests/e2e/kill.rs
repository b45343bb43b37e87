//! A site that is killed while it works: what it acknowledged is there after a restart, and nothing half-written is.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use flywheel_tests::http::Client;
use http::Method;
use serde_json::{Value, json};

const KEY: &str = "key-of-the-process";
const ROUNDS: usize = 6;
const UPLOADERS: usize = 4;

/// A site in a process of its own. Dropping it kills it.
struct Process {
    child: Child,
    client: Client,
}

impl Process {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_site-process"))
            .arg(folder)
            .arg(KEY)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address: SocketAddr = line.trim().strip_prefix("http://").unwrap().parse().unwrap();
        let keys = vec![("admin".to_owned(), KEY.to_owned())];
        Self { child, client: Client::new(address, keys) }
    }

    fn create(&self, path: &str, body: &Value) -> String {
        let answer = self.client.call(Method::POST, path).as_user("admin").json(body).send().expect(200);
        answer.json()["_id"].as_str().unwrap().to_owned()
    }

    fn get(&self, path: &str) -> flywheel_tests::http::Answer {
        self.client.call(Method::GET, path).as_user("admin").send().expect(200)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes that tell which upload they are of.
fn content(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(300_000).collect()
}

/// Uploads from several threads and kills the site when enough was acknowledged; answers the names that were.
fn upload_until_killed(mut process: Process, project: &str, round: usize) -> Vec<String> {
    let acknowledged = Mutex::new(Vec::new());
    let count = AtomicUsize::new(0);
    let enough = 3 + round * 2;
    std::thread::scope(|scope| {
        for uploader in 0..UPLOADERS {
            let client = process.client.clone();
            let (acknowledged, count) = (&acknowledged, &count);
            scope.spawn(move || {
                for number in 0.. {
                    let name = format!("r{round}-u{uploader}-{number}.bin");
                    let call = client.call(Method::POST, &format!("/projects/{project}/files"));
                    match call.as_user("admin").upload(&name, &content(&name), None).try_send() {
                        Ok(answer) => {
                            let _ = answer.expect(200);
                            acknowledged.lock().unwrap().push(name);
                            count.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(_) => return,
                    }
                }
            });
        }
        while count.load(Ordering::SeqCst) < enough {
            std::thread::yield_now();
        }
        process.child.kill().unwrap();
        process.child.wait().unwrap();
    });
    acknowledged.into_inner().unwrap()
}

#[test]
fn a_kill_loses_nothing_that_was_acknowledged_and_shows_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let _ = process.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let project = process.create("/projects", &json!({"group": "lab", "label": "Study"}));
    drop(process);
    let mut kept: Vec<String> = Vec::new();
    for round in 0..ROUNDS {
        kept.extend(upload_until_killed(Process::start(folder.path()), &project, round));
        let process = Process::start(folder.path());
        let document = process.get(&format!("/projects/{project}")).json();
        let files = document["files"].as_array().unwrap();
        let names: Vec<&str> = files.iter().map(|file| file["name"].as_str().unwrap()).collect();
        for name in &kept {
            assert!(names.contains(&name.as_str()), "{name} was acknowledged and is gone");
        }
        for name in names {
            let bytes = process.get(&format!("/projects/{project}/files/{name}")).body;
            assert!(bytes == content(name), "{name} has {} bytes", bytes.len());
        }
    }
}
