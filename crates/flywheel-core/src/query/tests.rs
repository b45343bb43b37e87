//! Reading, writing, building and completing queries.
#![allow(clippy::unwrap_used)]

use chrono::DateTime;
use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Query {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// `line:pos offset message` of every error.
fn rejected(text: &str) -> String {
    let errors = parse(text).unwrap_err();
    let line = |error: &ParseError| {
        let Place { line, pos, offset } = place(error);
        format!("{line}:{pos} {offset} {}", error.message)
    };
    errors.iter().map(line).collect::<Vec<_>>().join("; ")
}

fn value_of(word: &str) -> Value {
    Phrase::of_word(word).value()
}

#[test]
fn and_binds_tighter_than_or_and_not_to_the_next_term() {
    let (a, b, c) = (field("a").eq("x"), field("b").eq("x"), field("c").eq("x"));
    assert_eq!(read("a = x OR b = x AND c = x"), a.clone() | (b.clone() & c.clone()));
    assert_eq!(read("(a = x or b = x) and c = x"), (a.clone() | b.clone()) & c.clone());
    assert_eq!(read("NOT a = x AND b = x"), !a.clone() & b.clone());
    assert_eq!(read("not not a = x"), a);
    assert_eq!(read("NOT (a = x AND (b = x))"), !(a & b));
}

#[test]
fn every_operator_is_read() {
    let text = "a = x AND a == x AND a != x AND a <> x AND a < x AND a <= x AND a > x AND a >= x AND a =~ x \
                AND a !~ x AND a IN [x, \"y z\"] AND a LIKE x% AND a CONTAINS x AND a EXISTS";
    let f = || field("a");
    let built = f().eq("x")
        & f().eq("x")
        & f().ne("x")
        & f().ne("x")
        & f().lt("x")
        & f().lte("x")
        & f().gt("x")
        & f().gte("x")
        & f().matches("x")
        & Query::Term(Term { field: "a".into(), test: Test::NotMatches("x".into()), span: 0..0 })
        & f().in_list(["x", "y z"])
        & f().like("x%")
        & f().contains("x")
        & f().exists();
    assert_eq!(read(text), built);
}

#[test]
fn unquoted_words_are_typed_and_quoted_ones_are_text() {
    assert_eq!(value_of("true"), Value::Bool(true));
    assert_eq!(value_of("True"), Value::Text("True".into()));
    assert_eq!(value_of("-12"), Value::Number(-12.0));
    assert_eq!(value_of("1.5"), Value::Number(1.5));
    assert_eq!(value_of("nan"), Value::Text("nan".into()));
    assert_eq!(value_of("2020-08-12"), Value::Time(time::parse_utc("2020-08-12").unwrap()));
    assert_eq!(
        value_of("2020-08-12T04:00:00.000Z"),
        Value::Time(time::parse_utc("2020-08-12T04:00:00Z").unwrap())
    );
    assert_eq!(read("a = \"12\""), field("a").eq("12"));
    assert_ne!(read("a = 12"), field("a").eq("12"));
    assert_eq!(read("a IN [12, true]"), field("a").in_list(["12", "true"]));
}

#[test]
fn the_documented_queries_are_read() {
    for text in [
        "file.classification.Measurement = T1 AND project.label = \"My Study\" AND session.age >= 631152000",
        "subject.label LIKE \"sub-0%\" AND NOT file.type IN [dicom, \"tabular data\"]",
        "(acquisition.modified >= 2020-08-12T04:00:00.000Z) or (file.info.PatientIdentityRemoved = YES)",
        "session.age >= 1 AND session.age <= 2 AND file.classification.Measurement IN [T2*, BOLD] AND \
         file.classification.Features != SBRef AND NOT acquisition.label CONTAINS .*SBRef.*",
    ] {
        let query = read(text);
        assert_eq!(read(&query.to_string()), query, "{query}");
    }
    assert_eq!(
        read("file.classification.Measurement IN [T2*, BOLD]"),
        field("file.classification.Measurement").in_list(["T2*", "BOLD"])
    );
}

#[test]
fn mistakes_are_named_as_the_platform_names_them_and_placed() {
    assert_eq!(rejected(""), "1:1 0 Unexpected end of input!");
    assert_eq!(rejected("a=b"), "1:4 3 Unexpected end of input!");
    assert_eq!(rejected("a is b"), "1:3 2 Unknown operator: 'is'");
    assert_eq!(rejected("a = \"b"), "1:5 4 Expected '\"'");
    assert_eq!(
        rejected("a = 'b'"),
        "1:5 4 Syntax error at ': write text in double quotes; 1:7 6 Syntax error at ': write text in double quotes"
    );
    assert_eq!(rejected("a = b\n  c = d"), "2:3 8 Syntax error at c");
    assert_eq!(rejected("a = and"), "1:5 4 Syntax error at and");
    assert_eq!(rejected("(a = b"), "1:7 6 Unexpected end of input!");
    assert_eq!(rejected("a IN b"), "1:6 5 Syntax error at b");
    assert_eq!(rejected("a IN [b, ]"), "1:10 9 Syntax error at ]");
    assert_eq!(rejected("é = \"é\" ] b"), "1:9 8 Syntax error at ]");
    assert_eq!(rejected("And = b Or c = d"), "1:9 8 Syntax error at Or");
}

#[test]
fn deep_nesting_is_refused_and_long_chains_are_not() {
    let deep = format!("{}a = 1{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(rejected(&deep).contains("nested deeper than 100"));
    let nots = format!("{}a EXISTS", "NOT ".repeat(100_001));
    assert_eq!(read(&nots), !field("a").exists());
    let chain = vec!["a = 1"; 50_000].join(" OR ");
    assert!(matches!(read(&chain), Query::Or(parts) if parts.len() == 50_000));
    let siblings = vec!["(a = 1)"; 300].join(" AND ");
    assert!(parse(&siblings).is_ok());
}

#[test]
fn text_that_would_be_read_otherwise_is_quoted() {
    for text in
        ["001", "true", "2020-01-01", "and", "IN", "", "a b", "a,b", "(x)", "it's", "a\\b", "\"", "\n", "1e5"]
    {
        let written = field("f").eq(text).to_string();
        assert!(written.starts_with("f = \""), "{written}");
        assert_eq!(read(&written), field("f").eq(text));
    }
    assert_eq!(field("f").eq("T2*").to_string(), "f = T2*");
    assert_eq!(field("f").in_list(["001", "a b"]).to_string(), "f IN [001, \"a b\"]");
    assert_eq!(field("file.info.Echo Time").gt(1.5).to_string(), "\"file.info.Echo Time\" > 1.5");
    assert_eq!(
        (field("a").eq(1) & (field("b").eq(2) | field("c").eq(3))).to_string(),
        "a = 1 AND (b = 2 OR c = 3)"
    );
    assert_eq!((!(field("a").eq(1) | field("b").eq(true))).to_string(), "NOT (a = 1 OR b = true)");
}

#[test]
fn a_term_knows_where_it_stood() {
    let Query::And(parts) = read("a = 1  AND b IN [x, y] ") else { panic!() };
    let spans: Vec<_> = parts
        .iter()
        .map(|part| if let Query::Term(term) = part { term.span.clone() } else { 0..0 })
        .collect();
    assert_eq!(spans, [0..5, 11..22]);
}

#[test]
fn an_empty_list_finds_nothing() {
    assert_eq!(field("a").in_list([""; 0]).to_string(), "a EXISTS AND NOT a EXISTS");
}

#[test]
fn the_last_word_is_completed_as_a_field_or_a_value() {
    let a_field = |from, begun: &str| Completion::Field { from, begun: begun.into() };
    let a_value =
        |from, field: &str, begun: &str| Completion::Value { from, field: field.into(), begun: begun.into() };
    assert_eq!(complete("fi"), a_field(0, "fi"));
    assert_eq!(complete("(fi"), a_field(1, "fi"));
    assert_eq!(complete("a = é AND NOT fi"), a_field(14, "fi"));
    assert_eq!(complete("file.type = di"), a_value(12, "file.type", "di"));
    assert_eq!(complete("file.type IN [di"), a_value(14, "file.type", "di"));
    assert_eq!(complete("file.type IN [dicom, \"a b\",ni"), a_value(27, "file.type", "ni"));
    assert_eq!(complete("project.label = \"My St"), a_value(16, "project.label", "My St"));
    assert_eq!(complete("project.label = \"My "), a_value(16, "project.label", "My "));
    for text in [
        "",
        " ",
        "fi ",
        "file.type =",
        "file.type = ",
        "file.type = dicom ",
        "a b",
        "a = b c",
        "a IN [",
        "a = \"b\"",
        "a AND b c",
        "AND",
        "= b",
    ] {
        assert_eq!(complete(text), Completion::Nothing, "{text:?}");
    }
}

fn any_phrase() -> impl Strategy<Value = Phrase> {
    prop_oneof![
        any::<String>().prop_map(Phrase::from),
        r#"[-0-9eE+.,"\\ :TZ]{0,12}"#.prop_map(Phrase::from),
        prop_oneof![Just("and"), Just("NOT"), Just("true"), Just("\\"), Just("\\n"), Just("'")]
            .prop_map(Phrase::from),
        (-62_135_596_800i64..253_402_300_799, 0u32..1_000_000_000)
            .prop_map(|(s, n)| DateTime::from_timestamp(s, n).unwrap().into()),
        any::<bool>().prop_map(Phrase::from),
        any::<f64>().prop_map(Phrase::from),
        any::<i64>().prop_map(Phrase::from),
    ]
}

fn compared(field: Field, op: Op, phrase: Phrase) -> Query {
    match op {
        Op::Eq => field.eq(phrase),
        Op::Ne => field.ne(phrase),
        Op::Lt => field.lt(phrase),
        Op::Lte => field.lte(phrase),
        Op::Gt => field.gt(phrase),
        Op::Gte => field.gte(phrase),
    }
}

fn any_query() -> impl Strategy<Value = Query> {
    let op =
        prop_oneof![Just(Op::Eq), Just(Op::Ne), Just(Op::Lt), Just(Op::Lte), Just(Op::Gt), Just(Op::Gte)];
    let path = prop_oneof![Just("file.type".to_owned()), any::<String>(), Just("or".to_owned())].boxed();
    let pattern = any::<String>;
    let term = prop_oneof![
        (path.clone(), op, any_phrase()).prop_map(|(path, op, phrase)| compared(field(path), op, phrase)),
        (path.clone(), pattern()).prop_map(|(path, pattern)| field(path).matches(pattern)),
        (path.clone(), pattern()).prop_map(|(field, pattern)| {
            Query::Term(Term { field, test: Test::NotMatches(pattern), span: 0..0 })
        }),
        (path.clone(), proptest::collection::vec(any::<String>(), 0..4))
            .prop_map(|(path, values)| field(path).in_list(values)),
        (path.clone(), pattern()).prop_map(|(path, pattern)| field(path).like(pattern)),
        (path.clone(), pattern()).prop_map(|(path, text)| field(path).contains(text)),
        path.prop_map(|path| field(path).exists()),
    ];
    term.prop_recursive(4, 24, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a & b),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a | b),
            inner.prop_map(|a| !a),
        ]
    })
}

proptest! {
    #[test]
    fn a_built_query_parses_back(query in any_query()) {
        let text = query.to_string();
        prop_assert_eq!(text.parse::<Query>(), Ok(query), "{}", text);
    }

    #[test]
    fn any_text_is_read_without_panic(text in any::<String>(), like in r#"([a-c]|and|OR|not|IN|[\[\](),"'\\=<~1é\n ]){0,30}"#) {
        for text in [text, like] {
            let _ = complete(&text);
            match parse(&text) {
                Ok(query) => prop_assert_eq!(query.to_string().parse::<Query>(), Ok(query)),
                Err(errors) => for error in errors {
                    prop_assert!(error.span.end <= text.len());
                    prop_assert!(place(&error).offset <= text.chars().count());
                },
            }
        }
    }
}
