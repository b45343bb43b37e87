"""What list calls leave out and what their options bring back."""

import flywheel

from harness import acquisition, client, email, equal, labels, names, project, same

fw = client()
study = project(fw, "Lists")
scan = acquisition(study)
session = fw.get_session(scan.parents.session)
subject = fw.get_subject(scan.parents.subject)
subject.update(firstname="Ada", lastname="Byron", sex="female", race="White", ethnicity="Not Hispanic or Latino")
for container in (study, subject, session, scan):
    container.update_info(kept=container.container_type)
    container.add_tag("tagged")
    container.add_note("noted")
    container.upload_file(flywheel.FileSpec("a.txt", "x"), metadata='{"name": "a.txt", "info": {"deep": 1}}')
session.add_analysis(label="counted")
scan.replace_file_classification("a.txt", {"Measurement": ["T1"]}, modality="MR")

LISTS = {
    "project": [fw.get_all_projects, lambda **o: fw.get_group_projects("lab", **o)],
    "subject": [fw.get_all_subjects, lambda **o: fw.get_project_subjects(study.id, **o)],
    "session": [
        fw.get_all_sessions,
        lambda **o: fw.get_project_sessions(study.id, **o),
        lambda **o: fw.get_subject_sessions(subject.id, **o),
    ],
    "acquisition": [
        fw.get_all_acquisitions,
        lambda **o: fw.get_project_acquisitions(study.id, **o),
        lambda **o: fw.get_session_acquisitions(session.id, **o),
    ],
}
for kind, calls in LISTS.items():
    for call in calls:
        [row] = call()
        equal(row.container_type, kind)
        equal(row.info or {}, {}, kind)
        equal(row.info_exists, True, kind)
        equal(names(row.files), ["a.txt"], kind)
        equal(row.files[0].info or {}, {}, kind)
        equal(row.files[0].info_exists, True, kind)
        equal(row.analyses, None, kind)
        equal(row.tags, ["tagged"], kind)
        [full] = call(include_all_info=True)
        equal(full.info, {"kept": kind}, kind)
        equal(full.files[0].info, {"deep": 1}, kind)
        equal(row.reload().info, {"kept": kind}, kind)
    [joined] = calls[0](join="origin")
    assert joined.join_origin.user[email("admin")].lastname is not None, joined.join_origin

# Personal details stay out of lists, also inside the rows of sessions.
[row] = study.subjects()
equal((row.firstname, row.lastname, row.sex, row.race, row.ethnicity), (None,) * 5)
[row] = study.sessions()
equal((row.subject.label, row.subject.firstname, row.subject.sex), ("sub-01", None, None))
full = fw.get_session(session.id)
equal((full.subject.firstname, full.subject.sex), ("Ada", "female"))

# Single gets.
equal(labels(fw.get_session(session.id).analyses), ["counted"])
equal([note.text for note in fw.get_session(session.id).notes], ["noted"])
noted = fw.get_session(session.id, join_avatars=True).notes[0]
assert noted.firstname is not None and noted.lastname is not None, noted
assert fw.get_acquisition(scan.id, join="origin").join_origin.user[email("admin")] is not None

# Numbers that only come when asked for.
counted = fw.get_all_projects(stats=True)[0]
numbers = counted.stats.number_of
equal((numbers.subjects, numbers.sessions, numbers.acquisitions, numbers.analyses), (1, 1, 1, 1))
equal((numbers.files, numbers.acquisition_files), (4, 1))
equal((counted.stats.file_types, counted.stats.measurements), (["text"], ["T1"]))
collection_id = fw.add_collection({"label": "Counted"})
fw.get_collection(collection_id).add_sessions(session.id)
[row] = fw.get_all_collections(stats=True)
equal((row.session_count, row.subject_count), (1, 1))
same(labels(fw.get_all_collections()), ["Counted"])

# What belongs to a user, and the groups that have projects.
equal(labels(fw.get_user_projects(email("admin"))), ["Lists"])
equal([one.id for one in fw.get_user_groups(email("admin"))], ["lab"])
equal(labels(fw.get_user_sessions(email("admin"))), ["ses-01"])
equal(labels(fw.get_user_acquisitions(email("admin"))), ["T1w"])
equal(labels(fw.get_user_collections(email("admin"))), ["Counted"])
equal(fw.get_user_projects(email("eve")), [])
equal([one.id for one in fw.get_all_projects_groups()], ["lab"])

# Files are listed in full.
[file] = fw.files.find(f"parent_ref.id={scan.id}")
equal((file.name, file.info), ("a.txt", {"deep": 1}))
