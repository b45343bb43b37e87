//! Jobs as they stand in lists.

use flywheel_api::types::JobOutput;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A job in a list, where its inputs stand as a list of `{input, type, id, name}` rather than by their names.
pub struct Row(JobOutput);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut document = Map::deserialize(deserializer)?;
        if let Some(Value::Array(listed)) = document.get_mut("inputs") {
            let named = listed.drain(..).filter_map(|mut input| {
                let name = input.as_object_mut()?.remove("input")?;
                Some((name.as_str()?.to_owned(), input))
            });
            let named: Map<String, Value> = named.collect();
            document.insert("inputs".to_owned(), named.into());
        }
        serde_json::from_value(document.into()).map(Self).map_err(serde::de::Error::custom)
    }
}

impl From<Row> for JobOutput {
    fn from(row: Row) -> Self {
        row.0
    }
}
