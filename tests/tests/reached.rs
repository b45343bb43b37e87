//! Every operation that the site serves was reached with success by a test.
//!
//! The end-to-end suites and the unit tests of the site each leave the operations they reached in a file beside their
//! program. Cargo runs both before this suite.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flywheel_description::{Description, placeholder};
use flywheel_tests::site::LocalSite;
use serde_json::json;

/// The test programs that count.
const PROGRAMS: [&str; 2] = ["e2e", "flywheel_local"];

/// Served, but never with success.
const NEVER: [&str; 1] = [
    // The storage of a local site signs no addresses, which the answer says.
    "get_audit_trail_report_download_url",
];

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|about| about.modified()).ok()
}

/// What a program's newest build left: nothing when that build has not run.
fn record(program: &str) -> Option<String> {
    let own = std::env::current_exe().unwrap();
    let files = std::fs::read_dir(own.parent().unwrap()).unwrap();
    let builds = files.map(|entry| entry.unwrap().path()).filter(|path| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let suffix = path.extension().unwrap_or_default().to_str().unwrap_or_default();
        stem.rsplit_once('-').is_some_and(|(name, _)| name == program)
            && suffix == std::env::consts::EXE_EXTENSION
    });
    let newest: PathBuf = builds.max_by_key(|path| modified(path))?;
    let left = newest.with_extension("reached");
    (modified(&left)? >= modified(&newest)?).then(|| std::fs::read_to_string(left).unwrap())
}

/// The ids of the operations that do not answer 501.
fn served() -> BTreeSet<String> {
    let site = LocalSite::start();
    let mut served = BTreeSet::new();
    for operation in Description::shared().operations() {
        let path = operation.path(placeholder);
        let answer = site.call(operation.method.clone(), &path).as_user("admin").json(&json!({})).send();
        if answer.status != 501 {
            served.insert(operation.id.clone());
        }
    }
    served
}

#[test]
fn every_served_operation_was_reached_by_a_test() {
    let mut reached = BTreeSet::new();
    for program in PROGRAMS {
        match record(program) {
            Some(lines) => reached.extend(lines.lines().map(str::to_owned)),
            None => {
                let in_ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
                assert!(!in_ci, "the tests of {program} must run before this one");
                return eprintln!(
                    "SKIPPED: the newest build of {program} has not run: cargo test --workspace"
                );
            }
        }
    }
    let served = served();
    for never in NEVER {
        assert!(
            served.contains(never) && reached.insert(never.to_owned()),
            "{never} is no exception any more"
        );
    }
    let missed: Vec<&String> = served.difference(&reached).collect();
    assert!(
        missed.is_empty(),
        "{} of {} served operations were reached by no test (of a whole `cargo test --workspace`): {missed:?}",
        missed.len(),
        served.len(),
    );
}
