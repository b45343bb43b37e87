//! Documents of data views: reading, settling, checking; expressions and patterns for names inside them.
#![no_main]

use flywheel_core::filter::Filter;
use flywheel_core::view::expression::Number;
use flywheel_core::view::names::NamePattern;
use flywheel_core::view::{Expression, NameFilter, Plan, View};
use flywheel_fuzz::assert_points_into;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match serde_json::from_str::<View>(text) {
        Ok(view) => document(&view),
        Err(_) => pieces(text),
    }
});

fn document(view: &View) {
    let written = serde_json::to_value(view).expect("a view can be written");
    let back: View = serde_json::from_value(written).expect("a view that was written is read");
    assert_eq!(&back, view);
    let plan = Plan::new(view, &Filter::default());
    if let Ok(settled) = view.clone().settled() {
        assert_eq!(settled.clone().settled().as_ref(), Ok(&settled), "settling twice changes a view");
        let again = Plan::new(&settled, &Filter::default());
        assert_eq!(names(&plan), names(&again));
    }
    if let Err(error) = plan {
        assert!(!error.to_string().is_empty());
    }
}

fn names<E: std::fmt::Display>(plan: &Result<Plan, E>) -> Result<Vec<String>, String> {
    match plan {
        Ok(plan) => Ok(plan.columns.iter().map(|column| column.name.clone()).collect()),
        Err(error) => Err(error.to_string()),
    }
}

fn pieces(text: &str) {
    match text.parse::<Expression>() {
        Ok(expression) => {
            for x in [Number::Int(0), Number::Int(i64::MIN), Number::Float(1.5), Number::Float(f64::MAX)] {
                assert!(expression.of(x).is_none_or(|value| value.as_f64().is_finite()));
            }
        }
        Err(error) => assert_points_into(text, &error),
    }
    let (pattern, name) = text.split_once('\n').unwrap_or((text, text));
    for regex in [None, Some(true)] {
        if let Ok(pattern) = NamePattern::new(&NameFilter { value: pattern.to_owned(), regex }) {
            let _ = pattern.matches(name);
        }
    }
}
