//! Counting sessions, files and bytes: what every report of usage is made of.

use std::collections::BTreeMap;

use rusqlite::{Connection, named_params};

use crate::error::ApiResult;

/// The origins that files are counted by.
pub(super) const ORIGINS: [&str; 8] =
    ["user", "job", "device", "user_workspace", "system", "gear_rule", "task", "unknown"];

/// A project as reports name it.
#[derive(Debug, Clone, Default)]
pub(super) struct Project {
    pub(super) label: String,
    pub(super) group: String,
    pub(super) group_label: String,
    pub(super) deleted: bool,
}

/// What there is at an instant.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    pub(super) sessions: i64,
    pub(super) bytes: i64,
    /// Bytes of files that are deleted and whose bytes are still kept.
    pub(super) deleted_bytes: i64,
    pub(super) files: i64,
    pub(super) by_reference: i64,
    pub(super) deleted_files: i64,
    pub(super) origins: [i64; ORIGINS.len()],
}

impl Standing {
    /// Adds another to it.
    pub(super) fn add(&mut self, other: &Standing) {
        self.sessions += other.sessions;
        self.bytes += other.bytes;
        self.deleted_bytes += other.deleted_bytes;
        self.files += other.files;
        self.by_reference += other.by_reference;
        self.deleted_files += other.deleted_files;
        for (own, more) in self.origins.iter_mut().zip(other.origins) {
            *own += more;
        }
    }
}

/// Every project, deleted ones included, by id; only one or those of a group when they are named.
pub(super) fn projects(
    db: &Connection,
    group: Option<&str>,
    project: Option<&str>,
) -> ApiResult<BTreeMap<String, Project>> {
    let mut statement = db.prepare_cached(
        "SELECT p.id, p.label, p.parent_id, coalesce(g.label, g.id), p.deleted IS NOT NULL
         FROM containers p JOIN containers g ON g.id = p.parent_id
         WHERE p.kind = 2 AND (:group IS NULL OR p.parent_id = :group) AND (:project IS NULL OR p.id = :project)",
    )?;
    let rows = statement.query_map(named_params! {":group": group, ":project": project}, |row| {
        let project = Project {
            label: row.get(1)?,
            group: row.get(2)?,
            group_label: row.get(3)?,
            deleted: row.get(4)?,
        };
        Ok((row.get::<_, String>(0)?, project))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What there was in each project just before an instant. Every version of a file counts until it is deleted.
pub(super) fn standing_at(db: &Connection, instant: &str) -> ApiResult<BTreeMap<String, Standing>> {
    let mut found: BTreeMap<String, Standing> = BTreeMap::new();
    let mut sessions = db.prepare_cached(
        "SELECT project_id, count(*) FROM containers
         WHERE kind = 4 AND created < :at AND (deleted IS NULL OR deleted >= :at) GROUP BY project_id",
    )?;
    let mut rows = sessions.query(named_params! {":at": instant})?;
    while let Some(row) = rows.next()? {
        found.entry(row.get(0)?).or_default().sessions = row.get(1)?;
    }
    let mut files = db.prepare_cached(
        "SELECT project_id, coalesce(doc ->> '$.origin.type', 'unknown'),
            count(*) FILTER (WHERE alive), coalesce(sum(size) FILTER (WHERE alive), 0),
            count(*) FILTER (WHERE alive AND doc ->> '$.reference' = 1),
            count(*) FILTER (WHERE NOT alive), coalesce(sum(size) FILTER (WHERE NOT alive), 0)
         FROM (SELECT project_id, doc, size, deleted IS NULL OR deleted >= :at AS alive FROM files
            WHERE project_id IS NOT NULL AND created < :at)
         GROUP BY 1, 2",
    )?;
    let mut rows = files.query(named_params! {":at": instant})?;
    while let Some(row) = rows.next()? {
        let standing = found.entry(row.get(0)?).or_default();
        let (origin, count): (String, i64) = (row.get(1)?, row.get(2)?);
        let place = ORIGINS.iter().position(|known| *known == origin).unwrap_or(ORIGINS.len() - 1);
        if let Some(counted) = standing.origins.get_mut(place) {
            *counted += count;
        }
        standing.files += count;
        standing.bytes += row.get::<_, i64>(3)?;
        standing.by_reference += row.get::<_, i64>(4)?;
        standing.deleted_files += row.get::<_, i64>(5)?;
        standing.deleted_bytes += row.get::<_, i64>(6)?;
    }
    Ok(found)
}

/// Bytes times days in each project between two instants: of what is there, and of what is deleted and still kept.
pub(super) fn byte_days(db: &Connection, from: &str, to: &str) -> ApiResult<BTreeMap<String, (i64, i64)>> {
    let mut statement = db.prepare_cached(
        "SELECT project_id,
            CAST(round(sum(size * max(0, min(:to, coalesce(gone, :to)) - max(:from, made)))) AS INTEGER),
            CAST(round(sum(size * max(0, :to - max(:from, coalesce(gone, :to))))) AS INTEGER)
         FROM (SELECT project_id, coalesce(size, 0) AS size, julianday(created) AS made, julianday(deleted) AS gone
            FROM files WHERE project_id IS NOT NULL AND created < :last)
         GROUP BY project_id",
    )?;
    let day =
        |text: &str| -> ApiResult<f64> { Ok(db.query_row("SELECT julianday(?)", [text], |row| row.get(0))?) };
    let values = named_params! {":from": day(from)?, ":to": day(to)?, ":last": to};
    let rows = statement.query_map(values, |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How many jobs, and how long they ran in milliseconds, by what they are counted by.
pub(super) type Jobs = BTreeMap<String, (i64, i64)>;

/// The jobs of each project that ended between two instants.
pub(super) fn jobs(db: &Connection, from: &str, to: &str) -> ApiResult<Jobs> {
    ended_jobs(db, "project_id", from, to)
}

/// The jobs that ended in each month (YYYY-MM) between two instants.
pub(super) fn jobs_by_month(db: &Connection, from: &str, to: &str) -> ApiResult<Jobs> {
    ended_jobs(db, "substr(modified, 1, 7)", from, to)
}

fn ended_jobs(db: &Connection, key: &str, from: &str, to: &str) -> ApiResult<Jobs> {
    let sql = format!(
        "SELECT {key}, count(*), coalesce(sum(CAST(doc ->> '$.profile.elapsed_time_ms' AS INTEGER)), 0) FROM jobs
         WHERE state IN ('complete', 'failed', 'cancelled') AND modified >= ? AND modified < ? AND project_id IS NOT NULL
         GROUP BY 1"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map((from, to), |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
