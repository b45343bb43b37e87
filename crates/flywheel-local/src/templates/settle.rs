//! Keeping `satisfies_template` and `project_has_template` of sessions up to date.

use std::collections::HashMap;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::compliance::{Acquisition, Session, Template};
use crate::{
    error::{ApiError, ApiResult},
    kind::Kind,
    store::{
        Doc,
        containers::{self, Container},
    },
};

/// Judges the sessions that the running write made stale, and answers those whose judgement changed.
pub(crate) fn settle(db: &Connection) -> ApiResult<Vec<String>> {
    let stale: Vec<String> = {
        let mut statement = db.prepare_cached("SELECT session_id FROM stale_sessions")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    if stale.is_empty() {
        return Ok(stale);
    }
    db.prepare_cached("DELETE FROM stale_sessions")?.execute([])?;
    let mut templates: HashMap<String, Vec<Template>> = HashMap::new();
    let mut changed = Vec::new();
    for id in stale {
        let Some(session) = containers::find(db, &id)? else { continue };
        let project = session.ancestor(Kind::Project).unwrap_or_default().to_owned();
        if !templates.contains_key(&project) {
            templates.insert(project.clone(), of_project(db, &project)?);
        }
        let templates = templates.get(&project).map(Vec::as_slice).unwrap_or_default();
        if judge(db, &session, templates)? {
            changed.push(id);
        }
    }
    Ok(changed)
}

fn of_project(db: &Connection, project: &str) -> ApiResult<Vec<Template>> {
    let doc = containers::find(db, project)?.map(|project| project.doc).unwrap_or_default();
    let list = doc.get("templates").and_then(Value::as_array).into_iter().flatten();
    list.map(|doc| Template::read(doc).map_err(ApiError::unprocessable)).collect()
}

/// Writes down whether a session satisfies any of the templates; says whether that is news.
fn judge(db: &Connection, session: &Container, templates: &[Template]) -> ApiResult<bool> {
    let has_template = !templates.is_empty();
    let satisfies = if has_template {
        let known = known(db, session)?;
        Some(templates.iter().any(|template| template.satisfied_by(&known)))
    } else {
        None
    };
    let was = |key: &str| session.doc.get(key).and_then(Value::as_bool);
    if was("project_has_template").unwrap_or(false) == has_template && was("satisfies_template") == satisfies
    {
        return Ok(false);
    }
    // A null in a patch takes the key away.
    let patch = json!({"project_has_template": has_template, "satisfies_template": satisfies});
    db.prepare_cached("UPDATE containers SET doc = json_patch(doc, ?) WHERE id = ?")?
        .execute((patch.to_string(), &session.id))?;
    Ok(true)
}

/// What templates look at in a session.
fn known(db: &Connection, session: &Container) -> ApiResult<Session> {
    let mut known = Session { label: session.label().to_owned(), acquisitions: Vec::new() };
    for acquisition in containers::children(db, &session.id, Kind::Acquisition)? {
        let label = acquisition.label().to_owned();
        known.acquisitions.push(Acquisition { label, files: words_of_files(db, &acquisition.id)? });
    }
    Ok(known)
}

fn words_of_files(db: &Connection, acquisition: &str) -> ApiResult<Vec<Vec<String>>> {
    let sql = "SELECT doc -> '$.classification' FROM files WHERE parent_id = ? AND current";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([acquisition])?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        let aspects: Option<Doc> = match row.get::<_, Option<String>>(0)? {
            Some(text) => serde_json::from_str(&text)?,
            None => None,
        };
        let aspects = aspects.unwrap_or_default();
        let words = aspects.values().filter_map(Value::as_array).flatten().filter_map(Value::as_str);
        files.push(words.map(str::to_owned).collect());
    }
    Ok(files)
}
