//! Sources that must be refused, with an error that names file, place and mend, and nothing half-written.

use std::fs;

use serde_json::{Value, json};

use super::super::{Args, run};
use super::tiny::{Tiny, method, model};

/// Imports the bytes over an existing description and gives the error; the description must stay as it was, alone in its folder.
fn refused(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let sources = tempfile::tempdir().unwrap();
    let out = folder.path().join("flywheel.json");
    fs::write(&out, "as it was").unwrap();
    let source = sources.path().join(name);
    fs::write(&source, bytes).unwrap();
    let error = run(&Args { source, out: out.clone() }).unwrap_err();
    assert_eq!(fs::read_to_string(&out).unwrap(), "as it was");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
    let text = format!("{error:#}");
    assert!(text.contains(name), "the file is not named: {text}");
    text
}

fn refused_document(document: &Value) -> String {
    refused("site.json", &serde_json::to_vec(document).unwrap())
}

fn tiny() -> Tiny {
    Tiny::new(&[&method("get_things", "GET", "/things", "", "", "'Thing'")])
}

/// A sound document of one operation.
fn document() -> Value {
    json!({
        "openapi": "3.1.0", "info": {"title": "T", "version": "1"},
        "paths": {"/api/things": {"get": {"operationId": "get_things", "tags": ["things"], "responses": {"200": {
            "description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
        }}}}},
        "components": {"schemas": {"Thing": {"type": "object", "properties": {"label": {"type": "string"}}}}},
    })
}

#[test]
fn a_zip_that_is_not_a_wheel() {
    let text = refused("a.whl", &tiny().without("flywheel_sdk-9.9.9.dist-info/METADATA").bytes());
    assert!(text.contains("METADATA"), "{text}");
    assert!(text.contains("give a wheel of the package `flywheel-sdk`"), "{text}");
}

#[test]
fn a_wheel_without_models() {
    let text = refused("a.whl", &tiny().without("flywheel/models/thing.py").bytes());
    assert!(text.contains("no modules in `flywheel/models/`"), "{text}");
}

#[test]
fn a_truncated_zip() {
    let bytes = tiny().bytes();
    let text = refused("cut.whl", &bytes[..bytes.len() / 2]);
    assert!(text.contains("not a readable zip"), "{text}");
    assert!(text.contains("take the wheel from the package index again"), "{text}");
}

#[test]
fn neither_a_wheel_nor_json() {
    assert!(refused("a.txt", b"hello").contains("neither a wheel (a zip) nor a JSON document"));
}

#[test]
fn a_module_that_is_not_python() {
    let text = refused("a.whl", &tiny().with("flywheel/models/bad.py", "class A:\n  x = = 1\n").bytes());
    assert!(text.contains("flywheel/models/bad.py:2: not Python"), "{text}");
}

#[test]
fn a_type_that_no_model_defines() {
    let bad = model("Bad", &[("x", "x", "list[Nope]", "optional", "None")]);
    let text = refused("a.whl", &tiny().with("flywheel/models/bad.py", &bad).bytes());
    assert!(text.contains("model Bad: unknown type `Nope`"), "{text}");
}

#[test]
fn a_type_that_cannot_be_read() {
    let bad = model("Bad", &[("x", "x", "map<str>", "optional", "None")]);
    let text = refused("a.whl", &tiny().with("flywheel/models/bad.py", &bad).bytes());
    assert!(
        text.contains("flywheel/models/bad.py: class Bad: property `x`: unknown type `map<str>`"),
        "{text}"
    );
}

#[test]
fn two_operations_of_one_name_in_a_wheel() {
    let twice = method("get_things", "GET", "/more", "", "", "'Thing'");
    let text = refused(
        "a.whl",
        &tiny().with("flywheel/api/more_api.py", &format!("class MoreApi:\n{twice}")).bytes(),
    );
    assert!(text.contains("the operation `get_things` is defined twice"), "{text}");
}

#[test]
fn two_operations_of_one_name_in_a_document() {
    let mut bad = document();
    bad["paths"]["/api/more"] = bad["paths"]["/api/things"].clone();
    let text = refused_document(&bad);
    assert!(
        text.contains(
            "/paths/~1things/get/operationId: the operation id `get_things` is taken by /paths/~1more"
        ),
        "{text}"
    );
    assert!(text.contains("give each operation its own id"), "{text}");
}

#[test]
fn a_document_with_a_reference_that_leads_nowhere() {
    let mut bad = document();
    bad["components"]["schemas"]["Thing"]["properties"]["label"] =
        json!({"$ref": "#/components/schemas/Nope"});
    let text = refused_document(&bad);
    assert!(text.contains("/components/schemas/Thing/properties/label: the reference `#/components/schemas/Nope` leads nowhere"), "{text}");
    let mut bad = document();
    bad["paths"]["/api/things"]["get"]["parameters"] = json!([{"$ref": "#/components/parameters/Nope"}]);
    assert!(refused_document(&bad).contains("/paths/~1things/get/parameters/0: the reference"));
}

#[test]
fn a_document_with_an_unknown_type() {
    let mut bad = document();
    bad["components"]["schemas"]["Thing"]["properties"]["label"] = json!({"type": "text"});
    let text = refused_document(&bad);
    assert!(
        text.contains("/components/schemas/Thing/properties/label/type: unknown type `text`; write string"),
        "{text}"
    );
}

#[test]
fn one_operation_inside_and_outside_of_the_api() {
    let mut bad = document();
    bad["paths"]["/things"] =
        json!({"get": {"operationId": "other", "responses": {"200": {"description": ""}}}});
    assert!(refused_document(&bad).contains("`get /things` stands both inside and outside of `/api`"));
}

#[test]
fn a_document_of_an_unknown_version() {
    let mut bad = document();
    bad["openapi"] = json!("4.0.0");
    assert!(refused_document(&bad).contains("version `4.0.0` is not known"));
    assert!(refused_document(&json!({"swagger": "1.2"})).contains("version `1.2` is not known"));
}

#[test]
fn a_place_that_cannot_be_written() {
    let sources = tempfile::tempdir().unwrap();
    let source = sources.path().join("site.json");
    fs::write(&source, serde_json::to_vec(&document()).unwrap()).unwrap();
    let error = run(&Args { source, out: sources.path().join("absent/flywheel.json") }).unwrap_err();
    assert!(format!("{error:#}").contains("no file can be made in this folder"));
}
