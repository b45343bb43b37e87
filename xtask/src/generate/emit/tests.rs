//! Tests: what a small description becomes, file by file.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::files;
use crate::generate::decisions::Decisions;
use crate::generate::document::Document;
use crate::generate::normalise::normalise;
use crate::generate::operations::rows;

fn generated(description: Value, decisions: &str) -> anyhow::Result<String> {
    let mut document = Document::new(description)?;
    normalise(&mut document)?;
    let rows = rows(&document, &serde_saphyr::from_str::<Decisions>(decisions)?)?;
    let files = files(&document, &rows)?;
    let shown = files.into_iter().map(|(path, text)| {
        let name = path.strip_prefix(super::FOLDER).unwrap().display().to_string();
        format!("// ---- {name}\n{text}")
    });
    Ok(shown.collect::<Vec<_>>().join("\n"))
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn json_content(schema: Value) -> Value {
    json!({ "content": { "application/json": { "schema": schema } } })
}

fn answer(schema: Value) -> Value {
    let mut answer = json_content(schema);
    answer["description"] = "Success".into();
    json!({ "2XX": answer })
}

fn operation(id: &str, parameters: Value, responses: Value) -> Value {
    json!({ "operationId": id, "tags": ["things"], "parameters": parameters, "responses": responses })
}

fn small() -> Value {
    let id = json!({ "name": "thing_id", "in": "path", "required": true, "schema": { "type": "string" } });
    let bytes = json!({ "2XX": { "description": "", "content": { "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } } } });
    let mut modify = operation("modify_thing", json!([id]), json!({ "2XX": { "description": "" } }));
    modify["requestBody"] = json_content(reference("ThingModify"));
    let mut upload = operation("upload_thing", json!([id]), answer(json!({ "type": "string" })));
    upload["requestBody"] = json!({ "content": { "multipart/form-data": { "schema": {
        "properties": { "file": { "type": "string", "format": "binary" } },
    } } } });
    let mut download = operation("download_thing", json!([id]), bytes);
    download["x-flywheel-variants"] = json!([{
        "operationId": "get_thing_ticket",
        "constants": { "query": { "ticket": "" } },
        "responses": answer(reference("Thing")),
    }]);
    let list = operation(
        "get_all_things",
        json!([
            { "name": "type", "in": "query", "schema": reference("Kind") },
            { "name": "X-Accept-Feature", "in": "header", "schema": { "type": "array", "items": { "type": "string" } } },
        ]),
        answer(json!({ "type": "array", "items": reference("Thing") })),
    );
    let thing = json!({ "type": "object", "required": ["_id"], "properties": {
        "_id": { "type": "string" },
        "size": { "type": "integer", "default": 0 },
        "kind": reference("Kind"),
        "created": { "type": "string", "format": "date-time" },
        "owner": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] },
    } });
    json!({
        "openapi": "3.0.3",
        "info": { "title": "Small", "version": "1" },
        "paths": {
            "/things": { "get": list },
            "/things/{thing_id}": { "put": modify },
            "/things/{thing_id}/file": { "get": download, "post": upload },
        },
        "components": { "schemas": {
            "Thing": thing,
            "ThingNode": { "allOf": [reference("Thing")], "x-flywheel-alias-of": "Thing" },
            "ThingModify": { "type": "object", "properties": { "label": { "type": "string" }, "size": { "type": "integer" } } },
            "Kind": { "type": "string", "enum": ["a", "7T", "self"] },
        } },
    })
}

const DECISIONS: &str = "{repeatable: [modify_thing], once: [upload_thing], lists: {whole: [get_all_things]}, streams: [download_thing]}";

#[test]
fn a_small_description_becomes_these_files() {
    insta::assert_snapshot!(generated(small(), DECISIONS).unwrap());
}

#[test]
fn an_operation_that_nobody_decided_about_stops_generation() {
    let error = generated(small(), "{once: [upload_thing]}").unwrap_err().to_string();
    for id in ["modify_thing", "get_all_things", "download_thing"] {
        assert!(error.contains(id), "{error}");
    }
    assert!(error.contains("openapi/operations.yaml"), "{error}");
}

#[test]
fn two_values_with_one_rust_name_are_refused() {
    let mut description = small();
    description["components"]["schemas"]["Kind"]["enum"] = json!(["a-b", "a_b"]);
    let error = generated(description, DECISIONS).unwrap_err().to_string();
    assert!(error.contains("Kind") && error.contains("a-b"), "{error}");
}

#[test]
fn a_parameter_in_a_cookie_is_refused_by_name() {
    let mut description = small();
    description["paths"]["/things"]["get"]["parameters"] =
        json!([{ "name": "session", "in": "cookie", "schema": {} }]);
    let error = format!("{:#}", generated(description, DECISIONS).unwrap_err());
    assert!(error.contains("get_all_things") && error.contains("session"), "{error}");
}
