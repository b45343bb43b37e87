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
