//! What is particular to collections: their contents and their curators.

use axum::{Json, extract::State};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    access::{self, Action},
    auth::Caller,
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    list,
    query::ListQuery,
    state::AppState,
    store::{
        containers,
        records::{self, AccountKind},
    },
};

/// Adds to a collection, or takes from it, the acquisitions that now lie below the named containers.
pub(crate) fn change_contents(
    db: &Connection,
    caller: &Caller,
    collection: &str,
    contents: &Value,
) -> ApiResult<()> {
    let add = contents.get("operation").is_some_and(|operation| operation == "add");
    let sql = if add {
        "INSERT OR IGNORE INTO collected (collection_id, acquisition_id) VALUES (?, ?)"
    } else {
        "DELETE FROM collected WHERE collection_id = ? AND acquisition_id = ?"
    };
    let mut change = db.prepare_cached(sql)?;
    for node in contents.get("nodes").and_then(Value::as_array).into_iter().flatten() {
        for acquisition in expand(db, caller, node)? {
            change.execute((collection, acquisition))?;
        }
    }
    Ok(())
}

fn expand(db: &Connection, caller: &Caller, node: &Value) -> ApiResult<Vec<String>> {
    let text = |key: &str| node.get(key).and_then(Value::as_str).unwrap_or_default();
    let kind =
        Kind::parse(text("level")).ok_or_else(|| ApiError::unprocessable("a node of unknown level"))?;
    let container = containers::get(db, kind, text("_id"))?;
    access::authorize(db, caller, &container, Action::ContainersViewMetadata)?;
    let column = kind.column().ok_or_else(|| ApiError::unprocessable("a node of unknown level"))?;
    let sql = format!("SELECT id FROM containers WHERE {column} = ? AND kind = 5 AND deleted IS NULL");
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map([&container.id], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// `GET /collections/curators`
pub(crate) async fn curators(
    guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let rows = list::visible_containers(db, &guard.caller, Kind::Collection, &query, None)?;
        let mut ids: Vec<String> = rows.rows.iter().map(|row| row.text("curator").to_owned()).collect();
        ids.sort();
        ids.dedup();
        let named = ids.into_iter().filter_map(|id| match records::account(db, AccountKind::User, &id) {
            Ok(user) => user.map(|user| {
                Ok(json!({"_id": id, "firstname": user.get("firstname"), "lastname": user.get("lastname")}))
            }),
            Err(error) => Some(Err(error)),
        });
        named.collect::<ApiResult<Vec<Value>>>()
    };
    state.store.read(work).await.map(|list| Json(list.into()))
}
