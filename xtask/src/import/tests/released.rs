//! Released wheels: from the folder that `FLYWHEEL_WHEELS` names, else from the package index by pip.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

use super::super::read;
use crate::lint;

/// One download at a time.
static INDEX: Mutex<()> = Mutex::new(());

/// The wheel of a release. Without one the caller skips, except in CI, where that is a failure.
pub(crate) fn wheel(version: &str) -> Option<PathBuf> {
    let given = std::env::var_os("FLYWHEEL_WHEELS").map(PathBuf::from);
    let found = given.and_then(|folder| find(&folder, version)).or_else(|| download(version));
    if found.is_none() {
        let message = format!(
            "flywheel-sdk {version}: no wheel in the folder FLYWHEEL_WHEELS names, and pip could not get it"
        );
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
        eprintln!("skipped: {message}");
    }
    found
}

fn find(folder: &Path, version: &str) -> Option<PathBuf> {
    let start = format!("flywheel_sdk-{version}-");
    let entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let is_wheel = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with(&start) && name.ends_with(".whl"))
    };
    entries.filter(is_wheel).min()
}

/// Gets the wheel into a cache under the target folder, where this test program is.
fn download(version: &str) -> Option<PathBuf> {
    let cache = std::env::current_exe().ok()?.ancestors().nth(3)?.join("wheels");
    let _one = INDEX.lock();
    if let Some(found) = find(&cache, version) {
        return Some(found);
    }
    let wanted = format!("flywheel-sdk=={version}");
    let arguments = ["-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python", "--dest"];
    Command::new("python3").args(arguments).arg(&cache).arg(&wanted).output().ok()?;
    find(&cache, version)
}

fn checked_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/flywheel.json")
}

#[test]
fn release_23_has_the_known_numbers() {
    let Some(wheel) = wheel("23.0.0") else { return };
    let summary = read(&wheel).unwrap().summary;
    let known = [
        ("wrapped operations", 535),
        ("method and path pairs", 509),
        ("paths", 328),
        ("pairs shared by several operations", 13),
        ("operations that are variants of another", 26),
        ("tags", 43),
        ("object models", 516),
        ("models without fields", 19),
        ("enums", 78),
        ("enum values", 513),
        ("aliases", 88),
        ("deprecated subclasses", 71),
        ("properties", 3185),
        ("required properties", 1121),
        ("property defaults", 289),
        ("JSON bodies", 219),
        ("multipart bodies", 16),
        ("union bodies", 12),
        ("union answers", 86),
        ("distinct union answers", 34),
        ("answers without a type", 44),
        ("file downloads", 15),
        ("raw streams", 1),
        ("query parameters", 860),
        ("path parameters", 606),
        ("header parameters", 192),
        ("form parts", 15),
        ("file parts", 16),
        ("header lists, comma separated", 72),
        ("query lists, repeated key", 6),
        ("constants added by the client", 20),
    ];
    for (name, count) in known {
        assert_eq!(summary.get(name), Some(count), "{name}");
    }
}

#[test]
fn the_checked_in_description_is_what_release_23_gives() {
    let Some(wheel) = wheel("23.0.0") else { return };
    let text = std::fs::read_to_string(checked_in()).unwrap();
    let ours: Value = serde_json::from_str(&text).unwrap();
    assert!(
        ours == read(&wheel).unwrap().document,
        "openapi/flywheel.json differs; run `cargo xtask import` on the wheel of flywheel-sdk 23.0.0"
    );
}

#[test]
fn earlier_releases_import_and_keep_every_rule() {
    let releases = [
        ("2.5.3", 285, 158),
        ("11.4.5", 434, 242),
        ("14.6.6", 453, 257),
        ("16.19.2", 484, 459),
        ("17.8.0", 478, 431),
        ("20.6.0", 524, 441),
    ];
    for (version, operations, models) in releases {
        let Some(wheel) = wheel(version) else { continue };
        let imported = read(&wheel).unwrap();
        assert_eq!(lint::structure(&imported.document), [], "{version}");
        assert_eq!(imported.summary.get("wrapped operations"), Some(operations), "{version}");
        assert_eq!(imported.summary.get("object models"), Some(models), "{version}");
    }
}
