//! The packfiles that are being sent: a token for each, good for its project and its caller, and the files so far.

use chrono::{TimeDelta, Utc};
use flywheel_core::time;
use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use crate::{
    blobs::Stored,
    error::{ApiError, ApiResult},
    guard::Guard,
    store::{containers::Container, now},
};

/// How long a token is good for after its last use.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// Begins a packfile.
pub(super) fn begin(db: &Connection, guard: &Guard, project: &Container) -> ApiResult<String> {
    let token = format!("{:032x}", rand::random::<u128>());
    db.prepare_cached("INSERT INTO packfiles (token, project_id, caller, used) VALUES (?, ?, ?, ?)")?
        .execute((&token, &project.id, guard.caller.id(), now()))?;
    Ok(token)
}

/// The project of a token, on which the caller may do what the route needs.
///
/// # Errors
/// 404 for a token that was not given out for this project, 403 for another caller's.
pub(super) fn project(db: &Connection, guard: &Guard, id: &str, token: &str) -> ApiResult<Container> {
    let project = guard.container(db, id)?;
    let sql = "SELECT caller FROM packfiles WHERE token = ? AND project_id = ?";
    let caller: Option<String> =
        db.prepare_cached(sql)?.query_row((token, &project.id), |row| row.get(0)).optional()?;
    match caller {
        None => Err(ApiError::not_found("There is no such packfile: begin a new one")),
        Some(caller) if caller != guard.caller.id() => {
            let refusal = ApiError::forbidden("This packfile was begun by somebody else");
            Err(refusal.with("reason", "permission_denied"))
        }
        Some(_) => Ok(project),
    }
}

/// Adds a file, in the place of one of the same name. Answers the bytes that are of no more use then.
pub(super) fn add(db: &Connection, token: &str, name: &str, blob: &Stored) -> ApiResult<Option<Uuid>> {
    let sql = "SELECT blob FROM packed WHERE token = ? AND name = ?";
    let earlier: Option<String> =
        db.prepare_cached(sql)?.query_row((token, name), |row| row.get(0)).optional()?;
    db.prepare_cached(
        "INSERT OR REPLACE INTO packed (token, name, blob, size, hash) VALUES (?, ?, ?, ?, ?)",
    )?
    .execute((token, name, blob.id.to_string(), blob.size as i64, &blob.hash))?;
    db.prepare_cached("UPDATE packfiles SET used = ? WHERE token = ?")?.execute((now(), token))?;
    Ok(earlier.and_then(|blob| blob.parse().ok()))
}

/// What has arrived, by name.
pub(super) fn files(db: &Connection, token: &str) -> ApiResult<Vec<(String, Stored)>> {
    let mut statement =
        db.prepare_cached("SELECT name, blob, size, hash FROM packed WHERE token = ? ORDER BY name")?;
    let mut rows = statement.query([token])?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get::<_, String>(1)?.parse().map_err(ApiError::internal)?;
        files.push((row.get(0)?, Stored { id, size: row.get::<_, i64>(2)? as u64, hash: row.get(3)? }));
    }
    Ok(files)
}

/// Forgets a packfile; says whether it was there. Answers the bytes that nothing names then.
pub(super) fn forget(db: &Connection, token: &str) -> ApiResult<Option<Vec<Uuid>>> {
    let blobs = files(db, token)?.into_iter().map(|(_, blob)| blob.id).collect();
    let gone = db.prepare_cached("DELETE FROM packfiles WHERE token = ?")?.execute([token])?;
    Ok((gone > 0).then_some(blobs))
}

/// Forgets the packfiles that nobody added to for a while: how many there were, and their bytes.
pub(super) fn forget_old(db: &Connection) -> ApiResult<(usize, Vec<Uuid>)> {
    let limit = time::format(Utc::now() - PATIENCE);
    let mut statement = db.prepare_cached("SELECT token FROM packfiles WHERE used < ?")?;
    let tokens = statement.query_map([limit], |row| row.get::<_, String>(0))?;
    let tokens: Vec<String> = tokens.collect::<Result<_, _>>()?;
    let mut blobs = Vec::new();
    for token in &tokens {
        blobs.extend(forget(db, token)?.unwrap_or_default());
    }
    Ok((tokens.len(), blobs))
}

/// The bytes that packfiles name.
pub(crate) fn blobs(db: &Connection) -> ApiResult<Vec<Uuid>> {
    let mut statement = db.prepare_cached("SELECT blob FROM packed")?;
    let blobs = statement.query_map([], |row| row.get::<_, String>(0))?;
    let blobs: Vec<String> = blobs.collect::<Result<_, _>>()?;
    Ok(blobs.iter().filter_map(|blob| blob.parse().ok()).collect())
}
