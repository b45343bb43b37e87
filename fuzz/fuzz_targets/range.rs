//! The `Range` header against bodies of any size.
#![no_main]

use flywheel_core::range::{MAX_RANGES, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, &str)| {
    let (size, header) = input;
    let Ok(ranges) = parse(header, size) else { return };
    assert!(!ranges.is_empty() && ranges.len() <= MAX_RANGES);
    assert!(ranges.iter().all(|range| range.start < range.end && range.end <= size), "{ranges:?} of {size}");
    let specs: Vec<String> =
        ranges.iter().map(|range| format!("{}-{}", range.start, range.end - 1)).collect();
    assert_eq!(parse(&format!("bytes={}", specs.join(",")), size), Ok(ranges));
});
