//! Lists of gears, single documents, and what a gear would take.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use rusqlite::Connection;
use serde_json::Value;

use super::{series, store};
use crate::{
    error::{ApiError, ApiResult},
    filter_sql::Condition,
    guard::Guard,
    list::{self, List, Rows, doc_row},
    query::ListQuery,
    state::AppState,
};

/// `GET /gears`: the newest version of each name; all of them with `all_versions`, also those that never run with
/// `include_invalid`.
pub(super) async fn all(
    guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        if query.exhaustive && !guard.caller.is_superuser() {
            return Err(ApiError::forbidden("exhaustive=true is for site administrators"));
        }
        let mut list = List::gears(&query);
        if !query.params.flag("all_versions") {
            list = list.and(Condition::new(store::NEWEST, Vec::new()));
        }
        if !query.params.flag("include_invalid") {
            list = list.and(Condition::new(store::VALID, Vec::new()));
        }
        let project = query.params.get("project_id").filter(|id| !id.is_empty());
        let hidden = series::hidden(db, &guard.caller, project)?;
        if !hidden.is_empty() {
            let names = Value::from(hidden).to_string();
            let sql = "g.name NOT IN (SELECT value FROM json_each(?))";
            list = list.and(Condition::new(sql, vec![names.into()]));
        }
        let Rows { rows, total } = list.run(db, doc_row)?;
        Ok(Rows { rows: rows.into_iter().map(Value::Object).collect(), total })
    };
    state.store.read(work).await.map(list::answer)
}

/// `GET /gears/{id}`
pub(super) async fn get(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    state.store.read(move |db| Ok(Json(series::visible(db, &guard.caller, &id)?.doc.into()))).await
}

/// `GET /gears/{id}/invocation`
pub(super) async fn invocation(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        Ok(Json(series::visible(db, &guard.caller, &id)?.manifest()?.invocation_schema()))
    };
    state.store.read(work).await
}
