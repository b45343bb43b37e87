//! The schema of a whole call: what `GET /gears/{id}/invocation` answers.

use serde_json::{Map, Value, json};

use super::{config, manifest::Manifest};

impl Manifest {
    /// The schema of `{config, inputs}` for this gear.
    pub fn invocation_schema(&self) -> Value {
        let values = self
            .config()
            .map(|(key, snippet)| (key, config::value_schema(snippet), config::is_required(snippet)));
        let inputs = self.inputs().map(|input| (input.name, input.schema(), !input.is_optional()));
        json!({
            "$schema": "http://json-schema.org/draft-04/schema#",
            "title": format!("Invocation manifest for {}", self.label()),
            "type": "object",
            "properties": {"config": object(values), "inputs": object(inputs)},
            "required": ["config", "inputs"],
        })
    }
}

fn object<'a>(members: impl Iterator<Item = (&'a str, Value, bool)>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (name, schema, needed) in members {
        if needed {
            required.push(name);
        }
        properties.insert(name.to_owned(), schema);
    }
    let mut object = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        object["required"] = required.into();
    }
    object
}
