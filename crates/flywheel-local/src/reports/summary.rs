//! `GET /report/usage-summary`: what there was at the beginning of a time and at its end, for the whole site, by project,
//! by group or by month.

use std::{cmp::Ordering, collections::BTreeMap};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{Datelike, Days};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::{
    span::{Span, stamp},
    table,
    totals::{self, ORIGINS, Project, Standing},
};
use crate::{
    error::{ApiError, ApiResult},
    guard::Guard,
    list,
    query::ListQuery,
    state::AppState,
};

/// What the items are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Site,
    Project,
    Group,
    Month,
}

/// What a call asks for.
struct Wanted {
    by: By,
    span: Span,
    group: Option<String>,
    project: Option<String>,
    deleted: bool,
}

/// `GET /report/usage-summary`
pub(super) async fn report(
    _guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Response> {
    let params = &query.params;
    let by = match params.get("group_by").unwrap_or("none") {
        "none" | "" => By::Site,
        "project" => By::Project,
        "group" => By::Group,
        "month" => By::Month,
        other => {
            let message = format!("group_by should be none, project, group or month, not {other:?}");
            return Err(ApiError::bad_request(message));
        }
    };
    let named = |name: &str| params.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let wanted = Wanted {
        by,
        span: Span::between(params)?,
        group: named("group"),
        project: named("project"),
        deleted: params.flag("include_deleted_projects"),
    };
    let skip = usize::try_from(query.skip).unwrap_or(usize::MAX);
    let limit = query.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let mut items = state.store.read(move |db| items(db, &wanted)).await?;
    items.sort_by(|a, b| {
        let orders = query.sort.keys.iter().map(|key| {
            let order = compare(a.get(&key.path), b.get(&key.path));
            if key.order == flywheel_core::sort::Order::Descending { order.reverse() } else { order }
        });
        orders.fold(Ordering::Equal, Ordering::then)
    });
    let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let rows: Vec<Value> = items.into_iter().skip(skip).take(limit).map(Value::Object).collect();
    if params.get("csv").is_some_and(|csv| !csv.is_empty() && !csv.eq_ignore_ascii_case("false")) {
        let columns: Vec<String> =
            rows.first().and_then(Value::as_object).into_iter().flat_map(|row| row.keys().cloned()).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        return table::csv(&columns, &rows);
    }
    if query.paged {
        return Ok(Json(list::page(rows, total)).into_response());
    }
    Ok(Json(rows).into_response())
}

fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a.and_then(Value::as_f64), b.and_then(Value::as_f64)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.and_then(Value::as_str).cmp(&b.and_then(Value::as_str)),
    }
}

/// What is counted together.
#[derive(Default)]
struct Sum {
    start: Standing,
    end: Standing,
    jobs: (i64, i64),
}

fn items(db: &Connection, wanted: &Wanted) -> ApiResult<Vec<Map<String, Value>>> {
    let mut projects = totals::projects(db, wanted.group.as_deref(), wanted.project.as_deref())?;
    projects.retain(|_, project| wanted.deleted || !project.deleted);
    let spans = if wanted.by == By::Month { wanted.span.months() } else { vec![wanted.span] };
    let mut items = Vec::new();
    for span in spans {
        let (from, to) = (stamp(span.from), stamp(span.to));
        let (starts, ends) = (totals::standing_at(db, &from)?, totals::standing_at(db, &to)?);
        let jobs = totals::jobs(db, &from, &to)?;
        let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
        if matches!(wanted.by, By::Site | By::Month) {
            sums.entry("").or_default();
        }
        for (id, project) in &projects {
            let key = match wanted.by {
                By::Site | By::Month => "",
                By::Project => id,
                By::Group => &project.group,
            };
            let sum = sums.entry(key).or_default();
            sum.start.add(&starts.get(id).copied().unwrap_or_default());
            sum.end.add(&ends.get(id).copied().unwrap_or_default());
            let (count, time) = jobs.get(id).copied().unwrap_or_default();
            sum.jobs = (sum.jobs.0 + count, sum.jobs.1 + time);
        }
        items.extend(sums.into_iter().map(|(key, sum)| item(wanted.by, key, &projects, span, &sum)));
    }
    Ok(items)
}

fn item(
    by: By,
    key: &str,
    projects: &BTreeMap<String, Project>,
    span: Span,
    sum: &Sum,
) -> Map<String, Value> {
    let last = span.to.checked_sub_days(Days::new(1)).unwrap_or(span.to);
    let mut item = Map::new();
    match (by, projects.get(key)) {
        (By::Project, Some(project)) => {
            item.insert("project_id".into(), key.into());
            item.insert("project_label".into(), project.label.clone().into());
            item.insert("project_deleted".into(), project.deleted.into());
            item.insert("group_id".into(), project.group.clone().into());
            item.insert("group_label".into(), project.group_label.clone().into());
        }
        (By::Group, _) => {
            let label = projects.values().find(|project| project.group == key);
            item.insert("group_id".into(), key.into());
            item.insert("group_label".into(), label.map(|project| project.group_label.clone()).into());
        }
        (By::Month, _) => {
            item.insert("year".into(), span.from.year().into());
            item.insert("month".into(), span.from.month().into());
        }
        _ => {}
    }
    item.insert("period_start".into(), span.from.to_string().into());
    item.insert("period_end".into(), last.to_string().into());
    let mut count =
        |name: &str, of: fn(&Standing) -> i64| change(&mut item, name, of(&sum.start), of(&sum.end));
    count("session_count", |at| at.sessions);
    count("managed_data_bytes", |at| at.bytes);
    count("files_total_managed_count", |at| at.files);
    count("files_source_by_ref_count", |at| at.by_reference);
    count("files_source_original_count", |at| at.files - at.by_reference);
    count("files_deleted_soft_count", |at| at.deleted_files);
    count("files_deleted_hard_count", |_| 0);
    for ((origin, start), end) in ORIGINS.iter().zip(sum.start.origins).zip(sum.end.origins) {
        change(&mut item, &format!("files_origin_{origin}_count"), start, end);
    }
    item.insert("job_count_sum".into(), sum.jobs.0.into());
    item.insert("compute_ms_sum".into(), json!(sum.jobs.1));
    item
}

fn change(item: &mut Map<String, Value>, name: &str, start: i64, end: i64) {
    item.insert(format!("{name}_start"), start.into());
    item.insert(format!("{name}_end"), end.into());
    item.insert(format!("{name}_delta"), (end - start).into());
}
