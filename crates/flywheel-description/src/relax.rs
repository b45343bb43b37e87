//! OpenAPI 3.0 schemas as JSON Schema, as strict as a description of answers can be.

use serde_json::{Map, Value, json};

/// Properties the description calls required that the platform nevertheless answers with null:
/// models of the official client mark what is always present, not what always has a value.
const NULL_THOUGH_REQUIRED: [&str; 3] = ["copy_of", "expires_at", "original_copy_of"];

/// Turns OpenAPI 3.0 schemas into JSON Schema and lets go of what the description cannot know:
/// a property may be null, and an object may have more properties than are described.
pub(crate) fn relax(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(relax),
        Value::Object(object) => {
            object.values_mut().for_each(relax);
            if object.get("additionalProperties") == Some(&Value::Bool(false)) {
                object.remove("additionalProperties");
            }
            let required = object.get("required").cloned().unwrap_or_default();
            if object.get("type").is_some_and(|kind| kind == "object")
                && let Some(Value::Object(properties)) = object.get_mut("properties")
            {
                allow_nulls(properties, &required);
            }
            if object.remove("nullable") == Some(Value::Bool(true)) {
                let schema = Value::Object(std::mem::take(object));
                *value = or_null(schema);
            }
        }
        _ => {}
    }
}

/// Lets every property of an object be null that is not always there.
pub fn allow_nulls(properties: &mut Map<String, Value>, required: &Value) {
    for (name, schema) in properties {
        let always_there = required.as_array().is_some_and(|names| names.iter().any(|known| known == name));
        if !always_there || NULL_THOUGH_REQUIRED.contains(&name.as_str()) {
            *schema = or_null(schema.take());
        }
    }
}

/// The schema of what fits another one, or is null.
#[must_use]
pub fn or_null(schema: Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}
