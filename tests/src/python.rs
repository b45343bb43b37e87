//! Programs of the official clients, run against a local site.
//!
//! Each set of packages comes from the Python index into a virtual environment of its own below the cargo target
//! folder, made once and kept.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::site::LocalSite;

/// Far more than any program takes: a program that hangs fails instead of stopping the suite.
const PATIENCE: Duration = Duration::from_secs(600);

/// Where the virtual environment's programs are.
const BIN: &str = if cfg!(windows) { "Scripts" } else { "bin" };

/// Packages that are installed together.
#[derive(Debug)]
pub struct Environment {
    /// The name of its folder.
    name: &'static str,
    /// What is installed, each with its version.
    packages: &'static [&'static str],
    /// What Python does at its start, to stand in for what older releases of it had.
    begin: &'static str,
    interpreter: OnceLock<Result<PathBuf, String>>,
}

/// The official client, and what its pages tell users to install beside it.
pub static SDK_23: Environment =
    Environment::new("sdk-23", &["flywheel-sdk==23.0.0", "pandas==3.1.1", "pytz==2026.6"]);
/// The client of release 20.
pub static SDK_20: Environment = Environment::new("sdk-20", &["flywheel-sdk==20.6.0", "pytz==2026.6"]);
/// The client of release 17, which the official command line tool brings along as well.
pub static SDK_17: Environment = Environment::new("sdk-17", &["flywheel-sdk==17.8.0", "pytz==2026.6"]);
/// The client of release 14, made for Python up to 3.9.
pub static SDK_14: Environment = Environment::new("sdk-14", &["flywheel-sdk==14.6.6", "pytz==2026.6"])
    .beginning(
        "import collections, collections.abc; collections.MutableMapping = collections.abc.MutableMapping",
    );
/// The official command line tool. Later releases of setuptools lack a module that it needs.
pub static CLI: Environment = Environment::new("cli", &["flywheel-cli==18.5.1", "setuptools==80.9.0"]);

/// What gears are written with, and the package for BIDS, both on top of the client of release 20.
pub static TOOLKIT: Environment = Environment::new(
    "toolkit",
    &["flywheel-bids==1.2.34", "flywheel-gear-toolkit==0.6.22", "requests==2.34.2"],
);
/// The bare HTTP client of the platform's services, and the newer toolkit of gears, beside the newest client.
pub static SERVICES: Environment = Environment::new(
    "services",
    &["flywheel-sdk==23.0.0", "fw-client==2.3.4", "fw-gear==0.3.7", "requests==2.34.2"],
);
/// The HTTP client that services had before.
pub static OLDER_SERVICES: Environment =
    Environment::new("older-services", &["flywheel-sdk==20.6.0", "fw-core-client==1.1.2"]);

/// Generated requests after the description.
pub static SCHEMATHESIS: Environment = Environment::new("schemathesis", &["schemathesis==4.32.5"]);

impl Environment {
    const fn new(name: &'static str, packages: &'static [&'static str]) -> Self {
        Self { name, packages, begin: "", interpreter: OnceLock::new() }
    }

    const fn beginning(mut self, line: &'static str) -> Self {
        self.begin = line;
        self
    }

    /// Its Python, installed by the first who asks.
    ///
    /// # Errors
    ///
    /// Why there is none: no Python, or no index to install from.
    pub fn interpreter(&self) -> Result<&Path, &str> {
        self.interpreter.get_or_init(|| self.prepare()).as_deref().map_err(String::as_str)
    }

    /// Makes the virtual environment unless it is there.
    fn prepare(&self) -> Result<PathBuf, String> {
        let folder = target_folder()?.join("conformance");
        let environment = folder.join(self.name);
        let interpreter = environment.join(BIN).join("python");
        let complete = environment.join("complete");
        let contents = format!("{}\n{}\n", self.packages.join("\n"), self.begin);
        let trouble = |error: std::io::Error| format!("{}: {error}", environment.display());

        fs::create_dir_all(&folder).map_err(trouble)?;
        // Test binaries may run at the same time; the first one installs, the others wait.
        let lock = File::create(folder.join(format!("{}.lock", self.name))).map_err(trouble)?;
        lock.lock().map_err(trouble)?;
        let installed = fs::read_to_string(&complete).is_ok_and(|known| known == contents);
        if installed && succeeds(Command::new(&interpreter).arg("--version")).is_ok() {
            return Ok(interpreter);
        }
        if environment.exists() {
            fs::remove_dir_all(&environment).map_err(trouble)?;
        }
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        succeeds(
            Command::new(&interpreter)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(self.packages),
        )?;
        if !self.begin.is_empty() {
            let asked = ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"];
            let packages = succeeds(Command::new(&interpreter).args(asked))?;
            let packages = PathBuf::from(String::from_utf8_lossy(&packages.stdout).trim());
            fs::write(packages.join("begin.pth"), self.begin).map_err(trouble)?;
        }
        fs::write(&complete, contents).map_err(trouble)?;
        Ok(interpreter)
    }
}

/// The folder of the programs.
#[must_use]
pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}

/// Runs one of the programs (its path below the folder of programs, without `.py`) with a client, against a site of
/// its own.
///
/// Where Python or the index is absent it says so and passes, except with `CI=true`.
///
/// # Panics
///
/// When the program fails, when an answer to it did not fit the description, and in CI when there is no Python.
pub fn run(client: &Environment, program: &str) {
    called_by(client, program);
}

/// Runs programs with a client, and then one more that is given what each of them called: the names of the client's
/// methods that returned, as `surface/calls.py` writes them.
///
/// # Panics
///
/// As [`run`] does.
pub fn review(client: &Environment, names: &[&str], reviewer: &str) {
    let calls: Option<Vec<Vec<u8>>> = names.iter().map(|program| called_by(client, program)).collect();
    let (Some(calls), Ok(interpreter)) = (calls, client.interpreter()) else {
        return skip(reviewer, "the programs did not run");
    };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut command = Command::new(interpreter);
    command.arg("-B").arg(source(reviewer)).env("PYTHONPATH", programs());
    for (at, call) in calls.iter().enumerate() {
        let path = folder.path().join(format!("{at}.json"));
        fs::write(&path, call).expect("a file can be written to a temporary folder");
        command.arg(path);
    }
    if let Err(trouble) = succeeds(&mut command) {
        panic!("{trouble}");
    }
}

/// What a program called, or nothing where it cannot be run. However many tests ask, it runs once.
fn called_by(client: &Environment, program: &str) -> Option<Vec<u8>> {
    type Run = Arc<OnceLock<Option<Vec<u8>>>>;
    static RUNS: Mutex<BTreeMap<String, Run>> = Mutex::new(BTreeMap::new());
    let name = format!("{} {program}", client.name);
    let run = Arc::clone(RUNS.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default());
    run.get_or_init(|| run_on(client, program, LocalSite::start)).clone()
}

fn source(program: &str) -> PathBuf {
    programs().join(format!("{program}.py"))
}

/// Like [`run`], on a site that asks its clients to send files to signed URLs.
///
/// # Panics
///
/// As [`run`] does.
pub fn run_signed(client: &Environment, program: &str) {
    let _calls = run_on(client, program, LocalSite::start_signed);
}

fn run_on(client: &Environment, program: &str, start: impl Fn() -> LocalSite) -> Option<Vec<u8>> {
    let interpreter = match client.interpreter() {
        Ok(interpreter) => interpreter,
        Err(reason) => {
            skip(program, reason);
            return None;
        }
    };
    let site = start();
    let scratch = tempfile::tempdir().expect("a temporary folder can be made");
    let mut command = command(interpreter, &source(program), scratch.path());
    command
        .env("FLYWHEEL_CONFORMANCE_SITE", site.document().to_string())
        .env("FLYWHEEL_CONFORMANCE_CALLS", scratch.path().join("calls.json"));
    let output = finish(command, program, &site);
    for line in String::from_utf8_lossy(&output).lines().filter(|line| line.starts_with("SKIPPED")) {
        tell(line);
    }
    // Only programs of the newest client write it.
    Some(fs::read(scratch.path().join("calls.json")).unwrap_or_default())
}

/// What a program of the folder `beside` prints, which is one JSON document, given another document and a site; nothing
/// where it cannot be run.
///
/// # Panics
///
/// As [`run`] does.
pub fn answer(client: &Environment, program: &str, site: &LocalSite, given: &Value) -> Option<Value> {
    let interpreter = match client.interpreter() {
        Ok(interpreter) => interpreter,
        Err(reason) => {
            skip(program, reason);
            return None;
        }
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("beside");
    let scratch = tempfile::tempdir().expect("a temporary folder can be made");
    let mut command = command(interpreter, &folder.join(format!("{program}.py")), scratch.path());
    command.env("FLYWHEEL_BESIDE", given.to_string());
    let output = finish(command, program, site);
    Some(
        serde_json::from_slice(&output)
            .unwrap_or_else(|error| panic!("{program}.py prints no JSON: {error}")),
    )
}

/// A program that will find nothing of this machine's user.
fn command(interpreter: &Path, source: &Path, scratch: &Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(interpreter);
    command
        .arg("-B")
        .arg(source)
        .env("PYTHONPATH", programs())
        // A retry would hide what went wrong the first time.
        .env("FLYWHEEL_SDK_TOTAL_RETRIES", "0")
        .env("NO_PROXY", "127.0.0.1")
        .env("HOME", scratch)
        .env("TMPDIR", scratch)
        .env("PYTHONUTF8", "1")
        .kill_on_drop(true);
    command
}

/// What a program printed.
fn finish(mut command: tokio::process::Command, program: &str, site: &LocalSite) -> Vec<u8> {
    let output = site.block_on(async { tokio::time::timeout(PATIENCE, command.output()).await });
    let output = output
        .unwrap_or_else(|_| panic!("{program}.py was still running after {PATIENCE:?}"))
        .expect("the interpreter of the virtual environment starts");
    assert!(
        output.status.success(),
        "{program}.py: {}\n{}{}\nthe last exchanges:\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        site.recorder().exchanges(),
        site.recorder().report(),
    );
    output.stdout
}

fn skip(program: &str, reason: &str) {
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
    assert!(!in_ci, "{program}.py cannot be run, and CI must run it: {reason}");
    tell(&format!("SKIPPED {program}.py: {reason}"));
}

#[expect(clippy::print_stderr, reason = "a test that did not run has to say so where the runner shows it")]
fn tell(line: &str) {
    eprintln!("{line}");
}

/// The cargo target folder this very program was built into.
fn target_folder() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
    program
        .ancestors()
        .find(|folder| folder.ends_with("deps") || folder.ends_with("examples"))
        .and_then(|deps| deps.ancestors().nth(2))
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("{} is not in a cargo target folder", program.display()))
}

fn succeeds(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}: {}", output.status, text.trim()))
}
