//! A gear's manifest: read, and held against the rules that manifests obey.

use std::fmt;

use serde_json::{Map, Value};

use super::{
    config,
    input::{Base, Input},
    license, schema,
};

/// A manifest that obeys the rules. What it says beyond them is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest(Map<String, Value>);

/// One thing wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: keys, outermost first.
    pub path: Vec<String>,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.join("."), self.message)
    }
}

/// Everything wrong with a manifest; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError(pub Vec<Problem>);

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems: Vec<String> = self.0.iter().map(Problem::to_string).collect();
        write!(f, "the manifest is not valid: {}", problems.join("; "))
    }
}

impl std::error::Error for ManifestError {}

/// The texts a manifest has: name, most characters, whether it must be there.
const TEXTS: [(&str, usize, bool); 11] = [
    ("name", 100, true),
    ("label", 100, true),
    ("description", 5000, true),
    ("version", 100, true),
    ("author", 100, true),
    ("license", 100, true),
    ("url", 1000, true),
    ("source", 1000, true),
    ("maintainer", usize::MAX, false),
    ("cite", usize::MAX, false),
    ("command", usize::MAX, false),
];

/// What a gear runs when its manifest says nothing.
const COMMAND: &str = "./run";

const CONFIG_TYPES: [&str; 5] = ["string", "integer", "number", "boolean", "array"];

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(document: Value) -> Result<Self, ManifestError> {
        let Value::Object(document) = document else {
            let message = "a manifest is a JSON object".to_owned();
            return Err(ManifestError(vec![Problem { path: Vec::new(), message }]));
        };
        let mut problems = Problems(Vec::new());
        texts(&document, &mut problems);
        maps(&document, &mut problems);
        for (name, snippet) in object(&document, "config") {
            config_snippet(name, snippet, &mut problems);
        }
        for (name, spec) in object(&document, "inputs") {
            input_spec(name, spec, &mut problems);
        }
        if problems.0.is_empty() { Ok(Self(document)) } else { Err(ManifestError(problems.0)) }
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Its name, the same for all versions.
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// The name people read.
    pub fn label(&self) -> &str {
        self.text("label")
    }

    /// Its version.
    pub fn version(&self) -> &str {
        self.text("version")
    }

    /// What it does.
    pub fn description(&self) -> &str {
        self.text("description")
    }

    /// The command line that starts it, for a shell in the gear's folder.
    pub fn command(&self) -> &str {
        Some(self.text("command")).filter(|command| !command.trim().is_empty()).unwrap_or(COMMAND)
    }

    /// The variables of its environment.
    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        object(&self.0, "environment").filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
    }

    /// What the engine that runs it must be able to do, such as `networking`.
    pub fn capabilities(&self) -> impl Iterator<Item = &str> {
        self.0.get("capabilities").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// The configuration keys and what they may hold.
    pub fn config(&self) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
        object(&self.0, "config").filter_map(|(key, snippet)| Some((key.as_str(), snippet.as_object()?)))
    }

    /// The inputs.
    pub fn inputs(&self) -> impl Iterator<Item = Input<'_>> {
        object(&self.0, "inputs").filter_map(|(name, spec)| Some(Input { name, spec: spec.as_object()? }))
    }

    /// The input of this name.
    pub fn input(&self, name: &str) -> Option<Input<'_>> {
        self.inputs().find(|input| input.name == name)
    }

    /// A value of `custom.flywheel`.
    pub fn custom(&self, key: &str) -> Option<&Value> {
        self.0.get("custom")?.get("flywheel")?.get(key)
    }

    /// Why the gear never runs, when its manifest says so.
    pub fn invalid(&self) -> Option<&Value> {
        self.custom("invalid").filter(|reason| !reason.is_null() && *reason != &Value::Bool(false))
    }

    /// Whether a job's id stands in its `config.json`.
    pub fn shows_job(&self) -> bool {
        self.custom("show-job").and_then(Value::as_bool).unwrap_or(false)
    }

    /// The category that the manifest itself names.
    pub fn category(&self) -> Option<&str> {
        self.0.get("custom")?.get("gear-builder")?.get("category")?.as_str()
    }

    /// The image that the manifest itself names.
    pub fn image(&self) -> Option<&str> {
        let custom = self.0.get("custom")?;
        let built = custom.get("gear-builder").and_then(|builder| builder.get("image"));
        built.or_else(|| custom.get("docker-image")).and_then(Value::as_str).filter(|image| !image.is_empty())
    }

    /// The document.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The document.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

fn object<'a>(document: &'a Map<String, Value>, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    document.get(key).and_then(Value::as_object).into_iter().flatten()
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, path: &[&str], message: impl Into<String>) {
        let path = path.iter().map(|&step| step.to_owned()).collect();
        self.0.push(Problem { path, message: message.into() });
    }
}

fn texts(document: &Map<String, Value>, problems: &mut Problems) {
    for (key, most, required) in TEXTS {
        match document.get(key) {
            None if required => problems.add(&[key], "is required"),
            None => {}
            Some(Value::String(text)) if text.chars().count() > most => {
                problems.add(&[key], format!("has more than {most} characters"));
            }
            Some(Value::String(_)) => {}
            Some(Value::Null) if !required => {}
            Some(_) => problems.add(&[key], "must be text"),
        }
    }
    let text = |key: &str| document.get(key).and_then(Value::as_str);
    if let Some(name) = text("name")
        && (name.is_empty()
            || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
    {
        problems.add(&["name"], format!("{name:?} may have only the characters a-z, 0-9 and -"));
    }
    if text("version").is_some_and(str::is_empty) {
        problems.add(&["version"], "must not be empty");
    }
    if let Some(name) = text("license").filter(|name| !license::is_known(name)) {
        let message = format!("{name:?} is no SPDX id of an approved licence; use one, or \"Other\"");
        problems.add(&["license"], message);
    }
    for key in ["url", "source"] {
        if let Some(address) = text(key).filter(|address| !address.is_empty() && !is_uri(address)) {
            problems.add(&[key], format!("{address:?} is no URI; leave it empty when there is none"));
        }
    }
}

/// Whether a text has the form of a URI: a scheme, a colon, something without blanks. Addresses of repositories for ssh
/// (`git@host:path`) and bare host names pass too, as published manifests have them.
fn is_uri(text: &str) -> bool {
    !text.contains(char::is_whitespace) && (text.contains(':') || text.contains('.'))
}

fn maps(document: &Map<String, Value>, problems: &mut Problems) {
    for (key, required) in [("config", true), ("inputs", true), ("environment", false), ("custom", false)] {
        match document.get(key) {
            None if required => problems.add(&[key], "is required; it may be empty: {}"),
            None | Some(Value::Object(_)) => {}
            Some(Value::Null) if !required => {}
            Some(_) => problems.add(&[key], "must be an object"),
        }
    }
    for (name, value) in object(document, "environment").filter(|(_, value)| !value.is_string()) {
        problems.add(&["environment", name], format!("{value} must be text"));
    }
    match document.get("capabilities") {
        None | Some(Value::Null) => {}
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {}
        Some(_) => problems.add(&["capabilities"], "must be a list of texts"),
    }
}

fn config_snippet(name: &str, snippet: &Value, problems: &mut Problems) {
    let Some(snippet) = snippet.as_object() else {
        return problems.add(&["config", name], "must be an object with a type");
    };
    match snippet.get("type").map(Value::as_str) {
        Some(Some(kind)) if CONFIG_TYPES.contains(&kind) => {}
        None => problems.add(&["config", name, "type"], "is required"),
        Some(_) => {
            let message = format!("must be one of {}", CONFIG_TYPES.join(", "));
            problems.add(&["config", name, "type"], message);
        }
    }
    schema::faults(snippet).into_iter().for_each(|fault| problems.add(&["config", name], fault));
    let optional = snippet.get("optional");
    if optional.is_some_and(|optional| !optional.is_boolean()) {
        problems.add(&["config", name, "optional"], "must be true or false");
    }
    let Some(default) = snippet.get("default") else { return };
    if optional == Some(&Value::Bool(true)) {
        problems.add(&["config", name], "has a default and is optional: only one of them can be");
    }
    for violation in schema::violations(&config::value_schema(snippet), default) {
        problems.add(&["config", name, "default"], violation.message);
    }
}

fn input_spec(name: &str, spec: &Value, problems: &mut Problems) {
    let Some(spec) = spec.as_object() else {
        return problems.add(&["inputs", name], "must be an object with a base");
    };
    if name.is_empty() || name.contains(['/', '\\', '\0']) || name == "." || name == ".." {
        problems.add(&["inputs", name], "cannot be the name of a folder");
    }
    let base = spec.get("base").map(|base| base.as_str().and_then(Base::parse));
    match base {
        Some(Some(_)) => {}
        None => problems.add(&["inputs", name, "base"], "is required: file, context or api-key"),
        Some(None) => problems.add(&["inputs", name, "base"], "must be file, context or api-key"),
    }
    for key in ["optional", "read-only"] {
        if spec.get(key).is_some_and(|flag| !flag.is_boolean()) {
            problems.add(&["inputs", name, key], "must be true or false");
        }
    }
    if base == Some(Some(Base::File)) {
        for (field, snippet) in spec.iter().filter_map(|(key, value)| Some((key, value.as_object()?))) {
            schema::faults(snippet)
                .into_iter()
                .for_each(|fault| problems.add(&["inputs", name, field], fault));
        }
    }
}
