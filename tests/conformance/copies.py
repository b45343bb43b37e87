"""Copies by reference and moves of many sessions, with bytes compared at the end."""

import tarfile
import time

import flywheel

from harness import SCRATCH, acquisition, client, equal, labels, names, project, refused, same

fw = client()
source = project(fw, "Copied")
scan = acquisition(source)
scan.upload_file(flywheel.FileSpec("t1.dcm", b"pixels"))
scan.upload_file(flywheel.FileSpec("t1.nii.gz", b"voxels"))
scan.update_info(TR=2)
scan.add_tag("good")
scan.add_note("blurred")
session_id, subject_id = scan.parents.session, scan.parents.subject
target = project(fw, "Copies")
EVERYTHING = {"filter": {}}

# The filter has to be given.
with refused(422):
    fw.subject_copy(subject_id, {"dst_project_id": target.id})

# A subject with everything in it, which says what it is a copy of.
copy = fw.subject_copy(subject_id, {"dst_project_id": target.id, **EVERYTHING})
equal((copy.label, copy.copy_of, copy.original_copy_of), ("sub-01", subject_id, subject_id))
copied = fw.lookup("lab/Copies/sub-01/ses-01/T1w")
equal((copied.tags, copied.info, copied.notes[0].text), (["good"], {"TR": 2}, "blurred"))
original, file = scan.reload().get_file("t1.dcm"), copied.get_file("t1.dcm")
equal((file.hash, file.version), (original.hash, 1))
equal((file.copy_of.file_id, file.copy_of.project_label), (original.file_id, "Copied"))
with refused(409):
    fw.subject_copy(subject_id, {"dst_project_id": target.id, **EVERYTHING})

# The bytes stay when the source goes.
scan.delete_file("t1.nii.gz")
equal(copied.read_file("t1.nii.gz"), b"voxels")

# A session below a subject that is there, an acquisition with some of its files.
again = fw.session_copy(session_id, {"dst_subject_id": copy.id, "dst_session_label": "again", **EVERYTHING})
equal((again.label, again.parents.subject), ("again", copy.id))
some = fw.acquisition_copy(
    copied.id,
    {"dst_session_id": again.id, "label": "some", "filter": {"include_rules": ["file.type=dicom"]}},
)
equal(names(some.reload().files), ["t1.dcm"])
equal(some.original_copy_of, scan.id)

# A whole project in the background.
begun = fw.project_copy(source.id, {"group_id": "lab", "project_label": "Whole", **EVERYTHING})
for _ in range(600):
    whole = fw.get_project(begun.project_id)
    if whole.copy_status != "copying":
        break
    time.sleep(0.05)
equal((whole.copy_status, whole.copy_of), ("completed", source.id))
path = str(SCRATCH / "whole.tar")
fw.download_tar([whole], path)
with tarfile.open(path) as archive:
    members = {one.name: archive.extractfile(one).read() for one in archive if one.isfile()}
equal(members, {"scitran/lab/Whole/sub-01/ses-01/T1w/t1.dcm": b"pixels"})
with refused(409):
    fw.project_copy(source.id, {"group_id": "lab", "project_label": "Whole", **EVERYTHING})


def moved(mode, **options):
    """Moves the session of the source to the project of copies."""
    body = {
        "destination_container_type": "projects",
        "sources": [session_id],
        "destinations": [target.id],
        "conflict_mode": mode,
    }
    return fw.bulk_move_sessions({**body, **options})


# A session of the same label stands in the way: told, left alone, or made one.
for mode in ["dry", "skip"]:
    [conflict] = moved(mode)
    equal((conflict.id, conflict.label, conflict.subject_code), (session_id, "ses-01", "sub-01"))
    equal((conflict.move_type, conflict.conflict_with.type), (["session"], "session"))
equal(fw.get_session(session_id).parents.project, source.id)
fw.modify_session(session_id, {"label": "ses-02"})
equal(moved("skip", remove_source=True), [])
equal(fw.get_session(session_id).parents.subject, copy.id)
equal(fw.get_acquisition(scan.id).files[0].parents.project, target.id)
same(labels(fw.get_subject(copy.id).sessions()), ["again", "ses-01", "ses-02"])
with refused(404):
    fw.get_subject(subject_id)
