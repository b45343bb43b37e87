"""Whole containers as tar and zip archives."""

import io
import tarfile
import zipfile

import flywheel

from harness import SCRATCH, acquisition, client, equal, project, refused, same

fw = client()
study = project(fw, "Study", "lab")
scan = acquisition(study)
scan.upload_file(flywheel.FileSpec("t1.nii.gz", b"nifti bytes"))
scan.upload_file(flywheel.FileSpec("t1.dicom.zip", b"dicom bytes"))
study.upload_file(flywheel.FileSpec("protocol.pdf", b"%PDF"))
session = fw.get_session(scan.parents.session)
BELOW = {
    "scitran/lab/Study/sub-01/ses-01/T1w/t1.nii.gz": b"nifti bytes",
    "scitran/lab/Study/sub-01/ses-01/T1w/t1.dicom.zip": b"dicom bytes",
    "scitran/lab/Study/protocol.pdf": b"%PDF",
}


def tar_members(path):
    with tarfile.open(path) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive if one.isfile()}


def zip_members(path):
    with zipfile.ZipFile(path) as archive:
        equal(archive.testzip(), None)
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


target = str(SCRATCH / "archive")
summary = fw.download_tar([study], target)
equal((summary.file_cnt, summary.size), (3, sum(map(len, BELOW.values()))))
assert summary.ticket and summary.filename.startswith("scitran_"), summary
equal(tar_members(target), BELOW)
fw.download_zip(study, target)
equal(zip_members(target), BELOW)

# One container, by its own methods, and only some types of files.
session.download_tar(target, include_types=["nifti"])
equal(sorted(name.rsplit("/", 1)[1] for name in tar_members(target)), ["t1.nii.gz"])
scan.download_zip(target, exclude_types=["nifti"])
equal(sorted(name.rsplit("/", 1)[1] for name in zip_members(target)), ["t1.dicom.zip"])
with refused(404):
    session.download_tar(target, include_types=["video"])
try:
    fw.download_tar(["5f2a00000000000000000001"], target)
except ValueError:
    pass
else:
    raise AssertionError("a bare id says nothing about its level")

# Siblings that share a label do not hide each other.
twin = session.add_acquisition(label="T1w")
twin.upload_file(flywheel.FileSpec("t1.nii.gz", b"of the twin"))
fw.download_tar([session], target)
same(tar_members(target).values(), [b"nifti bytes", b"dicom bytes", b"of the twin"])

# What someone may not read is left out.
with refused(403, 404):
    client("eve").download_tar([study], target)
