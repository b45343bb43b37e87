"""The successor of that toolkit: its context reads the folder of a job, and what it notes arrives."""

from fw_gear import GearContext
from job_folder import Job

from harness import equal

job = Job("context")
folder = job.folder
paths = {"manifest_path": folder / "manifest.json", "config_path": folder / "config.json"}
with GearContext(gear_path=folder, fail_on_validation=True, **paths) as context:
    equal(context.config.opts, {"times": 2})
    equal(context.config.destination, {"type": "acquisition", "id": job.scan.id})
    equal(context.config.get_destination_container().label, job.scan.label)
    with context.config.open_input("scan") as text:
        equal(text.read(), "words")
    with context.open_output("table.csv", "w") as table:
        table.write("a,b\n1,2\n")
    scan = context.config.get_input("scan")
    made = {"type": "tabular data", "tags": ["made"], "info": {"rows": 1}}
    context.metadata.update_file_metadata("table.csv", container_type="acquisition", **made)
    context.metadata.add_qc_result("table.csv", "whole", "pass", data={"rows": 1})
    context.metadata.add_file_tags(scan, "seen")
    context.metadata.update_container("session", info={"visits": 2})
job.check("context")
