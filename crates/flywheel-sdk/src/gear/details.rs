//! What a gear is and takes, in lines for people, laid out as the official client prints it.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::{Gear, wrap::fill};

/// The columns of a line when nothing is said.
const WIDTH: usize = 90;

impl Gear {
    /// What it is and takes, in lines of 90 columns: title, description, where it comes from, inputs, configuration. Laid out
    /// as the official client prints it; values stand as JSON writes them, and file inputs have their types.
    ///
    /// ```text
    /// Smooth
    ///
    /// Smooths an image.
    ///
    /// Name:           smooth
    /// Version:        1.0.0
    /// Category:       utility
    ///
    /// Inputs:
    ///   image (file, required)
    ///     Type: nifti
    ///
    /// Configuration:
    ///   fwhm (number, default: 6)
    ///     Width of the kernel in mm.
    /// ```
    pub fn details(&self) -> String {
        self.details_in(WIDTH)
    }

    /// The same in lines of this many columns.
    pub fn details_in(&self, width: usize) -> String {
        let manifest = serde_json::to_value(&self.gear).unwrap_or_default();
        let mut page = Page { text: String::new(), width };
        page.head(&manifest, self.category.as_ref().map_or("unknown", |category| category.as_str()));
        page.inputs(entries(&manifest, "inputs"));
        page.config(entries(&manifest, "config"));
        page.text
    }
}

/// The named parts of a manifest below a key.
fn entries<'a>(manifest: &'a Value, key: &str) -> Option<&'a Map<String, Value>> {
    manifest.get(key)?.as_object().filter(|entries| !entries.is_empty())
}

fn text<'a>(of: &'a Value, key: &str) -> Option<&'a str> {
    of.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// The lines so far.
struct Page {
    text: String,
    width: usize,
}

impl Page {
    fn line(&mut self, text: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{text}");
    }

    fn filled(&mut self, text: &str, first: &str, others: &str) {
        let filled = fill(text, self.width, first, others);
        self.line(&filled);
    }

    fn head(&mut self, manifest: &Value, category: &str) {
        let title = text(manifest, "label").or_else(|| text(manifest, "name"));
        self.filled(title.unwrap_or_default(), "", "");
        if let Some(description) = text(manifest, "description") {
            self.line("");
            self.filled(description, "", "  ");
            self.line("");
        }
        let rows = [
            ("Name", text(manifest, "name")),
            ("Version", text(manifest, "version")),
            ("Category", Some(category)),
            ("Author", text(manifest, "author")),
            ("Maintainer", text(manifest, "maintainer")),
            ("URL", text(manifest, "url")),
            ("Source", text(manifest, "source")),
        ];
        for (name, value) in rows {
            if let Some(value) = value {
                self.filled(&format!("{:<15} {value}", format!("{name}:")), "", &" ".repeat(16));
            }
        }
        self.line("");
    }

    fn inputs(&mut self, inputs: Option<&Map<String, Value>>) {
        let Some(inputs) = inputs else { return };
        self.line("Inputs:");
        for (name, spec) in inputs {
            let optional = spec.get("optional").and_then(Value::as_bool).unwrap_or_default();
            let needed = if optional { "optional" } else { "required" };
            self.line(&format!("  {name} ({}, {needed})", text(spec, "base").unwrap_or("unspecified")));
            if let Some(types) = spec.pointer("/type/enum").and_then(Value::as_array) {
                let types: Vec<&str> = types.iter().filter_map(Value::as_str).collect();
                self.line(&format!("    Type: {}", types.join(", ")));
            }
            self.described(spec);
        }
        self.line("");
    }

    fn config(&mut self, config: Option<&Map<String, Value>>) {
        let Some(config) = config else { return };
        self.line("Configuration:");
        for (name, spec) in config {
            let default = match spec.get("default") {
                Some(Value::String(text)) => format!(", default: {text}"),
                Some(value) => format!(", default: {value}"),
                None => String::new(),
            };
            self.line(&format!("  {name} ({}{default})", text(spec, "type").unwrap_or("unspecified")));
            self.described(spec);
        }
    }

    fn described(&mut self, spec: &Value) {
        if let Some(description) = spec.get("description").and_then(Value::as_str) {
            self.filled(description, "    ", "      ");
        }
    }
}
