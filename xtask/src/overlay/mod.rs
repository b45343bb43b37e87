//! Applies an OpenAPI Overlay 1.0: our corrections and our documentation on top of the imported facts.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use serde_json_path::JsonPath;

/// The version of the Overlay specification that is read.
const VERSION: &str = "1.0.0";

/// An overlay.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Overlay {
    overlay: String,
    #[serde(rename = "info")]
    _info: Info,
    actions: Vec<Action>,
}

#[derive(Debug, Deserialize)]
struct Info {
    #[serde(rename = "title")]
    _title: String,
    #[serde(rename = "version")]
    _version: String,
}

/// One step: what is selected, and what happens to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Action {
    target: String,
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(default)]
    update: Option<Value>,
    #[serde(default)]
    remove: bool,
}

impl Overlay {
    /// Reads an overlay from a YAML or JSON file.
    ///
    /// # Errors
    /// When the file cannot be read or is not an overlay of the known version.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// Reads an overlay from YAML or JSON text.
    ///
    /// # Errors
    /// When the text is not an overlay of the known version.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let overlay: Self = serde_saphyr::from_str(text).context("not an OpenAPI Overlay")?;
        if overlay.overlay != VERSION {
            bail!("`overlay: {}` is not known; write `overlay: {VERSION}`", overlay.overlay);
        }
        Ok(overlay)
    }

    /// Applies every action in order.
    ///
    /// # Errors
    /// When a target is not a JSONPath, matches nothing, or cannot take its update; the error names the target.
    pub(crate) fn apply(&self, document: &mut Value) -> Result<()> {
        for (index, action) in self.actions.iter().enumerate() {
            action
                .apply(document)
                .with_context(|| format!("actions[{index}]: target `{}`", action.target))?;
        }
        Ok(())
    }
}

impl Action {
    fn apply(&self, document: &mut Value) -> Result<()> {
        let path = JsonPath::parse(&self.target).context("not a JSONPath (RFC 9535)")?;
        let pointers: Vec<String> =
            path.query_located(document).locations().map(|location| location.to_json_pointer()).collect();
        if pointers.is_empty() {
            bail!("it matches nothing in the description; mend the path or drop the action");
        }
        match (&self.update, self.remove) {
            (Some(update), false) => pointers.iter().try_for_each(|pointer| {
                let place = document.pointer_mut(pointer).context("the place went away")?;
                update_place(place, update).with_context(|| format!("at {pointer}"))
            }),
            // From the last to the first, so that the indices of a list stay true.
            (None, true) => pointers.iter().rev().try_for_each(|pointer| remove_place(document, pointer)),
            _ => bail!("an action needs either `update` or `remove: true`"),
        }
    }
}

/// A selected object takes the update's members, a selected list takes it as one more entry.
fn update_place(place: &mut Value, update: &Value) -> Result<()> {
    match (place, update) {
        (place @ Value::Object(_), Value::Object(_)) => merge(place, update),
        (Value::Array(list), entry) => list.push(entry.clone()),
        (place, _) => bail!("an update needs an object or a list, and this is {}", kind_of(place)),
    }
    Ok(())
}

/// Objects merge member by member, lists are joined, everything else is replaced.
fn merge(place: &mut Value, update: &Value) {
    match (place, update) {
        (Value::Object(place), Value::Object(update)) => {
            for (key, value) in update {
                match place.get_mut(key) {
                    Some(present) => merge(present, value),
                    None => {
                        place.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(place), Value::Array(update)) => place.extend(update.iter().cloned()),
        (place, update) => *place = update.clone(),
    }
}

fn remove_place(document: &mut Value, pointer: &str) -> Result<()> {
    let (parent, key) = pointer.rsplit_once('/').context("the whole description cannot be removed")?;
    let key = key.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent) {
        Some(Value::Object(object)) => {
            object.shift_remove(&key);
        }
        Some(Value::Array(list)) => {
            let index: usize = key.parse().context("not an index")?;
            if index < list.len() {
                list.remove(index);
            }
        }
        _ => {}
    }
    Ok(())
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn overlay(actions: &str) -> Overlay {
        Overlay::parse(&format!("overlay: 1.0.0\ninfo: {{title: t, version: '1'}}\nactions:\n{actions}"))
            .unwrap()
    }

    fn sample() -> Value {
        json!({"paths": {
            "/a/{id}": {"get": {"operationId": "get_a", "tags": ["x"], "parameters": [
                {"name": "limit", "in": "query"}, {"name": "limit", "in": "header"},
            ]}},
        }})
    }

    #[test]
    fn an_update_merges_objects_and_joins_lists() {
        let mut document = sample();
        overlay("- target: $.paths['/a/{id}'].get\n  update: {summary: One a., tags: [more]}\n")
            .apply(&mut document)
            .unwrap();
        assert_eq!(document["paths"]["/a/{id}"]["get"]["summary"], "One a.");
        assert_eq!(document["paths"]["/a/{id}"]["get"]["tags"], json!(["x", "more"]));
        assert_eq!(document["paths"]["/a/{id}"]["get"]["operationId"], "get_a");
    }

    #[test]
    fn a_filter_selects_by_several_members() {
        let mut document = sample();
        overlay("- target: $.paths[*][*].parameters[?@.name=='limit' && @.in=='query']\n  update: {description: d}\n")
            .apply(&mut document)
            .unwrap();
        let parameters = &document["paths"]["/a/{id}"]["get"]["parameters"];
        assert_eq!(parameters[0]["description"], "d");
        assert_eq!(parameters[1].get("description"), None);
    }

    #[test]
    fn removal_takes_every_selected_entry_of_a_list() {
        let mut document = sample();
        overlay("- target: $.paths[*].get.parameters[?@.name=='limit']\n  remove: true\n")
            .apply(&mut document)
            .unwrap();
        assert_eq!(document["paths"]["/a/{id}"]["get"]["parameters"], json!([]));
    }

    #[test]
    fn a_target_that_matches_nothing_is_named() {
        let error = overlay("- target: $.paths['/b'].get\n  update: {summary: s}\n")
            .apply(&mut sample())
            .unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("actions[0]: target `$.paths['/b'].get`: it matches nothing"), "{text}");
    }

    #[test]
    fn an_update_of_a_text_is_refused() {
        let error = overlay("- target: $.paths[*].get.operationId\n  update: {summary: s}\n")
            .apply(&mut sample())
            .unwrap_err();
        assert!(format!("{error:#}").contains("this is a text"));
    }

    #[test]
    fn another_version_is_refused() {
        let text = "overlay: 2.0.0\ninfo: {title: t, version: '1'}\nactions: []\n";
        assert!(Overlay::parse(text).unwrap_err().to_string().contains("write `overlay: 1.0.0`"));
    }
}
