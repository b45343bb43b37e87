//! What SQL statements call that SQLite itself lacks: regular expressions with look-around, filter clauses on
//! documents, and sort keys out of documents.

use flywheel_core::filter::Filter;
use rusqlite::{
    Connection, Error,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};
use serde_json::Value;

use super::Doc;
use crate::{
    matching::{self, Pattern, Test},
    words,
};

/// How the text of an error begins whose rest is meant for the caller.
pub(crate) const REFUSED: &str = "refused: ";

/// Adds the functions to a connection.
///
/// * `text_matches(text, pattern)`: whether the pattern is found anywhere; false for null.
/// * `part_matches(part, clause)`: whether a filter clause, as [`flywheel_core::filter`] writes it, holds for a document
///   of which `part` is the value of the first key of the clause's path. SQLite takes that part out of the document, so
///   the rest of it need not be read here.
/// * `words_of(kind, doc)`: the words of a document for the index over them.
/// * `part_sort_key(part, path, descending)`: a blob that sorts as the value at the path does, from the same part.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("text_matches", 2, flags, text_matches)?;
    connection.create_scalar_function("part_matches", 2, flags, part_matches)?;
    connection.create_scalar_function("words_of", 2, flags, words_of)?;
    connection.create_scalar_function("part_sort_key", 3, flags, part_sort_key)
}

fn text_matches(context: &Context<'_>) -> rusqlite::Result<bool> {
    let compile = |value: ValueRef<'_>| Pattern::new(value.as_str().unwrap_or_default()).map_err(refused);
    let pattern = context.get_or_create_aux(1, compile)?;
    match context.get_raw(0) {
        ValueRef::Text(_) => pattern.found_in(context.get_raw(0).as_str()?).map_err(failure),
        _ => Ok(false),
    }
}

fn part_matches(context: &Context<'_>) -> rusqlite::Result<bool> {
    let test =
        context.get_or_create_aux(1, |value| compile(value.as_str().unwrap_or_default()).map_err(refused))?;
    test.holds_for_part(part(context)?.as_ref()).map_err(failure)
}

fn part_sort_key(context: &Context<'_>) -> rusqlite::Result<Vec<u8>> {
    let path: String = context.get(1)?;
    Ok(matching::sort_key(part(context)?.as_ref(), &path, context.get(2)?))
}

fn words_of(context: &Context<'_>) -> rusqlite::Result<String> {
    let doc: Doc = serde_json::from_str(context.get_raw(1).as_str()?)
        .map_err(|error| Error::UserFunctionError(error.into()))?;
    Ok(words::of_document(context.get(0)?, &doc))
}

fn compile(text: &str) -> Result<Test, String> {
    let filter = Filter::as_sites_read(text).map_err(|error| format!("{error}"))?;
    let clause = filter.clauses.first().ok_or("an empty clause")?;
    Test::new(clause, &clause.field)
}

fn part(context: &Context<'_>) -> rusqlite::Result<Option<Value>> {
    match context.get_raw(0) {
        ValueRef::Text(text) => {
            serde_json::from_slice(text).map(Some).map_err(|error| Error::UserFunctionError(error.into()))
        }
        _ => Ok(None),
    }
}

fn refused(message: String) -> Box<dyn std::error::Error + Send + Sync> {
    format!("{REFUSED}{message}").into()
}

fn failure(message: String) -> Error {
    Error::UserFunctionError(refused(message))
}
