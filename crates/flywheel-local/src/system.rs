//! What the site says about itself: version, configuration, who is logged in.

use axum::{Json, extract::State, http::HeaderMap};
use http::header::HOST;
use serde_json::{Value, json};

use crate::{error::ApiResult, guard::Guard, state::AppState};

/// The release of the platform whose behaviour the site follows; clients compare its major with their own.
const RELEASE: &str = "23.0.0";

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

/// The features that are switched on; every other flag of the platform is off.
const FEATURES_ON: [&str; 4] =
    ["collections", "tags_in_lists", "project_list_uses_stats", "engine_validate_classification"];

/// `GET /config`
pub(crate) async fn config(State(state): State<AppState>, headers: HeaderMap) -> Json<Value> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let features: serde_json::Map<String, Value> = FEATURES_ON
        .iter()
        .map(|&name| (name.to_owned(), true.into()))
        .chain([("signed_url".into(), false.into())])
        .collect();
    let started = &state.started;
    Json(json!({
        "created": started, "modified": started, "last_updated": started,
        "site": {
            "id": "local", "name": "Local site", "api_url": format!("http://{host}/api"),
            "redirect_url": format!("http://{host}"), "registered": false, "pagination_limit": PAGE_LIMIT,
            "upload_maximum_bytes": UPLOAD_LIMIT, "inactivity_timeout": null,
        },
        "features": features, "signed_url": false, "auth": {}, "central": {}, "assistant_chat": {},
    }))
}

/// `GET /auth/status`
pub(crate) async fn auth_status(guard: Guard) -> ApiResult<Json<Value>> {
    let caller = &guard.caller;
    Ok(Json(json!({
        "origin": caller.origin(), "user_id": if caller.is_device() { Value::Null } else { caller.id().into() },
        "user_is_admin": caller.is_superuser(), "is_device": caller.is_device(), "roles": caller.roles(),
    })))
}
