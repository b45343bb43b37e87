//! What the site says about itself: version, configuration, who is logged in.

use axum::{Json, extract::State, http::HeaderMap};
use flywheel_core::filetype;
use http::header::HOST;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    access::lock,
    body::{JsonBody, Shape, TEXT, check_change, check_value, may, must},
    containers::remove,
    error::ApiResult,
    guard::Guard,
    state::AppState,
    store::{Doc, now, records},
};

/// The release of the platform whose behaviour the site follows; clients compare its major with their own.
pub(crate) const RELEASE: &str = "23.0.0";

/// Rows of a page when the caller names no limit.
pub(crate) const PAGE_LIMIT: usize = 100;

/// The advisory limit of one upload, bytes.
const UPLOAD_LIMIT: u64 = 10_737_418_240;

/// `GET /version`
pub(crate) async fn version() -> Json<Value> {
    Json(json!({
        "_id": "version", "database": 1, "database_target": 1, "release": RELEASE, "flywheel_release": RELEASE,
        "cli_version": RELEASE, "applied_fixes": {}, "applied_checks": {},
    }))
}

/// The features that are switched on: what the platform switches on by itself, and what the site serves besides.
const FEATURES_ON: [&str; 20] = [
    "api_enabled_gear_rules",
    "bulk_import_deid",
    "collections",
    "data_views_non_21CFR",
    "engine_validate_classification",
    "gear_access",
    "google_analytics",
    "job_ask",
    "job_prioritization",
    "job_tickets",
    "jupyterhub_external_storage",
    "multipart_signed_url",
    "ohif_v3",
    "project_export",
    "project_import",
    "project_list_uses_stats",
    "project_locking",
    "tags_in_lists",
    "task_manager_data_views",
    "transform_search_fields",
];

/// The features that are switched off.
const FEATURES_OFF: [&str; 37] = [
    "audit_trail",
    "azureml_integration",
    "case_uploader",
    "cold_job_logs",
    "crawler",
    "ctas_m2",
    "cvat",
    "deid_log",
    "deid_profile",
    "dicom_push_connector",
    "dimse",
    "elastic_search_primary",
    "external_routing",
    "healthcare_api",
    "jupyter_integration",
    "ldap_sync",
    "legacy_dicom_uploader",
    "malware_scanning",
    "multifactor_auth",
    "multiproject",
    "ngc",
    "nist",
    "ohif_multi_subject_view",
    "ohif_react",
    "ohif_v3_default_app",
    "ohif_v3_readonly",
    "project_download_v2",
    "reader_tasks",
    "rts_sync",
    "segmentations_v3",
    "sentry_logging",
    "session_template_v2",
    "study_task_status",
    "support_link_admins_only",
    "tasks_refactor",
    "url_access_apps",
    "userpilot",
];

/// `GET /config`
pub(crate) async fn config(State(state): State<AppState>, headers: HeaderMap) -> Json<Value> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let on = FEATURES_ON.iter().map(|&name| (name.to_owned(), true.into()));
    let off = FEATURES_OFF.iter().map(|&name| (name.to_owned(), false.into()));
    let features: serde_json::Map<String, Value> =
        on.chain(off).chain([("signed_url".into(), state.signed_uploads.into())]).collect();
    let started = &state.started;
    Json(json!({
        "created": started, "modified": started, "last_updated": started,
        "site": {
            "id": "local", "name": "Local site", "api_url": format!("http://{host}/api"),
            "redirect_url": format!("http://{host}"), "registered": false, "pagination_limit": PAGE_LIMIT,
            "upload_maximum_bytes": UPLOAD_LIMIT.to_string(), "inactivity_timeout": null,
        },
        "features": features, "signed_url": state.signed_uploads, "auth": {}, "central": {}, "assistant_chat": {},
    }))
}

/// `GET /config/delete_reasons`
pub(crate) async fn delete_reasons() -> Json<Value> {
    Json(json!(remove::REASONS))
}

/// `GET /config/project_locking_reasons`
pub(crate) async fn locking_reasons() -> Json<Value> {
    Json(json!(lock::REASONS))
}

/// `GET /config/file_types`: the types that files get by their names, with the endings of those names.
pub(crate) async fn file_types() -> Json<Value> {
    let types = filetype::TYPES.iter();
    Json(types.map(|(name, endings)| json!({"_id": name, "extensions": endings})).collect())
}

/// `POST /dataexplorer/index/fields`: the fields of the search are always those of the documents.
pub(crate) async fn index_fields(_guard: Guard) -> Json<Value> {
    Json(json!({}))
}

/// `GET /auth/status`
pub(crate) async fn auth_status(guard: Guard) -> ApiResult<Json<Value>> {
    let caller = &guard.caller;
    Ok(Json(json!({
        "origin": caller.credentials(), "user_id": if caller.is_device() || caller.rule_project().is_some() { Value::Null } else { caller.id().into() },
        "user_is_admin": caller.is_superuser(), "is_device": caller.is_device(), "roles": caller.roles(),
    })))
}

/// The record of the site's settings.
const SETTINGS: (&str, &str) = ("site", "settings");

/// The record of the site's bookmarks.
const BOOKMARKS: (&str, &str) = ("site", "bookmarks");

/// A list of links.
const LINKS: Shape = Shape::List(&Shape::Object(&[must("label", TEXT), must("url", TEXT)]));

/// The site's settings, complete.
pub(crate) fn stored_settings(db: &Connection) -> ApiResult<Doc> {
    let stored = records::get(db, SETTINGS.0, SETTINGS.1)?.unwrap_or_default();
    let fresh = json!({
        "_id": "site", "created": now(), "modified": now(), "center_gears": [], "providers": {}, "ldap_sync": null,
        "viewer_apps": [], "deid_profile": {}, "mfa": {"disallowed_channels": []},
    });
    let mut settings = fresh.as_object().cloned().unwrap_or_default();
    settings.extend(stored);
    Ok(settings)
}

/// `GET /site/settings`
pub(crate) async fn settings(_guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    state.store.read(stored_settings).await.map(|settings| Json(settings.into()))
}

/// `PUT /site/settings`
pub(crate) async fn put_settings(
    _guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let fields = [
        may("center_gears", Shape::List(&TEXT)),
        may("providers", Shape::Any),
        may("ldap_sync", Shape::Any),
        may("viewer_apps", Shape::Any),
        may("deid_profile", Shape::Any),
        may("mfa", Shape::Any),
    ];
    let change = check_change(body, &fields)?;
    let work = move |db: &Connection| {
        let mut settings = stored_settings(db)?;
        settings.extend(change);
        settings.insert("modified".into(), now().into());
        records::put(db, SETTINGS.0, SETTINGS.1, &settings)?;
        Ok(settings.into())
    };
    state.store.write(work).await.map(Json)
}

/// `GET /site/bookmark-list`
pub(crate) async fn bookmarks(_guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let work = |db: &Connection| {
        let record = records::get(db, BOOKMARKS.0, BOOKMARKS.1)?.unwrap_or_default();
        Ok(record.get("list").cloned().unwrap_or_else(|| json!([])))
    };
    state.store.read(work).await.map(Json)
}

/// `PUT /site/bookmark-list`
pub(crate) async fn put_bookmarks(
    _guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let list = check_value(body, &LINKS)?;
    let work = move |db: &Connection| {
        let record = Doc::from_iter([("list".to_owned(), list.clone())]);
        records::put(db, BOOKMARKS.0, BOOKMARKS.1, &record)?;
        Ok(list)
    };
    state.store.write(work).await.map(Json)
}
