"""Older releases: files with their versions and zip members, tickets, analyses, data views, search."""

import io
import json
import urllib.request
import zipfile

import flywheel

from harness import SCRATCH, acquisition, client, equal, names, project, refused, same, scratch

fw = client()
study = project(fw, "Files")
scan = acquisition(study)
blob = bytes(range(256)) * 2000

# In every form of upload, and back.
scan.upload_file(scratch("disk.txt", "from disk\n"))
scan.upload_file(flywheel.FileSpec("memory.bin", blob))
scan.upload_file(flywheel.FileSpec("stream.bin", io.BytesIO(blob)))
scan.upload_file([flywheel.FileSpec("a.csv", "x,y\n1,2\n"), flywheel.FileSpec("b.json", '{"b": 2}')])
study.upload_file(flywheel.FileSpec("protocol.txt", b"how"))
fw.upload_file_to_session(scan.parents.session, flywheel.FileSpec("session.txt", b"of the session"))
scan = scan.reload()
same(names(scan.files), ["disk.txt", "memory.bin", "stream.bin", "a.csv", "b.json"])
equal({file.name: file.size for file in scan.files}["memory.bin"], len(blob))
for name, content in {"disk.txt": b"from disk\n", "memory.bin": blob, "stream.bin": blob}.items():
    equal(scan.read_file(name) == content, True, name)
target = str(SCRATCH / "down.bin")
scan.download_file("memory.bin", target)
with open(target, "rb") as file:
    equal(file.read() == blob, True, "downloaded")
equal(fw.download_file_from_project_as_data(study.id, "protocol.txt"), b"how")
equal(scan.get_file("disk.txt").read(), b"from disk\n")
with urllib.request.urlopen(scan.get_file_download_url("a.csv")) as answer:
    equal(answer.read(), b"x,y\n1,2\n")
with refused(404):
    scan.read_file("nothing")

# Versions.
scan.upload_file(flywheel.FileSpec("disk.txt", b"again"))
file = scan.reload().get_file("disk.txt")
equal(file.version, 2)
equal([one.version for one in fw.get_file_versions(file.file_id)], [1, 2])
equal(scan.read_file("disk.txt"), b"again")
fw.restore_file(file.file_id, 1, False)
equal(scan.read_file("disk.txt"), b"from disk\n")

# Members of a zip.
packed = io.BytesIO()
with zipfile.ZipFile(packed, "w") as archive:
    archive.writestr("in/one.txt", "first")
    archive.writestr("two.txt", "second")
scan.upload_file(flywheel.FileSpec("both.zip", packed.getvalue(), "application/zip"))
listing = scan.get_file_zip_info("both.zip")
same([(member.path, member.size) for member in listing.members], [("in/one.txt", 5), ("two.txt", 6)])
equal(scan.read_file_zip_member("both.zip", "in/one.txt"), b"first")
scan.download_file_zip_member("both.zip", "two.txt", target)
with open(target, "rb") as member:
    equal(member.read(), b"second")
scan.delete_file("b.json")
assert "b.json" not in names(scan.reload().files)

# An analysis with an input and an output.
session = fw.get_session(scan.parents.session)
analysis = session.add_analysis(
    label="Counting", inputs=[flywheel.FileReference(type="acquisition", id=scan.id, name="a.csv")]
)
analysis = fw.get_analysis(getattr(analysis, "id", analysis))
analysis.upload_output(flywheel.FileSpec("count.txt", b"2"))
analysis = fw.get_analysis(analysis.id)
equal(names(analysis.files), ["count.txt"])
equal(names(analysis.inputs), ["a.csv"])
equal(fw.download_output_from_analysis_as_data(analysis.id, "count.txt"), b"2")
taken = fw.download_input_from_analysis_as_data(analysis.id, "a.csv")
equal(taken, scan.read_file("a.csv"))
equal(fw.get_analysis_file_info(analysis.id, "a.csv").name, "a.csv")
equal([one.label for one in fw.get_session(session.id).analyses], ["Counting"])

# Views: evaluated at once, saved, and read again.
view = fw.View(columns=[("subject.label", "who"), ("session.label", "when")], include_ids=False, include_labels=False)


def rows(source):
    """The rows of a view as the client reads them."""
    with fw.read_view_data(source, study.id) as text:
        return [(row["who"], row["when"]) for row in json.load(text)["data"]]


equal(rows(view), [("sub-01", "ses-01")])
view.label = "who and when"
view.parent = study.id
saved = fw.add_view(study.id, view)
equal([one.label for one in fw.get_views(study.id) if one.id == saved], ["who and when"])
equal(rows(saved), [("sub-01", "ses-01")])
fw.save_view_data(saved, study.id, target, format="csv")
with open(target, "rb") as table:
    lines = table.read().decode().split()
equal([line.split(",")[:2] for line in lines], [["who", "when"], ["sub-01", "ses-01"]])
fw.delete_view(saved)

# Search.
found = fw.search({"structured_query": 'file.name = "a.csv"', "return_type": "file"}, size=10)
equal([row.file.name for row in found], ["a.csv"])
found = fw.search({"structured_query": f'project._id = "{study.id}"', "return_type": "session"}, size=10)
equal([row.session.label for row in found], ["ses-01"])
equal(fw.parse_search_query({"structured_query": "file.name = x"}).valid, True)
