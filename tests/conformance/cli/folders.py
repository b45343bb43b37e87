"""The command line tool: a folder of subjects, sessions and acquisitions becomes a project, and grows."""

import hashlib

from cli_harness import contents, fw, ingest, login, stored, tree
from harness import SCRATCH, equal, group


def content(name):
    """Bytes of their own for each name."""
    return hashlib.sha256(name.encode()).digest() * 500


client = login()
group(client)

# Group, project, subject, session and acquisition are folders.
paths = [f"sub-{s}/ses-{x}/{a}/{a}.nii.gz" for s in (1, 2) for x in (1, 2) for a in ("T1w", "bold run 1")]
expected = {path: content(path) for path in paths}
source = tree(SCRATCH / "source", {f"lab/Folders/{path}": bytes for path, bytes in expected.items()})
ingest("folder", "--save-audit-logs", SCRATCH / "audit.csv", source)
study = client.lookup("lab/Folders")
equal(stored(study), expected)
log = (SCRATCH / "audit.csv").read_text()
assert all(path.rsplit("/", 1)[-1] in log for path in paths), log
assert any(file.name.startswith("audit_log") for file in study.reload().files)

# More of it: what is there stays as it is.
more = {"sub-1/ses-1/T1w/T1w.nii.gz": b"changed", "sub-3/ses-1/T1w/T1w.nii.gz": content("three")}
tree(source / "lab/Folders", more)
ingest("folder", "--skip-existing", source)
expected["sub-3/ses-1/T1w/T1w.nii.gz"] = content("three")
equal(stored(study), expected)
assert study.subjects.find_one("label=sub-1").sessions.find_one("label=ses-1").acquisitions.find_one("label=T1w")

# Without the levels that the folder does not have, several at once, to a project named on the command line.
flat = tree(SCRATCH / "flat", {f"anna/T1w/{n}.dat": content(f"flat {n}") for n in range(5)})
ingest("folder", "-g", "lab", "-p", "Flat", "--no-sessions", "--jobs", "2", "--no-audit-log", flat)
study = client.lookup("lab/Flat")
equal(
    {path.rsplit("/", 1)[-1]: bytes for path, bytes in stored(study).items()},
    {f"{n}.dat": content(f"flat {n}") for n in range(5)},
)
equal([subject.label for subject in study.subjects()], ["anna"])
equal(study.reload().files, [])

# Everything of the subject comes back.
fw("sync", "-y", "--no-audit-log", "fw://lab/Flat", SCRATCH / "back")
equal(
    sorted(path.rsplit("/", 1)[-1] for path in contents(SCRATCH / "back")), [f"{n}.dat" for n in range(5)]
)
