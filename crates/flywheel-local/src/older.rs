//! What older releases of the Python client cannot read.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::{header::USER_AGENT, request::Parts};
use serde_json::Value;

/// The actions that came after release 17. That client, which the official command line tool brings along as well,
/// refuses a whole role for one action that it does not know; from release 20 on it only complains.
const NEWER_THAN_17: [&str; 16] = [
    "annotations_delete_others",
    "files_create_bulk",
    "files_create_single",
    "jupyterlab_servers_create",
    "jupyterlab_servers_delete",
    "jupyterlab_servers_launch",
    "jupyterlab_servers_modify",
    "jupyterlab_servers_read",
    "malware_findings_view",
    "tasks_assign",
    "tasks_create",
    "tasks_modify",
    "tasks_report_create",
    "tasks_report_delete",
    "tasks_report_read",
    "tasks_view",
];

/// The major release of the Python client that asks, when one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Release(Option<u32>);

impl Release {
    fn of(agent: &str) -> Self {
        let version = agent.split_once("Flywheel SDK/").and_then(|(_, rest)| rest.split('.').next());
        Self(version.and_then(|major| major.parse().ok()))
    }

    /// The role as this client can read it.
    pub(crate) fn role(self, mut role: Value) -> Value {
        if matches!(self.0, Some(17..=19))
            && let Some(actions) = role.get_mut("actions").and_then(Value::as_array_mut)
        {
            actions.retain(|action| action.as_str().is_none_or(|name| !NEWER_THAN_17.contains(&name)));
        }
        role
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Release {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self::of(agent.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_clients_that_would_refuse_a_role_miss_its_newer_actions() {
        let role = || json!({"label": "r", "actions": ["tags_view", "tasks_view"]});
        for (agent, count) in [
            ("Flywheel SDK/17.8.0 (Python 3.11.7; Linux)", 1),
            ("Flywheel SDK/14.6.6 (Python 3.9.1; Linux)", 2),
            ("Flywheel SDK/20.6.0 (Python 3.11.7; Linux)", 2),
            ("Flywheel SDK/next", 2),
            ("curl/8.0", 2),
            ("", 2),
        ] {
            let shown = Release::of(agent).role(role());
            assert_eq!(shown["actions"].as_array().map(Vec::len), Some(count), "{agent}");
        }
    }
}
