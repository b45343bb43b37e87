//! What the parsers of this crate report: a message, the place it is about, and the text around it.

use std::{fmt, ops::Range};

/// Text that does not follow its grammar.
///
/// `Display` shows the message, the line concerned, and carets under the offending part:
///
/// ```
/// let error = "label=a,created".parse::<flywheel_core::filter::Filter>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "this clause has no operator: expected one of =, !=, <, <=, >, >=, =~\n  label=a,created\n          ^^^^^^^"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong and what was expected.
    pub message: String,
    /// The byte range of [`input`](Self::input) that the message is about.
    pub span: Range<usize>,
    /// The whole text that was parsed.
    pub input: String,
}

impl ParseError {
    /// An error about `span` of `input`; a span that reaches beyond the input is cut to it.
    pub fn new(input: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let end = floor_boundary(input, span.end);
        let start = floor_boundary(input, span.start).min(end);
        Self { message: message.into(), span: start..end, input: input.to_owned() }
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, rest) = self.input.split_at_checked(self.span.start).unwrap_or((&self.input, ""));
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = rest.find('\n').map_or(self.input.len(), |at| before.len() + at);
        let line = self.input.get(line_start..line_end).unwrap_or_default();
        let lead = before.get(line_start..).unwrap_or_default().chars().count();
        let marked = self.input.get(self.span.start..self.span.end.min(line_end)).unwrap_or_default();
        let shown: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        writeln!(f, "{}", self.message)?;
        writeln!(f, "  {shown}")?;
        write!(f, "  {}{}", " ".repeat(lead), "^".repeat(marked.chars().count().max(1)))
    }
}

impl std::error::Error for ParseError {}

/// So that a function can take `impl TryInto<Filter, Error: Into<ParseError>>`: text, or what was parsed or built before.
impl From<std::convert::Infallible> for ParseError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

/// `TryFrom` for the kinds of text, by way of `FromStr`.
macro_rules! try_from_text {
    ($target:ty, $error:ty) => {
        $crate::syntax::try_from_text!($target, $error, &str, String, &String);
    };
    ($target:ty, $error:ty, $($text:ty),+) => {$(
        impl TryFrom<$text> for $target {
            type Error = $error;

            fn try_from(text: $text) -> Result<Self, $error> {
                text.parse()
            }
        }
    )+};
}

pub(crate) use try_from_text;
