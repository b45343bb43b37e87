"""The toolkit that most published gears are written with: its context reads the folder of a job, and what it notes arrives."""

from flywheel_gear_toolkit import GearToolkitContext
from job_folder import Job

from harness import email, equal

job = Job("toolkit")
folder = job.folder
paths = {"manifest_path": folder / "manifest.json", "config_path": folder / "config.json"}
with GearToolkitContext(gear_path=folder, fail_on_validation=False, **paths) as context:
    equal(context.config, {"times": 2})
    equal(context.destination, {"type": "acquisition", "id": job.scan.id})
    equal(context.get_destination_container().label, job.scan.label)
    equal(context.get_destination_parent().id, job.scan.parents.session)
    with context.open_input("scan") as text:
        equal(text.read(), "words")
    equal(context.client.get_current_user().id, email("admin"))
    with context.open_output("table.csv", "w") as table:
        table.write("a,b\n1,2\n")
    scan = context.get_input("scan")
    context.metadata.update_file("table.csv", type="tabular data", tags=["made"], info={"rows": 1})
    context.metadata.add_qc_result("table.csv", "whole", "pass", data={"rows": 1})
    context.metadata.add_qc_result(scan, "readable", "fail", reason="too short")
    context.metadata.add_file_tags(scan, "seen")
    context.metadata.update_container("session", info={"visits": 2})
scan = job.check("toolkit")
equal(scan.info["qc"]["toolkit"]["readable"]["reason"], "too short")
