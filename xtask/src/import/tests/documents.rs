//! Documents as sites serve them: FastAPI's OpenAPI 3.1, plain 3.0, Swagger 2.0.

use serde_json::{Value, json};

use super::super::{Imported, read_bytes};
use crate::lint;

fn import(document: &Value) -> Imported {
    let imported = read_bytes(&serde_json::to_vec(document).unwrap()).unwrap();
    assert_eq!(lint::structure(&imported.document), []);
    imported
}

/// What FastAPI makes of a small application under `/api`.
fn fastapi() -> Value {
    json!({
        "openapi": "3.1.0", "info": {"title": "Core API", "version": "24.1.0", "description": "prose"},
        "paths": {
            "/api/things/{thing_id}": {"get": {
                "tags": ["things"], "summary": "Get Thing", "description": "prose", "operationId": "get_thing",
                "parameters": [
                    {"name": "thing_id", "in": "path", "required": true, "schema": {"type": "string", "title": "Thing Id"}},
                    {"name": "limit", "in": "query", "required": false, "schema": {
                        "anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}], "title": "Limit"}},
                    {"name": "states", "in": "query", "schema": {"type": "array", "items": {"type": "string"}, "default": []}},
                ],
                "responses": {
                    "200": {"description": "Successful Response", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                    "202": {"description": "Later", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Ticket"}}}},
                    "422": {"description": "Validation Error", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HTTPValidationError"}}}},
                },
            }},
            "/api/things": {"post": {
                "operationId": "add_thing",
                "requestBody": {"required": true, "content": {"multipart/form-data": {"schema": {"$ref": "#/components/schemas/Body_add_thing"}}}},
                "responses": {"201": {"description": "Created"}, "422": {"description": "Validation Error"}},
            }},
            "/health": {"get": {"operationId": "health", "tags": ["ops"], "responses": {"200": {"description": "OK"}}}},
        },
        "components": {"schemas": {
            "Thing": {"type": "object", "title": "Thing", "required": ["_id"], "properties": {
                "_id": {"type": "string", "title": " Id"},
                "kind": {"const": "thing", "title": "Kind", "default": "thing"},
                "created": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}], "title": "Created"},
                "parent": {"anyOf": [{"$ref": "#/components/schemas/Ticket"}, {"type": "null"}]},
                "size": {"type": ["integer", "null"]},
            }},
            "Ticket": {"type": "object", "properties": {"ticket": {"type": "string", "examples": ["x"]}}},
            "Body_add_thing": {"type": "object", "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}}},
            "HTTPValidationError": {"type": "object", "properties": {"detail": {"type": "array", "items": {"$ref": "#/components/schemas/ValidationError"}}}},
            "ValidationError": {"type": "object", "properties": {"msg": {"type": "string"}}},
        }},
    })
}

#[test]
fn a_fastapi_document_becomes_the_shape_that_a_wheel_gives() {
    insta::assert_json_snapshot!(import(&fastapi()).document);
}

#[test]
fn error_answers_and_their_models_are_left_out_and_counted() {
    let imported = import(&fastapi());
    assert_eq!(imported.document["components"]["schemas"].get("HTTPValidationError"), None);
    assert_eq!(imported.document["components"]["schemas"].get("ValidationError"), None);
    assert_eq!(imported.summary.get("error answers left out"), Some(2));
    assert_eq!(imported.summary.get("operations"), Some(3));
}

#[test]
fn a_validation_model_that_is_used_elsewhere_stays() {
    let mut document = fastapi();
    document["components"]["schemas"]["Ticket"]["properties"]["problem"] =
        json!({"$ref": "#/components/schemas/ValidationError"});
    let schemas = import(&document).document["components"]["schemas"].clone();
    assert!(schemas.get("ValidationError").is_some());
    assert!(schemas.get("HTTPValidationError").is_none());
}

#[test]
fn paths_of_a_document_whose_server_is_the_api_stay_as_they_are() {
    let mut document = fastapi();
    document["servers"] = json!([{"url": "https://site.example/api/"}]);
    document["paths"] =
        json!({"/api/odd": {"get": {"operationId": "odd", "responses": {"200": {"description": ""}}}}});
    assert!(import(&document).document["paths"].get("/api/odd").is_some());
}

#[test]
fn parameters_of_a_path_belong_to_its_operations_and_can_be_references() {
    let document = json!({
        "openapi": "3.0.2", "info": {"title": "T", "version": "1"},
        "paths": {"/things/{id}": {
            "parameters": [{"$ref": "#/components/parameters/Id"}, {"name": "n", "in": "query", "schema": {"type": "string"}}],
            "get": {"parameters": [{"name": "n", "in": "query", "schema": {"type": "integer"}}], "responses": {"200": {"description": ""}}},
        }},
        "components": {"parameters": {"Id": {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "nullable": true}}}},
    });
    let operation = import(&document).document["paths"]["/things/{id}"]["get"].clone();
    assert_eq!(operation["operationId"], "get_things_id", "a name is made where there is none");
    assert_eq!(operation["tags"], json!(["things"]), "and a tag");
    assert_eq!(
        operation["parameters"],
        json!([
            {"name": "n", "in": "query", "schema": {"type": "integer"}},
            {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "nullable": true}},
        ])
    );
}

#[test]
fn a_swagger_2_document_is_read() {
    let document = json!({
        "swagger": "2.0", "info": {"title": "T", "version": "2.5"}, "basePath": "/api",
        "consumes": ["application/json"], "produces": ["application/json"],
        "parameters": {"Id": {"name": "id", "in": "path", "required": true, "type": "string"}},
        "paths": {
            "/things/{id}": {"parameters": [{"$ref": "#/parameters/Id"}], "put": {
                "operationId": "modify_thing", "tags": ["things"],
                "parameters": [
                    {"name": "body", "in": "body", "required": true, "schema": {"$ref": "#/definitions/Thing"}},
                    {"name": "tags", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "multi"},
                ],
                "responses": {"200": {"description": "", "schema": {"type": "array", "items": {"$ref": "#/definitions/Thing"}}}, "default": {"description": "error"}},
            }},
            "/things/files": {"post": {
                "operationId": "upload_thing", "tags": ["things"], "consumes": ["multipart/form-data"],
                "parameters": [{"name": "file", "in": "formData", "required": true, "type": "file"}],
                "responses": {"200": {"description": ""}},
            }},
            "/things/download": {"get": {
                "operationId": "download_thing", "tags": ["things"], "produces": ["application/octet-stream"],
                "responses": {"200": {"description": "", "schema": {"type": "file"}}},
            }},
        },
        "definitions": {"Thing": {"type": "object", "discriminator": "kind", "properties": {
            "kind": {"type": "string"}, "label": {"type": "string", "x-nullable": true},
        }}},
    });
    insta::assert_json_snapshot!(import(&document).document);
}

#[test]
fn a_description_is_read_as_it_stands() {
    let first = import(&fastapi()).document;
    assert_eq!(import(&first).document, first);
}
