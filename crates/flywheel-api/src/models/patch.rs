//! A field of an update: left alone, cleared, or given a value.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an update does to one field.
///
/// An update that leaves a field out keeps what the server has; one that sends `null` clears it. An `Option`
/// cannot tell the two apart.
///
/// ```
/// use flywheel_api::models::Patch;
///
/// let keep: Patch<String> = Patch::Keep;
/// let clear: Patch<String> = Patch::Clear;
/// let set: Patch<String> = "ses-01".into();
/// assert!(keep.is_keep() && clear != set);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Patch<T> {
    /// Not sent: the server keeps what it has.
    #[default]
    Keep,
    /// Sent as `null`: the server clears the field.
    Clear,
    /// Sent as the value.
    Set(T),
}

impl<T> Patch<T> {
    /// Whether the field is left alone.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The value, when one is set.
    pub fn as_set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// A value or the absence of one, the latter leaving the field alone.
    pub fn keep_or(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }

    /// A value or the absence of one, the latter clearing the field.
    pub fn clear_or(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }
}

impl<T> From<T> for Patch<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

impl From<&str> for Patch<String> {
    fn from(value: &str) -> Self {
        Self::Set(value.to_owned())
    }
}

impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Keep | Self::Clear => serializer.serialize_none(),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

/// Reads `null` as [`Patch::Clear`]; absence is for `#[serde(default)]` to read.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::clear_or)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;
    use crate::types::{SubjectModify, SubjectOutput};

    #[test]
    fn keeping_clearing_and_setting_are_three_things_on_the_wire() {
        let change = SubjectModify { label: Patch::Clear, code: "sub-01".into(), ..Default::default() };
        assert_eq!(serde_json::to_value(&change).unwrap(), json!({ "label": null, "code": "sub-01" }));
        let read = serde_json::from_value::<SubjectModify>(json!({ "label": null, "code": "x" })).unwrap();
        assert_eq!(
            (read.label, read.code, read.sex),
            (Patch::Clear, Patch::Set(String::from("x")), Patch::Keep)
        );
    }

    #[test]
    fn an_explicit_null_goes_through_extra_where_a_field_is_an_option() {
        let mut subject = SubjectOutput::default();
        subject.extra.insert(String::from("label"), Value::Null);
        assert_eq!(serde_json::to_value(&subject).unwrap(), json!({ "label": null }));
    }

    #[test]
    fn a_model_shows_its_id_and_no_value() {
        let value = json!({ "_id": "64b0", "firstname": "Ada", "unknown": "Lovelace" });
        let subject = serde_json::from_value::<SubjectOutput>(value).unwrap();
        assert_eq!(format!("{subject:?}"), "SubjectOutput { id: Some(\"64b0\"), .. }");
        assert_eq!(format!("{:?}", subject.extra), "{\"unknown\"}");
    }
}
