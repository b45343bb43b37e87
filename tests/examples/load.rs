//! Many clients at once on `fw site serve`: mixed reads and writes, how long they take, and what the site's memory does.
//!
//! ```text
//! fw site seed --data SITE --projects 4 --subjects 250 --acquisitions 10
//! cargo run --release -p flywheel-tests --example load -- target/release/fw SITE 64 600
//! ```
//!
//! The arguments are the program, the folder, how many clients, and for how many seconds.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use flywheel_tests::http::{Call, Client, Line};
use flywheel_tests::measure::{Latencies, memory, milliseconds};
use flywheel_tests::process::Process;
use http::Method;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

/// What one client did: times by sort of call, and what went wrong.
#[derive(Default)]
struct Done {
    times: BTreeMap<&'static str, Latencies>,
    errors: Vec<String>,
}

/// What a client works on.
#[derive(Clone)]
struct Place {
    client: Client,
    project: String,
    session: String,
    acquisition: String,
}

impl Place {
    fn call(&self, method: Method, path: &str) -> Call {
        self.client.call(method, path).as_user("admin")
    }

    /// A call that is drawn, with its name.
    fn draw(&self, number: u64, rng: &mut StdRng) -> (&'static str, Call) {
        let Self { project, session, acquisition, .. } = self;
        let get = |path: String| self.call(Method::GET, &path);
        match rng.random_range(0..100) {
            0..15 => ("list page", get(format!("/projects/{project}/acquisitions?limit=50"))),
            15..30 => ("container", get(format!("/sessions/{session}"))),
            30..37 => (
                "filter on info",
                get(format!("/projects/{project}/sessions?limit=20&filter=info.qc.snr%3E100")),
            ),
            37..42 => {
                let body =
                    json!({"return_type": "file", "structured_query": "file.type = nifti", "size": 20});
                ("search", self.call(Method::POST, "/dataexplorer/search").json(&body))
            }
            42..60 => ("download", get(format!("/acquisitions/{acquisition}/files/kept.bin"))),
            60..75 => {
                let body = json!({"set": {"number": number, "text": format!("value {number}")}});
                ("change info", self.call(Method::POST, &format!("/sessions/{session}/info")).json(&body))
            }
            75..90 => {
                // A few names, so that files get versions instead of becoming ever more.
                let bytes = vec![number as u8; rng.random_range(1_000..200_000)];
                let call = self.call(Method::POST, &format!("/acquisitions/{acquisition}/files"));
                ("upload", call.upload(&format!("file-{}.bin", number % 20), &bytes, None))
            }
            _ => {
                let body = json!({"session": session, "label": format!("made {number}")});
                ("create", self.call(Method::POST, "/acquisitions").json(&body))
            }
        }
    }

    fn work(&self, seed: u64, until: Instant) -> Done {
        let (mut done, mut rng) = (Done::default(), StdRng::seed_from_u64(seed));
        let Ok(mut line) = Line::new() else { return done };
        for number in 0.. {
            if Instant::now() > until {
                break;
            }
            let (name, call) = self.draw(number, &mut rng);
            let answer = done.times.entry(name).or_default().time(|| line.send(call));
            match answer {
                Ok(answer) if answer.status == 200 => {}
                Ok(answer) => done.errors.push(format!("{name}: {}", answer.status)),
                Err(error) => done.errors.push(format!("{name}: {error}")),
            }
        }
        done
    }
}

fn create(client: &Client, path: &str, body: &Value) -> String {
    let answer = client.call(Method::POST, path).as_user("admin").json(body).send().expect(200);
    answer.json()["_id"].as_str().unwrap_or_default().to_owned()
}

fn place(client: &Client, project: &str, number: usize) -> Place {
    let body = json!({"project": project, "label": "load", "subject": {"label": format!("load-{number}")}});
    let session = create(client, "/sessions", &body);
    let acquisition = create(client, "/acquisitions", &json!({"session": session, "label": "load"}));
    let upload = client.call(Method::POST, &format!("/acquisitions/{acquisition}/files")).as_user("admin");
    let _ = upload.upload("kept.bin", &vec![7; 50_000], None).send().expect(200);
    Place { client: client.clone(), project: project.to_owned(), session, acquisition }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [fw, folder, clients, seconds] = arguments.as_slice() else {
        return Err("usage: load FW FOLDER CLIENTS SECONDS".into());
    };
    let (clients, length) = (clients.parse::<usize>()?, Duration::from_secs(seconds.parse()?));
    let process = Process::fw(Path::new(fw), Path::new(folder));
    let projects = process.client.call(Method::GET, "/projects").as_user("admin").send().expect(200).json();
    let projects: Vec<&str> =
        projects.as_array().into_iter().flatten().filter_map(|row| row["_id"].as_str()).collect();
    let places = (0..clients).map(|number| place(&process.client, projects[number % projects.len()], number));
    let places: Vec<Place> = places.collect();
    let until = Instant::now() + length;
    let all: Vec<Done> = std::thread::scope(|scope| {
        let work = |(seed, place): (usize, &Place)| {
            let place = place.clone();
            scope.spawn(move || place.work(seed as u64, until))
        };
        let working: Vec<_> = places.iter().enumerate().map(work).collect();
        while Instant::now() < until {
            std::thread::sleep(length / 20);
            let left = until.saturating_duration_since(Instant::now()).as_secs();
            println!("memory with {left:>4} s to go: {:?} MiB", memory(process.id()));
        }
        working.into_iter().filter_map(|client| client.join().ok()).collect()
    });
    report(all, length);
    Ok(())
}

fn report(all: Vec<Done>, length: Duration) {
    let (mut times, mut errors) = (BTreeMap::<_, Latencies>::new(), Vec::new());
    for done in all {
        done.times.into_iter().for_each(|(name, more)| times.entry(name).or_default().extend(more));
        errors.extend(done.errors);
    }
    println!("| call | count | p50 ms | p95 ms | p99 ms |\n|---|---:|---:|---:|---:|");
    for (name, times) in &times {
        let [half, many, most] = [50, 95, 99].map(|percent| milliseconds(times.percentile(percent)));
        println!("| {name} | {} | {half} | {many} | {most} |", times.count());
    }
    let count: usize = times.values().map(Latencies::count).sum();
    println!(
        "{count} calls, {:.0} each second, {} errors",
        count as f64 / length.as_secs_f64(),
        errors.len()
    );
    errors.iter().take(10).for_each(|error| println!("{error}"));
}
