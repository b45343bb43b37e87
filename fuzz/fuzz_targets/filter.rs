//! Filters and orders of lists.
#![no_main]

use flywheel_core::filter::{Filter, Value};
use flywheel_core::sort::Sort;
use flywheel_fuzz::assert_points_into;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match text.parse::<Filter>() {
        Ok(filter) => {
            for clause in &filter.clauses {
                let part = text.get(clause.span.clone()).expect("a clause knows where it stood");
                assert_eq!(
                    part.parse::<Filter>().expect("a clause alone is a filter").clauses,
                    [clause.clone()]
                );
            }
            let written = filter.to_string();
            let back = written.parse::<Filter>().expect("a filter that was written is read");
            assert_eq!(plain(back), plain(filter), "{written}");
        }
        Err(error) => assert_points_into(text, &error),
    }
    match text.parse::<Sort>() {
        Ok(sort) => {
            let written = sort.to_string();
            assert_eq!(written.parse::<Sort>(), Ok(sort), "{written}");
        }
        Err(error) => assert_points_into(text, &error),
    }
});

/// Without the empty groups that keep a pattern's last backslash from the comma behind it.
fn plain(mut filter: Filter) -> Filter {
    for clause in &mut filter.clauses {
        if let Value::Pattern(pattern) = &mut clause.value {
            while let Some(shorter) = pattern.strip_suffix("(?:)") {
                *pattern = shorter.to_owned();
            }
        }
    }
    filter
}
