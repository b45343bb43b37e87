//! `/audit-trail/reports` and below.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use rusqlite::{Connection, named_params};
use serde_json::{Value, json};

use crate::{
    access::{
        self, Action,
        Need::{Login, On},
    },
    body::{JsonBody, LABEL, Shape, check, check_change, may, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    list::{self, Rows},
    query::ListQuery,
    route::{Route, delete, get, patch, post},
    state::AppState,
    store::{Doc, containers, now, shelf::Shelf},
};

const REPORTS: Shelf = Shelf::new("audit report", "audit trail report");

const STATUS: Shape = Shape::OneOf(&["pending", "complete", "failed", "in_progress", "canceled"]);

/// Every route of this area. What may be seen of a report is decided by its project, so the handlers check it.
pub(crate) fn routes() -> Vec<Route> {
    let (all, one) = ("/audit-trail/reports", "/audit-trail/reports/{id}");
    vec![
        get(all, Login, list_all),
        post(all, On(Action::AuditTrailReportsManage), add),
        patch(one, Login, modify),
        delete(one, Login, remove),
        get(&format!("{one}/download"), Login, download),
        get(&format!("{one}/csv"), Login, csv),
    ]
}

/// A report, when the caller may do this to it.
fn report(db: &Connection, guard: &Guard, id: &str, action: Action) -> ApiResult<Doc> {
    let report = REPORTS.get(db, id)?;
    let project = report.get("project_id").and_then(Value::as_str).unwrap_or_default();
    let project = containers::get(db, Kind::Project, project)?;
    access::authorize(db, &guard.caller, &project, action)?;
    Ok(report)
}

fn shown(mut report: Doc) -> Value {
    report.shift_remove("last");
    report.into()
}

/// `GET /audit-trail/reports?filter=project_id=…`
async fn list_all(guard: Guard, State(state): State<AppState>, query: ListQuery) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let found = REPORTS.sifted(db, &query, |report| {
            let project = report.get("project_id").and_then(Value::as_str).unwrap_or_default();
            match containers::find(db, project)? {
                Some(project) => access::allowed(db, &guard.caller, &project, Action::AuditTrailReportsView),
                None => Ok(false),
            }
        })?;
        Ok(Rows { rows: found.rows.into_iter().map(shown).collect(), total: found.total })
    };
    state.store.read(work).await.map(list::answer)
}

/// `POST /audit-trail/reports` with `{project_id, subject_ids, label}`
async fn add(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let fields = [
        must("project_id", Shape::Id),
        may("subject_ids", Shape::List(&Shape::Id)),
        must("label", LABEL),
        may("status", STATUS),
        may("created", Shape::Time),
    ];
    let given = check(body, &fields)?;
    let work = move |db: &Connection| {
        let project = given.get("project_id").and_then(Value::as_str).unwrap_or_default();
        guard.container_of(db, Kind::Project, project)?;
        let last: i64 = db.query_row("SELECT coalesce(max(number), 0) FROM changes", [], |row| row.get(0))?;
        let mut report = REPORTS.fresh(&guard.caller);
        for key in ["project_id", "subject_ids", "label"] {
            if let Some(value) = given.get(key).filter(|value| !value.is_null()) {
                report.insert(key.into(), value.clone());
            }
        }
        report.shift_remove("modified");
        report.insert("status".into(), "complete".into());
        report.insert("finished".into(), now().into());
        report.insert("last".into(), last.into());
        let size = table(db, &report)?.len();
        report.insert("size".into(), size.into());
        REPORTS.put(db, &report)?;
        Ok(shown(report))
    };
    state.store.write(work).await.map(Json)
}

/// `PATCH /audit-trail/reports/{id}` with `{status}`
async fn modify(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let change = check_change(body, &[may("status", STATUS)])?;
    let work = move |db: &Connection| {
        let mut report = report(db, &guard, &id, Action::AuditTrailReportsManage)?;
        report.extend(change.into_iter().filter(|(_, value)| !value.is_null()));
        REPORTS.put(db, &report)?;
        Ok(shown(report))
    };
    state.store.write(work).await.map(Json)
}

/// `DELETE /audit-trail/reports/{id}`
async fn remove(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        report(db, &guard, &id, Action::AuditTrailReportsManage)?;
        REPORTS.remove(db, &id)?;
        Ok(json!({"deleted": 1}))
    };
    state.store.write(work).await.map(Json)
}

/// `GET /audit-trail/reports/{id}/download`: an address is for storage that can sign one.
async fn download(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    state.store.read(move |db| report(db, &guard, &id, Action::AuditTrailReportsView)).await?;
    Err(ApiError::not_found("The storage of this site signs no addresses of reports: read …/csv instead"))
}

/// `GET /audit-trail/reports/{id}/csv`
async fn csv(guard: Guard, State(state): State<AppState>, Path(id): Path<String>) -> ApiResult<Response> {
    let name = format!("attachment; filename=\"audit-trail-{id}.csv\"");
    let work = move |db: &Connection| {
        let report = report(db, &guard, &id, Action::AuditTrailReportsView)?;
        match report.get("status").and_then(Value::as_str) {
            Some("complete") => table(db, &report),
            status => Err(ApiError::conflict(format!("The report is {}", status.unwrap_or("not complete")))),
        }
    };
    let text = state.store.read(work).await?;
    let headers = [(CONTENT_TYPE, "application/octet-stream".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, text).into_response())
}

const COLUMNS: [&str; 11] = [
    "created",
    "container_type",
    "container_id",
    "file_version",
    "method",
    "revision",
    "origin_type",
    "origin_id",
    "reason",
    "subject_id",
    "patch",
];

/// The report as CSV: every change up to the last that it goes to, and every file that was made until it was asked for.
fn table(db: &Connection, report: &Doc) -> ApiResult<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(ApiError::internal)?;
    let mut statement = db.prepare_cached(
        "SELECT created, kind, thing, version, method, revision, origin ->> '$.type', origin ->> '$.id', reason,
            subject_id, patch
         FROM (
            SELECT created, kind, thing, version, method, revision, origin, reason, subject_id, patch FROM changes
                WHERE project_id = :project AND number <= :last
            UNION ALL
            SELECT created, 'file', file_id, version, 'CREATE', 1, doc -> '$.origin', NULL, subject_id, NULL FROM files
                WHERE project_id = :project AND created <= :finished)
         WHERE :subjects IS NULL OR subject_id IN (SELECT value FROM json_each(:subjects))
         ORDER BY created, thing, revision",
    )?;
    let text = |key: &str| report.get(key).and_then(Value::as_str);
    let mut rows = statement.query(named_params! {
        ":project": text("project_id"), ":last": report.get("last").and_then(Value::as_i64),
        ":finished": text("finished"), ":subjects": report.get("subject_ids").map(Value::to_string),
    })?;
    while let Some(row) = rows.next()? {
        let mut cells = Vec::with_capacity(COLUMNS.len());
        for place in 0..COLUMNS.len() {
            cells.push(match row.get::<_, rusqlite::types::Value>(place)? {
                rusqlite::types::Value::Text(text) => text,
                rusqlite::types::Value::Integer(number) => number.to_string(),
                _ => String::new(),
            });
        }
        writer.write_record(&cells).map_err(ApiError::internal)?;
    }
    writer.into_inner().map_err(|error| ApiError::internal(error.error()))
}
