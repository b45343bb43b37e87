"""The command line tool: a BIDS dataset goes in and comes out as it was."""

import json

from cli_harness import contents, fw, login, tree
from harness import SCRATCH, equal, group

client = login()
group(client)

description = {"Name": "Made", "BIDSVersion": "1.2.0"}
made = {
    "dataset_description.json": json.dumps(description).encode(),
    "README": b"Made for a test.\n",
    "participants.tsv": b"participant_id\tage\nsub-01\t31\nsub-02\t42\n",
}
for subject in ("sub-01", "sub-02"):
    for session in ("ses-a", "ses-b"):
        name = f"{subject}_{session}"
        made[f"{subject}/{session}/anat/{name}_T1w.nii.gz"] = f"T1w of {name}".encode() * 100
        made[f"{subject}/{session}/func/{name}_task-rest_bold.nii.gz"] = f"bold of {name}".encode() * 100
        made[f"{subject}/{session}/func/{name}_task-rest_bold.json"] = b'{"RepetitionTime": 2.0, "TaskName": "rest"}'
source = tree(SCRATCH / "made", made)
fw("ingest", "bids", "-p", "Made", source, "lab")
target = SCRATCH / "out"
target.mkdir()
fw("export", "bids", "-g", "lab", "-p", "Made", "--source-data", target)
out, expected = contents(target), contents(source)
# Of the files beside the subjects the tool sends only the one that the file system lists last, and writes the description
# of the dataset from what it knows.
for path in [path for path in expected if "/" not in path and path != "dataset_description.json"]:
    del expected[path]
equal(sorted(set(expected) - set(out)), [], "files that did not come back")
# The tool writes documents in JSON anew.
unlike = [path for path, content in expected.items() if not path.endswith(".json") and out[path] != content]
equal(unlike, [], "files that came back changed")
