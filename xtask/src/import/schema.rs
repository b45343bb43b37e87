//! One schema of an OpenAPI 3.0 / 3.1 document as OpenAPI 3.0: facts only, titles, descriptions and samples left out.

use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// Keywords that both versions share and that hold no schema.
const PLAIN: [&str; 21] = [
    "format",
    "default",
    "nullable",
    "readOnly",
    "writeOnly",
    "deprecated",
    "required",
    "discriminator",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];

/// Converts a schema.
pub(crate) fn convert(schema: &Value) -> Value {
    match schema {
        Value::Object(object) => Value::Object(convert_object(object)),
        Value::Bool(false) => json!({"not": {}}),
        _ => json!({}),
    }
}

fn convert_object(schema: &Object) -> Object {
    let mut out = Object::new();
    if let Some(reference) = schema.get("$ref") {
        out.insert("$ref".into(), reference.clone());
    }
    convert_types(schema, &mut out);
    for key in PLAIN {
        if let Some(value) = schema.get(key) {
            out.insert(key.into(), value.clone());
        }
    }
    convert_values(schema, &mut out);
    convert_content(schema, &mut out);
    convert_limits(&mut out);
    convert_members(schema, &mut out);
    for (key, value) in schema.iter().filter(|(key, _)| key.starts_with("x-")) {
        out.insert(key.clone(), value.clone());
    }
    convert_unions(schema, &mut out);
    if out.get("default") == Some(&Value::Null) {
        out.shift_remove("default");
    }
    wrap_reference(out)
}

/// `type` as one text; a list of types is a union, `null` among them is `nullable`.
fn convert_types(schema: &Object, out: &mut Object) {
    let Some(kind) = schema.get("type") else { return };
    let Some(kinds) = kind.as_array() else {
        match kind.as_str() {
            Some("null") => set_nullable(out),
            _ => {
                out.insert("type".into(), kind.clone());
            }
        }
        return;
    };
    let rest: Vec<&Value> = kinds.iter().filter(|kind| kind.as_str() != Some("null")).collect();
    if rest.len() < kinds.len() {
        set_nullable(out);
    }
    match rest.as_slice() {
        [] => {}
        [one] => {
            out.insert("type".into(), (*one).clone());
        }
        several => {
            let member = |kind: &&Value| {
                let mut member = Object::from_iter([("type".to_owned(), (*kind).clone())]);
                if kind.as_str() == Some("array") {
                    member.insert("items".into(), schema.get("items").map_or_else(|| json!({}), convert));
                }
                Value::Object(member)
            };
            out.insert("anyOf".into(), several.iter().map(member).collect());
        }
    }
}

fn set_nullable(out: &mut Object) {
    out.insert("nullable".into(), true.into());
}

/// `const` is an enum of one; `null` among the values is `nullable`.
fn convert_values(schema: &Object, out: &mut Object) {
    let values = match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(values)), _) => values.clone(),
        (_, Some(value)) => vec![value.clone()],
        _ => return,
    };
    let rest: Vec<Value> = values.iter().filter(|value| !value.is_null()).cloned().collect();
    if rest.len() < values.len() {
        set_nullable(out);
    }
    if rest.is_empty() {
        return;
    }
    if !out.contains_key("type") {
        let kind = match rest.first() {
            Some(Value::String(_)) => "string",
            Some(Value::Bool(_)) => "boolean",
            Some(Value::Number(number)) if number.is_f64() => "number",
            Some(Value::Number(_)) => "integer",
            _ => "object",
        };
        out.insert("type".into(), kind.into());
    }
    out.insert("enum".into(), Value::Array(rest));
}

/// 3.1 says with `contentMediaType` and `contentEncoding` what 3.0 says with `format`.
fn convert_content(schema: &Object, out: &mut Object) {
    if schema.contains_key("contentEncoding") {
        out.insert("format".into(), "byte".into());
    } else if schema.get("contentMediaType").and_then(Value::as_str) == Some("application/octet-stream") {
        out.insert("format".into(), "binary".into());
    }
}

/// 3.1 gives an exclusive limit as the number itself.
fn convert_limits(out: &mut Object) {
    for (exclusive, limit) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if let Some(number) = out.get(exclusive).filter(|value| value.is_number()).cloned() {
            out.insert(limit.into(), number);
            out.insert(exclusive.into(), true.into());
        }
    }
}

/// What objects and lists hold.
fn convert_members(schema: &Object, out: &mut Object) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let converted = properties.iter().map(|(name, property)| (name.clone(), convert(property))).collect();
        out.insert("properties".into(), Value::Object(converted));
    }
    let pattern =
        schema.get("patternProperties").and_then(Value::as_object).and_then(|all| all.values().next());
    match schema.get("additionalProperties").or(pattern) {
        Some(Value::Bool(allowed)) => {
            out.insert("additionalProperties".into(), (*allowed).into());
        }
        Some(values) => {
            out.insert("additionalProperties".into(), convert(values));
        }
        None => {}
    }
    if out.get("type").and_then(Value::as_str) == Some("array") {
        out.insert("items".into(), items(schema));
    }
    if let Some(not) = schema.get("not") {
        out.insert("not".into(), convert(not));
    }
}

/// A tuple is a list of any of its members.
fn items(schema: &Object) -> Value {
    let members = schema.get("prefixItems").and_then(Value::as_array).into_iter().flatten();
    let mut distinct: Vec<Value> = Vec::new();
    for member in
        members.map(convert).chain(schema.get("items").filter(|items| items.is_object()).map(convert))
    {
        if !distinct.contains(&member) {
            distinct.push(member);
        }
    }
    match distinct.len() {
        0 => json!({}),
        1 => distinct.swap_remove(0),
        _ => json!({"anyOf": distinct}),
    }
}

/// Unions without their `null`; a union of one is its member.
fn convert_unions(schema: &Object, out: &mut Object) {
    for key in ["anyOf", "oneOf"] {
        let Some(members) = schema.get(key).and_then(Value::as_array) else { continue };
        let mut rest: Vec<Value> = Vec::new();
        for member in members {
            if is_null(member) {
                set_nullable(out);
                continue;
            }
            let member = convert(member);
            if !rest.contains(&member) {
                rest.push(member);
            }
        }
        match (rest.len(), rest.pop()) {
            (1, Some(Value::Object(only))) => {
                for (key, value) in only {
                    out.entry(key).or_insert(value);
                }
            }
            (_, Some(last)) => {
                rest.push(last);
                out.insert(key.into(), Value::Array(rest));
            }
            (_, None) => {}
        }
    }
    if let Some(members) = schema.get("allOf").and_then(Value::as_array) {
        let members: Vec<Value> = members.iter().map(convert).collect();
        out.insert("allOf".into(), Value::Array(members));
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
        || schema.get("const") == Some(&Value::Null)
        || schema
            .get("enum")
            .and_then(Value::as_array)
            .is_some_and(|values| values.iter().all(Value::is_null))
}

/// In 3.0 nothing stands beside a reference.
fn wrap_reference(mut out: Object) -> Object {
    if out.len() > 1
        && let Some(reference) = out.shift_remove("$ref")
    {
        out.insert("allOf".into(), json!([{"$ref": reference}]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_in_a_union_is_nullable() {
        let one =
            json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}], "title": "When"});
        assert_eq!(convert(&one), json!({"nullable": true, "type": "string", "format": "date-time"}));
        let reference = json!({"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]});
        assert_eq!(
            convert(&reference),
            json!({"nullable": true, "allOf": [{"$ref": "#/components/schemas/A"}]})
        );
        let several = json!({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]});
        assert_eq!(
            convert(&several),
            json!({"nullable": true, "anyOf": [{"type": "string"}, {"type": "integer"}]})
        );
    }

    #[test]
    fn a_list_of_types_is_a_union() {
        assert_eq!(
            convert(&json!({"type": ["string", "null"]})),
            json!({"nullable": true, "type": "string"})
        );
        assert_eq!(
            convert(&json!({"type": ["array", "string"], "items": {"type": "string"}})),
            json!({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]})
        );
    }

    #[test]
    fn const_and_exclusive_limits_take_their_older_form() {
        assert_eq!(convert(&json!({"const": "file"})), json!({"type": "string", "enum": ["file"]}));
        assert_eq!(
            convert(&json!({"type": "integer", "exclusiveMinimum": 0})),
            json!({"type": "integer", "exclusiveMinimum": true, "minimum": 0})
        );
        assert_eq!(
            convert(&json!({"type": "integer", "minimum": 0, "exclusiveMinimum": true})),
            json!({"type": "integer", "minimum": 0, "exclusiveMinimum": true})
        );
    }

    #[test]
    fn prose_titles_and_samples_are_left_out() {
        let schema = json!({"type": "object", "title": "T", "description": "d", "examples": [1], "example": 1,
            "properties": {"title": {"type": "string", "title": "Title"}}});
        assert_eq!(convert(&schema), json!({"type": "object", "properties": {"title": {"type": "string"}}}));
    }

    #[test]
    fn nothing_stands_beside_a_reference() {
        let schema = json!({"$ref": "#/components/schemas/A", "default": "x", "title": "A"});
        assert_eq!(convert(&schema), json!({"default": "x", "allOf": [{"$ref": "#/components/schemas/A"}]}));
        let plain = json!({"$ref": "#/components/schemas/A", "description": "d"});
        assert_eq!(convert(&plain), json!({"$ref": "#/components/schemas/A"}));
    }

    #[test]
    fn a_tuple_is_a_list_of_any_of_its_members() {
        assert_eq!(
            convert(&json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "string"}]})),
            json!({"type": "array", "items": {"type": "string"}})
        );
        assert_eq!(convert(&json!({"type": "array"})), json!({"type": "array", "items": {}}));
    }

    #[test]
    fn bytes_keep_their_format() {
        let file = json!({"type": "string", "contentMediaType": "application/octet-stream"});
        assert_eq!(convert(&file), json!({"type": "string", "format": "binary"}));
    }
}
