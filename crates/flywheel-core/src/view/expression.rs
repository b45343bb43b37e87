//! Arithmetic in one variable, `x`: numbers, `+ - * /` and parentheses. Nothing else can be written, so nothing else
//! can be run.

use std::{ops::Range, str::FromStr};

use crate::syntax::{ParseError, try_from_text};

/// Arithmetic in `x`.
///
/// ```
/// use flywheel_core::view::{Expression, expression::Number};
///
/// let years: Expression = "x / 31557600".parse()?;
/// assert_eq!(years.of(Number::Int(63_115_200)), Some(Number::Float(2.0)));
/// let error = "x ** 2".parse::<Expression>().unwrap_err();
/// assert_eq!(error.to_string(), "expected a number, x or a parenthesis\n  x ** 2\n     ^");
/// # Ok::<(), flywheel_core::syntax::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Expression(Node);

/// A number. Sums, differences and products of whole numbers are whole; quotients never are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number.
    Int(i64),
    /// Any other.
    Float(f64),
}

impl Number {
    /// The number as a float.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    X,
    Number(Number),
    Negated(Box<Node>),
    Pair(Operator, Box<Node>, Box<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// How deep parentheses and signs may nest, and how many operations there may be: what people write has a handful, and
/// reading and evaluating go down as deep.
const DEPTH: usize = 64;
const OPERATIONS: usize = 256;

impl Expression {
    /// Its value for `x`; none where there is none, as for a division by zero.
    pub fn of(&self, x: Number) -> Option<Number> {
        self.0.of(x).filter(|value| value.as_f64().is_finite())
    }
}

impl Node {
    fn of(&self, x: Number) -> Option<Number> {
        match self {
            Self::X => Some(x),
            Self::Number(value) => Some(*value),
            Self::Negated(inner) => Operator::Subtract.apply(Number::Int(0), inner.of(x)?),
            Self::Pair(operator, left, right) => operator.apply(left.of(x)?, right.of(x)?),
        }
    }
}

impl Operator {
    fn apply(self, left: Number, right: Number) -> Option<Number> {
        if let (Number::Int(a), Number::Int(b)) = (left, right) {
            let whole = match self {
                Self::Add => a.checked_add(b),
                Self::Subtract => a.checked_sub(b),
                Self::Multiply => a.checked_mul(b),
                Self::Divide => None,
            };
            if let Some(whole) = whole {
                return Some(Number::Int(whole));
            }
        }
        let (a, b) = (left.as_f64(), right.as_f64());
        match self {
            Self::Add => Some(a + b),
            Self::Subtract => Some(a - b),
            Self::Multiply => Some(a * b),
            Self::Divide => (b != 0.0).then(|| a / b),
        }
        .map(Number::Float)
    }
}

impl FromStr for Expression {
    type Err = ParseError;

    fn from_str(input: &str) -> Result<Self, ParseError> {
        let mut reader = Reader { input, at: 0, depth: 0, operations: 0 };
        let node = reader.sum()?;
        match reader.peek() {
            None => Ok(Self(node)),
            Some(_) => Err(reader.unexpected("expected an operator (+ - * /) or the end")),
        }
    }
}

try_from_text!(Expression, ParseError);

struct Reader<'a> {
    input: &'a str,
    at: usize,
    depth: usize,
    operations: usize,
}

impl Reader<'_> {
    /// The next character that is no space; the reader stands before it.
    fn peek(&mut self) -> Option<char> {
        let rest = self.input.get(self.at..).unwrap_or_default();
        self.at += rest.len() - rest.trim_start().len();
        self.input.get(self.at..)?.chars().next()
    }

    fn take(&mut self, wanted: &[(char, Operator)]) -> Option<Operator> {
        let next = self.peek()?;
        let (taken, operator) = *wanted.iter().find(|(character, _)| *character == next)?;
        self.at += taken.len_utf8();
        Some(operator)
    }

    fn error(&self, span: Range<usize>, message: &str) -> ParseError {
        ParseError::new(self.input, span, message)
    }

    fn unexpected(&mut self, message: &str) -> ParseError {
        let length = self.peek().map_or(0, char::len_utf8);
        self.error(self.at..self.at + length, message)
    }

    fn pair(&mut self, operator: Operator, left: Node, right: Node) -> Result<Node, ParseError> {
        self.operations += 1;
        if self.operations > OPERATIONS {
            return Err(self.error(self.at..self.at, "this expression is too long"));
        }
        Ok(Node::Pair(operator, Box::new(left), Box::new(right)))
    }

    fn sum(&mut self) -> Result<Node, ParseError> {
        let mut node = self.product()?;
        while let Some(operator) = self.take(&[('+', Operator::Add), ('-', Operator::Subtract)]) {
            let right = self.product()?;
            node = self.pair(operator, node, right)?;
        }
        Ok(node)
    }

    fn product(&mut self) -> Result<Node, ParseError> {
        let mut node = self.factor()?;
        while let Some(operator) = self.take(&[('*', Operator::Multiply), ('/', Operator::Divide)]) {
            let right = self.factor()?;
            node = self.pair(operator, node, right)?;
        }
        Ok(node)
    }

    fn factor(&mut self) -> Result<Node, ParseError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.unexpected("this expression nests too deep"));
        }
        let node = match self.peek() {
            Some('x') => {
                self.at += 1;
                Ok(Node::X)
            }
            Some('-') => {
                self.at += 1;
                self.factor().map(|inner| Node::Negated(Box::new(inner)))
            }
            Some('+') => {
                self.at += 1;
                self.factor()
            }
            Some('(') => self.parenthesis(),
            Some(digit) if digit.is_ascii_digit() || digit == '.' => self.number(),
            _ => Err(self.unexpected("expected a number, x or a parenthesis")),
        }?;
        self.depth -= 1;
        Ok(node)
    }

    fn parenthesis(&mut self) -> Result<Node, ParseError> {
        let open = self.at;
        self.at += 1;
        let node = self.sum()?;
        match self.peek() {
            Some(')') => {
                self.at += 1;
                Ok(node)
            }
            None => Err(self.error(open..open + 1, "this parenthesis is not closed")),
            Some(_) => Err(self.unexpected("expected an operator (+ - * /) or a closing parenthesis")),
        }
    }

    fn number(&mut self) -> Result<Node, ParseError> {
        let rest = self.input.get(self.at..).unwrap_or_default().as_bytes();
        let digits = |from: usize| rest.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
        let mut length = digits(0);
        if rest.get(length) == Some(&b'.') {
            length += 1 + digits(length + 1);
        }
        if let Some(b'e' | b'E') = rest.get(length) {
            let sign = usize::from(matches!(rest.get(length + 1), Some(b'+' | b'-')));
            if digits(length + 1 + sign) > 0 {
                length += 1 + sign + digits(length + 1 + sign);
            }
        }
        let span = self.at..self.at + length;
        let text = self.input.get(span.clone()).unwrap_or_default();
        let whole = text.parse().ok().map(Number::Int);
        let number = whole.or_else(|| text.parse().ok().filter(|n: &f64| n.is_finite()).map(Number::Float));
        let number = number.ok_or_else(|| self.error(span.clone(), "this is not a number"))?;
        self.at = span.end;
        Ok(Node::Number(number))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str, x: i64) -> Option<Number> {
        text.parse::<Expression>().unwrap_or_else(|error| panic!("{error}")).of(Number::Int(x))
    }

    #[test]
    fn operators_bind_as_in_arithmetic() {
        for (text, value) in [
            ("1 + 2 * x", 7),
            ("(1 + 2) * x", 9),
            ("x - 1 - 1", 1),
            ("-x * -2", 6),
            ("+x", 3),
            ("--x", 3),
            (" ( ( x ) ) ", 3),
        ] {
            assert_eq!(of(text, 3), Some(Number::Int(value)), "{text}");
        }
        assert_eq!(of("x / 2", 3), Some(Number::Float(1.5)));
        assert_eq!(of("12 / x / 2", 3), Some(Number::Float(2.0)));
        assert_eq!(of("1.5e1 + .5", 0), Some(Number::Float(15.5)));
    }

    #[test]
    fn what_has_no_value_has_none() {
        assert_eq!(of("1 / x", 0), None);
        assert_eq!(of("1e308 * 1e308 * x", 1), None);
        assert_eq!(of("x * 9", i64::MAX), Some(Number::Float(i64::MAX as f64 * 9.0)));
    }

    #[test]
    fn anything_else_is_pointed_at() {
        for (text, span) in [
            ("", 0..0),
            ("x +", 3..3),
            ("x + y", 4..5),
            ("__import__('os')", 0..1),
            ("x.real", 1..2),
            ("(x", 0..1),
            ("x)", 1..2),
            ("2 x", 2..3),
            ("xx", 1..2),
            ("x ^ 2", 2..3),
            ("1e400", 0..5),
            (".", 0..1),
            ("x + ü", 4..6),
        ] {
            let error = text.parse::<Expression>().unwrap_err();
            assert_eq!(error.span, span, "{text:?}: {error}");
        }
    }

    #[test]
    fn depth_and_length_have_an_end() {
        assert!("(".repeat(100_000).parse::<Expression>().is_err());
        assert!("-".repeat(100_000).parse::<Expression>().is_err());
        assert!(format!("x{}", "+x".repeat(100_000)).parse::<Expression>().is_err());
        assert!(format!("x{}", "+x".repeat(200)).parse::<Expression>().is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>(), x in any::<i64>()) {
            match text.parse::<Expression>() {
                Ok(expression) => drop(expression.of(Number::Int(x))),
                Err(error) => drop(error.to_string()),
            }
        }

        #[test]
        fn text_of_its_own_alphabet_is_read_without_panic(text in "[x0-9.e+*/() -]{0,40}", x in any::<f64>()) {
            if let Ok(expression) = text.parse::<Expression>() {
                let value = expression.of(Number::Float(x));
                prop_assert!(value.is_none_or(|value| value.as_f64().is_finite()));
            }
        }

        #[test]
        fn a_line_is_what_floats_say(a in -1e6..1e6f64, b in -1e6..1e6f64, x in -1e6..1e6f64) {
            let text = format!("({a}) * x + ({b})");
            let value = text.parse::<Expression>().unwrap().of(Number::Float(x)).unwrap();
            prop_assert_eq!(value.as_f64(), a * x + b);
        }
    }
}
