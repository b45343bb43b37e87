//! A Swagger 2.0 document as OpenAPI 3.0, as far as the importer reads it: bodies, form parts, answers, references.

use serde_json::{Map, Value, json};

use super::document::METHODS;

type Object = Map<String, Value>;

/// Rewrites a Swagger 2.0 document.
pub(crate) fn to_openapi3(document: &Value) -> Value {
    let mut paths = Object::new();
    for (path, item) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
        let mut rewritten = Object::new();
        for method in METHODS {
            if let Some(operation) = item.get(method).and_then(Value::as_object) {
                rewritten.insert(method.into(), rewrite_operation(document, item, operation));
            }
        }
        paths.insert(path.clone(), Value::Object(rewritten));
    }
    let base = document.get("basePath").and_then(Value::as_str).unwrap_or("/");
    let mut out = json!({
        "openapi": "3.0.3",
        "info": document.get("info").cloned().unwrap_or_else(|| json!({})),
        "servers": [{"url": base}],
        "paths": paths,
        "components": {"schemas": document.get("definitions").cloned().unwrap_or_else(|| json!({}))},
    });
    rewrite_schemas(&mut out);
    out
}

fn rewrite_operation(document: &Value, item: &Value, operation: &Object) -> Value {
    let mut out = Object::new();
    for key in ["operationId", "tags", "deprecated"] {
        if let Some(value) = operation.get(key) {
            out.insert(key.into(), value.clone());
        }
    }
    for (key, value) in operation.iter().filter(|(key, _)| key.starts_with("x-")) {
        out.insert(key.clone(), value.clone());
    }
    let (mut parameters, mut parts) = (Vec::new(), Vec::new());
    let own = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let shared = item.get("parameters").and_then(Value::as_array).into_iter().flatten();
    for parameter in own.chain(shared) {
        let parameter = followed(document, parameter);
        match parameter.get("in").and_then(Value::as_str) {
            Some("body") => {
                out.insert("requestBody".into(), rewrite_body(document, operation, parameter));
            }
            Some("formData") => parts.push(parameter),
            _ => parameters.push(rewrite_parameter(parameter)),
        }
    }
    if !parameters.is_empty() {
        out.insert("parameters".into(), Value::Array(parameters));
    }
    if !parts.is_empty() {
        out.insert("requestBody".into(), rewrite_form(document, operation, &parts));
    }
    out.insert("responses".into(), rewrite_responses(document, operation));
    Value::Object(out)
}

/// Follows a local reference; one that leads nowhere stays, so that the rules name it.
fn followed<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn content_types<'a>(document: &'a Value, operation: &'a Object, key: &str) -> Vec<&'a str> {
    let listed = operation.get(key).or_else(|| document.get(key)).and_then(Value::as_array);
    let types: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
    if types.is_empty() { vec!["application/json"] } else { types }
}

fn rewrite_body(document: &Value, operation: &Object, parameter: &Value) -> Value {
    let schema = parameter.get("schema").cloned().unwrap_or_else(|| json!({}));
    let types = content_types(document, operation, "consumes");
    let kind = types
        .iter()
        .find(|kind| kind.contains("json"))
        .or(types.first())
        .copied()
        .unwrap_or("application/json");
    json!({
        "required": parameter.get("required").and_then(Value::as_bool).unwrap_or(false),
        "content": {kind: {"schema": schema}},
    })
}

fn rewrite_form(document: &Value, operation: &Object, parts: &[&Value]) -> Value {
    let has_file = parts.iter().any(|part| part.get("type").and_then(Value::as_str) == Some("file"));
    let multipart =
        has_file || content_types(document, operation, "consumes").contains(&"multipart/form-data");
    let kind = if multipart { "multipart/form-data" } else { "application/x-www-form-urlencoded" };
    let named = |part: &&Value| Some((part.get("name")?.as_str()?.to_owned(), parameter_schema(part)));
    let properties: Object = parts.iter().filter_map(named).collect();
    let required: Vec<&Value> = parts
        .iter()
        .filter(|part| part.get("required").and_then(Value::as_bool) == Some(true))
        .filter_map(|part| part.get("name"))
        .collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if let (Some(schema), false) = (schema.as_object_mut(), required.is_empty()) {
        schema.insert("required".into(), json!(required));
    }
    json!({"required": true, "content": {kind: {"schema": schema}}})
}

fn rewrite_parameter(parameter: &Value) -> Value {
    let mut out = Object::new();
    for key in ["$ref", "name", "in", "required", "deprecated"] {
        if let Some(value) = parameter.get(key) {
            out.insert(key.into(), value.clone());
        }
    }
    if out.contains_key("$ref") {
        return Value::Object(out);
    }
    if parameter.get("type").and_then(Value::as_str) == Some("array") {
        let query = parameter.get("in").and_then(Value::as_str) == Some("query");
        let multi = parameter.get("collectionFormat").and_then(Value::as_str) == Some("multi");
        out.insert("style".into(), if query { "form" } else { "simple" }.into());
        out.insert("explode".into(), multi.into());
    }
    out.insert("schema".into(), parameter_schema(parameter));
    Value::Object(out)
}

/// What 2.0 writes into the parameter itself and 3.0 into its schema.
fn parameter_schema(parameter: &Value) -> Value {
    let outer =
        ["name", "in", "required", "deprecated", "description", "collectionFormat", "allowEmptyValue"];
    let members = parameter.as_object().into_iter().flatten();
    Value::Object(
        members
            .filter(|(key, _)| !outer.contains(&key.as_str()))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
    )
}

fn rewrite_responses(document: &Value, operation: &Object) -> Value {
    let mut out = Object::new();
    for (status, response) in operation.get("responses").and_then(Value::as_object).into_iter().flatten() {
        let response = followed(document, response);
        let mut rewritten = json!({"description": ""});
        if let (Some(schema), Some(rewritten)) = (response.get("schema"), rewritten.as_object_mut()) {
            let types = content_types(document, operation, "produces");
            let content: Object =
                types.into_iter().map(|kind| (kind.to_owned(), json!({"schema": schema}))).collect();
            rewritten.insert("content".into(), Value::Object(content));
        }
        out.insert(status.clone(), rewritten);
    }
    Value::Object(out)
}

/// References, file types, null marks and discriminators in their newer spelling, everywhere.
fn rewrite_schemas(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref") {
                *reference = reference.replacen("#/definitions/", "#/components/schemas/", 1);
            }
            if object.get("type").and_then(Value::as_str) == Some("file") {
                object.insert("type".into(), "string".into());
                object.insert("format".into(), "binary".into());
            }
            if let Some(nullable) = object.shift_remove("x-nullable") {
                object.insert("nullable".into(), nullable);
            }
            let told = object.contains_key("type") || object.contains_key("properties");
            if let (true, Some(Value::String(key))) = (told, object.get("discriminator").cloned()) {
                object.insert("discriminator".into(), json!({"propertyName": key}));
            }
            object.values_mut().for_each(rewrite_schemas);
        }
        Value::Array(list) => list.iter_mut().for_each(rewrite_schemas),
        _ => {}
    }
}
