//! Making containers: `POST /groups`, `/projects`, `/subjects`, `/sessions`, `/acquisitions`, `/collections`.

use axum::{Json, extract::State};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{fields, permissions};
use crate::{
    access::{Access, roles},
    accounts::master_codes,
    auth::Caller,
    body::{JsonBody, check},
    error::{ApiError, ApiResult, Detail},
    guard::Guard,
    kind::Kind,
    query::Params,
    rules,
    state::AppState,
    store::{
        Doc,
        containers::{self, Container},
        new_id, now,
    },
};

/// The answer to every creation.
fn inserted(id: &str) -> Json<Value> {
    Json(json!({"_id": id}))
}

/// `POST /groups`
pub(crate) async fn group(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut doc = check(body, fields::GROUP)?;
    let id = take_text(&mut doc, "_id");
    if !is_group_id(&id) {
        let message =
            "A group id has 2 to 32 characters of 0-9 a-z . _ @ - and begins and ends with a letter or digit";
        return Err(ApiError::invalid(vec![Detail::new(
            &["body", "_id"],
            "value_error",
            message,
            &id.into(),
        )]));
    }
    doc.insert("permissions".into(), json!([{"_id": guard.caller.id(), "access": Access::Admin.name()}]));
    doc.insert("permissions_template".into(), json!([]));
    let id = state.store.write(move |db| add(db, Kind::Group, id, doc)).await?;
    Ok(inserted(&id))
}

fn is_group_id(id: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || c.is_ascii_lowercase());
    let inner = id.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase() || "@_.-".contains(c));
    (2..=32).contains(&id.len()) && inner && ends(id.chars().next()) && ends(id.chars().next_back())
}

/// `POST /projects?inherit=`
pub(crate) async fn project(
    guard: Guard,
    State(state): State<AppState>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut doc = check(body, fields::PROJECT)?;
    let group = take_text(&mut doc, "group");
    let inherit = params.flag("inherit");
    let work = move |db: &Connection| {
        let group = guard.container_of(db, Kind::Group, &group)?;
        let given = doc.remove("permissions").unwrap_or(Value::Null);
        let template = if inherit { group.doc.get("permissions_template").cloned() } else { None };
        permissions::check_given(db, &group, &given)?;
        let list = first_permissions(db, &guard.caller, given, template.unwrap_or_default())?;
        doc.insert("permissions".into(), list.into());
        doc.insert("parents".into(), group.parents_of_child());
        add(db, Kind::Project, new_id(), doc)
    };
    let id = state.store.write(work).await?;
    Ok(inserted(&id))
}

/// The permissions that a project begins with: its maker as administrator, then what the body says, then the template
/// of the group. Who is named earlier is not named again.
pub(crate) fn first_permissions(
    db: &Connection,
    caller: &Caller,
    given: Value,
    template: Value,
) -> ApiResult<Vec<Value>> {
    let mut list = Vec::new();
    if !caller.is_device() {
        list.push(json!({"_id": caller.id(), "role_ids": [roles::built_in(db, Access::Admin)?]}));
    }
    for entries in [given, template] {
        for entry in entries.as_array().into_iter().flatten() {
            let entry = permissions::role_form(db, entry)?;
            if !list.iter().any(|known| known.get("_id") == entry.get("_id")) {
                list.push(entry);
            }
        }
    }
    Ok(list)
}

/// `POST /subjects`
pub(crate) async fn subject(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut doc = check(body, fields::SUBJECT)?;
    mirror_code(&mut doc, &["body", "label"])?;
    let project = take_text(&mut doc, "project");
    let work = move |db: &Connection| {
        let project = guard.container_of(db, Kind::Project, &project)?;
        master_codes::refuse_unknown(db, &doc)?;
        doc.insert("parents".into(), project.parents_of_child());
        add(db, Kind::Subject, new_id(), doc)
    };
    let id = state.store.write(work).await?;
    Ok(inserted(&id))
}

/// Keeps a subject's `label` and its older name `code` the same; one of them must be there.
/// `place` is where the label belongs in the body.
pub(crate) fn mirror_code(doc: &mut Doc, place: &[&str]) -> ApiResult<()> {
    let given = |key: &str| doc.get(key).and_then(Value::as_str).map(str::to_owned);
    let Some(label) = given("label").or_else(|| given("code")) else {
        let message = "Field required: a subject has a label, or code, its older name";
        return Err(ApiError::invalid(vec![Detail::new(place, "missing", message, &Value::Null)]));
    };
    doc.insert("label".into(), label.clone().into());
    doc.insert("code".into(), label.into());
    Ok(())
}

/// `POST /sessions`
pub(crate) async fn session(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut doc = check(body, fields::SESSION)?;
    let project = take_text(&mut doc, "project");
    let embedded = doc.remove("subject").unwrap_or_default();
    doc.remove("project_has_template");
    let work = move |db: &Connection| {
        let project = guard.container_of(db, Kind::Project, &project)?;
        let subject = find_or_add_subject(db, &project, embedded)?;
        doc.insert("parents".into(), subject.parents_of_child());
        add(db, Kind::Session, new_id(), doc)
    };
    let id = state.store.write(work).await?;
    Ok(inserted(&id))
}

/// The subject that a session names: by id, else by label within the project, else a new one.
pub(crate) fn find_or_add_subject(
    db: &Connection,
    project: &Container,
    named: Value,
) -> ApiResult<Container> {
    let mut doc = match named {
        Value::Object(doc) => doc,
        id => Doc::from_iter([("_id".to_owned(), id)]),
    };
    doc.remove("project");
    if let Some(id) = doc.get("_id").and_then(Value::as_str) {
        let subject = containers::get(db, Kind::Subject, id)?;
        if subject.ancestor(Kind::Project) != Some(&project.id) {
            let message = format!("The subject {id} is in another project than {}", project.id);
            return Err(ApiError::unprocessable(message));
        }
        return Ok(subject);
    }
    doc.remove("_id");
    mirror_code(&mut doc, &["body", "subject", "label"])?;
    let label = doc.get("label").and_then(Value::as_str).unwrap_or_default();
    if let Some(subject) = containers::subject_by_label(db, &project.id, label)? {
        return Ok(subject);
    }
    master_codes::refuse_unknown(db, &doc)?;
    doc.insert("parents".into(), project.parents_of_child());
    let id = add(db, Kind::Subject, new_id(), doc)?;
    containers::get(db, Kind::Subject, &id)
}

/// `POST /acquisitions`
pub(crate) async fn acquisition(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut doc = check(body, fields::ACQUISITION)?;
    let session = take_text(&mut doc, "session");
    let work = move |db: &Connection| {
        let session = guard.container_of(db, Kind::Session, &session)?;
        doc.insert("parents".into(), session.parents_of_child());
        add(db, Kind::Acquisition, new_id(), doc)
    };
    let id = state.store.write(work).await?;
    Ok(inserted(&id))
}

/// `POST /collections`
pub(crate) async fn collection(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut doc = check(body, fields::COLLECTION)?;
    doc.insert("curator".into(), guard.caller.id().into());
    doc.insert("permissions".into(), json!([{"_id": guard.caller.id(), "access": Access::Admin.name()}]));
    let id = state.store.write(move |db| add(db, Kind::Collection, new_id(), doc)).await?;
    Ok(inserted(&id))
}

/// `POST /containers`: makes a container of the kind that `container_type` names.
pub(crate) async fn any(
    guard: Guard,
    state: State<AppState>,
    params: Params,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let mut body = body;
    let named = body.as_object_mut().and_then(|doc| doc.shift_remove("container_type"));
    let kind = named.as_ref().and_then(Value::as_str).and_then(Kind::parse).ok_or_else(|| {
        let message = "Input should be group, project, subject, session, acquisition or collection";
        let input = named.clone().unwrap_or_default();
        ApiError::invalid(vec![Detail::new(&["body", "container_type"], "enum", message, &input)])
    })?;
    let body = JsonBody(body);
    match kind {
        Kind::Group if guard.caller.is_site_admin() => group(guard, state, body).await,
        Kind::Group => Err(ApiError::forbidden("Groups are for site administrators to make")),
        Kind::Project => project(guard, state, params, body).await,
        Kind::Subject => subject(guard, state, body).await,
        Kind::Session => session(guard, state, body).await,
        Kind::Acquisition => acquisition(guard, state, body).await,
        Kind::Collection => collection(guard, state, body).await,
        Kind::Analysis => {
            Err(ApiError::unprocessable("An analysis is made in the container that it belongs to"))
        }
    }
}

/// Adds a container that was checked, and answers its id.
pub(crate) fn add(db: &Connection, kind: Kind, id: String, mut doc: Doc) -> ApiResult<String> {
    doc.retain(|_, value| !value.is_null());
    doc.entry("tags").or_insert_with(|| json!([]));
    if kind != Kind::Group {
        doc.entry("info").or_insert_with(|| json!({}));
        doc.entry("notes").or_insert_with(|| json!([]));
    }
    doc.insert("created".into(), now().into());
    let mut container = Container { kind, id, doc };
    containers::insert(db, &mut container)?;
    if kind == Kind::Project {
        rules::copy_to_project(db, &container.id)?;
    }
    Ok(container.id)
}

/// Takes a text out of a checked body.
pub(crate) fn take_text(doc: &mut Doc, key: &str) -> String {
    match doc.remove(key) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_group_id;

    #[test]
    fn group_ids_are_short_plain_names() {
        for good in ["ab", "neuro-lab", "a.b_c@d", &"x".repeat(32)] {
            assert!(is_group_id(good), "{good}");
        }
        for bad in ["a", "-ab", "ab-", "Ab", "a b", "ä1", "", &"x".repeat(33)] {
            assert!(!is_group_id(bad), "{bad}");
        }
    }
}
