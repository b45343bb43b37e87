//! The filter grammar of list calls: `label=~^ses-,created>=2024-01-01`, read with spans and written with the quoting
//! that keeps its meaning.
//!
//! ```text
//! filter := clause ("," clause)*       a comma means "and"; a literal comma is written \,
//! clause := field op value
//! field  := name ("." name)*
//! op     := "=" | "!=" | "<" | "<=" | ">" | ">=" | "=~"
//! value  := '"' text '"' | bare text
//! ```
//!
//! A bare value that looks like an id, a date, a number, `null`, `true` or `false` is converted to one; quotes force text.
//! The value of `=~` is a regular expression, searched for anywhere in the text, never converted and never quoted.
//!
//! ```
//! use flywheel_core::filter::{Filter, Value, field};
//!
//! let built = field("label").eq("Doe, John") & field("tags").matches("^qc-") & field("info.age").gte(40);
//! assert_eq!(built.to_string(), r#"label="Doe\, John",tags=~^qc-,info.age>=40"#);
//!
//! let read: Filter = "code=007".parse()?;
//! assert_eq!(read.clauses[0].value, Value::Number(7.0));
//! # Ok::<(), flywheel_core::syntax::ParseError>(())
//! ```

use std::{
    fmt::{self, Write as _},
    ops::{BitAnd, BitAndAssign, Range},
    str::FromStr,
};

use chrono::{DateTime, SecondsFormat, Utc};

use crate::{
    id::ObjectId,
    operand::{comparisons, operands},
    syntax::try_from_text,
    time,
};

pub use crate::syntax::ParseError;

/// Clauses that must all hold; without clauses everything matches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// The clauses, in the order they were written.
    pub clauses: Vec<Clause>,
}

/// One comparison. Equality ignores the span.
#[derive(Clone, Debug)]
pub struct Clause {
    /// Dotted path of the field, such as `info.qc.snr` or `parents.project`.
    pub field: String,
    /// The comparison.
    pub op: Op,
    /// What the field is compared with.
    pub value: Value,
    /// Where the clause stood in the text it was read from; empty for a built clause.
    pub span: Range<usize>,
}

impl PartialEq for Clause {
    fn eq(&self, other: &Self) -> bool {
        (&self.field, self.op, &self.value) == (&other.field, other.op, &other.value)
    }
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `=`; on a list, any element.
    Eq,
    /// `!=`; on a list, no element. Also holds where the field is missing.
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Lte,
    /// `>`
    Gt,
    /// `>=`
    Gte,
    /// `=~`, a regular expression searched for anywhere, case-sensitive.
    Regex,
}

impl Op {
    /// Every operator, longer texts first, so that the first that fits is the right one.
    pub const ALL: [Self; 7] = [Self::Regex, Self::Ne, Self::Lte, Self::Gte, Self::Eq, Self::Lt, Self::Gt];

    /// The operator as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Lte => "<=",
            Self::Gt => ">",
            Self::Gte => ">=",
            Self::Regex => "=~",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text, compared exactly.
    Text(String),
    /// An object id: 24 lower-case hexadecimal digits.
    ObjectId(String),
    /// An instant.
    Time(DateTime<Utc>),
    /// Missing or null.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number; integers are compared with it too.
    Number(f64),
    /// A regular expression, only with [`Op::Regex`].
    Pattern(String),
}

impl Value {
    /// The value that an unquoted text stands for.
    pub fn of_bare(text: &str) -> Self {
        if ObjectId::is_id(text) {
            return Self::ObjectId(text.to_owned());
        }
        if let Some(time) = time::parse_in_filter(text) {
            return Self::Time(time);
        }
        match text {
            "null" => Self::Null,
            "true" => Self::Bool(true),
            "false" => Self::Bool(false),
            _ => number(text).map_or_else(|| Self::Text(text.to_owned()), Self::Number),
        }
    }
}

fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    let value: f64 = plain.then(|| text.parse().ok())??;
    value.is_finite().then_some(value)
}

operands! {
    Value:
    text => Self::Text, id => Self::ObjectId, truth => Self::Bool, time => Self::Time,
    number => |number| Some(number as f64).filter(|number| number.is_finite()).map_or(Self::Null, Self::Number)
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

// ---- reading

impl FromStr for Filter {
    type Err = ParseError;

    fn from_str(input: &str) -> Result<Self, ParseError> {
        let read = Self::as_sites_read(input)?;
        match read.clauses.iter().find(|clause| clause.field.starts_with(['"', '\''])) {
            None => Ok(read),
            Some(clause) => {
                let start = clause.span.start;
                Err(ParseError::new(
                    input,
                    start..start + clause.field.len(),
                    "a field is written without quotes",
                ))
            }
        }
    }
}

/// The message about a clause without operator.
pub const NO_OPERATOR: &str = "this clause has no operator: expected one of =, !=, <, <=, >, >=, =~";

impl Filter {
    /// Reads a filter as the platform does, which takes a quoted field for one that no document has. `parse` refuses it.
    ///
    /// # Errors
    /// When a clause lacks its field or its operator ([`NO_OPERATOR`]), or a quote is not closed.
    pub fn as_sites_read(input: &str) -> Result<Self, ParseError> {
        if input.trim().is_empty() {
            return Ok(Self::default());
        }
        clause_spans(input)
            .into_iter()
            .map(|span| clause(input, span))
            .collect::<Result<_, _>>()
            .map(|clauses| Self { clauses })
    }
}

try_from_text!(Filter, ParseError);

/// The spans between commas that no backslash stands before.
fn clause_spans(input: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, byte) in input.bytes().enumerate() {
        if byte == b',' && !escaped {
            spans.push(start..at);
            start = at + 1;
        }
        escaped = byte == b'\\';
    }
    spans.push(start..input.len());
    spans
}

fn clause(input: &str, span: Range<usize>) -> Result<Clause, ParseError> {
    let fail = |span: Range<usize>, message: &str| Err(ParseError::new(input, span, message));
    let whole = input.get(span.clone()).unwrap_or_default();
    let text = whole.trim();
    let start = span.start + (whole.len() - whole.trim_start().len());
    let span = start..start + text.len();
    if text.is_empty() {
        return fail(span, "a clause is missing here; a comma inside a value is written \\,");
    }
    let Some((at, op)) = first_operator(text) else {
        return fail(span, NO_OPERATOR);
    };
    let field = text.get(..at).unwrap_or_default().trim();
    let value_start = at + op.as_str().len();
    let raw = text.get(value_start..).unwrap_or_default();
    if field.is_empty() {
        return fail(start + at..start + value_start, "no field stands before this operator");
    }
    let value = if op == Op::Regex {
        Value::Pattern(unescape(raw))
    } else {
        let lead = raw.len() - raw.trim_start().len();
        compared_value(input, start + value_start + lead, raw.trim())?
    };
    Ok(Clause { field: unescape(field), op, value, span })
}

fn first_operator(clause: &str) -> Option<(usize, Op)> {
    clause.char_indices().find_map(|(at, _)| {
        let rest = clause.get(at..)?;
        Op::ALL.into_iter().find(|op| rest.starts_with(op.as_str())).map(|op| (at, op))
    })
}

fn compared_value(input: &str, start: usize, raw: &str) -> Result<Value, ParseError> {
    if let Some(rest) = raw.strip_prefix('"') {
        return match rest.strip_suffix('"') {
            Some(inner) => Ok(Value::Text(unescape(inner))),
            None => Err(ParseError::new(
                input,
                start..start + raw.len(),
                "this quote is not closed; a comma inside a value is written \\,",
            )),
        };
    }
    if raw.starts_with(['=', '<', '>']) {
        let message = "two operators in a row; a value that begins like this is written in double quotes";
        return Err(ParseError::new(input, start..start + 1, message));
    }
    Ok(Value::of_bare(&unescape(raw)))
}

fn unescape(text: &str) -> String {
    text.replace("\\,", ",")
}

// ---- writing

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, clause) in self.clauses.iter().enumerate() {
            if at > 0 {
                f.write_char(',')?;
            }
            write!(f, "{clause}")?;
            if loses_its_end(&clause.value, at + 1 == self.clauses.len()) {
                f.write_str("(?:)")?;
            }
        }
        Ok(())
    }
}

/// A pattern cannot be quoted, so one that ends in a backslash would escape the comma that follows it, and one that ends
/// in a space would lose it with the clause's own edge; an empty group, which matches what nothing matches, stands behind
/// such an end.
fn loses_its_end(value: &Value, is_last: bool) -> bool {
    let Value::Pattern(pattern) = value else { return false };
    pattern.ends_with(char::is_whitespace) || (pattern.ends_with('\\') && !is_last)
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the space, `a! = 1` would be read as `a != 1`.
        let apart = if self.field.ends_with('!') { " " } else { "" };
        write!(f, "{}{apart}{}{}", escape(&self.field), self.op, self.value)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) if is_plain_word(text) => f.write_str(text),
            Self::Text(text) => write!(f, "\"{}\"", escape(text)),
            Self::ObjectId(id) => f.write_str(id),
            Self::Time(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Self::Bool(value) => write!(f, "{value}"),
            // Written out, a number of 24 digits would be read as an id.
            Self::Number(value) if value.is_finite() && value.abs() >= 1e16 => write!(f, "{value:e}"),
            Self::Number(value) if value.is_finite() => write!(f, "{value}"),
            Self::Null | Self::Number(_) => f.write_str("null"),
            Self::Pattern(pattern) => f.write_str(&escape(pattern)),
        }
    }
}

/// Whether a text needs no quotes under any reading of the grammar, this crate's or a more eager one that also takes
/// `nan`, `inf` or `1_000` for numbers.
fn is_plain_word(text: &str) -> bool {
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-/@".contains(&b));
    let special = ["null", "none", "true", "false", "nan", "inf", "infinity"];
    word && !special.contains(&text.to_ascii_lowercase().as_str()) && !ObjectId::is_id(text)
}

fn escape(text: &str) -> String {
    text.replace(',', "\\,")
}

// ---- building

/// A field to compare, made by [`field`].
#[derive(Clone, Debug)]
#[must_use = "a field alone filters nothing; compare it"]
pub struct Field(String);

/// Begins a clause about the field with this dotted path.
///
/// In fields that hold ids (`_id`, `file_id`, `parents.project`, `project`, `origin.id`, …) a text of 24 hexadecimal digits
/// is written as an id; everywhere else it is text.
///
/// ```
/// use flywheel_core::filter::field;
///
/// let id = "5eb0bf2e0a1b2c3d4e5f6071";
/// assert_eq!(field("parents.project").eq(id).to_string(), format!("parents.project={id}"));
/// assert_eq!(field("label").eq(id).to_string(), format!("label=\"{id}\""));
/// ```
pub fn field(path: impl Into<String>) -> Field {
    Field(path.into())
}

impl Field {
    comparisons!(Value => Filter, "`None` asks for missing or null.");

    /// The regular expression is found somewhere in the text; anchor it with `^` and `$` for the whole.
    pub fn matches(self, pattern: impl Into<String>) -> Filter {
        self.compare(Op::Regex, Value::Pattern(pattern.into()))
    }

    /// The text is one of these, exactly. The grammar has no "or", so this is written as a regular expression and works on
    /// text fields only; without values nothing matches.
    pub fn one_of<T: AsRef<str>>(self, values: impl IntoIterator<Item = T>) -> Filter {
        let choices: Vec<String> = values.into_iter().map(|value| escape_pattern(value.as_ref())).collect();
        if choices.is_empty() {
            self.matches("(?!)")
        } else {
            self.matches(format!("^(?:{})$", choices.join("|")))
        }
    }

    fn compare(self, op: Op, value: Value) -> Filter {
        let value = match value {
            Value::Text(text) if ObjectId::is_id(&text) && self.holds_ids() => Value::ObjectId(text),
            other => other,
        };
        Filter { clauses: vec![Clause { field: self.0, op, value, span: 0..0 }] }
    }

    fn holds_ids(&self) -> bool {
        let last = self.0.rsplit('.').next().unwrap_or_default();
        let bare = ["project", "subject", "session", "acquisition", "analysis", "parent", "collections"];
        !self.0.starts_with("info.")
            && !self.0.contains(".info.")
            && (last == "id"
                || last.ends_with("_id")
                || self.0.starts_with("parents.")
                || bare.contains(&last))
    }
}

/// The regular expression that matches exactly this text.
///
/// ```
/// assert_eq!(flywheel_core::filter::escape_pattern("T2* (1.5)"), r"T2\* \(1\.5\)");
/// ```
pub fn escape_pattern(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

impl BitAnd for Filter {
    type Output = Self;

    fn bitand(mut self, other: Self) -> Self {
        self &= other;
        self
    }
}

impl BitAndAssign for Filter {
    fn bitand_assign(&mut self, other: Self) {
        self.clauses.extend(other.clauses);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Filter {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn value(text: &str) -> Value {
        read(&format!("f={text}")).clauses.remove(0).value
    }

    fn rejected(text: &str) -> String {
        text.parse::<Filter>().unwrap_err().to_string()
    }

    #[test]
    fn every_operator_is_read_at_its_first_position() {
        let ops: Vec<Op> = read("a=1,a!=1,a<1,a<=1,a>1,a>=1,a=~1").clauses.iter().map(|c| c.op).collect();
        assert_eq!(ops, [Op::Eq, Op::Ne, Op::Lt, Op::Lte, Op::Gt, Op::Gte, Op::Regex]);
        assert_eq!(read("label=a<=b"), field("label").eq("a<=b"));
        assert_eq!(read("label<a=~b"), field("label").lt("a=~b"));
        assert_eq!(read("odd!name=x"), field("odd!name").eq("x"));
    }

    #[test]
    fn values_are_converted_in_the_platforms_order() {
        let day = time::parse_utc("2019-08-07").unwrap();
        assert_eq!(value("\"001\""), Value::Text("001".into()));
        assert_eq!(value("\"\""), Value::Text(String::new()));
        assert_eq!(value(""), Value::Text(String::new()));
        assert_eq!(value("5eb0bf2e0a1b2c3d4e5f6071"), Value::ObjectId("5eb0bf2e0a1b2c3d4e5f6071".into()));
        assert_eq!(value("111111111111111111111111"), Value::ObjectId("111111111111111111111111".into()));
        assert_eq!(value("2019-08-07"), Value::Time(day));
        assert_eq!(value("2019-08-07T02:00+02:00"), Value::Time(day));
        assert_eq!(value("null"), Value::Null);
        assert_eq!(value("true"), Value::Bool(true));
        assert_eq!(value("True"), Value::Text("True".into()));
        assert_eq!(value("001"), Value::Number(1.0));
        assert_eq!(value("-1.5e3"), Value::Number(-1500.0));
        assert_eq!(value("nan"), Value::Text("nan".into()));
        assert_eq!(value("1e999"), Value::Text("1e999".into()));
        assert_eq!(value("01-02"), Value::Text("01-02".into()));
    }

    #[test]
    fn patterns_are_neither_converted_nor_unquoted() {
        let pattern = |text: &str| read(text).clauses.remove(0).value;
        assert_eq!(pattern("f=~001"), Value::Pattern("001".into()));
        assert_eq!(pattern("f=~\"a\""), Value::Pattern("\"a\"".into()));
        assert_eq!(pattern(r"f=~^((?!SBRef).)*$"), Value::Pattern(r"^((?!SBRef).)*$".into()));
        assert_eq!(pattern(r"f=~a{1\,3}"), Value::Pattern("a{1,3}".into()));
    }

    #[test]
    fn escaped_comma_stays_in_its_clause() {
        assert_eq!(read(r#"label="Doe\, John",age>1"#), field("label").eq("Doe, John") & field("age").gt(1));
        assert_eq!(read(r"label=a\,b"), field("label").eq("a,b"));
        assert_eq!(read(r"label=a\b"), field("label").eq(r"a\b"));
    }

    #[test]
    fn space_around_parts_is_not_part_of_them() {
        assert_eq!(read(" label = a b , age > 1 "), field("label").eq("a b") & field("age").gt(1));
        assert_eq!(read("  "), Filter::default());
    }

    #[test]
    fn clause_knows_where_it_stood() {
        let spans: Vec<_> = read("a=1, b=2").clauses.into_iter().map(|c| c.span).collect();
        assert_eq!(spans, [0..3, 5..8]);
    }

    #[test]
    fn mistakes_are_pointed_at() {
        assert_eq!(
            rejected("label=Doe, John"),
            "this clause has no operator: expected one of =, !=, <, <=, >, >=, =~\n  label=Doe, John\n             ^^^^"
        );
        assert_eq!(
            rejected(r#"name=é,label="Doe, x=John""#),
            "this quote is not closed; a comma inside a value is written \\,\n  name=é,label=\"Doe, x=John\"\n               ^^^^"
        );
        assert_eq!(
            rejected("a==b"),
            "two operators in a row; a value that begins like this is written in double quotes\n  a==b\n    ^"
        );
        assert!(rejected("a=1,,b=2").starts_with("a clause is missing here"));
        assert!(rejected("a=1,").starts_with("a clause is missing here"));
        assert!(rejected("=x").starts_with("no field stands before this operator\n  =x\n  ^"));
        assert!(
            rejected("\"info.a\"=x")
                .starts_with("a field is written without quotes\n  \"info.a\"=x\n  ^^^^^^^^\n".trim_end())
        );
        assert!(rejected("label").contains("no operator"));
    }

    #[test]
    fn sites_take_a_quoted_field_for_one_that_nothing_has() {
        let read = Filter::as_sites_read(r#""info.a"=x,label=b"#).unwrap();
        assert_eq!(read, field("\"info.a\"").eq("x") & field("label").eq("b"));
        assert_eq!(Filter::as_sites_read("label").unwrap_err().message, NO_OPERATOR);
    }

    #[test]
    fn text_that_would_be_converted_is_quoted() {
        for text in [
            "001",
            "2019-08-07",
            "null",
            "true",
            "NaN",
            "inf",
            "1_000",
            "5eb0bf2e0a1b2c3d4e5f6071",
            "",
            " a",
            "a b",
            "\"q\"",
            "=x",
            "é",
            "-",
        ] {
            let written = field("label").eq(text).to_string();
            assert_eq!(written, format!("label=\"{text}\""));
            assert_eq!(read(&written), field("label").eq(text));
        }
        assert_eq!(field("label").eq("ses-01").to_string(), "label=ses-01");
        assert_eq!(field("user").eq("jo@example.org").to_string(), "user=jo@example.org");
    }

    #[test]
    fn ids_stay_ids_where_ids_are_held() {
        let id = "5eb0bf2e0a1b2c3d4e5f6071";
        for path in ["_id", "file_id", "parents.session", "project", "gear_id", "origin.id", "parent_ref.id"]
        {
            assert_eq!(field(path).eq(id).to_string(), format!("{path}={id}"), "{path}");
        }
        for path in ["label", "info.patient_id", "files.info.id", "name"] {
            assert_eq!(field(path).eq(id).to_string(), format!("{path}=\"{id}\""), "{path}");
        }
        assert_eq!(field("parents.group").eq("007").to_string(), "parents.group=\"007\"");
        assert_eq!(field("x").eq(id.parse::<ObjectId>().unwrap()).to_string(), format!("x={id}"));
    }

    #[test]
    fn other_values_are_written_bare() {
        let time = time::parse_utc("2024-01-02T03:04:05.5Z").unwrap();
        assert_eq!(field("created").gte(time).to_string(), "created>=2024-01-02T03:04:05.500Z");
        assert_eq!(field("created").lt(time.date_naive()).to_string(), "created<2024-01-02T00:00:00Z");
        assert_eq!(field("age").ne(None::<i32>).to_string(), "age!=null");
        assert_eq!(field("ok").eq(true).to_string(), "ok=true");
        assert_eq!(field("x").eq(f64::NAN).to_string(), "x=null");
    }

    #[test]
    fn one_of_is_an_anchored_alternative() {
        assert_eq!(field("label").one_of(["T1w", "T2*"]).to_string(), r"label=~^(?:T1w|T2\*)$");
        assert_eq!(field("label").one_of(["a,b"]).to_string(), r"label=~^(?:a\,b)$");
        assert_eq!(field("label").one_of([""; 0]).to_string(), "label=~(?!)");
    }

    #[test]
    fn a_field_that_ends_in_an_exclamation_mark_keeps_it() {
        let filter = read("sure! = 2,b=1");
        assert_eq!(filter, field("sure!").eq(2) & field("b").eq(1));
        assert_eq!(filter.to_string(), "sure! =2,b=1");
        assert_eq!(read(&filter.to_string()), filter);
    }

    #[test]
    fn a_time_that_no_four_digits_name_in_utc_is_text() {
        let filter = read("created>9999-12-31T23:59-23:59,created<0000-01-01T00:00+23:59");
        assert!(filter.clauses.iter().all(|clause| matches!(clause.value, Value::Text(_))), "{filter:?}");
        assert_eq!(read(&filter.to_string()), filter);
    }

    #[test]
    fn a_number_of_24_digits_is_not_written_as_an_id() {
        let filter = field("f").eq(244_955_197_260_316_100_000_000.0);
        assert_eq!(filter.to_string(), "f=2.449551972603161e23");
        assert_eq!(read(&filter.to_string()), filter);
    }

    #[test]
    fn pattern_ending_in_a_space_keeps_it() {
        let filter = field("label").matches("^a\\b ") & field("a").eq(1);
        assert_eq!(filter.to_string(), "label=~^a\\b (?:),a=1");
        assert_eq!(read(&filter.to_string()).clauses[0].value, Value::Pattern("^a\\b (?:)".into()));
    }

    #[test]
    fn pattern_ending_in_a_backslash_does_not_swallow_the_next_clause() {
        let filter = field("path").matches(r"dir\\") & field("a").eq(1);
        assert_eq!(filter.to_string(), r"path=~dir\\(?:),a=1");
        assert_eq!(read(&filter.to_string()).clauses.len(), 2);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<String>().prop_map(Value::from),
            "[0-9a-f]{24}".prop_map(Value::from),
            r#"[-0-9eE+.,"\\ :TZ]{0,12}"#.prop_map(Value::from),
            prop_oneof![Just("null"), Just("true"), Just("2020-01-01"), Just("\\"), Just("\"")]
                .prop_map(Value::from),
            any::<[u8; 12]>().prop_map(|_| Value::from(ObjectId::generate())),
            (-62_135_596_800i64..253_402_300_799, 0u32..1_000_000_000)
                .prop_map(|(s, n)| Value::Time(DateTime::from_timestamp(s, n).unwrap())),
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
        ]
    }

    fn any_clause() -> impl Strategy<Value = Filter> {
        let path = "[a-z_][a-z0-9_-]{0,8}(\\.[a-zA-Z0-9_ ,!é-]{0,7}[a-z0-9!,]){0,3}";
        let op =
            prop_oneof![Just(Op::Eq), Just(Op::Ne), Just(Op::Lt), Just(Op::Lte), Just(Op::Gt), Just(Op::Gte)];
        prop_oneof![
            (path, op, any_value()).prop_map(|(path, op, value)| field(path).compare(op, value)),
            (path, r"[a-zA-Z0-9^$.*+?()\[\]{},|= é\\-]{0,20}")
                .prop_map(|(path, pattern)| field(path).matches(pattern)),
            (path, any::<Vec<String>>()).prop_map(|(path, values)| field(path).one_of(values)),
        ]
    }

    /// Without the empty groups behind the ends of patterns.
    fn plain(mut filter: Filter) -> Filter {
        for clause in &mut filter.clauses {
            if let Value::Pattern(pattern) = &mut clause.value {
                pattern.truncate(pattern.trim_end_matches("(?:)").len());
            }
        }
        filter
    }

    /// The value that is read of what an operand was written as.
    fn written(operand: impl Into<Value>) -> Value {
        read(&field("f").eq(operand).to_string()).clauses.remove(0).value
    }

    proptest! {
        #[test]
        fn an_operand_of_every_type_is_read_as_the_value_it_was(
            text: String, whole: i64, positive: u64, narrow: f32, wide: f64, truth: bool,
            days in 1i32..3_652_060, seconds in -62_135_510_400i64..253_402_214_400, offset in -86_399i32..86_400,
        ) {
            prop_assert_eq!(written(&text), Value::Text(text.clone()));
            prop_assert_eq!(written(text.clone()), Value::Text(text.clone()));
            prop_assert_eq!(written(Some(text.as_str())), Value::Text(text));
            prop_assert_eq!(written(whole), Value::Number(whole as f64));
            prop_assert_eq!(written(positive), Value::Number(positive as f64));
            let number = |value: f64| if value.is_finite() { Value::Number(value) } else { Value::Null };
            prop_assert_eq!(written(narrow), number(f64::from(narrow)));
            prop_assert_eq!(written(wide), number(wide));
            prop_assert_eq!(written(truth), Value::Bool(truth));
            prop_assert_eq!(written(None::<bool>), Value::Null);
            let day = chrono::NaiveDate::from_num_days_from_ce_opt(days).unwrap();
            prop_assert_eq!(written(day), Value::Time(day.and_time(chrono::NaiveTime::MIN).and_utc()));
            let time = DateTime::from_timestamp(seconds, 0).unwrap();
            let zoned = time.with_timezone(&chrono::FixedOffset::east_opt(offset).unwrap());
            prop_assert_eq!(written(zoned), Value::Time(time));
            let id = ObjectId::generate();
            prop_assert_eq!(written(id), Value::ObjectId(id.to_string()));
        }

        #[test]
        fn built_filter_parses_back(parts in proptest::collection::vec(any_clause(), 0..4)) {
            let filter = parts.into_iter().fold(Filter::default(), |all, part| all & part);
            let text = filter.to_string();
            let back = text.parse::<Filter>();
            prop_assert_eq!(back.map(plain), Ok(plain(filter)), "{}", text);
        }

        #[test]
        fn read_filter_is_written_with_the_same_meaning(text in r#"[a-c! ]{1,2}(=|!=|<|>=|=~)["\\,=~<a1. -]{0,12}"#) {
            if let Ok(filter) = text.parse::<Filter>() {
                prop_assert_eq!(filter.to_string().parse::<Filter>().map(plain), Ok(plain(filter)));
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in any::<String>(), like in r#"[a,="\\<>!~é\n ]{0,30}"#) {
            for text in [text, like] {
                if let Err(error) = text.parse::<Filter>() {
                    prop_assert!(error.span.end <= text.len());
                    let _ = error.to_string();
                }
            }
        }
    }
}
