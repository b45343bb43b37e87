//! Users, roles, permissions, templates of permissions, reports.

use std::collections::BTreeSet;

use flywheel::blocking::{Block, BlockIter};
use flywheel::{Project, Session};
use serde_json::{Value, json};

use crate::task::{Outcome, Task, pick, refusal};

/// The labels of the roles of a permission.
fn role_names(at: &Task, permission: &impl serde::Serialize) -> Outcome {
    let ids: Vec<String> = serde_json::from_value(json!(permission)["role_ids"].clone())?;
    let mut names = Vec::new();
    for id in ids {
        names.push(at.fw.roles().get(id).block()?.label().to_owned());
    }
    names.sort_unstable();
    Ok(names.into())
}

pub(crate) fn grant_roles(at: &Task) -> Outcome {
    let mut study = at.study.clone();
    study.permissions().add("ann@example.org", ["read-only"]).block()?;
    let given = role_names(at, &study.permissions().get("ann@example.org").block()?)?;
    let ann = at.client("ann");
    let mut hers = ann.projects().get(study.id()).block()?;
    let seen = hers.label().to_owned();
    let forbidden = refusal(hers.update().label("hers").block());
    study.permissions().set("ann@example.org", ["read-write"]).block()?;
    let changed = role_names(at, &study.permissions().get("ann@example.org").block()?)?;
    study.permissions().remove("ann@example.org").block()?;
    Ok(json!([given, seen, forbidden, changed, refusal(ann.projects().get(study.id()).block())]))
}

pub(crate) fn manage_roles(at: &Task) -> Outcome {
    let actions = ["containers_view_metadata", "files_view_metadata"];
    let mut role = at.fw.add_role(at.own("viewer"), actions).block()?;
    let made = json!([role.label(), actions_of(&role)]);
    role.update().actions(["containers_view_metadata"]).block()?;
    let group = at.fw.groups().get(&at.group).block()?;
    group.add_role(role.id()).block()?;
    let mut pool: Vec<String> = group.roles().block()?.iter().map(|one| one.label().to_owned()).collect();
    pool.sort_unstable();
    group.remove_role(role.id()).block()?;
    let (id, changed) = (role.id().to_owned(), actions_of(&role));
    role.delete().block()?;
    Ok(json!([made, changed, pool, refusal(at.fw.roles().get(id).block())[0]]))
}

/// What a role allows, in order.
fn actions_of(role: &flywheel::Role) -> Value {
    let names: BTreeSet<String> = serde_json::from_value(json!(role)["actions"].clone()).unwrap_or_default();
    json!(names)
}

pub(crate) fn manage_users(at: &Task) -> Outcome {
    let id = format!("{}@example.org", at.own("jo"));
    let made = at.fw.add_user(&id).firstname("Jo").lastname("Doe").block()?;
    let mut user = made.clone();
    user.update().lastname("Roe").roles(["developer".to_owned()]).block()?;
    let found = at.fw.users().filter(format!("_id={id}")).find_one().block()?;
    let me = at.fw.me().block()?;
    let status = at.fw.auth_status().block()?;
    found.clone().delete().block()?;
    let fields = ["_id", "firstname", "lastname", "email", "roles", "disabled"];
    Ok(json!({
        "made": pick(&made, &fields),
        "found": pick(&found, &fields),
        "me": pick(&me, &["_id", "firstname", "roles"]),
        "administrator": status.user_is_admin,
        "gone": refusal(at.fw.users().get(&id).block())[0],
    }))
}

pub(crate) fn use_permission_templates(at: &Task) -> Outcome {
    let mut group = at.fw.groups().get(&at.group).block()?;
    group.permission_template().add("bob@example.org", ["read-only"]).block()?;
    let given = role_names(at, &group.permission_template().get("bob@example.org").block()?)?;
    let project: Project = group.add_project("inherits").inherit_permissions(true).block()?;
    let mut inherited: Vec<Option<String>> =
        project.permissions.iter().flatten().map(|permission| permission.id.clone()).collect();
    inherited.sort_unstable();
    group.permission_template().set("bob@example.org", ["read-write"]).block()?;
    group.permission_template().remove("bob@example.org").block()?;
    group.permissions().add("cat@example.org", "rw").block()?;
    let access = json!(group.permissions().get("cat@example.org").block()?)["access"].clone();
    group.permissions().remove("cat@example.org").block()?;
    let gone = refusal(group.permission_template().get("bob@example.org").block());
    Ok(json!([given, inherited, access, gone[0]]))
}

pub(crate) fn read_reports(at: &Task) -> Outcome {
    let report = json!(at.fw.reports().projects([at.study.id()]).block()?);
    let fields = [
        "name",
        "session_count",
        "subjects_count",
        "female_count",
        "male_count",
        "other_count",
        "over_18_count",
    ];
    let mut session: Session = at.fw.lookup(at.path("/sub-01/ses-01")).cast().block()?;
    session.reload().block()?;
    let mut types = BTreeSet::new();
    for entry in
        at.fw.reports().access_log().project(at.study.id()).types(["view_container"]).iter().block_iter()
    {
        types.insert(json!(entry?)["access_type"].to_string().replace('"', ""));
    }
    session.update().operator("Jo").block()?;
    let changes = json!(session.changes().block()?);
    let methods: Value =
        changes["changes"].as_array().into_iter().flatten().map(|one| one["method"].clone()).collect();
    Ok(json!([pick(&report["projects"][0], &fields), types, methods]))
}
