//! What a gear would take in a container: values of its context inputs, and files that fit its file inputs.

use axum::{
    Json,
    extract::{Path, State},
};
use flywheel_core::gear::{Base, Manifest};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::series;
use crate::{
    access::{self, Action},
    auth::Caller,
    error::{ApiError, ApiResult},
    filter_sql::Condition,
    guard::Guard,
    jobs::{Asker, context as values},
    kind::Kind,
    list::{Containers, List},
    query::ListQuery,
    state::AppState,
    store::{
        containers::{self, Container},
        files::{self, FileRow},
    },
};

/// The container that a path names by its kind and id, when the caller may see it.
fn container(db: &Connection, caller: &Caller, kind: &str, id: &str) -> ApiResult<Container> {
    let kind = Kind::parse(kind)
        .ok_or_else(|| ApiError::unprocessable(format!("{kind:?} is no kind of container")))?;
    let container = containers::get(db, kind, id)?;
    access::authorize(db, caller, &container, Action::ContainersViewMetadata)?;
    Ok(container)
}

/// `GET /gears/{id}/context/{kind}/{container}`: the values that a job would find there.
pub(super) async fn context(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, kind, place)): Path<(String, String, String)>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let manifest = series::visible(db, &guard.caller, &id)?.manifest()?;
        let place = container(db, &guard.caller, &kind, &place)?;
        let mut answer = json!({});
        for input in manifest.inputs().filter(|input| input.base() == Base::Context) {
            let found = values::find(db, &Asker::Caller(&guard.caller), &place, input.name)?;
            answer[input.name] = match found {
                None => json!({"found": false}),
                Some(values::Found { container, value }) => json!({
                    "container_type": container.kind.singular(), "label": container.label(), "id": container.id,
                    "found": true, "value": value,
                }),
            };
        }
        Ok(Json(answer))
    };
    state.store.read(work).await
}

fn node(container: &Container) -> Value {
    json!({"_id": container.id, "cont_type": container.kind.singular(), "label": container.label()})
}

/// `GET /gears/{id}/suggest/{kind}/{container}`: what lies above, below and in the container, and which of the gear's inputs
/// each file would fit. `include` narrows it to `children` or `files`, `collection` to what a collection holds.
pub(super) async fn suggest(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, kind, place)): Path<(String, String, String)>,
    query: ListQuery,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let caller = &guard.caller;
        let manifest = series::visible(db, caller, &id)?.manifest()?;
        let place = container(db, caller, &kind, &place)?;
        let included: Vec<&str> = query.params.all("include").flat_map(|list| list.split(',')).collect();
        let wanted = |part: &str| included.iter().all(|name| name.is_empty()) || included.contains(&part);
        let mut answer = node(&place);
        answer["parents"] = parents(db, caller, &place)?.into();
        answer["children"] =
            if wanted("children") { children(db, caller, &place, &query)? } else { json!({}) };
        let may = access::allowed(db, caller, &place, Action::FilesViewMetadata)?;
        let files = if may && wanted("files") { files::of_container(db, &place.id)? } else { Vec::new() };
        answer["files"] = files.iter().map(|file| suggested(&manifest, file)).collect();
        Ok(Json(answer))
    };
    state.store.read(work).await
}

/// What lies above, nearest first.
fn parents(db: &Connection, caller: &Caller, place: &Container) -> ApiResult<Vec<Value>> {
    let mut nodes = Vec::new();
    for kind in Kind::LEVELS.into_iter().rev().filter(|kind| *kind != place.kind) {
        let Some(parent) = place.ancestor(kind).map(|id| containers::find(db, id)).transpose()?.flatten()
        else {
            continue;
        };
        if access::allowed(db, caller, &parent, Action::ContainersViewMetadata)? {
            nodes.push(node(&parent));
        }
    }
    Ok(nodes)
}

/// What lies directly below, by kind: the next level, and analyses.
fn children(db: &Connection, caller: &Caller, place: &Container, query: &ListQuery) -> ApiResult<Value> {
    let mut children = json!({});
    let level = if place.kind == Kind::Collection { Some(Kind::Acquisition) } else { place.kind.child() };
    let analyses = (!matches!(place.kind, Kind::Group | Kind::Analysis)).then_some(Kind::Analysis);
    for kind in level.into_iter().chain(analyses) {
        let source = Containers(kind);
        let mut list = List::containers(&source, query);
        let collected = "c.id IN (SELECT acquisition_id FROM collected WHERE collection_id = ?)";
        list = match (place.kind, kind) {
            (Kind::Collection, Kind::Acquisition) => {
                list.and(Condition::new(collected, vec![place.id.clone().into()]))
            }
            _ => list.within("c.parent_id", &place.id),
        };
        if let Some(column) = kind.column()
            && let Some(collection) = query.params.get("collection").filter(|id| !id.is_empty())
        {
            let sql = format!(
                "EXISTS (SELECT 1 FROM collected k JOIN containers a ON a.id = k.acquisition_id
                    WHERE k.collection_id = ? AND a.{column} = c.id)"
            );
            list = list.and(Condition::new(sql, vec![collection.to_owned().into()]));
        }
        let mut nodes = Vec::new();
        for child in list.run(db, Container::from_row)?.rows {
            if access::allowed(db, caller, &child, Action::ContainersViewMetadata)? {
                nodes.push(node(&child));
            }
        }
        children[kind.plural()] = nodes.into();
    }
    Ok(children)
}

/// A file, and which inputs it would fit.
fn suggested(manifest: &Manifest, file: &FileRow) -> Value {
    let doc = Value::Object(file.doc.clone());
    let mut fits = json!({});
    for input in manifest.inputs().filter(|input| input.base() == Base::File) {
        fits[input.name] = input.accepts(&doc).into();
    }
    json!({"name": file.text("name"), "file_id": file.file_id(), "version": file.version(), "suggested": fits})
}
