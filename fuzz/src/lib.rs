//! What the targets have in common: what every error about a text promises.

use flywheel_core::syntax::ParseError;

/// An error is about the text that was read, its span lies inside it and between characters, and it can be shown.
///
/// # Panics
/// When one of these does not hold.
pub fn assert_points_into(text: &str, error: &ParseError) {
    assert_eq!(error.input, text, "the error is about another text");
    let span = error.span.clone();
    assert!(text.get(span.clone()).is_some(), "{span:?} is no part of the text");
    let shown = error.to_string();
    let [.., line, carets] = shown.lines().collect::<Vec<_>>()[..] else { panic!("{shown:?} has no carets") };
    assert!(carets.contains('^'), "{shown:?} has no carets");
    assert!(
        carets.trim_end().chars().count() <= line.chars().count() + 1,
        "the carets reach beyond the line: {shown:?}"
    );
}
