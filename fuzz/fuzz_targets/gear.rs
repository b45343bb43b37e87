//! Gear manifests, and values held against them.
#![no_main]

use flywheel_core::gear::{Manifest, environment_name, environment_text, schema};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|text: &str| {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return };
    let manifest = match Manifest::new(document.clone()) {
        Ok(manifest) => manifest,
        Err(error) => {
            assert!(!error.0.is_empty() && !error.to_string().is_empty(), "a refusal without a reason");
            return;
        }
    };
    assert_eq!(Some(manifest.as_map()), document.as_object(), "a manifest keeps what it was made of");
    let defaults = manifest.default_config();
    if let Ok(complete) = manifest.complete_config(&defaults) {
        assert_eq!(
            manifest.complete_config(&complete).as_ref(),
            Ok(&complete),
            "complete twice is complete once"
        );
        let call = json!({"config": complete, "inputs": {}});
        let about_config =
            |violation: &schema::Violation| violation.path.first().is_some_and(|key| key == "config");
        let violations = schema::violations(&manifest.invocation_schema(), &call);
        assert!(!violations.iter().any(about_config), "{violations:?}");
    }
    for (key, value) in &defaults {
        let _ = (environment_name(key), environment_text(value));
    }
    for input in manifest.inputs() {
        assert_eq!(manifest.input(input.name).map(|found| found.name), Some(input.name));
        let _ = input.accepts(&json!({"type": "dicom", "name": "a", "tags": ["b"]}));
    }
});
