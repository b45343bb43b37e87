//! Who may do what: levels, actions, roles, and the one check that every call on a container passes.
//!
//! A project is governed by roles (sets of [`Action`]), and so is everything in it; groups and collections by a level
//! (ro, rw, admin). What a call needs stands beside its route in [`crate::router`], as a [`Need`]; the handler reaches
//! containers through [`crate::guard::Guard`], which checks that need.

mod action;
pub(crate) mod lock;
pub(crate) mod own;
pub(crate) mod roles;

use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;

pub(crate) use action::{Action, ActionSet};

use crate::{
    auth::Caller,
    error::{ApiError, ApiResult},
    kind::Kind,
    store::{Doc, containers::Container, records},
};

/// A level of access, as groups and collections give it and as the built-in roles are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Access {
    Ro,
    Rw,
    Admin,
}

impl Access {
    /// Every level, least first.
    pub(crate) const ALL: [Access; 3] = [Access::Ro, Access::Rw, Access::Admin];

    /// As documents write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Access::Ro => "ro",
            Access::Rw => "rw",
            Access::Admin => "admin",
        }
    }

    /// The level of this name.
    pub(crate) fn parse(name: &str) -> Option<Access> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// What a route needs before its handler does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing; not even a login.
    Public,
    /// Valid credentials. The answer itself is limited to what the caller may see.
    Login,
    /// A site administrator.
    SiteAdmin,
    /// A user, as opposed to a device.
    User,
    /// A device.
    Device,
    /// Who may add and change gears: a developer, or a site administrator.
    Developer,
    /// Who runs gears: a device, or a site administrator.
    Engine,
    /// An action on each container that the call names, checked as the guard hands it out.
    On(Action),
}

/// 403 unless the caller may do this to the container, and its project is not locked against it.
pub(crate) fn authorize(
    db: &Connection,
    caller: &Caller,
    container: &Container,
    action: Action,
) -> ApiResult<()> {
    authorize_in_lock(db, caller, container, action)?;
    if action.only_reads() { Ok(()) } else { lock::refuse(db, container) }
}

/// As [`authorize`] for what a lock does not stop: the locks themselves.
pub(crate) fn authorize_in_lock(
    db: &Connection,
    caller: &Caller,
    container: &Container,
    action: Action,
) -> ApiResult<()> {
    if allowed(db, caller, container, action)? {
        return Ok(());
    }
    let (kind, id) = (container.kind, &container.id);
    let message =
        format!("Permission denied: {} on {kind} {id} needs {}", caller.id(), needed(container, action));
    Err(ApiError::forbidden(message).with("reason", "permission_denied"))
}

/// Whether the caller may do this to the container.
pub(crate) fn allowed(
    db: &Connection,
    caller: &Caller,
    container: &Container,
    action: Action,
) -> ApiResult<bool> {
    if caller.is_read_only() && action.least() > Access::Ro {
        return Ok(false);
    }
    if caller.is_superuser() {
        return Ok(true);
    }
    let action = particular(container.kind, action);
    match governor(container) {
        Governor::Project(project) => Ok(actions_in(db, caller, project)?.has(action)),
        Governor::Levels(id) => {
            let Some(least) = level_for(container.kind, action) else { return Ok(false) };
            if level_on(db, caller, id)?.is_some_and(|level| level >= least) {
                return Ok(true);
            }
            let view = least == Access::Ro && container.kind == Kind::Group;
            Ok(view && sees_project_of(db, caller, id)?)
        }
    }
}

fn needed(container: &Container, action: Action) -> String {
    let action = particular(container.kind, action);
    match (governor(container), level_for(container.kind, action)) {
        (Governor::Project(_), _) => format!("the action {}", action.name()),
        (Governor::Levels(_), Some(level)) => format!("{} access for {}", level.name(), action.name()),
        (Governor::Levels(_), None) => format!("a site administrator for {}", action.name()),
    }
}

/// The action that viewing, changing or deleting means for this kind, where it has its own.
const fn particular(kind: Kind, action: Action) -> Action {
    match (kind, action) {
        (Kind::Analysis, Action::ContainersViewMetadata) => Action::AnalysesViewMetadata,
        (Kind::Analysis, Action::ContainersModifyMetadata) => Action::AnalysesModifyMetadata,
        (Kind::Analysis, Action::ContainersDeleteHierarchy) => Action::AnalysesDelete,
        (Kind::Project, Action::ContainersDeleteHierarchy) => Action::ContainersDeleteProject,
        (_, action) => action,
    }
}

/// What decides about a container.
enum Governor<'a> {
    Project(&'a str),
    Levels(&'a str),
}

fn governor(container: &Container) -> Governor<'_> {
    match (container.ancestor(Kind::Project), container.ancestor(Kind::Collection)) {
        (Some(project), _) => Governor::Project(project),
        (None, Some(collection)) => Governor::Levels(collection),
        (None, None) => Governor::Levels(&container.id),
    }
}

/// The level that stands for an action where levels govern; none where only site administrators may. A group's own
/// settings and what is made in it are the group admin's; its tags and the like need rw, as everywhere.
fn level_for(kind: Kind, action: Action) -> Option<Access> {
    use Action::{ContainersCreateHierarchy, ContainersDeleteHierarchy, ContainersModifyMetadata};
    match (kind, action) {
        (Kind::Group, ContainersDeleteHierarchy) => None,
        (Kind::Group, ContainersCreateHierarchy | ContainersModifyMetadata) => Some(Access::Admin),
        (Kind::Collection, ContainersDeleteHierarchy) => Some(Access::Admin),
        _ => Some(action.least()),
    }
}

/// Everything the caller's roles allow in a project.
pub(crate) fn actions_in(db: &Connection, caller: &Caller, project: &str) -> ApiResult<ActionSet> {
    if let Some((own, actions)) = caller.rule_project() {
        return Ok(if own == project { actions } else { ActionSet::default() });
    }
    let mut statement = db.prepare_cached(
        "SELECT r.doc FROM grants g JOIN records r ON r.kind = 'role' AND r.id = g.role
         WHERE g.user_id = ? AND g.container_id = ?",
    )?;
    let mut rows = statement.query((caller.id(), project))?;
    let mut set = ActionSet::default();
    while let Some(row) = rows.next()? {
        set = granted(set, &crate::store::parse_doc(&row.get::<_, String>(0)?)?);
    }
    Ok(set)
}

/// A set with what a role's document grants.
fn granted(set: ActionSet, role: &Doc) -> ActionSet {
    let names = role.get("actions").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).fold(set, ActionSet::with_name)
}

/// Everything that a role allows; a role that is gone allows nothing.
pub(crate) fn actions_of_role(db: &Connection, role: &str) -> ApiResult<ActionSet> {
    let role = records::get(db, roles::RECORD, role)?.unwrap_or_default();
    Ok(granted(ActionSet::default(), &role))
}

/// The caller's level on a group or collection.
pub(crate) fn level_on(db: &Connection, caller: &Caller, container: &str) -> ApiResult<Option<Access>> {
    let mut statement =
        db.prepare_cached("SELECT role FROM grants WHERE user_id = ? AND container_id = ?")?;
    let mut rows = statement.query((caller.id(), container))?;
    let mut best = None;
    while let Some(row) = rows.next()? {
        best = best.max(Access::parse(&row.get::<_, String>(0)?));
    }
    Ok(best)
}

/// Whether the caller has a role on any project of a group, which makes the group itself visible.
fn sees_project_of(db: &Connection, caller: &Caller, group: &str) -> ApiResult<bool> {
    let sql = "SELECT 1 FROM grants g JOIN containers c ON c.id = g.container_id
               WHERE g.user_id = ? AND c.parent_id = ? AND c.kind = 2 AND c.deleted IS NULL LIMIT 1";
    Ok(db.prepare_cached(sql)?.query_row((caller.id(), group), |_| Ok(())).optional()?.is_some())
}
