//! Moving a file to another container, renaming it, or both at once.

use axum::{Json, extract::State};
use rusqlite::{Connection, named_params};
use serde_json::{Value, json};

use super::{name, which::Which};
use crate::{
    access_log,
    body::{self, Field, JsonBody, Shape, TEXT, may, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    rules,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        files::{self, FileRow},
        now,
    },
};

const FIELDS: &[Field] = &[
    may("container_reference", Shape::Object(&[must("type", TEXT), must("id", TEXT)])),
    may("name", TEXT),
    may("run_gear_rules", Shape::Bool),
];

/// `POST /files/{file_id}/move`: `{container_reference, name}`, either or both. All versions go along; id, tags and info stay.
pub(crate) async fn relocate(
    guard: Guard,
    State(state): State<AppState>,
    which: Which,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let wanted = body::check(body, FIELDS)?;
    let name = new_name(&wanted)?;
    let destination = wanted.get("container_reference").filter(|reference| !reference.is_null()).cloned();
    if name.is_none() && destination.is_none() {
        return Err(ApiError::unprocessable("name a container_reference to move to, a new name, or both"));
    }
    let asks_rules = wanted.get("run_gear_rules").and_then(Value::as_bool).unwrap_or(false);
    let work = move |db: &Connection| {
        let found = which.find(db, &guard, 0)?;
        let to = match &destination {
            Some(reference) => container(db, &guard, reference)?,
            None => found.container.clone(),
        };
        if to.ancestor(Kind::Group) != found.container.ancestor(Kind::Group) {
            return Err(ApiError::unprocessable("A file cannot be moved to another group"));
        }
        let name = name.as_deref().unwrap_or(found.file.text("name"));
        if let Some(taken) = files::by_name(db, &to.id, name)?
            && taken.file_id() != found.file.file_id()
        {
            return Err(ApiError::conflict(format!(
                "A file named {name} exists already in {} {}",
                to.kind, to.id
            )));
        }
        rewrite(db, &found.file, &found.container, &to, name)?;
        containers::touch(db, &found.container.id)?;
        if to.id != found.container.id {
            containers::touch(db, &to.id)?;
        }
        if asks_rules {
            rules::look_at(db, &found.file)?;
        }
        rules::noted(db, &found.file)
    };
    let noted = state.store.write(work).await?;
    let jobs = rules::spawned(&state, noted).await;
    Ok(Json(json!({"modified": 1, "jobs_spawned": jobs})))
}

fn new_name(wanted: &Doc) -> ApiResult<Option<String>> {
    match wanted.get("name").and_then(Value::as_str) {
        Some(name) if !name::is_usable(name) => {
            Err(ApiError::unprocessable(format!("{name:?} cannot be the name of a file")))
        }
        name => Ok(name.map(str::to_owned)),
    }
}

/// The container to move to, on which the caller may do what the route needs.
fn container(db: &Connection, guard: &Guard, reference: &Value) -> ApiResult<Container> {
    let text = |key: &str| reference.get(key).and_then(Value::as_str).unwrap_or_default();
    match Kind::parse(text("type")) {
        Some(kind) if kind != Kind::Group => guard.container_of(db, kind, text("id")),
        _ => {
            Err(ApiError::unprocessable(format!("A container of type {:?} cannot hold files", text("type"))))
        }
    }
}

/// Gives all versions of a file, which lies in `from`, another place or name.
///
/// # Errors
/// 409 when the name is taken there.
pub(crate) fn rewrite(
    db: &Connection,
    file: &FileRow,
    from: &Container,
    to: &Container,
    name: &str,
) -> ApiResult<()> {
    let sql =
        "UPDATE files SET doc = json_set(doc, '$.parent_ref', json(:reference), '$.parents', json(:parents),
            '$.name', :name, '$.modified', CASE WHEN current THEN :now ELSE doc ->> '$.modified' END,
            '$.revision', coalesce(doc ->> '$.revision', 0) + current)
         WHERE file_id = :file_id";
    let (reference, parents, now) = (to.reference().to_string(), to.parents_of_file().to_string(), now());
    db.prepare_cached(sql)?.execute(named_params! {
        ":reference": reference, ":parents": parents, ":name": name, ":now": now, ":file_id": file.file_id(),
    })?;
    if from.id == to.id { Ok(()) } else { access_log::file_moved(db, from, to, name) }
}
