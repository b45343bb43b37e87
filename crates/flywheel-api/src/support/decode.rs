//! Turning the bytes of an answer into a value without losing what does not fit.
//!
//! An answer is first decoded in one pass. When that fails, the value that does not have the promised type is
//! taken out, kept with its place as [`Odd`], and the rest is decoded again: one odd field costs that field,
//! one odd row costs that row. Messages never hold values, which may be patient data.

use std::collections::HashMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::models::{Listing, Odd};
use crate::operation::Operation;

/// More odd values than this in one document (or one row of a list) are no longer an oddity.
const MOST_REPAIRS: usize = 64;

/// A value, and what had to be taken out to decode it.
#[derive(Debug)]
pub(crate) struct Decoded<T> {
    pub(crate) value: T,
    pub(crate) odd: Vec<Odd>,
}

impl<T> From<T> for Decoded<T> {
    fn from(value: T) -> Self {
        Self { value, odd: Vec::new() }
    }
}

impl<T> Decoded<T> {
    /// Leaves a trace of what was taken out: places and reasons, no values.
    pub(crate) fn report(&self, operation: &Operation) {
        for odd in &self.odd {
            tracing::warn!(operation = operation.name, place = odd.place(), "set aside: {}", odd.reason());
        }
    }
}

/// An answer that cannot be decoded. Says where and why, never what was there.
#[derive(Debug)]
pub(crate) struct Undecodable {
    place: String,
    reason: String,
}

impl Undecodable {
    fn new(place: impl fmt::Display, error: &serde_json::Error) -> Self {
        Self { place: place.to_string(), reason: reason(error) }
    }
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" | "." => f.write_str(&self.reason),
            place => write!(f, "at {place}: {}", self.reason),
        }
    }
}

/// What went wrong, without the value that serde quotes in its messages.
fn reason(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let text = error.to_string();
    match error.classify() {
        Category::Data => match text.rsplit_once(", expected ") {
            Some((_, expected)) => {
                let expected = expected.split(" at line ").next().unwrap_or_default();
                format!("another type than the one promised, expected {expected}")
            }
            None if text.starts_with("missing field") => text,
            None => String::from("a value that does not fit its type"),
        },
        Category::Eof => {
            format!("the document ends too early, at line {} column {}", error.line(), error.column())
        }
        Category::Syntax | Category::Io => {
            format!("not a JSON document, at line {} column {}", error.line(), error.column())
        }
    }
}

/// Decodes a document.
pub(crate) fn document<T: DeserializeOwned>(bytes: &[u8]) -> Result<Decoded<T>, Undecodable> {
    let first = match serde_json::from_slice::<T>(bytes) {
        Ok(value) => return Ok(value.into()),
        Err(error) => error,
    };
    if bytes.trim_ascii().is_empty() {
        let nothing = serde_json::from_value::<T>(Value::Null);
        return nothing.map(Decoded::from).map_err(|_| Undecodable {
            place: String::new(),
            reason: String::from("the answer is empty where a document is promised"),
        });
    }
    let whole = serde_json::from_slice::<Value>(bytes).map_err(|_| Undecodable::new("", &first))?;
    repair(whole)
}

/// Decodes a list, in either of its two forms; rows are repaired each by itself.
pub(crate) fn listing<T: DeserializeOwned>(bytes: &[u8]) -> Result<Decoded<Listing<T>>, Undecodable> {
    if let Ok(value) = serde_json::from_slice::<Listing<T>>(bytes) {
        return Ok(value.into());
    }
    let Decoded { value: rows, mut odd } = document::<Listing<Value>>(bytes)?;
    let Listing { items, page, .. } = rows;
    let mut list = Listing { items: Vec::with_capacity(items.len()), page, odd: Vec::new() };
    for (index, row) in items.into_iter().enumerate() {
        match repair::<T>(row.clone()) {
            Ok(decoded) => {
                list.items.push(decoded.value);
                odd.extend(decoded.odd.into_iter().map(|found| found.below(index)));
            }
            Err(error) => list.odd.push(Odd::new(index.to_string(), row, error.reason)),
        }
    }
    odd.extend(list.odd.iter().cloned());
    Ok(Decoded { value: list, odd })
}

/// Decodes a text. Servers answer one with and without the quotes of a JSON string.
pub(crate) fn text(bytes: &[u8]) -> Result<Decoded<String>, Undecodable> {
    if let Ok(text) = serde_json::from_slice::<String>(bytes) {
        return Ok(text.into());
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Undecodable { place: String::new(), reason: String::from("the text is not UTF-8") })?;
    Ok(text.to_owned().into())
}

/// Decodes what can be decoded, taking out one odd value after the other.
fn repair<T: DeserializeOwned>(mut document: Value) -> Result<Decoded<T>, Undecodable> {
    let mut removed = Removed::default();
    let mut odd = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(&document) {
            Ok(value) => return Ok(Decoded { value, odd }),
            Err(error) => error,
        };
        let undecodable = || Undecodable::new(error.path(), error.inner());
        if odd.len() == MOST_REPAIRS {
            return Err(undecodable());
        }
        let (place, value) = removed.take(&mut document, error.path()).ok_or_else(undecodable)?;
        odd.push(Odd::new(place, value, reason(error.inner())));
    }
}

/// The elements taken out of arrays so far, by the place of the array: what stands behind them moved up, and a
/// place has to be told as the server sent it.
#[derive(Debug, Default)]
struct Removed(HashMap<String, Vec<usize>>);

impl Removed {
    fn original(&self, array: &str, index: usize) -> usize {
        let gone = self.0.get(array).map(Vec::as_slice).unwrap_or_default();
        gone.iter().fold(index, |index, gone| if *gone <= index { index + 1 } else { index })
    }

    /// Takes the value at a path out of a document; gives its JSON pointer and the value.
    fn take(&mut self, document: &mut Value, path: &Path) -> Option<(String, Value)> {
        let segments = path.iter().collect::<Vec<_>>();
        let (last, above) = segments.get(..depth(document, &segments))?.split_last()?;
        let mut place = String::new();
        let mut target = document;
        for segment in above {
            target = match segment {
                Segment::Map { key } => {
                    push(&mut place, key);
                    target.get_mut(key)?
                }
                Segment::Seq { index } => {
                    let original = self.original(&place, *index);
                    push(&mut place, &original.to_string());
                    target.get_mut(index)?
                }
                Segment::Enum { .. } | Segment::Unknown => return None,
            };
        }
        let value = match (last, target) {
            (Segment::Map { key }, Value::Object(members)) => {
                push(&mut place, key);
                members.shift_remove(key)?
            }
            (Segment::Seq { index }, Value::Array(items)) => {
                let original = self.original(&place, *index);
                let gone = self.0.entry(place.clone()).or_default();
                gone.insert(gone.partition_point(|known| *known < original), original);
                push(&mut place, &original.to_string());
                items.remove(*index)
            }
            _ => return None,
        };
        Some((place, value))
    }
}

/// Adds a segment to a JSON pointer.
fn push(place: &mut String, segment: &str) {
    place.push('/');
    place.push_str(&segment.replace('~', "~0").replace('/', "~1"));
}

/// How many segments of a path exist: one may go on below the value that failed, into the variant of an enum.
fn depth(document: &Value, segments: &[&Segment]) -> usize {
    let mut target = document;
    let below = segments.iter().take_while(|segment| {
        let below = match segment {
            Segment::Map { key } => target.get(key),
            Segment::Seq { index } => target.get(index),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        below.map(|value| target = value).is_some()
    });
    below.count()
}
