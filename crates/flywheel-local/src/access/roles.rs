//! The role documents: the three that every site has, and reading permissions in their old form.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Access, Action, ActionSet};
use crate::{
    error::{ApiError, ApiResult},
    store::{Doc, new_id, now, records},
};

/// The kind under which roles are recorded.
pub(crate) const RECORD: &str = "role";

/// Makes the three built-in roles when they are not there yet.
pub(crate) fn ensure_built_in(db: &Connection) -> ApiResult<()> {
    let there = records::all(db, RECORD)?;
    for access in Access::ALL {
        if there.iter().any(|role| level_of(role) == Some(access)) {
            continue;
        }
        let label = match access {
            Access::Ro => "read-only",
            Access::Rw => "read-write",
            Access::Admin => "admin",
        };
        let granted = ActionSet::of_access(access);
        let actions: Vec<&str> =
            Action::ALL.iter().filter(|&&action| granted.has(action)).map(|action| action.name()).collect();
        let (id, time) = (new_id(), now());
        let role = json!({
            "_id": id, "label": label, "actions": actions, "default_flywheel_role": access.name(),
            "created": time, "modified": time, "revision": 1,
        });
        records::put(db, RECORD, &id, role.as_object().unwrap_or(&Doc::new()))?;
    }
    Ok(())
}

/// The level that a built-in role stands for.
pub(crate) fn level_of(role: &Doc) -> Option<Access> {
    role.get("default_flywheel_role").and_then(Value::as_str).and_then(Access::parse)
}

/// The id of the built-in role of a level.
pub(crate) fn built_in(db: &Connection, access: Access) -> ApiResult<String> {
    let roles = records::all(db, RECORD)?;
    let role = roles.iter().find(|role| level_of(role) == Some(access));
    let id = role.and_then(|role| role.get("_id")).and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| ApiError::internal("a built-in role is missing"))
}
