"""Files: upload in every form, metadata, download, versions, by-name and by-id calls, ranges."""

import hashlib
import io
import urllib.error
import urllib.request

import flywheel

from harness import SCRATCH, acquisition, client, equal, names, project, refused, same, scratch

fw = client()
study = project(fw, "Files")
scan = acquisition(study)

# A path, text, bytes and a stream.
path = scratch("hello.txt", "Hello from disk\n")
[entry] = scan.upload_file(path)
equal((entry.name, entry.size, entry.version, entry.type), ("hello.txt", 16, 1, "text"))
equal(entry.mimetype, "text/plain")
equal((entry.origin.type, entry.origin.id), ("user", fw.get_current_user().id))
equal((entry.parent_ref.type, entry.parent_ref.id), ("acquisition", scan.id))
equal(entry.parents.session, scan.parents.session)
assert len(entry.file_id) == 24
scan.upload_file(flywheel.FileSpec("text.txt", "Hello World!\n", "text/plain"))
blob = bytes(range(256)) * 4096
[binary] = scan.upload_file(flywheel.FileSpec("blob.bin", blob))
equal(binary.size, len(blob))
if binary.hash:
    assert hashlib.sha384(blob).hexdigest() in binary.hash, binary.hash
scan.upload_file(flywheel.FileSpec("stream.bin", io.BytesIO(blob), size=len(blob)))
several = scan.upload_file([path, flywheel.FileSpec("second.txt", "two")])
same([one.name for one in several], ["hello.txt", "second.txt"])
equal(scan.upload_file(flywheel.FileSpec("empty.txt", b""))[0].size, 0)

# The list of a container's files.
scan = scan.reload()
same(names(scan.files), ["hello.txt", "text.txt", "blob.bin", "stream.bin", "second.txt", "empty.txt"])
same(names(scan.get_files()), names(scan.files))
equal(scan.get_file("text.txt").name, "text.txt")
equal(scan.get_file("nothing.txt"), None)

# Download to a path and to memory.
target = str(SCRATCH / "down.bin")
scan.download_file("blob.bin", target)
with open(target, "rb") as file:
    equal(file.read() == blob, True, "downloaded bytes")
equal(scan.read_file("text.txt"), b"Hello World!\n")
equal(scan.read_file("stream.bin") == blob, True)
equal(scan.read_file("empty.txt"), b"")
equal(scan.get_file("text.txt").read(), b"Hello World!\n")
scan.get_file("text.txt").download(target)
with open(target, "rb") as file:
    equal(file.read(), b"Hello World!\n")
with refused(404):
    scan.read_file("nothing.txt")

# Addresses with a ticket work without any login.
for address in (scan.get_file_download_url("text.txt"), scan.get_file("text.txt").url()):
    with urllib.request.urlopen(address) as answer:
        equal(answer.read(), b"Hello World!\n")
        assert "attachment" in answer.headers["Content-Disposition"]

# Ranges of a viewed file.
address = scan.get_file_download_url("blob.bin") + "&view=true"


def part(text):
    request = urllib.request.Request(address, headers={"Range": f"bytes={text}"})
    with urllib.request.urlopen(request) as answer:
        return answer.status, answer.headers["Content-Range"], answer.read()


equal(part("0-9"), (206, f"bytes 0-9/{len(blob)}", blob[:10]))
equal(part("1000-1999"), (206, f"bytes 1000-1999/{len(blob)}", blob[1000:2000]))
status, content_range, tail = part("-5")
equal((status, tail), (206, blob[-5:]))
equal(content_range, f"bytes {len(blob) - 5}-{len(blob) - 1}/{len(blob)}")
status, _, rest = part(f"{len(blob) - 3}-")
equal((status, rest), (206, blob[-3:]))
try:
    part(f"{len(blob)}-")
except urllib.error.HTTPError as error:
    equal(error.code, 416)
else:
    raise AssertionError("a range past the end cannot be answered")

# Metadata at upload.
[nifti] = scan.upload_file(
    flywheel.FileSpec("t1.nii.gz", b"\x1f\x8b"),
    metadata='{"name": "t1.nii.gz", "type": "nifti", "modality": "MR",'
    ' "classification": {"Intent": ["Structural"]}, "info": {"te": 30}, "tags": ["fresh"]}',
)
equal((nifti.type, nifti.modality), ("nifti", "MR"))
equal(nifti.classification, {"Intent": ["Structural"]})
equal((nifti.info, nifti.tags), ({"te": 30}, ["fresh"]))
equal(scan.reload().get_file("t1.nii.gz").info, {"te": 30})

# Types by name.
for name, kind in {
    "a.dcm": "dicom",
    "b.dicom.zip": "dicom",
    "c.nii": "nifti",
    "d.bval": "bval",
    "e.zip": "archive",
    "f.csv": "tabular data",
    "g.json": "source code",
    "h.unknown": None,
}.items():
    [entry] = scan.upload_file(flywheel.FileSpec(name, b"x"))
    equal(entry.type, kind, name)

# The same name again is a new version of the same file.
[first] = scan.upload_file(flywheel.FileSpec("report.txt", "one"))
scan.update_file_info("report.txt", {"seen": True})
[second] = scan.upload_file(flywheel.FileSpec("report.txt", "two two"))
equal(second.file_id, first.file_id)
equal((first.version, second.version), (1, 2))
equal(second.info, {}, "a new version starts without the old metadata")
equal(scan.read_file("report.txt"), b"two two")
equal(scan.read_file("report.txt", version=1), b"one")
equal([one.version for one in fw.get_file_versions(first.file_id)], [1, 2])
equal(fw.get_file(first.file_id).version, 2)
equal(fw.get_file(first.file_id, version=1).size, 3)
equal(len([one for one in scan.reload().files if one.name == "report.txt"]), 1)
scan.update_file_info("report.txt", {"checked": "yes"})
[third] = scan.upload_file(flywheel.FileSpec("report.txt", "three"), preserve_metadata=True)
equal(third.version, 3)
equal(third.info, {"checked": "yes"})
restored = fw.restore_file(first.file_id, 1, False)
equal((restored.version, restored.restored_from), (4, 1))
equal(scan.read_file("report.txt"), b"one")

# One version goes, the others stay.
fw.delete_file(first.file_id, version=2)
with refused(404):
    fw.get_file(first.file_id, version=2)
equal(scan.read_file("report.txt", version=1), b"one")
equal(fw.get_file(first.file_id).version, 4)

# Attributes.
scan.update_file("report.txt", type="markdown", modality="CT")
changed = scan.reload().get_file("report.txt")
equal((changed.type, changed.modality), ("markdown", "CT"))
changed.update({"type": "text"})
equal(changed.reload().type, "text")
equal(scan.reload().get_file("report.txt").type, "text")

# By id.
one = fw.get_file(first.file_id)
equal((one.name, one.file_id), ("report.txt", first.file_id))
equal(one.parent.id, scan.id)
equal(names(study.files), [])
found = fw.files.find(f"parents.project={study.id},name=report.txt")
equal([file.file_id for file in found], [first.file_id])
equal(len(fw.files.find(f"parents.project={study.id}", limit=1000)), len(scan.reload().files))
equal(fw.files.find_first("name=t1.nii.gz").info, {"te": 30})
same(names(fw.files.find(f"parents.acquisition={scan.id},type=nifti")), ["t1.nii.gz", "c.nii"])

# Tags of a file.
fw.add_file_tags(first.file_id, ["red", "green"])
same(fw.get_file_tags(first.file_id), ["green", "red"])
fw.set_file_tags(first.file_id, ["blue"])
equal(fw.get_file_tags(first.file_id), ["blue"])
one.add_tag("red")
one.rename_tag("red", "pink")
one.delete_tag("blue")
equal(one.reload().tags, ["pink"])
fw.delete_file_tags(first.file_id, body=["pink", "never there"])
equal(fw.get_file_tags(first.file_id), [])
equal([file.name for file in fw.files.find("tags=fresh")], ["t1.nii.gz"])

# Attachments of every level, and deletion.
for container in (study, fw.get_subject(scan.parents.subject), fw.get_session(scan.parents.session)):
    [entry] = container.upload_file(flywheel.FileSpec("attached.txt", container.label))
    equal(entry.parent_ref.type, container.container_type)
    equal(container.reload().read_file("attached.txt").decode(), container.label)
equal(study.delete_file("attached.txt").deleted, 1)
equal(names(study.reload().files), [])
with refused(404):
    study.read_file("attached.txt")
with refused(404):
    study.delete_file("attached.txt")
again = study.upload_file(flywheel.FileSpec("attached.txt", "anew"))[0]
equal(again.version, 1, "after deletion a name starts afresh")
equal(fw.delete_file(again.file_id).deleted, 1)
with refused(404):
    fw.get_file(again.file_id)
equal(fw.delete_files_by_ids([scan.reload().get_file("h.unknown").file_id]).deleted, 1)
equal(scan.reload().get_file("h.unknown"), None)
