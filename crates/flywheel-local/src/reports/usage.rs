//! Usage by month and by day, in the forms that older clients ask for.
//!
//! The platform tells what the centre pays for from what groups pay for; here everything is the centre's.

use axum::{Json, extract::State, response::Response};
use chrono::{Datelike, Days, NaiveDate, Utc};
use rusqlite::{Connection, named_params};
use serde_json::{Value, json};

use super::{
    span::{Span, instant, stamp},
    totals,
};
use crate::{
    error::{ApiError, ApiResult},
    guard::Guard,
    query::Params,
    route::nothing,
    state::AppState,
    store::now,
};

/// `GET /report/usage?year=&month=&project=`: each project's month.
pub(super) async fn monthly(
    _guard: Guard,
    State(state): State<AppState>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let month = Span::month(&params)?;
    let work = move |db: &Connection| {
        let project = params.get("project").filter(|project| !project.is_empty());
        let tomorrow = Utc::now().date_naive().checked_add_days(Days::new(1)).unwrap_or(month.to);
        let until = month.to.min(tomorrow).max(month.from);
        let (from, to) = (stamp(month.from), stamp(until).min(now()));
        let standing = totals::standing_at(db, &stamp(month.to))?;
        let kept = totals::byte_days(db, &from, &to)?;
        let jobs = totals::jobs(db, &from, &to)?;
        let rows = totals::projects(db, None, project)?.into_iter().filter_map(|(id, project)| {
            let now = standing.get(&id).copied();
            let (bytes, deleted) = kept.get(&id).copied().unwrap_or_default();
            let (count, time) = jobs.get(&id).copied().unwrap_or_default();
            (now.is_some() || bytes + deleted + count > 0).then(|| {
                json!({
                    "project": id, "project_label": project.label, "group": project.group,
                    "session_count": now.unwrap_or_default().sessions,
                    "center_job_count": count, "group_job_count": 0, "total_job_count": count,
                    "center_compute_ms": time, "group_compute_ms": 0, "total_compute_ms": time,
                    "center_storage_byte_day": bytes, "group_storage_byte_day": 0, "total_storage_byte_day": bytes,
                    "center_storage_soft_deleted_byte_day": deleted, "group_storage_soft_deleted_byte_day": 0,
                    "total_storage_soft_deleted_byte_day": deleted, "days": (until - month.from).num_days(),
                })
            })
        });
        Ok(rows.collect())
    };
    state.store.read(work).await.map(Json)
}

/// `GET /report/daily-usage?year=&month=&group=&project=`
pub(super) async fn daily(
    _guard: Guard,
    State(state): State<AppState>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let days = Span::month(&params)?.days()?;
    by_day(state, params, days).await
}

/// `GET /report/daily-usage-range?start_date=&end_date=&group=&project=`
pub(super) async fn range(
    _guard: Guard,
    State(state): State<AppState>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let days = Span::between(&params)?.days()?;
    by_day(state, params, days).await
}

async fn by_day(state: AppState, params: Params, days: Vec<NaiveDate>) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let named = |name: &str| params.get(name).filter(|value| !value.is_empty());
        let projects = totals::projects(db, named("group"), named("project"))?;
        let mut rows = Vec::new();
        for day in days {
            let (from, to) = (stamp(day), stamp(day.checked_add_days(Days::new(1)).unwrap_or(day)));
            let standing = totals::standing_at(db, &to)?;
            let jobs = totals::jobs(db, &from, &to)?;
            for (id, project) in &projects {
                let Some(there) = standing.get(id) else { continue };
                let (count, time) = jobs.get(id).copied().unwrap_or_default();
                rows.push(json!({
                    "year": day.year(), "month": day.month(), "day": day.day(), "project": id,
                    "project_label": project.label, "group": project.group, "group_label": project.group_label,
                    "session_count": there.sessions, "center_job_count": count, "group_job_count": 0,
                    "center_compute_ms": time, "group_compute_ms": 0, "center_storage_bytes": there.bytes,
                    "center_storage_soft_deleted_bytes": there.deleted_bytes, "group_storage_bytes": 0,
                    "group_storage_soft_deleted_bytes": 0,
                }));
            }
        }
        Ok(rows.into())
    };
    state.store.read(work).await.map(Json)
}

/// `GET /report/legacy-usage?type=month|project&start_date=&end_date=`: what was made in that time.
pub(super) async fn legacy(
    _guard: Guard,
    State(state): State<AppState>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let by_month = match params.get("type") {
        Some("month") => true,
        Some("project") => false,
        _ => return Err(ApiError::bad_request("type should be month or project")),
    };
    let time = |name: &str| -> ApiResult<Option<String>> {
        Ok(instant(&params, name)?.map(flywheel_core::time::format))
    };
    let (from, to) = (time("start_date")?, time("end_date")?);
    let work = move |db: &Connection| {
        let key = if by_month { "substr(created, 1, 7)" } else { "project_id" };
        let sql = format!(
            "SELECT key, sum(sessions), sum(bytes) FROM (
                SELECT {key} AS key, 1 AS sessions, 0 AS bytes, created FROM containers
                    WHERE kind = 4 AND deleted IS NULL
                UNION ALL
                SELECT {key}, 0, coalesce(size, 0), created FROM files
                    WHERE deleted IS NULL AND project_id IS NOT NULL)
             WHERE (:from IS NULL OR created >= :from) AND (:to IS NULL OR created <= :to)
             GROUP BY key ORDER BY key"
        );
        let projects = totals::projects(db, None, None)?;
        let (first, last) = (from.as_deref().unwrap_or("0000"), to.as_deref().unwrap_or("9999"));
        let jobs =
            if by_month { totals::jobs_by_month(db, first, last)? } else { totals::jobs(db, first, last)? };
        let mut statement = db.prepare_cached(&sql)?;
        let rows = statement.query_map(named_params! {":from": from, ":to": to}, |row| {
            let (key, sessions, bytes): (String, i64, i64) = row.try_into()?;
            let mut entry = json!({
                "gear_execution_count": jobs.get(&key).map_or(0, |(count, _)| *count),
                "file_mbs": bytes as f64 / 1e6, "session_count": sessions,
            });
            if by_month {
                entry["year"] = key.get(..4).unwrap_or_default().into();
                entry["month"] = key.get(5..).unwrap_or_default().into();
            } else {
                let label = projects.get(&key).map(|project| project.label.as_str());
                entry["project"] = json!({"_id": key, "label": label.unwrap_or_default()});
            }
            Ok(entry)
        })?;
        Ok(rows.collect::<Result<Vec<Value>, _>>()?.into())
    };
    state.store.read(work).await.map(Json)
}

/// `GET /report/usage/availability`: the months of which there is something to report.
pub(super) async fn availability(_guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let work = |db: &Connection| {
        let sql = "SELECT min(created) FROM containers WHERE kind = 2";
        let first: Option<String> = db.query_row(sql, [], |row| row.get(0))?;
        let first = first.and_then(|text| flywheel_core::time::parse_utc(&text).ok());
        let today = Utc::now().date_naive();
        let months =
            first.map_or_else(Vec::new, |first| Span { from: first.date_naive(), to: today }.months());
        let mut months: Vec<(i32, u32)> =
            months.iter().map(|month| (month.from.year(), month.from.month())).collect();
        if first.is_some() && months.last() != Some(&(today.year(), today.month())) {
            months.push((today.year(), today.month()));
        }
        let list: Vec<Value> =
            months.into_iter().map(|(year, month)| json!({"year": year, "month": month})).collect();
        Ok(json!({"available_reports": list}))
    };
    state.store.read(work).await.map(Json)
}

/// `GET /report/usage/collect`: nothing has to be collected, since reports count what is there.
pub(super) async fn collect(_guard: Guard, params: Params) -> ApiResult<Response> {
    Span::month(&params)?;
    Ok(nothing())
}
