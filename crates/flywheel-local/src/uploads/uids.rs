//! Which uids of sessions and acquisitions are there, as far as the caller may see them.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use crate::{
    access::{self, Action},
    body::{self, Field, JsonBody, Shape, TEXT, may},
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
    },
};

const LEVELS: [Kind; 2] = [Kind::Session, Kind::Acquisition];

const FIELDS: &[Field] = &[
    may("project_id", Shape::Id),
    may("project_ids", Shape::List(&Shape::Id)),
    may("sessions", Shape::List(&TEXT)),
    may("acquisitions", Shape::List(&TEXT)),
];

/// `POST /uids`: `{sessions}` or `{acquisitions}`, of some projects or of all; answers those that exist.
pub(crate) async fn check(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let asked = read(body)?;
    let work = move |db: &Connection| {
        let mut answer = Map::new();
        for (kind, uids) in asked_levels(&asked) {
            let found = projects_of(db, &guard, kind, uids, &asked)?;
            let there = uids.as_array().into_iter().flatten();
            let there = there.filter(|uid| {
                uid.as_str().is_some_and(|uid| found.values().any(|has| has.contains(&uid.to_owned())))
            });
            answer.insert(kind.plural().into(), there.cloned().collect());
        }
        Ok(Json(answer.into()))
    };
    state.store.read(work).await
}

/// `POST /uids/projects`: the projects that have any of the uids, and which: `[{_id, label, group, sessions, acquisitions}]`.
pub(crate) async fn projects(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let asked = read(body)?;
    let work = move |db: &Connection| {
        let mut found: BTreeMap<String, Value> = BTreeMap::new();
        for (kind, uids) in asked_levels(&asked) {
            for (project, uids) in projects_of(db, &guard, kind, uids, &asked)? {
                let row = match found.entry(project) {
                    std::collections::btree_map::Entry::Occupied(row) => row.into_mut(),
                    std::collections::btree_map::Entry::Vacant(place) => {
                        let project = containers::get(db, Kind::Project, place.key())?;
                        place.insert(json!({
                            "_id": project.id, "label": project.label(), "group": project.ancestor(Kind::Group),
                            "sessions": [], "acquisitions": [],
                        }))
                    }
                };
                row[kind.plural()] = uids.into();
            }
        }
        Ok(Json(found.into_values().collect()))
    };
    state.store.read(work).await
}

fn read(body: Value) -> ApiResult<Doc> {
    let asked = body::check(body, FIELDS)?;
    if asked_levels(&asked).next().is_none() {
        return Err(ApiError::unprocessable("name the uids to look for as sessions or acquisitions"));
    }
    Ok(asked)
}

fn asked_levels(asked: &Doc) -> impl Iterator<Item = (Kind, &Value)> {
    LEVELS
        .into_iter()
        .filter_map(|kind| Some((kind, asked.get(kind.plural()).filter(|uids| !uids.is_null())?)))
}

/// The uids that are there, by project, of the projects that the caller may see and asked about.
fn projects_of(
    db: &Connection,
    guard: &Guard,
    kind: Kind,
    uids: &Value,
    asked: &Doc,
) -> ApiResult<BTreeMap<String, Vec<String>>> {
    let one = asked.get("project_id").into_iter();
    let several = asked.get("project_ids").and_then(Value::as_array).into_iter().flatten();
    let wanted: Vec<&str> = one.chain(several).filter_map(Value::as_str).collect();
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT c.project_id, c.uid FROM json_each(?) u
         CROSS JOIN containers c INDEXED BY containers_by_kind_uid
         WHERE c.kind = ? AND c.uid = CAST(u.value AS TEXT) AND c.deleted IS NULL
         ORDER BY c.project_id, c.uid",
    )?;
    let mut rows = statement.query((uids.to_string(), kind.code()))?;
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let project: String = row.get(0)?;
        if wanted.is_empty() || wanted.contains(&project.as_str()) {
            found.entry(project).or_default().push(row.get(1)?);
        }
    }
    let mut visible = BTreeMap::new();
    for (id, uids) in found {
        let project: Container = containers::get(db, Kind::Project, &id)?;
        if access::allowed(db, &guard.caller, &project, Action::ContainersViewMetadata)? {
            visible.insert(id, uids);
        }
    }
    Ok(visible)
}
