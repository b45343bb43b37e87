//! Reading a query.

use std::{iter::Peekable, ops::Range, slice, str::FromStr};

use super::{
    Op, Phrase, Query, Term, Test,
    lex::{self, Keyword, Kind, Token},
};
use crate::syntax::ParseError;

/// How deep parentheses may be nested.
pub const MAX_DEPTH: usize = 100;

/// Reads a query, or says everything that is wrong with it.
///
/// # Errors
/// Characters that no query has, and the first place that does not follow the grammar.
pub fn parse(input: &str) -> Result<Query, Vec<ParseError>> {
    let (tokens, mut errors) = lex::tokens(input);
    if !errors.is_empty() {
        return Err(std::mem::take(&mut errors));
    }
    let mut parser = Parser { input, tokens: tokens.iter().peekable(), depth: 0 };
    parser.whole().map_err(|error| vec![error])
}

impl FromStr for Query {
    type Err = ParseError;

    fn from_str(input: &str) -> Result<Self, ParseError> {
        parse(input).map_err(|errors| {
            let first = errors.into_iter().next();
            first.unwrap_or_else(|| ParseError::new(input, 0..0, "Unexpected end of input!"))
        })
    }
}

/// Where an error stands, as the platform counts: in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub pos: usize,
    /// The character in the whole text, from 0.
    pub offset: usize,
}

/// Where an error begins.
///
/// ```
/// use flywheel_core::query::{Place, Query, place};
///
/// let error = "a = 1\nAND b ? 2".parse::<Query>().unwrap_err();
/// assert_eq!(place(&error), Place { line: 2, pos: 7, offset: 12 });
/// ```
pub fn place(error: &ParseError) -> Place {
    let before = error.input.get(..error.span.start).unwrap_or(&error.input);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Place {
        line: before.matches('\n').count() + 1,
        pos: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        offset: before.chars().count(),
    }
}

struct Parser<'a> {
    input: &'a str,
    tokens: Peekable<slice::Iter<'a, Token>>,
    depth: usize,
}

type Parsed<T> = Result<T, ParseError>;

impl<'a> Parser<'a> {
    fn whole(&mut self) -> Parsed<Query> {
        let query = self.alternatives()?;
        match self.tokens.next() {
            None => Ok(query),
            Some(token) => Err(self.unexpected(token)),
        }
    }

    fn alternatives(&mut self) -> Parsed<Query> {
        let mut query = self.conjunction()?;
        while self.take(Keyword::Or) {
            query = query | self.conjunction()?;
        }
        Ok(query)
    }

    fn conjunction(&mut self) -> Parsed<Query> {
        let mut query = self.unary()?;
        while self.take(Keyword::And) {
            query = query & self.unary()?;
        }
        Ok(query)
    }

    fn unary(&mut self) -> Parsed<Query> {
        let mut negated = false;
        while self.take(Keyword::Not) {
            negated = !negated;
        }
        let query = match self.tokens.peek() {
            Some(Token { kind: Kind::Mark('('), span }) => self.group(span.clone())?,
            _ => Query::Term(self.term()?),
        };
        Ok(if negated { !query } else { query })
    }

    fn group(&mut self, opened: Range<usize>) -> Parsed<Query> {
        self.tokens.next();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("Syntax error at (: parentheses are nested deeper than {MAX_DEPTH}");
            return Err(ParseError::new(self.input, opened, message));
        }
        let query = self.alternatives()?;
        self.mark(')')?;
        self.depth -= 1;
        Ok(query)
    }

    fn term(&mut self) -> Parsed<Term> {
        let token = self.next()?;
        let (Kind::Word(field) | Kind::Quoted(field)) = &token.kind else {
            return Err(self.unexpected(token));
        };
        let start = token.span.start;
        let token = self.next()?;
        let test = match &token.kind {
            Kind::Keyword(Keyword::Exists) => Test::Exists,
            Kind::Keyword(Keyword::In) => Test::In(self.list()?),
            Kind::Keyword(Keyword::Like) => Test::Like(self.text()?),
            Kind::Keyword(Keyword::Contains) => Test::Contains(self.text()?),
            Kind::Word(operator) => self.comparison(operator, token)?,
            Kind::Keyword(_) | Kind::Quoted(_) | Kind::Mark(_) => return Err(self.unexpected(token)),
        };
        let end = self.tokens.peek().map_or(self.input.len(), |next| next.span.start);
        let written = self.input.get(start..end).unwrap_or_default().trim_end().len();
        Ok(Term { field: field.clone(), test, span: start..start + written })
    }

    fn comparison(&mut self, operator: &str, token: &Token) -> Parsed<Test> {
        let op = match operator {
            "=" | "==" => Op::Eq,
            "!=" | "<>" => Op::Ne,
            "<" => Op::Lt,
            "<=" => Op::Lte,
            ">" => Op::Gt,
            ">=" => Op::Gte,
            "=~" => return Ok(Test::Matches(self.text()?)),
            "!~" => return Ok(Test::NotMatches(self.text()?)),
            _ => {
                let message = format!("Unknown operator: '{operator}'");
                return Err(ParseError::new(self.input, token.span.clone(), message));
            }
        };
        Ok(Test::Compare(op, self.phrase()?))
    }

    fn list(&mut self) -> Parsed<Vec<String>> {
        self.mark('[')?;
        let mut values = vec![self.text()?];
        loop {
            let token = self.next()?;
            match token.kind {
                Kind::Mark(',') => values.push(self.text()?),
                Kind::Mark(']') => return Ok(values),
                _ => return Err(self.unexpected(token)),
            }
        }
    }

    fn text(&mut self) -> Parsed<String> {
        self.phrase().map(|phrase| phrase.text)
    }

    fn phrase(&mut self) -> Parsed<Phrase> {
        let token = self.next()?;
        match &token.kind {
            Kind::Word(word) => Ok(Phrase::of_word(word)),
            Kind::Quoted(text) => Ok(Phrase::of_text(text)),
            Kind::Keyword(_) | Kind::Mark(_) => Err(self.unexpected(token)),
        }
    }

    fn take(&mut self, keyword: Keyword) -> bool {
        self.tokens.next_if(|token| token.kind == Kind::Keyword(keyword)).is_some()
    }

    fn mark(&mut self, mark: char) -> Parsed<()> {
        let token = self.next()?;
        if token.kind == Kind::Mark(mark) { Ok(()) } else { Err(self.unexpected(token)) }
    }

    fn next(&mut self) -> Parsed<&'a Token> {
        let end = self.input.len();
        let missing = || ParseError::new(self.input, end..end, "Unexpected end of input!");
        self.tokens.next().ok_or_else(missing)
    }

    fn unexpected(&self, token: &Token) -> ParseError {
        let text = self.input.get(token.span.clone()).unwrap_or_default();
        ParseError::new(self.input, token.span.clone(), format!("Syntax error at {text}"))
    }
}
