//! A site in this process, a home of its own, and the program run against both.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use flywheel_local::{Running, Site, SiteBuilder};
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The program in an environment that says nothing but where home is.
pub(crate) fn fw(home: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("fw"));
    command
        .env_clear()
        .env("HOME", home)
        .env("TZ", "UTC")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.timeout(std::time::Duration::from_secs(120));
    command
}

/// A site, served over TCP by this process, and a user with a key.
pub(crate) struct Lab {
    runtime: Runtime,
    site: Site,
    running: Option<Running>,
    pub(crate) folder: TempDir,
    pub(crate) key: String,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::with(|site| site)
    }

    pub(crate) fn with(configure: impl FnOnce(SiteBuilder) -> SiteBuilder) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (site, running) = runtime.block_on(async {
            let site = configure(Site::builder().data(folder.path().join("site"))).open().await.unwrap();
            let running = site.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
            (site, running)
        });
        let key = running.api_key();
        Self { runtime, site, running: Some(running), folder, key }
    }

    /// The key of a user who is no administrator.
    pub(crate) fn guest(&self) -> String {
        let secret = self.runtime.block_on(self.site.add_user("guest@example.org", false)).unwrap();
        self.running.as_ref().unwrap().key(&secret)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file to be sent.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The program without a key.
    pub(crate) fn fw(&self) -> Command {
        fw(self.folder.path())
    }

    /// The program with the administrator's key.
    pub(crate) fn admin(&self) -> Command {
        let mut command = self.fw();
        command.env("FLYWHEEL_API_KEY", &self.key);
        command
    }

    /// A client for what the program has no command for.
    pub(crate) fn run<T>(&self, work: impl AsyncFnOnce(flywheel::Client) -> flywheel::Result<T>) -> T {
        let client = flywheel::Client::new(self.key.as_str()).unwrap();
        self.runtime.block_on(work(client)).unwrap()
    }

    /// A study with two acquisitions to put files in.
    pub(crate) fn study(&self) {
        self.run(async |client| {
            let project = client.add_group("lab", "Lab").await?.add_project("Study").await?;
            let session = project.add_subject("sub-01").await?.add_session("ses-01").await?;
            session.add_acquisition("T1w").await?;
            session.add_acquisition("T1w ../x").await?;
            Ok(())
        });
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.shutdown());
        }
    }
}

/// What Ctrl-C does to a program.
pub(crate) fn interrupt(child: &std::process::Child) {
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
}

/// What a run printed, by stream.
pub(crate) fn texts(output: &Output) -> (String, String) {
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// Standard output of a run that must succeed.
pub(crate) fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{:?}\n{out}\n{err}", output.status);
    out
}

/// Standard output of a run that must succeed with JSON.
pub(crate) fn json(command: &mut Command) -> Json {
    let out = stdout(command.arg("--json"));
    assert_eq!(out.lines().count(), 1, "{out}");
    serde_json::from_str(&out).unwrap()
}

/// The exit code and standard error of a run.
pub(crate) fn failure(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    (output.status.code().unwrap(), texts(&output).1)
}
