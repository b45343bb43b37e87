//! `fw site`: one JSON line, a stop that loses nothing, users.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value as Json;

use crate::support::{failure, fw, json, stdout};

/// A served site and the line it printed.
pub(crate) struct Served {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    pub(crate) line: Json,
}

pub(crate) fn serve(home: &Path, arguments: &[&str]) -> Served {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("fw"))
        .env("HOME", home)
        .args(["site", "serve", "--listen", "127.0.0.1:0", "--json", "--data"])
        .arg(home.join("site"))
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    Served { child, output, line: serde_json::from_str(&line).unwrap() }
}

impl Drop for Served {
    /// A failed test leaves no process behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    /// Sends a signal, and says how the process ended and what else it printed.
    fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.output, &mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

#[test]
fn a_site_tells_where_it_is_in_one_line_and_stops_when_told_to() {
    for signal in ["-TERM", "-INT"] {
        let home = tempfile::tempdir().unwrap();
        let served = serve(home.path(), &["--admin-key", "secret", "--drone-secret", "drone"]);
        let url = served.line["url"].as_str().unwrap().to_owned();
        let host = url.strip_prefix("http://").unwrap();
        let keys: Vec<_> = served.line.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["url", "api_key", "drone_secret", "data"]);
        assert_eq!(served.line["api_key"], format!("{host}:__force_insecure:secret"));
        assert_eq!(served.line["drone_secret"], "drone");
        let key = served.line["api_key"].as_str().unwrap().to_owned();
        let status = json(fw(home.path()).env("FLYWHEEL_API_KEY", key).arg("status"));
        assert_eq!(status["site"], url.as_str());
        assert_eq!(served.stop(signal), (Some(0), String::new()), "{signal}");
    }
}

#[test]
fn what_was_stored_is_there_at_the_next_start() {
    let home = tempfile::tempdir().unwrap();
    let run = |served: &Served, arguments: &[&str]| {
        stdout(
            fw(home.path()).env("FLYWHEEL_API_KEY", served.line["api_key"].as_str().unwrap()).args(arguments),
        )
    };
    let served = serve(home.path(), &[]);
    std::fs::create_dir(home.path().join("empty")).unwrap();
    run(&served, &["import", "dicom", home.path().join("empty").to_str().unwrap(), "lab/Study"]);
    served.stop("-TERM");
    let served = serve(home.path(), &[]);
    assert!(run(&served, &["ls", "lab"]).starts_with("project\tStudy\t"));
    served.stop("-TERM");
}

#[test]
fn an_added_user_can_log_in() {
    let home = tempfile::tempdir().unwrap();
    let site = home.path().join("site");
    let secret =
        stdout(fw(home.path()).args(["site", "user", "add", "ada@example.org", "--data"]).arg(&site));
    let admin = json(
        fw(home.path()).args(["site", "user", "add", "root@example.org", "--admin", "--data"]).arg(&site),
    );
    let served = serve(home.path(), &[]);
    let host = served.line["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    for (secret, admin) in [(secret.trim(), false), (admin["key"].as_str().unwrap(), true)] {
        let key = format!("{host}:__force_insecure:{secret}");
        let status = json(fw(home.path()).env("FLYWHEEL_API_KEY", key).arg("status"));
        assert_eq!(status["user"]["admin"], admin);
    }
    // The folder of a running site is in use.
    let (code, text) =
        failure(fw(home.path()).args(["site", "user", "add", "x@example.org", "--data"]).arg(&site));
    assert_eq!(code, 1);
    assert!(text.contains("in use"), "{text}");
    served.stop("-TERM");
}

#[test]
fn an_address_that_is_none_is_a_wrong_command_line() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("site");
    assert_eq!(
        failure(fw(home.path()).args(["site", "serve", "--listen", "nowhere", "--data"]).arg(&data)).0,
        2
    );
}

#[test]
fn a_seeded_site_holds_what_was_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let site = home.path().join("site");
    let counts = ["--subjects", "2", "--sessions", "1", "--acquisitions", "2", "--files", "4"];
    let made = json(fw(home.path()).args(["site", "seed", "--data"]).arg(&site).args(counts));
    assert_eq!((&made["subjects"], &made["files"]), (&2.into(), &16.into()));
    let served = serve(home.path(), &[]);
    let key = served.line["api_key"].as_str().unwrap();
    let listed = stdout(fw(home.path()).env("FLYWHEEL_API_KEY", key).args(["ls", "seed/Healthy Aging 001"]));
    assert!(listed.contains("sub-00001") && listed.contains("sub-00002"), "{listed}");
}

#[test]
fn a_check_tells_a_whole_site_from_a_damaged_one() {
    let home = tempfile::tempdir().unwrap();
    let site = home.path().join("site");
    let check = |arguments: &[&str]| {
        let mut command = fw(home.path());
        command.args(["site", "check", "--data"]).arg(&site).args(arguments);
        command
    };
    assert_eq!(failure(&mut check(&[])).0, 2);
    stdout(fw(home.path()).args(["site", "seed", "--data"]).arg(&site));
    let report = json(&mut check(&["--contents"]));
    assert_eq!((&report["whole"], &report["files"]), (&true.into(), &240.into()));
    std::fs::remove_dir_all(site.join("blobs")).unwrap();
    let (code, said) = failure(&mut check(&[]));
    assert_eq!(code, 1);
    assert!(said.contains("is damaged"), "{said}");
}
