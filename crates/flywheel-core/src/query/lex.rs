//! Cutting a query into tokens.

use std::ops::Range;

use crate::syntax::ParseError;

/// A piece of a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Where it stood, in bytes.
    pub(super) span: Range<usize>,
}

/// What a piece is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A word that is no keyword; operators are words too.
    Word(String),
    /// What stood between quotation marks.
    Quoted(String),
    /// A keyword.
    Keyword(Keyword),
    /// One of `[ ] ( ) ,`
    Mark(char),
}

/// The words with a meaning of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Or,
    Not,
    In,
    Like,
    Contains,
    Exists,
}

impl Keyword {
    /// The keyword that a word is, if it is one.
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "AND" | "and" => Self::And,
            "OR" | "or" => Self::Or,
            "NOT" | "not" => Self::Not,
            "IN" | "in" => Self::In,
            "LIKE" | "like" => Self::Like,
            "CONTAINS" | "contains" => Self::Contains,
            "EXISTS" | "exists" => Self::Exists,
            _ => return None,
        })
    }
}

/// Whether a character can stand in a word.
pub(super) fn in_word(c: char) -> bool {
    !c.is_whitespace() && !"'\"[](),".contains(c)
}

/// The tokens of a text, and what could not be one.
pub(super) fn tokens(input: &str) -> (Vec<Token>, Vec<ParseError>) {
    let (mut tokens, mut errors) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(c) = input.get(at..).and_then(|rest| rest.chars().next()) {
        let start = at;
        at += c.len_utf8();
        let kind = match c {
            c if c.is_whitespace() => continue,
            '[' | ']' | '(' | ')' | ',' => Kind::Mark(c),
            '\'' => {
                let message = "Syntax error at ': write text in double quotes";
                errors.push(ParseError::new(input, start..at, message));
                continue;
            }
            '"' => {
                let (text, end, closed) = quoted(input, at);
                at = end;
                if !closed {
                    errors.push(ParseError::new(input, start..end, "Expected '\"'"));
                }
                Kind::Quoted(text)
            }
            _ => {
                let rest = input.get(start..).unwrap_or_default();
                at = start + rest.find(|c| !in_word(c)).unwrap_or(rest.len());
                let word = input.get(start..at).unwrap_or_default();
                Keyword::of(word).map_or_else(|| Kind::Word(word.to_owned()), Kind::Keyword)
            }
        };
        tokens.push(Token { kind, span: start..at });
    }
    (tokens, errors)
}

/// The text that begins behind a quotation mark, where it ends, and whether another mark closes it.
fn quoted(input: &str, start: usize) -> (String, usize, bool) {
    let mut text = String::new();
    let mut rest = input.get(start..).unwrap_or_default().char_indices();
    while let Some((at, c)) = rest.next() {
        match c {
            '"' => return (text, start + at + 1, true),
            '\\' => match rest.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                Some((_, other)) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
            other => text.push(other),
        }
    }
    (text, input.len(), false)
}
