//! The rules that a description must keep, each a function from the document to the problems it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

/// The HTTP methods that a path item can have.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where, as a JSON pointer.
    pub(crate) pointer: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What mends it.
    pub(crate) mend: &'static str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.pointer, self.message, self.mend)
    }
}

fn problem(pointer: impl Into<String>, message: impl Into<String>, mend: &'static str) -> Problem {
    Problem { pointer: pointer.into(), message: message.into(), mend }
}

/// The rules about structure, which hold with and without an overlay.
pub(crate) fn structure(document: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    if document.get("paths").and_then(Value::as_object).is_none() {
        problems.push(problem("/paths", "there are no paths", "give an OpenAPI document"));
    }
    walk(document, "", &mut |value, pointer| {
        check_reference(document, value, pointer, &mut problems);
        check_type(value, pointer, &mut problems);
        check_enum(value, pointer, &mut problems);
        check_union(value, pointer, &mut problems);
    });
    operation_ids(document, &mut problems);
    for operation in operations(document) {
        check_parameters(document, &operation, &mut problems);
        check_operation(document, &operation, &mut problems);
    }
    problems
}

/// The rules about documentation, which hold once the overlay is applied.
pub(crate) fn documentation(document: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    for operation in operations(document) {
        for (pointer, object) in operation.with_variants() {
            let summary = object.get("summary").and_then(Value::as_str).unwrap_or_default();
            let id = object.get("operationId").and_then(Value::as_str).unwrap_or_default();
            if summary.trim().is_empty() {
                problems.push(problem(
                    format!("{pointer}/summary"),
                    format!("the operation `{id}` has no summary"),
                    "add an action for it to the overlay",
                ));
            } else if summary.contains('\n') {
                problems.push(problem(
                    format!("{pointer}/summary"),
                    format!("the summary of `{id}` has more than one line"),
                    "move the rest into its description",
                ));
            }
        }
    }
    problems
}

/// An operation with its place.
struct Operation<'a> {
    pointer: String,
    path: &'a str,
    shared: Option<&'a Value>,
    object: &'a Map<String, Value>,
}

impl<'a> Operation<'a> {
    /// The operation itself and its variants, each with its pointer.
    fn with_variants(&self) -> Vec<(String, &'a Map<String, Value>)> {
        let variants = self.object.get("x-flywheel-variants").and_then(Value::as_array);
        let variants = variants.into_iter().flatten().enumerate().filter_map(|(index, variant)| {
            Some((format!("{}/x-flywheel-variants/{index}", self.pointer), variant.as_object()?))
        });
        std::iter::once((self.pointer.clone(), self.object)).chain(variants).collect()
    }
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut found = Vec::new();
    for (path, item) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
        for method in METHODS {
            if let Some(object) = item.get(method).and_then(Value::as_object) {
                let pointer = format!("/paths/{}/{method}", escape(path));
                found.push(Operation { pointer, path, shared: item.get("parameters"), object });
            }
        }
    }
    found
}

/// A key as one step of a JSON pointer.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Visits every value with its pointer, except sample values, which are not description.
fn walk(value: &Value, pointer: &str, visit: &mut impl FnMut(&Value, &str)) {
    visit(value, pointer);
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let sample =
                    matches!(key.as_str(), "default" | "example" | "examples" | "x-flywheel-constants");
                if !sample || pointer.ends_with("/properties") {
                    walk(inner, &format!("{pointer}/{}", escape(key)), visit);
                }
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                walk(inner, &format!("{pointer}/{index}"), visit);
            }
        }
        _ => {}
    }
}

fn check_reference(document: &Value, value: &Value, pointer: &str, problems: &mut Vec<Problem>) {
    let Some(Value::String(reference)) = value.get("$ref") else { return };
    if resolve(document, reference).is_none() {
        problems.push(problem(
            pointer,
            format!("the reference `{reference}` leads nowhere"),
            "add what it names or name something else",
        ));
    }
}

fn resolve<'a>(document: &'a Value, reference: &str) -> Option<&'a Value> {
    document.pointer(reference.strip_prefix('#')?)
}

fn check_type(value: &Value, pointer: &str, problems: &mut Vec<Problem>) {
    let Some(Value::String(kind)) = value.get("type") else { return };
    let is_scheme = pointer.starts_with("/components/securitySchemes/");
    let known = ["string", "number", "integer", "boolean", "array", "object"];
    if !is_scheme && !known.contains(&kind.as_str()) {
        problems.push(problem(
            format!("{pointer}/type"),
            format!("unknown type `{kind}`"),
            "write string, number, integer, boolean, array or object",
        ));
    }
    if kind == "array" && value.get("items").is_none() {
        problems.push(problem(
            pointer,
            "a list without `items`",
            "say what the list holds, `{}` for any JSON",
        ));
    }
}

fn check_enum(value: &Value, pointer: &str, problems: &mut Vec<Problem>) {
    let Some(Value::Array(values)) = value.get("enum") else { return };
    let pointer = format!("{pointer}/enum");
    if values.is_empty() {
        problems.push(problem(&pointer, "an enum without values", "list its values or drop it"));
    }
    let mut seen = BTreeSet::new();
    for text in values.iter().map(Value::to_string) {
        if !seen.insert(text.clone()) {
            problems.push(problem(&pointer, format!("the value {text} stands twice"), "drop one of them"));
        }
    }
}

fn check_union(value: &Value, pointer: &str, problems: &mut Vec<Problem>) {
    for key in ["anyOf", "oneOf"] {
        let Some(members) = value.get(key) else { continue };
        let pointer = format!("{pointer}/{key}");
        if pointer.ends_with(&format!("/properties/{key}")) {
            continue;
        }
        let mend = "list at least two different members, or write the one member alone";
        let Some(members) = members.as_array() else {
            problems.push(problem(&pointer, "a union that is not a list", mend));
            continue;
        };
        let distinct: BTreeSet<String> = members.iter().map(Value::to_string).collect();
        if members.len() < 2 || distinct.len() < members.len() {
            problems.push(problem(&pointer, "a union without a choice", mend));
        }
    }
    let of = value.get("x-flywheel-alias-of").and_then(Value::as_str);
    let told = value.pointer("/allOf/0/$ref").and_then(Value::as_str);
    if let Some(of) = of
        && told != Some(&format!("#/components/schemas/{of}"))
    {
        problems.push(problem(
            pointer,
            format!("an alias of `{of}` that refers to something else"),
            "make `allOf` name the same model",
        ));
    }
}

fn operation_ids(document: &Value, problems: &mut Vec<Problem>) {
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    for operation in operations(document) {
        for (pointer, object) in operation.with_variants() {
            let pointer = format!("{pointer}/operationId");
            match object.get("operationId").and_then(Value::as_str) {
                None | Some("") => {
                    problems.push(problem(pointer, "an operation without a name", "give it an operationId"))
                }
                Some(id) => {
                    if let Some(first) = seen.get(id) {
                        let message = format!("the operation id `{id}` is taken by {first}");
                        problems.push(problem(pointer, message, "give each operation its own id"));
                    } else {
                        seen.insert(id, pointer);
                    }
                }
            }
        }
    }
}

/// Path variables are each declared once; no parameter stands twice in one place.
fn check_parameters(document: &Value, operation: &Operation<'_>, problems: &mut Vec<Problem>) {
    let variables = variables(operation.path);
    let mut all = declared(document, operation.shared);
    for (pointer, object) in operation.with_variants() {
        let pointer = format!("{pointer}/parameters");
        let own = declared(document, object.get("parameters"));
        for (index, (place, name)) in own.iter().enumerate() {
            if own[..index].contains(&(*place, *name)) {
                let message = format!("the {place} parameter `{name}` stands twice");
                problems.push(problem(&pointer, message, "drop one of them"));
            } else if *place == "path" && !variables.contains(name) {
                let message = format!("the path parameter `{name}` is not in the path `{}`", operation.path);
                problems.push(problem(&pointer, message, "drop it or put it into the path"));
            }
        }
        all.extend(own);
    }
    for (index, variable) in variables.iter().enumerate() {
        if variables[..index].contains(variable) {
            let message = format!("the path variable `{variable}` stands twice in the path");
            problems.push(problem(&operation.pointer, message, "give each variable its own name"));
        } else if !all.contains(&("path", variable)) {
            let message = format!("the path variable `{variable}` is not declared");
            let pointer = format!("{}/parameters", operation.pointer);
            problems.push(problem(pointer, message, "declare it as a required path parameter"));
        }
    }
}

/// The parameters of a list as (place, name).
fn declared<'a>(document: &'a Value, parameters: Option<&'a Value>) -> Vec<(&'a str, &'a str)> {
    let text =
        |parameter: &'a Value, key: &str| parameter.get(key).and_then(Value::as_str).unwrap_or_default();
    let parameters = parameters.and_then(Value::as_array).into_iter().flatten();
    let followed = parameters.map(|parameter| followed(document, parameter));
    followed.map(|parameter| (text(parameter, "in"), text(parameter, "name"))).collect()
}

fn variables(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect()
}

fn followed<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    value
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| resolve(document, reference))
        .unwrap_or(value)
}

/// Every operation has a declared tag and an answer.
fn check_operation(document: &Value, operation: &Operation<'_>, problems: &mut Vec<Problem>) {
    let declared: BTreeSet<&str> = document
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|tag| tag.get("name").and_then(Value::as_str))
        .collect();
    let tags: Vec<&str> = operation
        .object
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let pointer = format!("{}/tags", operation.pointer);
    if tags.is_empty() {
        problems.push(problem(&pointer, "an operation without a tag", "give it the tag of its area"));
    }
    for tag in tags.into_iter().filter(|tag| !declared.contains(tag)) {
        problems.push(problem(&pointer, format!("the tag `{tag}` is not declared"), "add it to `tags`"));
    }
    for (pointer, object) in operation.with_variants() {
        if object.get("responses").and_then(Value::as_object).is_none_or(Map::is_empty) {
            problems.push(problem(
                format!("{pointer}/responses"),
                "an operation without an answer",
                "add a `2XX` response",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn sound() -> Value {
        json!({
            "tags": [{"name": "things"}],
            "paths": {"/things/{id}": {"get": {
                "operationId": "get_thing", "tags": ["things"], "summary": "One thing.",
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
                "responses": {"2XX": {"description": "Success", "content": {"application/json": {
                    "schema": {"anyOf": [{"$ref": "#/components/schemas/Thing"}, {"type": "string"}]},
                }}}},
                "x-flywheel-variants": [{
                    "operationId": "get_thing_ticket", "summary": "A ticket.",
                    "responses": {"2XX": {"description": "Success"}},
                }],
            }}},
            "components": {"schemas": {
                "Thing": {"type": "object", "properties": {"type": {"type": "string"}, "kind": {"$ref": "#/components/schemas/Kind"}}},
                "Kind": {"type": "string", "enum": ["a", "b"]},
                "Other": {"allOf": [{"$ref": "#/components/schemas/Thing"}], "x-flywheel-alias-of": "Thing"},
            }},
        })
    }

    /// The single problem that a change to the sound document makes.
    fn broken(change: impl FnOnce(&mut Value)) -> Problem {
        let mut document = sound();
        change(&mut document);
        let mut problems = structure(&document);
        problems.extend(documentation(&document));
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems.remove(0)
    }

    fn get(document: &mut Value) -> &mut Value {
        document.pointer_mut("/paths/~1things~1{id}/get").unwrap()
    }

    #[test]
    fn a_sound_document_breaks_no_rule() {
        assert_eq!(structure(&sound()), []);
        assert_eq!(documentation(&sound()), []);
    }

    #[test]
    fn a_reference_that_leads_nowhere_is_named_with_its_place() {
        let found = broken(|d| {
            d["components"]["schemas"]["Thing"]["properties"]["kind"]["$ref"] =
                json!("#/components/schemas/Nope")
        });
        assert_eq!(found.pointer, "/components/schemas/Thing/properties/kind");
        assert!(found.message.contains("#/components/schemas/Nope"));
    }

    #[test]
    fn an_undeclared_path_variable_is_found() {
        let found = broken(|d| {
            get(d).as_object_mut().unwrap().remove("parameters");
        });
        assert!(found.message.contains("`id` is not declared"));
    }

    #[test]
    fn a_path_parameter_that_the_path_lacks_is_found() {
        let found = broken(|d| {
            let extra = json!({"name": "x", "in": "path", "required": true, "schema": {}});
            get(d)["x-flywheel-variants"][0]["parameters"] = json!([extra]);
        });
        assert!(found.message.contains("`x` is not in the path"));
    }

    #[test]
    fn a_variant_cannot_take_a_name_that_is_taken() {
        let found = broken(|d| get(d)["x-flywheel-variants"][0]["operationId"] = json!("get_thing"));
        assert!(found.message.contains("`get_thing` is taken by /paths/~1things~1{id}/get/operationId"));
    }

    #[test]
    fn a_parameter_that_stands_twice_is_found() {
        let found = broken(|d| {
            let copy = get(d)["parameters"][0].clone();
            get(d)["parameters"].as_array_mut().unwrap().push(copy);
        });
        assert!(found.message.contains("`id` stands twice"));
    }

    #[test]
    fn an_enum_value_that_stands_twice_is_found() {
        let found = broken(|d| d["components"]["schemas"]["Kind"]["enum"] = json!(["a", "a"]));
        assert_eq!(found.pointer, "/components/schemas/Kind/enum");
    }

    #[test]
    fn an_unknown_type_is_found() {
        let found = broken(|d| d["components"]["schemas"]["Kind"]["type"] = json!("text"));
        assert!(found.message.contains("unknown type `text`"));
    }

    #[test]
    fn a_union_of_one_is_found() {
        let found = broken(|d| d["components"]["schemas"]["Thing"] = json!({"anyOf": [{"type": "string"}]}));
        assert_eq!(found.pointer, "/components/schemas/Thing/anyOf");
    }

    #[test]
    fn an_alias_must_refer_to_the_model_it_names() {
        let found = broken(|d| d["components"]["schemas"]["Other"]["x-flywheel-alias-of"] = json!("Kind"));
        assert!(found.message.contains("an alias of `Kind`"));
    }

    #[test]
    fn an_operation_needs_a_declared_tag_and_an_answer() {
        assert!(broken(|d| get(d)["tags"] = json!([])).message.contains("without a tag"));
        assert!(broken(|d| get(d)["tags"] = json!(["nope"])).message.contains("`nope` is not declared"));
        assert!(broken(|d| get(d)["responses"] = json!({})).message.contains("without an answer"));
    }

    #[test]
    fn a_missing_summary_is_named_by_its_operation() {
        let found = broken(|d| {
            get(d)["x-flywheel-variants"][0].as_object_mut().unwrap().remove("summary");
        });
        assert_eq!(found.pointer, "/paths/~1things~1{id}/get/x-flywheel-variants/0/summary");
        assert!(found.message.contains("get_thing_ticket"));
    }
}
