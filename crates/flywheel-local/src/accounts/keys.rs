//! Making keys and showing them: the secret once, at birth.

use flywheel_core::key::generate_key;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    body::{Shape, TEXT, check, may},
    error::{ApiError, ApiResult},
    store::records::{self, KeyRow},
};

/// How many keys one account may have.
const MOST: usize = 5;

/// A key as lists show it: shortened.
pub(crate) fn shown(key: &KeyRow) -> Value {
    json!({
        "_id": key.id, "label": key.label, "key": key.hint, "created": key.created, "last_used": key.last_used,
        "expires_at": key.expires_at,
    })
}

/// Makes a key for an account out of a body `{label, expires_at}` and shows it whole.
pub(crate) fn make(db: &Connection, account: &str, body: Value, host: &str) -> ApiResult<Value> {
    let body = if body.is_null() { json!({}) } else { body };
    let doc = check(body, &[may("label", TEXT), may("expires_at", Shape::Time)])?;
    let text = |key: &str| doc.get(key).and_then(Value::as_str);
    if records::keys_of(db, account)?.len() >= MOST {
        return Err(ApiError::unprocessable(format!("An account has at most {MOST} keys: delete one first")));
    }
    let secret = generate_key();
    let key = records::add_key(db, account, &secret, text("label").unwrap_or("API key"), text("expires_at"))?;
    let mut shown = shown(&key);
    shown["key"] = format!("{host}:{secret}").into();
    Ok(shown)
}

/// Removes the key that a path names: by its id, its shortened form or its label.
pub(crate) fn remove(db: &Connection, account: &str, name: &str) -> ApiResult<()> {
    let keys = records::keys_of(db, account)?;
    let named = keys.iter().find(|key| [&key.id, &key.hint, &key.label].contains(&&name.to_owned()));
    let key = named.ok_or_else(|| ApiError::not_found(format!("No key {name} found")))?;
    records::remove_key(db, account, &key.id).map(drop)
}
