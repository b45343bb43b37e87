//! What ends a gear's program when the site is gone: a shell that waits for its standard input to end, which it does with
//! the site however that ends, and a record from which the next engine ends what even this left.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{
    io::AsyncWriteExt,
    process::{ChildStdin, Command},
};

/// Kills the process group of its first argument, then runs the rest, unless it was told that all is well.
const SCRIPT: &str = r#"read -r word && [ "$word" = well ] && exit
kill -KILL "-$1"
shift
[ $# -eq 0 ] || exec "$@""#;

/// How the name of a record ends; before that it is the name of the run's folder.
const RECORD: &str = "process";

/// Watches over one program. When this goes without [`Warden::dismiss`], the program is killed.
#[derive(Debug)]
pub(super) struct Warden {
    input: Option<ChildStdin>,
    record: PathBuf,
}

impl Warden {
    /// Watches over the process group of this id, which works in `folder`. `after` is a command to run when the group was
    /// killed. What cannot be set up is missed only when the site is killed: it goes to the log.
    pub(super) fn over(
        group: u32,
        folder: &Path,
        after: &[OsString],
        environment: &[(OsString, OsString)],
    ) -> Self {
        let record = record_of(folder);
        if let Some(began) = began(group)
            && let Err(error) = fs::write(&record, format!("{group} {began}\n"))
        {
            tracing::warn!(%error, "the program of a job is not recorded and outlives a kill of the site");
        }
        let mut command = Command::new("sh");
        command
            .args(["-c", SCRIPT, "sh", &group.to_string()])
            .args(after)
            .env_clear()
            .envs(environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // What a terminal sends to the site is not for this one.
        command.process_group(0);
        let input = match command.spawn() {
            Ok(mut child) => child.stdin.take(),
            Err(error) => {
                tracing::warn!(%error, "nothing watches over the program of a job");
                None
            }
        };
        Self { input, record }
    }

    /// The program ended, and nothing is left of it.
    pub(super) async fn dismiss(mut self) {
        if let Some(mut input) = self.input.take() {
            // One that is gone already has nothing to be told.
            let _ = input.write_all(b"well\n").await;
        }
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.record);
    }
}

fn record_of(folder: &Path) -> PathBuf {
    folder.with_extension(RECORD)
}

/// When a process began, in ticks since the machine did: with its id, no other process is mistaken for it.
fn began(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in front of the last parenthesis may hold anything.
    stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

/// Ends the programs that an engine left running below `runs` when its process was killed.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn end_what_was_left(runs: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(runs) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == RECORD)
            && let Some(group) = recorded(&fs::read_to_string(&path)?)
        {
            // It may end by itself meanwhile.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
    Ok(())
}

/// The process group of a record, when its first process is the one that was recorded.
fn recorded(text: &str) -> Option<rustix::process::Pid> {
    let (id, time) = text.trim_end().split_once(' ')?;
    let (id, time): (u32, u64) = (id.parse().ok()?, time.parse().ok()?);
    let same = began(id) == Some(time);
    same.then(|| rustix::process::Pid::from_raw(i32::try_from(id).ok()?)).flatten()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::process::{CommandExt, ExitStatusExt};

    use super::*;

    fn sleeper() -> std::process::Child {
        std::process::Command::new("sleep").arg("600").process_group(0).spawn().unwrap()
    }

    fn was_killed(mut child: std::process::Child) -> bool {
        child.wait().unwrap().signal() == Some(9)
    }

    fn environment() -> Vec<(OsString, OsString)> {
        vec![("PATH".into(), std::env::var_os("PATH").unwrap())]
    }

    #[tokio::test]
    async fn a_program_whose_site_is_gone_is_killed_and_what_is_to_follow_is_run() {
        let runs = tempfile::tempdir().unwrap();
        let (child, mark) = (sleeper(), runs.path().join("after"));
        let after = ["touch".into(), mark.clone().into_os_string()];
        let warden = Warden::over(child.id(), &runs.path().join("job"), &after, &environment());
        assert!(runs.path().join("job.process").exists());
        drop(warden);
        let killed = tokio::task::spawn_blocking(|| was_killed(child)).await.unwrap();
        assert!(killed);
        while !mark.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_warden_that_is_dismissed_leaves_the_group_alone() {
        let runs = tempfile::tempdir().unwrap();
        let (mut child, mark) = (sleeper(), runs.path().join("after"));
        let after = ["touch".into(), mark.clone().into_os_string()];
        let mut warden = Warden::over(child.id(), &runs.path().join("job"), &after, &environment());
        let mut input = warden.input.take().unwrap();
        input.write_all(b"well\n").await.unwrap();
        // The shell closes its end when it has ended.
        while input.write_all(b"\n").await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        drop(warden);
        assert!(child.try_wait().unwrap().is_none() && !mark.exists());
        assert!(!runs.path().join("job.process").exists());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn the_next_engine_ends_what_was_recorded_and_nothing_else() {
        let runs = tempfile::tempdir().unwrap();
        let (left, mut other) = (sleeper(), sleeper());
        let record = |name: &str, id: u32, time: u64| {
            fs::write(runs.path().join(name), format!("{id} {time}\n")).unwrap();
        };
        record("a.process", left.id(), began(left.id()).unwrap());
        record("b.process", other.id(), began(other.id()).unwrap() + 1);
        fs::write(runs.path().join("c.process"), "cut sh").unwrap();
        end_what_was_left(runs.path()).unwrap();
        assert!(was_killed(left));
        assert!(other.try_wait().unwrap().is_none(), "another process of the same id is not ended");
        other.kill().unwrap();
        other.wait().unwrap();
        end_what_was_left(&runs.path().join("none")).unwrap();
    }
}
