//! The classification of files: words that their modality allows, and what a change of modality leaves of them.

use flywheel_core::modality::{self, Classification, UnacceptedWords};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    error::{ApiError, ApiResult, Detail},
    modalities,
    store::{Doc, records},
};

/// A change of a classification: `{add, delete}`, or `{replace, modality}`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Delta {
    modality: Option<String>,
    add: Option<Classification>,
    delete: Option<Classification>,
    replace: Option<Classification>,
}

impl Delta {
    /// Reads a body.
    ///
    /// # Errors
    /// 422 when it has other keys or no lists of words; 400 when it says nothing, or `replace` beside `add` or `delete`, or a
    /// modality without `replace`.
    pub(super) fn read(body: &Value) -> ApiResult<Self> {
        let delta = Self::deserialize(body).map_err(|error| {
            ApiError::invalid(vec![Detail::new(&["body"], "value_error", error.to_string(), body)])
        })?;
        let changes = delta.add.is_some() || delta.delete.is_some();
        match &delta.replace {
            Some(_) if changes => Err(ApiError::bad_request("replace cannot stand beside add or delete")),
            None if delta.modality.is_some() => {
                Err(ApiError::bad_request("the modality is set together with replace"))
            }
            None if !changes => Err(ApiError::bad_request("expected add, delete or replace")),
            _ => Ok(delta),
        }
    }

    /// Makes the change in a file's document.
    ///
    /// # Errors
    /// 422 with `unaccepted_keys` for words that the file's modality does not know.
    pub(super) fn apply(&self, db: &Connection, doc: &mut Doc) -> ApiResult<()> {
        if let Some(words) = &self.replace {
            if let Some(modality) = &self.modality {
                modalities::check_name(modality, "modality")?;
                doc.insert("modality".into(), modality.as_str().into());
            }
            let words = accepted(db, doc.get("modality").and_then(Value::as_str), words)?;
            return store(doc, &words);
        }
        let mut words = of(doc);
        if let Some(gone) = &self.delete {
            modality::remove(&mut words, gone);
        }
        if let Some(new) = &self.add {
            let new = accepted(db, doc.get("modality").and_then(Value::as_str), new)?;
            modality::add(&mut words, &new);
        }
        store(doc, &words)
    }
}

/// Sets a file's modality; another one than it had leaves only its custom words.
///
/// # Errors
/// 422 for what cannot be the name of a modality.
pub(super) fn set_modality(doc: &mut Doc, modality: Option<&str>) -> ApiResult<()> {
    modality.map_or(Ok(()), |name| modalities::check_name(name, "modality"))?;
    if doc.get("modality").and_then(Value::as_str) != modality {
        let words = modality::after_modality_change(of(doc));
        store(doc, &words)?;
    }
    doc.insert("modality".into(), modality.into());
    Ok(())
}

/// The words in the modality's own spelling.
///
/// # Errors
/// 422 with `unaccepted_keys` for words that it does not know; without a known modality only custom ones are accepted.
pub(super) fn accepted(
    db: &Connection,
    modality: Option<&str>,
    words: &Classification,
) -> ApiResult<Classification> {
    let known = match modality {
        Some(id) => records::get(db, modalities::RECORD, id)?,
        None => None,
    };
    let allowed = known.map(|doc| of(&doc));
    modality::check(allowed.as_ref(), words).map_err(|error| refusal(modality, allowed.is_some(), error))
}

fn refusal(modality: Option<&str>, known: bool, error: UnacceptedWords) -> ApiError {
    let words = error.unaccepted.join(", ");
    let message = match modality {
        None => format!("Without a modality only Custom words are accepted, set it first: {words}"),
        Some(id) if !known => {
            format!("The site does not know the modality {id}, so only Custom words are accepted: {words}")
        }
        Some(id) => format!("Not in the classification of modality {id}: {words}"),
    };
    ApiError::unprocessable(message).with("unaccepted_keys", error.unaccepted)
}

/// The classification in a document; what is not a list of words is left out.
fn of(doc: &Doc) -> Classification {
    doc.get("classification").and_then(|words| Classification::deserialize(words).ok()).unwrap_or_default()
}

fn store(doc: &mut Doc, words: &Classification) -> ApiResult<()> {
    doc.insert("classification".into(), serde_json::to_value(words)?);
    Ok(())
}
