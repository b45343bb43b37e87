//! A part of an answer that does not have the type its place promises.

use std::fmt;

use serde_json::Value;

/// A value that was set aside, so that the rest of the answer could be decoded.
///
/// Its Debug shows the place and the reason; the value itself may be patient data and comes from
/// [`Odd::value`] alone.
#[derive(Clone, PartialEq)]
pub struct Odd {
    place: String,
    value: Value,
    reason: String,
}

impl Odd {
    pub(crate) fn new(place: impl Into<String>, value: Value, reason: impl Into<String>) -> Self {
        let place = place.into();
        let place = if place.starts_with('/') { place } else { format!("/{place}") };
        Self { place, value, reason: reason.into() }
    }

    /// The same value, seen from the list that its row stands in.
    pub(crate) fn below(mut self, index: usize) -> Self {
        self.place = format!("/{index}{}", self.place);
        self
    }

    /// Where the value stood, as a JSON pointer: `/3/files/0/size`. In a list the first segment is the row.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The value as the server sent it.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// What was expected there.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Debug for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Odd")
            .field("place", &self.place)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}
