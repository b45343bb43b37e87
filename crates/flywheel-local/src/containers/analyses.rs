//! Analyses as containers: made ad hoc with inputs or with a job, listed by where they lie.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{create, fields, show::shown};
use crate::{
    access::{self, Action},
    auth::Caller,
    body::{JsonBody, check},
    error::{ApiError, ApiResult},
    guard::Guard,
    jobs::{self, Asker, Order},
    kind::Kind,
    list::{self, Containers, List},
    query::{Features, ListQuery, Params},
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        files, new_id,
    },
};

/// `POST /{kind}/{id}/analyses`
pub(crate) async fn post(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut doc = check(body, fields::ANALYSIS)?;
    if let Some(job) = doc.remove("job").filter(|job| !job.is_null()) {
        return with_job(guard, state, id, params, doc, job).await;
    }
    let work = move |db: &Connection| {
        let parent = parent(db, &guard, &id, Action::AnalysesCreateSdk)?;
        let references = doc.remove("inputs").unwrap_or_default();
        let inputs =
            references.as_array().into_iter().flatten().map(|reference| input(db, &guard.caller, reference));
        let inputs = inputs.collect::<ApiResult<Vec<Value>>>()?;
        doc.insert("origin".into(), guard.caller.origin());
        let id = add(db, &parent, doc, inputs)?;
        Ok(json!({"_id": id}))
    };
    state.store.write(work).await.map(Json)
}

/// The container that an analysis is made in.
fn parent(db: &Connection, guard: &Guard, id: &str, action: Action) -> ApiResult<Container> {
    let parent = guard.container_for(db, id, action)?;
    if matches!(parent.kind, Kind::Group | Kind::Analysis) {
        return Err(ApiError::unprocessable(format!("A {} cannot have analyses", parent.kind)));
    }
    Ok(parent)
}

/// Adds an analysis of a container, with the entries of its inputs.
fn add(db: &Connection, parent: &Container, mut doc: Doc, inputs: Vec<Value>) -> ApiResult<String> {
    doc.insert("inputs".into(), inputs.clone().into());
    doc.insert("parent".into(), parent.reference());
    doc.insert("parents".into(), parent.parents_of_child());
    let id = create::add(db, Kind::Analysis, new_id(), doc)?;
    for entry in inputs {
        let file = entry.get("file_id").and_then(Value::as_str).unwrap_or_default();
        db.prepare_cached("INSERT OR IGNORE INTO analysis_inputs (file_id, analysis_id) VALUES (?, ?)")?
            .execute((file, &id))?;
    }
    Ok(id)
}

/// An analysis and the job that fills it, both or none. With `?job=true` the answer names the job.
async fn with_job(
    guard: Guard,
    state: AppState,
    id: String,
    params: Params,
    doc: Doc,
    job: Value,
) -> ApiResult<Json<Value>> {
    let order = jobs::read(job)?;
    let work = move |db: &Connection| {
        let parent = parent(db, &guard, &id, Action::AnalysesCreateJob)?;
        let (id, job) = add_with_job(db, &guard.caller, &parent, doc, order)?;
        let wants_job = params.flag("job");
        Ok(Json(if wants_job { json!({"_id": id, "job_id": job}) } else { json!({"_id": id}) }))
    };
    state.store.write(work).await
}

/// Makes an analysis of a container with the job that fills it. Answers the ids of both.
///
/// # Errors
/// As [`jobs::enqueue`]; 400 for a collection.
pub(crate) fn add_with_job(
    db: &Connection,
    caller: &Caller,
    parent: &Container,
    mut doc: Doc,
    mut order: Order,
) -> ApiResult<(String, String)> {
    if parent.kind == Kind::Collection {
        return Err(ApiError::bad_request(
            "A collection has no analyses with jobs: name a container in a project",
        ));
    }
    order.destination = Some(parent.reference());
    if let Some(provider) = doc.remove("compute_provider_id").as_ref().and_then(Value::as_str) {
        order.compute_provider_id = Some(provider.to_owned());
    }
    let asker = Asker::Caller(caller);
    let prepared = jobs::prepare(db, asker, order)?;
    doc.remove("inputs");
    doc.insert("origin".into(), caller.origin());
    doc.insert("gear_info".into(), prepared.gear_info());
    let id = add(db, parent, doc, prepared.input_entries())?;
    let mut analysis = containers::get(db, Kind::Analysis, &id)?;
    let job = prepared.submit(db, asker, &analysis)?;
    analysis.doc.insert("job".into(), job.id.clone().into());
    analysis.doc.insert("compute_provider_id".into(), job.text("compute_provider_id").into());
    containers::save(db, &mut analysis)?;
    Ok((id, job.id))
}

/// The entry of an input as it is now; later versions of the file leave it alone.
fn input(db: &Connection, caller: &Caller, reference: &Value) -> ApiResult<Value> {
    let text = |key: &str| reference.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, id, name) = (text("type"), text("id"), text("name"));
    let kind = Kind::parse(kind)
        .ok_or_else(|| ApiError::unprocessable(format!("{kind:?} is no kind of container")))?;
    let container = containers::get(db, kind, id)?;
    access::authorize(db, caller, &container, Action::FilesViewContents)?;
    let current = files::by_name(db, id, name)?;
    let wanted = reference.get("version").and_then(Value::as_i64).filter(|&version| version > 0);
    let file = match (current, wanted) {
        (Some(file), Some(version)) => files::by_id(db, file.file_id(), version)?,
        (file, _) => file,
    };
    let mut file =
        file.ok_or_else(|| ApiError::not_found(format!("No file {name:?} in {kind} {id} found")))?;
    file.doc.insert("file_group".into(), "inputs".into());
    Ok(file.doc.into())
}

/// `GET /{kind}/{id}/analyses`: those that belong to the container itself
pub(crate) async fn direct(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let parent = guard.container(db, &id)?;
        let source = Containers(Kind::Analysis);
        let rows = List::containers(&source, &query)
            .within("c.parent_id", &parent.id)
            .run(db, Container::from_row)?;
        shown(db, &guard, rows, &query)
    };
    state.store.read(work).await.map(list::answer)
}

/// `GET /{kind}/{id}/{below}/analyses`: those of the containers of one kind below, or with `all` of everything from
/// the container down
pub(crate) async fn below(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    below: &'static str,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let parent = guard.container(db, &id)?;
        let source = Containers(Kind::Analysis);
        let mut list = List::containers(&source, &query);
        let column =
            parent.kind.column().ok_or_else(|| ApiError::bad_request("This kind has no levels below it"))?;
        list = list.within(&format!("c.{column}"), &parent.id);
        if below != "all" {
            let level =
                Kind::parse(below).filter(|level| Kind::LEVELS.contains(level) && *level > parent.kind);
            let level = level.ok_or_else(|| {
                ApiError::bad_request(format!(
                    "{below:?} is no level below {}: name one, or all",
                    parent.kind
                ))
            })?;
            list = list.within("c.doc ->> '$.parent.type'", level.singular());
        }
        if parent.kind == Kind::Group {
            list = list.visible_to(&guard.caller, list::Sight::of(Kind::Analysis))?;
        }
        let rows = list.run(db, Container::from_row)?;
        shown(db, &guard, rows, &query)
    };
    state.store.read(work).await.map(list::answer)
}

/// The analysis of a path `/{kind}/{id}/analyses/{analysis}` must belong to that container.
fn of_parent(db: &Connection, parent: &str, analysis: &str) -> ApiResult<()> {
    let found = containers::get(db, Kind::Analysis, analysis)?;
    let own = found.doc.get("parent").and_then(|own| own.get("id")).is_some_and(|id| id == parent);
    if own { Ok(()) } else { Err(containers::missing(Kind::Analysis, analysis)) }
}

/// Checks that an analysis named below its parent belongs there, before the call goes on as if it were named alone.
async fn checked(state: &AppState, parent: String, analysis: String) -> ApiResult<String> {
    state
        .store
        .read(move |db| {
            of_parent(db, &parent, &analysis)?;
            Ok(analysis)
        })
        .await
}

/// `GET /{kind}/{id}/analyses/{analysis}`
pub(crate) async fn get(
    guard: Guard,
    State(state): State<AppState>,
    Path((parent, analysis)): Path<(String, String)>,
    params: Params,
    features: Features,
) -> ApiResult<Json<Value>> {
    let id = checked(&state, parent, analysis).await?;
    super::show::one(guard.about(Kind::Analysis), State(state), Path(id), params, features).await
}

/// `PUT /{kind}/{id}/analyses/{analysis}`
pub(crate) async fn put(
    guard: Guard,
    State(state): State<AppState>,
    Path((parent, analysis)): Path<(String, String)>,
    body: JsonBody,
) -> ApiResult<Json<Value>> {
    let id = checked(&state, parent, analysis).await?;
    super::change::put(guard.about(Kind::Analysis), State(state), Path(id), body).await
}

/// `DELETE /{kind}/{id}/analyses/{analysis}`
pub(crate) async fn delete(
    guard: Guard,
    State(state): State<AppState>,
    Path((parent, analysis)): Path<(String, String)>,
    params: Params,
) -> ApiResult<Response> {
    let id = checked(&state, parent, analysis).await?;
    super::remove::one(guard.about(Kind::Analysis), State(state), Path(id), params).await
}

/// `POST /{kind}/{id}/analyses/{analysis}/notes`
pub(crate) async fn post_note(
    guard: Guard,
    State(state): State<AppState>,
    Path((parent, analysis)): Path<(String, String)>,
    body: JsonBody,
) -> ApiResult<Json<Value>> {
    let id = checked(&state, parent, analysis).await?;
    super::notes::post(guard.about(Kind::Analysis), State(state), Path(id), body).await
}

/// `DELETE /{kind}/{id}/analyses/{analysis}/notes/{note}`
pub(crate) async fn delete_note(
    guard: Guard,
    State(state): State<AppState>,
    Path((parent, analysis, note)): Path<(String, String, String)>,
) -> ApiResult<Json<Value>> {
    let id = checked(&state, parent, analysis).await?;
    super::notes::delete(guard.about(Kind::Analysis), State(state), Path((id, note))).await
}
