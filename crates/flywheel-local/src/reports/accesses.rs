//! `GET /report/accesslog`: the access log, newest first.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use flywheel_core::time;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{span::instant, table};
use crate::{
    access_log::TYPES,
    error::{ApiError, ApiResult},
    filter_sql::{Condition, Place, Source, Type},
    guard::Guard,
    list::{self, List, Rows, doc_row},
    query::{ListQuery, Params},
    state::AppState,
};

/// The entries of a report when the call names no limit.
const LIMIT: i64 = 100;

const COLUMNS: [&str; 14] = [
    "_id",
    "timestamp",
    "access_type",
    "outcome",
    "user_id",
    "origin.type",
    "origin.id",
    "request_method",
    "request_path",
    "context.group.label",
    "context.project.label",
    "context.subject.label",
    "context.session.label",
    "context.acquisition.label",
];

/// `GET /report/accesslog/types`
pub(super) async fn types(_guard: Guard) -> Json<Value> {
    Json(json!(TYPES))
}

/// `GET /report/accesslog`
pub(super) async fn report(
    _guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Response> {
    let mut query = query.unless_named(LIMIT);
    let conditions = conditions(&query.params)?;
    let as_csv = query.params.flag("csv");
    if query.sort.keys.is_empty() && query.after_id.is_none() {
        query.sort = "timestamp:desc,_id:desc".parse().map_err(ApiError::internal)?;
    }
    state.journal.empty(&state.store).await?;
    let work = move |db: &Connection| {
        let list = List::of("r.doc FROM access_log r", "r.id", &Log, &query);
        conditions.into_iter().fold(list, List::and).run(db, doc_row)
    };
    let Rows { rows, total } = state.store.read(work).await?;
    let rows: Vec<Value> = rows.into_iter().map(Value::Object).collect();
    if as_csv { table::csv(&COLUMNS, &rows) } else { Ok(list::answer(Rows { rows, total }).into_response()) }
}

/// What the parameters narrow the report to.
fn conditions(params: &Params) -> ApiResult<Vec<Condition>> {
    let mut conditions = Vec::new();
    for (name, column) in [("user", "user_id"), ("project", "project_id"), ("subject", "subject_id")] {
        if let Some(value) = params.get(name).filter(|value| !value.is_empty()) {
            conditions.push(Condition::new(format!("r.{column} = ?"), vec![value.to_owned().into()]));
        }
    }
    for (name, operator) in [("start_date", ">="), ("end_date", "<=")] {
        if let Some(instant) = instant(params, name)? {
            let value = vec![time::format(instant).into()];
            conditions.push(Condition::new(format!("r.timestamp {operator} ?"), value));
        }
    }
    let given = params.all("access_types").flat_map(|types| types.split(','));
    let types: Vec<&str> = given.filter(|kind| !kind.is_empty()).collect();
    if let Some(unknown) = types.iter().find(|kind| !TYPES.contains(kind)) {
        return Err(ApiError::bad_request(format!(
            "{unknown:?} is no access type: see /report/accesslog/types"
        )));
    }
    if !types.is_empty() {
        let list = json!(types).to_string();
        let sql = "r.access_type IN (SELECT value FROM json_each(?))";
        conditions.push(Condition::new(sql, vec![list.into()]));
    }
    Ok(conditions)
}

/// The log as a source of lists.
struct Log;

impl Source for Log {
    fn place(&self, field: &str) -> Place {
        match field {
            "_id" | "id" => Place::Column("r.id".into(), Type::Id),
            "timestamp" => Place::Column("r.timestamp".into(), Type::Time),
            "access_type" => Place::Column("r.access_type".into(), Type::Text),
            _ => Place::Doc(field.to_owned()),
        }
    }

    fn doc(&self) -> &'static str {
        "r.doc"
    }
}
