//! Models: what an answer may lack, what it may hold beyond the description, and how numbers and times are read.

use heck::ToPascalCase;
use serde_json::{Map, Value, json};

use crate::generate::document::{Document, Kind, reference, rust_type};

/// Makes models without fields any JSON, in place of every reference to them.
pub(crate) fn free(document: &mut Document) -> anyhow::Result<usize> {
    let is_free = |schema: &Value| {
        let mut facts = schema.as_object().into_iter().flatten().filter(|(key, _)| !is_annotation(key));
        facts.all(|(key, value)| match key.as_str() {
            "type" => value == "object",
            "properties" => value.as_object().is_some_and(Map::is_empty),
            _ => false,
        })
    };
    let free = document.schemas().iter().filter(|(_, schema)| is_free(schema)).map(|(name, _)| name.clone());
    let free = free.collect::<Vec<_>>();
    document.schemas_mut().retain(|name, _| !free.contains(name));
    let aliases = document.root.get_mut("x-flywheel-aliases").and_then(Value::as_object_mut);
    let of_free =
        aliases.into_iter().flatten().filter(|(_, model)| free.iter().any(|name| **model == **name));
    of_free.for_each(|(_, model)| *model = Value::Null);
    document.visit_schemas(|_, schema| {
        if reference(schema).is_some_and(|name| free.iter().any(|free| free == name)) {
            *schema = json!({});
        }
        0
    });
    Ok(free.len())
}

fn is_annotation(key: &str) -> bool {
    matches!(key, "description" | "title" | "deprecated") || (key.starts_with("x-") && key != "x-rust-type")
}

/// Takes references out of the `allOf` that carries a default or an annotation beside them.
pub(crate) fn unwrap_references(document: &mut Document) -> anyhow::Result<usize> {
    Ok(document.visit_schemas(|_, schema| {
        let only = schema.get("allOf").and_then(Value::as_array).filter(|parts| parts.len() == 1);
        let Some(only) = only.and_then(|parts| parts.first()).cloned() else { return 0 };
        *schema = only;
        1
    }))
}

/// Makes every enumeration of texts a type of the raw crate. One without a name is a text.
pub(crate) fn open_enums(document: &mut Document) -> anyhow::Result<usize> {
    let is_enum = |schema: &Value| schema["type"] == "string" && schema.get("enum").is_some();
    let mut count = 0;
    for (name, schema) in document.schemas_mut() {
        if is_enum(schema) {
            let native =
                rust_type(&format!("types::{}", name.to_pascal_case()), Some(Kind::String), Vec::new());
            merge(schema, native);
            count += 1;
        }
    }
    let unnamed = document.visit_schemas(|_, schema| {
        let unnamed = is_enum(schema) && schema.get("x-rust-type").is_none();
        let dropped =
            schema.as_object_mut().filter(|_| unnamed).and_then(|members| members.shift_remove("enum"));
        dropped.iter().count()
    });
    Ok(count + unnamed)
}

fn merge(schema: &mut Value, other: Value) {
    if let (Some(schema), Value::Object(other)) = (schema.as_object_mut(), other) {
        schema.extend(other);
    }
}

/// Makes moments the raw crate's own type.
pub(crate) fn timestamps(document: &mut Document) -> anyhow::Result<usize> {
    Ok(document.visit_schemas(|_, schema| {
        let moment = schema["type"] == "string" && schema["format"] == "date-time";
        if moment {
            let nullable = schema.get("nullable").cloned();
            merge(schema, rust_type("models::Timestamp", Some(Kind::String), Vec::new()));
            // The generator makes the field optional by itself, and would not know the null of this type.
            let members = schema.as_object_mut();
            members
                .into_iter()
                .for_each(|members| members.retain(|key, _| key.starts_with("x-") || key == "description"));
            nullable.into_iter().for_each(|nullable| schema["nullable"] = nullable);
        }
        usize::from(moment)
    }))
}

/// Takes rules off strings, numbers, lists and objects that only the server can judge.
pub(crate) fn formats(document: &mut Document) -> anyhow::Result<usize> {
    const RULES: [&str; 13] = [
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
    ];
    Ok(document.visit_schemas(|_, schema| {
        let text = schema["type"] == "string";
        let Some(members) = schema.as_object_mut() else { return 0 };
        let before = members.len();
        members.retain(|key, value| match key.as_str() {
            "format" => !text || *value == "binary" || *value == "date",
            key => !RULES.contains(&key),
        });
        before - members.len()
    }))
}

/// Takes `required` off every model that an answer can hold.
pub(crate) fn drop_required(document: &mut Document) -> anyhow::Result<usize> {
    let answers = document.in_answers();
    let mut count = 0;
    for (_, schema) in document.schemas_mut().iter_mut().filter(|(name, _)| answers.contains(*name)) {
        let required = schema.as_object_mut().and_then(|members| members.shift_remove("required"));
        count += required.as_ref().and_then(Value::as_array).map_or(0, Vec::len);
    }
    Ok(count)
}

/// Takes the defaults off fields.
pub(crate) fn drop_defaults(document: &mut Document) -> anyhow::Result<usize> {
    Ok(document.visit_schemas(|_, schema| {
        schema.as_object_mut().and_then(|members| members.shift_remove("default")).iter().count()
    }))
}

/// Makes optional lists and maps nullable.
pub(crate) fn nullable_collections(document: &mut Document) -> anyhow::Result<usize> {
    let before = document.clone();
    Ok(document.visit_schemas(|_, schema| {
        let required = schema.get("required").cloned().unwrap_or_default();
        let required = required.as_array().cloned().unwrap_or_default();
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten();
        let optional = properties.filter(|(name, _)| !required.contains(&Value::from(name.as_str())));
        optional.map(|(_, property)| usize::from(nullable_collection(&before, property))).sum()
    }))
}

fn nullable_collection(document: &Document, property: &mut Value) -> bool {
    let collection = property["type"] == "array"
        || (property["type"] == "object"
            && property.get("properties").is_none()
            && reference(property).is_none());
    let native = property.get("x-rust-type").is_some() || reference(property).is_some();
    let change = collection && !native && document.kind(property) != Kind::Any;
    if change {
        property["nullable"] = true.into();
    }
    change
}

/// Marks the models that only updates are made of: their optional fields become `Patch`.
pub(crate) fn patches(document: &mut Document) -> anyhow::Result<usize> {
    let answers = document.in_answers();
    let updates = document.operations().filter(|(_, method, _)| matches!(*method, "put" | "patch"));
    let bodies = updates.filter_map(|(_, _, operation)| {
        let schema = operation.pointer("/requestBody/content/application~1json/schema")?;
        reference(schema).map(str::to_owned)
    });
    let creations = document.operations().filter(|(_, method, _)| *method == "post");
    let creations = creations.filter_map(|(_, _, operation)| {
        reference(operation.pointer("/requestBody/content/application~1json/schema")?).map(str::to_owned)
    });
    let creations = creations.collect::<Vec<_>>();
    let bodies =
        bodies.filter(|name| !answers.contains(name) && !creations.contains(name)).collect::<Vec<_>>();
    let mut count = 0;
    for (name, schema) in document.schemas_mut() {
        if bodies.contains(name) && schema.get("properties").is_some() {
            schema["x-flywheel-patch"] = true.into();
            count += 1;
        }
    }
    Ok(count)
}

/// Lets models keep what they do not know.
pub(crate) fn extra(document: &mut Document) -> anyhow::Result<usize> {
    let mut count = 0;
    for schema in document.schemas_mut().values_mut() {
        let model = schema.get("properties").is_some() && schema.get("x-rust-type").is_none();
        if model {
            schema["additionalProperties"] = json!({});
            count += 1;
        }
    }
    Ok(count)
}

/// Counts the fields that hold numbers; the generated code reads them leniently.
pub(crate) fn lenient_numbers(document: &mut Document) -> anyhow::Result<usize> {
    Ok(document.visit_schemas(|_, schema| {
        let properties = schema.get("properties").and_then(Value::as_object);
        properties.into_iter().flatten().filter(|(_, property)| holds_numbers(property)).count()
    }))
}

fn holds_numbers(schema: &Value) -> bool {
    match schema["type"].as_str() {
        Some("integer" | "number") => true,
        Some("array") => schema.get("items").is_some_and(holds_numbers),
        Some("object") => schema.get("additionalProperties").is_some_and(holds_numbers),
        _ => false,
    }
}
