"""Who may do what: roles on projects, access on groups, templates, what other users see."""

import flywheel

from harness import acquisition, client, email, equal, grant, group, labels, project, refused, role_id, same

fw = client()
ann, bob, eve = client("ann"), client("bob"), client("eve")
study = project(fw, "Shared")
scan = acquisition(study)
scan.upload_file(flywheel.FileSpec("a.txt", "secret"))

# Without a role: no reading, and lists are just shorter.
equal(ann.projects(), [])
equal(ann.sessions(), [])
for attempt in (
    lambda: ann.get_project(study.id),
    lambda: ann.get(scan.id),
    lambda: ann.get_acquisition(scan.id),
    lambda: ann.download_file_from_acquisition_as_data(scan.id, "a.txt"),
    lambda: ann.get_project_subjects(study.id),
):
    with refused(403, 404):
        attempt()

# Read only.
grant(fw, study, "ann", "ro")
entry = study.get_permission(email("ann"))
equal((entry.id, entry.role_ids), (email("ann"), [role_id(fw, "ro")]))
same([one.id for one in study.reload().permissions], [email("admin"), email("ann")])
with refused(409):
    grant(fw, study, "ann", "ro")
seen = ann.get_acquisition(scan.id)
equal(seen.label, "T1w")
equal(seen.read_file("a.txt"), b"secret")
equal(labels(ann.projects()), ["Shared"])
equal(len(ann.acquisitions()), 1)
assert "lab" in [one.id for one in ann.groups()], "the group of a readable project is listed"
for attempt in (
    lambda: seen.update(label="hers"),
    lambda: seen.update_info(x=1),
    lambda: seen.add_tag("x"),
    lambda: seen.add_note("x"),
    lambda: seen.upload_file(flywheel.FileSpec("b.txt", "x")),
    lambda: seen.delete_file("a.txt"),
    lambda: seen.update_file("a.txt", type="pdf"),
    lambda: ann.get_project(study.id).add_subject(label="x"),
    lambda: ann.add_session({"label": "x", "project": study.id, "subject": {"label": "x"}}),
    lambda: ann.add_acquisition({"label": "x", "session": scan.parents.session}),
    lambda: ann.delete_acquisition(scan.id),
    lambda: ann.get_project(study.id).add_permission(
        flywheel.RolePermission(id=email("bob"), role_ids=[role_id(fw, "ro")])
    ),
    lambda: ann.delete_project(study.id),
    lambda: ann.add_project({"label": "x", "group": "lab"}),
):
    with refused(403):
        attempt()

# Read and write, but no administration.
study.update_permission(email("ann"), {"role_ids": [role_id(fw, "rw")]})
mine = ann.get_acquisition(scan.id)
mine.update(label="T1w by ann")
mine.update_info(x=1)
mine.add_tag("x")
mine.add_note("by ann")
mine.upload_file(flywheel.FileSpec("b.txt", "x"))
mine.delete_file("b.txt")
ann.get_project(study.id).add_subject(label="by ann").add_session(label="s").add_acquisition(label="a")
ann.delete_acquisition(ann.acquisitions.find_one("label=a").id)
equal(fw.get_acquisition(scan.id).label, "T1w by ann")
for attempt in (
    lambda: ann.delete_project(study.id),
    lambda: grant(ann, ann.get_project(study.id), "bob", "ro"),
    lambda: ann.get_project(study.id).delete_permission(email("admin")),
):
    with refused(403):
        attempt()

# Administration of one project is not administration of the site.
study.update_permission(email("ann"), {"role_ids": [role_id(fw, "admin")]})
grant(ann, ann.get_project(study.id), "bob", "ro")
equal(bob.get_project(study.id).label, "Shared")
with refused(403):
    ann.add_group({"_id": "anns", "label": "Ann's"})
with refused(404):
    ann.get_project(study.id).add_permission(
        flywheel.RolePermission(id="nobody@example.org", role_ids=[role_id(fw, "ro")])
    )
study.delete_permission(email("bob"))
with refused(403, 404):
    bob.get_project(study.id)
with refused(404):
    study.get_permission(email("bob"))

# Who does not administer a project learns only about himself.
grant(fw, study, "bob", "ro")
equal([one.id for one in bob.get_project(study.id).permissions], [email("bob")])
equal([one.id for one in bob.get_acquisition(scan.id).permissions], [email("bob")])
same([one.id for one in ann.get_project(study.id).permissions], [email("admin"), email("ann"), email("bob")])
study.delete_permission(email("bob"))

# Everyone may leave.
grant(fw, study, "bob", "ro")
bob.get_project(study.id).delete_permission(email("bob"))
with refused(403, 404):
    bob.get_project(study.id)

# Access to a group gives its settings and, at the highest level, the right to make projects.
lab = fw.get_group("lab")
lab.add_permission(flywheel.AccessPermission(id=email("bob"), access="ro"))
equal(bob.get_group("lab").label, "Lab")
with refused(403, 404):
    bob.get_project(study.id)
with refused(403):
    bob.add_project({"label": "his", "group": "lab"})
lab.update_permission(email("bob"), {"access": "admin"})
equal(lab.get_permission(email("bob")).access, "admin")
own = bob.get_group("lab").add_project(label="his")
equal([one.id for one in own.permissions], [email("bob")])
with refused(403, 404):
    eve.get_project(own.id)
lab.delete_permission(email("bob"))
with refused(403):
    bob.add_project({"label": "his too", "group": "lab"})

# A site administrator reads everything; lists show it on request.
equal(fw.get_project(own.id).label, "his")
equal(fw.projects.find("label=his"), [])
equal(labels(client(exhaustive=True).projects.find("label=his")), ["his"])
equal(labels(fw.get_all_projects(filter="label=his", exhaustive=True)), ["his"])

# The template of a group is copied to new projects, which are independent from then on.
group(fw, "tmpl", "Template")
tmpl = fw.get_group("tmpl")
tmpl.add_permission_template(flywheel.RolePermission(id=email("eve"), role_ids=[role_id(fw, "ro")]))
equal(tmpl.get_permission_template(email("eve")).role_ids, [role_id(fw, "ro")])
inherited = fw.get_project(fw.add_project({"label": "inherits", "group": "tmpl"}, inherit=True))
same([one.id for one in inherited.permissions], [email("admin"), email("eve")])
equal(eve.get_project(inherited.id).label, "inherits")
bare = fw.get_project(fw.add_project({"label": "bare", "group": "tmpl"}))
equal([one.id for one in bare.permissions], [email("admin")])
tmpl.update_permission_template(email("eve"), {"role_ids": [role_id(fw, "rw")]})
equal(inherited.get_permission(email("eve")).role_ids, [role_id(fw, "ro")], "not changed afterwards")
tmpl.delete_permission_template(email("eve"))
equal(eve.get_project(inherited.id).label, "inherits")
with refused(404):
    tmpl.get_permission_template(email("eve"))

# A template may reach the projects that are there already.
fw.add_group_permission_template(
    "tmpl", {"_id": email("bob"), "role_ids": [role_id(fw, "ro")]}, propagate=True
)
equal(bob.get_project(inherited.id).label, "inherits")
fw.modify_group_user_permission_template(
    "tmpl", email("bob"), {"role_ids": [role_id(fw, "rw")]}, propagate=True
)
equal(inherited.get_permission(email("bob")).role_ids, [role_id(fw, "rw")])
fw.delete_group_user_permission_template("tmpl", email("bob"), propagate=True)
with refused(403):
    bob.get_project(inherited.id)

# A role of one's own.
role = fw.add_role({"label": "downloader", "actions": ["containers_view_metadata", "files_view_metadata", "files_download"]})
equal(fw.get_role(role.id).label, "downloader")
assert role.id in [one.id for one in fw.get_all_roles()]
with refused(400, 403, 404, 409, 422):
    study.add_permission(flywheel.RolePermission(id=email("eve"), role_ids=[role.id]))
with refused(400, 404, 422):
    study.add_permission(flywheel.RolePermission(id=email("eve"), role_ids=["0" * 24]))
fw.add_role_to_group("lab", {"_id": role.id})
assert role.id in [one.id for one in fw.get_all_group_roles("lab")]
study.add_permission(flywheel.RolePermission(id=email("eve"), role_ids=[role.id]))
equal(eve.get_acquisition(scan.id).read_file("a.txt"), b"secret")
with refused(403):
    eve.get_acquisition(scan.id).add_tag("no")
with refused(400, 403, 409, 422):
    fw.delete_role(role.id)
with refused(400, 403, 409, 422):
    fw.delete_role(role_id(fw, "ro"))
with refused(400, 403, 409, 422):
    fw.modify_role(role_id(fw, "ro"), {"label": "other"})
with refused(403):
    eve.add_role({"label": "mine", "actions": ["containers_view_metadata"]})

# Someone who leaves the site leaves every list.
fw.modify_user(email("eve"), {"disabled": True}, clear_permissions=True)
assert email("eve") not in [one.id for one in fw.get_project(study.id).permissions]
assert email("eve") not in [one.id for one in fw.get_project(inherited.id).permissions]
