//! What the statements of the search call in SQL.

use rusqlite::{
    Connection, Error,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};
use serde_json::Value;

use super::{
    check::{self, Check},
    pattern,
};
use crate::store::functions::REFUSED;

/// Adds the functions to a connection.
///
/// * `search_holds(part, spec)`: whether a test holds for a document of which `part` is the value of the first key of the
///   path in `spec`.
/// * `search_contains(value, wanted)`: whether the text contains another, or the number is written so; null does not.
/// * `search_text(doc, wanted)`: whether some text of the document does.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("search_holds", 2, flags, holds)?;
    connection.create_scalar_function("search_contains", 2, flags, contains)?;
    connection.create_scalar_function("search_text", 2, flags, text)
}

fn holds(context: &Context<'_>) -> rusqlite::Result<bool> {
    let compile = |value: ValueRef<'_>| Check::read(value.as_str().unwrap_or_default()).map_err(refused);
    let check = context.get_or_create_aux(1, compile)?;
    let part = match context.get_raw(0) {
        ValueRef::Text(text) => Some(parsed(text)?),
        _ => None,
    };
    check.holds(part.as_ref()).map_err(|message| Error::UserFunctionError(refused(message)))
}

fn contains(context: &Context<'_>) -> rusqlite::Result<bool> {
    let wanted = context.get_raw(1).as_str()?;
    Ok(match context.get_raw(0) {
        ValueRef::Text(text) => pattern::contains(&String::from_utf8_lossy(text), wanted),
        ValueRef::Integer(number) => number.to_string() == wanted,
        ValueRef::Real(number) => {
            let spelled = Value::from(number).to_string();
            spelled == wanted
        }
        ValueRef::Null | ValueRef::Blob(_) => false,
    })
}

fn text(context: &Context<'_>) -> rusqlite::Result<bool> {
    let (ValueRef::Text(doc), wanted) = (context.get_raw(0), context.get_raw(1).as_str()?) else {
        return Ok(false);
    };
    // Most documents have none of it, not even in their keys, and then need not be parsed. Only where JSON may write a
    // character in another way than it is, this says nothing.
    let plain = wanted.bytes().all(|b| (b' '..=b'~').contains(&b) && !b"\"\\/".contains(&b));
    if plain && !found_in(doc, wanted.as_bytes()) {
        return Ok(false);
    }
    Ok(check::text_contains(&parsed(doc)?, wanted))
}

/// Whether ASCII text in small letters is found in bytes, whatever the case there.
fn found_in(bytes: &[u8], wanted: &[u8]) -> bool {
    let Some((&first, rest)) = wanted.split_first() else { return true };
    let upper = first.to_ascii_uppercase();
    let mut begins = bytes.iter().enumerate().filter(|&(_, &b)| b == first || b == upper);
    begins.any(|(at, _)| {
        bytes.get(at + 1..at + wanted.len()).is_some_and(|tail| tail.eq_ignore_ascii_case(rest))
    })
}

fn parsed(text: &[u8]) -> rusqlite::Result<Value> {
    serde_json::from_slice(text).map_err(|error| Error::UserFunctionError(error.into()))
}

fn refused(message: String) -> Box<dyn std::error::Error + Send + Sync> {
    format!("{REFUSED}{message}").into()
}
