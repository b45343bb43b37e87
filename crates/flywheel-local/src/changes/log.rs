//! Reading the change log and adding to it what no trigger sees.

use rusqlite::{Connection, Row};
use serde_json::{Value, json};

use crate::{author, error::ApiResult, kind::Kind, store::containers::Container};

/// Notes that a container was made. Groups and collections are not in the log.
pub(crate) fn created(db: &Connection, container: &Container) -> ApiResult<()> {
    if matches!(container.kind, Kind::Group | Kind::Collection) {
        return Ok(());
    }
    let sql = "INSERT INTO changes (thing, kind, project_id, subject_id, created, method, revision, origin)
               VALUES (?, ?, ?, ?, ?, 'CREATE', 1, ?)";
    db.prepare_cached(sql)?.execute((
        &container.id,
        container.kind.singular(),
        container.ancestor(Kind::Project),
        container.ancestor(Kind::Subject),
        container.text("created"),
        author::writing().origin,
    ))?;
    Ok(())
}

/// Adds to the deletion of a thing why it was deleted.
pub(crate) fn give_reason(db: &Connection, thing: &str, reason: Option<&str>) -> ApiResult<()> {
    let Some(reason) = reason.filter(|reason| !reason.is_empty()) else { return Ok(()) };
    let sql = "UPDATE changes SET reason = ?2 WHERE number =
        (SELECT max(number) FROM changes WHERE thing = ?1 AND method = 'DELETE')";
    db.prepare_cached(sql)?.execute((thing, reason))?;
    Ok(())
}

/// The changes of a thing as the wire shows them, oldest first; of a file those of one version.
pub(super) fn of(db: &Connection, thing: &str, version: Option<i64>) -> ApiResult<Vec<Value>> {
    let mut statement = db.prepare_cached(
        "SELECT created, origin, kind, thing, version, method, patch, revision, reason FROM changes
         WHERE thing = ?1 AND (?2 IS NULL OR version = ?2) ORDER BY number",
    )?;
    let mut rows = statement.query((thing, version))?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        changes.push(change(row)?);
    }
    Ok(changes)
}

fn change(row: &Row<'_>) -> ApiResult<Value> {
    let parsed = |text: Option<String>| -> ApiResult<Value> {
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
    };
    let mut change = json!({
        "created": row.get::<_, String>(0)?, "origin": parsed(row.get(1)?)?,
        "container_type": row.get::<_, String>(2)?, "container_id": row.get::<_, String>(3)?,
        "method": row.get::<_, String>(5)?, "patch": parsed(row.get(6)?)?, "revision": row.get::<_, i64>(7)?,
    });
    if let Some(version) = row.get::<_, Option<i64>>(4)? {
        change["file_version"] = version.into();
    }
    if let Some(reason) = row.get::<_, Option<String>>(8)? {
        change["reason"] = reason.into();
    }
    Ok(change)
}
