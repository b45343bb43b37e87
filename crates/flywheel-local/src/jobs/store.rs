//! The table of jobs, what they have to do with, and their logs.
//!
//! A stored document is the `JobOutput` of the wire with `_id`, less what is joined in when it is shown. Keys that begin with
//! `_` are the site's own and nobody is shown them.

use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::states::State;
use crate::{
    error::{ApiError, ApiResult},
    store::{Doc, now, parse_doc},
};

/// One job.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) doc: Doc,
}

/// Where a job keeps the versions of files it made: their `_id`s.
pub(super) const OUTPUTS: &str = "_outputs";
/// Where a job keeps the ticket of the engine that is about to hand its outputs in.
pub(super) const TICKET: &str = "_ticket";
/// Whether the job is given a key.
pub(super) const KEYED: &str = "_keyed";

impl Job {
    /// Reads the columns `id, doc`.
    pub(crate) fn from_row(row: &Row<'_>) -> ApiResult<Self> {
        Ok(Self { id: row.get(0)?, doc: parse_doc(row.get_ref(1)?.as_str().map_err(ApiError::internal)?)? })
    }

    /// Its state.
    ///
    /// # Errors
    /// 422 for a state that is none; the site writes no such thing.
    pub(crate) fn state(&self) -> ApiResult<State> {
        State::parse(self.text("state"))
    }

    /// A text field of the document; empty when it is missing.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.doc.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// A text inside a field of the document; empty when it is missing.
    pub(crate) fn inner(&self, key: &str, inner: &str) -> &str {
        self.doc.get(key).and_then(|value| value.get(inner)).and_then(Value::as_str).unwrap_or_default()
    }

    /// What the document says of its gear: `name`, `version`, `category`.
    pub(crate) fn gear(&self, key: &str) -> &str {
        self.inner("gear_info", key)
    }

    /// The project of its destination.
    pub(crate) fn project(&self) -> &str {
        self.inner("parents", "project")
    }

    /// Who asked for it, when a user did.
    pub(crate) fn user(&self) -> Option<&str> {
        (self.inner("origin", "type") == "user").then(|| self.inner("origin", "id"))
    }

    /// Its profile, made when there is none.
    pub(super) fn profile_mut(&mut self) -> &mut Map<String, Value> {
        let profile = self.doc.entry("profile").or_insert_with(|| json!({}));
        if !profile.is_object() {
            *profile = json!({});
        }
        profile.as_object_mut().expect("a profile that is no object was just replaced")
    }
}

/// The job of this id.
pub(crate) fn find(db: &Connection, id: &str) -> ApiResult<Option<Job>> {
    let sql = "SELECT id, doc FROM jobs WHERE id = ?";
    db.prepare_cached(sql)?.query_row([id], |row| Ok(Job::from_row(row))).optional()?.transpose()
}

/// As [`find`], or 404.
pub(crate) fn get(db: &Connection, id: &str) -> ApiResult<Job> {
    find(db, id)?.ok_or_else(|| ApiError::not_found(format!("Could not find resource job:{id}")))
}

/// Adds a job, and the containers it has to do with.
pub(super) fn insert(db: &Connection, job: &Job) -> ApiResult<()> {
    db.prepare_cached("INSERT INTO jobs (id, doc) VALUES (?, ?)")?
        .execute((&job.id, serde_json::to_string(&job.doc)?))?;
    let sql = "INSERT OR IGNORE INTO job_containers (container_id, job_id) VALUES (?, ?)";
    let mut statement = db.prepare_cached(sql)?;
    let related = job.doc.get("related_container_ids").and_then(Value::as_array);
    for container in related.into_iter().flatten().filter_map(Value::as_str) {
        statement.execute((container, &job.id))?;
    }
    Ok(())
}

/// Writes a changed job back: `modified` is touched.
pub(crate) fn save(db: &Connection, job: &mut Job) -> ApiResult<()> {
    job.doc.insert("modified".into(), now().into());
    db.prepare_cached("UPDATE jobs SET doc = ? WHERE id = ?")?
        .execute((serde_json::to_string(&job.doc)?, &job.id))?;
    Ok(())
}

/// The jobs of a batch, oldest first.
pub(crate) fn of_batch(db: &Connection, batch: &str) -> ApiResult<Vec<Job>> {
    many(db, "SELECT id, doc FROM jobs WHERE batch = ? ORDER BY id", [batch])
}

/// The running jobs that nobody spoke of since `since`.
pub(super) fn silent(db: &Connection, since: &str) -> ApiResult<Vec<Job>> {
    many(db, "SELECT id, doc FROM jobs WHERE state = 'running' AND modified <= ? ORDER BY id", [since])
}

/// Jobs found by a statement that selects `id, doc`.
pub(super) fn many(db: &Connection, sql: &str, values: impl rusqlite::Params) -> ApiResult<Vec<Job>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(Job::from_row(row)?);
    }
    Ok(jobs)
}

/// Adds a line to a job's log.
pub(super) fn add_log(db: &Connection, job: &str, fd: i64, msg: &str) -> ApiResult<()> {
    db.prepare_cached("INSERT INTO job_logs (job_id, fd, msg) VALUES (?, ?, ?)")?.execute((job, fd, msg))?;
    Ok(())
}

/// The lines of a job's log, in order.
pub(super) fn logs(db: &Connection, job: &str) -> ApiResult<Vec<(i64, String)>> {
    let mut statement = db.prepare_cached("SELECT fd, msg FROM job_logs WHERE job_id = ? ORDER BY number")?;
    let lines = statement.query_map([job], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(lines.collect::<Result<_, _>>()?)
}

/// Notes the secret of a key that a running job is given.
pub(super) fn add_key(db: &Connection, job: &str, secret: &str, read_only: bool) -> ApiResult<()> {
    db.prepare_cached("INSERT INTO job_keys (hash, job_id, read_only) VALUES (?, ?, ?)")?.execute((
        hashed(secret),
        job,
        read_only,
    ))?;
    Ok(())
}

/// Takes a job's keys away.
pub(super) fn drop_keys(db: &Connection, job: &str) -> ApiResult<()> {
    db.prepare_cached("DELETE FROM job_keys WHERE job_id = ?")?.execute([job])?;
    Ok(())
}

/// The running job that a key was given to, and whether the key may only read.
pub(crate) fn of_key(db: &Connection, secret: &str) -> ApiResult<Option<(Job, bool)>> {
    let sql = "SELECT j.id, j.doc, k.read_only FROM job_keys k JOIN jobs j ON j.id = k.job_id
        WHERE k.hash = ? AND j.state = 'running'";
    let row = db
        .prepare_cached(sql)?
        .query_row([hashed(secret)], |row| Ok((Job::from_row(row), row.get::<_, bool>(2)?)))
        .optional()?;
    row.map(|(job, read_only)| Ok((job?, read_only))).transpose()
}

fn hashed(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
