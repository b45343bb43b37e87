//! The table of gears: one row per version.

use flywheel_core::gear::Manifest;
use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;

use crate::{
    error::{ApiError, ApiResult},
    store::{Doc, now, parse_doc},
};

/// One version of a gear.
#[derive(Debug, Clone)]
pub(crate) struct Gear {
    pub(crate) id: String,
    pub(crate) doc: Doc,
}

impl Gear {
    /// Its manifest.
    ///
    /// # Errors
    /// 500 when what is stored obeys the rules no more.
    pub(crate) fn manifest(&self) -> ApiResult<Manifest> {
        let manifest = self.doc.get("gear").cloned().unwrap_or_default();
        Manifest::new(manifest).map_err(ApiError::internal)
    }

    fn of_manifest(&self, key: &str) -> &str {
        self.doc.get("gear").and_then(|gear| gear.get(key)).and_then(Value::as_str).unwrap_or_default()
    }

    /// The name that all its versions share.
    pub(crate) fn name(&self) -> &str {
        self.of_manifest("name")
    }

    /// Which version this is.
    pub(crate) fn version(&self) -> &str {
        self.of_manifest("version")
    }

    /// analysis, converter, utility, classifier or qa.
    pub(crate) fn category(&self) -> &str {
        self.doc.get("category").and_then(Value::as_str).unwrap_or("utility")
    }

    /// Whether its jobs belong to analyses.
    pub(crate) fn is_analysis(&self) -> bool {
        self.category() == "analysis"
    }

    /// Whether it was taken out of use.
    pub(crate) fn is_disabled(&self) -> bool {
        self.doc.get("disabled").is_some_and(|time| !time.is_null())
    }

    /// What jobs, files and analyses say about the gear behind them.
    pub(crate) fn info(&self) -> Value {
        let capabilities = self.doc.get("gear").and_then(|gear| gear.get("capabilities")).cloned();
        serde_json::json!({
            "id": self.id, "category": self.category(), "name": self.name(), "version": self.version(),
            "capabilities": capabilities.filter(Value::is_array).unwrap_or_else(|| Value::Array(Vec::new())),
        })
    }
}

fn one(db: &Connection, condition: &str, values: impl rusqlite::Params) -> ApiResult<Option<Gear>> {
    let sql = format!("SELECT id, doc FROM gears WHERE {condition}");
    let row: Option<(String, String)> =
        db.prepare_cached(&sql)?.query_row(values, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    row.map(|(id, doc)| Ok(Gear { id, doc: parse_doc(&doc)? })).transpose()
}

/// The version of this id.
///
/// # Errors
/// 404 when there is none.
pub(crate) fn get(db: &Connection, id: &str) -> ApiResult<Gear> {
    one(db, "id = ?", [id])?.ok_or_else(|| ApiError::not_found(format!("Could not find resource gear:{id}")))
}

/// A version of a gear by its name.
pub(crate) fn version(db: &Connection, name: &str, version: &str) -> ApiResult<Option<Gear>> {
    one(db, "name = ? AND version = ?", [name, version])
}

/// Which rows of the table `g` are the newest of their name among those that can run.
pub(crate) const NEWEST: &str = "g.id = (SELECT n.id FROM gears n WHERE n.name = g.name
        AND (n.doc ->> '$.disabled') IS NULL
        ORDER BY n.created DESC, n.id DESC LIMIT 1)";

/// Which rows of the table `g` are not marked as never to run.
pub(crate) const VALID: &str = "coalesce(g.doc ->> '$.gear.custom.flywheel.invalid', 0) IN (0, '')";

/// Every version of a name, newest first.
pub(crate) fn versions(db: &Connection, name: &str) -> ApiResult<Vec<Gear>> {
    let mut statement =
        db.prepare_cached("SELECT id, doc FROM gears WHERE name = ? ORDER BY created DESC, id DESC")?;
    let mut rows = statement.query([name])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Gear { id: row.get(0)?, doc: parse_doc(&row.get::<_, String>(1)?)? });
    }
    Ok(found)
}

/// The newest version of a gear that can run, or the newest at all when none can.
pub(crate) fn newest(db: &Connection, name: &str) -> ApiResult<Option<Gear>> {
    one(db, "name = ? ORDER BY (doc ->> '$.disabled') IS NOT NULL, created DESC, id DESC LIMIT 1", [name])
}

/// Adds a version.
///
/// # Errors
/// 409 when there is one of this name and version.
pub(crate) fn insert(db: &Connection, gear: &Gear) -> ApiResult<()> {
    if version(db, gear.name(), gear.version())?.is_some() {
        let message = format!("Gear {} {} exists already: change the version", gear.name(), gear.version());
        return Err(ApiError::conflict(message));
    }
    db.prepare_cached("INSERT INTO gears (id, doc) VALUES (?, ?)")?
        .execute((&gear.id, serde_json::to_string(&gear.doc)?))?;
    Ok(())
}

/// Writes a changed document back.
pub(crate) fn save(db: &Connection, gear: &mut Gear) -> ApiResult<()> {
    gear.doc.insert("modified".into(), now().into());
    db.prepare_cached("UPDATE gears SET doc = ? WHERE id = ?")?
        .execute((serde_json::to_string(&gear.doc)?, &gear.id))?;
    Ok(())
}
