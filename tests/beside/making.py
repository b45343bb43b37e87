"""Making, changing, moving, copying and deleting containers, and what is written on them."""

from datetime import datetime, timedelta, timezone

from tasks import labels, pick, refusal, run, task


@task
def add_containers(at):
    subject = at.study.add_subject({"label": "new", "firstname": "Bo", "sex": "male", "info": {"iq": 101}})
    session = subject.add_session(label="visit", age=946728000, weight=70.5)
    when = datetime(2019, 10, 3, 15, 32, tzinfo=timezone.utc)
    scan = session.add_acquisition(label="Struct_T1", timestamp=when)
    again = refusal(lambda: at.study.add_subject(label="new"))
    unknown = refusal(lambda: at.study.add_subject({"label": "x", "no_such_field": 1}))
    return {
        "subject": pick(subject, "label", "firstname", "sex", "info", "code"),
        "session": pick(session, "label", "age", "weight"),
        "acquisition": [scan.label, scan.timestamp.timestamp()],
        "again": again[0],
        "unknown": unknown[0],
    }


@task
def update_fields(at):
    subject = at.fw.lookup(at.path("sub-01"))
    subject.update(label="renamed", lastname="Byron")
    subject.update({"type": "human", "sex": "other"})
    session = at.fw.lookup(at.path("renamed", "ses-01"))
    session.update(operator="Jo", weight=71.5, uid="1.2.840.1")
    at.study.update(description="changed")
    return [
        pick(subject.reload(), "label", "lastname", "type", "sex", "code"),
        pick(session.reload(), "operator", "weight", "uid"),
        at.study.reload().description,
    ]


@task
def change_info(at):
    subject = at.fw.lookup(at.path("sub-01"))
    subject.update_info({"qc": {"snr": 12.5, "rater": "Jo"}, "draft": True})
    subject.update_info(visits=[1, 2, {"deep": None}])
    merged = subject.reload().info
    subject.delete_info("draft", "score")
    other = at.fw.lookup(at.path("sub-02"))
    other.replace_info({"only": "this"})
    return [merged, subject.reload().info, other.reload().info]


@task
def change_tags(at):
    session = at.fw.lookup(at.path("sub-01", "ses-01"))
    for tag in ("first", "second", "thrid"):
        session.add_tag(tag)
    session.rename_tag("thrid", "third")
    session.delete_tag("first")
    file = at.fw.lookup(at.path("sub-01", "ses-01", "T1w")).get_file("t1.nii.gz")
    file.add_tags(["one", "two"])
    file.delete_tag("one")
    return [sorted(session.reload().tags), file.reload().tags]


@task
def write_notes(at):
    session = at.fw.lookup(at.path("sub-01", "ses-01"))
    note = session.add_note("Moved in run 2.")
    second = session.add_note("Slept.")
    at.fw.modify_session_note(session.id, note.id, "Moved in run 3.")
    session.delete_note(second.id)
    return [[one.text, one.user] for one in session.reload().notes]


@task
def tell_times_and_ages(at):
    session = at.fw.lookup(at.path("sub-01", "ses-02"))
    scan = session.acquisitions.find_one("label=T1w")
    factors = [session.age_years, session.age_months, session.age_weeks, session.age_days]
    return {
        "ages": [session.age, *(round(age, 9) for age in factors)],
        "utc": session.timestamp.astimezone(timezone.utc).isoformat(),
        "original": [session.original_timestamp.isoformat(), scan.original_timestamp.isoformat()],
        "same instant": session.local_timestamp == session.timestamp,
        "new": session.created > datetime.now(timezone.utc) - timedelta(days=1),
    }


@task
def move_a_session(at):
    session = at.fw.lookup(at.path("sub-01", "ses-02"))
    target = at.fw.lookup(at.path("sub-03"))
    session.update(subject={"_id": target.id})
    scan = at.fw.lookup(at.path("sub-02", "ses-01", "bold"))
    scan.update(session=session.id)
    return [session.reload().parents.subject == target.id, sorted(labels(session.acquisitions()))]


@task
def copy_a_subject(at):
    subject = at.fw.lookup(at.path("sub-01"))
    copied = at.fw.subject_copy(subject.id, {"dst_project_id": at.study.id, "dst_subject_label": "copied", "filter": {}})
    copied = at.fw.get_subject(copied.id)
    session = copied.sessions.find_one("label=ses-02")
    scan = session.acquisitions.find_one("label=T1w").reload()
    return [
        pick(copied, "label", "sex", "info"),
        sorted(labels(copied.sessions())),
        sorted(file.name for file in scan.files),
        scan.read_file("t1.nii.gz").decode(),
    ]


@task
def delete_with_a_reason(at):
    subject = at.fw.lookup(at.path("sub-01"))
    at.fw.delete_subject(subject.id, delete_reason="test_data")
    several = at.fw.delete_sessions_by_ids([at.fw.lookup(at.path("sub-02", "ses-01")).id, "0" * 24])
    return [
        refusal(lambda: at.fw.get_subject(subject.id)),
        sorted(labels(at.study.subjects())),
        several.deleted,
    ]


@task
def curate_a_collection(at):
    collection = at.fw.get_collection(at.fw.add_collection({"label": at.own("anatomy"), "description": "For the atlas"}))
    session = at.fw.lookup(at.path("sub-01", "ses-01"))
    scans = [at.fw.lookup(at.path(subject, "ses-01", "T1w")) for subject in ("sub-02", "sub-03")]
    collection.add_sessions(session)
    collection.add_acquisitions(*scans)
    collection.add_tag("curated")
    found = [sorted(labels(collection.sessions())), sorted(labels(collection.acquisitions()))]
    left = at.fw.get_collection(collection.id)
    result = [pick(left, "label", "description", "tags"), found]
    at.fw.delete_collection(collection.id)
    return [*result, refusal(lambda: at.fw.get_collection(collection.id))[0]]


run()
