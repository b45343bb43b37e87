//! What the official client asks for outside its generated modules: hand-written calls, archive downloads, drone log-in.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use rustpython_ruff_python_ast::visitor::{self, Visitor};
use rustpython_ruff_python_ast::{Expr, Stmt};
use serde_json::{Map, Value, json};

use super::document::{Paths, Source};
use super::operations::{Operation, Place};
use super::python;
use super::types::Type;
use super::wheel::Wheel;

/// A request that hand-written client code makes, as (path, lower-case method).
type Call = (String, String);

/// The container kinds whose files can be uploaded to signed addresses.
const SIGNED_UPLOAD_KINDS: [&str; 6] =
    ["acquisitions", "analyses", "collections", "projects", "sessions", "subjects"];

/// Helpers of the official client that combine wrapped operations: (operation, helpers).
const HELPERS: [(&str, &[&str]); 2] = [
    ("create_download_ticket", &["download_tar", "download_zip"]),
    ("download_ticket", &["download_tar", "download_zip"]),
];

/// The operations that the drone log-in calls with a secret instead of a key, as (path, method).
const DRONE_CALLS: [(&str, &str); 2] = [("/auth/status", "get"), ("/devices/self", "get")];

/// Adds what the hand-written modules of a wheel call.
///
/// # Errors
/// When a module is not Python.
pub(crate) fn add(wheel: &Wheel, document: &mut Value, paths: &mut Paths) -> Result<()> {
    let mut calls = Finder::default();
    for (path, source) in wheel.client_modules() {
        calls.visit_body(&python::parse(source, path)?);
    }
    for (path, method) in &calls.requests {
        let operation = match path.as_str() {
            "/dataexplorer/search/fields" => search_fields(),
            "/{ctype}/{container_id}/files" => signed_upload(),
            _ => unknown_call(path, method),
        };
        paths.entry(path.clone()).or_default().entry(method.clone()).or_insert(operation);
    }
    mark_helpers(paths, &calls.methods);
    if wheel.client_modules().any(|(path, _)| path == "flywheel/drone_login.py") {
        add_drone_login(document, paths).context("drone log-in")?;
    }
    Ok(())
}

/// Adds the query parameters that hand-written methods set before they call a wrapped operation, such as the
/// empty ticket that asks for one.
///
/// # Errors
/// When a module is not Python.
pub(crate) fn add_constants(wheel: &Wheel, operations: &mut [Operation]) -> Result<()> {
    for (path, source) in wheel.client_modules() {
        for class in python::classes(&python::parse(source, path)?) {
            for function in python::functions(&class.body) {
                let Some(id) = wrapped_call(&function.body) else { continue };
                let Some(operation) = operations.iter_mut().find(|operation| operation.id == id) else {
                    continue;
                };
                add_set_arguments(&function.body, operation);
            }
        }
    }
    Ok(())
}

/// The operation in `data = self.some_api.operation(...)`.
fn wrapped_call(body: &[Stmt]) -> Option<String> {
    python::assignments(body).find_map(|(_, value)| {
        let (name, _) = python::call(value)?;
        let (module, id) = name.strip_prefix("self.")?.split_once('.')?;
        module.ends_with("_api").then(|| id.to_owned())
    })
}

/// Takes over `kwargs['name'] = 'text'` where the name is a query parameter of the operation.
fn add_set_arguments(body: &[Stmt], operation: &mut Operation) {
    for (target, value) in python::assignments(body) {
        let (Some((list, name)), Some(value)) = (python::item(target), python::string(value)) else {
            continue;
        };
        let is_query = operation.parameters.iter().any(|p| p.place == Place::Query && p.name == name);
        if list == "kwargs" && is_query {
            operation.constants.entry(name).or_insert(value);
        }
    }
}

/// Collects `api_client.call_api(path, method, ...)` calls and method names.
#[derive(Default)]
struct Finder {
    requests: BTreeSet<Call>,
    methods: BTreeSet<String>,
}

impl<'a> Visitor<'a> for Finder {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::FunctionDef(function) = statement {
            self.methods.insert(function.name.to_string());
        }
        visitor::walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Some((name, [path, method, ..])) = python::call(expr)
            && name.ends_with("api_client.call_api")
            && let (Some(path), Some(method)) = (python::string(path), python::string(method))
        {
            self.requests.insert((path, method.to_ascii_lowercase()));
        }
        visitor::walk_expr(self, expr);
    }
}

fn search_fields() -> Value {
    json!({
        "operationId": "search_fields",
        "tags": ["dataexplorer"],
        "x-flywheel-source": Source::Client.name(),
        "requestBody": json_body(json!({
            "type": "object",
            "required": ["field"],
            "properties": {"field": {"type": "string"}},
        })),
        "responses": json_answer(json!({"type": "array", "items": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "type": {"type": "string"}},
        }})),
    })
}

/// One route, two steps: an empty ticket asks for signed addresses, the ticket given back ends the upload.
fn signed_upload() -> Value {
    let ticket = |required: bool| {
        let mut parameter = json!({"name": "ticket", "in": "query", "schema": {"type": "string"}});
        if required && let Some(parameter) = parameter.as_object_mut() {
            parameter.insert("required".into(), true.into());
        }
        parameter
    };
    json!({
        "operationId": "create_signed_upload_ticket",
        "tags": ["upload"],
        "x-flywheel-source": Source::Client.name(),
        "x-flywheel-constants": {"query": {"ticket": ""}},
        "parameters": [
            {"name": "ctype", "in": "path", "required": true, "schema": {"type": "string", "enum": SIGNED_UPLOAD_KINDS}},
            {"name": "container_id", "in": "path", "required": true, "schema": {"type": "string"}},
            ticket(false),
            {"name": "preserve_metadata", "in": "query", "schema": {"type": "boolean", "default": false}},
            {"name": "x-accept-feature", "in": "header", "style": "simple", "explode": false,
             "schema": {"type": "array", "items": {"type": "string"}}},
        ],
        "requestBody": json_body(json!({
            "type": "object",
            "required": ["metadata", "filenames"],
            "properties": {
                "metadata": {"anyOf": [{"type": "object", "additionalProperties": {}}, {"type": "array", "items": {}}]},
                "filenames": {"type": "array", "items": {"type": "string"}},
            },
        })),
        "responses": json_answer(json!({
            "type": "object",
            "required": ["ticket", "urls", "headers"],
            "properties": {
                "ticket": {"type": "string"},
                "urls": {"type": "object", "additionalProperties": {
                    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
                }},
                "headers": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        })),
        "x-flywheel-variants": [{
            "operationId": "complete_signed_upload",
            "parameters": [ticket(true)],
            "requestBody": {"content": {"application/json": {"schema": {
                "type": "object",
                "properties": {"multipart": {
                    "type": "object",
                    "required": ["e_tags", "upload_id"],
                    "properties": {
                        "e_tags": {"type": "array", "items": {"type": "string"}},
                        "upload_id": {"type": "string"},
                    },
                }},
            }}}},
            "responses": json_answer(Type::List(Box::new(Type::Model("FileOutput".into()))).schema()),
        }],
    })
}

/// A call that no table entry describes: path variables are text, body and answer are any JSON.
fn unknown_call(path: &str, method: &str) -> Value {
    let mut operation = Map::new();
    let id: String = path
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character } else { '_' })
        .collect();
    operation.insert("operationId".into(), format!("{method}{}", id.trim_end_matches('_')).into());
    operation.insert("tags".into(), json!(["client"]));
    operation.insert("x-flywheel-source".into(), Source::Client.name().into());
    let parameters = path_parameters(path);
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    if method != "get" && method != "delete" {
        operation.insert("requestBody".into(), json_body(json!({})));
    }
    operation.insert("responses".into(), json_answer(json!({})));
    Value::Object(operation)
}

/// A required text parameter for each variable of a path template.
pub(crate) fn path_parameters(path: &str) -> Vec<Value> {
    variables(path)
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect()
}

/// The variables of a path template, in order.
pub(crate) fn variables(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

pub(crate) fn json_body(schema: Value) -> Value {
    json!({"required": true, "content": {"application/json": {"schema": schema}}})
}

pub(crate) fn json_answer(schema: Value) -> Value {
    json!({"2XX": {"description": "Success", "content": {"application/json": {"schema": schema}}}})
}

fn mark_helpers(paths: &mut Paths, methods: &BTreeSet<String>) {
    for operation in paths.values_mut().flat_map(|item| item.values_mut()) {
        let Some(id) = operation.get("operationId").and_then(Value::as_str) else { continue };
        let Some((_, helpers)) = HELPERS.iter().find(|(operation, _)| *operation == id) else { continue };
        let helpers: Vec<&str> = helpers.iter().copied().filter(|helper| methods.contains(*helper)).collect();
        if let Some(object) = operation.as_object_mut()
            && !helpers.is_empty()
        {
            object.insert("x-flywheel-client-helpers".into(), json!(helpers));
        }
    }
}

/// Drones identify themselves with a shared secret, a device type and a device name.
fn add_drone_login(document: &mut Value, paths: &mut Paths) -> Result<()> {
    let schemes = document
        .pointer_mut("/components/securitySchemes")
        .and_then(Value::as_object_mut)
        .context("the document has no security schemes")?;
    let mut either = Map::new();
    for (scheme, header) in [
        ("DroneSecret", "X-SciTran-Auth"),
        ("DroneMethod", "X-SciTran-Method"),
        ("DroneName", "X-SciTran-Name"),
    ] {
        schemes.insert(scheme.into(), json!({"type": "apiKey", "in": "header", "name": header}));
        either.insert(scheme.into(), json!([]));
    }
    for (path, method) in DRONE_CALLS {
        if let Some(operation) =
            paths.get_mut(path).and_then(|item| item.get_mut(method)).and_then(Value::as_object_mut)
        {
            operation.insert("security".into(), json!([{"ApiKey": []}, either]));
        }
    }
    Ok(())
}
