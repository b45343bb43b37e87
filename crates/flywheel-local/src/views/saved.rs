//! Saved views: their documents, and who may see and change them. A view belongs to the site, a user, a group or a
//! project.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use flywheel_core::{
    filter::Filter,
    view::{Plan, View, alias},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::place;
use crate::{
    access::{self, Action},
    auth::Caller,
    body::JsonBody,
    containers::change::modified,
    error::{ApiError, ApiResult, Detail},
    guard::Guard,
    kind::Kind,
    list::{self, List, Rows, doc_row},
    query::ListQuery,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        new_id, now,
        records::{self, AccountKind},
    },
};

/// The kind under which views are recorded.
const RECORD: &str = "view";

/// The keys of a view that callers write.
const WRITTEN: [&str; 11] = [
    "label",
    "description",
    "columns",
    "groupBy",
    "fileSpec",
    "filter",
    "includeIds",
    "includeLabels",
    "errorColumn",
    "missingDataStrategy",
    "sort",
];

/// The keys that a view carries when it is read and that are passed over when it is sent back.
const PASSED_OVER: [&str; 8] =
    ["_id", "parent", "origin", "public", "created", "modified", "revision", "deleted"];

/// Reads the document of a view and brings it into the form that is stored.
///
/// # Errors
/// 422 for unknown keys and values of the wrong type.
pub(super) fn read(body: Value) -> ApiResult<View> {
    let Value::Object(doc) = body else {
        let message = "Input should be a valid dictionary";
        return Err(ApiError::invalid(vec![Detail::new(&["body"], "dict_type", message, &body)]));
    };
    let known = |key: &str| WRITTEN.contains(&key) || PASSED_OVER.contains(&key);
    let unknown = doc.iter().filter(|(key, _)| !known(key));
    let unknown: Vec<Detail> = unknown
        .map(|(key, value)| {
            Detail::new(&["body", key], "extra_forbidden", "Extra inputs are not permitted", value)
        })
        .collect();
    if !unknown.is_empty() {
        return Err(ApiError::invalid(unknown));
    }
    let body = Value::Object(doc);
    serde_path_to_error::deserialize(&body).map_err(|error| place::of_value(&error, &body))
}

/// Checks a view together with a filter of the call.
///
/// # Errors
/// 400 that says where in the view something is wrong.
pub(super) fn plan(view: &View, more: &Filter) -> ApiResult<Plan> {
    Plan::new(view, more).map_err(|error| place::of_error(&error, view))
}

/// What a view belongs to.
enum Parent {
    Site,
    User(String),
    Container(Container),
}

impl Parent {
    fn find(db: &Connection, id: &str) -> ApiResult<Self> {
        if id == "site" {
            return Ok(Self::Site);
        }
        if let Some(container) = containers::find(db, id)? {
            return match container.kind {
                Kind::Group | Kind::Project => Ok(Self::Container(container)),
                kind => Err(ApiError::bad_request(format!(
                    "A {kind} has no views: they belong to the site, a user, a group or a project"
                ))),
            };
        }
        match records::account(db, AccountKind::User, id)? {
            Some(_) => Ok(Self::User(id.to_owned())),
            None => Err(ApiError::not_found(format!("No user, group or project {id} found"))),
        }
    }

    /// 403 unless the caller may see the views in here.
    fn let_read(&self, db: &Connection, caller: &Caller) -> ApiResult<()> {
        match self {
            Self::Site => Ok(()),
            Self::User(id) => own(caller, id),
            Self::Container(container) => access::authorize(db, caller, container, Action::DataViewsView),
        }
    }

    /// 403 unless the caller may change the views in here.
    fn let_write(&self, db: &Connection, caller: &Caller) -> ApiResult<()> {
        match self {
            Self::Site if caller.is_site_admin() => Ok(()),
            Self::Site => Err(refused("The views of the site are for site administrators to change")),
            Self::User(id) => own(caller, id),
            Self::Container(container) => access::authorize(db, caller, container, Action::DataViewsManage),
        }
    }
}

fn own(caller: &Caller, id: &str) -> ApiResult<()> {
    if caller.id() == id || caller.is_site_admin() {
        Ok(())
    } else {
        Err(refused("The views of a user are for that user alone"))
    }
}

/// 403 with the reason that the platform gives.
pub(super) fn refused(message: &str) -> ApiError {
    ApiError::forbidden(message).with("reason", "permission_denied")
}

fn find(db: &Connection, id: &str) -> ApiResult<(Doc, Parent)> {
    let gone = || ApiError::not_found(format!("Could not find resource view:{id}"));
    let doc = records::get(db, RECORD, id)?.filter(|doc| !doc.contains_key("deleted")).ok_or_else(gone)?;
    let parent = doc.get("parent").and_then(Value::as_str).unwrap_or_default();
    // What belonged to a container goes with it.
    let parent = Parent::find(db, parent).map_err(|_| gone())?;
    Ok((doc, parent))
}

/// The saved view of this id, when the caller may see it.
///
/// # Errors
/// 404 when there is none, 403 when the caller may not.
pub(super) fn visible(db: &Connection, caller: &Caller, id: &str) -> ApiResult<Doc> {
    let (doc, parent) = find(db, id)?;
    parent.let_read(db, caller)?;
    Ok(doc)
}

/// `GET /views/columns`
pub(crate) async fn columns(_guard: Guard) -> Json<Value> {
    Json(alias::listed().map(alias::Alias::document).collect())
}

/// `GET /containers/{parent}/views`
pub(crate) async fn of_parent(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        Parent::find(db, &id)?.let_read(db, &guard.caller)?;
        let list = List::records(RECORD, &query).within("r.doc ->> '$.parent'", &id);
        let live = crate::filter_sql::Condition::new("r.doc ->> '$.deleted' IS NULL", Vec::new());
        let Rows { rows, total } = list.and(live).run(db, doc_row)?;
        Ok(Rows { rows: rows.into_iter().map(Value::Object).collect(), total })
    };
    state.store.read(work).await.map(list::answer)
}

/// `POST /containers/{parent}/views`
pub(crate) async fn add(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut view = read(body)?;
    if view.label.as_deref().is_none_or(str::is_empty) {
        let missing = Detail::new(&["body", "label"], "missing", "Field required", &Value::Null);
        return Err(ApiError::invalid(vec![missing]));
    }
    view.include_ids.get_or_insert(true);
    view.include_labels.get_or_insert(true);
    view.sort.get_or_insert(false);
    plan(&view, &Filter::default())?;
    let work = move |db: &Connection| {
        Parent::find(db, &id)?.let_write(db, &guard.caller)?;
        let view_id = new_id();
        let own = json!({
            "_id": view_id, "parent": id, "origin": guard.caller.origin(), "created": now(), "modified": now(), "revision": 1,
        });
        let mut doc = own.as_object().cloned().unwrap_or_default();
        doc.extend(document(&view)?);
        records::put(db, RECORD, &view_id, &doc)?;
        Ok(Json(json!({"_id": view_id})))
    };
    state.store.write(work).await
}

/// A view as a document.
pub(super) fn document(view: &View) -> ApiResult<Doc> {
    Ok(serde_json::to_value(view)?.as_object().cloned().unwrap_or_default())
}

/// `GET /views/{id}`
pub(crate) async fn one(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    state.store.read(move |db| visible(db, &guard.caller, &id)).await.map(|doc| Json(doc.into()))
}

/// `PUT /views/{id}`: the keys of the body take the place of the view's; null takes one away.
pub(crate) async fn modify(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let change = body.as_object().cloned().unwrap_or_default();
    if change.is_empty() {
        return Err(ApiError::bad_request("The body is empty: name at least one field to change"));
    }
    read(body)?;
    let work = move |db: &Connection| {
        let (mut doc, parent) = find(db, &id)?;
        parent.let_write(db, &guard.caller)?;
        for (key, value) in change.into_iter().filter(|(key, _)| WRITTEN.contains(&key.as_str())) {
            doc.insert(key, value);
        }
        let view = read(doc.clone().into())?;
        plan(&view, &Filter::default())?;
        WRITTEN.iter().for_each(|&key| drop(doc.shift_remove(key)));
        doc.extend(document(&view)?);
        let revision = doc.get("revision").and_then(Value::as_i64).unwrap_or(0) + 1;
        doc.insert("revision".into(), revision.into());
        doc.insert("modified".into(), now().into());
        records::put(db, RECORD, &id, &doc)
    };
    state.store.write(work).await?;
    Ok(modified())
}

/// `DELETE /views/{id}`: it vanishes from every read; its record stays.
pub(crate) async fn delete(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let (mut doc, parent) = find(db, &id)?;
        parent.let_write(db, &guard.caller)?;
        doc.insert("deleted".into(), now().into());
        records::put(db, RECORD, &id, &doc)
    };
    state.store.write(work).await?;
    Ok(Json(json!({"deleted": 1})))
}
