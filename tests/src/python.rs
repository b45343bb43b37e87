//! Programs of the official Python client, run against a local site.
//!
//! The client comes from the Python index into a virtual environment below the cargo target
//! folder, made once for each set of versions.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use crate::site::LocalSite;

/// The official client, and what its pages tell users to install beside it.
const PACKAGES: [&str; 2] = ["flywheel-sdk==23.0.0", "pytz==2026.6"];

/// Far more than any program takes: a program that hangs fails instead of stopping the suite.
const PATIENCE: Duration = Duration::from_secs(600);

/// Where the virtual environment's programs are.
const BIN: &str = if cfg!(windows) { "Scripts" } else { "bin" };

static INTERPRETER: LazyLock<Result<PathBuf, String>> = LazyLock::new(prepare);

/// The folder of the programs.
#[must_use]
pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}

/// Runs one of the programs against a site of its own.
///
/// Where Python or the index is absent it says so and passes, except with `CI=true`.
///
/// # Panics
///
/// When the program fails, when an answer to it did not fit the description, and in CI when there
/// is no Python.
pub fn run(program: &str) {
    run_on(program, LocalSite::start);
}

/// Like [`run`], on a site that asks its clients to send files to signed URLs.
///
/// # Panics
///
/// As [`run`] does.
pub fn run_signed(program: &str) {
    run_on(program, LocalSite::start_signed);
}

fn run_on(program: &str, start: impl Fn() -> LocalSite) {
    let interpreter = match &*INTERPRETER {
        Ok(interpreter) => interpreter,
        Err(reason) => return skip(program, reason),
    };
    let site = start();
    let scratch = tempfile::tempdir().expect("a temporary folder can be made");
    let mut command = tokio::process::Command::new(interpreter);
    command
        .arg("-B")
        .arg(programs().join(format!("{program}.py")))
        .env("FLYWHEEL_CONFORMANCE_SITE", site.document().to_string())
        // A retry would hide what went wrong the first time.
        .env("FLYWHEEL_SDK_TOTAL_RETRIES", "0")
        .env("NO_PROXY", "127.0.0.1")
        .env("HOME", scratch.path())
        .env("TMPDIR", scratch.path())
        .env("PYTHONUTF8", "1")
        .kill_on_drop(true);
    let output = site.block_on(async { tokio::time::timeout(PATIENCE, command.output()).await });
    let output = output
        .unwrap_or_else(|_| panic!("{program}.py was still running after {PATIENCE:?}"))
        .expect("the interpreter of the virtual environment starts");
    assert!(
        output.status.success(),
        "{program}.py: {}\n{}{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        site.recorder().report(),
    );
}

#[expect(clippy::print_stderr, reason = "a test that did not run has to say so where the runner shows it")]
fn skip(program: &str, reason: &str) {
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
    assert!(!in_ci, "{program}.py cannot be run, and CI must run it: {reason}");
    eprintln!("SKIPPED {program}.py: {reason}");
}

/// Makes the virtual environment unless it is there; answers its interpreter.
fn prepare() -> Result<PathBuf, String> {
    let folder = target_folder()?.join("conformance");
    let environment = folder.join(PACKAGES.join("-").replace("==", "-"));
    let interpreter = environment.join(BIN).join("python");
    let complete = environment.join("complete");
    let trouble = |error: std::io::Error| format!("{}: {error}", environment.display());

    fs::create_dir_all(&folder).map_err(trouble)?;
    // Test binaries may run at the same time; the first one installs, the others wait.
    let lock = File::create(folder.join("lock")).map_err(trouble)?;
    lock.lock().map_err(trouble)?;
    if complete.exists() && succeeds(Command::new(&interpreter).args(["-c", "import flywheel"])).is_ok() {
        return Ok(interpreter);
    }
    if environment.exists() {
        fs::remove_dir_all(&environment).map_err(trouble)?;
    }
    succeeds(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    succeeds(
        Command::new(&interpreter)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(PACKAGES),
    )?;
    File::create(&complete).map_err(trouble)?;
    Ok(interpreter)
}

/// The cargo target folder this very program was built into.
fn target_folder() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
    program
        .ancestors()
        .find(|folder| folder.ends_with("deps"))
        .and_then(|deps| deps.ancestors().nth(2))
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("{} is not in a cargo target folder", program.display()))
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}: {}", output.status, text.trim()))
}
