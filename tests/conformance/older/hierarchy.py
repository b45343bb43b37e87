"""Older releases: containers, finders, lookup and resolve, archives."""

import io
import tarfile

import flywheel

from harness import SCRATCH, client, equal, group, labels, refused, same

fw = client()
user = fw.get_current_user()
assert user.id and user.email
assert fw.get_config().site.api_url and fw.get_version().release
same([one.id for one in fw.users()], [one.id for one in fw.get_all_users()])

# Made by the parents' own calls.
lab = group(fw)
study = lab.add_project(label="Older", description="first")
subject = study.add_subject(label="sub-01", sex="female", firstname="Ada")
session = subject.add_session(label="ses-01", age=31557600, timestamp="2019-05-06T07:08:09+00:00")
scan = session.add_acquisition(label="T1w")
other = study.add_session(subject={"label": "sub-02"}, label="ses-01")
equal(fw.get_subject(other.subject.id).label, "sub-02")
equal(session.age_years, 1)

# Made and changed by the client's calls; answers are ids and counts.
second = fw.add_session({"label": "ses-02", "project": study.id, "subject": {"_id": subject.id}})
fw.modify_session(second, {"label": "ses-2", "operator": "op"})
equal((fw.get_session(second).label, fw.get_session(second).operator), ("ses-2", "op"))
added = fw.add_acquisition({"label": "T2w", "session": second})
fw.modify_acquisition(added, {"label": "FLAIR"})
equal(fw.get(added).label, "FLAIR")
equal(fw.get(added).container_type, "acquisition")
study.update(description="second", label="Older study")
equal(study.reload().description, "second")
study.update({"label": "Older"})
with refused(409):
    lab.add_project(label="Older")
with refused(404):
    fw.get_project("0" * 24)
with refused(422):
    fw.modify_session(second, {"age": "old"})

# Children by finders and by calls.
same(labels(fw.get_project_subjects(study.id)), ["sub-01", "sub-02"])
same(labels(fw.get_project_sessions(study.id)), ["ses-01", "ses-01", "ses-2"])
same(labels(fw.get_subject_sessions(subject.id)), ["ses-01", "ses-2"])
equal(labels(fw.get_session_acquisitions(session.id)), ["T1w"])
same(labels(study.subjects()), ["sub-01", "sub-02"])
same(labels(subject.sessions()), ["ses-01", "ses-2"])
equal(labels(session.acquisitions()), ["T1w"])
equal(labels(study.sessions.find("label=~^ses-0", sort="created:desc", limit=5)), ["ses-01", "ses-01"])
equal(study.sessions.find_one("label=ses-2").id, second)
equal(study.sessions.find_first("label=nothing"), None)
equal(fw.groups.find_first("_id=lab").label, "Lab")
equal(labels(fw.projects.find("label=Older,group=lab")), ["Older"])
equal(fw.sessions.find_one("label=ses-2").operator, "op")
same([one.label for one in fw.acquisitions.iter(limit=1)], ["T1w", "FLAIR"])
equal(labels(fw.get_group_projects("lab")), ["Older"])

# More than a page, one after the other.
for number in range(7):
    study.add_subject(label=f"many-{number}")
same([one.label for one in study.subjects.iter_find("label=~^many", limit=3)], [f"many-{n}" for n in range(7)])
same([one.label for one in fw.subjects.iter_find(f"parents.project={study.id}", limit=4)], labels(study.subjects()))

# Paths.
scan.upload_file(flywheel.FileSpec("t1.txt", b"one"))
found = fw.lookup("lab/Older/sub-01/ses-01/T1w")
equal((found.id, found.container_type), (scan.id, "acquisition"))
equal(fw.lookup("lab/Older/sub-01/ses-01/T1w/files/t1.txt").name, "t1.txt")
resolved = fw.resolve("lab/Older")
equal([node.container_type for node in resolved.path], ["group", "project"])
same([child.label for child in resolved.children if child.container_type == "subject"], labels(study.subjects()))
assert "Lab" in labels(fw.resolve("").children)
with refused(404):
    fw.lookup("lab/Older/nobody")

# An archive of everything below, by the type of file.
scan.upload_file(flywheel.FileSpec("scan.nii.gz", b"\x1f\x8b nothing"))
target = str(SCRATCH / "study.tar")
fw.download_tar([fw.get_project(study.id)], target)
with tarfile.open(target) as archive:
    inside = {name.rsplit("/", 1)[-1]: archive.extractfile(name).read() for name in archive.getnames()}
equal(inside, {"t1.txt": b"one", "scan.nii.gz": b"\x1f\x8b nothing"})
session.download_tar(target, include_types=["nifti"])
with tarfile.open(target) as archive:
    equal([name.rsplit("/", 1)[-1] for name in archive.getnames()], ["scan.nii.gz"])
summary = fw.create_download_ticket({"nodes": [{"level": "session", "_id": session.id}], "optional": True})
equal((summary.file_cnt, summary.size), (2, 13))
equal(io.BytesIO(fw.download_ticket_as_data(summary.ticket)).read(100)[:7], b"scitran")

# Collections.
collected = fw.add_collection({"label": "Picked"})
fw.add_sessions_to_collection(collected, [session.id])
equal(labels(fw.get_collection_sessions(collected)), ["ses-01"])
equal(labels(fw.get_collection_acquisitions(collected)), ["T1w"])
fw.delete_collection(collected)

# Gone, with all that was below.
fw.delete_acquisition(added)
with refused(404):
    fw.get_acquisition(added)
fw.delete_project(study.id)
with refused(404):
    fw.get_session(session.id)
