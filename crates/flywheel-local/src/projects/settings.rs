//! The settings of a project or a group: `GET` and `PUT /{projects,groups}/{id}/settings`.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::sharing::SHARING;
use crate::{
    access::{self, Action},
    body::{Field, JsonBody, LABEL, Shape, TEXT, check_change, may, must},
    error::{ApiError, ApiResult, Detail},
    guard::Guard,
    kind::Kind,
    state::AppState,
    store::{Doc, containers, new_id},
};

/// Those that a group has as well.
const OF_GROUPS: &[Field] = SETTINGS.split_at(4).0;

/// The key of a project's document that holds its settings.
pub(super) const KEY: &str = "settings";

const VIEWER_APP: Shape = Shape::Object(&[
    may("id", TEXT),
    may("type", Shape::OneOf(&["viewer", "form"])),
    must("name", LABEL),
    may("description", TEXT),
    must("url", TEXT),
    may("origin", Shape::Any),
    may("options", Shape::Any),
    may("files", Shape::Any),
    may("containers", Shape::Any),
]);

const JUPYTERHUB: Shape = Shape::Object(&[must("enabled", Shape::Bool)]);

const SETTINGS: &[Field] = &[
    may("viewer_apps", Shape::List(&VIEWER_APP)),
    may("deid_profile", Shape::Any),
    may("forms", Shape::Any),
    may("external_routing_id", TEXT),
    may("sharing", Shape::Object(SHARING)),
    may("workspaces", Shape::Object(&[may("jupyterhub", JUPYTERHUB)])),
    may(
        "cvat",
        Shape::Object(&[
            may("enabled", Shape::Bool),
            may("tags", Shape::List(&TEXT)),
            may("export_formats", Shape::List(&TEXT)),
            may("cvat_organization_id", TEXT),
            may("cvat_project_id", TEXT),
        ]),
    ),
];

/// The settings of a project or a group, as far as any were made.
pub(super) fn of(container: &Doc) -> Doc {
    container.get(KEY).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// `GET /{projects,groups}/{id}/settings`
pub(crate) async fn get(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| Ok(of(&guard.container(db, &id)?.doc).into());
    state.store.read(work).await.map(Json)
}

/// `GET /{projects,groups}/{id}/settings/deid_profile`: the profile alone, empty where there is none.
pub(crate) async fn deid_profile(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| {
        let profile = of(&guard.container(db, &id)?.doc).shift_remove("deid_profile");
        Ok(profile.unwrap_or_else(|| json!({})))
    };
    state.store.read(work).await.map(Json)
}

/// `PUT /{projects,groups}/{id}/settings`: the keys of the body take the place of those there; null takes one away. How the project
/// is shared is for who may manage that.
pub(crate) async fn put(
    guard: Guard,
    State(state): State<AppState>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let fields = if guard.kind()? == Kind::Group { OF_GROUPS } else { SETTINGS };
    let mut change = check_change(body, fields)?;
    for key in ["deid_profile", "forms"] {
        read_object(&mut change, key)?;
    }
    let work = move |db: &Connection| {
        let mut container = guard.container(db, &id)?;
        if change.contains_key("sharing") {
            access::authorize(db, &guard.caller, &container, Action::ProjectSharingManage)?;
        }
        let mut settings = of(&container.doc);
        for (key, value) in change {
            match (key.as_str(), value) {
                (_, Value::Null) => drop(settings.shift_remove(&key)),
                ("viewer_apps", apps) => drop(settings.insert(key, with_ids(apps))),
                ("sharing", sharing) => {
                    let before = settings.remove("sharing");
                    settings.insert(key, whole_sharing(before, sharing));
                }
                (_, value) => drop(settings.insert(key, value)),
            }
        }
        container.doc.insert(KEY.into(), settings.clone().into());
        containers::save(db, &mut container)?;
        Ok(settings.into())
    };
    state.store.write(work).await.map(Json)
}

/// An object, which may also be sent as the text of one.
fn read_object(change: &mut Doc, key: &str) -> ApiResult<()> {
    let Some(given) = change.get_mut(key) else { return Ok(()) };
    if let Some(read) = given.as_str().and_then(|text| serde_json::from_str(text).ok()) {
        *given = read;
    }
    if given.is_object() || given.is_null() {
        return Ok(());
    }
    let message = "Input should be an object, or the JSON text of one";
    Err(ApiError::invalid(vec![Detail::new(&["body", key], "dict_type", message, given)]))
}

fn with_ids(apps: Value) -> Value {
    let Value::Array(mut apps) = apps else { return apps };
    for app in apps.iter_mut().filter_map(Value::as_object_mut) {
        if app.get("id").is_none_or(Value::is_null) {
            app.insert("id".into(), new_id().into());
        }
    }
    apps.into()
}

/// What a change of the sharing leaves unsaid stays, or is what nothing was said about.
fn whole_sharing(before: Option<Value>, change: Value) -> Value {
    let mut whole = json!({
        "share_level": "high_level", "project_institutions": [], "project_contacts": [], "summary": "",
        "therapeutic_areas": [], "body_regions": [], "organ_systems": [],
    });
    for part in before.into_iter().chain([change]) {
        for (key, value) in part.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            whole[key] = value.clone();
        }
    }
    whole
}
