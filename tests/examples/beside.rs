//! What the same work costs with the ergonomic crate and with the official Python client, on one site: items in a second,
//! processor time and memory of the client's process.
//!
//! ```text
//! cargo build --release -p flywheel-tests --bins && cargo run --release -p flywheel-tests --example beside [-- small]
//! ```
//!
//! Each measurement is a process of its own, done in turns by both clients; the middle of three is told. Linux alone says
//! what a process used.
#![allow(clippy::print_stdout)]

#[path = "../../crates/flywheel-sdk/tests/shared/noise.rs"]
mod noise;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use flywheel::{Acquisition, Client, Project, Source, View};
use flywheel_local::{Seed, Site};
use flywheel_tests::process::Process;
use flywheel_tests::python::SDK_23;
use futures::{StreamExt, TryStreamExt, stream};
use noise::noise;
use serde_json::{Map, Value, json};

type Failure = Box<dyn Error>;

/// Makes this program one of the clients: `beside --work NAME`.
const WORK: &str = "--work";
/// What a client is told.
const GIVEN: &str = "FLYWHEEL_FIGURES";
/// How many requests are under way where several are.
const AT_ONCE: usize = 8;
/// Bytes of a small file.
const SMALL: usize = 16 << 10;

/// What is done, and what it is counted in.
const WORKS: [(&str, &str, &str); 11] = [
    ("start", "start, and log in", "start"),
    ("walk", "walk all sessions of a project, 250 a page", "sessions"),
    ("rows", "read a view of all sessions", "rows"),
    ("create", "make acquisitions, one after the other", "acquisitions"),
    ("create_8", "make acquisitions, 8 at once", "acquisitions"),
    ("upload", "upload files of 16 KiB, one after the other", "files"),
    ("upload_8", "upload files of 16 KiB, 8 at once", "files"),
    ("download", "download files of 16 KiB, one after the other", "files"),
    ("download_8", "download files of 16 KiB, 8 at once", "files"),
    ("large_up", "upload one large file", "MiB"),
    ("large_down", "download one large file", "MiB"),
];

/// How much is done.
struct Scale {
    subjects: u32,
    count: usize,
    large_mib: usize,
    times: usize,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => compare(&Scale { subjects: 5_000, count: 500, large_mib: 256, times: 3 }),
        ["small"] => compare(&Scale { subjects: 50, count: 20, large_mib: 8, times: 1 }),
        [WORK, name] => tokio::runtime::Runtime::new()?.block_on(work(name)),
        _ => Err("usage: beside [small]".into()),
    }
}

/// Makes a site, lets both clients do everything, and prints the table.
fn compare(scale: &Scale) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let data = folder.path().join("site");
    let seed = Seed { subjects: scale.subjects, sessions: 4, acquisitions: 0, files: 0, ..Seed::default() };
    runtime.block_on(async {
        let site = Site::builder().data(&data).open().await?;
        site.seed(&seed, |_| {}).await
    })?;
    let programs = std::env::current_exe()?;
    let programs = programs.ancestors().nth(2).ok_or("this program is not in a target folder")?;
    let site = Process::plain(&programs.join("site-process"), &data);
    let key = format!("{}:__force_insecure:{}", site.client.address(), site.client.secret("admin"));
    let given = runtime.block_on(prepare(&Client::new(key.as_str())?, &key, folder.path(), scale))?;

    println!("| what | how much | Rust | Python | | Rust CPU s | Python CPU s | Rust MiB | Python MiB |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (name, about, unit) in WORKS {
        let (mut rust, mut python) = (Vec::new(), Vec::new());
        for turn in 0..scale.times {
            rust.push(run(
                Command::new(std::env::current_exe()?).args([WORK, name]),
                &given,
                &format!("r{turn}"),
            )?);
            let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("beside/figures.py");
            python.push(run(
                Command::new(SDK_23.interpreter()?).arg(program).arg(name),
                &given,
                &format!("p{turn}"),
            )?);
        }
        row(about, unit, &middle(rust, name), &middle(python, name));
    }
    let fw = programs.join("fw");
    if fw.exists() {
        let mut times = (0..scale.times).map(|_| status(&fw, &key)).collect::<Result<Vec<_>, Failure>>()?;
        times.sort_by(f64::total_cmp);
        println!("\n`fw status`: {:.0} ms", times[times.len() / 2] * 1e3);
    }
    Ok(())
}

/// Seconds of the smallest command that asks the site.
fn status(fw: &Path, key: &str) -> Result<f64, Failure> {
    let begun = Instant::now();
    let output = Command::new(fw).arg("status").env("FLYWHEEL_API_KEY", key).output()?;
    if output.status.success() { Ok(begun.elapsed().as_secs_f64()) } else { Err("fw status fails".into()) }
}

/// What one run took.
struct Took {
    items: f64,
    seconds: f64,
    cpu: f64,
    memory: f64,
    /// From the start of the process to its end.
    whole: f64,
}

/// Lets a client do one piece of work.
fn run(command: &mut Command, given: &Map<String, Value>, turn: &str) -> Result<Took, Failure> {
    let mut given = given.clone();
    given.insert("turn".to_owned(), format!("{turn}-{}", given["count"]).into());
    let begun = Instant::now();
    let output = command.env(GIVEN, json!(given).to_string()).stderr(Stdio::inherit()).output()?;
    let whole = begun.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(format!("{command:?}: {}", output.status).into());
    }
    let told: Value = serde_json::from_slice(&output.stdout)?;
    let number = |name: &str| told[name].as_f64().ok_or("a client leaves out a number");
    Ok(Took {
        items: number("items")?,
        seconds: number("seconds")?,
        cpu: number("cpu")?,
        memory: number("memory")?,
        whole,
    })
}

/// The one in the middle by time.
fn middle(mut runs: Vec<Took>, name: &str) -> Took {
    if name == "start" {
        runs.iter_mut().for_each(|run| run.seconds = run.whole);
    }
    runs.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    let at = runs.len() / 2;
    runs.swap_remove(at)
}

fn row(about: &str, unit: &str, rust: &Took, python: &Took) {
    let rate = |run: &Took| run.items / run.seconds;
    let short = |value: f64| if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") };
    let told = |run: &Took| match unit {
        "start" => format!("{:.0} ms", run.seconds * 1e3),
        _ => format!("{}/s", short(rate(run))),
    };
    println!(
        "| {about} | {} {unit} | {} | {} | {}x | {:.2} | {:.2} | {} | {} |",
        rust.items,
        told(rust),
        told(python),
        short(rate(rust) / rate(python)),
        rust.cpu,
        python.cpu,
        short(rust.memory),
        short(python.memory),
    );
}

/// Makes what the clients work on, and says where it is.
async fn prepare(
    fw: &Client,
    key: &str,
    folder: &Path,
    scale: &Scale,
) -> Result<Map<String, Value>, Failure> {
    let many = fw.projects().find_one().await?;
    let project = fw.add_group("figures", "Figures").await?.add_project("Figures").await?;
    let session = project.add_subject("sub-01").await?.add_session("ses-01").await?;
    let (scan, full) = (session.add_acquisition("scan").await?, session.add_acquisition("full").await?);
    let (small, large) = (folder.join("small.bin"), folder.join("large.bin"));
    fs::write(&small, noise(SMALL))?;
    fs::write(&large, noise(scale.large_mib << 20))?;
    full.upload(Source::path(&large)).await?;
    let bytes = fs::read(&small)?;
    each(scale.count, AT_ONCE, |index| {
        full.upload(Source::bytes(format!("{index}.bin"), bytes.clone())).start()
    })
    .await?;
    let given = json!({
        "key": key, "many": many.id(), "session": session.id(), "scan": scan.id(), "full": full.id(),
        "folder": folder, "small": small, "large": large, "count": scale.count,
    });
    Ok(given.as_object().cloned().unwrap_or_default())
}

/// Does something for every number below one, so many at a time.
async fn each<T, F>(number: usize, at_once: usize, work: impl Fn(usize) -> F) -> Result<usize, Failure>
where
    F: IntoFuture<Output = flywheel::Result<T>>,
{
    let all = stream::iter((0..number).map(|index| work(index).into_future()));
    all.buffer_unordered(at_once).try_for_each(|_| std::future::ready(Ok(()))).await?;
    Ok(number)
}

/// The Rust half: does one piece of work and prints what it took.
async fn work(name: &str) -> Result<(), Failure> {
    let given: Value = serde_json::from_str(&std::env::var(GIVEN)?)?;
    let text = |field: &str| given[field].as_str().ok_or("this program is told too little");
    let fw = Client::new(text("key")?)?;
    fw.auth_status().await?;
    let (begun, before) = (Instant::now(), spent()?);
    let at_once = if name.ends_with("_8") { AT_ONCE } else { 1 };
    let count = usize::try_from(given["count"].as_u64().unwrap_or_default())?;
    let items = match name.trim_end_matches("_8") {
        "start" => 1,
        "walk" => walk(&fw.projects().get(text("many")?).await?).await?,
        "rows" => rows(&fw, text("many")?).await?,
        "create" => {
            let (session, turn) = (fw.sessions().get(text("session")?).await?, text("turn")?);
            each(count, at_once, |index| session.add_acquisition(format!("{turn}-{index}"))).await?
        }
        "upload" => upload(&fw.acquisitions().get(text("scan")?).await?, &given, count, at_once).await?,
        "download" => {
            let files = fw.acquisitions().get(text("full")?).await?.loaded_files();
            let small: Vec<_> = files.iter().filter(|file| file.name() != "large.bin").collect();
            each(small.len(), at_once, |index| small[index].download().bytes()).await?
        }
        "large_up" => {
            let scan = fw.acquisitions().get(text("scan")?).await?;
            mib(scan.upload(Source::path(text("large")?)).await?.size())?
        }
        "large_down" => {
            let file = fw.acquisitions().get(text("full")?).await?.file("large.bin").await?;
            mib(file.download().to_path(Path::new(text("folder")?).join("down.bin")).await?.size)?
        }
        _ => return Err(format!("there is no work {name}").into()),
    };
    let told = json!({
        "items": items,
        "seconds": begun.elapsed().as_secs_f64(),
        // Of a start, everything counts.
        "cpu": if name == "start" { spent()? } else { spent()? - before },
        "memory": peak()?,
    });
    println!("{told}");
    Ok(())
}

fn mib(bytes: u64) -> Result<usize, Failure> {
    Ok(usize::try_from(bytes >> 20)?)
}

async fn walk(project: &Project) -> Result<usize, Failure> {
    let mut sessions = project.sessions().page_size(250).iter();
    let mut number = 0;
    while let Some(session) = sessions.try_next().await? {
        number += usize::from(!session.label().is_empty());
    }
    Ok(number)
}

async fn rows(fw: &Client, container: &str) -> Result<usize, Failure> {
    let view = View::builder().columns(["subject.label", "session.label", "session.age_years"]).build()?;
    let mut rows = fw.views().run(&view, container).objects();
    let mut number = 0;
    while let Some(row) = rows.try_next().await? {
        number += usize::from(row["session.label"].is_string());
    }
    Ok(number)
}

async fn upload(scan: &Acquisition, given: &Value, count: usize, at_once: usize) -> Result<usize, Failure> {
    let small = fs::read(given["small"].as_str().unwrap_or_default())?;
    let turn = given["turn"].as_str().unwrap_or_default();
    let file = |index| scan.upload(Source::bytes(format!("{turn}-{index}.bin"), small.clone())).start();
    each(count, at_once, file).await
}

/// Seconds of processor time of this process so far.
fn spent() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u32 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
    // The kernel tells these in hundredths on every common machine.
    Ok(f64::from(ticks) / 100.0)
}

/// The most memory this process ever held, in MiB.
fn peak() -> Result<f64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no memory is told")?;
    let kib: u32 = line.split_whitespace().next().unwrap_or_default().parse()?;
    Ok(f64::from(kib) / 1024.0)
}
