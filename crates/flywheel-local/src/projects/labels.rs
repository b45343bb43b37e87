//! `GET /projects/labels`: ids and labels alone, for menus.

use axum::{extract::State, response::Response};
use rusqlite::Connection;
use serde_json::json;

use crate::{
    error::ApiResult,
    guard::Guard,
    kind::Kind,
    list::{self, Rows},
    query::ListQuery,
    state::AppState,
};

/// `GET /projects/labels`
pub(crate) async fn all(
    guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let found = list::visible_containers(db, &guard.caller, Kind::Project, &query, None)?;
        let rows = found.rows.iter();
        let rows = rows.map(|project| {
            json!({"_id": project.id, "label": project.label(), "group": project.ancestor(Kind::Group)})
        });
        Ok(Rows { rows: rows.collect(), total: found.total })
    };
    state.store.read(work).await.map(list::answer)
}
