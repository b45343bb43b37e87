//! The HTTP `Range` header: `bytes=0-499,1000-,-200` against a body of known size.

use std::ops::Range;

/// Why a `Range` header cannot be served as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Not of the form `bytes=…`: the header is ignored and the whole body sent.
    #[error("not a range of bytes")]
    Malformed,
    /// The first range begins behind the end: status 416.
    #[error("the range begins behind the end of the file")]
    Unsatisfiable,
}

/// The most ranges that one header may ask for; more are treated as malformed, so that no request costs much more than the
/// file is long.
pub const MAX_RANGES: usize = 64;

/// Reads a `Range` header against a body of `size` bytes. The ranges are cut to the body; those after the first that begin
/// behind the end are left out.
///
/// # Errors
/// [`RangeError`] when the header is no byte range or its first range lies behind the end.
///
/// ```
/// use flywheel_core::range::parse;
///
/// assert_eq!(parse("bytes=0-9", 100), Ok(vec![0..10]));
/// assert_eq!(parse("bytes=90-, -5", 100), Ok(vec![90..100, 95..100]));
/// ```
pub fn parse(header: &str, size: u64) -> Result<Vec<Range<u64>>, RangeError> {
    let (unit, list) = header.trim().split_once('=').ok_or(RangeError::Malformed)?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Err(RangeError::Malformed);
    }
    let specs: Vec<&str> =
        list.split(',').map(str::trim).filter(|spec| !spec.is_empty()).take(MAX_RANGES + 1).collect();
    if specs.is_empty() || specs.len() > MAX_RANGES {
        return Err(RangeError::Malformed);
    }
    let ranges: Vec<Option<Range<u64>>> =
        specs.iter().map(|spec| one(spec, size)).collect::<Result<_, _>>()?;
    match ranges.first() {
        Some(Some(_)) => Ok(ranges.into_iter().flatten().collect()),
        _ => Err(RangeError::Unsatisfiable),
    }
}

/// One range, or `None` when it lies behind the end.
fn one(spec: &str, size: u64) -> Result<Option<Range<u64>>, RangeError> {
    let number = |text: &str| match text.trim() {
        "" => Ok(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => Ok(Some(digits.parse().unwrap_or(u64::MAX))),
        _ => Err(RangeError::Malformed),
    };
    let (first, last) = spec.split_once('-').ok_or(RangeError::Malformed)?;
    let range = match (number(first)?, number(last)?) {
        (None, None) => return Err(RangeError::Malformed),
        (None, Some(length)) => size.saturating_sub(length)..size,
        (Some(first), None) => first..size,
        (Some(first), Some(last)) if last < first => return Err(RangeError::Malformed),
        (Some(first), Some(last)) => first..size.min(last.saturating_add(1)),
    };
    Ok((range.start < range.end).then_some(range))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::single_range_in_vec_init)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_cut_to_the_body() {
        assert_eq!(parse("bytes=0-", 10), Ok(vec![0..10]));
        assert_eq!(parse("bytes=5-100", 10), Ok(vec![5..10]));
        assert_eq!(parse("bytes=-100", 10), Ok(vec![0..10]));
        assert_eq!(parse("Bytes = 0-0 , 20-30, 3-4", 10), Ok(vec![0..1, 3..5]));
        assert_eq!(parse("bytes=0-99999999999999999999999", 10), Ok(vec![0..10]));
    }

    #[test]
    fn range_behind_the_end_is_unsatisfiable() {
        for (header, size) in [("bytes=10-", 10), ("bytes=10-12,0-1", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
        {
            assert_eq!(parse(header, size), Err(RangeError::Unsatisfiable), "{header}");
        }
    }

    #[test]
    fn other_headers_are_malformed() {
        let many = format!("bytes={}", vec!["0-1"; MAX_RANGES + 1].join(","));
        for header in
            ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "lines=1-2", "bytes=+1-2", &many]
        {
            assert_eq!(parse(header, 10), Err(RangeError::Malformed), "{header}");
        }
    }

    proptest! {
        #[test]
        fn written_ranges_parse_back(
            ends in proptest::collection::vec((0u64..1_000, 0u64..1_000), 1..=MAX_RANGES), beyond in 0u64..10,
        ) {
            let ranges: Vec<Range<u64>> = ends.iter().map(|(a, b)| *a.min(b)..*a.max(b) + 1).collect();
            let size = ranges.iter().map(|range| range.end).max().unwrap_or_default() + beyond;
            let specs: Vec<String> =
                ranges.iter().map(|range| format!("{}-{}", range.start, range.end - 1)).collect();
            prop_assert_eq!(parse(&format!("bytes={}", specs.join(", ")), size), Ok(ranges));
        }

        #[test]
        fn ranges_lie_inside_the_body(header in "(bytes)?=?[0-9,-]{0,12}", text in any::<String>(), size in 0u64..100) {
            for ranges in [parse(&header, size), parse(&text, size)].into_iter().flatten() {
                prop_assert!(!ranges.is_empty());
                prop_assert!(ranges.iter().all(|range| range.start < range.end && range.end <= size));
            }
        }
    }
}
