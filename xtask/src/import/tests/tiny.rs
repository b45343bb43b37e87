//! A wheel of a few modules, made in memory.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use zip::write::{SimpleFileOptions, ZipWriter};

/// A wheel under construction: path inside the wheel to text.
#[derive(Debug, Clone)]
pub(super) struct Tiny {
    files: BTreeMap<String, String>,
}

impl Tiny {
    /// A wheel with metadata, one API module of the given methods and one model.
    pub(super) fn new(methods: &[&str]) -> Self {
        let api = format!("class ThingsApi(object):\n{}", methods.join("\n"));
        Self { files: BTreeMap::new() }
            .with(
                "flywheel_sdk-9.9.9.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: flywheel-sdk\nVersion: 9.9.9\n",
            )
            .with("flywheel/api/__init__.py", "")
            .with("flywheel/api/things_api.py", &api)
            .with(
                "flywheel/models/thing.py",
                &model("Thing", &[("label", "label", "str", "required", "None")]),
            )
    }

    /// The same wheel with one more file, or another text for one.
    pub(super) fn with(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    /// The same wheel without a file.
    pub(super) fn without(mut self, path: &str) -> Self {
        self.files.remove(path);
        self
    }

    /// The bytes of the wheel.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, text) in &self.files {
            zip.start_file(path, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }
}

/// A model class; a field is (attribute, wire name, type, `required` or not, default).
pub(super) fn model(name: &str, fields: &[(&str, &str, &str, &str, &str)]) -> String {
    let dict = |part: usize| -> String {
        let pairs = fields
            .iter()
            .map(|(attribute, wire, kind, ..)| format!("'{attribute}': '{}'", [*wire, *kind][part]));
        pairs.collect::<Vec<_>>().join(", ")
    };
    let arguments: String =
        fields.iter().map(|(attribute, .., default)| format!(", {attribute}={default}")).collect();
    let body: String = fields
        .iter()
        .map(|(attribute, _, _, required, _)| match *required {
            "required" => format!("        self.{attribute} = {attribute}\n"),
            _ => format!("        if {attribute} is not None:\n            self.{attribute} = {attribute}\n"),
        })
        .collect();
    format!(
        "class {name}(object):\n    swagger_types = {{{}}}\n    attribute_map = {{{}}}\n    def __init__(self{arguments}):\n        self.discriminator = None\n{body}",
        dict(1),
        dict(0)
    )
}

/// A builder method; `statements` fill the places, `response` is a Python expression.
pub(super) fn method(
    id: &str,
    verb: &str,
    path: &str,
    docs: &str,
    statements: &str,
    response: &str,
) -> String {
    method_accepting(id, verb, path, docs, statements, response, "application/json")
}

/// A builder method that accepts another content type than JSON.
pub(super) fn method_accepting(
    id: &str,
    verb: &str,
    path: &str,
    docs: &str,
    statements: &str,
    response: &str,
    accept: &str,
) -> String {
    let indent = |text: &str| text.lines().map(|line| format!("        {line}\n")).collect::<String>();
    format!(
        r#"    def {id}_with_http_info(self, **kwargs):
        """Title

{docs}        """
        params = locals()
{statements}        header_params['Accept'] = self.api_client.select_header_accept(['{accept}'])
        return self.api_client.call_api('{path}', '{verb}', path_params, response_type={response})
"#,
        docs = indent(docs),
        statements = indent(statements),
    )
}
