//! What is being typed at the end of a query that is not finished.

use super::lex::{self, Keyword, Kind, Token};

/// What would complete a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completion {
    /// The name of a field.
    Field {
        /// Where the name begins, in characters.
        from: usize,
        /// What is written of it.
        begun: String,
    },
    /// A value of a field.
    Value {
        /// Where the value begins, its quotation mark included, in characters.
        from: usize,
        /// The field.
        field: String,
        /// What is written of the value.
        begun: String,
    },
    /// Nothing that could be guessed.
    Nothing,
}

/// Looks at the last token of a query: a word where a term begins is a field, a word behind an operator, `[` or `,` is a
/// value; after white space, after an operator and after a finished term nothing is completed.
///
/// ```
/// use flywheel_core::query::{Completion, complete};
///
/// let begun = "T".to_owned();
/// assert_eq!(
///     complete("file.type = nifti AND file.classification.Measurement = T"),
///     Completion::Value { from: 56, field: "file.classification.Measurement".into(), begun }
/// );
/// ```
pub fn complete(input: &str) -> Completion {
    let (tokens, _) = lex::tokens(input);
    let Some((last, before)) = tokens.split_last() else { return Completion::Nothing };
    let open = matches!(last.kind, Kind::Quoted(_)) && !closed(input, last);
    if last.span.end < input.len() || (input.ends_with(char::is_whitespace) && !open) {
        return Completion::Nothing;
    }
    let from = input.get(..last.span.start).unwrap_or_default().chars().count();
    match &last.kind {
        Kind::Word(begun) if begins_term(before) => Completion::Field { from, begun: begun.clone() },
        Kind::Word(begun) => value(before, from, begun),
        Kind::Quoted(begun) if open => value(before, from, begun),
        Kind::Quoted(_) | Kind::Keyword(_) | Kind::Mark(_) => Completion::Nothing,
    }
}

fn closed(input: &str, token: &Token) -> bool {
    let (_, errors) = lex::tokens(input.get(token.span.clone()).unwrap_or_default());
    errors.is_empty()
}

fn begins_term(before: &[Token]) -> bool {
    match before.last().map(|token| &token.kind) {
        None | Some(Kind::Mark('(')) => true,
        Some(Kind::Keyword(keyword)) => matches!(keyword, Keyword::And | Keyword::Or | Keyword::Not),
        Some(_) => false,
    }
}

/// A value, when an operator and a field at the beginning of a term stand before it.
fn value(before: &[Token], from: usize, begun: &str) -> Completion {
    let field = field_of(before).map(str::to_owned);
    field.map_or(Completion::Nothing, |field| Completion::Value { from, field, begun: begun.to_owned() })
}

fn field_of(before: &[Token]) -> Option<&str> {
    let (last, rest) = before.split_last()?;
    let (operator, rest) = match &last.kind {
        Kind::Mark('[' | ',') => {
            let opened = before.iter().rposition(|token| token.kind == Kind::Mark('['))?;
            before.get(..opened)?.split_last()?
        }
        _ => (last, rest),
    };
    let compares = match &operator.kind {
        Kind::Word(word) => {
            ["=", "==", "!=", "<>", "<", "<=", ">", ">=", "=~", "!~"].contains(&word.as_str())
        }
        Kind::Keyword(keyword) => matches!(keyword, Keyword::In | Keyword::Like | Keyword::Contains),
        Kind::Quoted(_) | Kind::Mark(_) => false,
    };
    let (field, rest) = rest.split_last().filter(|_| compares)?;
    match &field.kind {
        Kind::Word(name) | Kind::Quoted(name) if begins_term(rest) => Some(name),
        _ => None,
    }
}
