"""Uploads that find their own place: by label, by uid, as packfiles, and as bytes that become files later."""

import json
import urllib.request
import zipfile

import flywheel

from harness import SCRATCH, acquisition, client, equal, names, project, refused, same, scratch

fw = client()
study = project(fw, "Placed")
scan = acquisition(study)


def placed(project_label="Placed", **changes):
    """Metadata that leads to the acquisition of this program."""
    metadata = {
        "group": {"_id": "lab"},
        "project": {"label": project_label},
        "session": {"label": "ses-01", "uid": "1.2", "subject": {"code": "sub-01"}},
        "acquisition": {"label": "T1w", "uid": "1.2.3", "files": [{"name": "a.dcm", "type": "dicom"}]},
    }
    metadata["acquisition"].update(changes)
    return json.dumps(metadata)


# By label: found without regard to case, filled in, and made where it is missing.
sent = fw.upload_by_label(files=flywheel.FileSpec("a.dcm", b"by label"), metadata=placed("PLACED"))
equal((len(sent), sent[0].name, sent[0].size, sent[0].type), (1, "a.dcm", 8, "dicom"))
equal(scan.read_file("a.dcm"), b"by label")
equal(scan.reload().uid, "1.2.3")
fw.upload_by_label(files=flywheel.FileSpec("a.dcm", b"new"), metadata=placed("Made by an upload"))
made = fw.lookup("lab/Made by an upload/sub-01/ses-01/T1w")
equal(made.read_file("a.dcm"), b"new")
with refused(422):
    fw.upload_by_label(files=flywheel.FileSpec("a.dcm", b"x"), metadata=placed(colour="red"))

# By uid: the labels do not matter any more.
fw.upload_by_uid(files=flywheel.FileSpec("a.dcm", b"by uid"), metadata=placed(label="called otherwise"))
equal(scan.read_file("a.dcm"), b"by uid")
equal(scan.reload().get_file("a.dcm").version, 2)
equal(fw.check_uids_exist({"acquisitions": ["1.2.3", "9.9"]}).acquisitions, ["1.2.3"])

# As a scanner sends it: the uid counts wherever it is, the same bytes change nothing.
fw.upload_by_reaper(files=flywheel.FileSpec("a.dcm", b"by uid"), metadata=placed("Nowhere"))
equal(scan.reload().get_file("a.dcm").version, 2)
with refused(403):
    client("ann").upload_by_reaper(files=flywheel.FileSpec("a.dcm", b"x"), metadata=placed())

# Packfiles: files one by one, then one zip.
token = fw.start_project_packfile_upload(study.id)
for number in range(3):
    fw.project_packfile_upload(study.id, token, flywheel.FileSpec(f"{number}.dcm", f"slice {number}".encode()))
end = json.dumps({
    "project": {"_id": study.id},
    "session": {"label": "ses-01", "subject": {"code": "sub-01"}},
    "acquisition": {"label": "packed"},
    "packfile": {"type": "dicom"},
})
with refused(400):
    fw.end_project_packfile_upload(token, end, 7, study.id)
fw.end_project_packfile_upload(token, end, 3, study.id)
packed = fw.lookup("lab/Placed/sub-01/ses-01/packed")
equal(names(packed.files), ["packed.zip"])
equal((packed.files[0].type, packed.files[0].zip_member_count), ("dicom", 3))
target = str(SCRATCH / "packed.zip")
packed.download_file("packed.zip", target)
with zipfile.ZipFile(target) as archive:
    same(archive.namelist(), [f"packed/{number}.dcm" for number in range(3)])
    equal(archive.read("packed/1.dcm"), b"slice 1")
equal(fw.clean_packfiles().removed.tokens, 0)

# Bytes first, the file afterwards; a version that is there already is left alone.
provider = packed.files[0].provider_id


def sent_bytes(content):
    """Puts bytes to a URL that was asked for, as devices do, and returns their uuid."""
    begun = fw.create_signed_upload_url({"provider_id": provider, "size": len(content)})
    request = urllib.request.Request(begun.upload_urls[0], data=content, method="PUT")
    with urllib.request.urlopen(request) as answer:
        equal(json.load(answer)["uuid"], begun.uuid)
    return begun.uuid


def upserted(content, **options):
    """Makes a file of bytes that were sent before."""
    body = {
        "provider_id": provider,
        "uuid": sent_bytes(content),
        "name": "later.txt",
        "size": len(content),
        "parent_ref": {"type": "acquisition", "id": scan.id},
        "origin": {"type": "device", "id": "scanner"},
    }
    return fw.upsert_file(body, **options)


equal(upserted(b"first").upsert_result, "created")
equal(scan.read_file("later.txt"), b"first")
equal(upserted(b"first").upsert_result, "ignored")
equal(upserted(b"first", force_update=True).version, 2)
equal((upserted(b"second").upsert_result, scan.read_file("later.txt")), ("updated", b"second"))
gone = sent_bytes(b"not wanted")
fw.cleanup_signed_upload_url({"provider_id": provider, "uuid": gone})

# A subject, a session and an acquisition in one call.
body = {
    "origin": {"type": "device", "id": "scanner"},
    "subject": {"label": "sub-07"},
    "session": {"uid": "7.1", "label": "ses-01"},
    "acquisition": {"uid": "7.1.1", "label": "bold"},
}
made = fw.upsert_project_hierarchy(study.id, body)
equal([level.upsert_result for level in (made.subject, made.session, made.acquisition)], ["created"] * 3)
again = fw.upsert_project_hierarchy(study.id, body)
equal((again.acquisition.id, again.acquisition.upsert_result), (made.acquisition.id, "ignored"))
body["session"]["label"] = "renamed"
equal(fw.upsert_project_hierarchy(study.id, body).session.upsert_result, "updated")
equal(fw.lookup("lab/Placed/sub-07/renamed/bold").id, made.acquisition.id)

# A deleted file comes back by one of its versions.
file = scan.reload().get_file("later.txt")
scan.delete_file("later.txt")
equal(len(fw.get_file_versions(file.file_id)), 3)
restored = fw.restore_file(file.file_id, 1, False)
equal((restored.version, restored.restored_from), (4, 1))
equal(scan.read_file("later.txt"), b"first")
