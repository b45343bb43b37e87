//! FlyQL: reading, writing, placing mistakes, completing.
#![no_main]

use flywheel_core::query::{Completion, Query, complete, parse, place, quote};
use flywheel_fuzz::assert_points_into;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match parse(text) {
        Ok(query) => {
            let written = query.to_string();
            assert_eq!(written.parse::<Query>().as_ref(), Ok(&query), "{written}");
            terms_know_where_they_stood(text, &query);
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "a refusal without a reason");
            for error in errors {
                assert_points_into(text, &error);
                let at = place(&error);
                assert!(at.offset <= text.chars().count() && at.line >= 1 && at.pos >= 1, "{at:?}");
            }
        }
    }
    if let Completion::Field { from, begun } | Completion::Value { from, begun, .. } = complete(text) {
        let end: String = text.chars().skip(from).collect();
        assert!(
            from < text.chars().count() && end.len() >= begun.len(),
            "{begun:?} does not begin at {from}"
        );
    }
    let term = format!("f = {}", quote(text));
    let read = term.parse::<Query>().expect("a quoted text is a phrase");
    assert_eq!(read, flywheel_core::query::field("f").eq(text), "{term}");
});

fn terms_know_where_they_stood(text: &str, query: &Query) {
    match query {
        Query::And(parts) | Query::Or(parts) => {
            parts.iter().for_each(|part| terms_know_where_they_stood(text, part));
        }
        Query::Not(inner) => terms_know_where_they_stood(text, inner),
        Query::Term(term) => {
            let part = text.get(term.span.clone()).expect("a term knows where it stood");
            assert_eq!(part.parse::<Query>().as_ref(), Ok(query), "{part}");
        }
    }
}
