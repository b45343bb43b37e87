"""The command line tool: DICOM files are sorted by their headers and packed by series."""

import io
import zipfile

from cli_harness import contents, fw, ingest, login, real, run, stored
from harness import SCRATCH, equal, group

source = real("dicom/archive/77654033")
if source is None:
    raise SystemExit

client = login()
group(client)
ingest("dicom", "--include", "*", "--", source, "lab", "Dicom")
study = client.lookup("lab/Dicom")


def unpacked(files):
    """The bytes of all images, also of those in a zip."""
    found = []
    for content in files.values():
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                found += [archive.read(name) for name in archive.namelist()]
        else:
            found.append(content)
    return sorted(found)


files = stored(study)
equal(len(files), 4)
equal(unpacked(files), sorted(contents(source).values()))
equal([subject.label for subject in study.subjects()], ["77654033"])
assert all(".dicom" in name for name in files)
session = study.sessions.find_one("label=1995-09-03 17_30_32") or study.sessions.find_first("")
equal({file.type for scan in session.acquisitions() for file in scan.reload().files}, {"dicom"})
assert session.uid and session.reload().timestamp.year == 1995, session

# What is there already is found and not sent again.
printed = ingest("dicom", "--detect-duplicates", "--include", "*", "--", source, "lab", "Dicom")
assert "DD" in printed, printed
equal(stored(study), files)
ingest("dicom", "--skip-existing", "--include", "*", "--", source, "lab", "Dicom")
equal(stored(study), files)

# Packed series come back as single images.
fw("sync", "-y", "--no-audit-log", "-i", "dicom", "fw://lab/Dicom", SCRATCH / "back")
equal(sorted(contents(SCRATCH / "back").values()), sorted(contents(source).values()))

# A folder with something else in it: the images arrive, and the tool says what did not.
arguments = ["--no-config", "--include", "*", "--", source.parent / "TINY_ALPHA", "lab", "Mixed"]
mixed = run("ingest", "dicom", *arguments, answers="yes\n")
assert mixed.returncode == 1 and "SC02" in mixed.stdout, mixed.stdout
assert stored(client.lookup("lab/Mixed"))
