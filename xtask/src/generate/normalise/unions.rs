//! Unions: what `anyOf` says becomes a type that loses nothing.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use heck::{ToPascalCase, ToSnakeCase};
use serde_json::{Map, Value, json};

use crate::generate::document::{Document, Kind, reference, reference_to, rust_type};

/// The members of a union.
pub(crate) fn members(schema: &Value) -> Option<&[Value]> {
    schema.get("anyOf")?.as_array().map(Vec::as_slice)
}

/// Makes a union with null a nullable schema.
pub(crate) fn null_members(document: &mut Document) -> anyhow::Result<usize> {
    let is_null = |part: &Value| part["type"] == "null" || part["enum"] == json!([null]);
    Ok(document.visit_schemas(|_, schema| {
        let Some(parts) = members(schema) else { return 0 };
        let rest = parts.iter().filter(|part| !is_null(part)).cloned().collect::<Vec<_>>();
        if rest.len() == parts.len() {
            return 0;
        }
        match rest.as_slice() {
            [only] if reference(only).is_none() => {
                *schema = only.clone();
                schema["nullable"] = true.into();
            }
            [only] => *schema = only.clone(),
            _ => schema["anyOf"] = rest.into(),
        }
        1
    }))
}

/// Makes a union of texts one text, or the enumeration when there is one.
pub(crate) fn texts(document: &mut Document) -> anyhow::Result<usize> {
    let before = document.clone();
    Ok(document.visit_schemas(|_, schema| {
        let Some(parts) = members(schema) else { return 0 };
        let (texts, others): (Vec<_>, Vec<_>) =
            parts.iter().partition(|part| before.kind(part) == Kind::String);
        if texts.len() < 2 {
            return 0;
        }
        let enumerations =
            texts.iter().filter(|part| before.resolve(part).get("enum").is_some()).collect::<Vec<_>>();
        let text = match enumerations.as_slice() {
            [only] => (**only).clone(),
            _ => json!({ "type": "string" }),
        };
        *schema = union_of(&others, text);
        1
    }))
}

/// Makes a model with a discriminator, and a union of containers, an enumeration by its tag.
///
/// The members of a union of containers are told apart as the official client does it: `container_type` holds
/// the word that the name of the model begins with.
pub(crate) fn tagged(document: &mut Document) -> anyhow::Result<usize> {
    let before = document.clone();
    let mut named = Map::new();
    for (name, schema) in before.schemas() {
        let Some(mapping) = schema.pointer("/discriminator/mapping").and_then(Value::as_object) else {
            continue;
        };
        let keys =
            [schema.pointer("/discriminator/propertyName"), schema.get("x-flywheel-alt-discriminator")];
        let keys = keys.into_iter().flatten().cloned().collect::<Vec<_>>();
        let variants = mapping.iter().filter_map(|(tag, target)| {
            let model = target.as_str()?.rsplit('/').next()?.to_pascal_case();
            Some((tag.clone(), reference_to(&model)))
        });
        named.insert(name.clone(), tagged_schema(name, keys, variants.collect()));
    }
    document.visit_schemas(|_, schema| {
        let Some(variants) = members(schema).and_then(by_container) else { return 0 };
        let name = "AnyContainer";
        named.insert(name.to_owned(), tagged_schema(name, vec!["container_type".into()], variants));
        *schema = reference_to(name);
        0
    });
    let count = named.len();
    document.schemas_mut().extend(named);
    Ok(count)
}

fn tagged_schema(name: &str, keys: Vec<Value>, variants: Vec<(String, Value)>) -> Value {
    let mut schema = rust_type(&format!("types::{name}"), Some(Kind::Object), Vec::new());
    schema["x-flywheel-tags"] = keys.into();
    schema["x-flywheel-tagged"] = Value::Object(variants.into_iter().collect());
    schema
}

fn by_container(parts: &[Value]) -> Option<Vec<(String, Value)>> {
    const KINDS: [&str; 7] =
        ["group", "project", "subject", "session", "acquisition", "analysis", "collection"];
    let variants = parts.iter().map(|part| {
        let name = reference(part)?.to_snake_case();
        let kind = KINDS.into_iter().find(|kind| name.split('_').next() == Some(kind))?;
        Some((kind.to_owned(), part.clone()))
    });
    let variants = variants.collect::<Option<BTreeMap<_, _>>>()?;
    (variants.len() == parts.len() && parts.len() > 2).then(|| variants.into_iter().collect())
}

/// Makes a union of lists a list of the union of their rows, and a union of maps a map of the union of their values.
pub(crate) fn collections(document: &mut Document) -> anyhow::Result<usize> {
    let kinds = [("array", "items"), ("object", "additionalProperties")];
    let one_kind = |document: &mut Document, (kind, inner): (&str, &str)| {
        document.visit_schemas(|_, schema| {
            let Some(parts) = members(schema) else { return 0 };
            let of_kind = |part: &&Value| part["type"] == kind && part.get(inner).is_some();
            let (collections, others): (Vec<_>, Vec<_>) = parts.iter().partition(of_kind);
            if collections.len() < 2 {
                return 0;
            }
            let within = collections.iter().map(|part| part[inner].clone());
            let within = within.reduce(|one, other| either(one, &other));
            *schema = union_of(&others, json!({ "type": kind, inner: within }));
            1
        })
    };
    Ok(kinds.into_iter().map(|kind| one_kind(document, kind)).sum())
}

/// What is left of a union, with the type that some of its members became.
fn union_of(others: &[&Value], settled: Value) -> Value {
    match others {
        [] => settled,
        _ => {
            json!({ "anyOf": others.iter().map(|other| (*other).clone()).chain([settled]).collect::<Vec<_>>() })
        }
    }
}

/// Makes a union of objects in an answer one model with the fields of all, under a name of its own. What is sent
/// stays strict.
pub(crate) fn merge_objects(document: &mut Document) -> anyhow::Result<usize> {
    let mut total = 0;
    // Fields that two models have with other types are unions again.
    loop {
        let (answers, requests) = (document.in_answers(), document.in_requests());
        let before = document.clone();
        let mut merged = Map::new();
        let count = document.visit_answers(&answers, |name, schema| {
            let Some(parts) = members(schema) else { return 0 };
            let (models, others): (Vec<_>, Vec<_>) = parts.iter().partition(|part| is_model(&before, part));
            if models.len() < 2 {
                return 0;
            }
            let model = merge(&before, &requests, &models, name, &mut merged);
            *schema = union_of(&others, model);
            1
        });
        document.schemas_mut().extend(merged);
        let count = count + collections(document)? + texts(document)?;
        total += count;
        if count == 0 {
            return Ok(total);
        }
    }
}

fn is_model(document: &Document, part: &Value) -> bool {
    reference(part).is_some() && document.resolve(part).get("properties").is_some()
}

fn merge(
    document: &Document,
    requests: &BTreeSet<String>,
    models: &[&Value],
    place: &str,
    merged: &mut Map<String, Value>,
) -> Value {
    let mut properties = Map::<String, Value>::new();
    for (name, property) in models.iter().flat_map(|model| properties_of(document, model)) {
        let known = properties.get(name).cloned();
        let either = known.map_or_else(|| property.clone(), |known| either(known, property));
        properties.insert(name.clone(), either);
    }
    // A member that has every field already, with the same types, is the model itself.
    let covers = |model: &&&Value| {
        let own = properties_of(document, model).collect::<BTreeMap<_, _>>();
        own.len() == properties.len()
            && own.iter().all(|(name, property)| properties.get(*name) == Some(*property))
    };
    if let Some(superset) = models.iter().find(covers) {
        return (**superset).clone();
    }
    let names = models.iter().filter_map(|model| reference(model)).collect::<Vec<_>>();
    // `AnalysisOutput` takes the fields of `AnalysisOutputInflatedJob`: it is the same thing, seen more closely.
    let plain = names
        .iter()
        .find(|plain| !requests.contains(**plain) && names.iter().all(|name| name.starts_with(**plain)));
    if let Some(plain) = plain {
        let mut model = document.schemas().get(*plain).cloned().unwrap_or_default();
        model["properties"] = Value::Object(properties);
        merged.insert((*plain).to_owned(), model);
        return reference_to(plain);
    }
    let name = if names.len() == 2 { names.join("Or") } else { place.to_owned() };
    let of = format!("The fields of {}: whichever the site answers with.", sentence(&names));
    merged.insert(name.clone(), json!({ "type": "object", "description": of, "properties": properties }));
    reference_to(&name)
}

fn sentence(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn properties_of<'a>(
    document: &'a Document,
    model: &'a Value,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    document.resolve(model).get("properties").and_then(Value::as_object).into_iter().flatten()
}

fn either(one: Value, other: &Value) -> Value {
    if one == *other {
        return one;
    }
    let mut parts = Vec::<Value>::new();
    for part in [&one, other].into_iter().flat_map(|part| members(part).unwrap_or(std::slice::from_ref(part)))
    {
        if !parts.contains(part) {
            parts.push(part.clone());
        }
    }
    if parts.len() == 1 { parts.remove(0) } else { json!({ "anyOf": parts }) }
}

/// Makes a union of objects in a request an untagged enumeration with a name.
pub(crate) fn request_objects(document: &mut Document) -> anyhow::Result<usize> {
    let before = document.clone();
    let mut named = Map::new();
    let count = document.visit_schemas(|place, schema| {
        let Some(parts) = members(schema) else { return 0 };
        let (models, others): (Vec<_>, Vec<_>) = parts.iter().partition(|part| is_model(&before, part));
        if models.len() < 2 {
            return 0;
        }
        let names = models.iter().filter_map(|model| reference(model)).collect::<Vec<_>>();
        let name = if names.len() == 2 { names.join("Or") } else { place.to_owned() };
        // The same union in an answer is a merged model of that name.
        let name = if before.schemas().contains_key(&name) { format!("{name}Input") } else { name };
        let variants = names.iter().map(|name| json!({ "title": name, "allOf": [reference_to(name)] }));
        let variants = variants.collect::<Vec<_>>();
        named.insert(name.clone(), json!({ "oneOf": variants, "x-flywheel-kind": "object" }));
        let union = reference_to(&name);
        *schema = union_of(&others, union);
        1
    });
    add(document, named)?;
    Ok(count)
}

/// Makes a union of different JSON kinds an enumeration by kind.
pub(crate) fn kinds(document: &mut Document) -> anyhow::Result<usize> {
    let before = document.clone();
    let mut named = Map::new();
    let count = document.visit_schemas(|_, schema| {
        let Some(parts) = members(schema) else { return 0 };
        let mut by_kind = BTreeMap::new();
        for part in parts.iter().filter(|part| before.kind(part) != Kind::Any) {
            if by_kind.insert(before.kind(part), part.clone()).is_some() {
                return 0;
            }
        }
        if by_kind.is_empty() {
            return 0;
        }
        let labels = by_kind.values().map(label);
        let untyped = parts.iter().any(|part| before.kind(part) == Kind::Any).then(|| String::from("Json"));
        let name = labels.chain(untyped).collect::<Vec<_>>().join("Or");
        let mut union = rust_type(&format!("types::{name}"), None, Vec::new());
        union["x-flywheel-union"] = by_kind.into_values().collect::<Vec<_>>().into();
        named.insert(name.clone(), union);
        *schema = reference_to(&name);
        1
    });
    add(document, named)?;
    Ok(count)
}

/// Adds schemas under names that no other schema has.
fn add(document: &mut Document, named: Map<String, Value>) -> anyhow::Result<()> {
    for (name, schema) in named {
        let taken = document.schemas_mut().insert(name.clone(), schema);
        ensure!(taken.is_none(), "a union would take the name of the schema {name}");
    }
    Ok(())
}

/// What a member of a union is called in the union's name.
fn label(schema: &Value) -> String {
    let list = |item: Option<&Value>| format!("{}List", item.map_or_else(|| String::from("Json"), label));
    if let Some(name) = reference(schema) {
        return name.to_owned();
    }
    if let Some(item) = schema.pointer("/x-rust-type/parameters/0") {
        return list(Some(item));
    }
    match schema["type"].as_str() {
        Some("array") => list(schema.get("items")),
        Some("string") => String::from("Text"),
        Some("boolean") => String::from("Flag"),
        Some("integer" | "number") => String::from("Number"),
        Some("object") => String::from("Map"),
        _ => String::from("Json"),
    }
}

/// Makes what is left of unions any JSON.
pub(crate) fn free(document: &mut Document) -> anyhow::Result<usize> {
    Ok(document.visit_schemas(|_, schema| {
        let left = members(schema).is_some();
        if left {
            *schema = json!({});
        }
        usize::from(left)
    }))
}
