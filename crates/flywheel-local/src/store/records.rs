//! The tables of small documents: accounts (users and devices), keys, and records found by kind and id.

use flywheel_core::time;
use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Doc, new_id, now, parse_doc};
use crate::error::{ApiError, ApiResult};

/// The record of a kind with this id.
pub(crate) fn get(db: &Connection, kind: &str, id: &str) -> ApiResult<Option<Doc>> {
    let sql = "SELECT doc FROM records WHERE kind = ? AND id = ?";
    let text: Option<String> = db.prepare_cached(sql)?.query_row((kind, id), |row| row.get(0)).optional()?;
    text.map(|text| parse_doc(&text)).transpose()
}

/// Every record of a kind, by id.
pub(crate) fn all(db: &Connection, kind: &str) -> ApiResult<Vec<Doc>> {
    let mut statement = db.prepare_cached("SELECT doc FROM records WHERE kind = ? ORDER BY id")?;
    let mut rows = statement.query([kind])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(parse_doc(&row.get::<_, String>(0)?)?);
    }
    Ok(found)
}

/// Writes a record, new or changed.
pub(crate) fn put(db: &Connection, kind: &str, id: &str, doc: &Doc) -> ApiResult<()> {
    let sql = "INSERT INTO records (kind, id, doc) VALUES (?, ?, ?)
               ON CONFLICT (kind, id) DO UPDATE SET doc = excluded.doc";
    db.prepare_cached(sql)?.execute((kind, id, serde_json::to_string(doc)?))?;
    Ok(())
}

/// Removes a record; says whether there was one.
pub(crate) fn remove(db: &Connection, kind: &str, id: &str) -> ApiResult<bool> {
    Ok(db.prepare_cached("DELETE FROM records WHERE kind = ? AND id = ?")?.execute((kind, id))? > 0)
}

/// Which accounts a table row speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountKind {
    User,
    Device,
}

impl AccountKind {
    /// As the table writes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            AccountKind::User => "user",
            AccountKind::Device => "device",
        }
    }
}

/// The user or device with this id.
pub(crate) fn account(db: &Connection, kind: AccountKind, id: &str) -> ApiResult<Option<Doc>> {
    let sql = "SELECT doc FROM accounts WHERE id = ? AND kind = ?";
    let text: Option<String> =
        db.prepare_cached(sql)?.query_row((id, kind.name()), |row| row.get(0)).optional()?;
    text.map(|text| parse_doc(&text)).transpose()
}

/// Every account of a kind.
pub(crate) fn accounts(db: &Connection, kind: AccountKind) -> ApiResult<Vec<Doc>> {
    let mut statement = db.prepare_cached("SELECT doc FROM accounts WHERE kind = ? ORDER BY id")?;
    let mut rows = statement.query([kind.name()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(parse_doc(&row.get::<_, String>(0)?)?);
    }
    Ok(found)
}

/// Writes a user or device, new or changed. `doc` carries its `_id`.
///
/// # Errors
/// 409 for a new one with the id of an account of the other kind.
pub(crate) fn put_account(db: &Connection, kind: AccountKind, doc: &Doc) -> ApiResult<()> {
    let id = doc.get("_id").and_then(Value::as_str).unwrap_or_default();
    let sql = "INSERT INTO accounts (id, kind, doc) VALUES (?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET doc = excluded.doc WHERE kind = excluded.kind";
    if db.prepare_cached(sql)?.execute((id, kind.name(), serde_json::to_string(doc)?))? == 0 {
        return Err(ApiError::conflict(format!(
            "The id {id} belongs to an account that is no {}",
            kind.name()
        )));
    }
    Ok(())
}

/// Removes a user or device and its keys.
pub(crate) fn remove_account(db: &Connection, kind: AccountKind, id: &str) -> ApiResult<bool> {
    Ok(db.prepare_cached("DELETE FROM accounts WHERE id = ? AND kind = ?")?.execute((id, kind.name()))? > 0)
}

/// A key as its owner may see it: everything but the secret.
#[derive(Debug, Clone)]
pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) account_kind: AccountKind,
    pub(crate) hint: String,
    pub(crate) label: String,
    pub(crate) created: String,
    pub(crate) last_used: Option<String>,
    pub(crate) expires_at: Option<String>,
}

const KEY_COLUMNS: &str = "k.id, k.account_id, a.kind, k.hint, k.label, k.created, k.last_used, k.expires_at
     FROM api_keys k JOIN accounts a ON a.id = k.account_id";

fn key_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<KeyRow> {
    let device = row.get_ref(2)?.as_str()? == AccountKind::Device.name();
    Ok(KeyRow {
        id: row.get(0)?,
        account: row.get(1)?,
        account_kind: if device { AccountKind::Device } else { AccountKind::User },
        hint: row.get(3)?,
        label: row.get(4)?,
        created: row.get(5)?,
        last_used: row.get(6)?,
        expires_at: row.get(7)?,
    })
}

/// The key whose secret this is.
pub(crate) fn key_of_secret(db: &Connection, secret: &str) -> ApiResult<Option<KeyRow>> {
    let sql = format!("SELECT {KEY_COLUMNS} WHERE k.hash = ?");
    Ok(db.prepare_cached(&sql)?.query_row([hash_secret(secret)], key_row).optional()?)
}

/// The keys of an account, oldest first.
pub(crate) fn keys_of(db: &Connection, account: &str) -> ApiResult<Vec<KeyRow>> {
    let sql = format!("SELECT {KEY_COLUMNS} WHERE k.account_id = ? ORDER BY k.id");
    let keys = db.prepare_cached(&sql)?.query_map([account], key_row)?.collect::<Result<_, _>>()?;
    Ok(keys)
}

/// Gives an account a key; the secret itself is not kept. Answers the key's row.
pub(crate) fn add_key(
    db: &Connection,
    account: &str,
    secret: &str,
    label: &str,
    expires_at: Option<&str>,
) -> ApiResult<KeyRow> {
    // A quarter of a short secret and eight characters of a long one tell keys apart and give nothing away.
    let hint: String = secret.chars().take(8.min(secret.len() / 4)).chain("…".chars()).collect();
    let sql = "INSERT INTO api_keys (id, hash, account_id, hint, label, created, expires_at)
               VALUES (?, ?, ?, ?, ?, ?, ?)
               ON CONFLICT (hash) DO UPDATE SET label = excluded.label, expires_at = excluded.expires_at
               WHERE account_id = excluded.account_id";
    db.prepare_cached(sql)?.execute((
        new_id(),
        hash_secret(secret),
        account,
        hint,
        label,
        now(),
        expires_at,
    ))?;
    key_of_secret(db, secret)?
        .ok_or_else(|| crate::error::ApiError::internal("the key just added is not there"))
}

/// Removes a key of an account; says whether there was one.
pub(crate) fn remove_key(db: &Connection, account: &str, id: &str) -> ApiResult<bool> {
    Ok(db.prepare_cached("DELETE FROM api_keys WHERE account_id = ? AND id = ?")?.execute((account, id))? > 0)
}

/// Notes the use of a key, now.
pub(crate) fn used_key(db: &Connection, id: &str) -> ApiResult<()> {
    db.prepare_cached("UPDATE api_keys SET last_used = ? WHERE id = ?")?.execute((now(), id))?;
    Ok(())
}

impl KeyRow {
    /// Whether its time is over.
    pub(crate) fn expired(&self) -> bool {
        let expiry = self.expires_at.as_deref().and_then(|text| time::parse_utc(text).ok());
        expiry.is_some_and(|expiry| expiry <= chrono::Utc::now())
    }

    /// Whether its last recorded use is so old that it is worth a write to record a new one.
    pub(crate) fn use_is_stale(&self) -> bool {
        let last = self.last_used.as_deref().and_then(|text| time::parse_utc(text).ok());
        last.is_none_or(|last| chrono::Utc::now() - last > chrono::TimeDelta::minutes(5))
    }
}

fn hash_secret(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
