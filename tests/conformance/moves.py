"""Moving containers and files to another parent."""

from harness import acquisition, client, equal, labels, names, project, refused, same
import flywheel

fw = client()
source = project(fw, "Source")
target = project(fw, "Target")
scan = acquisition(source, "mover", "night", "T1w")
scan.upload_file(flywheel.FileSpec("scan.txt", "pixels\n", "text/plain"))
session_id, subject_id = scan.parents.session, scan.parents.subject

# A session goes to another subject of its project.
other = source.add_subject(label="other")
fw.modify_session(session_id, {"subject": {"_id": other.id}})
moved = fw.get_session(session_id)
equal(moved.parents.subject, other.id)
equal(moved.subject.label, "other")
equal(fw.get_acquisition(scan.id).parents.subject, other.id, "descendants follow")
equal(labels(fw.get_subject(subject_id).sessions()), [])

# A session goes to another project and keeps who was scanned.
fw.modify_session(session_id, {"project": target.id})
moved = fw.get_session(session_id)
equal((moved.parents.project, moved.project), (target.id, target.id))
equal(moved.subject.label, "other")
equal(fw.get_subject(moved.parents.subject).parents.project, target.id)
below = fw.get_acquisition(scan.id)
equal(below.parents.project, target.id)
equal(below.files[0].parents.project, target.id, "files follow")

# A subject with everything below it.
fw.modify_subject(subject_id, {"project": target.id})
equal(fw.get_subject(subject_id).parents.project, target.id)

# An acquisition goes to another session.
elsewhere = target.add_session(label="day", subject={"label": "other"})
fw.modify_acquisition(scan.id, {"session": elsewhere.id})
equal(fw.get_acquisition(scan.id).parents.session, elsewhere.id)
equal(labels(fw.get_session(session_id).acquisitions()), [])
with refused(404, 422):
    fw.modify_acquisition(scan.id, {"session": "0" * 24})

# A file is renamed, then moved; its id, tags and info stay.
file = fw.get_acquisition(scan.id).files[0]
file.update_info(quality="good")
file.add_tag("kept")
fw.move_file(file.file_id, {"name": "renamed.txt"})
same(names(fw.get_acquisition(scan.id).files), ["renamed.txt"])
second = elsewhere.add_acquisition(label="T2w")
fw.move_file(file.file_id, {"container_reference": {"type": "acquisition", "id": second.id}})
equal(fw.get_acquisition(scan.id).files, [])
moved = fw.get_file(file.file_id)
equal(moved.name, "renamed.txt")
equal((moved.parent_ref.type, moved.parent_ref.id), ("acquisition", second.id))
equal((moved.tags, moved.info), (["kept"], {"quality": "good"}))
equal(second.read_file("renamed.txt"), b"pixels\n")
