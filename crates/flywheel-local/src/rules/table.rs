//! The table of rules: finding and writing them, the copies that a new project gets, and following a gear's versions.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    error::{ApiError, ApiResult},
    store::{Doc, new_id, now, parse_doc},
};

/// What stands in a site rule's `project_id`.
pub(super) const SITE: &str = "site";

fn many(db: &Connection, sql: &str, params: impl rusqlite::Params) -> ApiResult<Vec<Doc>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(parse_doc(row.get_ref(0)?.as_str().map_err(ApiError::internal)?)?);
    }
    Ok(found)
}

/// The rules of a project, or of the site, oldest first.
pub(super) fn of(db: &Connection, project: &str) -> ApiResult<Vec<Doc>> {
    many(db, "SELECT doc FROM rules WHERE project_id = ? ORDER BY id", [project])
}

/// Those that are not disabled.
pub(super) fn active(db: &Connection, project: &str) -> ApiResult<Vec<Doc>> {
    many(db, "SELECT doc FROM rules WHERE project_id = ? AND active ORDER BY id", [project])
}

/// One rule of a project, or of the site.
///
/// # Errors
/// 404 when it has none of this id.
pub(super) fn get(db: &Connection, project: &str, id: &str) -> ApiResult<Doc> {
    let found = many(db, "SELECT doc FROM rules WHERE id = ? AND project_id = ?", [id, project])?;
    found.into_iter().next().ok_or_else(|| ApiError::not_found(format!("Could not find resource rule:{id}")))
}

/// Writes a rule, new or changed.
pub(super) fn put(db: &Connection, rule: &Doc) -> ApiResult<()> {
    let id = rule.get("_id").and_then(Value::as_str).unwrap_or_default();
    let sql = "INSERT INTO rules (id, doc) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc";
    db.prepare_cached(sql)?.execute((id, serde_json::to_string(rule)?))?;
    Ok(())
}

/// Removes a rule and what is known of its jobs; the jobs themselves stay.
pub(super) fn remove(db: &Connection, id: &str) -> ApiResult<()> {
    db.prepare_cached("DELETE FROM rules WHERE id = ?")?.execute([id])?;
    db.prepare_cached("DELETE FROM rule_jobs WHERE rule_id = ?")?.execute([id])?;
    Ok(())
}

/// Counts a change of a rule and says who made it.
pub(super) fn touch(rule: &mut Doc, by: Value) {
    let revision = rule.get("revision").and_then(Value::as_i64).unwrap_or(0) + 1;
    rule.insert("revision".into(), revision.into());
    rule.insert("modified".into(), now().into());
    rule.insert("last_modified_by".into(), by);
}

/// Gives a new project copies of the site's rules. What becomes of the site's rules later does not change them.
pub(crate) fn copy_to_project(db: &Connection, project: &str) -> ApiResult<()> {
    for mut rule in of(db, SITE)? {
        let time = now();
        let own = [
            ("_id", Value::from(new_id())),
            ("project_id", project.into()),
            ("revision", 1.into()),
            ("created", time.clone().into()),
            ("modified", time.into()),
        ];
        rule.extend(own.map(|(key, value)| (key.to_owned(), value)));
        put(db, &rule)?;
    }
    Ok(())
}

/// Moves the rules that follow a gear from its earlier versions to the one that was just registered.
pub(crate) fn follow(db: &Connection, gear: &str, latest: &str) -> ApiResult<()> {
    let sql = "SELECT doc FROM rules WHERE gear_id IN (SELECT id FROM gears WHERE name = ?1 AND id <> ?2)
        AND doc ->> '$.auto_update'";
    for mut rule in many(db, sql, [gear, latest])? {
        rule.insert("gear_id".into(), latest.into());
        touch(&mut rule, json!({"type": "system", "id": null}));
        put(db, &rule)?;
    }
    Ok(())
}
