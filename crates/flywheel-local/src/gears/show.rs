//! Lists of gears, single documents, and what a gear would take.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use flywheel_core::path::Segment;
use rusqlite::Connection;
use serde_json::Value;

use super::{
    series,
    store::{self, Gear},
};
use crate::{
    auth::Caller,
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

/// The gear that a path names: the newest version of a name, the version of an id, or an exact version.
///
/// # Errors
/// 404 when there is none that the caller may see.
pub(crate) fn named(
    db: &Connection,
    caller: &Caller,
    gear: &Segment,
    version: Option<&str>,
) -> ApiResult<Gear> {
    let missing = || ApiError::not_found(format!("No match for gear with name {gear}"));
    let found = match gear {
        Segment::Id(id) => store::get(db, id).map_err(|_| missing())?,
        Segment::Label(name) => store::newest(db, name)?.ok_or_else(missing)?,
    };
    let found = match version {
        None => found,
        Some(version) => store::version(db, found.name(), version)?.ok_or_else(|| {
            ApiError::not_found(format!("No match for version {version} of gear {}", found.name()))
        })?,
    };
    if series::sees(db, caller, found.name(), None)? { Ok(found) } else { Err(missing()) }
}

/// What lies below `gears` in paths: the newest version of each name, or below a gear its other versions, newest first.
///
/// # Errors
/// When the database fails.
pub(crate) fn children(db: &Connection, caller: &Caller, of: Option<&Gear>) -> ApiResult<Vec<Gear>> {
    if let Some(gear) = of {
        let others = store::versions(db, gear.name())?.into_iter();
        return Ok(others.filter(|other| other.id != gear.id).collect());
    }
    let query = ListQuery::default();
    let list = List::gears(&query).and(Condition::new(store::NEWEST, Vec::new()));
    let rows = list.and(Condition::new(store::VALID, Vec::new())).run(db, doc_row)?.rows;
    let mut seen = Vec::new();
    for doc in rows {
        let id = doc.get("_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let gear = Gear { id, doc };
        if series::sees(db, caller, gear.name(), None)? {
            seen.push(gear);
        }
    }
    Ok(seen)
}
