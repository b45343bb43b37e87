//! JSON bodies: reading them within limits, and checking them against tables of fields.

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, Request},
};
use flywheel_core::{id::ObjectId, info, time};
use serde_json::{Map, Value};

use crate::{
    error::{ApiError, ApiResult, Detail, Step},
    store::Doc,
};

/// The most bytes of a JSON body, which is also what one document may hold.
pub(crate) const LIMIT: usize = 16 << 20;

/// A JSON body of any shape; an empty body is null.
pub(crate) struct JsonBody(pub(crate) Value);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> ApiResult<Self> {
        read(request.into_body()).await.map(Self)
    }
}

/// Reads a body that must be JSON; an empty one is null.
///
/// # Errors
/// 413 when it is too long, 400 when it is no JSON or nested too deeply.
pub(crate) async fn read(body: Body) -> ApiResult<Value> {
    let bytes = to_bytes(body, LIMIT).await.map_err(|error| {
        let message = format!("The body cannot be read, or is longer than {LIMIT} bytes: {error}");
        ApiError::new(http::StatusCode::PAYLOAD_TOO_LARGE, message)
    })?;
    if bytes.iter().all(u8::is_ascii_whitespace) { Ok(Value::Null) } else { parse(&bytes) }
}

/// The deepest nesting of what a caller sends, as in the platform's own database. Documents are put into others, so
/// what is stored must leave room up to the parser's limit.
const DEEPEST: usize = 100;

/// Reads JSON that a caller sent.
///
/// # Errors
/// 400 when it is none, or nested too deeply.
pub(crate) fn parse(bytes: &[u8]) -> ApiResult<Value> {
    let value = serde_json::from_slice(bytes)
        .map_err(|error| ApiError::bad_request(format!("The body is not JSON: {error}")))?;
    refuse_deep(&value)?;
    Ok(value)
}

/// 400 for JSON that is nested deeper than documents may be.
pub(crate) fn refuse_deep(value: &Value) -> ApiResult<()> {
    if depth(value) > DEEPEST {
        return Err(ApiError::bad_request(format!("JSON can be nested {DEEPEST} levels deep and no deeper")));
    }
    Ok(())
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// One field of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) shape: Shape,
}

/// What a field may hold. Null passes for every field that is not required.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Anything.
    Any,
    /// Text of at least and at most so many characters.
    Text(usize, usize),
    /// Text without a slash, at most 64 characters: a person's name.
    Name,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// An object id.
    Id,
    /// A whole number.
    Int,
    /// A number.
    Number,
    /// A truth value.
    Bool,
    /// A timestamp; it is stored in UTC as the platform writes it.
    Time,
    /// A day, YYYY-MM-DD.
    Day,
    /// The IANA name of a time zone.
    Zone,
    /// Free metadata: an object, whose keys are made storable.
    Info,
    /// An object of its own fields.
    Object(&'static [Field]),
    /// A list.
    List(&'static Shape),
    /// Either of two.
    Either(&'static Shape, &'static Shape),
}

/// A field that must be there.
pub(crate) const fn must(name: &'static str, shape: Shape) -> Field {
    Field { name, required: true, shape }
}

/// A field that may be there.
pub(crate) const fn may(name: &'static str, shape: Shape) -> Field {
    Field { name, required: false, shape }
}

/// Any text.
pub(crate) const TEXT: Shape = Shape::Text(0, usize::MAX);

/// A label.
pub(crate) const LABEL: Shape = Shape::Text(1, 256);

/// A tag.
pub(crate) const TAG: Shape = Shape::Text(1, 32);

/// Checks a body that must be an object of these fields, and brings its values into the form that is stored.
///
/// # Errors
/// 422 that lists everything wrong: fields that are missing, unknown, or hold what they may not.
pub(crate) fn check(body: Value, fields: &[Field]) -> ApiResult<Doc> {
    let mut problems = Problems::default();
    let checked = object(body, fields, &mut vec![Step::Key("body")], &mut problems);
    problems.into_result().map(|()| checked)
}

/// As [`check`] for a change of a document: nothing is required, and an empty body is a 400.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_change(body: Value, fields: &[Field]) -> ApiResult<Doc> {
    if body.is_null() || body.as_object().is_some_and(Map::is_empty) {
        return Err(ApiError::bad_request("The body is empty: name at least one field to change"));
    }
    check(body, fields)
}

/// Checks a body that is one value.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_value(body: Value, shape: &Shape) -> ApiResult<Value> {
    let mut problems = Problems::default();
    let checked = value(body, shape, &mut vec![Step::Key("body")], &mut problems);
    problems.into_result().map(|()| checked)
}

/// A body that is a list of texts of this shape.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_texts(body: Value, shape: &'static Shape) -> ApiResult<Vec<String>> {
    let mut problems = Problems::default();
    let checked = list(body, shape, &mut vec![Step::Key("body")], &mut problems);
    problems.into_result()?;
    Ok(checked.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
}

/// What is wrong with a body.
#[derive(Default)]
struct Problems(Vec<Detail>);

impl Problems {
    fn add(&mut self, place: &[Step<'_>], code: &'static str, message: impl Into<String>, input: &Value) {
        self.0.push(Detail::at(place, code, message, input));
    }

    fn into_result(self) -> ApiResult<()> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::invalid(self.0)) }
    }
}

fn object(body: Value, fields: &[Field], place: &mut Vec<Step<'_>>, problems: &mut Problems) -> Doc {
    let Value::Object(map) = body else {
        problems.add(place, "dict_type", "Input should be a valid dictionary", &body);
        return Doc::new();
    };
    for field in fields.iter().filter(|field| field.required) {
        if map.get(field.name).is_none_or(Value::is_null) {
            let place: Vec<Step<'_>> = place.iter().copied().chain([Step::Key(field.name)]).collect();
            problems.add(&place, "missing", "Field required", &Value::Object(map.clone()));
        }
    }
    let mut checked = Doc::new();
    for (key, inner) in map {
        match fields.iter().find(|field| field.name == key) {
            Some(_) if inner.is_null() => {
                checked.insert(key, inner);
            }
            Some(field) => {
                place.push(Step::Key(field.name));
                let inner = value(inner, &field.shape, place, problems);
                place.pop();
                checked.insert(key, inner);
            }
            None => {
                let place: Vec<Step<'_>> = place.iter().copied().chain([Step::Key(&key)]).collect();
                problems.add(&place, "extra_forbidden", "Extra inputs are not permitted", &inner);
            }
        }
    }
    checked
}

fn list(body: Value, shape: &Shape, place: &mut Vec<Step<'_>>, problems: &mut Problems) -> Vec<Value> {
    match body {
        Value::Array(items) => {
            let checked = items.into_iter().enumerate().map(|(number, item)| {
                place.push(Step::Item(number));
                let item = value(item, shape, place, problems);
                place.pop();
                item
            });
            checked.collect()
        }
        other => {
            problems.add(place, "list_type", "Input should be a valid list", &other);
            Vec::new()
        }
    }
}

/// Checks one value and answers it as it is to be stored.
fn value(input: Value, shape: &Shape, place: &mut Vec<Step<'_>>, problems: &mut Problems) -> Value {
    match shape {
        Shape::Object(fields) => return object(input, fields, place, problems).into(),
        Shape::List(shape) => return list(input, shape, place, problems).into(),
        Shape::Either(first, second) => {
            let mut attempt = Problems::default();
            let checked = value(input.clone(), first, place, &mut attempt);
            return if attempt.0.is_empty() { checked } else { value(input, second, place, problems) };
        }
        _ => {}
    }
    match scalar(&input, shape) {
        Ok(Some(stored)) => stored,
        Ok(None) => input,
        Err((code, message)) => {
            problems.add(place, code, message, &input);
            input
        }
    }
}

type Wrong = (&'static str, String);

/// What is stored instead of the input, when it is not the input itself.
fn scalar(input: &Value, shape: &Shape) -> Result<Option<Value>, Wrong> {
    let wrong = |code, message: &str| Err((code, message.to_owned()));
    let text = || input.as_str().ok_or_else(|| ("string_type", "Input should be a valid string".to_owned()));
    match shape {
        Shape::Text(least, most) => length(text()?, *least, *most).map(|()| None),
        Shape::Name => match text()? {
            name if name.contains('/') => wrong("value_error", "A name cannot contain a slash"),
            name => length(name, 0, 64).map(|()| None),
        },
        Shape::OneOf(choices) if choices.contains(&text()?) => Ok(None),
        Shape::OneOf(choices) => {
            Err(("literal_error", format!("Input should be one of: {}", choices.join(", "))))
        }
        Shape::Id if ObjectId::is_id(text()?) => Ok(None),
        Shape::Id => wrong("value_error", "Input should be an id of 24 hexadecimal digits"),
        Shape::Int => match input {
            Value::Number(number) if number.is_i64() || number.is_u64() => Ok(None),
            Value::Number(number) => match number.as_f64() {
                Some(n) if n.fract() == 0.0 && n.abs() < 9e15 => Ok(Some((n as i64).into())),
                _ => wrong("int_from_float", "Input should be a whole number"),
            },
            _ => wrong("int_type", "Input should be a valid integer"),
        },
        Shape::Number if input.is_number() => Ok(None),
        Shape::Number => wrong("float_type", "Input should be a valid number"),
        Shape::Bool if input.is_boolean() => Ok(None),
        Shape::Bool => wrong("bool_type", "Input should be a valid boolean"),
        Shape::Time => match time::parse_utc(text()?) {
            Ok(instant) => Ok(Some(time::format(time::to_stored_precision(instant)).into())),
            Err(error) => Err(("datetime_parsing", error.to_string())),
        },
        Shape::Day => match time::parse_utc(text()?) {
            Ok(instant) => Ok(Some(instant.format("%Y-%m-%d").to_string().into())),
            Err(_) => wrong("date_parsing", "Input should be a day, YYYY-MM-DD"),
        },
        Shape::Zone if text()?.parse::<chrono_tz::Tz>().is_ok() => Ok(None),
        Shape::Zone => wrong("value_error", "Input should be the name of a time zone, such as Europe/Berlin"),
        Shape::Info if input.is_object() => Ok(Some(info::sanitize(input.clone()))),
        Shape::Info => wrong("dict_type", "Input should be a valid dictionary"),
        Shape::Any | Shape::Object(_) | Shape::List(_) | Shape::Either(..) => Ok(None),
    }
}

fn length(text: &str, least: usize, most: usize) -> Result<(), Wrong> {
    let count = text.chars().count();
    if count < least {
        return Err(("string_too_short", format!("String should have at least {least} character(s)")));
    }
    if count > most {
        return Err(("string_too_long", format!("String should have at most {most} characters")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    const FIELDS: &[Field] = &[
        must("label", LABEL),
        may("timestamp", Shape::Time),
        may("age", Shape::Int),
        may("born", Shape::Day),
        may("zone", Shape::Zone),
        may("info", Shape::Info),
        may("inner", Shape::Object(&[must("id", Shape::Id)])),
        may("list", Shape::List(&Shape::Object(&[must("id", Shape::Id)]))),
        may("either", Shape::Either(&Shape::Id, &Shape::Object(&[may("label", TEXT)]))),
    ];

    fn problems(body: Value) -> String {
        check(body, FIELDS).unwrap_err().to_string()
    }

    #[test]
    fn values_take_the_form_that_is_stored() {
        let body = json!({"label": "x", "timestamp": "2020-01-01T10:00:00.1234+02:00", "age": 3.0, "born": "1990-02-03",
            "zone": "Europe/Berlin", "info": {"a.b": 1, "$c": {"d.e": 2}}, "either": {"label": "y"}});
        let stored = check(body, FIELDS).unwrap();
        assert_eq!(
            Value::Object(stored),
            json!({"label": "x", "timestamp": "2020-01-01T08:00:00.123000+00:00", "age": 3, "born": "1990-02-03",
                "zone": "Europe/Berlin", "info": {"a_b": 1, "-c": {"d_e": 2}}, "either": {"label": "y"}})
        );
    }

    #[test]
    fn a_missing_field_an_unknown_one_and_a_wrong_one_are_told_where_they_are() {
        assert!(problems(json!({})).contains("body.label: Field required"));
        assert!(problems(json!({"label": "x", "colour": 1})).contains("body.colour: Extra inputs"));
        assert!(problems(json!({"label": "x", "inner": {"id": "7"}})).contains("body.inner.id: "));
        assert!(
            problems(json!({"label": "x", "list": [{"id": "ffffffffffffffffffffffff"}, {}]}))
                .contains("body.list.1.id: ")
        );
        assert!(problems(json!([])).contains("dictionary"));
    }

    #[test]
    fn each_shape_refuses_what_it_is_not() {
        let wrong = [
            json!({"label": ""}),
            json!({"label": 1}),
            json!({"label": "x".repeat(257)}),
            json!({"label": "x", "timestamp": "yesterday"}),
            json!({"label": "x", "age": 1.5}),
            json!({"label": "x", "age": "1"}),
            json!({"label": "x", "born": "03/02/1990"}),
            json!({"label": "x", "zone": "Mars/Olympus"}),
            json!({"label": "x", "info": []}),
            json!({"label": "x", "either": 5}),
        ];
        for body in wrong {
            assert_eq!(
                check(body.clone(), FIELDS).err().map(|error| error.status().as_u16()),
                Some(422),
                "{body}"
            );
        }
    }

    #[test]
    fn an_empty_change_is_a_bad_request() {
        assert_eq!(check_change(json!({}), FIELDS).unwrap_err().status(), 400);
        assert_eq!(check_change(Value::Null, FIELDS).unwrap_err().status(), 400);
    }
}
