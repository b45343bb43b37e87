"""Creating, reading, updating, reloading and deleting containers of every level."""

import time
from datetime import datetime, timezone

import flywheel

from harness import acquisition, client, email, equal, group, labels, project, refused, same

fw = client()

# By the client: every add call answers the new id.
equal(fw.add_group({"_id": "neuro", "label": "Neuroscience"}), "neuro")
project_id = fw.add_project({"label": "Anxiety Study", "group": "neuro", "description": "Why we worry"})
subject_id = fw.add_subject({"label": "sub-01", "project": project_id, "sex": "female", "type": "human"})
session_id = fw.add_session({"label": "ses-01", "project": project_id, "subject": {"_id": subject_id}})
acquisition_id = fw.add_acquisition({"label": "T1w", "session": session_id})
for made in (project_id, subject_id, session_id, acquisition_id):
    assert len(made) == 24 and set(made) <= set("0123456789abcdef"), made

# Each knows its ancestors.
equal(fw.get_project(project_id).parents.group, "neuro")
parents = fw.get_acquisition(acquisition_id).parents
equal(
    (parents.group, parents.project, parents.subject, parents.session),
    ("neuro", project_id, subject_id, session_id),
)
equal((parents.get("acquisition"), parents.get("analysis")), (None, None))
session = fw.get_session(session_id)
equal((session.project, session.group), (project_id, "neuro"))
equal(session.subject.id, subject_id)
equal(session.subject.label, "sub-01")

# One call reads any kind by id and says which it is.
for kind, id in {
    "group": "neuro",
    "project": project_id,
    "subject": subject_id,
    "session": session_id,
    "acquisition": acquisition_id,
}.items():
    found = fw.get(id)
    equal(found.container_type, kind)
    equal(found.id, id)
    equal(found.ref(), {"type": kind, "id": id})

# By the parents: every add helper answers the new container.
study = fw.get_group("neuro").add_project(label="Sleep")
equal((study.label, study.group), ("Sleep", "neuro"))
subject = study.add_subject({"label": "s1", "firstname": "Ada", "lastname": "Byron", "sex": "female"})
equal((subject.label, subject.code, subject.firstname, subject.project), ("s1", "s1", "Ada", study.id))
session = subject.add_session(label="first night", age=946728000)
equal((session.label, session.subject.id, session.age), ("first night", subject.id, 946728000))
other = study.add_session(label="second night", subject={"label": "s2"})
equal(other.subject.label, "s2")
again = study.add_session(label="third night", subject={"code": "s2"})
equal(again.subject.id, other.subject.id, "the subject of the same label is used again")
scan = session.add_acquisition(label="T2w", timestamp=datetime(2020, 5, 5, 1, 22, 6, tzinfo=timezone.utc))
equal(scan.session, session.id)
equal(scan.timestamp, datetime(2020, 5, 5, 1, 22, 6, tzinfo=timezone.utc))

# The finders of a parent see its children, those of the client see all.
same(labels(study.subjects()), ["s1", "s2"])
same(labels(study.sessions()), ["first night", "second night", "third night"])
same(labels(subject.sessions()), ["first night"])
same(labels(session.acquisitions()), ["T2w"])
same(labels(fw.get_group("neuro").projects()), ["Anxiety Study", "Sleep"])
assert "neuro" in [found.id for found in fw.groups()]
assert {"Anxiety Study", "Sleep"} <= set(labels(fw.projects()))
assert {"sub-01", "s1", "s2"} <= set(labels(fw.subjects()))
assert {"ses-01", "first night"} <= set(labels(fw.sessions()))
assert {"T1w", "T2w"} <= set(labels(fw.acquisitions()))

# Updating leaves the copy in hand as it was; a reload shows the new state.
before = subject.modified
revision = subject.revision
equal(subject.update(label="s-one").modified, 1)
equal(subject.label, "s1")
subject = subject.reload()
equal((subject.label, subject.code), ("s-one", "s-one"))
assert subject.modified >= before
assert subject.revision > revision, (subject.revision, revision)
subject.update({"type": "human", "sex": "other", "code": "s-1"})
subject = subject.reload()
equal((subject.type, subject.sex, subject.label), ("human", "other", "s-1"))
study.update(label="Sleep Study", description="At night")
study = study.reload()
equal((study.label, study.description), ("Sleep Study", "At night"))
session.update(weight=71.5, operator="KT", timezone="Europe/Paris")
session = session.reload()
equal((session.weight, session.operator, session.timezone), (71.5, "KT", "Europe/Paris"))
scan.update(label="T2w again", uid="1.2.3.4")
equal((scan.reload().label, scan.reload().uid), ("T2w again", "1.2.3.4"))
fw.get_group("neuro").update(label="Neuro Lab")
equal(fw.get_group("neuro").label, "Neuro Lab")
fw.modify_container(scan.id, {"label": "T2w at last"})
equal(fw.get(scan.id).label, "T2w at last")
with refused(400, 422):
    session.update({"no_such_field": 1})
with refused(400, 422):
    subject.update({"sex": "yes"})

# A single get has what a list leaves out.
study.update_info({"grant": "R01"})
row = fw.projects.find_one(f"_id={study.id}")
equal(row.info or {}, {})
equal(row.info_exists, True)
equal(row.reload().info, {"grant": "R01"})
full = fw.get_all_projects(filter=f"_id={study.id}", include_all_info=True)
equal(full[0].info, {"grant": "R01"})
empty = fw.projects.find_one("label=Anxiety Study")
equal(empty.info_exists, False)
listed = study.subjects.find_one("label=s-1")
equal(listed.firstname, None, "names of people are not in lists")
equal(listed.reload().firstname, "Ada")
equal(session.reload().analyses, [])

# Info in an update replaces all of it.
study.update({"info": {"only": "this"}})
equal(study.reload().info, {"only": "this"})

# Objects behave like the documents they stand for.
equal(session["label"], session.label)
equal(session.get("label"), "first night")
assert "label" in session.keys()
equal(session.to_dict()["label"], "first night")

# Ids that are taken or malformed.
with refused(409):
    fw.add_group({"_id": "neuro", "label": "Again"})
with refused(409):
    study.add_subject(label="s2")
for bad in ("N", "UPPER", "-x", "a b"):
    with refused(400, 422):
        fw.add_group({"_id": bad, "label": "Bad id"})
with refused(400, 422):
    fw.add_project({"group": "neuro"})
with refused(404):
    fw.add_subject({"label": "lost", "project": "0" * 24})
with refused(404):
    fw.add_acquisition({"label": "lost", "session": "0" * 24})

# Deleting takes the descendants along and hides them everywhere.
doomed = acquisition(project(fw, "Doomed", "neuro"), "gone")
doomed_session = doomed.parents.session
with refused(400, 403, 409):
    fw.delete_group("neuro")
equal(fw.delete_subject(doomed.parents.subject).deleted, 1)
for missing in (doomed.id, doomed_session, doomed.parents.subject):
    with refused(404):
        fw.get(missing)
equal(fw.sessions.find(f"_id={doomed_session}"), [])
with refused(404):
    fw.delete_acquisition(doomed.id)
equal(fw.delete_project(doomed.parents.project).deleted, 1)
with refused(404):
    fw.get_project(doomed.parents.project)
equal(fw.get_group("neuro").projects.find("label=Doomed"), [])

# A large project may go in the background.
large = project(fw, "Large", "neuro")
fw.delete_project(large.id, background=True)
for _ in range(200):
    if fw.projects.find_first(f"_id={large.id}") is None:
        break
    time.sleep(0.1)
with refused(404):
    fw.get_project(large.id)

# Several at once.
batch = project(fw, "Batch", "neuro")
ids = [batch.add_subject(label=f"b{n}").id for n in range(3)]
result = fw.delete_subjects_by_ids(ids[:2] + ["0" * 24])
equal(result.deleted, 2)
same(labels(batch.subjects()), ["b2"])

# A group goes when nothing lives in it any more.
group(fw, "empty-one", "Empty")
equal(fw.delete_group("empty-one").deleted, 1)
with refused(404):
    fw.get_group("empty-one")

# The person who made a project may administer it.
equal([entry.id for entry in batch.permissions], [email("admin")])
assert isinstance(fw.get_project(batch.id), flywheel.Project | flywheel.ProjectOutput)
