//! What calls cost on a seeded site: start-up, lists, filters, lookup, search, views; latencies, memory, database size.
//!
//! ```text
//! fw site seed --data BIG --projects 10 --subjects 2500 --sessions 4 --acquisitions 10 --files 3
//! cargo run --release -p flywheel-tests --example size -- target/release/fw BIG
//! ```
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::time::{Duration, Instant};

use flywheel_tests::http::{Client, Line};
use flywheel_tests::measure::{Latencies, memory, milliseconds};
use flywheel_tests::process::Process;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// A call is repeated so often, but not for longer than this.
const TIMES: usize = 40;
const PATIENCE: Duration = Duration::from_secs(8);

struct Bench {
    line: Line,
    client: Client,
    process: u32,
}

impl Bench {
    fn send(&mut self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let call = self.client.call(method, path).as_user("admin");
        let call = match body {
            Some(body) => call.json(body),
            None => call,
        };
        let answer = self.line.send(call).unwrap_or_else(|error| panic!("{path}: {error}")).expect(200);
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
    }

    fn get(&mut self, path: &str) -> Value {
        self.send(Method::GET, path, None)
    }

    /// Prints one row of the table: what was asked, rows of the answer, times.
    fn row(&mut self, name: &str, mut call: impl FnMut(&mut Self, usize) -> usize) {
        let (begun, mut times, mut rows) = (Instant::now(), Latencies::default(), 0);
        while times.count() < TIMES && (times.count() < 3 || begun.elapsed() < PATIENCE) {
            let turn = times.count();
            rows = times.time(|| call(self, turn));
        }
        let [half, most] = [50, 99].map(|percent| milliseconds(times.percentile(percent)));
        println!("| {name} | {rows} | {half} | {most} | {} |", times.count());
    }

    /// Prints the memory that the site has of its own, as a row of the table.
    fn memory(&self, when: &str) {
        if let Some((now, _)) = memory(self.process) {
            println!("| memory {when}, MiB | | {now} | | |");
        }
    }

    fn list(&mut self, name: &str, path: &str) {
        self.row(name, |bench, _| count(&bench.get(path)));
    }

    fn search(&mut self, name: &str, body: &Value) {
        self.row(name, |bench, _| count(&bench.send(Method::POST, "/dataexplorer/search", Some(body))));
    }
}

fn count(answer: &Value) -> usize {
    let rows =
        answer.as_array().or_else(|| answer["results"].as_array()).or_else(|| answer["data"].as_array());
    rows.map_or(1, Vec::len)
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(fw), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: size FW FOLDER".into());
    };
    let (fw, folder) = (Path::new(&fw), Path::new(&folder));
    let mut starts: Vec<Duration> = (0..5).map(|_| Process::fw(fw, folder).started_in).collect();
    starts.sort_unstable();
    let process = Process::fw(fw, folder);
    let bytes = std::fs::metadata(folder.join("site.db"))?.len();
    println!("database {} MiB; start-up {} ms (middle of five)", bytes >> 20, milliseconds(starts[2]));
    println!("| call | rows | p50 ms | p99 ms | times |\n|---|---:|---:|---:|---:|");
    let line = Line::new().map_err(|error| error.to_string())?;
    let mut bench = Bench { line, client: process.client.clone(), process: process.id() };
    measure(&mut bench);
    if let Some((now, most)) = memory(process.id()) {
        println!(
            "memory at the end {now} MiB of its own, {most} MiB at most with what is mapped of the database"
        );
    }
    Ok(())
}

fn measure(bench: &mut Bench) {
    let projects = bench.get("/projects");
    let project = projects[projects.as_array().map_or(0, |list| list.len() / 2)].clone();
    let (id, label) =
        (project["_id"].as_str().unwrap_or_default(), project["label"].as_str().unwrap_or_default());
    let sessions = format!("/projects/{id}/sessions");
    let acquisitions = format!("/projects/{id}/acquisitions");
    let middle = bench.get(&format!("{acquisitions}?limit=1&skip=100"))[0]["_id"].clone();
    let middle = middle.as_str().unwrap_or_default();
    bench.memory("at first");
    lists(bench, &sessions, &acquisitions, middle);
    bench.memory("after lists");
    bench.row("lookup by path", |bench, turn| {
        let subject = format!("sub-{:05}", turn % 5 + 1);
        let path =
            json!({"path": ["seed", label, subject, "ses-01", "T1w_MPRAGE", "files", "2_T1w_MPRAGE.nii.gz"]});
        count(&bench.send(Method::POST, "/lookup", Some(&path)))
    });
    searches(bench, label);
    bench.memory("after searches");
    let view = json!({"columns": [{"src": "subject.label"}, {"src": "session.label"}, {"src": "acquisition.label"},
        {"src": "session.info.qc.snr"}], "includeIds": true, "includeLabels": false});
    let path = format!("/views/data?containerId={id}&format=json-flat");
    bench.row("view of a project's acquisitions", |bench, _| {
        count(&bench.send(Method::POST, &path, Some(&view)))
    });
    bench.memory("after views");
    bench.list("every acquisition of a project, no limit", &acquisitions);
    bench.memory("after a long list");
    bench.list("the same by uid, no limit", &format!("{acquisitions}?sort=uid"));
    bench.memory("after a long list in an order");
}

fn lists(bench: &mut Bench, sessions: &str, acquisitions: &str, middle: &str) {
    bench.list("page of 100 acquisitions", &format!("{acquisitions}?limit=100"));
    bench.list("page from further on (after_id)", &format!("{acquisitions}?limit=100&after_id={middle}"));
    let filtered = |list: &str, filter: &str| format!("{list}?limit=100&filter={}", encoded(filter));
    for (name, list, filter) in [
        ("label=ses-02", sessions, "label=ses-02"),
        ("label=T1w_MPRAGE", acquisitions, "label=T1w_MPRAGE"),
        ("label=~^task-rest", acquisitions, "label=~^task-rest"),
        ("label=~nothing_such", acquisitions, "label=~nothing_such"),
        ("subject.label=sub-00003", sessions, "subject.label=sub-00003"),
        ("info.qc.outcome=FAIL", sessions, "info.qc.outcome=FAIL"),
        ("info.qc.snr>115, few", sessions, "info.qc.snr>115"),
        ("info.qc.snr=7, none", sessions, "info.qc.snr=7"),
        ("info.scanner.model=…, tags=review", sessions, "info.scanner.model=Ingenia,tags=review"),
        ("info.SeriesNumber=99, none", acquisitions, "info.SeriesNumber=99"),
    ] {
        bench.list(name, &filtered(list, filter));
    }
    bench.list("site-wide info.qc.snr=7, none", &filtered("/sessions", "info.qc.snr=7"));
}

fn searches(bench: &mut Bench, project: &str) {
    let in_project =
        format!("project.label = \"{project}\" AND subject.label = sub-00004 AND file.type = nifti");
    for (name, returned, query) in [
        ("file.type = nifti", "file", "file.type = nifti"),
        ("one subject's NIfTI files", "file", in_project.as_str()),
        ("file.info.qc.snr > 105, few", "file", "file.info.qc.snr > 105"),
        ("file.info.qc.snr = 12.345, few", "file", "file.info.qc.snr = 12.345"),
        ("file.info.header.EchoTime = 5, none", "file", "file.info.header.EchoTime = 5"),
        (
            "classification and scanner",
            "acquisition",
            "file.classification.Measurement = Diffusion AND session.info.scanner.model = Ingenia",
        ),
        ("session.info.qc.motion_mm > 0.7", "subject", "session.info.qc.motion_mm > 0.7"),
        (
            "many files, many sessions, few together",
            "file",
            "file.info.qc.motion_mm > 0.95 AND session.info.qc.motion_mm > 0.6",
        ),
        ("acquisition.label CONTAINS nothing_such", "file", "acquisition.label CONTAINS nothing_such"),
    ] {
        bench.search(name, &json!({"return_type": returned, "structured_query": query, "size": 100}));
    }
    for (name, text) in [
        ("search_string in every file", "siemens"),
        ("search_string of a rater", "mgarcia"),
        ("search_string in nothing", "nowhere to be found"),
    ] {
        bench.search(name, &json!({"return_type": "file", "search_string": text, "size": 100}));
    }
}
