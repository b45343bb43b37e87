//! Lists of jobs, and single ones.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    show,
    states::State as JobState,
    store::{self, Job},
};
use crate::{
    access::Action,
    auth::Caller,
    error::{ApiError, ApiResult},
    filter_sql::Condition,
    guard::Guard,
    list::{self, List, Rows, Sight},
    query::{ListQuery, Params},
    state::AppState,
};

fn rows(db: &Connection, list: List<'_>, query: &ListQuery) -> ApiResult<Rows<Value>> {
    let Rows { rows, total } = list.run(db, Job::from_row)?;
    let parents = query.params.flag("include_parent_info");
    let rows = rows.into_iter().map(|job| show::row(db, job, query.all_info, parents));
    Ok(Rows { rows: rows.collect::<ApiResult<_>>()?, total })
}

/// The jobs that a caller may see: all for administrators and devices, their own, and those of projects whose roles show
/// jobs.
fn seen<'a>(query: &'a ListQuery, caller: &Caller) -> List<'a> {
    let list = List::jobs(query);
    if caller.is_superuser() {
        return list;
    }
    list.and(Sight::Jobs(Action::JobsView).condition(caller))
}

/// The jobs that a caller may see and that meet a condition.
pub(crate) fn found(
    db: &Connection,
    caller: &Caller,
    query: &ListQuery,
    condition: Option<Condition>,
) -> ApiResult<Rows<Value>> {
    rows(db, condition.into_iter().fold(seen(query, caller), List::and), query)
}

/// `GET /jobs`
pub(super) async fn all(
    guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| rows(db, seen(&query, &guard.caller), &query);
    state.store.read(work).await.map(list::answer)
}

/// `GET /users/self/jobs`: the caller's own, of one gear when `gear` names it; with `exhaustive` everybody's.
pub(super) async fn own(
    guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let caller = &guard.caller;
        if query.exhaustive && !caller.is_superuser() {
            return Err(ApiError::forbidden("exhaustive=true is for site administrators"));
        }
        let begin = || {
            let mut list = List::jobs(&query);
            if !query.exhaustive {
                list = list.and(Condition::new("j.asker = ?", vec![caller.id().to_owned().into()]));
            }
            match query.params.get("gear").filter(|gear| !gear.is_empty()) {
                Some(gear) => list.and(Condition::new(
                    "? IN (j.gear_id, j.doc ->> '$.gear_info.name')",
                    vec![gear.to_owned().into()],
                )),
                None => list,
            }
        };
        let total = begin().total(db)?;
        let mut stats = json!({});
        for job_state in JobState::ALL {
            let of_state = Condition::new("j.state = ?", vec![job_state.name().to_owned().into()]);
            stats[job_state.name()] = begin().and(of_state).total(db)?.into();
        }
        let Rows { rows, .. } = begin().run(db, Job::from_row)?;
        let jobs: Vec<Value> = rows.into_iter().map(show::plain).collect();
        Ok(Json(json!({"total": total, "jobs": jobs, "stats": stats})))
    };
    state.store.read(work).await
}

/// `GET /sessions/{id}/jobs` and `GET /projects/{id}/jobs`: jobs with an input or their destination there or below.
pub(super) async fn of_container(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let container = guard.container(db, &id)?;
        let related = "j.id IN (SELECT job_id FROM job_containers WHERE container_id = ?)";
        let mut list = seen(&query, &guard.caller).and(Condition::new(related, vec![container.id.into()]));
        for (name, sql) in [
            ("states", "j.state IN (SELECT value FROM json_each(?))"),
            (
                "tags",
                "EXISTS (SELECT 1 FROM json_each(j.doc, '$.tags') t
                    WHERE t.value IN (SELECT value FROM json_each(?)))",
            ),
        ] {
            let given = several(&query.params, name);
            if !given.is_empty() {
                list = list.and(Condition::new(sql, vec![Value::from(given).to_string().into()]));
            }
        }
        rows(db, list, &query)
    };
    let found = state.store.read(work).await?;
    match found.total {
        Some(_) => Ok(list::answer(found)),
        None => Ok(Json(json!({"jobs": found.rows})).into_response()),
    }
}

/// The values of a parameter that may be repeated, or hold several with commas between.
pub(super) fn several(params: &Params, name: &str) -> Vec<String> {
    let values = params.all(name).flat_map(|value| value.split(','));
    values.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

/// The job of a path, when the caller may see it.
pub(super) fn visible(db: &Connection, guard: &Guard, id: &str) -> ApiResult<Job> {
    let job = store::get(db, id)?;
    show::require_view(db, &guard.caller, &job)?;
    Ok(job)
}

/// `GET /jobs/{id}`
pub(super) async fn get(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let job = visible(db, &guard, &id)?;
        show::whole(db, job).map(Json)
    };
    state.store.read(work).await
}

/// `GET /jobs/{id}/detail`
pub(super) async fn detail(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let job = visible(db, &guard, &id)?;
        show::detail(db, job).map(Json)
    };
    state.store.read(work).await
}

/// `GET /jobs/stats`: how many jobs there are in each state, by the gear's name as well.
pub(super) async fn stats(guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let query = ListQuery::default();
        let mut by_state = json!({});
        for job_state in JobState::ALL {
            let of_state = Condition::new("j.state = ?", vec![job_state.name().to_owned().into()]);
            let count = seen(&query, &guard.caller).and(of_state).total(db)?;
            by_state[job_state.name()] = count.into();
        }
        Ok(Json(json!({"states": by_state})))
    };
    state.store.read(work).await
}
