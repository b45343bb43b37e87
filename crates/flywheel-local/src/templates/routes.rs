//! Setting, removing and recalculating the templates of projects.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{compliance::Template, settle::settle};
use crate::{
    access::{
        Action::{SessionTemplatesManage, SessionTemplatesView},
        Need::{On, SiteAdmin},
    },
    body::{JsonBody, Shape, TEXT, check, may, must},
    containers::change::modified,
    error::{ApiError, ApiResult, Detail},
    guard::Guard,
    kind::Kind,
    route::{Route, delete, post},
    state::AppState,
    store::containers,
};

const FILE: Shape = Shape::Object(&[may("minimum", Shape::Int), may("classification", TEXT)]);

const ACQUISITION: Shape = Shape::Object(&[
    may("minimum", Shape::Int),
    may("form_id", TEXT),
    may("files", Shape::List(&FILE)),
    may("label", TEXT),
]);

const TEMPLATE: Shape = Shape::Object(&[
    may("session", Shape::Object(&[may("label", TEXT)])),
    may("acquisitions", Shape::List(&ACQUISITION)),
    may("regex", Shape::Bool),
]);

/// Every route of session templates.
pub(crate) fn routes() -> Vec<Route> {
    let one = "/projects/{id}";
    vec![
        post(&format!("{one}/template"), On(SessionTemplatesManage), set).of(Kind::Project),
        delete(&format!("{one}/template"), On(SessionTemplatesManage), remove).of(Kind::Project),
        post(&format!("{one}/recalc"), On(SessionTemplatesView), recalc).of(Kind::Project),
        post("/projects/recalc", SiteAdmin, recalc_all),
    ]
}

/// `POST /projects/{id}/template`: these templates take the place of those there.
async fn set(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut doc = check(body, &[must("templates", Shape::List(&TEMPLATE))])?;
    let templates = doc.remove("templates").unwrap_or_default();
    for template in templates.as_array().into_iter().flatten() {
        Template::read(template).map_err(|message| {
            ApiError::invalid(vec![Detail::new(&["body", "templates"], "value_error", message, template)])
        })?;
    }
    let work = move |db: &Connection| {
        let mut project = guard.container(db, &id)?;
        project.doc.insert("templates".into(), templates);
        containers::save(db, &mut project)
    };
    state.store.write(work).await?;
    Ok(modified())
}

/// `DELETE /projects/{id}/template`
async fn remove(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let mut project = guard.container(db, &id)?;
        let templates = project.doc.insert("templates".into(), json!([]));
        let there = templates.as_ref().and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        containers::save(db, &mut project)?;
        Ok(json!({"deleted": i32::from(there)}))
    };
    state.store.write(work).await.map(Json)
}

/// `POST /projects/{id}/recalc`
async fn recalc(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let project = guard.container(db, &id)?;
        let sql = "INSERT OR IGNORE INTO stale_sessions
            SELECT id FROM containers WHERE project_id = ? AND kind = 4 AND deleted IS NULL";
        db.prepare_cached(sql)?.execute([&project.id])?;
        settle(db)
    };
    let changed = state.store.write(work).await?;
    Ok(Json(json!({"sessions_changed": changed})))
}

/// `POST /projects/recalc`
async fn recalc_all(_guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let work = |db: &Connection| {
        let sql = "INSERT OR IGNORE INTO stale_sessions SELECT id FROM containers WHERE kind = 4 AND deleted IS NULL";
        db.prepare_cached(sql)?.execute([])?;
        settle(db)
    };
    let changed = state.store.write(work).await?;
    Ok(Json(json!({"sessions_changed": changed})))
}
