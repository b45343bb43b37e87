//! What the site does not serve, and why: what the 501 answer says and the documentation lists.

/// A reason, and the operations that it holds for.
pub(crate) const REASONS: &[(&str, &[&str])] = &[
    ("users have no passwords here: an API key is the way in", &["login_basic"]),
    (
        "an API key is the only factor of a login",
        &["get_mfa_setups", "add_mfa_setup", "add_mfa_verification"],
    ),
    ("users register nowhere: a site administrator makes them", &["reset_user_registration"]),
    ("there is no central directory of users to be in step with", &["sync_user", "sync_project_ldap"]),
    ("no model is trained on searches", &["search_training"]),
    ("the site runs no JupyterLab servers", &["get_jupyterlab_server", "modify_jupyterlab_server"]),
    ("it is not public what it takes out of info", &["cleanup_info"]),
    ("containers are listed by their kinds", &["get_all_containers"]),
    ("the storage signs no addresses: files are read by tickets", &["get_file_signed_url"]),
];

/// Why an operation is not served.
pub(crate) fn reason(operation: &str) -> Option<&'static str> {
    REASONS.iter().find(|(_, operations)| operations.contains(&operation)).map(|(reason, _)| *reason)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        collections::{BTreeMap, BTreeSet},
        fmt::Write,
    };

    use super::*;
    use crate::{operations, router};

    fn unserved() -> BTreeSet<&'static str> {
        let routes = router::routes();
        let routes: Vec<_> = routes.iter().map(|route| (route.method.clone(), route.path.as_str())).collect();
        operations::unserved(&routes).into_iter().map(|operation| operation.id).collect()
    }

    #[test]
    fn every_operation_is_served_or_has_one_reason_why_not() {
        let mut given: BTreeMap<&str, usize> = BTreeMap::new();
        REASONS.iter().flat_map(|(_, list)| *list).for_each(|id| *given.entry(id).or_default() += 1);
        let unserved = unserved();
        let without: Vec<_> = unserved.iter().filter(|id| !given.contains_key(*id)).collect();
        let served: Vec<_> = given.keys().filter(|id| !unserved.contains(*id)).collect();
        let twice: Vec<_> = given.iter().filter(|(_, count)| **count > 1).collect();
        assert!(
            without.is_empty() && served.is_empty() && twice.is_empty(),
            "not served and without a reason: {without:#?}\nserved though there is a reason: {served:#?}\ntwice: {twice:#?}"
        );
    }

    const BEGIN: &str = "<!-- unserved: begin -->\n";
    const END: &str = "<!-- unserved: end -->";

    #[test]
    fn the_documentation_lists_what_is_not_served() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/SITE.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (head, rest) = page.split_once(BEGIN).unwrap();
        let (_, tail) = rest.split_once(END).unwrap();
        let mut table = String::from("| why | operations |\n|---|---|\n");
        for (reason, operations) in REASONS {
            let names: Vec<String> = operations.iter().map(|id| format!("`{id}`")).collect();
            writeln!(table, "| {reason} | {} |", names.join(", ")).unwrap();
        }
        let wanted = format!("{head}{BEGIN}{table}{END}{tail}");
        if std::env::var_os("UPDATE_OPERATIONS").is_some() {
            std::fs::write(path, &wanted).unwrap();
            return;
        }
        assert!(page == wanted, "run UPDATE_OPERATIONS=1 cargo test -p flywheel-local unserved");
    }
}
