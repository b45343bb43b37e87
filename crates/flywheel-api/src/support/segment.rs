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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use url::Url;

    use super::*;

    fn reach(value: &str) -> Option<Vec<String>> {
        let segment = encode(value).ok()?;
        let url = Url::parse(&format!("https://site/api/acquisitions/{segment}/files")).unwrap();
        Some(url.path_segments().unwrap().map(str::to_owned).collect())
    }

    #[test]
    fn what_leaves_its_place_is_refused() {
        for value in ["", ".", ".."] {
            assert!(encode(value).is_err(), "{value:?}");
        }
        assert!(encode("..").unwrap_err().to_string().contains("another resource"));
    }

    #[test]
    fn separators_and_controls_are_encoded() {
        for (value, expected) in [
            ("a/b", "a%2Fb"),
            ("a\\b", "a%5Cb"),
            ("..\\..", "..%5C.."),
            ("%2F", "%252F"),
            ("%2e%2e", "%252e%252e"),
            ("a b?c#d", "a%20b%3Fc%23d"),
            ("ü", "%C3%BC"),
            ("\u{202e}", "%E2%80%AE"),
            ("a\0\r\n\tb", "a%00%0D%0A%09b"),
            ("...", "..."),
            ("a;b=c@d:e", "a%3Bb%3Dc%40d%3Ae"),
        ] {
            assert_eq!(encode(value).unwrap(), expected, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn any_value_is_exactly_one_segment(value in any::<String>(), hostile in r"[./\\%2eEfF5cC\x00-\x1f]{0,8}") {
            for value in [&value, &hostile] {
                if let Some(segments) = reach(value) {
                    prop_assert_eq!(segments.len(), 4);
                    prop_assert_eq!([&segments[0], &segments[1], &segments[3]], ["api", "acquisitions", "files"]);
                    let decoded = percent_encoding::percent_decode_str(&segments[2]).decode_utf8().unwrap();
                    prop_assert_eq!(&decoded, value);
                }
            }
        }
    }
}
