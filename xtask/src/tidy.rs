//! `tidy`: the workspace rules that no compiler holds: directions of dependency, first lines, words that must not be committed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::proof;

/// `cargo xtask tidy` takes no arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// What each workspace member may depend on (other members only); the design's layering.
const DIRECTIONS: &[(&str, &[&str])] = &[
    ("flywheel-core", &[]),
    ("flywheel-api", &["flywheel-core"]),
    ("flywheel-description", &[]),
    ("flywheel-local", &["flywheel-core", "flywheel-api"]),
    ("flywheel-sdk", &["flywheel-core", "flywheel-api"]),
    ("flywheel-cli", &["flywheel-core", "flywheel-sdk", "flywheel-local"]),
    (
        "flywheel-tests",
        &[
            "flywheel-core",
            "flywheel-api",
            "flywheel-description",
            "flywheel-sdk",
            "flywheel-local",
            "flywheel-cli",
        ],
    ),
    ("xtask", &[]),
];

/// Packages that one member alone may depend on, so that a policy has one home.
const SINGLE_HOME: &[(&str, &str)] =
    &[("reqwest", "flywheel-api"), ("rusqlite", "flywheel-local"), ("clap", "flywheel-cli")];

/// Runs every rule and prints what breaks it.
///
/// # Errors
/// When `cargo metadata` or `git ls-files` cannot be run or read.
pub(crate) fn run(_args: &Args) -> Result<ExitCode> {
    let root = workspace_root();
    let mut complaints = directions(&metadata(&root)?)?;
    for file in tracked_files(&root)? {
        complaints.extend(check_file(&root, &file)?);
    }
    complaints.extend(proof::complaints(&root)?);
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if complaints.is_empty() {
        println!("tidy: every rule holds");
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{} rule(s) broken", complaints.len());
    Ok(ExitCode::FAILURE)
}

/// The folder of the workspace.
pub(crate) fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

fn stdout_of(root: &Path, program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program).args(args).current_dir(root).output();
    let output = output.with_context(|| format!("cannot run `{program} {}`", args.join(" ")))?;
    if !output.status.success() {
        bail!("`{program} {}` failed: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn metadata(root: &Path) -> Result<Value> {
    let text = stdout_of(root, env!("CARGO"), &["metadata", "--format-version", "1", "--no-deps"])?;
    serde_json::from_str(&text).context("`cargo metadata` printed something that is not JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// Members whose manifests break the layering, in words. Development dependencies may point anywhere but at `xtask`.
fn directions(metadata: &Value) -> Result<Vec<String>> {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        DIRECTIONS.iter().map(|(member, to)| (*member, to.iter().copied().collect())).collect();
    let mut complaints = Vec::new();
    for package in list(metadata, "packages") {
        let member = text(package, "name");
        let Some(allowed_here) = allowed.get(member) else {
            bail!(
                "member `{member}` has no row in DIRECTIONS (xtask/src/tidy.rs): say what it may depend on"
            );
        };
        for dependency in list(package, "dependencies").filter(|d| d.get("kind").is_none_or(Value::is_null)) {
            let on = text(dependency, "name");
            if allowed.contains_key(on) && !allowed_here.contains(on) {
                complaints
                    .push(format!("{member} must not depend on {on}: see docs/ARCHITECTURE.md, directions"));
            }
            if let Some((_, home)) = SINGLE_HOME.iter().find(|(name, home)| *name == on && *home != member)
                && member != "xtask"
                && member != "flywheel-tests"
            {
                complaints.push(format!("{member} must not depend on {on}: only {home} may"));
            }
        }
    }
    Ok(complaints)
}

fn tracked_files(root: &Path) -> Result<Vec<PathBuf>> {
    Ok(stdout_of(root, "git", &["ls-files"])?.lines().map(PathBuf::from).collect())
}

/// What one tracked file breaks.
fn check_file(root: &Path, file: &Path) -> Result<Vec<String>> {
    let Ok(content) = std::fs::read_to_string(root.join(file)) else { return Ok(Vec::new()) };
    let mut complaints = Vec::new();
    let shown = file.display();
    if file.extension().is_some_and(|e| e == "rs") && !opens_with_its_idea(file, &content) {
        complaints
            .push(format!("{shown}:1: the first line of a Rust file says what it is: start with `//!`"));
    }
    for (number, line) in content.lines().enumerate() {
        if let Some(words) = forbidden(line) {
            complaints.push(format!("{shown}:{}: `{words}` must not be committed", number + 1));
        }
    }
    Ok(complaints)
}

/// Generated files name the command that makes them instead.
fn opens_with_its_idea(file: &Path, content: &str) -> bool {
    let first = content.lines().next().unwrap_or_default();
    first.starts_with("//!")
        || (file.components().any(|c| c.as_os_str() == "generated") && first.starts_with("//"))
}

/// Paths and hosts of one machine. Written in halves, so that this file does not break its own rule.
fn forbidden(line: &str) -> Option<&'static str> {
    const HALVES: &[(&str, &str, &str)] = &[
        ("/work", "/main", "a machine path"),
        ("/root", "/", "a machine path"),
        ("/tmp/", "fw-", "a machine path"),
        ("crates.io", "/api", "a registry host"),
        ("files.python", "hosted", "a registry host"),
    ];
    HALVES.iter().find(|(a, b, _)| line.contains(&format!("{a}{b}"))).map(|(_, _, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, on: &str, kind: Value) -> Value {
        json!({"packages": [{"name": name, "dependencies": [{"name": on, "kind": kind}]}]})
    }

    #[test]
    fn a_dependency_against_the_direction_is_named() {
        let found = directions(&package("flywheel-core", "flywheel-sdk", Value::Null)).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("flywheel-core must not depend on flywheel-sdk"), "{found:?}");
    }

    #[test]
    fn a_development_dependency_may_point_back() {
        assert!(directions(&package("flywheel-sdk", "flywheel-local", json!("dev"))).unwrap().is_empty());
    }

    #[test]
    fn the_http_client_has_one_home() {
        let found = directions(&package("flywheel-sdk", "reqwest", Value::Null)).unwrap();
        assert!(found[0].contains("only flywheel-api may"), "{found:?}");
    }

    #[test]
    fn an_unknown_member_must_be_decided_about() {
        assert!(directions(&package("flywheel-new", "serde", Value::Null)).is_err());
    }

    #[test]
    fn a_machine_path_is_found() {
        assert_eq!(forbidden(&format!("cd {}{}", "/work", "/main/x")), Some("a machine path"));
        assert_eq!(forbidden("target/debug/fw"), None);
    }

    #[test]
    fn a_file_without_its_idea_is_found() {
        assert!(!opens_with_its_idea(Path::new("src/a.rs"), "use std::fs;\n"));
        assert!(opens_with_its_idea(
            Path::new("src/generated/a.rs"),
            "// Generated by `cargo xtask generate`.\n"
        ));
    }
}
