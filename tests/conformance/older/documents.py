"""Older releases: info, tags and notes of containers and files, classification; POST where later ones PATCH."""

import contextlib
import importlib.metadata

import flywheel

from harness import acquisition, client, equal, project, refused, same


@contextlib.contextmanager
def misread():
    """Up to release 14 the client expects another answer to notes than today's and fails when it has arrived."""
    try:
        yield
    except (TypeError, ValueError):
        assert importlib.metadata.version("flywheel-sdk").startswith("14.")


fw = client()
study = project(fw, "Documents")
scan = acquisition(study)
subject = fw.get_subject(scan.parents.subject)
session = fw.get_session(scan.parents.session)

# Info: set, merged, taken away, replaced.
for container in (study, subject, session, scan):
    kind = container.container_type
    container.update_info({"a": 1, "b": {"c": 2}})
    container.update_info(d="x", e=[1, {"f": None}])
    equal(container.reload().info, {"a": 1, "b": {"c": 2}, "d": "x", "e": [1, {"f": None}]}, kind)
    container.delete_info("a", "d")
    equal(container.reload().info, {"b": {"c": 2}, "e": [1, {"f": None}]}, kind)
    container.replace_info({"only": True})
    equal(container.reload().info, {"only": True}, kind)
    getattr(fw, f"set_{kind}_info")(container.id, {"k": 1})
    getattr(fw, f"modify_{kind}_info")(container.id, {"set": {"n": {"m": 2}}, "delete": ["only"]})
    equal(getattr(fw, f"get_{kind}")(container.id).info, {"k": 1, "n": {"m": 2}}, kind)
    getattr(fw, f"delete_{kind}_info_fields")(container.id, ["n"])
    equal(container.reload().info, {"k": 1}, kind)

# Tags.
for container in (study, subject, session, scan):
    kind = container.container_type
    container.add_tag("one")
    container.add_tag("two")
    container.rename_tag("two", "2")
    container.delete_tag("one")
    equal(container.reload().tags, ["2"], kind)
    with refused(404):
        container.delete_tag("never")
    with refused(409):
        container.add_tag("2")

# Notes.
for container in (study, subject, session, scan):
    kind = container.container_type
    with misread():
        container.add_note("went well")
    [note] = container.reload().notes
    equal((note.text, note.user), ("went well", fw.get_current_user().id), kind)
    with misread():
        getattr(fw, f"modify_{kind}_note")(container.id, note.id, "went better")
    equal(getattr(fw, f"get_{kind}_note")(container.id, note.id).text, "went better", kind)
    container.delete_note(note.id)
    equal(container.reload().notes, [], kind)

# The info and the classification of files.
scan.upload_file(flywheel.FileSpec("image.nii.gz", b"image"))
scan.update_file("image.nii.gz", modality="MR", type="nifti")
scan.update_file_info("image.nii.gz", {"TE": 0.03, "series": {"number": 4}})
scan.update_file_info("image.nii.gz", TR=2)
file = scan.reload().get_file("image.nii.gz")
equal((file.modality, file.type), ("MR", "nifti"))
equal(fw.get_acquisition_file_info(scan.id, "image.nii.gz").info, {"TE": 0.03, "series": {"number": 4}, "TR": 2})
scan.delete_file_info("image.nii.gz", "TE")
scan.replace_file_info("image.nii.gz", {"new": 1})
equal(fw.get_acquisition_file_info(scan.id, "image.nii.gz").info, {"new": 1})
fw.modify_acquisition_file_info(scan.id, "image.nii.gz", {"set": {"newer": 2}})
equal(fw.get_acquisition_file_info(scan.id, "image.nii.gz").info, {"new": 1, "newer": 2})
scan.update_file_classification("image.nii.gz", {"Intent": ["Structural"]})
scan.update_file_classification("image.nii.gz", {"Measurement": ["T1"], "Custom": ["mine"]})
equal(
    scan.reload().get_file("image.nii.gz").classification,
    {"Intent": ["Structural"], "Measurement": ["T1"], "Custom": ["mine"]},
)
scan.delete_file_classification("image.nii.gz", {"Custom": ["mine"]})
scan.replace_file_classification("image.nii.gz", {"Intent": ["Functional"]}, modality="MR")
equal(scan.reload().get_file("image.nii.gz").classification, {"Intent": ["Functional"]})
with refused(422):
    scan.update_file_classification("image.nii.gz", {"Intent": ["Nonsense"]})
study.upload_file(flywheel.FileSpec("readme.txt", b"read me"))
study.update_file_info("readme.txt", {"lines": 1})
equal(fw.get_project_file_info(study.id, "readme.txt").info, {"lines": 1})
same([one.name for one in study.reload().files], ["readme.txt"])

# Permissions: roles since release 12.
roles = fw.get_all_roles()
same([role.default_flywheel_role for role in roles], ["admin", "rw", "ro"])
equal(fw.get_role(roles[0].id).label, roles[0].label)
