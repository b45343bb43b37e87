"""The command line tool: a project goes to another group, with its metadata."""

import flywheel

from cli_harness import ingest, login, stored
from harness import SITE, acquisition, equal, group, project

client = login()
study = project(client, "Original")
for subject in ("sub-01", "sub-02"):
    scan = acquisition(study, subject=subject)
    scan.upload_file(flywheel.FileSpec("t1.nii.gz", f"image of {subject}".encode() * 300))
    scan.upload_file(flywheel.FileSpec("notes.txt", b"as planned"))
    scan.update_info({"coil": 32})
    scan.update_file("t1.nii.gz", modality="MR")
    scan.update_file_info("t1.nii.gz", {"EchoTime": 0.03})
    scan.update_file_classification("t1.nii.gz", {"Intent": ["Structural"]})
    client.get_session(scan.parents.session).update_info({"visit": "first"})
    client.get_subject(scan.parents.subject).update(sex="female")

group(client, "other", "Other").add_project(label="Copy")
ingest("project", "-g", "other", "-p", "Copy", "fw://lab/Original", SITE["keys"]["admin"])
copy = client.lookup("other/Copy")
equal(stored(copy), stored(study))
scan = client.lookup("other/Copy/sub-01/ses-01/T1w")
equal(scan.info, {"coil": 32})
file = scan.get_file("t1.nii.gz")
equal((file.modality, file.classification), ("MR", {"Intent": ["Structural"]}))
equal(client.get_acquisition_file_info(scan.id, "t1.nii.gz").info["EchoTime"], 0.03)
equal(client.get_session(scan.parents.session).info, {"visit": "first"})
equal(client.get_subject(scan.parents.subject).sex, "female")
