//! Routes that the server documents and the official client does not wrap. Their bodies and answers are any JSON.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::client_calls::{json_answer, json_body, path_parameters};
use super::document::{Paths, Source};

/// What travels in the answer of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Any JSON.
    Json,
    /// Text of this content type.
    Text(&'static str),
    /// The bytes of a file.
    Bytes,
}

/// One route.
#[derive(Debug)]
struct Route {
    method: &'static str,
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    body: bool,
    answer: Answer,
    deprecated: bool,
}

const fn route(method: &'static str, path: &'static str, id: &'static str, tag: &'static str) -> Route {
    Route { method, path, id, tag, body: false, answer: Answer::Json, deprecated: false }
}

const fn get(path: &'static str, id: &'static str, tag: &'static str) -> Route {
    route("get", path, id, tag)
}

/// A POST with a body.
const fn post(path: &'static str, id: &'static str, tag: &'static str) -> Route {
    route("post", path, id, tag).with_body()
}

/// A PUT with a body.
const fn put(path: &'static str, id: &'static str, tag: &'static str) -> Route {
    route("put", path, id, tag).with_body()
}

/// A POST without a body.
const fn act(path: &'static str, id: &'static str, tag: &'static str) -> Route {
    route("post", path, id, tag)
}

impl Route {
    const fn with_body(mut self) -> Self {
        self.body = true;
        self
    }

    const fn deprecated(mut self) -> Self {
        self.deprecated = true;
        self
    }

    const fn answers(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }
}

const ROUTES: &[Route] = &[
    post("/bulk/add/tags", "bulk_add_tags", "bulk"),
    post("/bulk/remove/tags", "bulk_remove_tags", "bulk"),
    post("/bulk/move/acquisitions", "bulk_move_acquisitions", "bulk"),
    post("/bulk/move/subjects", "bulk_move_subjects", "bulk").deprecated(),
    post("/bulk/copy/{cname}", "bulk_copy", "bulk"),
    post("/bulk/delete/{cname}", "bulk_delete", "bulk"),
    get("/config/file_types", "get_config_file_types", "config"),
    get("/config/delete_reasons", "get_config_delete_reasons", "config"),
    get("/config/project_locking_reasons", "get_config_project_locking_reasons", "config"),
    post("/login/basic", "login_basic", "auth"),
    act("/logout", "logout", "auth"),
    get("/users/self/mfa-setups", "get_mfa_setups", "users"),
    post("/users/self/mfa-setups", "add_mfa_setup", "users"),
    post("/users/self/mfa-verifications", "add_mfa_verification", "users"),
    get("/containers", "get_all_containers", "containers"),
    post("/containers", "add_container", "containers"),
    get("/roles/actions", "get_role_actions", "roles"),
    get("/permissions/self", "get_own_permissions", "roles"),
    get("/permissions/check/{action}", "check_permission", "roles"),
    put("/permissions/check", "check_permissions", "roles"),
    get("/projects/labels", "get_project_labels", "projects"),
    get("/projects/{project_id}/jobs", "get_project_jobs", "projects"),
    get("/projects/{project_id}/copies", "get_project_copies", "projects"),
    get("/projects/{project_id}/copy/{snapshot_id}/status", "get_project_copy_status", "projects"),
    post("/projects/{project_id}/lock", "lock_project", "projects"),
    post("/projects/{project_id}/unlock", "unlock_project", "projects"),
    post("/projects/{project_id}/ldap-sync", "sync_project_ldap", "projects"),
    post("/projects/{project_id}/upsert-file", "upsert_project_file", "projects"),
    post("/projects/{project_id}/packfile-end", "finish_project_packfile_upload", "projects"),
    act("/files/{file_id}/ticket", "create_file_ticket", "files"),
    get("/files/{file_id}/download", "download_file", "files").answers(Answer::Bytes),
    get("/files/{file_id}/signed_url", "get_file_signed_url", "files"),
    get("/files/{file_id}/zip_member/{member}", "download_file_zip_member", "files").answers(Answer::Bytes),
    get("/files/{file_id}/ticket/{ticket_id}/validate", "validate_file_ticket", "files"),
    get("/files/{file_id}/version/{version}/download/{filename}", "download_file_version", "files")
        .answers(Answer::Bytes),
    act("/gears/{gear_id}/enable", "enable_gear", "gears"),
    act("/gears/{gear_id}/disable", "disable_gear", "gears"),
    get("/gears/temp/{gear_id}", "get_temporary_gear", "gears"),
    put("/jobs/cancel/bulk", "cancel_jobs", "jobs"),
    put("/jobs/retry/bulk", "retry_jobs", "jobs"),
    get("/jobs/{job_id}/logs/text", "get_job_logs_text", "jobs").answers(Answer::Text("text/plain")),
    get("/jobs/{job_id}/logs/html", "get_job_logs_html", "jobs").answers(Answer::Text("text/html")),
    post("/engine", "engine_upload", "jobs"),
    get(
        "/data_view_executions/{data_view_execution_id}/data/columns",
        "get_data_view_execution_columns",
        "data_view_executions",
    ),
    act(
        "/data_view_executions/{data_view_execution_id}/ticket",
        "create_data_view_execution_ticket",
        "data_view_executions",
    ),
    post("/dataexplorer/facets", "get_search_facets", "dataexplorer"),
    post("/dataexplorer/search/nodes", "search_nodes", "dataexplorer"),
    post("/dataexplorer/search/fields/aggregate", "aggregate_search_field", "dataexplorer"),
    post("/dataexplorer/search/training", "search_training", "dataexplorer"),
    act("/dataexplorer/index/fields", "index_search_fields", "dataexplorer").deprecated(),
    post("/upload/complete-azure-multipart", "complete_azure_multipart_upload", "upload"),
    post("/storage/files", "add_storage_file", "storage"),
    get("/storage/files/{file_id}", "get_storage_file", "storage").answers(Answer::Bytes),
    route("delete", "/storage/files/{file_id}", "delete_storage_file", "storage"),
    act("/storage/files/{file_id}/ticket", "create_storage_file_ticket", "storage"),
    post("/download/summary", "get_download_summary", "download"),
    post("/download/targets", "get_download_targets", "download"),
    post("/uids/projects", "find_uid_projects", "uids"),
    put("/users/self/preferences", "modify_current_user_preferences", "users"),
    act("/users/self/visited_projects/{project_id}", "add_visited_project", "users"),
    act("/users/{uid}/reset-registration", "reset_user_registration", "users").deprecated(),
];

/// Adds every route that the wheel has under no other name and no other spelling of its path variables.
pub(crate) fn add(paths: &mut Paths) {
    let operations =
        paths.iter().flat_map(|(path, item)| item.iter().map(move |(method, o)| (path, method, o)));
    let mut ids = BTreeSet::new();
    let mut places = BTreeSet::new();
    for (path, method, operation) in operations {
        ids.extend(operation.get("operationId").and_then(Value::as_str).map(str::to_owned));
        places.insert((method.clone(), shape(path)));
    }
    for route in ROUTES {
        if !ids.contains(route.id) && !places.contains(&(route.method.to_owned(), shape(route.path))) {
            let item = paths.entry(route.path.to_owned()).or_default();
            item.insert(route.method.to_owned(), operation(route));
        }
    }
}

/// A path template without the names of its variables.
fn shape(path: &str) -> String {
    let blank = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(blank).collect::<Vec<_>>().join("/")
}

fn operation(route: &Route) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), route.id.into());
    operation.insert("tags".into(), json!([route.tag]));
    operation.insert("x-flywheel-source".into(), Source::Unwrapped.name().into());
    if route.deprecated {
        operation.insert("deprecated".into(), true.into());
    }
    let parameters = path_parameters(route.path);
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    if route.body {
        operation.insert("requestBody".into(), json_body(json!({})));
    }
    let responses = match route.answer {
        Answer::Json => json_answer(json!({})),
        Answer::Text(kind) => content(kind, json!({"type": "string"})),
        Answer::Bytes => content("application/octet-stream", json!({"type": "string", "format": "binary"})),
    };
    operation.insert("responses".into(), responses);
    Value::Object(operation)
}

fn content(kind: &str, schema: Value) -> Value {
    json!({"2XX": {"description": "Success", "content": {kind: {"schema": schema}}}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_is_already_known_keeps_its_operation() {
        let mut paths = Paths::new();
        let known = json!({"operationId": "mine"});
        paths.entry("/bulk/add/tags".into()).or_default().insert("post".into(), known.clone());
        add(&mut paths);
        assert_eq!(paths["/bulk/add/tags"]["post"], known);
        assert_eq!(paths["/storage/files/{file_id}"].len(), 2);
    }

    #[test]
    fn a_route_is_known_by_its_id_and_by_its_shape() {
        let mut paths = Paths::new();
        paths
            .entry("/bulk/copy".into())
            .or_default()
            .insert("post".into(), json!({"operationId": "bulk_copy"}));
        paths
            .entry("/projects/{cid}/jobs".into())
            .or_default()
            .insert("get".into(), json!({"operationId": "mine"}));
        add(&mut paths);
        assert!(!paths.contains_key("/bulk/copy/{cname}"));
        assert!(!paths.contains_key("/projects/{project_id}/jobs"));
    }
}
