//! Operations that one method and path stand for, and bodies that the generator does not take.

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};

use crate::generate::document::Document;

/// Makes the variants of an operation operations of their own, under `path#operationId`.
///
/// The constants that tell a variant from the others leave its parameters.
pub(crate) fn split_variants(document: &mut Document) -> anyhow::Result<usize> {
    let mut found = Vec::new();
    for (path, method, operation) in document.operations_mut() {
        let Some(variants) =
            operation.as_object_mut().and_then(|members| members.shift_remove("x-flywheel-variants"))
        else {
            continue;
        };
        for variant in variants.as_array().into_iter().flatten() {
            let (id, operation) =
                variant_of(operation, variant).with_context(|| format!("{method} {path}"))?;
            found.push((format!("{path}#{id}"), method, operation));
        }
    }
    let count = found.len();
    for (key, method, operation) in found {
        document.paths_mut().insert(key, json!({ method: operation }));
    }
    Ok(count)
}

fn variant_of(operation: &Value, variant: &Value) -> anyhow::Result<(String, Value)> {
    let Some(id) = variant.get("operationId").and_then(Value::as_str) else {
        bail!("a variant has no operationId")
    };
    let constants = variant.get("constants").cloned().unwrap_or_else(|| Value::Object(Map::new()));
    let own = variant.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
    let own = own.into_iter().filter(|parameter| !is_constant(&constants, parameter)).collect::<Vec<_>>();
    let inherited =
        operation.get("parameters").and_then(Value::as_array).into_iter().flatten().filter(|parameter| {
            !is_constant(&constants, parameter) && !own.iter().any(|own| same_parameter(own, parameter))
        });
    let parameters = inherited.chain(&own).cloned().collect::<Vec<_>>();
    let mut result = operation.clone();
    if let Some(members) = result.as_object_mut() {
        members.shift_remove("x-flywheel-constants");
    }
    for (key, value) in variant.as_object().into_iter().flatten().filter(|(key, _)| *key != "constants") {
        result[key] = value.clone();
    }
    result["parameters"] = parameters.into();
    for answer in result.pointer_mut("/responses").and_then(Value::as_object_mut).into_iter().flatten() {
        narrow(&constants, answer.1);
    }
    result["x-flywheel-fixed"] = constants;
    Ok((id.to_owned(), result))
}

/// The client types a ticket and a listing of a zip as a union of both, though the constants settle which one comes.
fn narrow(constants: &Value, answer: &mut Value) {
    let words = [("ticket", "Ticket"), ("info", "Zip")];
    let Some((_, word)) = words.into_iter().find(|(name, _)| constants["query"].get(name).is_some()) else {
        return;
    };
    let Some(schema) = answer.pointer_mut("/content/application~1json/schema") else { return };
    let named = |part: &&Value| part["$ref"].as_str().is_some_and(|name| name.contains(word));
    let only = schema["anyOf"].as_array().and_then(|parts| parts.iter().find(named)).cloned();
    if let Some(only) = only {
        *schema = only;
    }
}

fn same_parameter(one: &Value, other: &Value) -> bool {
    one["name"] == other["name"] && one["in"] == other["in"]
}

fn is_constant(constants: &Value, parameter: &Value) -> bool {
    let places = [("query", "query"), ("header", "headers")];
    places
        .into_iter()
        .filter(|(place, _)| parameter["in"] == *place)
        .any(|(_, key)| parameter["name"].as_str().is_some_and(|name| constants[key].get(name).is_some()))
}

/// Hands multipart bodies to the generator as bytes; the fields of the form stay in `x-flywheel-form`.
pub(crate) fn multipart(document: &mut Document) -> anyhow::Result<usize> {
    const FORM: &str = "multipart/form-data";
    let mut count = 0;
    for (_, _, operation) in document.operations_mut() {
        let content = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut);
        let Some(content) = content.filter(|content| content.contains_key(FORM)) else { continue };
        let schema = content[FORM].get("schema").cloned().unwrap_or_default();
        let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let properties = schema.get("properties").and_then(Value::as_object);
        let fields = properties.into_iter().flatten().map(|(name, property)| {
            let binary = [property, &property["items"]].iter().any(|property| property["format"] == "binary");
            let required = required.contains(&Value::from(name.as_str()));
            json!({ "name": name, "file": binary, "required": required, "schema": property })
        });
        let fields = fields.collect::<Vec<_>>();
        *content = Map::new();
        content.insert(
            String::from("application/octet-stream"),
            json!({ "schema": { "type": "string", "format": "binary" } }),
        );
        operation["x-flywheel-form"] = fields.into();
        count += 1;
    }
    Ok(count)
}
