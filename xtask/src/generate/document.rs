//! The description as a JSON tree, with the few questions that passes ask of it.

use std::collections::BTreeSet;

use heck::ToPascalCase;
use serde_json::{Map, Value};

/// The HTTP methods a path item can hold, in the order in which operations are listed.
pub(crate) const METHODS: [&str; 7] = ["get", "head", "options", "post", "put", "patch", "delete"];

const SCHEMAS: &str = "#/components/schemas/";

/// An OpenAPI document.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// The whole tree.
    pub(crate) root: Value,
}

impl Document {
    /// Wraps a tree and makes sure that the parts every pass relies on are there.
    pub(crate) fn new(mut root: Value) -> anyhow::Result<Self> {
        anyhow::ensure!(root.get("paths").is_some_and(Value::is_object), "the description has no paths");
        let Some(members) = root.as_object_mut() else { anyhow::bail!("the description is not an object") };
        let components = members.entry("components").or_insert_with(|| Value::Object(Map::new()));
        let Some(components) = components.as_object_mut() else {
            anyhow::bail!("components is not an object")
        };
        components.entry("schemas").or_insert_with(|| Value::Object(Map::new()));
        Ok(Self { root })
    }

    /// The named schemas.
    pub(crate) fn schemas(&self) -> &Map<String, Value> {
        self.root["components"]["schemas"].as_object().expect("made by new")
    }

    /// The named schemas, to be changed.
    pub(crate) fn schemas_mut(&mut self) -> &mut Map<String, Value> {
        self.root["components"]["schemas"].as_object_mut().expect("made by new")
    }

    /// The path items.
    pub(crate) fn paths_mut(&mut self) -> &mut Map<String, Value> {
        self.root["paths"].as_object_mut().expect("checked by new")
    }

    /// Every operation with its path and method, in the order of the description.
    pub(crate) fn operations(&self) -> impl Iterator<Item = (&str, &'static str, &Value)> {
        let paths = self.root["paths"].as_object().expect("checked by new");
        paths.iter().flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| Some((path.as_str(), *method, item.get(*method)?)))
        })
    }

    /// Every operation, to be changed.
    pub(crate) fn operations_mut(&mut self) -> impl Iterator<Item = (&str, &'static str, &mut Value)> {
        self.paths_mut().iter_mut().flat_map(|(path, item)| {
            let item = item.as_object_mut().into_iter().flatten();
            item.filter_map(move |(name, operation)| {
                let method = METHODS.into_iter().find(|method| method == name)?;
                Some((path.as_str(), method, operation))
            })
        })
    }

    /// Calls `visit` on every schema of the document, outer ones before the ones within, with a name that says
    /// where the schema stands; adds up what the calls count.
    pub(crate) fn visit_schemas(&mut self, mut visit: impl FnMut(&str, &mut Value) -> usize) -> usize {
        let mut count = 0;
        for (name, schema) in self.schemas_mut() {
            visit_schema(name, schema, &mut visit, &mut count);
        }
        for (_, _, operation) in self.operations_mut() {
            visit_operation(operation, &mut |name, schema| {
                visit_schema(name, schema, &mut visit, &mut count)
            });
        }
        count
    }

    /// As [`Document::visit_schemas`], for what answers are made of: `named` are the schemas that they refer to.
    pub(crate) fn visit_answers(
        &mut self,
        named: &BTreeSet<String>,
        mut visit: impl FnMut(&str, &mut Value) -> usize,
    ) -> usize {
        let mut count = 0;
        for (name, schema) in self.schemas_mut().iter_mut().filter(|(name, _)| named.contains(*name)) {
            visit_schema(name, schema, &mut visit, &mut count);
        }
        for (_, _, operation) in self.operations_mut() {
            visit_responses(operation, &mut |name, schema| {
                visit_schema(name, schema, &mut visit, &mut count)
            });
        }
        count
    }

    /// The names of the schemas that answers are made of.
    pub(crate) fn in_answers(&self) -> BTreeSet<String> {
        let answers = self.operations().filter_map(|(_, _, operation)| operation.get("responses"));
        self.reachable(answers)
    }

    /// The names of the schemas that requests are made of.
    pub(crate) fn in_requests(&self) -> BTreeSet<String> {
        let requests = self.operations().flat_map(|(_, _, operation)| {
            ["requestBody", "parameters", "x-flywheel-form"].into_iter().filter_map(|key| operation.get(key))
        });
        self.reachable(requests)
    }

    fn reachable<'a>(&'a self, roots: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = roots.flat_map(references).collect::<Vec<_>>();
        while let Some(name) = open.pop() {
            if found.insert(name.clone())
                && let Some(schema) = self.schemas().get(&name)
            {
                open.extend(references(schema));
            }
        }
        found
    }

    /// The schema that a reference leads to, or the schema itself.
    pub(crate) fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let target = reference(schema).and_then(|name| self.schemas().get(name));
        target.map_or(schema, |target| self.resolve(target))
    }

    /// The kind of JSON value that a schema takes.
    pub(crate) fn kind(&self, schema: &Value) -> Kind {
        let schema = self.resolve(schema);
        if let Some(kind) = schema.get("x-flywheel-kind").and_then(Value::as_str) {
            return Kind::named(kind);
        }
        schema.get("type").and_then(Value::as_str).map_or(Kind::Any, Kind::named)
    }
}

/// A kind of JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// A list.
    Array,
    /// An object.
    Object,
    /// A text.
    String,
    /// True or false.
    Boolean,
    /// A number.
    Number,
    /// Whatever comes.
    Any,
}

impl Kind {
    fn named(name: &str) -> Self {
        match name {
            "array" => Self::Array,
            "object" => Self::Object,
            "string" => Self::String,
            "boolean" => Self::Boolean,
            "integer" | "number" => Self::Number,
            _ => Self::Any,
        }
    }

    /// The name by which the raw crate's union macro knows the kind.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Object => "object",
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::Any => "any",
        }
    }
}

/// A reference to a named schema.
pub(crate) fn reference_to(name: &str) -> Value {
    serde_json::json!({ "$ref": format!("{SCHEMAS}{name}") })
}

/// The name that a schema refers to, when it is a reference.
pub(crate) fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(SCHEMAS)
}

/// A schema that stands for a type of the raw crate instead of one to be generated.
pub(crate) fn rust_type(path: &str, kind: Option<Kind>, parameters: Vec<Value>) -> Value {
    let mut schema = serde_json::json!({
        "x-rust-type": { "crate": "flywheel_api", "version": "*", "path": format!("flywheel_api::{path}"), "parameters": parameters },
    });
    if let Some(kind) = kind {
        schema["x-flywheel-kind"] = kind.name().into();
    }
    schema
}

/// Every name referred to below a value.
fn references(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect_references(value, &mut found);
    found
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    found.extend(reference(value).map(str::to_owned));
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        Value::Object(members) => members.values().for_each(|member| collect_references(member, found)),
        _ => {}
    }
}

/// Changes every reference below a value.
pub(crate) fn rename_references(value: &mut Value, rename: &mut impl FnMut(&str) -> Option<String>) {
    if let Some(name) = reference(value).and_then(&mut *rename) {
        value["$ref"] = format!("{SCHEMAS}{name}").into();
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rename_references(item, rename)),
        Value::Object(members) => members.values_mut().for_each(|member| rename_references(member, rename)),
        _ => {}
    }
}

fn visit_schema(
    name: &str,
    schema: &mut Value,
    visit: &mut impl FnMut(&str, &mut Value) -> usize,
    count: &mut usize,
) {
    *count += visit(name, schema);
    let Some(members) = schema.as_object_mut() else { return };
    for (key, member) in members {
        match key.as_str() {
            "properties" => member.as_object_mut().into_iter().flatten().for_each(|(property, schema)| {
                visit_schema(&format!("{name}{}", property.to_pascal_case()), schema, visit, count);
            }),
            "anyOf" | "oneOf" | "allOf" | "x-flywheel-union" => {
                let parts = member.as_array_mut().into_iter().flatten();
                parts.for_each(|part| visit_schema(name, part, visit, count));
            }
            "items" | "additionalProperties" => visit_schema(name, member, visit, count),
            "x-rust-type" => {
                let parts = member.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten();
                parts.for_each(|part| visit_schema(name, part, visit, count));
            }
            _ => {}
        }
    }
}

fn visit_operation(operation: &mut Value, visit: &mut impl FnMut(&str, &mut Value)) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_pascal_case();
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let name = format!("{id}{}", parameter["name"].as_str().unwrap_or_default().to_pascal_case());
        parameter.get_mut("schema").into_iter().for_each(|schema| visit(&name, schema));
    }
    visit_responses(operation, visit);
    if let Some(content) = operation.pointer_mut("/requestBody/content") {
        visit_media(content, &mut |schema| visit(&format!("{id}Body"), schema));
    }
}

fn visit_responses(operation: &mut Value, visit: &mut impl FnMut(&str, &mut Value)) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_pascal_case();
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten();
    for content in responses.filter_map(|(_, response)| response.get_mut("content")) {
        visit_media(content, &mut |schema| visit(&format!("{id}Answer"), schema));
    }
}

fn visit_media(content: &mut Value, visit: &mut impl FnMut(&mut Value)) {
    let media = content.as_object_mut().into_iter().flatten();
    media.filter_map(|(_, media)| media.get_mut("schema")).for_each(visit);
}
