//! `GET /report/site`: how many groups there are, and what is in each.

use axum::{Json, extract::State};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{error::ApiResult, guard::Guard, state::AppState};

/// `GET /report/site`
pub(super) async fn report(_guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let work = |db: &Connection| {
        let mut statement = db.prepare_cached(
            "SELECT coalesce(g.label, g.id),
                (SELECT count(*) FROM containers p WHERE p.parent_id = g.id AND p.kind = 2 AND p.deleted IS NULL),
                (SELECT count(*) FROM containers p JOIN containers s ON s.project_id = p.id AND s.kind = 4
                    WHERE p.parent_id = g.id AND p.kind = 2 AND p.deleted IS NULL AND s.deleted IS NULL)
             FROM containers g WHERE g.kind = 1 AND g.deleted IS NULL ORDER BY g.id",
        )?;
        let rows = statement.query_map([], |row| {
            let (label, projects, sessions): (String, i64, i64) = row.try_into()?;
            Ok(json!({"label": label, "project_count": projects, "session_count": sessions}))
        })?;
        let groups: Vec<Value> = rows.collect::<Result<_, _>>()?;
        Ok(json!({"group_count": groups.len(), "groups": groups}))
    };
    state.store.read(work).await.map(Json)
}
