"""The calls that exist once for each kind of container, by the long names of the client."""

import io
import zipfile

import flywheel

from harness import SCRATCH, acquisition, client, email, equal, group, labels, names, project, refused, same

fw = client()
study = project(fw, "Kinds")
scan = acquisition(study)
session_id, subject_id = scan.parents.session, scan.parents.subject
another = fw.get_session(session_id).add_acquisition(label="generic")
collection_id = fw.add_collection({"label": "Kinds"})

buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w") as archive:
    archive.writestr("inside.txt", "inside")


def by(name, *args, **kwargs):
    """Calls a method of the client by its name."""
    return getattr(fw, name)(*args, **kwargs)


def files(kind, id, upload):
    by(upload, id, flywheel.FileSpec("a.zip", buffer.getvalue()))
    by(f"modify_{kind}_file", id, "a.zip", {"type": "archive", "modality": "MR"})
    by(f"modify_{kind}_file_info", id, "a.zip", {"set": {"x": 1}})
    by(f"modify_{kind}_file_classification", id, "a.zip", {"add": {"Intent": ["shim"]}})
    info = fw.get_analysis_output_file if kind == "analysis" else getattr(fw, f"get_{kind}_file_info")
    entry = info(id, "a.zip")
    equal((entry.type, entry.modality, entry.info), ("archive", "MR", {"x": 1}), kind)
    equal(entry.classification, {"Intent": ["Shim"]}, kind)
    equal([member.path for member in by(f"get_{kind}_file_zip_info", id, "a.zip").members], ["inside.txt"], kind)
    equal(by(f"download_file_from_{kind}_as_data", id, "a.zip"), buffer.getvalue(), kind)
    by(f"download_file_from_{kind}", id, "a.zip", str(SCRATCH / "member"), member="inside.txt")
    equal((SCRATCH / "member").read_bytes(), b"inside", kind)
    assert "?ticket=" in by(f"get_{kind}_download_url", id, "a.zip")
    equal(by(f"delete_{kind}_file", id, "a.zip").deleted, 1, kind)
    with refused(404):
        info(id, "a.zip")


def tags(kind, id):
    equal(by(f"add_{kind}_tag", id, "one").modified, 1, kind)
    equal(by(f"get_{kind}_tag", id, "one"), "one", kind)
    equal(by(f"rename_{kind}_tag", id, "one", "two"), "two", kind)
    equal(by(f"delete_{kind}_tag", id, "two").deleted, 1, kind)
    with refused(404):
        by(f"get_{kind}_tag", id, "two")
    if kind != "analysis":
        by(f"add_{kind}_tags", id, ["three", "four", "three"])
        by(f"delete_{kind}_tags", id, ["three"])
        equal(by(f"get_{kind}", id).tags, ["four"], kind)
        by(f"delete_{kind}_tag", id, "four")


def notes(kind, id):
    note = by(f"add_{kind}_note", id, "said")
    equal((note.text, note.user), ("said", email("admin")), kind)
    equal(by(f"get_{kind}_note", id, note.id).text, "said", kind)
    equal(by(f"modify_{kind}_note", id, note.id, "meant"), 1, kind)
    equal(by(f"get_{kind}_note", id, note.id).text, "meant", kind)
    equal(by(f"delete_{kind}_note", id, note.id).deleted, 1, kind)


def info(kind, id):
    by(f"set_{kind}_info", id, {"a": 1, "b": 2})
    by(f"delete_{kind}_info_fields", id, ["a"])
    equal(by(f"get_{kind}", id).info, {"b": 2}, kind)
    by(f"replace_{kind}_info", id, {})


def analyses(kind, id):
    analysis_id = by(f"add_{kind}_analysis", id, {"label": kind, "inputs": []})
    equal([one.id for one in by(f"get_{kind}_analyses", id)], [analysis_id], kind)
    equal(by(f"get_{kind}_analysis", id, analysis_id).label, kind, kind)
    by(f"modify_{kind}_analysis", id, analysis_id, {"description": "changed"})
    equal(by(f"get_{kind}_analysis", id, analysis_id).description, "changed", kind)
    note = by(f"add_{kind}_analysis_note", id, analysis_id, {"text": "said"})
    equal(by(f"delete_{kind}_analysis_note", id, analysis_id, note.id).deleted, 1, kind)
    by(f"upload_output_to_{kind}_analysis", id, analysis_id, flywheel.FileSpec("out.zip", buffer.getvalue()))
    equal(by(f"download_output_from_{kind}_analysis_as_data", id, analysis_id, "out.zip"), buffer.getvalue(), kind)
    inside = by(f"get_{kind}_analysis_output_zip_info", id, analysis_id, "out.zip")
    equal([member.path for member in inside.members], ["inside.txt"], kind)
    assert "?ticket=" in by(f"get_{kind}_analysis_output_download_url", id, analysis_id, "out.zip")
    equal(by(f"delete_{kind}_analysis", id, analysis_id).deleted, 1, kind)
    equal(by(f"get_{kind}_analyses", id), [], kind)


for kind, id in {
    "project": study.id,
    "subject": subject_id,
    "session": session_id,
    "acquisition": scan.id,
    "container": another.id,
}.items():
    files(kind, id, f"upload_file_to_{kind}")
    tags(kind, id)
    notes(kind, id)
    info(kind, id)
    analyses(kind, id)

# Collections hold files, tags, notes and info, and give access by level.
files("collection", collection_id, "upload_file_to_collection")
tags("collection", collection_id)
notes("collection", collection_id)
info("collection", collection_id)
with refused(403):
    client("ann").get_collection(collection_id)
equal(fw.add_collection_permission(collection_id, {"_id": email("ann"), "access": "ro"}).access, "ro")
equal(client("ann").get_collection(collection_id).label, "Kinds")
with refused(403):
    client("ann").modify_collection(collection_id, {"label": "Hers"})
equal(fw.modify_collection_user_permission(collection_id, email("ann"), {"access": "rw"}).access, "rw")
client("ann").modify_collection(collection_id, {"label": "Hers"})
equal(fw.get_collection_user_permission(collection_id, email("ann")).access, "rw")
fw.delete_collection_user_permission(collection_id, email("ann"))
with refused(404):
    fw.get_collection_user_permission(collection_id, email("ann"))
assert email("admin") in [curator.id for curator in fw.get_all_collections_curators()]

# Analyses by their own routes, and those of everything below.
scan.upload_file(flywheel.FileSpec("in.txt", "input"))
analysis_id = fw.add_session_analysis(
    session_id, {"label": "own", "inputs": [{"type": "acquisition", "id": scan.id, "name": "in.txt"}]}
)
files("analysis", analysis_id, "upload_output_to_analysis")
tags("analysis", analysis_id)
notes("analysis", analysis_id)
info("analysis", analysis_id)
equal(names(fw.get_analysis_input_files(analysis_id, "in.txt")), ["in.txt"])
equal(labels(fw.get_analyses("projects", study.id, "all")), ["own"])
equal(labels(fw.get_analyses("projects", study.id, "sessions")), ["own"])
equal(fw.get_analyses("projects", study.id, "acquisitions"), [])
with refused(400, 404, 422):
    fw.get_analyses("acquisitions", scan.id, "projects")

# The tags of a group and its pool of roles.
tags("group", "lab")
role = fw.add_role({"label": "viewer", "actions": ["containers_view_metadata"]})
equal(fw.modify_role(role.id, {"label": "looker"}).label, "looker")
fw.add_role_to_group("lab", {"_id": role.id})
equal(fw.get_group_role("lab", role.id).label, "looker")
fw.remove_role_from_group("lab", role.id)
with refused(404):
    fw.get_group_role("lab", role.id)
fw.delete_role(role.id)
with refused(404):
    fw.get_role(role.id)

# Deleting several at once, on every level from below.
nowhere = "0" * 24
equal(fw.delete_analyses_by_ids([analysis_id]).deleted, 1)
result = fw.delete_acquisitions_by_ids([another.id, nowhere])
equal((result.deleted, result.not_found), (1, 1))
equal(fw.delete_sessions_by_ids([session_id]).deleted, 1)
with refused(404):
    fw.get_acquisition(scan.id)
equal(fw.delete_subjects_by_ids([subject_id]).deleted, 1)
equal(fw.delete_collections_by_ids([collection_id]).deleted, 1)
equal(fw.delete_projects_by_ids([study.id]).deleted, 1)
group(fw, "second", "Second")
equal(fw.delete_groups_by_ids(["lab", "second"]).deleted, 2)
equal([one.id for one in fw.groups.find("_id=lab")], [])
