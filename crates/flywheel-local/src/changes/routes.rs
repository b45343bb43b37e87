//! `GET /changes/{type}/{id}` and `GET /changes/{type}/{id}/fields/{field}`.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};

use super::log;
use crate::{
    access::{self, Action, Need::Login},
    accounts::master_codes,
    auth::Caller,
    error::{ApiError, ApiResult},
    guard::{Guard, require_object_id},
    kind::Kind,
    query::Params,
    route::{Route, get},
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        parse_doc,
        records::{self, AccountKind},
    },
    tasks,
};

/// Every route of the change log. What a caller may see decides, so the handlers check it.
pub(crate) fn routes() -> Vec<Route> {
    let one = "/changes/{type}/{id}";
    vec![get(one, Login, changes), get(&format!("{one}/fields/{{field}}"), Login, field_changes)]
}

/// `GET /changes/{type}/{id}?version=`
async fn changes(
    guard: Guard,
    State(state): State<AppState>,
    Path((kind, id)): Path<(String, String)>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let version = version(&params)?;
    let work = move |db: &Connection| {
        let (version, list) = read(db, &guard.caller, &kind, &id, version)?;
        Ok(document(&kind, &id, version, list))
    };
    state.store.read(work).await.map(Json)
}

/// `GET /changes/{type}/{id}/fields/{field}?version=`: the values of one field, newest first. A dotted field leads into
/// objects.
async fn field_changes(
    guard: Guard,
    State(state): State<AppState>,
    Path((kind, id, field)): Path<(String, String, String)>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let version = version(&params)?;
    let work = move |db: &Connection| {
        let (version, list) = read(db, &guard.caller, &kind, &id, version)?;
        let values = list.iter().rev().filter_map(|change| {
            let value = field.split('.').try_fold(change.get("patch")?, |value, key| value.get(key))?;
            Some(json!({
                "method": change.get("method"), "value": value, "created": change.get("created"),
                "revision": change.get("revision"), "origin": change.get("origin"),
            }))
        });
        Ok(document(&kind, &id, version, values.collect()))
    };
    state.store.read(work).await.map(Json)
}

fn version(params: &Params) -> ApiResult<Option<i64>> {
    let given = params.get("version").filter(|text| !text.is_empty());
    let wrong = |_| ApiError::unprocessable("version should be a whole number");
    given.map(str::parse).transpose().map_err(wrong)
}

fn document(kind: &str, id: &str, version: Option<i64>, changes: Vec<Value>) -> Value {
    let mut document = json!({"container_type": kind, "container_id": id, "changes": changes});
    if let Some(version) = version {
        document["file_version"] = version.into();
    }
    document
}

/// The changes of a thing that the caller may see, and the version of the file that they are of.
fn read(
    db: &Connection,
    caller: &Caller,
    kind: &str,
    id: &str,
    version: Option<i64>,
) -> ApiResult<(Option<i64>, Vec<Value>)> {
    let missing = || ApiError::not_found(format!("Could not find resource {kind}:{id}"));
    match (kind, Kind::parse(kind).filter(|level| level.singular() == kind)) {
        (_, Some(level)) if !matches!(level, Kind::Group | Kind::Collection) => {
            require_object_id(id)?;
            let container = any_container(db, id)?.filter(|found| found.kind == level).ok_or_else(missing)?;
            see(db, caller, &container, Action::ContainersViewMetadata, missing)?;
            Ok((None, log::of(db, id, None)?))
        }
        ("file", _) => {
            require_object_id(id)?;
            let file = version_of_file(db, id, version)?.ok_or_else(missing)?;
            let parent = file.get("parent_ref").and_then(|parent| parent.get("id")).and_then(Value::as_str);
            let container = any_container(db, parent.unwrap_or_default())?.ok_or_else(missing)?;
            see(db, caller, &container, Action::FilesViewMetadata, missing)?;
            let version = file.get("version").and_then(Value::as_i64);
            let mut changes = vec![made(kind, id, version, &file)];
            changes.extend(log::of(db, id, version)?);
            Ok((version, changes))
        }
        ("device", _) => {
            let device = records::account(db, AccountKind::Device, id)?.ok_or_else(missing)?;
            Ok((None, vec![made(kind, id, None, &device)]))
        }
        ("master_subject_code", _) => {
            let code = records::get(db, master_codes::RECORD, id)?.ok_or_else(missing)?;
            Ok((None, vec![made(kind, id, None, &code)]))
        }
        ("form_response", _) => {
            let response = tasks::response(db, caller, id)?;
            Ok((None, vec![made(kind, id, None, &response)]))
        }
        ("gear_rule" | "annotation" | "segmentation", _) => Err(missing()),
        _ => Err(ApiError::unprocessable(format!("{kind:?} has no change log"))),
    }
}

/// What a document says of its own making.
fn made(kind: &str, id: &str, version: Option<i64>, doc: &Doc) -> Value {
    let origin = doc.get("origin").cloned().unwrap_or_else(|| json!({"type": "unknown"}));
    let mut change = json!({
        "created": doc.get("created"), "origin": origin, "container_type": kind, "container_id": id,
        "method": "CREATE", "patch": null, "revision": 1,
    });
    if let Some(version) = version {
        change["file_version"] = version.into();
    }
    change
}

/// What is deleted is for site administrators to look back at; to others it is not there.
fn see(
    db: &Connection,
    caller: &Caller,
    container: &Container,
    action: Action,
    missing: impl FnOnce() -> ApiError,
) -> ApiResult<()> {
    if containers::find(db, &container.id)?.is_some() {
        access::authorize(db, caller, container, action)
    } else if caller.is_superuser() {
        Ok(())
    } else {
        Err(missing())
    }
}

fn any_container(db: &Connection, id: &str) -> ApiResult<Option<Container>> {
    let mut statement = db.prepare_cached("SELECT id, kind, doc FROM containers WHERE id = ?")?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(Container::from_row).transpose()
}

fn version_of_file(db: &Connection, id: &str, version: Option<i64>) -> ApiResult<Option<Doc>> {
    let sql = "SELECT doc FROM files WHERE file_id = ?1 AND (?2 IS NULL OR version = ?2) ORDER BY version DESC LIMIT 1";
    let text: Option<String> =
        db.prepare_cached(sql)?.query_row((id, version), |row| row.get(0)).optional()?;
    text.map(|text| parse_doc(&text)).transpose()
}
