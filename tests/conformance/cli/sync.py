"""The command line tool: a folder on disk follows a project."""

import json

import flywheel

from cli_harness import contents, fw, login
from harness import SCRATCH, acquisition, equal, project, same

client = login()
study = project(client, "Synced")
scan = acquisition(study)
scan.upload_file(flywheel.FileSpec("t1.nii.gz", b"image" * 5000))
scan.upload_file(flywheel.FileSpec("table.csv", b"a,b\n1,2\n"))
study.upload_file(flywheel.FileSpec("protocol.txt", b"how"))
scan.update_info({"coil": 32})
session = client.get_session(scan.parents.session)
analysis = session.add_analysis(label="Counting")
analysis.upload_output(flywheel.FileSpec("count.txt", b"2"))

T1W = "Synced/SUBJECTS/sub-01/SESSIONS/ses-01/ACQUISITIONS/T1w/FILES"
FILES = {"Synced/FILES/protocol.txt": b"how", f"{T1W}/t1.nii.gz": b"image" * 5000, f"{T1W}/table.csv": b"a,b\n1,2\n"}


def sync(*arguments):
    """Runs the tool without the log that it would leave in the project."""
    return fw("sync", "-y", "--no-audit-log", *arguments)


# What would be done, what is there, and doing it.
out = SCRATCH / "out"
assert "t1.nii.gz" in sync("-l", "-v", "fw://lab/Synced")
sync("-n", "fw://lab/Synced", out)
equal(contents(out) if out.exists() else {}, {})
sync("fw://lab/Synced", out)
equal(contents(out), FILES)

# A change follows, a file that is gone goes when that is asked for, and nothing else is touched.
before = (out / f"{T1W}/t1.nii.gz").stat().st_mtime_ns
scan.upload_file(flywheel.FileSpec("table.csv", b"a,b\n3,4\n5,6\n"))
study.delete_file("protocol.txt")
sync("fw://lab/Synced", out)
equal(contents(out), FILES | {f"{T1W}/table.csv": b"a,b\n3,4\n5,6\n"})
sync("--delete", "fw://lab/Synced", out)
equal(contents(out), {f"{T1W}/t1.nii.gz": b"image" * 5000, f"{T1W}/table.csv": b"a,b\n3,4\n5,6\n"})
equal((out / f"{T1W}/t1.nii.gz").stat().st_mtime_ns, before)

# Only some types; and everything, with the documents beside the files.
sync("-i", "nifti", "fw://lab/Synced", SCRATCH / "images")
equal(contents(SCRATCH / "images"), {f"{T1W}/t1.nii.gz": b"image" * 5000})
sync("-x", "fw://lab/Synced/", SCRATCH / "full")
full = contents(SCRATCH / "full")
T1W = T1W.removeprefix("Synced/")
ABOUT = ".flywheel.json"
outputs = "SUBJECTS/sub-01/SESSIONS/ses-01/ANALYSES/Counting/OUTPUT/count.txt"
same([path for path in full if not path.endswith(ABOUT)], [f"{T1W}/t1.nii.gz", f"{T1W}/table.csv", outputs])
equal(full[outputs], b"2")
about = T1W.removesuffix("/FILES") + f"/T1w{ABOUT}"
equal(json.loads(full[about])["info"], {"coil": 32})
assert f"{T1W}/t1.nii.gz{ABOUT}" in full, sorted(full)
