"""The package for BIDS: a dataset is uploaded, curated, and comes out as it was."""

import json
import subprocess
import sys

from harness import SCRATCH, SITE, client, equal, group

fw = client()
lab = group(fw)
lab.add_project(label="Made")
# Both readings of a run's description: the dataset's own, and that of one scan.
text = json.dumps
made = {
    "dataset_description.json": text({"Name": "Made", "BIDSVersion": "1.2.0"}).encode(),
    "README": b"Made for a test.\n",
    "participants.tsv": b"participant_id\tage\nsub-01\t31\nsub-02\t42\n",
}
for subject in ("sub-01", "sub-02"):
    name = f"{subject}_ses-a"
    made[f"{subject}/ses-a/anat/{name}_T1w.nii.gz"] = f"T1w of {name}".encode() * 100
    made[f"{subject}/ses-a/func/{name}_task-rest_bold.nii.gz"] = f"bold of {name}".encode() * 100
    made[f"{subject}/ses-a/func/{name}_task-rest_bold.json"] = text({"TaskName": "rest"}).encode()
source = SCRATCH / "made"
for path, content in made.items():
    (source / path).parent.mkdir(parents=True, exist_ok=True)
    (source / path).write_bytes(content)


def run(module, *arguments):
    """Runs one of the package's programs, which must succeed."""
    command = [sys.executable, "-m", f"flywheel_bids.{module}", "--api-key", SITE["keys"]["admin"], *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{module}: {done.returncode}\n{done.stdout}\n{done.stderr}"


run("upload_bids", "--bids-dir", source, "-g", "lab", "-p", "Made", "--type", "Flywheel", "-y")
run("curate_bids", "-g", "lab", "-p", "Made", "--reset")
target = SCRATCH / "out"
target.mkdir()
run("export_bids", "--bids-dir", target, "-g", "lab", "-p", "Made")
out = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}
scans = {path: content for path, content in made.items() if path.endswith(".nii.gz")}
equal({path: out.get(path) for path in scans}, scans)
equal(out["participants.tsv"], made["participants.tsv"])
equal(json.loads(out["dataset_description.json"])["Name"], "Made")
