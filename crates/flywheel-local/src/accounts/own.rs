//! What users keep with themselves: preferences and the projects that they visited last; and their logging out.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::users::get_user;
use crate::{
    body::{JsonBody, Shape, check_value},
    containers::change::modified,
    error::{ApiError, ApiResult, Detail},
    guard::Guard,
    kind::Kind,
    state::AppState,
    store::{
        now,
        records::{self, AccountKind::User},
    },
};

/// How many visited projects are kept.
const VISITED: usize = 20;

/// `PUT /users/self/preferences`: the keys of the body take the place of those there.
pub(crate) async fn put_preferences(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let Value::Object(change) = check_value(body, &Shape::Any)? else {
        let message = "Input should be a valid dictionary";
        return Err(ApiError::invalid(vec![Detail::new(&["body"], "dict_type", message, &Value::Null)]));
    };
    let work = move |db: &Connection| {
        let mut user = get_user(db, guard.caller.id())?;
        let mut preferences = user.get("preferences").and_then(Value::as_object).cloned().unwrap_or_default();
        preferences.extend(change);
        preferences.retain(|_, value| !value.is_null());
        user.insert("preferences".into(), preferences.into());
        user.insert("modified".into(), now().into());
        records::put_account(db, User, &user)
    };
    state.store.write(work).await?;
    Ok(modified())
}

/// `POST /users/self/visited_projects/{project_id}`: the last one comes first.
pub(crate) async fn visit(
    guard: Guard,
    State(state): State<AppState>,
    Path(project): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let project = guard.container_of(db, Kind::Project, &project)?;
        let mut user = get_user(db, guard.caller.id())?;
        let before = user.get("visited_projects").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut visited = vec![Value::from(project.id.as_str())];
        visited.extend(before.into_iter().filter(|id| *id != project.id));
        visited.truncate(VISITED);
        user.insert("visited_projects".into(), visited.into());
        records::put_account(db, User, &user)
    };
    state.store.write(work).await?;
    Ok(modified())
}

/// `POST /logout`: a key goes on being valid, and there are no other sessions to end.
pub(crate) async fn logout(_guard: Guard) -> Json<Value> {
    Json(json!({"tokens_removed": 0}))
}
