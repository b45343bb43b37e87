//! A local site in a process of its own, on a free loopback port.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::Client;

/// The administrator's key of every such site.
const KEY: &str = "key-of-the-process";

/// A running site. Dropping it kills it.
pub struct Process {
    child: Child,
    /// Speaks to it as `admin`.
    pub client: Client,
    /// From the start of the program to its first line of output.
    pub started_in: Duration,
}

impl Process {
    /// Serves a folder with `fw site serve`.
    ///
    /// # Panics
    ///
    /// When the program is not there or does not say where it listens.
    #[must_use]
    pub fn fw(program: &Path, folder: &Path) -> Self {
        let mut command = Command::new(program);
        command.args(["site", "serve", "--listen", "127.0.0.1:0", "--json", "--admin-key", KEY, "--data"]);
        command.arg(folder);
        Self::start(command).expect("fw serves the folder")
    }

    /// Serves a folder with the program `site-process` of this package.
    ///
    /// # Panics
    ///
    /// When the program is not there or does not say where it listens.
    #[must_use]
    pub fn plain(program: &Path, folder: &Path) -> Self {
        let mut command = Command::new(program);
        command.arg(folder).arg(KEY);
        Self::start(command).expect("the program serves the folder")
    }

    /// Serves a folder with a script of the shell, which is given what `site-process` takes.
    ///
    /// # Panics
    ///
    /// When the script does not end in a program that says where it listens.
    #[must_use]
    pub fn shell(script: &str, folder: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(folder).arg(KEY);
        Self::start(command).expect("the script serves the folder")
    }

    fn start(mut command: Command) -> Option<Self> {
        let begun = Instant::now();
        let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
        let started_in = begun.elapsed();
        let said: Option<Value> = serde_json::from_str(&line).ok();
        let url = said.as_ref().and_then(|said| said["url"].as_str()).unwrap_or(line.trim());
        let address: SocketAddr = url.strip_prefix("http://")?.parse().ok()?;
        let client = Client::new(address, vec![("admin".to_owned(), KEY.to_owned())]);
        Some(Self { child, client, started_in })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a loss of power would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
