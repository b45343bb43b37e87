//! Requests held against the description: which operation one calls, and whether query and body fit that operation.
//!
//! Answers may hold more than is described, for the platform grows; requests may not. A property that no schema knows is a
//! mistake here.

use std::path::Path;
use std::sync::LazyLock;

use http::Method;
use jsonschema::{Draft, Registry};
use serde_json::{Value, json};

use flywheel_description::{Description, allow_nulls, or_null};

/// The name under which schemas refer to the whole description.
const DOCUMENT: &str = "urn:flywheel:requests";

/// Query parameters that the site takes with every request.
const EVERYWHERE: [&str; 1] = ["exhaustive"];

/// Schemas that say less than what they describe may hold: the inputs of a gear any JSON Schema, a level of a tree query the
/// names of its connections.
const OPEN: [&str; 4] = ["GearInputItem", "GearFileInput", "GearManifest", "TreeContainerRequestSpec"];

/// What a request carries, as far as the description tells about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Carried {
    /// Nothing.
    Nothing,
    /// A JSON document.
    Json(Value),
    /// A form: the name of each field, and its text unless it is a file.
    Form(Vec<(String, Option<String>)>),
    /// The bytes of a file.
    Bytes,
}

/// An operation with the request that calls it, and what does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The operation's id: of the variant, where its constants tell it apart.
    pub operation: String,
    /// What the description has against the request.
    pub faults: Vec<String>,
}

/// The description, ready to judge requests.
pub struct Requests {
    document: Value,
    registry: Registry<'static>,
}

impl Requests {
    /// The description of this workspace.
    ///
    /// # Panics
    ///
    /// When `openapi/flywheel.json` cannot be read.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Requests> = LazyLock::new(|| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/flywheel.json");
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let document =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Requests::new(document)
        });
        &SHARED
    }

    fn new(mut document: Value) -> Self {
        close(&mut document);
        for schema in OPEN {
            if let Some(schema) = document["components"]["schemas"][schema].as_object_mut() {
                schema.remove("additionalProperties");
            }
        }
        let registry = Registry::new()
            .draft(Draft::Draft7)
            .add(DOCUMENT, document.clone())
            .and_then(|registry| registry.prepare())
            .expect("every reference of the description resolves");
        Self { document, registry }
    }

    /// What a request asks for; nothing when the description has no such route. `path` is relative to `/api`.
    #[must_use]
    pub fn asked(
        &self,
        method: &Method,
        path: &str,
        query: &[(String, String)],
        carried: &Carried,
    ) -> Option<Asked> {
        let fitting = Description::shared().fitting(method, path, query);
        // Some routes for every kind of container share their paths with routes of one kind.
        let each = fitting.iter().map(|found| {
            let operation = &self.document["paths"][&found.template][method.as_str().to_lowercase()];
            self.judged(operation, query, carried)
        });
        let mut judged: Vec<Asked> = each.collect();
        let sound = judged.iter().position(|asked| asked.faults.is_empty()).unwrap_or(0);
        (!judged.is_empty()).then(|| judged.swap_remove(sound))
    }

    fn judged(&self, operation: &Value, query: &[(String, String)], carried: &Carried) -> Asked {
        let variant = list(&operation["x-flywheel-variants"])
            .find(|variant| constants(variant).iter().all(|constant| query.contains(constant)));
        // A variant without constants is the one that the operation's own constants leave.
        let variant = variant.filter(|variant| {
            !constants(variant).is_empty()
                || !constants(operation).iter().all(|constant| query.contains(constant))
        });
        let called = variant.unwrap_or(operation);
        let mut faults = self.query_faults(operation, variant, query);
        let body = called.get("requestBody").unwrap_or(&operation["requestBody"]);
        faults.extend(self.body_faults(body, carried));
        Asked { operation: called["operationId"].as_str().unwrap_or_default().to_owned(), faults }
    }

    fn query_faults(
        &self,
        operation: &Value,
        variant: Option<&Value>,
        query: &[(String, String)],
    ) -> Vec<String> {
        let named = |owner: &'_ Value| -> Vec<(String, Value, bool)> {
            let parameters = list(&owner["parameters"]).filter(|parameter| parameter["in"] == "query");
            let text = |parameter: &Value| parameter["name"].as_str().unwrap_or_default().to_owned();
            parameters.map(|one| (text(one), one["schema"].clone(), one["required"] == true)).collect()
        };
        let mut known = named(operation);
        known.extend(variant.into_iter().flat_map(named));
        let fixed: Vec<_> =
            constants(operation).into_iter().chain(variant.map(constants).unwrap_or_default()).collect();
        // Of routes that no client wraps not every parameter is known.
        if operation["x-flywheel-source"] == "unwrapped" && known.is_empty() {
            return Vec::new();
        }
        let mut faults = Vec::new();
        for (name, value) in query {
            let schema = known.iter().find(|(known, ..)| known == name);
            match schema {
                _ if fixed.contains(&(name.clone(), value.clone()))
                    || EVERYWHERE.contains(&name.as_str()) => {}
                None => faults.push(format!("the operation has no query parameter {name}")),
                Some((_, schema, _)) => faults.extend(self.value_fault(name, value, schema)),
            }
        }
        let missing = known
            .iter()
            .filter(|(name, _, required)| *required && !query.iter().any(|(given, _)| given == name));
        faults.extend(missing.map(|(name, ..)| format!("the query parameter {name} is required")));
        faults
    }

    /// A value of a query has no type: it is what its schema wants when it can be read so.
    fn value_fault(&self, name: &str, value: &str, schema: &Value) -> Option<String> {
        let forms = [Value::from(value), serde_json::from_str(value).unwrap_or(Value::Null)];
        let alone = forms.iter().any(|form| self.mismatches(schema, form).is_empty());
        let listed = forms.iter().any(|form| self.mismatches(schema, &json!([form])).is_empty());
        (!alone && !listed).then(|| format!("{value:?} is no value of the query parameter {name}"))
    }

    fn body_faults(&self, body: &Value, carried: &Carried) -> Vec<String> {
        let (media, document) = match carried {
            Carried::Bytes if body.get("content").is_some() => return Vec::new(),
            Carried::Bytes => return vec!["the operation takes no bytes".to_owned()],
            Carried::Nothing if body["required"] == true => return vec!["the body is missing".to_owned()],
            Carried::Nothing => return Vec::new(),
            Carried::Json(document) => ("application/json", document.clone()),
            Carried::Form(fields) => {
                let media = "multipart/form-data";
                (media, form(fields, &body["content"][media]["schema"]))
            }
        };
        match body["content"].get(media) {
            Some(content) => self.mismatches(&content["schema"], &document),
            None => vec![format!("the operation takes no {media}")],
        }
    }

    fn mismatches(&self, schema: &Value, document: &Value) -> Vec<String> {
        let mut schema = schema.clone();
        absolute(&mut schema);
        let validator = jsonschema::options()
            .with_draft(Draft::Draft7)
            .with_registry(&self.registry)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true)
            .build(&schema)
            .unwrap_or_else(|error| panic!("{schema}: {error}"));
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The query parameters that are always sent with these values.
fn constants(owner: &Value) -> Vec<(String, String)> {
    let query = [&owner["x-flywheel-constants"]["query"], &owner["constants"]["query"]];
    let given = query.into_iter().filter_map(Value::as_object).flatten();
    given.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// A form as the document that its schema describes: files are texts there, and several files, which come as `file0`,
/// `file1`, are the one that is described.
fn form(fields: &[(String, Option<String>)], schema: &Value) -> Value {
    let mut described = schema["properties"].as_object().into_iter().flatten();
    let file =
        described.find(|(_, property)| property.to_string().contains("\"binary\"")).map(|(name, _)| name);
    let mut document = serde_json::Map::new();
    for (name, text) in fields {
        match (text, file) {
            (Some(text), _) => {
                let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()));
                document.insert(name.clone(), value);
            }
            (None, Some(file)) if name.trim_end_matches(|end: char| end.is_ascii_digit()) == "file" => {
                document.insert(file.clone(), "bytes".into());
            }
            (None, _) => {
                document.insert(name.clone(), "bytes".into());
            }
        }
    }
    document.into()
}

/// Turns OpenAPI 3.0 schemas into JSON Schema, and objects with described properties into objects with no others.
fn close(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(object) => {
            object.values_mut().for_each(close);
            let described = object.get("type").is_some_and(|kind| kind == "object")
                && object.get("properties").is_some_and(Value::is_object);
            let required = object.get("required").cloned().unwrap_or_default();
            if let Some(Value::Object(properties)) = object.get_mut("properties").filter(|_| described) {
                // A null clears a field.
                allow_nulls(properties, &required);
            }
            if described && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            if object.remove("nullable") == Some(Value::Bool(true)) {
                let schema = Value::Object(std::mem::take(object));
                *value = or_null(schema);
            }
        }
        _ => {}
    }
}

/// References as they are seen from outside of the document.
fn absolute(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(absolute),
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(target) if name == "$ref" && target.starts_with('#') => {
                        *target = format!("{DOCUMENT}{target}");
                    }
                    value => absolute(value),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        carried: &Carried,
    ) -> (String, Vec<String>) {
        let query: Vec<_> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let asked = Requests::shared().asked(&method, path, &query, carried).expect("it is described");
        (asked.operation, asked.faults)
    }

    #[test]
    fn a_request_that_fits_has_no_fault() {
        let list =
            faults(Method::GET, "/projects", &[("limit", "3"), ("filter", "label=a")], &Carried::Nothing);
        assert_eq!(list, ("get_all_projects".to_owned(), Vec::new()));
        let body = Carried::Json(json!({"label": "a"}));
        assert_eq!(faults(Method::PUT, "/projects/p1", &[], &body).1, Vec::<String>::new());
    }

    #[test]
    fn unknown_parameters_properties_and_types_are_faults() {
        let (_, found) =
            faults(Method::GET, "/projects", &[("limt", "3"), ("limit", "x")], &Carried::Nothing);
        assert_eq!(found.len(), 2, "{found:?}");
        let (_, found) = faults(Method::PUT, "/projects/p1", &[], &Carried::Json(json!({"lable": "a"})));
        assert!(found[0].contains("lable"), "{found:?}");
        let (_, found) = faults(Method::PUT, "/projects/p1", &[], &Carried::Json(json!({"label": 1})));
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_body_that_is_missing_or_not_wanted_is_a_fault() {
        assert_eq!(faults(Method::POST, "/projects", &[], &Carried::Nothing).1, ["the body is missing"]);
        let (_, found) = faults(Method::GET, "/projects", &[], &Carried::Json(json!({})));
        assert_eq!(found, ["the operation takes no application/json"]);
    }

    #[test]
    fn a_variant_is_told_by_its_constants() {
        let path = "/acquisitions/a1/files/x.zip";
        assert_eq!(faults(Method::GET, path, &[], &Carried::Nothing).0, "download_file_from_acquisition");
        assert_eq!(
            faults(Method::GET, path, &[("info", "true")], &Carried::Nothing).0,
            "get_acquisition_file_zip_info"
        );
    }

    #[test]
    fn what_is_not_described_has_no_operation() {
        assert_eq!(Requests::shared().asked(&Method::GET, "/nothing/here", &[], &Carried::Nothing), None);
    }
}
