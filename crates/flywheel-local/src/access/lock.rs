//! Locked projects: while one is locked, nothing in it changes, whoever asks.

use rusqlite::{Connection, OptionalExtension};

use crate::{
    error::{ApiError, ApiResult},
    kind::Kind,
    store::containers::Container,
};

/// The key of a project's document that holds `{reason, timestamp, origin}` while it is locked.
pub(crate) const KEY: &str = "locked";

/// Why a project may be locked.
pub(crate) const REASONS: &[&str] =
    &["data_review", "regulatory_audit", "research_suspended", "study_closed", "other"];

/// 403 when the project that a container lies in, or is, is locked.
pub(crate) fn refuse(db: &Connection, container: &Container) -> ApiResult<()> {
    let Some(project) = container.ancestor(Kind::Project) else { return Ok(()) };
    let sql = "SELECT doc ->> '$.locked.reason' FROM containers WHERE id = ?";
    let reason: Option<Option<String>> =
        db.prepare_cached(sql)?.query_row([project], |row| row.get(0)).optional()?;
    match reason.flatten() {
        None => Ok(()),
        Some(reason) => {
            let message = format!("The project {project} is locked ({reason}): unlock it to change it");
            Err(ApiError::forbidden(message).with("reason", "project_locked"))
        }
    }
}
