//! Puts operations and models together into one OpenAPI 3.0.3 document, sorted so that a release reads as a diff.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::models::Models;
use super::operations::{ArrayFormat, Operation, Parameter, Place, Transfer};
use super::types::Type;

/// The member of `info` that says where a description came from.
const ORIGIN: &str = "x-flywheel-imported-from";

const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";

/// The order of methods under a path.
pub(crate) const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Who calls an operation, as `x-flywheel-source` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A generated method of the official client.
    Wheel,
    /// The official client, outside its generated modules.
    Client,
    /// Nobody: the route is only documented.
    Unwrapped,
}

impl Source {
    /// The value of `x-flywheel-source`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wheel => "wheel",
            Self::Client => "client",
            Self::Unwrapped => "unwrapped",
        }
    }
}

/// The paths of a document: path, then lower-case method, then operation.
pub(crate) type Paths = BTreeMap<String, BTreeMap<String, Value>>;

/// The paths of the wrapped operations; those that share method and path become variants of one.
///
/// # Errors
/// When two operations have the same name.
pub(crate) fn paths(operations: &[Operation]) -> Result<Paths> {
    let mut names = BTreeSet::new();
    let mut groups: IndexMap<(&str, &str), Vec<&Operation>> = IndexMap::new();
    for operation in operations {
        if !names.insert(operation.id.as_str()) {
            bail!(
                "the operation `{}` is defined twice ({} {})",
                operation.id,
                operation.method,
                operation.path
            );
        }
        groups.entry((&operation.path, &operation.method)).or_default().push(operation);
    }
    let mut paths = Paths::new();
    for ((path, method), mut group) in groups {
        let main = group.iter().position(|operation| operation.transfer == Transfer::Download).unwrap_or(0);
        let main = group.remove(main);
        let mut object = operation_object(main);
        if !group.is_empty() {
            let variants: Vec<Value> =
                group.into_iter().map(|variant| variant_object(variant, main)).collect();
            object.insert("x-flywheel-variants".into(), variants.into());
        }
        paths.entry(path.to_owned()).or_default().insert(method.to_ascii_lowercase(), Value::Object(object));
    }
    Ok(paths)
}

fn operation_object(operation: &Operation) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("operationId".into(), operation.id.as_str().into());
    object.insert("tags".into(), json!([operation.tag]));
    object.insert("x-flywheel-source".into(), Source::Wheel.name().into());
    if operation.deprecated {
        object.insert("deprecated".into(), true.into());
    }
    insert_unless_empty(&mut object, "x-flywheel-constants", constants_object(operation));
    let described = if operation.transfer == Transfer::Decoded { JSON } else { BYTES };
    if operation.accepts.iter().any(|accepted| accepted != described) {
        object.insert("x-flywheel-accepts".into(), json!(operation.accepts));
    }
    let parameters: Vec<Value> = operation.parameters.iter().filter_map(parameter_object).collect();
    if !parameters.is_empty() {
        object.insert("parameters".into(), parameters.into());
    }
    if let Some(body) = body_object(operation) {
        object.insert("requestBody".into(), body);
    }
    object.insert("responses".into(), responses_object(operation));
    object
}

/// What a variant has that the main operation of its method and path does not.
fn variant_object(variant: &Operation, main: &Operation) -> Value {
    let mut object = Map::new();
    object.insert("operationId".into(), variant.id.as_str().into());
    insert_unless_empty(&mut object, "constants", constants_object(variant));
    let known = |parameter: &&Parameter| {
        !main.parameters.iter().any(|other| other.name == parameter.name && other.place == parameter.place)
    };
    let parameters: Vec<Value> =
        variant.parameters.iter().filter(known).filter_map(parameter_object).collect();
    if !parameters.is_empty() {
        object.insert("parameters".into(), parameters.into());
    }
    object.insert("responses".into(), responses_object(variant));
    Value::Object(object)
}

fn constants_object(operation: &Operation) -> Map<String, Value> {
    let mut constants = Map::new();
    if !operation.constants.is_empty() {
        constants.insert("query".into(), json!(operation.constants));
    }
    constants
}

fn insert_unless_empty(object: &mut Map<String, Value>, key: &str, value: Map<String, Value>) {
    if !value.is_empty() {
        object.insert(key.into(), Value::Object(value));
    }
}

fn parameter_object(parameter: &Parameter) -> Option<Value> {
    let place = parameter.place.location()?;
    let mut schema = parameter.kind.schema();
    if let (Some(default), Some(object)) = (&parameter.default, schema.as_object_mut()) {
        if object.contains_key("$ref") {
            let reference = std::mem::take(object);
            object.insert("allOf".into(), json!([reference]));
        }
        object.insert("default".into(), default.clone());
    }
    let mut object = Map::new();
    object.insert("name".into(), parameter.name.as_str().into());
    object.insert("in".into(), place.into());
    if parameter.required {
        object.insert("required".into(), true.into());
    }
    if parameter.deprecated {
        object.insert("deprecated".into(), true.into());
    }
    if may_be_list(&parameter.kind) {
        let style = if parameter.place == Place::Query { "form" } else { "simple" };
        object.insert("style".into(), style.into());
        object.insert("explode".into(), (parameter.format == ArrayFormat::Multi).into());
    }
    object.insert("schema".into(), schema);
    Some(Value::Object(object))
}

fn may_be_list(kind: &Type) -> bool {
    match kind {
        Type::List(_) => true,
        Type::Union(members) => members.iter().any(may_be_list),
        _ => false,
    }
}

fn body_object(operation: &Operation) -> Option<Value> {
    if let Some(body) = &operation.body {
        let content = json!({"application/json": {"schema": body.kind.schema()}});
        return Some(if body.required {
            json!({"required": true, "content": content})
        } else {
            json!({"content": content})
        });
    }
    let parts: Vec<&Parameter> =
        operation.parameters.iter().filter(|parameter| parameter.place.location().is_none()).collect();
    if parts.is_empty() {
        return None;
    }
    let mut schema = Map::new();
    schema.insert("type".into(), "object".into());
    let required: Vec<&str> =
        parts.iter().filter(|part| part.required).map(|part| part.name.as_str()).collect();
    if !required.is_empty() {
        schema.insert("required".into(), json!(required));
    }
    let properties = parts.iter().map(|part| (part.name.clone(), part.kind.schema())).collect();
    schema.insert("properties".into(), Value::Object(properties));
    Some(json!({"required": true, "content": {"multipart/form-data": {"schema": schema}}}))
}

fn responses_object(operation: &Operation) -> Value {
    let kind = match (&operation.answer, operation.transfer) {
        (_, Transfer::Download | Transfer::Stream) => (BYTES, Type::File.schema()),
        (Some(kind), Transfer::Decoded) => (JSON, kind.schema()),
        (None, Transfer::Decoded) => return json!({"2XX": {"description": "Success"}}),
    };
    let (content_type, schema) = kind;
    json!({"2XX": {"description": "Success", "content": {content_type: {"schema": schema}}}})
}

/// The schemas of the models.
pub(crate) fn schemas(models: &Models) -> Map<String, Value> {
    models.iter().map(|(name, model)| (name.clone(), model.schema())).collect()
}

/// The tags that operations carry.
pub(crate) fn tags(paths: &Paths) -> BTreeSet<String> {
    paths
        .values()
        .flat_map(BTreeMap::values)
        .filter_map(|operation| operation.get("tags").and_then(Value::as_array))
        .flatten()
        .filter_map(|tag| tag.as_str().map(str::to_owned))
        .collect()
}

/// The whole document.
pub(crate) fn assemble(
    version: &str,
    tags: &BTreeSet<String>,
    paths: Paths,
    schemas: Map<String, Value>,
) -> Value {
    let tags: Vec<Value> = tags.iter().map(|tag| json!({"name": tag})).collect();
    let mut ordered = Map::new();
    for (path, mut operations) in paths {
        let mut item = Map::new();
        for method in METHODS {
            if let Some(operation) = operations.remove(method) {
                item.insert(method.into(), operation);
            }
        }
        ordered.insert(path, Value::Object(item));
    }
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Flywheel", "version": version},
        "servers": [{"url": "/api"}],
        "security": [{"ApiKey": []}],
        "tags": tags,
        "paths": ordered,
        "components": {
            "securitySchemes": {
                "ApiKey": {"type": "apiKey", "in": "header", "name": "Authorization"},
            },
            "schemas": schemas,
        },
    })
}

/// Notes in the document what it was imported from.
pub(crate) fn name_origin(document: &mut Value, origin: &str) {
    if let Some(info) = document.get_mut("info").and_then(Value::as_object_mut) {
        info.insert(ORIGIN.into(), origin.into());
    }
}

/// Whether the document is a description that an import wrote.
pub(crate) fn is_description(document: &Value) -> bool {
    document.get("info").is_some_and(|info| info.get(ORIGIN).is_some())
}
