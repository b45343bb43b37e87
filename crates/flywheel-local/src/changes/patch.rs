//! The difference of two documents as a merge patch: what is new by its new value, what is gone as null.

use rusqlite::{
    Connection, Error,
    functions::{Context, FunctionFlags},
};
use serde_json::{Map, Value};

use crate::author;

/// What the site itself keeps in documents: no change that anybody made.
const OWN: [&str; 5] = ["modified", "revision", "info_exists", "satisfies_template", "project_has_template"];

/// Adds to a connection the functions that the triggers of the change log call.
///
/// * `patch_between(old, new)`: the difference of two documents; null when there is none.
/// * `author()`: the origin of the running write.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(
        "patch_between",
        2,
        flags | FunctionFlags::SQLITE_DETERMINISTIC,
        patch_between,
    )?;
    connection.create_scalar_function("author", 0, flags, |_| Ok(author::writing().origin))
}

fn patch_between(context: &Context<'_>) -> rusqlite::Result<Option<String>> {
    let read = |place: usize| -> rusqlite::Result<Map<String, Value>> {
        let text = context.get_raw(place).as_str()?;
        serde_json::from_str(text).map_err(|error| Error::UserFunctionError(error.into()))
    };
    let mut patch = between(&read(0)?, &read(1)?);
    patch.retain(|key, _| !OWN.contains(&key.as_str()));
    Ok((!patch.is_empty()).then(|| Value::Object(patch).to_string()))
}

/// The merge patch that makes `new` of `old`.
fn between(old: &Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, value) in new {
        match (old.get(key), value) {
            (Some(before), value) if before == value => {}
            (Some(Value::Object(before)), Value::Object(after)) => {
                patch.insert(key.clone(), between(before, after).into());
            }
            _ => drop(patch.insert(key.clone(), value.clone())),
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    patch
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_holds_what_differs_and_nothing_else() {
        let doc = |value: Value| value.as_object().unwrap().clone();
        let old = doc(json!({"a": 1, "b": {"x": 1, "y": 2}, "c": [1], "gone": true}));
        let new = doc(json!({"a": 1, "b": {"x": 1, "y": 3, "z": 4}, "c": [1, 2], "more": null}));
        let wanted = json!({"b": {"y": 3, "z": 4}, "c": [1, 2], "more": null, "gone": null});
        assert_eq!(Value::Object(between(&old, &new)), wanted);
        assert!(between(&old, &old).is_empty());
    }
}
