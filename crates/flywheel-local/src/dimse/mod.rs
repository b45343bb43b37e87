//! The directory of DICOM application entities: `/dimse/projects` and `/dimse/services`. The site keeps it; the DICOM
//! network itself is spoken by connectors beside a site.

#[cfg(test)]
mod tests;

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    access::{
        self, Action,
        Need::{Login, On, SiteAdmin},
    },
    body::{Field, JsonBody, Shape, TEXT, check, may, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    route::{Route, delete, get, post},
    state::AppState,
    store::{Doc, containers, new_id, now, shelf::Shelf},
};

/// The entities that stand for projects: what is sent to one lands there.
const PROJECTS: Shelf = Shelf::new("project entity", "application entity");

/// The entities of other machines.
const SERVICES: Shelf = Shelf::new("service entity", "application entity");

/// The title of an entity: 16 characters at most, as in DICOM.
const TITLE: Shape = Shape::Text(1, 16);

const PROJECT: &[Field] =
    &[may("aet", TITLE), may("created", Shape::Time), may("creator", TEXT), must("project_id", Shape::Id)];

const SERVICE: &[Field] = &[
    may("aet", TITLE),
    may("created", Shape::Time),
    may("creator", TEXT),
    must("host", Shape::Text(1, 256)),
    must("port", Shape::Int),
];

/// Every route of this area.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        get("/dimse/projects", Login, projects),
        post("/dimse/projects", On(Action::SettingsModify), add_project),
        get("/dimse/projects/{id}", Login, project),
        delete("/dimse/projects/{id}", Login, remove_project),
        get("/dimse/services", Login, services),
        post("/dimse/services", SiteAdmin, add_service),
        get("/dimse/services/{id}", Login, service),
        delete("/dimse/services/{id}", SiteAdmin, remove_service),
    ]
}

/// The entity that a path names, by its id or its title.
fn find(db: &Connection, shelf: Shelf, name: &str) -> ApiResult<Doc> {
    let named = |doc: &Doc| ["_id", "aet"].iter().any(|key| doc.get(*key).is_some_and(|own| own == name));
    let missing = || ApiError::not_found(format!("No application entity {name} found"));
    shelf.all(db)?.into_iter().find(named).ok_or_else(missing)
}

fn add(db: &Connection, guard: &Guard, shelf: Shelf, mut said: Doc) -> ApiResult<Value> {
    said.retain(|_, value| !value.is_null());
    let id = new_id();
    let title = said.get("aet").and_then(Value::as_str).map_or_else(
        // The last sixteen digits of an id differ from entity to entity.
        || id.chars().skip(id.len().saturating_sub(16)).collect::<String>().to_uppercase(),
        str::to_owned,
    );
    for other in [PROJECTS, SERVICES] {
        if other.all(db)?.iter().any(|doc| doc.get("aet").is_some_and(|own| *own == title)) {
            return Err(ApiError::conflict(format!("There is an application entity {title} already")));
        }
    }
    let mut entity = Doc::from_iter([("_id".to_owned(), Value::from(id))]);
    entity.insert("created".into(), now().into());
    entity.insert("creator".into(), guard.caller.id().into());
    entity.extend(said);
    entity.insert("aet".into(), title.into());
    shelf.put(db, &entity)?;
    Ok(entity.into())
}

fn sees(db: &Connection, guard: &Guard, entity: &Doc, action: Action) -> ApiResult<bool> {
    let project = entity.get("project_id").and_then(Value::as_str).unwrap_or_default();
    match containers::find(db, project)? {
        Some(project) => access::allowed(db, &guard.caller, &project, action),
        None => Ok(false),
    }
}

/// `GET /dimse/projects`
async fn projects(guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let mut seen = Vec::new();
        for entity in PROJECTS.all(db)? {
            if sees(db, &guard, &entity, Action::SettingsView)? {
                seen.push(Value::Object(entity));
            }
        }
        Ok(seen.into())
    };
    state.store.read(work).await.map(Json)
}

/// `POST /dimse/projects`
async fn add_project(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let said = check(body, PROJECT)?;
    let work = move |db: &Connection| {
        let project = said.get("project_id").and_then(Value::as_str).unwrap_or_default();
        guard.container_of(db, Kind::Project, project)?;
        add(db, &guard, PROJECTS, said)
    };
    state.store.write(work).await.map(Json)
}

/// `GET /dimse/projects/{project_aet}`
async fn project(
    guard: Guard,
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let entity = find(db, PROJECTS, &name)?;
        if sees(db, &guard, &entity, Action::SettingsView)? {
            return Ok(entity.into());
        }
        Err(ApiError::not_found(format!("No application entity {name} found")))
    };
    state.store.read(work).await.map(Json)
}

/// `DELETE /dimse/projects/{project_aet}`
async fn remove_project(
    guard: Guard,
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let entity = find(db, PROJECTS, &name)?;
        let project = entity.get("project_id").and_then(Value::as_str).unwrap_or_default();
        match containers::find(db, project)? {
            Some(project) => access::authorize(db, &guard.caller, &project, Action::SettingsModify)?,
            None if guard.caller.is_superuser() => {}
            None => return Err(ApiError::not_found(format!("No application entity {name} found"))),
        }
        take(db, PROJECTS, &entity)
    };
    state.store.write(work).await.map(Json)
}

fn take(db: &Connection, shelf: Shelf, entity: &Doc) -> ApiResult<Value> {
    shelf.remove(db, entity.get("_id").and_then(Value::as_str).unwrap_or_default())?;
    Ok(json!({"deleted": 1}))
}

/// `GET /dimse/services`
async fn services(_guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let work = |db: &Connection| Ok(SERVICES.all(db)?.into_iter().map(Value::Object).collect());
    state.store.read(work).await.map(Json)
}

/// `POST /dimse/services`
async fn add_service(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let said = check(body, SERVICE)?;
    state.store.write(move |db| add(db, &guard, SERVICES, said)).await.map(Json)
}

/// `GET /dimse/services/{service_aet}`
async fn service(
    _guard: Guard,
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    state.store.read(move |db| find(db, SERVICES, &name)).await.map(|entity| Json(entity.into()))
}

/// `DELETE /dimse/services/{service_aet}`
async fn remove_service(
    _guard: Guard,
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let entity = find(db, SERVICES, &name)?;
        take(db, SERVICES, &entity)
    };
    state.store.write(work).await.map(Json)
}
