//! Path segments that cannot leave their place.
//!
//! A value becomes exactly one segment of a URL: everything outside the unreserved characters of RFC 3986 is
//! percent-encoded, and what no encoding can keep in its place (nothing at all, `.` and `..`, which URL
//! parsers resolve even when they are written `%2e`) is refused.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Writes a value as one segment of a path.
///
/// # Errors
///
/// When the value is empty, `.` or `..`: the request would reach another resource than the one meant.
pub fn encode(value: &str) -> Result<String, UnsafeSegment> {
    match value {
        "" | "." | ".." => Err(UnsafeSegment { value: value.to_owned() }),
        _ => Ok(utf8_percent_encode(value, RESERVED).to_string()),
    }
}

/// A value that cannot be a segment of a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} cannot stand in a path: it would reach another resource")]
pub struct UnsafeSegment {
    value: String,
}
