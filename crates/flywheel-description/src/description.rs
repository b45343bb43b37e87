//! The API description: which operation a request calls, and what that operation may answer.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use http::Method;
use jsonschema::{Draft, Registry, Validator};
use serde_json::{Value, json};

use crate::mismatch::{Mismatch, explain};
use crate::operation::{self, Expected, Operation};
use crate::relax::relax;

/// The name under which schemas refer to the whole description.
const DOCUMENT: &str = "urn:flywheel:description";

/// A description, ready to be asked.
pub struct Description {
    operations: Vec<Operation>,
    registry: Registry<'static>,
    /// For an answer that may be a page or a bare list: the pointer to the schema of the list.
    lists: HashMap<String, String>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
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
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi/flywheel.json");
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
        let operations = operation::operations(&document);
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
    pub fn operation(&self, method: &Method, path: &str, query: &[(String, String)]) -> Option<&Operation> {
        self.fitting(method, path, query).into_iter().next()
    }

    /// An operation and those that have its route under another name: a request cannot tell them apart.
    pub(crate) fn twins<'a>(&'a self, one: &'a Operation) -> impl Iterator<Item = &'a Operation> {
        self.operations.iter().filter(|other| other.is_twin_of(one))
    }

    /// The operations whose templates a request fits, the one that its query names or that is the most literal first.
    #[must_use]
    pub fn fitting(&self, method: &Method, path: &str, query: &[(String, String)]) -> Vec<&Operation> {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let mut found: Vec<&Operation> = self
            .operations
            .iter()
            .filter(|operation| operation.method == method && operation.matches(&segments))
            .collect();
        found.sort_by_key(|operation| std::cmp::Reverse(operation.rank(query)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_that_the_description_has_twice_are_reached_together() {
        let shared = Description::shared();
        let path = "/analyses/5f2a5f2a5f2a5f2a5f2a5f2a/files/a.txt";
        let called = shared.operation(&Method::GET, path, &[]).unwrap();
        let mut ids: Vec<&str> = shared.twins(called).map(|twin| twin.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["download_file_from_analysis", "download_output_from_analysis"]);
    }

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
                "/things/special": {"post": {"operationId": "change_special", "responses": {}}, "get": {
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
                "/{kind}/{thing_id}": {"post": {"operationId": "begin", "responses": {},
                    "x-flywheel-constants": {"query": {"ticket": ""}}}},
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
        let operation = description.operation(&Method::GET, "/things/1", &[]).expect("described");
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
        let named = |path| description.operation(&Method::GET, path, &[]).map(|found| found.id.as_str());
        assert_eq!(named("/things/special"), Some("get_special"));
        assert_eq!(named("/things/other"), Some("get_thing"));
        assert_eq!(named("/tasks/sessions/ids"), Some("task_ids"));
        assert_eq!(named("/nothing"), None);
        assert_eq!(named("/things/a/b"), None);
    }

    #[test]
    fn an_operation_that_the_query_names_wins_over_literal_segments() {
        let description = small();
        let named = |query: &[(String, String)]| {
            let found = description.operation(&Method::POST, "/things/special", query);
            found.map(|operation| operation.id.as_str())
        };
        assert_eq!(named(&[]), Some("change_special"));
        assert_eq!(named(&[("ticket".into(), "t1".into())]), Some("change_special"));
        assert_eq!(named(&[("ticket".into(), String::new())]), Some("begin"));
    }

    #[test]
    fn rows_are_looked_into_with_and_without_a_page() {
        let description = small();
        let operation = description.operation(&Method::GET, "/things", &[]).expect("described");
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
        let operation = description.operation(&Method::GET, "/things/1", &[]).expect("described");
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
        let operation = description.operation(&Method::GET, "/things/special", &[]).expect("described");
        assert_eq!(operation.expected(&[], 200), Some(Expected::Anything));
        assert_eq!(operation.expected(&[], 302), None);
    }

    #[test]
    fn parameters_are_filled_in_by_name() {
        let description = small();
        let operation = description.operation(&Method::GET, "/tasks/sessions/ids", &[]).expect("described");
        assert_eq!(operation.path(|name| format!("<{name}>")), "/tasks/<kind>s/ids");
    }
}
