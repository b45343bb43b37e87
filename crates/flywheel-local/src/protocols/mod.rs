//! Protocols of reading tasks: `/protocols`. A protocol belongs to a group; its administrators write it, and tasks follow
//! it once it is published.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    access::{self, Action, Need::Login},
    body::{Field, JsonBody, LABEL, Shape, TAG, TEXT, check, check_change, may, must},
    error::{ApiError, ApiResult, Detail},
    forms::{SCHEMA, TRIGGERS, next_version},
    guard::Guard,
    kind::Kind,
    query::ListQuery,
    route::{Route, delete, get, nothing, post, put},
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        shelf::Shelf,
    },
};

const PROTOCOLS: Shelf = Shelf::new("protocol", "protocol");

const CONFIG: Shape = Shape::Object(&[must("longitudinal", Shape::Bool), may("viewer_config", Shape::Any)]);

const ESIGNATURE: Shape = Shape::Object(&[may("required", Shape::Bool), may("reasons", Shape::List(&TEXT))]);

const WORKFLOW: Shape = Shape::Object(&[
    may("type", Shape::OneOf(&["single", "adjudication"])),
    may("read_count", Shape::Int),
    may("trigger_fields", TRIGGERS),
    may("form", SCHEMA),
]);

macro_rules! fields {
    ($($more:expr),*) => {
        &[
            $($more,)*
            may("notes", TEXT),
            may("form", SCHEMA),
            may("completion_tags", Shape::List(&TAG)),
            may("esignature_config", ESIGNATURE),
            may("workflow", WORKFLOW),
            may("saved_json_text", TEXT),
        ]
    };
}

const NEW: &[Field] = fields![
    must("label", LABEL),
    must("protocol_config", CONFIG),
    must("group_id", TEXT),
    must("task_type", Shape::Text(1, 64))
];
const CHANGE: &[Field] = fields![may("protocol_config", CONFIG)];

/// Every route of this area. A protocol's group decides who may see and change it, so the handlers check that.
pub(crate) fn routes() -> Vec<Route> {
    let one = "/protocols/{id}";
    vec![
        get("/protocols", Login, all),
        post("/protocols", Login, add),
        get(one, Login, show),
        put(one, Login, modify),
        delete(one, Login, remove),
        put(&format!("{one}/publish"), Login, publish),
        put(&format!("{one}/archive"), Login, archive),
    ]
}

fn group_of(db: &Connection, protocol: &Doc) -> ApiResult<Option<Container>> {
    let id = protocol.get("parent_ref").and_then(|parent| parent.get("id")).and_then(Value::as_str);
    Ok(containers::find(db, id.unwrap_or_default())?.filter(|group| group.kind == Kind::Group))
}

fn sees(db: &Connection, guard: &Guard, protocol: &Doc) -> ApiResult<bool> {
    match group_of(db, protocol)? {
        Some(group) => access::allowed(db, &guard.caller, &group, Action::ContainersViewMetadata),
        None => Ok(false),
    }
}

/// A protocol that the caller sees; to others it is not there.
pub(crate) fn visible(db: &Connection, guard: &Guard, id: &str) -> ApiResult<Doc> {
    let protocol = PROTOCOLS.get(db, id)?;
    if sees(db, guard, &protocol)? {
        return Ok(protocol);
    }
    Err(ApiError::not_found(format!("No protocol {id} found")))
}

/// A protocol, whoever asks.
pub(crate) fn get_protocol(db: &Connection, id: &str) -> ApiResult<Doc> {
    PROTOCOLS.get(db, id)
}

fn writable(db: &Connection, guard: &Guard, id: &str) -> ApiResult<Doc> {
    let protocol = visible(db, guard, id)?;
    if let Some(group) = group_of(db, &protocol)? {
        access::authorize(db, &guard.caller, &group, Action::ContainersModifyMetadata)?;
    }
    Ok(protocol)
}

/// `GET /protocols`
async fn all(guard: Guard, State(state): State<AppState>, query: ListQuery) -> ApiResult<Json<Value>> {
    state
        .store
        .read(move |db| PROTOCOLS.page(db, query, |protocol| sees(db, &guard, protocol)))
        .await
        .map(Json)
}

/// `POST /protocols`
async fn add(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut said = check(body, NEW)?;
    let group = said.shift_remove("group_id");
    let work = move |db: &Connection| {
        let group =
            containers::get(db, Kind::Group, group.as_ref().and_then(Value::as_str).unwrap_or_default())?;
        access::authorize(db, &guard.caller, &group, Action::ContainersModifyMetadata)?;
        let mut protocol = PROTOCOLS.fresh(&guard.caller);
        protocol.insert("version".into(), 1.into());
        protocol.insert("status".into(), "draft".into());
        protocol.insert("parent_ref".into(), group.reference());
        protocol.insert("modified_by".into(), guard.caller.origin());
        protocol.extend(said.into_iter().filter(|(_, value)| !value.is_null()));
        PROTOCOLS.put(db, &protocol)?;
        Ok(protocol.into())
    };
    state.store.write(work).await.map(Json)
}

/// `GET /protocols/{id}`
async fn show(guard: Guard, State(state): State<AppState>, Path(id): Path<String>) -> ApiResult<Json<Value>> {
    state.store.read(move |db| visible(db, &guard, &id)).await.map(|protocol| Json(protocol.into()))
}

async fn change<F>(guard: Guard, state: AppState, id: String, change: F) -> ApiResult<Json<Value>>
where
    F: FnOnce(&mut Doc) -> ApiResult<()> + Send + 'static,
{
    let work = move |db: &Connection| {
        let mut protocol = writable(db, &guard, &id)?;
        if protocol.get("status").is_some_and(|status| status == "archived") {
            return Err(ApiError::conflict("The protocol is archived: it does not change any more"));
        }
        change(&mut protocol)?;
        protocol.insert("modified_by".into(), guard.caller.origin());
        PROTOCOLS.save(db, &mut protocol)?;
        Ok(protocol.into())
    };
    state.store.write(work).await.map(Json)
}

/// `PUT /protocols/{id}`: what changes a published protocol is its next version.
async fn modify(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let said = check_change(body, CHANGE)?;
    change(guard, state, id, move |protocol| {
        if said.contains_key("saved_json_text") == said.contains_key("form") && said.contains_key("form") {
            let message = "Input should be form or saved_json_text, not both";
            let input = json!(null);
            return Err(ApiError::invalid(vec![Detail::new(&["body"], "value_error", message, &input)]));
        }
        if said.contains_key("form") {
            protocol.shift_remove("saved_json_text");
        }
        protocol.extend(said.into_iter().filter(|(_, value)| !value.is_null()));
        next_version(protocol);
        Ok(())
    })
    .await
}

/// `PUT /protocols/{id}/publish`
async fn publish(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    change(guard, state, id, |protocol| {
        if protocol.contains_key("saved_json_text") {
            return Err(ApiError::conflict("The protocol is not finished: give it a form first"));
        }
        protocol.insert("status".into(), "published".into());
        Ok(())
    })
    .await
}

/// `PUT /protocols/{id}/archive`
async fn archive(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    change(guard, state, id, |protocol| {
        protocol.insert("status".into(), "archived".into());
        Ok(())
    })
    .await
}

/// `DELETE /protocols/{id}`: a draft; what tasks follow stays.
async fn remove(guard: Guard, State(state): State<AppState>, Path(id): Path<String>) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let protocol = writable(db, &guard, &id)?;
        if protocol.get("status").is_some_and(|status| status != "draft") {
            return Err(ApiError::conflict("Only a draft can be deleted: archive the protocol instead"));
        }
        PROTOCOLS.remove(db, &id)
    };
    state.store.write(work).await?;
    Ok(nothing())
}
