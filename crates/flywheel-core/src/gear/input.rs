//! What an input of a gear takes.

use serde_json::{Map, Value, json};

use super::schema;

/// Where the value of an input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// A file that the caller names.
    File,
    /// `info.context` of the destination and what lies above it.
    Context,
    /// A key of the running job.
    ApiKey,
}

impl Base {
    /// As manifests write it.
    pub const fn name(self) -> &'static str {
        match self {
            Base::File => "file",
            Base::Context => "context",
            Base::ApiKey => "api-key",
        }
    }

    /// The base of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Base::File, Base::Context, Base::ApiKey].into_iter().find(|base| base.name() == name)
    }
}

/// One input of a manifest.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Its name.
    pub name: &'a str,
    pub(super) spec: &'a Map<String, Value>,
}

/// The keys of an input that speak of the input itself rather than of the file it takes.
const OWN: [&str; 4] = ["base", "description", "optional", "read-only"];

impl Input<'_> {
    /// Where its value comes from; a file when the manifest says nothing.
    pub fn base(&self) -> Base {
        self.spec.get("base").and_then(Value::as_str).and_then(Base::parse).unwrap_or(Base::File)
    }

    /// Whether a job can do without it.
    pub fn is_optional(&self) -> bool {
        self.flag("optional")
    }

    /// Whether a job cannot do without a file for it.
    pub fn is_required_file(&self) -> bool {
        self.base() == Base::File && !self.is_optional()
    }

    /// Whether a key given for it may only read.
    pub fn is_read_only(&self) -> bool {
        self.flag("read-only")
    }

    fn flag(&self, key: &str) -> bool {
        self.spec.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Whether it takes a file with this document. What the manifest says nothing about may be anything.
    pub fn accepts(&self, file: &Value) -> bool {
        self.base() == Base::File && schema::fits(&self.schema(), file)
    }

    /// The schema of its value in a call.
    pub(super) fn schema(&self) -> Value {
        match self.base() {
            Base::File => {
                let snippets: Map<String, Value> = self
                    .spec
                    .iter()
                    .filter(|(key, snippet)| !OWN.contains(&key.as_str()) && snippet.is_object())
                    .map(|(key, snippet)| (key.clone(), snippet.clone()))
                    .collect();
                json!({"type": "object", "properties": snippets})
            }
            Base::ApiKey => json!({"type": "object"}),
            Base::Context => json!({
                "type": "object",
                "properties": {"base": {"type": "string"}, "found": {"type": "boolean"}, "value": {}},
                "required": ["base", "found", "value"],
            }),
        }
    }
}
