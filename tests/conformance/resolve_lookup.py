"""Finding containers and files by path."""

import urllib.request

import flywheel

from harness import acquisition, client, equal, labels, names, project, refused, same

fw = client()
study = project(fw, "Anxiety Study", "flywheel")
scan = acquisition(study, "1001", "ses 1", "T1w")
scan.upload_file(flywheel.FileSpec("t1.nii.gz", b"\x1f\x8b", "application/gzip"))
scan.upload_file(flywheel.FileSpec("notes.txt", "hello", "text/plain"))
study.upload_file(flywheel.FileSpec("protocol.pdf", b"%PDF-1.4", "application/pdf"))
study.update_info(kept="yes")

# Every node along the path, and the children of the last.
found = fw.resolve("flywheel/Anxiety Study")
equal([node.id for node in found.path], ["flywheel", study.id])
equal([node.container_type for node in found.path], ["group", "project"])
equal(labels(found.path), ["Lab", "Anxiety Study"])
equal([node.container_type for node in found.children], ["subject", "file"])
equal(found.children[0].label, "1001")
equal(found.children[1].name, "protocol.pdf")

# No path: the groups that can be seen.
assert "flywheel" in [node.id for node in fw.resolve([]).children]
equal(fw.resolve([]).path, [])
equal(labels(fw.resolve("flywheel").children), ["Anxiety Study"])

# Down to the files.
deep = fw.resolve("flywheel/Anxiety Study/1001/ses 1/T1w")
equal([node.container_type for node in deep.path][-1], "acquisition")
same(names(deep.children), ["notes.txt", "t1.nii.gz"])
literal = fw.resolve("flywheel/Anxiety Study/1001/ses 1/T1w/files")
equal(names(literal.children), ["notes.txt", "t1.nii.gz"], "files come by name")
one = fw.resolve("flywheel/Anxiety Study/1001/ses 1/T1w/files/t1.nii.gz")
equal(one.path[-1].container_type, "file")
equal(one.path[-1].name, "t1.nii.gz")
equal(one.children, [])
equal(fw.resolve(["flywheel", "Anxiety Study", "files"]).children[0].name, "protocol.pdf")

# Lookup answers the last node as its own get would.
container = fw.lookup("flywheel/Anxiety Study")
equal((container.id, container.container_type), (study.id, "project"))
equal(container.info, {"kept": "yes"})
for path, id in {
    "flywheel": "flywheel",
    "flywheel/Anxiety Study/1001": scan.parents.subject,
    "flywheel/Anxiety Study/1001/ses 1": scan.parents.session,
    "flywheel/Anxiety Study/1001/ses 1/T1w": scan.id,
}.items():
    equal(fw.lookup(path).id, id, path)
file = fw.lookup("flywheel/Anxiety Study/1001/ses 1/T1w/files/notes.txt")
equal((file.name, file.container_type), ("notes.txt", "file"))
equal(file.read(), b"hello")
equal(fw.lookup(["flywheel", "Anxiety Study"]).id, study.id)

# Ids in place of labels.
equal(fw.lookup(f"flywheel/<id:{study.id}>/<id:{scan.parents.subject}>").label, "1001")
equal(fw.lookup(f"<id:flywheel>/Anxiety Study/1001/ses 1/<id:{scan.id}>").id, scan.id)
stranger = project(fw, "Other", "flywheel")
with refused(404):
    fw.lookup(f"flywheel/Other/<id:{scan.parents.subject}>")
with refused(400, 422):
    fw.lookup("flywheel/<id:not-an-id>")

# The oldest of several with one label; literals win over labels; a slash needs the list form.
subject = fw.get_subject(scan.parents.subject)
subject.add_session(label="ses 1")
equal(fw.lookup("flywheel/Anxiety Study/1001/ses 1").id, scan.parents.session)
literal = subject.add_session(label="files")
equal(fw.resolve("flywheel/Anxiety Study/1001/files").children, [])
equal(fw.lookup(f"flywheel/Anxiety Study/1001/<id:{literal.id}>").label, "files")
slashed = subject.add_session(label="pre/post")
equal(fw.lookup(["flywheel", "Anxiety Study", "1001", "pre/post"]).id, slashed.id)

# What is not there.
for path in ("nowhere", "flywheel/Nothing", "flywheel/anxiety study", "flywheel/Anxiety Study/1001/none"):
    with refused(404):
        fw.lookup(path)
    with refused(404):
        fw.resolve(path)
with refused(404) as hint:
    fw.resolve("flywheel/Anxiety Study/1001/ses 1/T1w/t1.nii.gz")
assert "files/t1.nii.gz" in hint.error.reason, hint.error.reason
with refused(404):
    fw.lookup("flywheel/Anxiety Study/1001/ses 1/T1w/files/none.txt")

# The address of a file, for a program without a key.
with urllib.request.urlopen(fw.file_url("flywheel/Anxiety Study/1001/ses 1/T1w/files/notes.txt")) as answer:
    equal(answer.read(), b"hello")
try:
    fw.file_url("flywheel/Anxiety Study")
except ValueError:
    pass
else:
    raise AssertionError("a project has no file address")

# Someone without a role sees nothing of it.
with refused(403, 404):
    client("eve").lookup("flywheel/Anxiety Study")
