//! Manifests made up and published, their configuration and their inputs.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::*;

fn document() -> Value {
    json!({
        "name": "smooth-it", "label": "Smooth it", "description": "Smooths", "version": "1.0.0", "author": "A",
        "license": "MIT", "url": "https://example.org", "source": "",
        "config": {
            "fwhm": {"type": "number", "default": 6, "minimum": 0, "description": "mm"},
            "mode": {"type": "string", "enum": ["fast", "slow"]},
            "note": {"type": "string", "optional": true},
        },
        "inputs": {
            "image": {"base": "file", "type": {"enum": ["nifti"]}, "name": {"pattern": "^.*\\.nii"}},
            "mask": {"base": "file", "optional": true},
            "words": {"base": "context", "optional": true},
            "key": {"base": "api-key", "read-only": true},
        },
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let mut document = document();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[key] = value;
    document
}

fn manifest() -> Manifest {
    Manifest::new(document()).unwrap()
}

#[test]
fn what_breaks_a_rule_is_named_with_its_place() {
    for (pointer, value, told) in [
        ("/name", json!("Smooth"), "name: "),
        ("/name", json!("x".repeat(101)), "name: has more than 100"),
        ("/label", json!(null), "label: must be text"),
        ("/license", json!("Beerware"), "license: "),
        ("/url", json!("no address"), "url: "),
        ("/inputs", json!([]), "inputs: must be an object"),
        ("/environment", json!({"A": 1}), "environment.A: "),
        ("/capabilities", json!("networking"), "capabilities: "),
        ("/config/fwhm", json!({"default": 1}), "config.fwhm.type: is required"),
        ("/config/fwhm", json!({"type": "float"}), "config.fwhm.type: must be one of"),
        ("/config/fwhm", json!({"type": "number", "default": "6"}), "config.fwhm.default: "),
        ("/config/fwhm", json!({"type": "number", "default": -1, "minimum": 0}), "less than the minimum"),
        ("/config/fwhm", json!({"type": "number", "default": 6, "optional": true}), "only one of them"),
        ("/config/fwhm", json!({"type": "string", "pattern": "("}), "regular expression"),
        ("/inputs/image", json!({}), "inputs.image.base: is required"),
        ("/inputs/image", json!({"base": "folder"}), "inputs.image.base: must be"),
        ("/inputs/image", json!({"base": "file", "optional": "no"}), "inputs.image.optional: "),
        ("/inputs/image", json!({"base": "file", "type": {"enum": []}}), "inputs.image.type: "),
        ("/inputs/..", json!({"base": "file"}), "name of a folder"),
    ] {
        let error = Manifest::new(with(pointer, value.clone())).unwrap_err();
        assert!(error.to_string().contains(told), "{pointer} {value}: {error}");
    }
    assert!(Manifest::new(json!([])).is_err());
}

#[test]
fn every_missing_key_is_told_at_once() {
    let error = Manifest::new(json!({})).unwrap_err();
    assert_eq!(error.0.len(), 10, "{error}");
}

#[test]
fn defaults_are_filled_in_and_values_are_checked() {
    let (manifest, given) = (manifest(), |value: Value| value.as_object().cloned().unwrap());
    let complete = manifest.complete_config(&given(json!({"mode": "fast", "extra": 1}))).unwrap();
    assert_eq!(Value::Object(complete), json!({"fwhm": 6, "mode": "fast", "extra": 1}));
    for (config, key) in [
        (json!({}), "mode"),
        (json!({"mode": "medium"}), "mode"),
        (json!({"mode": "fast", "fwhm": -1}), "fwhm"),
        (json!({"mode": "fast", "fwhm": null}), "fwhm"),
        (json!({"mode": "fast", "note": 5}), "note"),
    ] {
        assert_eq!(manifest.complete_config(&given(config)).unwrap_err().key, key);
    }
}

#[test]
fn an_input_takes_the_files_its_snippets_describe() {
    let manifest = manifest();
    let image = manifest.input("image").unwrap();
    assert!(image.accepts(&json!({"type": "nifti", "name": "a.nii.gz"})));
    assert!(!image.accepts(&json!({"type": null, "name": "a.nii.gz"})));
    assert!(!image.accepts(&json!({"type": "nifti", "name": "a.dcm"})));
    assert!(image.is_required_file() && !manifest.input("mask").unwrap().is_required_file());
    assert!(manifest.input("mask").unwrap().accepts(&json!({"type": "text"})));
    let key = manifest.input("key").unwrap();
    assert!(key.base() == Base::ApiKey && key.is_read_only() && !key.accepts(&json!({})));
}

#[test]
fn the_invocation_schema_requires_what_a_call_must_give() {
    let schema = manifest().invocation_schema();
    assert_eq!(schema["title"], "Invocation manifest for Smooth it");
    assert_eq!(schema["properties"]["config"]["required"], json!(["mode"]));
    let fwhm = json!({"type": "number", "default": 6, "minimum": 0});
    assert_eq!(schema["properties"]["config"]["properties"]["fwhm"], fwhm);
    assert_eq!(schema["properties"]["inputs"]["required"], json!(["image", "key"]));
    let call = json!({"config": {"mode": "fast"}, "inputs": {"image": {"type": "nifti"}, "key": {}}});
    assert!(schema::fits(&schema, &call), "{:?}", schema::violations(&schema, &call));
    let bare = Manifest::new(with("/inputs", json!({}))).unwrap().invocation_schema();
    assert_eq!(bare["properties"]["inputs"].get("required"), None);
}

#[test]
fn custom_keys_have_their_meaning() {
    let custom = json!({"flywheel": {"invalid": "broken", "show-job": true}, "gear-builder": {"category": "qa", "image": "a/b:1"}});
    let manifest = Manifest::new(with("/custom", custom)).unwrap();
    assert!(manifest.invalid().is_some() && manifest.shows_job());
    assert_eq!(
        (manifest.category(), manifest.image(), manifest.command()),
        (Some("qa"), Some("a/b:1"), "./run")
    );
    assert!(self::manifest().invalid().is_none() && !self::manifest().shows_job());
}

#[test]
fn values_stand_in_the_environment_as_text() {
    for (value, text) in
        [(json!("a b"), "a b"), (json!(true), "true"), (json!(1.5), "1.5"), (json!(["a"]), r#"["a"]"#)]
    {
        assert_eq!(environment_text(&value), text);
    }
}

fn published(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            published(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

#[test]
fn published_manifests_obey_the_rules_and_their_defaults_fit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/gears");
    if !folder.is_dir() {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    }
    let mut paths = Vec::new();
    published(&folder, &mut paths);
    assert!(paths.len() >= 94, "{}", paths.len());
    for path in paths {
        let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let manifest = document.get("gear").cloned().unwrap_or(document);
        let manifest = Manifest::new(manifest).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        match manifest.complete_config(&Map::new()) {
            Ok(config) => assert_eq!(config, manifest.default_config()),
            Err(error) => {
                assert!(!manifest.default_config().contains_key(&error.key), "{}: {error}", path.display())
            }
        }
        assert_eq!(manifest.invocation_schema()["type"], "object");
    }
}
