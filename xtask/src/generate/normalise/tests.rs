//! Tests: each step by itself on a small description, and the counts of all on the real one.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::PASSES;
use crate::generate::document::Document;

/// Runs one step; gives its count and the description afterwards.
fn after(name: &str, document: Value) -> (usize, Value) {
    let pass = PASSES.iter().find(|pass| pass.name == name).unwrap();
    let mut document = Document::new(document).unwrap();
    let places = (pass.run)(&mut document).unwrap();
    (places, document.root)
}

/// A description with one operation that answers with a schema.
fn answering(schema: Value, schemas: Value) -> Value {
    json!({
        "paths": { "/things": { "get": { "operationId": "get_things", "responses": {
            "2XX": { "content": { "application/json": { "schema": schema } } },
        } } } },
        "components": { "schemas": schemas },
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Snapshots what a step makes of a description, with its count.
macro_rules! assert_step {
    ($name:literal, $document:expr) => {{
        let (places, document) = after($name, $document);
        insta::assert_yaml_snapshot!($name, json!({ "places": places, "document": document }));
    }};
}

#[test]
fn answers_that_are_no_success_are_left_out() {
    let mut document = answering(json!({}), json!({}));
    document["paths"]["/things"]["get"]["responses"]["422"] = json!({ "description": "HTTPValidationError" });
    document["paths"]["/things"]["get"]["responses"]["default"] = json!({ "description": "Error" });
    assert_step!("error-responses", document);
}

#[test]
fn schemas_take_the_name_of_their_type() {
    let schemas = json!({ "ServiceAET": { "type": "object" }, "User": { "properties": { "aet": reference("ServiceAET") } } });
    assert_step!("rust-names", answering(reference("ServiceAET"), schemas));
}

#[test]
fn two_schemas_with_one_rust_name_are_refused() {
    let mut document = Document::new(answering(json!({}), json!({ "AET": {}, "Aet": {} }))).unwrap();
    assert!(super::names::rename(&mut document).unwrap_err().to_string().contains("Aet"));
}

#[test]
fn what_refers_to_an_alias_refers_to_the_model() {
    let schemas = json!({
        "Session": { "properties": { "_id": { "type": "string" } } },
        "SessionNode": { "allOf": [reference("Session")], "x-flywheel-alias-of": "Session" },
        "OldNode": { "allOf": [reference("SessionNode")], "x-flywheel-alias-of": "SessionNode" },
    });
    assert_step!("aliases", answering(json!({ "type": "array", "items": reference("OldNode") }), schemas));
}

#[test]
fn a_wrapped_reference_is_the_reference() {
    let property = json!({ "allOf": [reference("Mode")], "default": "a" });
    let schemas = json!({ "Thing": { "properties": { "mode": property } } });
    assert_step!("wrapped-references", answering(reference("Thing"), schemas));
}

#[test]
fn a_model_without_fields_is_any_json() {
    let schemas = json!({
        "Anything": { "type": "object", "deprecated": true },
        "Thing": { "properties": { "info": reference("Anything") } },
    });
    assert_step!("free-models", answering(reference("Anything"), schemas));
}

#[test]
fn variants_become_operations_without_the_constants_that_make_them() {
    let parameter = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string" } });
    let answer =
        |schema: Value| json!({ "2XX": { "content": { "application/json": { "schema": schema } } } });
    let operation = json!({
        "operationId": "download_file",
        "parameters": [parameter("ticket"), parameter("member")],
        "responses": { "2XX": {} },
        "x-flywheel-variants": [
            {
                "operationId": "get_ticket",
                "constants": { "query": { "ticket": "" } },
                "responses": answer(json!({ "anyOf": [reference("TicketStub"), reference("ZipInfo")] })),
            },
            { "operationId": "finish", "parameters": [{ "name": "ticket", "in": "query", "required": true }] },
        ],
    });
    assert_step!("variants", json!({ "paths": { "/files/{id}": { "get": operation } } }));
}

#[test]
fn a_multipart_body_leaves_its_fields_behind() {
    let form = json!({ "type": "object", "required": ["file"], "properties": {
        "file": { "type": "string", "format": "binary" },
        "metadata": { "type": "string" },
    } });
    let operation = json!({ "operationId": "upload", "requestBody": { "content": { "multipart/form-data": { "schema": form } } } });
    assert_step!("multipart", json!({ "paths": { "/files": { "post": operation } } }));
}

#[test]
fn parameters_are_told_apart_lists_in_headers_are_texts_and_defaults_go() {
    let parameters = json!([
        { "name": "feature", "in": "query", "schema": { "type": "string", "default": "a" } },
        { "name": "Feature", "in": "header", "schema": { "type": "array", "items": { "type": "string" } } },
    ]);
    let document = json!({ "paths": { "/x": { "get": { "operationId": "x", "parameters": parameters } } } });
    assert_step!("same-name-parameters", document.clone());
    assert_step!("header-lists", document.clone());
    assert_step!("parameter-defaults", document);
}

#[test]
fn models_written_in_place_get_names() {
    let inner = json!({ "type": "object", "properties": { "deep": { "type": "object", "properties": { "x": {} } } } });
    assert_step!("inline-models", answering(json!({ "type": "array", "items": inner }), json!({})));
}

#[test]
fn a_union_with_null_is_nullable() {
    let schema = json!({ "anyOf": [{ "type": "integer" }, { "type": "null" }] });
    assert_step!("null-members", answering(schema, json!({})));
}

#[test]
fn lists_and_pages_are_listings() {
    let page = |items: Value| {
        json!({ "type": "object", "properties": {
        "count": { "type": "integer" }, "results": { "type": "array", "items": items },
    } })
    };
    let schemas = json!({ "Page": page(json!({})), "PageOfThings": page(reference("Thing")), "Thing": { "properties": {} } });
    let list = json!({ "type": "array", "items": reference("Thing") });
    let mut document = answering(json!({ "anyOf": [reference("Page"), list.clone()] }), schemas);
    let others = [
        ("/bare", list.clone()),
        ("/page", reference("PageOfThings")),
        ("/untyped", json!({ "anyOf": [{}, reference("PageOfThings")] })),
        ("/text", json!({ "anyOf": [list, reference("PageOfThings"), { "type": "string" }] })),
        ("/one", reference("Thing")),
    ];
    for (path, schema) in others {
        document["paths"][path] = answering(schema, json!({}))["paths"]["/things"].clone();
    }
    assert_step!("listings", document);
}

#[test]
fn an_enumeration_swallows_the_text_beside_it() {
    let schemas =
        json!({ "Kind": { "type": "string", "enum": ["a"] }, "Other": { "type": "string", "enum": ["b"] } });
    let text = json!({ "type": "string" });
    let one = json!({ "anyOf": [reference("Kind"), text] });
    let two = json!({ "anyOf": [reference("Kind"), reference("Other"), text, { "type": "integer" }] });
    let schema = json!({ "type": "object", "properties": { "one": one, "two": two } });
    assert_step!("text-unions", answering(schema, schemas));
}

#[test]
fn models_with_a_tag_are_told_apart_by_it() {
    let schemas = json!({
        "Node": {
            "properties": { "container_type": { "type": "string" } },
            "discriminator": { "propertyName": "container_type", "mapping": { "file": "#/components/schemas/FileNode" } },
            "x-flywheel-alt-discriminator": "node_type",
        },
        "FileNode": { "properties": {} },
    });
    let containers = ["GroupOutput", "ProjectOutput", "SessionOutput"].map(reference);
    assert_step!("tagged-unions", answering(json!({ "anyOf": containers }), schemas));
}

#[test]
fn unions_of_lists_and_of_maps_are_unions_of_what_they_hold() {
    let list = |items: Value| json!({ "type": "array", "items": items });
    let map = |values: Value| json!({ "type": "object", "additionalProperties": values });
    let lists = json!({ "anyOf": [list(reference("A")), list(reference("B")), { "type": "string" }] });
    let maps = json!({ "anyOf": [map(reference("A")), map(reference("A"))] });
    assert_step!(
        "collection-unions",
        answering(json!({ "properties": { "lists": lists, "maps": maps } }), json!({}))
    );
}

#[test]
fn objects_in_answers_are_merged_and_nothing_of_either_is_lost() {
    let text = json!({ "type": "string" });
    let schemas = json!({
        "Run": { "properties": { "_id": text, "job": text } },
        "RunInflated": { "properties": { "_id": text, "job": reference("Job"), "job_id": text } },
        "Job": { "properties": { "_id": text, "state": text } },
        "Cat": { "properties": { "purrs": text } },
        "Small": { "properties": { "_id": text } },
    });
    let schema = json!({ "properties": {
        "plain": { "anyOf": [reference("Run"), reference("RunInflated")] },
        "named": { "anyOf": [reference("Job"), reference("Cat")] },
        "superset": { "anyOf": [reference("Small"), reference("Job")] },
    } });
    assert_step!("merged-unions", answering(schema, schemas));
}

#[test]
fn models_that_nothing_holds_are_left_out() {
    let schemas = json!({
        "Used": { "properties": { "inner": reference("Inner") } },
        "Inner": {},
        "Merged": {},
        "Never": {},
        "Mode": { "type": "string", "enum": ["a"] },
    });
    let mut document = answering(reference("Used"), schemas);
    document["x-flywheel-held"] = json!(["Used", "Inner", "Merged", "Mode"]);
    assert_step!("unused-models", document);
}

#[test]
fn objects_in_requests_stay_strict() {
    let text = json!({ "type": "string" });
    let schemas =
        json!({ "Cat": { "properties": { "purrs": text } }, "Dog": { "properties": { "barks": text } } });
    let body = json!({ "anyOf": [reference("Cat"), reference("Dog")] });
    let operation = json!({ "operationId": "adopt", "requestBody": { "content": { "application/json": { "schema": body } } } });
    let document =
        json!({ "paths": { "/pets": { "post": operation } }, "components": { "schemas": schemas } });
    assert_step!("request-unions", document);
}

#[test]
fn fields_with_one_rust_name_are_told_apart() {
    let schemas = json!({ "Both": { "properties": { "_id": { "type": "integer" }, "id": { "type": "string" }, "extra": {} } } });
    assert_step!("same-name-fields", answering(reference("Both"), schemas));
}

#[test]
fn unions_of_kinds_are_named_and_what_is_left_is_any_json() {
    let schemas = json!({ "Ticket": { "type": "object", "properties": {} } });
    let kinds =
        json!({ "anyOf": [{ "type": "array", "items": { "type": "string" } }, reference("Ticket"), {}] });
    let left = json!({ "anyOf": [{ "type": "integer" }, { "type": "number" }] });
    let schema = json!({ "properties": { "kinds": kinds, "left": left } });
    assert_step!("kind-unions", answering(schema.clone(), schemas.clone()));
    assert_step!("free-unions", answering(schema, schemas));
}

#[test]
fn enumerations_open_and_those_without_a_name_are_texts() {
    let schemas = json!({
        "Kind": { "type": "string", "enum": ["a", "b"] },
        "Thing": { "properties": { "mode": { "type": "string", "enum": ["x"] }, "kind": reference("Kind") } },
    });
    assert_step!("open-enums", answering(reference("Thing"), schemas));
}

#[test]
fn fields_of_answers_are_tolerant() {
    let properties = json!({
        "created": { "type": "string", "format": "date-time", "nullable": true },
        "born": { "type": "string", "format": "date" },
        "uuid": { "type": "string", "format": "uuid", "pattern": "^x", "maxLength": 3 },
        "size": { "type": "integer", "minimum": 0, "default": 1 },
        "sizes": { "type": "object", "additionalProperties": { "type": "integer" } },
        "tags": { "type": "array", "items": { "type": "string" } },
        "info": { "type": "object" },
    });
    let thing = json!({ "type": "object", "required": ["size", "created"], "properties": properties });
    let document = answering(reference("Thing"), json!({ "Thing": thing.clone(), "Unused": thing }));
    assert_step!("timestamps", document.clone());
    assert_step!("formats", document.clone());
    assert_step!("required", document.clone());
    assert_step!("property-defaults", document.clone());
    assert_step!("nullable-collections", document.clone());
    assert_step!("extra", document.clone());
    assert_step!("lenient-numbers", document);
}

#[test]
fn what_only_updates_hold_is_a_patch() {
    let model = json!({ "properties": { "label": { "type": "string" } } });
    let body = |name: &str| json!({ "content": { "application/json": { "schema": reference(name) } } });
    let document = json!({
        "paths": { "/things": {
            "put": { "operationId": "modify", "requestBody": body("Modify") },
            "patch": { "operationId": "change", "requestBody": body("Shared") },
            "post": { "operationId": "add", "requestBody": body("Shared") },
        } },
        "components": { "schemas": { "Modify": model, "Shared": model } },
    });
    assert_step!("patches", document);
}

#[test]
fn an_answer_that_is_a_text_is_marked() {
    assert_step!("plain-text-answers", answering(json!({ "type": "string" }), json!({})));
}

#[test]
fn every_step_has_a_snapshot_and_every_count_is_known() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let (_, counts) = crate::generate::normalised(root.parent().unwrap()).unwrap();
    let counts = counts.iter().map(|count| format!("{:5}  {}", count.places, count.name));
    insta::assert_snapshot!("counts", counts.collect::<Vec<_>>().join("\n"));
    for pass in PASSES {
        let file =
            format!("src/generate/normalise/snapshots/xtask__generate__normalise__tests__{}.snap", pass.name);
        assert!(root.join(&file).exists(), "the step {} has no test: {file} is missing", pass.name);
    }
}

#[test]
fn generation_gives_the_same_files_twice() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (one, other) = (crate::generate::generate(root).unwrap(), crate::generate::generate(root).unwrap());
    assert!(one.files == other.files);
}
