//! The API description: which operation a request calls, and what that operation may answer.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use http::Method;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, JsonType, Registry, ValidationError, Validator};
use serde_json::{Map, Value, json};

/// The name under which schemas refer to the whole description.
const DOCUMENT: &str = "urn:flywheel:description";

/// Properties the description calls required that the platform nevertheless answers with null:
/// models of the official client mark what is always present, not what always has a value.
const NULL_THOUGH_REQUIRED: [&str; 3] = ["copy_of", "expires_at", "original_copy_of"];

/// A description, ready to be asked.
pub struct Description {
    operations: Vec<Operation>,
    registry: Registry<'static>,
    /// For an answer that may be a page or a bare list: the pointer to the schema of the list.
    lists: HashMap<String, String>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// One method on one path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The operation id.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// Its path template, relative to `/api`.
    pub template: String,
    segments: Vec<Segment>,
    answers: Vec<Answers>,
}

/// What an operation answers when the query holds the constants: the variants first, then the
/// operation itself, which holds none.
#[derive(Debug, Clone)]
struct Answers {
    constants: Vec<(String, String)>,
    /// By status as the description writes it: `200`, `2XX`, `default`.
    by_status: HashMap<String, Expected>,
}

/// One segment of a path template; a parameter may have text on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter { before: String, after: String },
}

/// A place where an answer does not fit its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// JSON pointer into the answer.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

/// What the description says about an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// JSON that fits the schema at this pointer.
    Json(String),
    /// Bytes, or nothing that the description tells about.
    Anything,
}

impl Description {
    /// The description of this workspace.
    ///
    /// # Panics
    ///
    /// When `openapi/flywheel.json` cannot be read.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Description> = LazyLock::new(|| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/flywheel.json");
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let document =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Description::new(document)
        });
        &SHARED
    }

    /// A description from an OpenAPI 3.0 document.
    ///
    /// # Panics
    ///
    /// When the document is not one.
    #[must_use]
    pub fn new(mut document: Value) -> Self {
        relax(&mut document);
        let operations = operations(&document);
        let lists = lists(&document, &operations);
        let registry = Registry::new()
            .draft(Draft::Draft7)
            .add(DOCUMENT, document)
            .and_then(|registry| registry.prepare())
            .expect("every reference of the description resolves");
        Self { operations, registry, lists, validators: Mutex::default() }
    }

    /// Every operation.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation that a request calls. `path` is relative to `/api`.
    #[must_use]
    pub fn operation(&self, method: &Method, path: &str) -> Option<&Operation> {
        self.fitting(method, path).into_iter().next()
    }

    /// The operations whose templates a request fits, the one that is the most literal first.
    pub(crate) fn fitting(&self, method: &Method, path: &str) -> Vec<&Operation> {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let mut found: Vec<&Operation> = self
            .operations
            .iter()
            .filter(|operation| operation.method == method && operation.matches(&segments))
            .collect();
        found.sort_by_key(|operation| std::cmp::Reverse(operation.rank()));
        found
    }

    /// Where an answer does not fit the schema at a pointer into the description. The rows of a page are held
    /// against the list that the operation answers without pages.
    ///
    /// # Panics
    ///
    /// When there is no schema at that pointer.
    #[must_use]
    pub fn mismatches(&self, pointer: &str, answer: &Value) -> Vec<Mismatch> {
        let mut found = self.against(pointer, answer);
        if let (Some(rows), Some(list)) = (answer.get("results"), self.lists.get(pointer)) {
            let rows = self.against(list, rows).into_iter();
            found.extend(rows.map(|row| Mismatch { pointer: format!("/results{}", row.pointer), ..row }));
        }
        found
    }

    fn against(&self, pointer: &str, document: &Value) -> Vec<Mismatch> {
        let validator = self.validator(pointer);
        let mut found = Vec::new();
        for error in validator.iter_errors(document) {
            explain(&error, &mut found);
        }
        found
    }

    fn validator(&self, pointer: &str) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = validators.entry(pointer.to_owned()).or_insert_with(|| {
            let built = jsonschema::options()
                .with_draft(Draft::Draft7)
                .with_registry(&self.registry)
                .should_validate_formats(true)
                .should_ignore_unknown_formats(true)
                .build(&json!({"$ref": format!("{DOCUMENT}#{pointer}")}))
                .unwrap_or_else(|error| panic!("the schema at {pointer}: {error}"));
            Arc::new(built)
        });
        Arc::clone(validator)
    }
}

impl Operation {
    fn matches(&self, path: &[&str]) -> bool {
        self.segments.len() == path.len()
            && self.segments.iter().zip(path).all(|(segment, text)| segment.matches(text))
    }

    /// Orders templates that match one path: literal text on the left wins.
    fn rank(&self) -> Vec<usize> {
        self.segments.iter().map(Segment::literal_length).collect()
    }

    /// The path with every parameter filled in by its name.
    #[must_use]
    pub fn path(&self, fill: impl Fn(&str) -> String) -> String {
        let mut path = String::new();
        let mut rest = self.template.as_str();
        while let Some((before, (name, after))) =
            rest.split_once('{').and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
        {
            path.push_str(before);
            path.push_str(&fill(name));
            rest = after;
        }
        path.push_str(rest);
        path
    }

    /// What the description says about a successful answer to a query; nothing when it does not
    /// know the status.
    #[must_use]
    pub fn expected(&self, query: &[(String, String)], status: u16) -> Option<Expected> {
        let answers = self
            .answers
            .iter()
            .find(|answers| answers.constants.iter().all(|constant| query.contains(constant)))?;
        let family = format!("{}XX", status / 100);
        let media = [status.to_string().as_str(), &family, "default"]
            .iter()
            .find_map(|key| answers.by_status.get(*key))?;
        Some(media.clone())
    }
}

impl Segment {
    fn new(text: &str) -> Self {
        match text.split_once('{') {
            Some((before, rest)) => Self::Parameter {
                before: before.to_owned(),
                after: rest.split_once('}').map_or("", |(_, after)| after).to_owned(),
            },
            None => Self::Literal(text.to_owned()),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => literal == text,
            Self::Parameter { before, after } => {
                text.len() > before.len() + after.len() && text.starts_with(before) && text.ends_with(after)
            }
        }
    }

    fn literal_length(&self) -> usize {
        match self {
            Self::Literal(_) => usize::MAX,
            Self::Parameter { before, after } => before.len() + after.len(),
        }
    }
}

/// A value for a path parameter that is well-formed wherever it can be.
#[must_use]
pub fn placeholder(name: &str) -> String {
    match name {
        "ctype" | "container_name" => "projects".to_owned(),
        "subcontainer_name" => "sessions".to_owned(),
        name if name.contains("type") => "project".to_owned(),
        name if name.contains("uid") || name.contains("user") => "nobody@example.org".to_owned(),
        name if name.contains("id") => "0".repeat(24),
        _ => "something".to_owned(),
    }
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (template, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let (Ok(method), Some(id)) =
                (method.to_uppercase().parse::<Method>(), operation["operationId"].as_str())
            else {
                continue;
            };
            let place = format!("/paths/{}/{}", escape(template), method.as_str().to_lowercase());
            found.push(Operation {
                id: id.to_owned(),
                method,
                template: template.clone(),
                segments: template.trim_start_matches('/').split('/').map(Segment::new).collect(),
                answers: answers(operation, &place),
            });
        }
    }
    found
}

fn answers(operation: &Value, place: &str) -> Vec<Answers> {
    let variants = operation["x-flywheel-variants"].as_array();
    let mut found: Vec<Answers> = variants
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(index, variant)| Answers {
            constants: constants(&variant["constants"]["query"]),
            by_status: by_status(variant, &format!("{place}/x-flywheel-variants/{index}")),
        })
        .collect();
    found.push(Answers { constants: Vec::new(), by_status: by_status(operation, place) });
    found
}

fn constants(query: &Value) -> Vec<(String, String)> {
    query
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), text)
        })
        .collect()
}

fn by_status(owner: &Value, place: &str) -> HashMap<String, Expected> {
    let responses = owner["responses"].as_object().into_iter().flatten();
    responses
        .map(|(status, response)| {
            let media: Vec<&String> =
                response["content"].as_object().into_iter().flat_map(Map::keys).collect();
            // A file may itself be JSON, so only a description without bytes says what is in it.
            let expected = match media[..] {
                [media_type] if media_type == "application/json" => Expected::Json(format!(
                    "{place}/responses/{status}/content/{}/schema",
                    escape(media_type)
                )),
                _ => Expected::Anything,
            };
            (status.clone(), expected)
        })
        .collect()
}

fn lists(document: &Value, operations: &[Operation]) -> HashMap<String, String> {
    let answers = operations.iter().flat_map(|operation| &operation.answers);
    let schemas = answers.flat_map(|answers| answers.by_status.values());
    let mut found = HashMap::new();
    for expected in schemas {
        let Expected::Json(pointer) = expected else { continue };
        let plain = pointer.replace("%7B", "{").replace("%7D", "}");
        let members = document.pointer(&plain).and_then(|schema| schema["anyOf"].as_array());
        let list = members.and_then(|members| members.iter().position(|member| member["type"] == "array"));
        if let Some(index) = list {
            found.insert(pointer.clone(), format!("{pointer}/anyOf/{index}"));
        }
    }
    found
}

/// A key as a token of a JSON pointer inside a URI fragment.
fn escape(key: &str) -> String {
    let token = key.replace('~', "~0").replace('/', "~1");
    percent_encoding::utf8_percent_encode(&token, percent_encoding::CONTROLS)
        .to_string()
        .replace('{', "%7B")
        .replace('}', "%7D")
}

/// Turns OpenAPI 3.0 schemas into JSON Schema and lets go of what the description cannot know:
/// a property may be null, and an object may have more properties than are described.
fn relax(value: &mut Value) {
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

pub(crate) fn allow_nulls(properties: &mut Map<String, Value>, required: &Value) {
    for (name, schema) in properties {
        let always_there = required.as_array().is_some_and(|names| names.iter().any(|known| known == name));
        if !always_there || NULL_THOUGH_REQUIRED.contains(&name.as_str()) {
            *schema = or_null(schema.take());
        }
    }
}

pub(crate) fn or_null(schema: Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}

/// Follows a failed union into the member that came closest.
fn explain(error: &ValidationError<'_>, found: &mut Vec<Mismatch>) {
    let members = match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => context,
        _ => {
            found.push(Mismatch {
                pointer: error.instance_path().to_string(),
                message: shorten(&error.to_string()),
            });
            return;
        }
    };
    let closeness = |errors: &Vec<ValidationError<'_>>| {
        let depth = errors.iter().map(depth).max().unwrap_or_default();
        (depth, std::cmp::Reverse(errors.len()))
    };
    // Of several that are equally close the first one counts.
    let candidates = members.iter().rev().filter(|errors| !errors.iter().all(wants_null));
    let closest = candidates.max_by_key(|errors| closeness(errors));
    for error in closest.into_iter().flatten() {
        explain(error, found);
    }
}

/// Whether the only fault is that there is something where nothing was wanted as well.
fn wants_null(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(JsonType::Null) })
}

/// How deep into the document an error lies, through unions.
fn depth(error: &ValidationError<'_>) -> usize {
    let own = error.instance_path().to_string().matches('/').count();
    match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            context.iter().flatten().map(depth).max().unwrap_or_default().max(own)
        }
        _ => own,
    }
}

/// Messages quote the whole value, which may be a page of documents.
fn shorten(message: &str) -> String {
    const LIMIT: usize = 300;
    match message.char_indices().rev().nth(LIMIT) {
        Some((start, _)) => format!("…{}", &message[start..]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Description {
        Description::new(json!({
            "openapi": "3.0.3",
            "paths": {
                "/things/{thing_id}": {"get": {
                    "operationId": "get_thing",
                    "responses": {"2XX": {"content": {"application/json": {"schema":
                        {"$ref": "#/components/schemas/Thing"}}}}},
                    "x-flywheel-variants": [{
                        "operationId": "get_thing_ticket",
                        "constants": {"query": {"ticket": ""}},
                        "responses": {"2XX": {"content": {"application/json": {"schema":
                            {"type": "object", "required": ["ticket"],
                             "properties": {"ticket": {"type": "string"}}}}}}}
                    }]
                }},
                "/things/special": {"get": {
                    "operationId": "get_special",
                    "responses": {"2XX": {"content": {"application/octet-stream": {"schema":
                        {"type": "string", "format": "binary"}}}}}
                }},
                "/things": {"get": {
                    "operationId": "get_things",
                    "responses": {"2XX": {"content": {"application/json": {"schema": {"anyOf": [
                        {"$ref": "#/components/schemas/Page"},
                        {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}
                    ]}}}}}
                }},
                "/tasks/{kind}s/ids": {"get": {"operationId": "task_ids", "responses": {}}}
            },
            "components": {"schemas": {
                "Thing": {"type": "object", "required": ["_id", "label"], "properties": {
                    "_id": {"type": "string"},
                    "label": {"type": "string"},
                    "size": {"type": "integer"},
                    "created": {"type": "string", "format": "date-time"},
                    "owner": {"anyOf": [{"$ref": "#/components/schemas/Person"}, {"type": "string"}]},
                    "parent": {"$ref": "#/components/schemas/Thing"}
                }},
                "Page": {"type": "object", "required": ["results"], "properties": {
                    "count": {"type": "integer"}, "results": {"type": "array", "items": {}}
                }},
                "Person": {"type": "object", "required": ["name"], "additionalProperties": false,
                    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
            }}
        }))
    }

    fn thing(document: &Value) -> Vec<String> {
        let description = small();
        let operation = description.operation(&Method::GET, "/things/1").expect("described");
        let Some(Expected::Json(pointer)) = operation.expected(&[], 200) else {
            panic!("the operation answers JSON");
        };
        description
            .mismatches(&pointer, document)
            .into_iter()
            .map(|mismatch| format!("{}: {}", mismatch.pointer, mismatch.message))
            .collect()
    }

    #[test]
    fn a_fitting_answer_has_no_mismatch() {
        let document = json!({"_id": "1", "label": "here", "size": 3.0, "more": [],
            "created": "2020-05-05T01:22:06.229000+00:00", "owner": {"name": "Ann", "x": 1},
            "parent": {"_id": "0", "label": "above", "size": null}});
        assert_eq!(thing(&document), Vec::<String>::new());
    }

    #[test]
    fn a_wrong_type_is_named_with_its_place() {
        let found =
            thing(&json!({"_id": "1", "label": "x", "parent": {"_id": "0", "label": "y", "size": "big"}}));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("/parent/size: "), "{found:?}");
    }

    #[test]
    fn a_missing_or_null_id_is_a_mismatch() {
        assert_eq!(thing(&json!({"label": "x"})).len(), 1);
        assert_eq!(thing(&json!({"_id": null, "label": "x"})).len(), 1);
    }

    #[test]
    fn a_time_without_zone_is_a_mismatch() {
        let found = thing(&json!({"_id": "1", "label": "x", "created": "2020-05-05 01:22"}));
        assert!(found[0].starts_with("/created: "), "{found:?}");
    }

    #[test]
    fn a_failed_union_is_explained_by_its_closest_member() {
        let found = thing(&json!({"_id": "1", "label": "x", "owner": {"name": "Ann", "age": "old"}}));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("/owner/age: "), "{found:?}");
    }

    #[test]
    fn literal_segments_win_over_parameters() {
        let description = small();
        let named = |path| description.operation(&Method::GET, path).map(|found| found.id.as_str());
        assert_eq!(named("/things/special"), Some("get_special"));
        assert_eq!(named("/things/other"), Some("get_thing"));
        assert_eq!(named("/tasks/sessions/ids"), Some("task_ids"));
        assert_eq!(named("/nothing"), None);
        assert_eq!(named("/things/a/b"), None);
    }

    #[test]
    fn rows_are_looked_into_with_and_without_a_page() {
        let description = small();
        let operation = description.operation(&Method::GET, "/things").expect("described");
        let Some(Expected::Json(pointer)) = operation.expected(&[], 200) else {
            panic!("the operation answers JSON");
        };
        let rows = json!([{"_id": "1", "label": "x"}, {"_id": 2, "label": "y"}]);
        let bare = description.mismatches(&pointer, &rows);
        assert_eq!(bare.iter().map(|found| &found.pointer).collect::<Vec<_>>(), ["/1/_id"]);
        let paged = description.mismatches(&pointer, &json!({"count": 2, "results": rows}));
        assert_eq!(paged.iter().map(|found| &found.pointer).collect::<Vec<_>>(), ["/results/1/_id"]);
    }

    #[test]
    fn a_variant_is_chosen_by_its_constants() {
        let description = small();
        let operation = description.operation(&Method::GET, "/things/1").expect("described");
        let expected = |query: &[(&str, &str)]| {
            let query: Vec<_> = query.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
            operation.expected(&query, 200)
        };
        let (Some(Expected::Json(plain)), Some(Expected::Json(ticket))) =
            (expected(&[("ticket", "t1")]), expected(&[("ticket", "")]))
        else {
            panic!("both answer JSON");
        };
        assert_ne!(plain, ticket);
        assert!(description.mismatches(&ticket, &json!({"ticket": "t"})).is_empty());
        assert_eq!(description.mismatches(&ticket, &json!({"_id": "1"})).len(), 1);
    }

    #[test]
    fn bytes_are_not_looked_into() {
        let description = small();
        let operation = description.operation(&Method::GET, "/things/special").expect("described");
        assert_eq!(operation.expected(&[], 200), Some(Expected::Anything));
        assert_eq!(operation.expected(&[], 302), None);
    }

    #[test]
    fn parameters_are_filled_in_by_name() {
        let description = small();
        let operation = description.operation(&Method::GET, "/tasks/sessions/ids").expect("described");
        assert_eq!(operation.path(|name| format!("<{name}>")), "/tasks/<kind>s/ids");
    }
}
