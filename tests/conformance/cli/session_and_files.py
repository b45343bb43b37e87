"""The command line tool: login and logout, listings, single files up and down, archives of containers."""

import tarfile
import zipfile

from cli_harness import contents, fw, login, run, tree
from harness import SCRATCH, SITE, acquisition, equal, project, same

# Who one is.
refused = run("ls")
assert refused.returncode != 0, "a listing without a login"
refused = run("login", SITE["keys"]["admin"].rsplit(":", 1)[0] + ":wrong")
assert refused.returncode != 0, "a login with a wrong key"
client = login()
assert "admin" in fw("status")
study = project(client, "Study")
scan = acquisition(study)

# Single files, up and down.
blob = bytes(range(256)) * 3000
here = tree(SCRATCH / "here", {"blob.bin": blob, "small.txt": b"small", "brain.nii.gz": b"\x1f\x8bnone", "ünï.txt": b"u"})
fw("upload", here / "blob.bin", "fw://lab/Study/sub-01/ses-01/T1w")
fw("upload", here / "brain.nii.gz", "fw://lab/Study/sub-01/ses-01/T1w")
fw("upload", here / "ünï.txt", "fw://lab/Study/sub-01")
fw("cp", here / "small.txt", "fw://lab/Study/")
equal(scan.read_file("blob.bin") == blob, True, "uploaded")
equal(study.read_file("small.txt"), b"small")
there = tree(SCRATCH / "there", {})
there.mkdir()
fw("cp", "fw://lab/Study/sub-01/ses-01/T1w/files/blob.bin", there / "blob.bin")
fw("download", "-y", "fw://lab/Study/files/small.txt", "-o", there / "small.txt")
fw("download", "-y", "fw://lab/Study/sub-01/files/ünï.txt", "-o", there / "ünï.txt")
equal(contents(there), {"blob.bin": blob, "small.txt": b"small", "ünï.txt": b"u"})
assert run("cp", "fw://lab/Study/files/nothing.txt", there / "nothing").returncode != 0

# Listings at every level.
assert "lab" in fw("ls")
assert "Study" in fw("ls", "fw://lab")
assert "sub-01" in fw("ls", "fw://lab/Study") and "small.txt" in fw("ls", "lab/Study")
assert scan.id in fw("ls", "--ids", "lab/Study/sub-01/ses-01")
listed = fw("ls", "fw://lab/Study/sub-01/ses-01/T1w")
assert "blob.bin" in listed and "brain.nii.gz" in listed, listed
assert run("ls", "fw://lab/nothing").returncode != 0

# Archives of containers.
def tail(names):
    return [name.rsplit("/", 1)[-1] for name in names]


fw("download", "-y", "fw://lab/Study", "-o", there / "study.tar")
with tarfile.open(there / "study.tar") as archive:
    same(tail(archive.getnames()), ["small.txt", "ünï.txt", "blob.bin", "brain.nii.gz"])
    [member] = [name for name in archive.getnames() if name.endswith("blob.bin")]
    assert member.endswith("lab/Study/sub-01/ses-01/T1w/blob.bin"), member
    equal(archive.extractfile(member).read() == blob, True, "in the archive")
fw("download", "-y", "--zip", "-p", "mine", "-i", "nifti", "fw://lab/Study/sub-01", "-o", there / "subject.zip")
with zipfile.ZipFile(there / "subject.zip") as archive:
    equal(archive.namelist(), ["mine/lab/Study/sub-01/ses-01/T1w/brain.nii.gz"])
    equal(archive.read(archive.namelist()[0]), b"\x1f\x8bnone")
fw("download", "-y", "-e", "nifti", "fw://lab/Study/sub-01/ses-01/T1w", "-o", there / "rest.tar")
with tarfile.open(there / "rest.tar") as archive:
    equal(tail(archive.getnames()), ["blob.bin"])

fw("logout")
assert run("ls").returncode != 0, "a listing after the logout"
