"""What the client's objects can do, on every kind of container that can: references, times, info, tags, notes, files."""

import io
import json
import urllib.request
import zipfile
from datetime import timedelta

import flywheel

from harness import SCRATCH, acquisition, client, equal, names, project, refused, same

fw = client()
study = project(fw, "Helpers")
scan = acquisition(study)
session, subject = fw.get_session(scan.parents.session), fw.get_subject(scan.parents.subject)
collection = fw.get_collection(fw.add_collection({"label": "Helpers"}))
analysis = session.add_analysis(label="Helpers")
group = fw.get_group("lab")

buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w") as archive:
    archive.writestr("inside.txt", "inside")
ARCHIVE = buffer.getvalue()


def try_object(one, kind, change):
    """Who it is, when it was made, and that a change shows after a reload alone."""
    equal(one.ref(), {"type": kind, "id": one.id}, kind)
    for local, stamp in ((one.local_created, one.created), (one.local_modified, one.modified)):
        equal(local, stamp, kind)
        assert local.tzinfo is not None, kind
    equal(one.update(**change).modified, 1, kind)
    [(field, value)] = change.items()
    assert one[field] != value, kind
    equal(one.reload()[field], value, kind)
    with refused(400, 422):
        one.update({"no_such_field": 1})


def try_info(one, kind):
    """Info replaced, merged, and taken away by key."""
    one.replace_info({"a": {"b": 1}, "c": 2})
    one.update_info(d=3)
    one.update_info({"a": {"e": 4}})
    equal(one.reload().info, {"a": {"e": 4}, "c": 2, "d": 3}, kind)
    one.delete_info("c", ["d"])
    equal(one.reload().info, {"a": {"e": 4}}, kind)


def try_tags(one, kind):
    """Tags added, renamed and deleted."""
    one.add_tag("first")
    one.add_tag("second")
    one.rename_tag("first", "third")
    one.delete_tag("second")
    equal(one.reload().tags, ["third"], kind)
    with refused(404):
        one.delete_tag("second")


def try_notes(one, kind):
    """Notes written and deleted."""
    one.add_note("keep")
    one.add_note("drop")
    equal([note.text for note in one.reload().notes], ["keep", "drop"], kind)
    one.delete_note(one.reload().notes[1].id)
    equal([note.text for note in one.reload().notes], ["keep"], kind)


def try_files(one, kind):
    """Files by their names."""
    one.upload_file(flywheel.FileSpec("a.zip", ARCHIVE))
    one.upload_file(flywheel.FileSpec("b.txt", "words"))
    one = one.reload()
    same(names(one.get_files()), ["a.zip", "b.txt"])
    equal((one.get_file("a.zip").size, one.get_file("none")), (len(ARCHIVE), None), kind)
    equal(one.get_file("a.zip").ref(), {"type": kind, "id": one.id, "name": "a.zip"}, kind)
    equal(one.read_file("b.txt"), b"words", kind)
    try:
        one.file_ref("a.zip")
    except TypeError as error:
        assert "name" in str(error), error
    else:
        raise AssertionError("file_ref is not known to work")
    target = SCRATCH / f"{kind}.bin"
    one.download_file("a.zip", str(target))
    equal(target.read_bytes(), ARCHIVE, kind)
    with urllib.request.urlopen(one.get_file_download_url("b.txt")) as answer:
        equal(answer.read(), b"words", kind)

    one.update_file("a.zip", type="archive", modality="MR")
    one.update_file("a.zip", {"modality": "CT"})
    one.replace_file_info("a.zip", {"x": 1, "y": 2})
    one.update_file_info("a.zip", z={"deep": True})
    one.delete_file_info("a.zip", "x")
    entry = one.reload().get_file("a.zip")
    equal((entry.type, entry.modality, entry.info), ("archive", "CT", {"y": 2, "z": {"deep": True}}), kind)

    one.replace_file_classification("a.zip", {"Intent": ["Structural"], "Measurement": ["T2"]}, modality="MR")
    one.update_file_classification("a.zip", {"Custom": ["one", "two"], "Measurement": ["T1"]})
    one.delete_file_classification("a.zip", {"Custom": ["one"], "Intent": ["Structural"]})
    entry = one.reload().get_file("a.zip")
    equal(entry.modality, "MR", kind)
    equal({aspect: sorted(set(values)) for aspect, values in entry.classification.items() if values},
          {"Measurement": ["T1", "T2"], "Custom": ["two"]}, kind)

    equal([member.path for member in one.get_file_zip_info("a.zip").members], ["inside.txt"], kind)
    equal(one.read_file_zip_member("a.zip", "inside.txt"), b"inside", kind)
    one.download_file_zip_member("a.zip", "inside.txt", str(target))
    equal(target.read_bytes(), b"inside", kind)

    equal(one.delete_file("b.txt").deleted, 1, kind)
    same(names(one.get_files()), ["a.zip"])
    same(names(one.reload().files), ["a.zip"])
    with refused(404):
        one.read_file("b.txt")


def try_archives(one, kind):
    """The whole container as an archive."""
    tar, packed = SCRATCH / f"{kind}.tar", SCRATCH / f"{kind}.zip"
    one.download_tar(str(tar), include_types=["archive"])
    assert tar.stat().st_size > len(ARCHIVE), kind
    one.download_zip(str(packed), exclude_types=["text"])
    with zipfile.ZipFile(packed) as archive:
        packed = [path for path in archive.namelist() if path.endswith("/a.zip")]
        equal({archive.read(path) for path in packed}, {ARCHIVE}, kind)


OBJECTS = {
    "project": (study, {"description": "changed"}),
    "subject": (subject, {"sex": "other"}),
    "session": (session, {"operator": "Jo"}),
    "acquisition": (scan, {"uid": "1.2.3"}),
    "analysis": (analysis, {"description": "changed"}),
    "collection": (collection, {"description": "changed"}),
}
for kind, (one, change) in OBJECTS.items():
    try_object(one, kind, change)
    for part in (try_info, try_tags, try_notes, try_files):
        part(one, kind)
for kind in ("project", "session", "acquisition", "analysis"):
    try_archives(OBJECTS[kind][0], kind)
try_object(group, "group", {"label": "The lab"})
try_tags(group, "group")

# Analyses on every level that has them.
for one in (study, subject, session, scan):
    made = one.add_analysis({"label": "by a helper", "inputs": [one.reload().get_file("a.zip").ref()]})
    equal((made.parent.type, names(made.inputs)), (one.container_type, ["a.zip"]))

# Times, as given and elsewhere.
scan.update(timestamp="2020-05-05T01:22:06+00:00", timezone="Europe/Paris")
session.update(timestamp="2020-05-05T01:22:06+00:00", timezone="America/Chicago", age=63115200)
for one, hours in ((scan.reload(), 2), (session.reload(), -5)):
    equal(one.local_timestamp, one.timestamp)
    equal(one.original_timestamp.utcoffset(), timedelta(hours=hours))
old = session.reload()
equal([old.age_years, round(old.age_months, 2), round(old.age_weeks, 2), old.age_days], [2.0, 24.35, 104.36, 730.5])

# A file, alone.
file = fw.get_file(scan.reload().get_file("a.zip").file_id)
for local, stamp in ((file.local_created, file.created), (file.local_modified, file.modified)):
    equal(local, stamp)
equal(file.local_replaced, None)
file.set_tags(["one"])
file.add_tags(["two", "one"])
file.add_tag("three")
same(file.reload().tags, ["one", "two", "three"])
file.replace_classification({"Custom": ["a", "b"]}, modality="MR")
file.update_classification({"Custom": ["c"]})
file.delete_classification({"Custom": ["a"]})
equal(file.reload().classification["Custom"], ["b", "c"])
file.replace_info({"k": 1})
file.update_info(l=2)
file.delete_info("k")
file.update(type="source code")
equal((file.reload().info, file.reload().type), ({"l": 2}, "source code"))
equal(json.loads(json.dumps(file.ref())), {"type": "acquisition", "id": scan.id, "name": "a.zip"})
[newer] = scan.upload_file(flywheel.FileSpec("a.zip", ARCHIVE + b" "))
newer = newer.reload()
equal(newer.local_replaced, newer.replaced)
equal((file.version, file.read(), newer.version, newer.read()), (1, ARCHIVE, 2, ARCHIVE + b" "))
equal(len(file.get_zip_info().members), 1)
target = SCRATCH / "one.bin"
file.download(str(target))
equal(target.read_bytes(), ARCHIVE)
file.download_zip_member("inside.txt", str(target))
equal((target.read_bytes(), file.read_zip_member("inside.txt")), (b"inside", b"inside"))
