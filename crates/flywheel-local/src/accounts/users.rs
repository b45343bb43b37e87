//! Users: `/users`, `/users/self` and below.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, header::LOCATION},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header::HOST};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::keys;
use crate::{
    access_log,
    body::{Field, JsonBody, Shape, TEXT, check, check_change, may, must},
    containers::{change::modified, info::Delta, permissions::forget_user},
    error::{ApiError, ApiResult, Detail},
    guard::Guard,
    list::{self, List, Rows, doc_row},
    query::{ListQuery, Params},
    route::nothing,
    state::AppState,
    store::{
        Doc, now,
        records::{self, AccountKind::User},
    },
};

const ROLES: Shape =
    Shape::List(&Shape::OneOf(&["public", "user", "security_champion", "developer", "site_admin", "drone"]));

macro_rules! user_fields {
    ($($more:expr),*) => {
        &[
            $($more,)*
            may("email", TEXT),
            may("password", TEXT),
            may("roles", ROLES),
            may("disabled", Shape::Bool),
            may("avatar", TEXT),
            may("root", Shape::Bool),
            may("central_user_id", TEXT),
            may("central_revision", Shape::Int),
            may("ldap_sync_id", TEXT),
            may("preferences", Shape::Any),
        ]
    };
}

const NEW: &[Field] = user_fields![
    must("_id", Shape::Text(1, 256)),
    must("firstname", Shape::Name),
    must("lastname", Shape::Name)
];
const CHANGE: &[Field] = user_fields![may("firstname", Shape::Name), may("lastname", Shape::Name)];

/// What users may change of themselves.
const OWN: [&str; 5] = ["firstname", "lastname", "email", "avatar", "preferences"];

/// What only the user itself sees.
const PRIVATE: [&str; 4] = ["info", "preferences", "password", "visited_projects"];

fn missing(id: &str) -> ApiError {
    ApiError::not_found(format!("No user {id} found"))
}

/// The user with this id, or 404.
pub(super) fn get_user(db: &Connection, id: &str) -> ApiResult<Doc> {
    records::account(db, User, id)?.ok_or_else(|| missing(id))
}

fn public(mut user: Doc) -> Value {
    PRIVATE.iter().for_each(|&field| drop(user.shift_remove(field)));
    user.into()
}

/// `GET /users`
pub(crate) async fn all(
    _guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let Rows { rows, total } = List::accounts(User.name(), &query).run(db, doc_row)?;
        Ok(Rows { rows: rows.into_iter().map(public).collect(), total })
    };
    state.store.read(work).await.map(list::answer)
}

/// `POST /users`
pub(crate) async fn post(
    _guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut doc = check(body, NEW)?;
    let id = doc.get("_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !id.chars().all(|c| c.is_ascii_alphanumeric() || "@_.-".contains(c)) {
        let message = "A user id has the characters 0-9 a-z A-Z @ _ . -";
        return Err(ApiError::invalid(vec![Detail::new(
            &["body", "_id"],
            "value_error",
            message,
            &id.into(),
        )]));
    }
    settle(&mut doc);
    let work = move |db: &Connection| {
        if records::account(db, User, &id)?.is_some() {
            return Err(ApiError::conflict(format!("A user {id} exists already")));
        }
        for (key, value) in [
            ("email", Value::from(id.as_str())),
            ("disabled", false.into()),
            ("created", now().into()),
            ("revision", 1.into()),
        ] {
            doc.entry(key).or_insert(value);
        }
        doc.insert("modified".into(), now().into());
        records::put_account(db, User, &doc)?;
        Ok(json!({"_id": id}))
    };
    state.store.write(work).await.map(Json)
}

/// `root` and the role `site_admin` say the same; passwords are not kept, since nobody logs in by one.
fn settle(doc: &mut Doc) {
    doc.remove("password");
    doc.retain(|_, value| !value.is_null());
    let root = doc.get("root").and_then(Value::as_bool);
    let roles = doc.entry("roles").or_insert_with(|| json!(["user"]));
    if let Some(list) = roles.as_array_mut() {
        let admin = list.iter().any(|role| role == "site_admin");
        match root {
            Some(true) if !admin => list.push("site_admin".into()),
            Some(false) => list.retain(|role| role != "site_admin"),
            _ => {}
        }
    }
    let admin = doc
        .get("roles")
        .and_then(Value::as_array)
        .is_some_and(|list| list.iter().any(|role| role == "site_admin"));
    doc.insert("root".into(), admin.into());
}

/// `GET /users/self`
pub(crate) async fn myself(guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let mut user = get_user(db, guard.caller.id())?;
        let keys: Vec<Value> = records::keys_of(db, guard.caller.id())?.iter().map(keys::shown).collect();
        user.insert("user_id".into(), guard.caller.id().into());
        user.insert("api_keys".into(), keys.into());
        for (key, value) in [("info", json!({})), ("preferences", json!({})), ("visited_projects", json!([]))]
        {
            user.entry(key).or_insert(value);
        }
        Ok(user.into())
    };
    state.store.read(work).await.map(Json)
}

/// `GET /users/{id}`
pub(crate) async fn get(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    state.store.read(move |db| Ok(public(get_user(db, &id)?))).await.map(Json)
}

/// `PUT /users/{id}`
pub(crate) async fn put(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut change = check_change(body, CHANGE)?;
    let own = id == guard.caller.id();
    if !guard.caller.is_site_admin() {
        let harmless = change.keys().all(|key| OWN.contains(&key.as_str()));
        if !own || !harmless {
            return Err(ApiError::forbidden("Only site administrators may change this of a user"));
        }
    }
    let locks_out = |key: &str, value: bool| change.get(key).and_then(Value::as_bool) == Some(value);
    let demoted = guard.caller.is_site_admin()
        && change
            .get("roles")
            .and_then(Value::as_array)
            .is_some_and(|roles| !roles.contains(&"site_admin".into()));
    if own && (demoted || locks_out("disabled", true) || locks_out("root", false)) {
        return Err(ApiError::bad_request("Nobody may disable or demote themselves"));
    }
    let clear = params.flag("clear_permissions") && locks_out("disabled", true);
    let named = id.clone();
    let accesses = accesses(&change);
    let caller = guard.caller.clone();
    let work = move |db: &Connection| {
        let mut user = get_user(db, &id)?;
        let root = change.get("root").cloned();
        change.retain(|key, _| key != "root");
        let roles_given = change.contains_key("roles");
        user.extend(change);
        match root {
            Some(root) => drop(user.insert("root".into(), root)),
            None if roles_given => drop(user.shift_remove("root")),
            None => {}
        }
        settle(&mut user);
        let revision = user.get("revision").and_then(Value::as_i64).unwrap_or(0) + 1;
        user.insert("revision".into(), revision.into());
        user.insert("modified".into(), now().into());
        records::put_account(db, User, &user)?;
        if clear { forget_user(db, &id) } else { Ok(()) }
    };
    state.store.write(work).await?;
    for kind in accesses {
        access_log::record(&state, &caller, kind, &format!("/api/users/{named}"));
    }
    Ok(modified())
}

/// What the access log calls a change of a user.
fn accesses(change: &Doc) -> Vec<&'static str> {
    let disabled = match change.get("disabled").and_then(Value::as_bool) {
        Some(true) => Some("user_disabled"),
        Some(false) => Some("user_enabled"),
        None => None,
    };
    let role = (change.contains_key("roles") || change.contains_key("root")).then_some("user_role_change");
    disabled.into_iter().chain(role).collect()
}

/// `DELETE /users/{id}`
pub(crate) async fn delete(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    if id == guard.caller.id() {
        return Err(ApiError::forbidden("Nobody may delete themselves"));
    }
    let work = move |db: &Connection| {
        forget_user(db, &id)?;
        if records::remove_account(db, User, &id)? { Ok(()) } else { Err(missing(&id)) }
    };
    state.store.write(work).await?;
    Ok(nothing())
}

/// `POST /users/self/key`
pub(crate) async fn post_key(
    guard: Guard,
    State(state): State<AppState>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let host = host_of(&headers);
    state.store.write(move |db| keys::make(db, guard.caller.id(), body, &host)).await.map(Json)
}

/// What stands before the secret in an API key: the address by which the caller reached the site, and a mark for plain
/// HTTP, which the site speaks unless a proxy says that it speaks TLS in front of it.
pub(crate) fn host_of(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(HOST.as_str()).unwrap_or("localhost");
    match text("x-forwarded-proto") {
        Some("https") => host.to_owned(),
        _ if host.contains(':') => format!("{host}:__force_insecure"),
        _ => format!("{host}:80:__force_insecure"),
    }
}

/// `DELETE /users/self/key/{id}`
pub(crate) async fn delete_key(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    state.store.write(move |db| keys::remove(db, guard.caller.id(), &id)).await?;
    Ok(nothing())
}

/// `GET /users/self/info?fields=`
pub(crate) async fn get_info(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let user = get_user(db, guard.caller.id())?;
        let mut info = user.get("info").and_then(Value::as_object).cloned().unwrap_or_default();
        let wanted: Vec<&str> =
            params.all("fields").flat_map(|fields| fields.split(',')).filter(|f| !f.is_empty()).collect();
        if !wanted.is_empty() {
            info.retain(|key, _| wanted.contains(&key.as_str()));
        }
        Ok(info.into())
    };
    state.store.read(work).await.map(Json)
}

/// `PATCH` and `POST /users/self/info`
pub(crate) async fn change_info(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let delta = Delta::read(body)?;
    let work = move |db: &Connection| {
        let mut user = get_user(db, guard.caller.id())?;
        delta.apply(&mut user);
        user.insert("modified".into(), now().into());
        records::put_account(db, User, &user)
    };
    state.store.write(work).await?;
    Ok(nothing())
}

/// `GET /users/self/avatar`
pub(crate) async fn own_avatar(guard: Guard, State(state): State<AppState>) -> ApiResult<Response> {
    let id = guard.caller.id().to_owned();
    avatar_of(&state, id).await
}

/// `GET /users/{id}/avatar`
pub(crate) async fn avatar(
    _guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    avatar_of(&state, id).await
}

async fn avatar_of(state: &AppState, id: String) -> ApiResult<Response> {
    let user = state.store.read(move |db| get_user(db, &id)).await?;
    match user.get("avatar").and_then(Value::as_str).filter(|avatar| !avatar.is_empty()) {
        Some(avatar) => Ok((StatusCode::FOUND, [(LOCATION, avatar.to_owned())]).into_response()),
        None => Err(ApiError::not_found("This user has no avatar")),
    }
}
