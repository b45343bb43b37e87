"""Users, roles, permissions, templates of permissions, reports."""

from tasks import pick, refusal, run, task


def role_names(at, permission):
    """The labels of the roles of a permission."""
    return sorted(at.fw.get_role(role).label for role in permission.role_ids)


@task
def grant_roles(at):
    roles = {role.label: role.id for role in at.fw.get_all_roles()}
    at.study.add_permission({"_id": "ann@example.org", "role_ids": [roles["read-only"]]})
    given = role_names(at, at.study.get_permission("ann@example.org"))
    ann = at.client("ann")
    seen = ann.get_project(at.study.id).label
    forbidden = refusal(lambda: ann.get_project(at.study.id).update(label="hers"))
    at.study.update_permission("ann@example.org", {"role_ids": [roles["read-write"]]})
    changed = role_names(at, at.study.get_permission("ann@example.org"))
    at.study.delete_permission("ann@example.org")
    return [given, seen, forbidden, changed, refusal(lambda: ann.get_project(at.study.id))]


@task
def manage_roles(at):
    role = at.fw.add_role({"label": at.own("viewer"), "actions": ["containers_view_metadata", "files_view_metadata"]})
    made = [role.label, sorted(role.actions)]
    changed = at.fw.modify_role(role.id, {"actions": ["containers_view_metadata"]})
    at.fw.add_role_to_group(at.group, {"_id": role.id})
    pool = sorted(one.label for one in at.fw.get_all_group_roles(at.group))
    at.fw.remove_role_from_group(at.group, role.id)
    at.fw.delete_role(role.id)
    return [made, sorted(changed.actions), pool, refusal(lambda: at.fw.get_role(role.id))[0]]


@task
def manage_users(at):
    id = at.own("jo") + "@example.org"
    at.fw.add_user({"_id": id, "firstname": "Jo", "lastname": "Doe"})
    made = at.fw.get_user(id)
    at.fw.modify_user(id, {"lastname": "Roe", "roles": ["developer"]})
    found = at.fw.users.find_one(f"_id={id}")
    me = at.fw.get_current_user()
    status = at.fw.get_auth_status()
    at.fw.delete_user(id)
    fields = ("_id", "firstname", "lastname", "email", "roles", "disabled")
    return {
        "made": pick(made, *fields),
        "found": pick(found, *fields),
        "me": pick(me, "_id", "firstname", "roles"),
        "administrator": status.user_is_admin,
        "gone": refusal(lambda: at.fw.get_user(id))[0],
    }


@task
def use_permission_templates(at):
    group = at.fw.get_group(at.group)
    roles = {role.label: role.id for role in at.fw.get_all_roles()}
    group.add_permission_template({"_id": "bob@example.org", "role_ids": [roles["read-only"]]})
    given = role_names(at, group.get_permission_template("bob@example.org"))
    project = at.fw.get_project(at.fw.add_project({"label": "inherits", "group": at.group}, inherit=True))
    inherited = sorted(one.id for one in project.permissions)
    group.update_permission_template("bob@example.org", {"role_ids": [roles["read-write"]]})
    group.delete_permission_template("bob@example.org")
    group.add_permission({"_id": "cat@example.org", "access": "rw"})
    access = group.get_permission("cat@example.org").access
    group.delete_permission("cat@example.org")
    return [given, inherited, access, refusal(lambda: group.get_permission_template("bob@example.org"))[0]]


@task
def read_reports(at):
    counts = at.fw.get_project_report(projects=[at.study.id]).projects[0]
    fields = ("name", "session_count", "subjects_count", "female_count", "male_count", "other_count", "over_18_count")
    at.fw.get_session(at.fw.lookup(at.path("sub-01", "ses-01")).id)
    log = at.fw.get_access_log_report(project=at.study.id, access_types=["view_container"])
    session = at.fw.lookup(at.path("sub-01", "ses-01"))
    session.update(operator="Jo")
    changes = at.fw.get_change_log("session", session.id).changes
    return [pick(counts, *fields), sorted({entry.access_type for entry in log}), [change.method for change in changes]]


run()
