//! Which requests count, and as what.

use http::Method;

/// Every type of access, as the platform names them.
pub(crate) const TYPES: &[&str] = &[
    "role_change",
    "user_role_change",
    "add_permission",
    "modify_permission",
    "delete_container",
    "view_annotation",
    "view_container",
    "view_subject",
    "view_file",
    "view_job",
    "view_job_logs",
    "download_file",
    "replace_file",
    "delete_annotation",
    "delete_file",
    "delete_analysis",
    "user_login",
    "user_logout",
    "user_enabled",
    "user_disabled",
    "user_deleted",
    "view_form_response",
    "delete_form_response",
    "sync_to_external",
    "file_moved_away",
    "file_moved_in",
    "container_moved_away",
    "container_moved_in",
];

/// Routes by method and path; `*` is any kind of container. The first line that fits counts, and what fits none is not
/// noted: lists, for one, tell nothing about a single thing.
const ROUTES: &str = "
view_subject GET /subjects/{id}
view_file GET */{id}/files/{name}/info
download_file GET */{id}/files/{name}
download_file GET */{id}/analyses/{analysis}/files/{name}
download_file GET */{id}/analyses/{analysis}/inputs/{input}
download_file GET /analyses/{id}/inputs/{input}
download_file GET */{id}/analyses/{analysis}/inputs
download_file GET */{id}/analyses/{analysis}/files
download_file GET /analyses/{id}/inputs
download_file GET /analyses/{id}/files
view_file GET /analyses/{id}/inputs/{input}/info
view_container GET */{id}/analyses/{analysis}
view_container GET */{id}
delete_analysis DELETE /analyses/{id}
delete_analysis DELETE */{id}/analyses/{analysis}
delete_container DELETE */{id}
delete_file DELETE */{id}/files/{name}
add_permission POST */{id}/permissions
modify_permission PUT */{id}/permissions/{user}
modify_permission DELETE */{id}/permissions/{user}
role_change PUT /roles/{id}
role_change DELETE /roles/{id}
view_file GET /files/{file_id}
view_file GET /files/{file_id}/info
view_file GET /files/{file_id}/zip_info
download_file GET /files/{file_id}/download
download_file GET /files/{file_id}/zip_member/{*member}
delete_file DELETE /files/{file_id}
view_job GET /jobs/{id}
view_job GET /jobs/{id}/detail
view_job_logs GET /jobs/{id}/logs
view_job_logs GET /jobs/{id}/logs/text
view_job_logs GET /jobs/{id}/logs/html
user_deleted DELETE /users/{id}
user_logout POST /logout
view_form_response GET /responses/{id}
";

/// The type of access that a route is, if it counts.
pub(crate) fn of_route(method: &Method, path: &str) -> Option<&'static str> {
    ROUTES.lines().find_map(|line| {
        let mut words = line.split(' ');
        let (kind, verb, pattern) = (words.next()?, words.next()?, words.next()?);
        (verb == method.as_str() && fits(pattern, path)).then_some(kind)
    })
}

fn fits(pattern: &str, path: &str) -> bool {
    let Some(rest) = pattern.strip_prefix('*') else { return pattern == path };
    let (kind, inside) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
    let container = kind == "containers" || crate::kind::Kind::ALL.iter().any(|known| known.plural() == kind);
    container && rest.trim_start_matches('/') == inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_of_every_kind_of_container_count_alike() {
        let of = |path: &str| of_route(&Method::GET, path);
        assert_eq!(of("/subjects/{id}"), Some("view_subject"));
        assert_eq!(of("/sessions/{id}"), Some("view_container"));
        assert_eq!(of("/containers/{id}"), Some("view_container"));
        assert_eq!(of("/sessions/{id}/files/{name}"), Some("download_file"));
        assert_eq!((of("/sessions"), of("/users/{id}"), of("/roles/{id}")), (None, None, None));
    }

    #[test]
    fn only_types_of_the_platform_are_noted() {
        let used = ROUTES.lines().filter_map(|line| line.split(' ').next()).filter(|kind| !kind.is_empty());
        let unknown: Vec<&str> = used.filter(|kind| !TYPES.contains(kind)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
