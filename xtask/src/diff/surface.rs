//! What a caller sees of a description: operations and types by name, every schema as one line of text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// A description as a caller sees it.
#[derive(Debug, Default)]
pub(crate) struct Surface {
    /// Operations and their variants by operation id.
    pub(crate) operations: BTreeMap<String, Operation>,
    /// Types by name.
    pub(crate) types: BTreeMap<String, Shape>,
    /// The types that a caller sends.
    pub(crate) sent: BTreeSet<String>,
    /// The types that a caller reads.
    pub(crate) read: BTreeSet<String>,
}

/// An operation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// Method and path, with variable names as written.
    pub(crate) place: String,
    /// Its tags.
    pub(crate) tags: String,
    /// Its parameters by `name (place)`.
    pub(crate) parameters: BTreeMap<String, Member>,
    /// Its body.
    pub(crate) body: Option<Member>,
    /// Its answer.
    pub(crate) answer: String,
    /// Constants that are sent with it.
    pub(crate) constants: String,
    /// Whether it is to be used no more.
    pub(crate) deprecated: bool,
}

/// A parameter, a field or a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its type as text.
    pub(crate) kind: String,
    /// Whether it must be there.
    pub(crate) required: bool,
    /// Its default as text.
    pub(crate) default: Option<String>,
    /// Whether it is to be used no more.
    pub(crate) deprecated: bool,
}

/// A named type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An object with fields.
    Object(BTreeMap<String, Member>),
    /// One of some texts.
    Enum(BTreeSet<String>),
    /// Anything else, as text.
    Other(String),
}

impl Surface {
    /// Reads a description.
    pub(crate) fn of(document: &Value) -> Self {
        let mut surface = Self::default();
        let (mut sent, mut read) = (BTreeSet::new(), BTreeSet::new());
        for (path, item) in object(document.get("paths")) {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let Some(operation) = operation.as_object() else { continue };
                let place = format!("{} {path}", method.to_uppercase());
                surface.add(&place, operation, None);
                for variant in list(operation.get("x-flywheel-variants")) {
                    if let Some(variant) = variant.as_object() {
                        surface.add(&place, variant, Some(operation));
                    }
                }
                collect(operation.get("parameters"), &mut sent);
                collect(operation.get("requestBody"), &mut sent);
                collect(operation.get("responses"), &mut read);
                collect(operation.get("x-flywheel-variants"), &mut read);
            }
        }
        let schemas = document.pointer("/components/schemas");
        for (name, schema) in object(schemas) {
            surface.types.insert(name.clone(), Shape::of(schema));
        }
        surface.sent = reachable(schemas, sent);
        surface.read = reachable(schemas, read);
        surface
    }

    fn add(&mut self, place: &str, operation: &Map<String, Value>, main: Option<&Map<String, Value>>) {
        let Some(id) = operation.get("operationId").and_then(Value::as_str) else { return };
        let inherited = |key: &str| operation.get(key).or_else(|| main.and_then(|main| main.get(key)));
        let mut parameters: BTreeMap<String, Member> =
            main.into_iter().flat_map(|main| list(main.get("parameters"))).filter_map(parameter).collect();
        parameters.extend(list(operation.get("parameters")).into_iter().filter_map(parameter));
        let constants =
            if main.is_some() { operation.get("constants") } else { operation.get("x-flywheel-constants") };
        let described = Operation {
            place: place.to_owned(),
            tags: list(inherited("tags"))
                .into_iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(", "),
            parameters,
            body: inherited("requestBody").map(body),
            answer: answer(operation.get("responses")),
            constants: constants.map(Value::to_string).unwrap_or_default(),
            deprecated: is_true(operation.get("deprecated")),
        };
        self.operations.insert(id.to_owned(), described);
    }
}

impl Shape {
    fn of(schema: &Value) -> Self {
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return Self::Enum(values.iter().map(text).collect());
        }
        if schema.get("properties").is_none() {
            return Self::Other(describe(schema));
        }
        let required: BTreeSet<&str> =
            list(schema.get("required")).into_iter().filter_map(Value::as_str).collect();
        let member = |(name, field): (&String, &Value)| {
            (name.clone(), member(field, required.contains(name.as_str())))
        };
        Self::Object(object(schema.get("properties")).map(member).collect())
    }
}

fn object(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn list(value: Option<&Value>) -> Vec<&Value> {
    value.and_then(Value::as_array).into_iter().flatten().collect()
}

fn is_true(value: Option<&Value>) -> bool {
    value.and_then(Value::as_bool) == Some(true)
}

/// A text without its quotes, anything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn member(schema: &Value, required: bool) -> Member {
    Member {
        kind: describe(schema),
        required,
        default: schema.get("default").map(text),
        deprecated: is_true(schema.get("deprecated")),
    }
}

fn parameter(parameter: &Value) -> Option<(String, Member)> {
    let name = parameter.get("name")?.as_str()?;
    let place = parameter.get("in")?.as_str()?;
    let mut member =
        member(parameter.get("schema").unwrap_or(&Value::Null), is_true(parameter.get("required")));
    member.deprecated |= is_true(parameter.get("deprecated"));
    Some((format!("{name} ({place})"), member))
}

fn body(body: &Value) -> Member {
    Member { kind: content(body), required: is_true(body.get("required")), default: None, deprecated: false }
}

fn answer(responses: Option<&Value>) -> String {
    let answers: Vec<String> = object(responses)
        .filter(|(status, _)| status.starts_with('2'))
        .map(|(_, answer)| content(answer))
        .collect();
    answers.join(" or ")
}

/// The types of a body or answer; JSON goes without saying.
fn content(holder: &Value) -> String {
    let kinds: Vec<String> = object(holder.get("content"))
        .map(|(kind, media)| {
            let described = describe(media.get("schema").unwrap_or(&Value::Null));
            if kind == "application/json" { described } else { format!("{kind} {described}") }
        })
        .collect();
    if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(" or ") }
}

/// A schema as one line.
fn describe(schema: &Value) -> String {
    let plain = describe_plain(schema);
    if is_true(schema.get("nullable")) { format!("{plain} or null") } else { plain }
}

fn describe_plain(schema: &Value) -> String {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return reference.rsplit('/').next().unwrap_or(reference).to_owned();
    }
    for (key, name) in [("anyOf", "union"), ("oneOf", "union"), ("allOf", "all")] {
        let members = list(schema.get(key));
        match members.as_slice() {
            [] => {}
            [only] if key == "allOf" => return describe(only),
            members => {
                return format!(
                    "{name}[{}]",
                    members.iter().map(|m| describe(m)).collect::<Vec<_>>().join(", ")
                );
            }
        }
    }
    let values = list(schema.get("enum"));
    if !values.is_empty() {
        return format!("enum[{}]", values.into_iter().map(text).collect::<Vec<_>>().join(", "));
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => format!("list[{}]", describe(schema.get("items").unwrap_or(&Value::Null))),
        Some("object") => describe_object(schema),
        Some(kind) => schema.get("format").and_then(Value::as_str).unwrap_or(kind).to_owned(),
        None => "any".to_owned(),
    }
}

fn describe_object(schema: &Value) -> String {
    if schema.get("properties").is_none() {
        return match schema.get("additionalProperties") {
            Some(values) if values.is_object() => format!("map[{}]", describe(values)),
            _ => "object".to_owned(),
        };
    }
    let required: Vec<&str> = list(schema.get("required")).into_iter().filter_map(Value::as_str).collect();
    let fields: Vec<String> = object(schema.get("properties"))
        .map(|(name, field)| {
            let mark = if required.contains(&name.as_str()) { "*" } else { "" };
            format!("{name}{mark}: {}", describe(field))
        })
        .collect();
    format!("object{{{}}}", fields.join(", "))
}

/// Adds the names of all types that a value refers to.
fn collect(value: Option<&Value>, into: &mut BTreeSet<String>) {
    match value {
        Some(Value::Object(object)) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                into.extend(reference.rsplit('/').next().map(str::to_owned));
            }
            object.values().for_each(|inner| collect(Some(inner), into));
        }
        Some(Value::Array(list)) => list.iter().for_each(|inner| collect(Some(inner), into)),
        _ => {}
    }
}

/// The types and everything that they are made of.
fn reachable(schemas: Option<&Value>, from: BTreeSet<String>) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    let mut next: Vec<String> = from.into_iter().collect();
    while let Some(name) = next.pop() {
        if known.insert(name.clone()) {
            let mut inner = BTreeSet::new();
            collect(schemas.and_then(|schemas| schemas.get(&name)), &mut inner);
            next.extend(inner);
        }
    }
    known
}
