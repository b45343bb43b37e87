//! The demonstration, as its first readers see it.

use crate::support::{json, stdout};
use std::path::Path;

#[test]
fn it_tells_what_it_found() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("demo");
    let text = stdout(crate::support::fw(home.path()).arg("demo").arg("--dir").arg(&folder));
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"127\.0\.0\.1:\d+, everything", "127.0.0.1:[port], everything");
    settings.add_filter(&regex_of(home.path()), "[home]");
    settings.bind(|| insta::assert_snapshot!(text));
    for report in ["demographics.csv", "quality.csv"] {
        assert!(folder.join("reports").join(report).is_file());
    }

    // A second run finds everything there, and comes to the same results.
    let results = json(crate::support::fw(home.path()).arg("demo").arg("--dir").arg(&folder));
    assert_eq!(results["verified"]["differences"], serde_json::json!([]));
    assert_eq!(results["verified"]["files"], results["uploaded"]["files"]);
    assert_eq!(results["demographics"]["subjects"], 12);
    assert_eq!(results["missing"].as_array().unwrap().len(), 2);
    assert_eq!(results["selection"].as_array().unwrap().len(), 8);
}

#[test]
fn a_folder_of_real_dicom_goes_through_the_same_steps() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/dicom/archive");
    if !data.is_dir() {
        println!("skipped: {} is not there", data.display());
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let results = json(
        crate::support::fw(home.path()).env("TMPDIR", home.path()).arg("demo").arg("--import").arg(&data),
    );
    assert_eq!(results["verified"]["differences"], serde_json::json!([]));
    assert_eq!(results["verified"]["members"], 81);
    assert_eq!(results["kept"], false);
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

fn regex_of(path: &Path) -> String {
    path.to_string_lossy().replace('.', r"\.")
}
