//! A site's own OpenAPI 3.0 / 3.1 document as the description: the same shape that a wheel gives.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::document::{self, METHODS, Paths};
use super::schema;
use super::summary::Summary;
use super::swagger2;

type Object = Map<String, Value>;

/// FastAPI's answer to an argument it refuses. It is the same for every operation and is read as an error, not as a model.
const VALIDATION: [&str; 2] = ["HTTPValidationError", "ValidationError"];

/// Where sites serve the API.
const BASE: &str = "/api";

/// Converts a document of any known version.
///
/// # Errors
/// When it is neither OpenAPI 3.0 / 3.1 nor Swagger 2.0, or a reference outside of schemas leads nowhere.
pub(crate) fn convert(document: &Value) -> Result<(Value, Summary)> {
    if let Some(version) = document.get("swagger").and_then(Value::as_str) {
        if version != "2.0" {
            bail!("/swagger: version `{version}` is not known; give Swagger 2.0 or OpenAPI 3.x");
        }
        return convert_as(&swagger2::to_openapi3(document), "Swagger 2.0");
    }
    let version = document.get("openapi").and_then(Value::as_str).unwrap_or_default();
    if !version.starts_with("3.0") && !version.starts_with("3.1") {
        bail!("/openapi: version `{version}` is not known; give OpenAPI 3.0 or 3.1, or Swagger 2.0");
    }
    convert_as(document, &format!("OpenAPI {version}"))
}

fn convert_as(document: &Value, origin: &str) -> Result<(Value, Summary)> {
    let source = document
        .get("paths")
        .and_then(Value::as_object)
        .context("/paths: there are none; give a whole document")?;
    let mut converter = Converter { document, left_out: 0, schemas: Object::new() };
    let mut paths = Paths::new();
    let prefixed = !serves_base(document) && source.keys().any(|path| path.starts_with("/api/"));
    for (path, item) in source {
        let (path, outside) = match path.strip_prefix(BASE) {
            Some(rest) if prefixed && rest.starts_with('/') => (rest.to_owned(), false),
            _ => (path.clone(), prefixed),
        };
        let operations = converter.item(&path, item, outside)?;
        if !operations.is_empty() {
            let item = paths.entry(path.clone()).or_default();
            if let Some(method) = operations.keys().find(|method| item.contains_key(*method)) {
                bail!(
                    "/paths: `{method} {path}` stands both inside and outside of `{BASE}`; drop one of the two"
                );
            }
            item.extend(operations);
        }
    }
    converter.component_schemas();
    drop_validation(&paths, &mut converter.schemas);
    let tags = document::tags(&paths);
    let release = document.pointer("/info/version").and_then(Value::as_str).unwrap_or("unknown");
    let summary = summarise(&paths, &converter, &tags);
    let schemas: BTreeMap<String, Value> = std::mem::take(&mut converter.schemas).into_iter().collect();
    let mut out = document::assemble(release, &tags, paths, schemas.into_iter().collect());
    document::name_origin(&mut out, origin);
    Ok((out, summary))
}

fn serves_base(document: &Value) -> bool {
    let servers = document.get("servers").and_then(Value::as_array).into_iter().flatten();
    servers
        .filter_map(|server| server.get("url").and_then(Value::as_str))
        .any(|url| url.trim_end_matches('/').ends_with(BASE))
}

struct Converter<'a> {
    document: &'a Value,
    left_out: usize,
    schemas: Object,
}

impl<'a> Converter<'a> {
    /// The operations of a path, by method.
    fn item(&mut self, path: &str, item: &'a Value, outside: bool) -> Result<BTreeMap<String, Value>> {
        let place = format!("/paths/{}", path.replace('~', "~0").replace('/', "~1"));
        let item = self.followed(item, &place)?;
        let mut operations = BTreeMap::new();
        for method in METHODS {
            let Some(operation) = item.get(method).and_then(Value::as_object) else { continue };
            let place = format!("{place}/{method}");
            let mut converted = self.operation(path, method, item, operation, &place)?;
            if outside {
                converted.insert("servers".into(), json!([{"url": "/"}]));
            }
            operations.insert(method.to_owned(), Value::Object(converted));
        }
        Ok(operations)
    }

    fn operation(
        &mut self,
        path: &str,
        method: &str,
        item: &'a Value,
        operation: &'a Object,
        place: &str,
    ) -> Result<Object> {
        let mut out = Object::new();
        let id = operation
            .get("operationId")
            .and_then(Value::as_str)
            .map_or_else(|| made_id(method, path), str::to_owned);
        out.insert("operationId".into(), id.into());
        let tags = operation.get("tags").filter(|tags| tags.as_array().is_some_and(|tags| !tags.is_empty()));
        out.insert("tags".into(), tags.cloned().unwrap_or_else(|| json!([made_tag(path)])));
        out.insert("x-flywheel-source".into(), "document".into());
        if operation.get("deprecated").and_then(Value::as_bool) == Some(true) {
            out.insert("deprecated".into(), true.into());
        }
        for (key, value) in operation.iter().filter(|(key, _)| key.starts_with("x-")) {
            out.insert(key.clone(), value.clone());
        }
        let parameters = self.parameters(item, operation, place)?;
        if !parameters.is_empty() {
            out.insert("parameters".into(), Value::Array(parameters));
        }
        if let Some(body) = operation.get("requestBody") {
            let body = self.followed(body, &format!("{place}/requestBody"))?;
            let mut converted = Object::new();
            if body.get("required").and_then(Value::as_bool) == Some(true) {
                converted.insert("required".into(), true.into());
            }
            converted.insert("content".into(), content(body));
            out.insert("requestBody".into(), Value::Object(converted));
        }
        out.insert("responses".into(), self.responses(operation, place)?);
        Ok(out)
    }

    /// The operation's own parameters, then those of its path that it does not replace.
    fn parameters(&self, item: &'a Value, operation: &'a Object, place: &str) -> Result<Vec<Value>> {
        let mut out: Vec<Value> = Vec::new();
        let own = list(operation.get("parameters"));
        let count = own.len();
        for (index, parameter) in own.into_iter().chain(list(item.get("parameters"))).enumerate() {
            let parameter = self.followed(parameter, &format!("{place}/parameters/{index}"))?;
            let same = |other: &Value| {
                other.get("name") == parameter.get("name") && other.get("in") == parameter.get("in")
            };
            if index < count || !out.iter().any(same) {
                out.push(convert_parameter(parameter));
            }
        }
        Ok(out)
    }

    /// Success answers as one `2XX`; the others are read by the one error type.
    fn responses(&mut self, operation: &'a Object, place: &str) -> Result<Value> {
        let mut merged = Object::new();
        for (status, response) in operation.get("responses").and_then(Value::as_object).into_iter().flatten()
        {
            if !status.starts_with('2') {
                self.left_out += 1;
                continue;
            }
            let response = self.followed(response, &format!("{place}/responses/{status}"))?;
            let Value::Object(content) = content(response) else { continue };
            for (kind, media) in content {
                match merged.get_mut(&kind) {
                    None => {
                        merged.insert(kind, media);
                    }
                    Some(present) => *present = either(present, &media),
                }
            }
        }
        let mut response = json!({"description": "Success"});
        if let (Some(response), false) = (response.as_object_mut(), merged.is_empty()) {
            response.insert("content".into(), Value::Object(merged));
        }
        Ok(json!({"2XX": response}))
    }

    /// Follows a local reference to a parameter, body, answer or path.
    fn followed(&self, value: &'a Value, place: &str) -> Result<&'a Value> {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return Ok(value) };
        let target = reference.strip_prefix('#').and_then(|pointer| self.document.pointer(pointer));
        target.with_context(|| {
            format!(
                "{place}: the reference `{reference}` leads nowhere; add what it names or name something else"
            )
        })
    }

    fn component_schemas(&mut self) {
        let schemas = self.document.pointer("/components/schemas").and_then(Value::as_object);
        for (name, schema) in schemas.into_iter().flatten() {
            let converted = schema::convert(schema);
            self.schemas.insert(name.clone(), converted);
        }
    }
}

fn list(value: Option<&Value>) -> Vec<&Value> {
    value.and_then(Value::as_array).into_iter().flatten().collect()
}

fn convert_parameter(parameter: &Value) -> Value {
    let mut out = Object::new();
    for key in ["name", "in", "required", "deprecated", "style", "explode"] {
        if let Some(value) =
            parameter.get(key).filter(|value| **value != Value::Bool(false) || key == "explode")
        {
            out.insert(key.into(), value.clone());
        }
    }
    let plain = parameter.get("schema");
    let wrapped = || parameter.get("content")?.as_object()?.values().next()?.get("schema");
    let schema = plain.or_else(wrapped).map_or_else(|| json!({}), schema::convert);
    if is_list(&schema) && !out.contains_key("style") {
        let query = matches!(out.get("in").and_then(Value::as_str), Some("query" | "cookie"));
        out.insert("style".into(), if query { "form" } else { "simple" }.into());
        out.entry("explode").or_insert(query.into());
    }
    out.insert("schema".into(), schema);
    Value::Object(out)
}

fn is_list(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("array")
        || list(schema.get("anyOf")).into_iter().any(is_list)
}

/// The content of a body or an answer, each type with its converted schema.
fn content(holder: &Value) -> Value {
    let types = holder.get("content").and_then(Value::as_object).into_iter().flatten();
    let converted = types.map(|(kind, media)| {
        let schema = media.get("schema").map_or_else(|| json!({}), schema::convert);
        (kind.clone(), json!({"schema": schema}))
    });
    Value::Object(converted.collect())
}

/// Two answers of one content type as a union.
fn either(one: &Value, other: &Value) -> Value {
    if one == other {
        return one.clone();
    }
    let mut members: Vec<Value> = Vec::new();
    for media in [one, other] {
        let schema = media.get("schema").cloned().unwrap_or_else(|| json!({}));
        let inner = schema.get("anyOf").and_then(Value::as_array).cloned().unwrap_or_else(|| vec![schema]);
        for member in inner {
            if !members.contains(&member) {
                members.push(member);
            }
        }
    }
    json!({"schema": {"anyOf": members}})
}

/// A name for an operation that has none.
fn made_id(method: &str, path: &str) -> String {
    let words: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let words: Vec<&str> = words.split('_').filter(|word| !word.is_empty()).collect();
    format!("{method}_{}", words.join("_"))
}

/// A tag for an operation that has none: the first word of its path.
fn made_tag(path: &str) -> &str {
    path.split('/').find(|segment| !segment.is_empty() && !segment.starts_with('{')).unwrap_or("root")
}

/// Removes the validation models when nothing but the dropped answers used them.
fn drop_validation(paths: &Paths, schemas: &mut Object) {
    for name in VALIDATION {
        let reference = Value::from(format!("#/components/schemas/{name}"));
        let in_paths =
            paths.values().flat_map(BTreeMap::values).any(|operation| mentions(operation, &reference));
        let in_schemas = schemas.iter().any(|(other, schema)| other != name && mentions(schema, &reference));
        if !in_paths && !in_schemas {
            schemas.shift_remove(name);
        }
    }
}

fn mentions(value: &Value, reference: &Value) -> bool {
    match value {
        Value::Object(object) => {
            object.get("$ref") == Some(reference) || object.values().any(|inner| mentions(inner, reference))
        }
        Value::Array(list) => list.iter().any(|inner| mentions(inner, reference)),
        _ => false,
    }
}

fn summarise(paths: &Paths, converter: &Converter<'_>, tags: &BTreeSet<String>) -> Summary {
    let mut summary = Summary::default();
    summary.push("operations", paths.values().map(BTreeMap::len).sum());
    summary.push("paths", paths.len());
    summary.push("tags", tags.len());
    let enums = converter.schemas.values().filter(|schema| schema.get("enum").is_some()).count();
    summary.push("models", converter.schemas.len() - enums);
    summary.push("enums", enums);
    summary.push("error answers left out", converter.left_out);
    summary
}
