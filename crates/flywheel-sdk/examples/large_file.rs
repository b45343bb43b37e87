//! Moves a large file up and down and tells how long it took and how much memory it needed at most.
//!
//! ```text
//! cargo run -p flywheel-sdk --example large_file -- [MIB] [form|direct]
//! cargo run -p flywheel-sdk --example large_file -- both
//! ```
//!
//! It makes a file of MIB mebibytes (4096 if not said) in a temporary folder, uploads it to a local site that runs in a process
//! of its own, downloads it again and checks it against the hash that the site recorded. Memory is the kernel's account of the
//! most that the process ever held (`VmHWM`), so it is told on Linux only.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use flywheel::{Client, Project, Source};

type Failure = Box<dyn std::error::Error>;

/// Makes this program the site: `large_file --site FOLDER`.
const SITE: &str = "--site";

/// Moves a file of a few mebibytes both ways, and says what came of it rather than how long it took.
const BOTH: &str = "both";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [SITE, folder] => serve(Path::new(folder)).await,
        [] => measure(4096, false).await,
        [BOTH] => {
            let mut out = String::new();
            run(&mut out).await?;
            print!("{out}");
            Ok(())
        }
        [mib] => measure(mib.parse()?, false).await,
        [mib, way] => measure(mib.parse()?, way == "direct").await,
        _ => Err("usage: large_file [MIB] [form|direct], or both".into()),
    }
}

async fn measure(mib: u64, direct: bool) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let (sent, back) = (folder.path().join("sent.bin"), folder.path().join("back.bin"));
    make(&sent, mib)?;
    let mut site = Site::start(&folder.path().join("site"))?;
    let fw = Client::new(site.key.as_str())?;
    let project = fw.add_group("lab", "Lab").await?.add_project("Large files").await?;
    let before = peak("self");

    println!("{}", round_trip(&project, &sent, &back, direct, |way, start| tell(way, mib, start)).await?);
    println!("peak memory of this process: {} before the transfers, {} after", before, peak("self"));
    println!("peak memory of the site: {}", peak(&site.process.id().to_string()));
    site.stop()
}

/// Up and down again; what is to be said of it whatever the size.
async fn round_trip(
    project: &Project,
    sent: &Path,
    back: &Path,
    direct: bool,
    tell: impl Fn(&str, Instant),
) -> Result<String, Failure> {
    let start = Instant::now();
    let file = project.upload(Source::path(sent)).direct(direct).await?;
    tell("up", start);
    let start = Instant::now();
    let done = file.download().to_path(back).await?;
    tell("down", start);
    Ok(format!("{} bytes, hash checked: {}", done.size, done.verified))
}

/// Both ways over a site in this process, for a file that is not large.
#[allow(dead_code, reason = "the tests of the examples run it")]
pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let (sent, back) = (folder.path().join("sent.bin"), folder.path().join("back.bin"));
    make(&sent, 9)?;
    let site = flywheel_local::Site::builder().signed_uploads(true).open().await?;
    let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
    let group = Client::new(running.api_key())?.add_group("lab", "Lab").await?;
    for (way, direct) in [("form", false), ("direct", true)] {
        let project = group.add_project(way).await?;
        writeln!(out, "{way}: {}", round_trip(&project, &sent, &back, direct, |_, _| ()).await?)?;
        let same = std::fs::read(&sent)? == std::fs::read(&back)?;
        writeln!(out, "the same bytes: {same}")?;
    }
    Ok(())
}

fn tell(way: &str, mib: u64, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!("{way}: {mib} MiB in {seconds:.1} s, {:.0} MiB/s", mib as f64 / seconds);
}

/// A file of `mib` mebibytes, each of its own.
fn make(path: &Path, mib: u64) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    let mut block = vec![0_u8; 1 << 20];
    for n in 0..mib {
        block
            .chunks_mut(8)
            .zip(n << 17..)
            .for_each(|(bytes, number)| bytes.copy_from_slice(&number.to_le_bytes()));
        file.write_all(&block)?;
    }
    Ok(())
}

/// The most memory that a process ever held, as the kernel writes it.
fn peak(process: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |value| value.trim().to_owned())
}

/// A site in a process of its own; it ends when its input does.
struct Site {
    process: Child,
    key: String,
}

impl Site {
    fn start(folder: &Path) -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(SITE)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut key = String::new();
        BufReader::new(process.stdout.take().ok_or("the site has no output")?).read_line(&mut key)?;
        Ok(Self { process, key: key.trim().to_owned() })
    }

    fn stop(&mut self) -> Result<(), Failure> {
        drop(self.process.stdin.take());
        self.process.wait()?;
        Ok(())
    }
}

async fn serve(folder: &Path) -> Result<(), Failure> {
    let site = flywheel_local::Site::builder().data(folder).signed_uploads(true).open().await?;
    let running = site.listen("127.0.0.1:0".parse()?).await?;
    println!("{}", running.api_key());
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    running.shutdown().await;
    Ok(())
}
