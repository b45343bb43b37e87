"""Looking into a zip file on the site and taking single members out of it."""

import io
import zipfile

import flywheel

from harness import SCRATCH, acquisition, client, equal, project, refused, same

MEMBERS = {
    "fs/sub-01/stats/aseg.stats": b"# brain volumes\n1 2 3\n",
    "readme.txt": b"read me\n",
    "data/t\u00e9l\u00e9.txt": "accents \u00e9\u00e8\n".encode(),
    "image.png": b"\x89PNG\r\n",
}
buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
    archive.comment = b"made for a test"
    for name, content in MEMBERS.items():
        archive.writestr(name, content)

fw = client()
scan = acquisition(project(fw, "Zips"))
[entry] = scan.upload_file(flywheel.FileSpec("output.zip", buffer.getvalue(), "application/zip"))
equal((entry.type, entry.mimetype), ("archive", "application/zip"))
scan.upload_file(flywheel.FileSpec("plain.txt", "not a zip"))
scan = scan.reload()

info = scan.get_file_zip_info("output.zip")
equal(info.comment, "made for a test")
same([member.path for member in info.members], list(MEMBERS))
sizes = {member.path: member.size for member in info.members}
equal(sizes, {path: len(content) for path, content in MEMBERS.items()})
assert all(member.timestamp for member in info.members)

# The program of the documentation: find one file somewhere in the output and fetch it alone.
[stats] = [member["path"] for member in info["members"] if "/aseg.stats" in member["path"]]
target = str(SCRATCH / "aseg.stats")
scan.download_file_zip_member("output.zip", stats, target)
with open(target, "rb") as file:
    equal(file.read(), MEMBERS[stats])
for path, content in MEMBERS.items():
    equal(scan.read_file_zip_member("output.zip", path), content, path)

# The same from the file itself and by its id.
file = scan.get_file("output.zip")
equal(len(file.get_zip_info().members), len(MEMBERS))
equal(file.read_zip_member("readme.txt"), b"read me\n")
file.download_zip_member("readme.txt", target)
with open(target, "rb") as member:
    equal(member.read(), b"read me\n")
equal(len(fw.get_file_zip_info(file.file_id).members), len(MEMBERS))

with refused(400):
    scan.get_file_zip_info("plain.txt")
with refused(400):
    scan.read_file_zip_member("plain.txt", "readme.txt")
with refused(400, 404):
    scan.read_file_zip_member("output.zip", "no/such/member")
with refused(404):
    scan.get_file_zip_info("missing.zip")
