//! A gear's program as a child process in a process group of its own: what it writes comes as lines, and the whole group
//! ends when the program ends, is cancelled, or takes too long.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, Command},
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::logs::{Fd, Line};
#[cfg(unix)]
use super::warden::Warden;

/// How long a program may take to end by itself after it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// How long is waited for the rest of what a program wrote after it ended; a process that left the group may hold on to
/// the pipes for ever.
const REST: Duration = Duration::from_secs(2);

/// The longest line that is passed on in one piece. Bytes.
const LINE: u64 = 16 << 10;

/// What is to be run.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// The program and its arguments.
    pub(super) command: Vec<OsString>,
    /// The folder it runs in.
    pub(super) folder: PathBuf,
    /// Its whole environment.
    pub(super) environment: Vec<(OsString, OsString)>,
    /// What removes what the program leaves when it is killed, such as a container; nothing for most.
    pub(super) after_kill: Vec<OsString>,
}

/// Why a program was stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Somebody cancelled the job.
    Cancelled,
    /// It took longer than it may.
    TimeLimit,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With this status.
    Exited(ExitStatus),
    /// It was stopped.
    Stopped(Stop),
}

/// Runs a program to its end, or until `stop` says why it should not go on. Its lines go to `lines`.
///
/// # Errors
/// When it cannot be started or waited for.
pub(super) async fn run(
    program: &Program,
    lines: mpsc::Sender<Line>,
    stop: impl Future<Output = Stop>,
) -> io::Result<End> {
    let mut child = start(program)?;
    let group = Group::of(&child);
    #[cfg(unix)]
    let warden =
        child.id().map(|id| Warden::over(id, &program.folder, &program.after_kill, &program.environment));
    let mut readers = JoinSet::new();
    if let Some(output) = child.stdout.take() {
        readers.spawn(forward(output, Fd::Stdout, lines.clone()));
    }
    if let Some(errors) = child.stderr.take() {
        readers.spawn(forward(errors, Fd::Stderr, lines));
    }
    let end = tokio::select! {
        status = child.wait() => End::Exited(status?),
        why = stop => {
            group.end();
            if timeout(GRACE, child.wait()).await.is_err() {
                group.kill();
                child.wait().await?;
            }
            End::Stopped(why)
        }
    };
    // What the program left running in the background ends with it.
    drop(group);
    #[cfg(unix)]
    if let Some(warden) = warden {
        warden.dismiss().await;
    }
    // Lines that do not come in time are lost with the pipe they are in.
    let _ = timeout(REST, async { while readers.join_next().await.is_some() {} }).await;
    Ok(end)
}

fn start(program: &Program) -> io::Result<Child> {
    let Some((first, rest)) = program.command.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the gear has no command"));
    };
    let mut command = Command::new(first);
    command
        .args(rest)
        .current_dir(&program.folder)
        .env_clear()
        .envs(program.environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

/// The processes that a program and its children are. They are killed when this goes.
struct Group(#[cfg(unix)] Option<rustix::process::Pid>);

#[cfg(unix)]
impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(rustix::process::Pid::from_raw))
    }

    fn end(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    fn kill(&self) {
        self.signal(rustix::process::Signal::KILL);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        if let Some(group) = self.0 {
            // A group that is gone already has no one left to signal.
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }
}

#[cfg(not(unix))]
impl Group {
    fn of(_child: &Child) -> Self {
        Self()
    }

    fn end(&self) {}

    fn kill(&self) {}
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Passes on what is written, line by line; what is no UTF-8 in it is replaced.
async fn forward(from: impl AsyncRead + Unpin, fd: Fd, lines: mpsc::Sender<Line>) {
    let mut from = BufReader::new(from);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match (&mut from).take(LINE).read_until(b'\n', &mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = Line { fd, text: String::from_utf8_lossy(&bytes).into_owned() };
        if lines.send(line).await.is_err() {
            return;
        }
    }
}

/// Resolves when a program has run for too long.
pub(super) async fn time_limit(limit: Option<Duration>) -> Stop {
    match limit {
        Some(limit) => sleep(limit).await,
        None => std::future::pending().await,
    }
    Stop::TimeLimit
}

/// The program of this name in a search path.
pub(super) fn find(name: &str, path: &std::ffi::OsStr) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shell(script: &str, folder: &Path) -> Program {
        Program {
            command: ["sh", "-c", script].map(OsString::from).to_vec(),
            folder: folder.to_owned(),
            environment: vec![("PATH".into(), std::env::var_os("PATH").unwrap()), ("A".into(), "b c".into())],
            after_kill: Vec::new(),
        }
    }

    async fn lines_of(script: &str, stop: impl Future<Output = Stop>) -> (End, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let (sender, mut receiver) = mpsc::channel(1000);
        let end = run(&shell(script, folder.path()), sender, stop).await.unwrap();
        let mut lines = Vec::new();
        while let Some(line) = receiver.recv().await {
            lines.push(format!("{} {}", line.fd as i8, line.text));
        }
        lines.sort();
        (end, lines)
    }

    #[tokio::test]
    async fn both_streams_and_the_exit_code_arrive() {
        let script = "echo out; printf 'half line'; echo err >&2; echo \"$A ${HOME:-homeless}\"; exit 3";
        let (end, lines) = lines_of(script, time_limit(None)).await;
        assert!(matches!(end, End::Exited(status) if status.code() == Some(3)));
        assert_eq!(lines, ["1 half lineb c homeless\n", "1 out\n", "2 err\n"]);
    }

    #[tokio::test]
    async fn a_stop_ends_the_children_of_the_program_too() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", mark.display());
        let stop = async {
            while !std::fs::read_to_string(&mark).is_ok_and(|text| text.ends_with('\n')) {
                sleep(Duration::from_millis(5)).await;
            }
            Stop::Cancelled
        };
        let (end, _) = lines_of(&script, stop).await;
        assert_eq!(end, End::Stopped(Stop::Cancelled));
        assert!(gone(&std::fs::read_to_string(&mark).unwrap()).await);
    }

    #[tokio::test]
    async fn what_is_left_in_the_background_ends_with_the_program() {
        let (end, lines) = lines_of("sleep 600 & echo $!", time_limit(None)).await;
        assert!(matches!(end, End::Exited(status) if status.success()));
        assert!(gone(lines[0].trim_start_matches("1 ")).await);
    }

    #[tokio::test]
    async fn a_program_that_minds_no_signal_is_killed() {
        let stop = time_limit(Some(Duration::from_millis(50)));
        let (end, _) = lines_of("trap '' TERM; while :; do sleep 0.1; done", stop).await;
        assert_eq!(end, End::Stopped(Stop::TimeLimit));
    }

    /// Whether a process is gone, or will be in a moment: what is killed stays until its parent has looked.
    async fn gone(pid: &str) -> bool {
        let stat = format!("/proc/{}/stat", pid.trim());
        for _ in 0..400 {
            match std::fs::read_to_string(&stat) {
                Ok(text) if !text.contains(") Z ") => sleep(Duration::from_millis(5)).await,
                _ => return true,
            }
        }
        false
    }
}
