//! Tags of containers. What a list of tags becomes is told apart from where it lies, so files can share it.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use rusqlite::{Connection, named_params};
use serde_json::{Value, json};

use super::change::modified;
use crate::{
    access::lock,
    body::{JsonBody, TAG, check, check_texts, must},
    error::{ApiError, ApiResult},
    guard::Guard,
    kind::Kind,
    route::nothing,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
    },
};

/// The tags of a document.
pub(crate) fn of(doc: &Doc) -> Vec<String> {
    let list = doc.get("tags").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Adds a tag; 409 when it is there.
pub(crate) fn add(tags: &mut Vec<String>, value: String) -> ApiResult<()> {
    if tags.contains(&value) {
        return Err(ApiError::conflict(format!("The tag {value:?} is there already")));
    }
    tags.push(value);
    Ok(())
}

/// Adds those that are missing.
pub(crate) fn union(tags: &mut Vec<String>, more: Vec<String>) {
    for tag in more {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
}

/// Gives a tag another name: 404 when it is not there, 409 when the new one is.
pub(crate) fn rename(tags: &mut [String], old: &str, new: &str) -> ApiResult<()> {
    let at = tags.iter().position(|tag| tag == old).ok_or_else(|| missing(old))?;
    if tags.iter().any(|tag| tag == new) {
        return Err(ApiError::conflict(format!("The tag {new:?} is there already")));
    }
    new.clone_into(&mut tags[at]);
    Ok(())
}

/// Takes a tag away: 404 when it is not there.
pub(crate) fn take(tags: &mut Vec<String>, value: &str) -> ApiResult<()> {
    let before = tags.len();
    tags.retain(|tag| tag != value);
    if tags.len() == before { Err(missing(value)) } else { Ok(()) }
}

fn missing(value: &str) -> ApiError {
    ApiError::not_found(format!("No tag {value:?} found"))
}

/// Reads a body `{"value": …}`.
pub(crate) fn value_of(body: Value) -> ApiResult<String> {
    let doc = check(body, &[must("value", TAG)])?;
    Ok(doc.get("value").and_then(Value::as_str).unwrap_or_default().to_owned())
}

async fn edit<F>(guard: Guard, state: AppState, id: String, change: F) -> ApiResult<()>
where
    F: FnOnce(&Connection, &Container, &mut Vec<String>) -> ApiResult<()> + Send + 'static,
{
    let work = move |db: &Connection| {
        let mut container = guard.container(db, &id)?;
        let mut tags = of(&container.doc);
        change(db, &container, &mut tags)?;
        container.doc.insert("tags".into(), tags.into());
        containers::save(db, &mut container)
    };
    state.store.write(work).await
}

/// `POST /{kind}/{id}/tags`
pub(crate) async fn post(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let value = value_of(body)?;
    edit(guard, state, id, move |_, _, tags| add(tags, value)).await?;
    Ok(modified())
}

/// `PATCH /{kind}/{id}/tags`
pub(crate) async fn patch(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let more = check_texts(body, &TAG)?;
    edit(guard, state, id, move |_, _, tags| {
        union(tags, more);
        Ok(())
    })
    .await?;
    Ok(nothing())
}

/// `DELETE /{kind}/{id}/tags` with a list
pub(crate) async fn delete_many(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let gone = check_texts(body, &TAG)?;
    edit(guard, state, id, move |db, container, tags| {
        tags.retain(|tag| !gone.contains(tag));
        gone.iter().try_for_each(|tag| spread(db, container, tag, None))
    })
    .await?;
    Ok(nothing())
}

/// `GET /{kind}/{id}/tags/{value}`
pub(crate) async fn get(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, value)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let container = guard.container(db, &id)?;
        if of(&container.doc).contains(&value) { Ok(Value::from(value)) } else { Err(missing(&value)) }
    };
    state.store.read(work).await.map(Json)
}

/// `PUT /{kind}/{id}/tags/{value}`
pub(crate) async fn put(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, old)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let new = value_of(body)?;
    let answer = Json(Value::from(new.as_str()));
    edit(guard, state, id, move |db, container, tags| {
        rename(tags, &old, &new)?;
        spread(db, container, &old, Some(&new))
    })
    .await?;
    Ok(answer)
}

/// `DELETE /{kind}/{id}/tags/{value}`
pub(crate) async fn delete(
    guard: Guard,
    State(state): State<AppState>,
    Path((id, value)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    edit(guard, state, id, move |db, container, tags| {
        take(tags, &value)?;
        spread(db, container, &value, None)
    })
    .await?;
    Ok(Json(json!({"deleted": 1})))
}

/// Renames or deletes a group's tag in everything below the group, files included. Other containers keep theirs to
/// themselves.
fn spread(db: &Connection, container: &Container, old: &str, new: Option<&str>) -> ApiResult<()> {
    if container.kind != Kind::Group {
        return Ok(());
    }
    for (table, live) in [("containers", "deleted IS NULL AND kind <> 1"), ("files", "current")] {
        refuse_locked(db, container, table, live, old)?;
        let sql = format!(
            "UPDATE {table} SET doc = json_set(doc, '$.tags', json((
                SELECT json_group_array(tag) FROM (
                    SELECT DISTINCT CASE value WHEN :old THEN :new ELSE value END AS tag
                    FROM json_each(doc, '$.tags') WHERE :new IS NOT NULL OR value <> :old))))
             WHERE group_id = :group AND {live} AND EXISTS (SELECT 1 FROM json_each(doc, '$.tags') WHERE value = :old)"
        );
        db.prepare_cached(&sql)?.execute(named_params! {":old": old, ":new": new, ":group": container.id})?;
    }
    Ok(())
}

/// 403 when a project of the group is locked in which something carries the tag.
fn refuse_locked(db: &Connection, group: &Container, table: &str, live: &str, tag: &str) -> ApiResult<()> {
    let sql = format!(
        "SELECT p.id, p.kind, p.doc FROM containers p WHERE p.parent_id = ?1 AND p.kind = 2
         AND p.doc ->> '$.locked.reason' IS NOT NULL AND p.deleted IS NULL AND EXISTS (
            SELECT 1 FROM {table} t, json_each(t.doc, '$.tags') tag
            WHERE t.project_id = p.id AND tag.value = ?2 AND t.{live})"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query((&group.id, tag))?;
    rows.next()?.map_or(Ok(()), |row| lock::refuse(db, &Container::from_row(row)?))
}
