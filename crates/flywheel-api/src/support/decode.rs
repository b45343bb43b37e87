//! Turning the bytes of an answer into a value without losing what does not fit; for answers that were kept in a file,
//! or that came by another way than a call, too.
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
pub struct Decoded<T> {
    /// The value without what did not fit.
    pub value: T,
    /// What did not fit, with its places.
    pub odd: Vec<Odd>,
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
pub struct Undecodable {
    place: String,
    reason: String,
}

impl Undecodable {
    fn new(place: impl fmt::Display, error: &serde_json::Error) -> Self {
        Self { place: place.to_string(), reason: reason(error) }
    }
}

impl std::error::Error for Undecodable {}

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
///
/// # Errors
/// When it is no JSON, or so much of it does not fit that nothing would be left.
///
/// ```
/// use flywheel_api::{support::decode, types::SessionOutput};
///
/// let kept = br#"{"_id": "5eb0bf2e0a1b2c3d4e5f6071", "label": "ses-01", "age": "unknown"}"#;
/// let session = decode::document::<SessionOutput>(kept)?;
/// assert_eq!(session.value.label.as_deref(), Some("ses-01"));
/// assert_eq!(session.odd[0].place(), "/age");
/// # Ok::<(), decode::Undecodable>(())
/// ```
pub fn document<T: DeserializeOwned>(bytes: &[u8]) -> Result<Decoded<T>, Undecodable> {
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
///
/// # Errors
/// When it is no JSON, or neither a list nor a page.
pub fn listing<T: DeserializeOwned>(bytes: &[u8]) -> Result<Decoded<Listing<T>>, Undecodable> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::types::{
        AnyContainer, FileOutputListOrUploadTicketOutput, JobOutputOrText, JoinType, ResolverNode,
        SubjectOutput,
    };

    fn bytes(value: &Value) -> Vec<u8> {
        value.to_string().into_bytes()
    }

    #[test]
    fn a_list_and_a_page_read_as_the_same_rows() {
        let rows = json!([{ "_id": "a" }, { "_id": "b" }]);
        let bare = listing::<SubjectOutput>(&bytes(&rows)).unwrap().value;
        let page = json!({ "count": 2, "total": "250", "results": rows, "next": "b", "facets": {} });
        let page = listing::<SubjectOutput>(&bytes(&page)).unwrap().value;
        let ids =
            |list: &Listing<SubjectOutput>| list.items.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&bare), ids(&page));
        assert_eq!((bare.total(), page.total()), (None, Some(250)));
        let about = page.page.unwrap();
        assert_eq!((about.count, about.next), (Some(2), Some(json!("b"))));
        assert!(about.extra.contains_key("facets"));
    }

    #[test]
    fn an_odd_field_costs_the_field_and_an_odd_row_the_row() {
        let rows = json!([{ "_id": "a" }, "odd", { "_id": "b", "tags": [1, "x", 2], "label": ["?"] }, { "_id": "c" }]);
        let decoded = listing::<SubjectOutput>(&bytes(&rows)).unwrap();
        assert_eq!(decoded.value.items.len(), 3);
        assert_eq!(decoded.value.len(), 4);
        assert_eq!(decoded.value.odd[0].value(), &json!("odd"));
        assert_eq!(decoded.value.items[1].tags.as_deref(), Some(&[String::from("x")][..]));
        let mut places = decoded.odd.iter().map(|odd| (odd.place(), odd.value().clone())).collect::<Vec<_>>();
        places.sort_by_key(|(place, _)| *place);
        let expected = [
            ("/1", json!("odd")),
            ("/2/label", json!(["?"])),
            ("/2/tags/0", json!(1)),
            ("/2/tags/2", json!(2)),
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn a_list_of_a_thousand_odd_rows_keeps_what_fits() {
        let rows =
            (0..1000).map(|id| json!({ "_id": id.to_string(), "created": "soon" })).collect::<Vec<_>>();
        let decoded = listing::<SubjectOutput>(&bytes(&Value::from(rows))).unwrap();
        assert_eq!((decoded.value.items.len(), decoded.odd.len()), (1000, 1000));
        assert_eq!(decoded.odd[999].place(), "/999/created");
    }

    #[test]
    fn an_empty_answer_is_nothing_where_nothing_is_allowed_and_an_error_elsewhere() {
        assert!(document::<()>(b"").is_ok());
        assert_eq!(document::<Option<SubjectOutput>>(b"  ").unwrap().value.map(|_| ()), None);
        let error = document::<SubjectOutput>(b"").unwrap_err();
        assert_eq!(error.to_string(), "the answer is empty where a document is promised");
    }

    #[test]
    fn messages_hold_places_and_types_but_no_values() {
        let secret = "Jane Doe, born 1980, expected u64 at line 3";
        let documents = [json!(secret), json!({ "page": secret }), json!([[secret]])];
        for document in documents {
            let error = listing::<SubjectOutput>(&bytes(&document));
            let text = error
                .map_or_else(|error| format!("{error} {error:?}"), |decoded| format!("{:?}", decoded.odd));
            assert!(!text.contains("Jane") && !text.contains("1980"), "{text}");
        }
        let broken = format!("{{\"label\": \"{secret}\"");
        let error = document::<SubjectOutput>(broken.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("ends too early") && !error.contains("Jane"), "{error}");
        let odd =
            document::<SubjectOutput>(&bytes(&json!({ "label": [secret], "created": secret }))).unwrap().odd;
        assert_eq!(odd.len(), 2);
        assert!(odd.iter().all(|odd| !odd.reason().contains("Jane") && !format!("{odd:?}").contains("Jane")));
    }

    #[test]
    fn a_text_is_read_with_and_without_quotes() {
        assert_eq!(text(br#""R2-D2""#).unwrap().value, "R2-D2");
        assert_eq!(text(b"R2-D2").unwrap().value, "R2-D2");
        assert!(text(&[0xff]).is_err());
    }

    #[test]
    fn both_members_of_a_union_are_read_and_a_third_is_kept() {
        let read =
            |value: Value| document::<FileOutputListOrUploadTicketOutput>(&bytes(&value)).unwrap().value;
        let list = read(json!([{ "name": "a.dcm" }]));
        assert!(matches!(&list, FileOutputListOrUploadTicketOutput::List(files) if files.len() == 1));
        let ticket = read(json!({ "ticket": "t" }));
        assert!(
            matches!(&ticket, FileOutputListOrUploadTicketOutput::Object(ticket) if ticket.ticket.is_some())
        );
        let other = read(json!(17));
        assert!(matches!(&other, FileOutputListOrUploadTicketOutput::Other(value) if *value == json!(17)));
        let job = document::<JobOutputOrText>(&bytes(&json!({ "id": "1", "attempt": {} }))).unwrap();
        assert!(matches!(job.value, JobOutputOrText::Object(_)));
        assert_eq!(job.odd[0].place(), "/attempt");
        let id = document::<JobOutputOrText>(&bytes(&json!("64b0"))).unwrap().value;
        assert!(matches!(id, JobOutputOrText::Text(id) if id == "64b0"));
    }

    #[test]
    fn kinds_are_told_by_their_tag_and_an_unknown_kind_keeps_its_json() {
        let read = |value: &Value| document::<AnyContainer>(&bytes(value)).unwrap().value;
        let session = json!({ "container_type": "session", "_id": "4", "age": 1 });
        let container = read(&session);
        assert_eq!(container.kind(), Some("session"));
        assert!(matches!(&container, AnyContainer::Session(session) if session.id.as_deref() == Some("4")));
        assert_eq!(serde_json::to_value(&container).unwrap(), session);
        let future = json!({ "container_type": "cohort", "_id": "9", "members": [1, 2] });
        let container = read(&future);
        assert_eq!(container.kind(), Some("cohort"));
        assert_eq!(serde_json::to_value(&container).unwrap(), future);
        let node = json!({ "node_type": "gear", "_id": "6" });
        assert!(matches!(document::<ResolverNode>(&bytes(&node)).unwrap().value, ResolverNode::Gear(_)));
    }

    #[test]
    fn a_value_not_known_yet_goes_back_unchanged() {
        let join = JoinType::from("origin");
        assert_eq!(join, JoinType::Origin);
        let future = serde_json::from_value::<JoinType>(json!("brand-new")).unwrap();
        assert!(matches!(future, JoinType::Unrecognized(_)));
        assert_eq!(serde_json::to_value(&future).unwrap(), json!("brand-new"));
        assert_eq!(future.to_string(), "brand-new");
    }
}
