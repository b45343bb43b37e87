"""What the client builds before it calls: views, invocations of gears, contexts inside gears, and its small functions."""

import io
import json
import os
import sys
import types
from pathlib import Path

import flywheel
from flywheel import util

from harness import SCRATCH, SITE, acquisition, client, email, equal, gear, project, refused, same

fw = client()
study = project(fw, "Builders")
scan = acquisition(study)
scan.upload_file(flywheel.FileSpec("table.csv", "a,b\n1,2\n3,4\n"))
scan = scan.reload()
session = fw.get_session(scan.parents.session)


def add(name, category, **inputs):
    """Adds a gear and returns it."""
    config = {"times": {"type": "integer", "default": 2}, "deep": {"type": "boolean", "default": False}}
    gear(fw, name, category, "Counts.", config, inputs)
    return fw.lookup(f"gears/{name}")


# A view, by every method of its builder.
builder = flywheel.ViewBuilder()
builder.label("Every method")
view = (
    builder.description("One after the other")
    .public()
    .column("subject.label", "who")
    .file_container("acquisition")
    .file_filter(r"^table\.csv$", regex=True)
    .file_match("newest")
    .file_format("csv")
    .file_format_options(delimiter=",")
    .file_column("a", "first", "int")
    .file_column("b", type="float")
    .process_files(True)
    .include_ids(False)
    .include_labels(False)
    .error_column(False)
    .missing_data_strategy("none")
    .filter("subject.label=sub-01")
    .build()
)
equal((view.label, view.description, view.missing_data_strategy), ("Every method", "One after the other", "none"))
with fw.read_view_data(view, study.id) as text:
    equal(json.load(text)["data"], [{"who": "sub-01", "first": 1, "b": 2.0}, {"who": "sub-01", "first": 3, "b": 4.0}])
frame = fw.read_view_dataframe(view, study.id)
equal((list(frame.columns), frame["first"].tolist(), frame["b"].sum()), (["who", "first", "b"], [1, 3], 6.0))
analysis = session.add_analysis(label="Measured")
analysis.upload_output(flywheel.FileSpec("out.csv", "n\n7\n"))
view = flywheel.ViewBuilder(include_ids=False, include_labels=False, error_column=False)
view.files("session", "out.csv").analysis_filter(label="Meas*").file_column("n", type="int")
with fw.read_view_data(view.build(), study.id) as text:
    equal(json.load(text)["data"], [{"n": 7}])

# An invocation, by every method of its own.
count = add("count", "utility", text={"base": "file"})
invocation = count.create_invocation()
invocation.update_config(times=5)
invocation.update_config({"deep": True})
invocation.add_tag("night")
invocation.add_tags(["mine", "yours"])
invocation.set_input("text", scan.get_file("table.csv"))
invocation.set_destination(scan)
invocation.set_priority("high")
try:
    invocation.set_analysis_label("none")
except ValueError as error:
    assert "not an analysis gear" in str(error), error
else:
    raise AssertionError("only analyses have labels")
job = fw.get_job(invocation.run())
equal((job.config.config, job.priority), ({"times": 5, "deep": True}, "high"))
same(job.tags, ["night", "mine", "yours", "count"])
measure = add("measure", "analysis", text={"base": "file"})
invocation = measure.create_invocation()
invocation.set_analysis_label("Nightly")
proposal = invocation.propose_batch([session], optional_input_policy="ignored")
equal([entry.id for entry in proposal.matched], [scan.id])
proposal.run()
equal(fw.get_batch(proposal.id).cancel(), 1)
equal(fw.get_batch(proposal.id).state, "cancelled")

# A job, handed in as a document, and what its object can do.
job_id = fw.add_job({"gear_id": count.id, "inputs": {"text": scan.get_file("table.csv").ref()}, "tags": ["by hand"]})
job = fw.get_job(job_id)
equal(job.ref(), {"type": "job", "id": job_id})
equal((job.local_created, job.local_modified), (job.created, job.modified))
equal(job.reload().tags, ["by hand", "count"])
job.update_priority("critical")
equal(job.reload().priority, "critical")
job.update(failure_reason="by hand")
job.change_state("cancelled")
equal((job.reload().state, job.reload().failure_reason), ("cancelled", "by hand"))

# Who may run a gear.
count.modify_gear_series({"is_restricted": True})
count.add_permission("users", {"id": email("ann")})
equal(count.get_series().permissions.users, [email("ann")])
count.delete_permission("users", email("ann"))
equal(count.get_series().permissions.users, [])

# Inside a gear.
folder = SCRATCH / "gear"
(folder / "input" / "text").mkdir(parents=True)
(folder / "input" / "text" / "table.csv").write_text("a,b\n")
(folder / "config.json").write_text(
    json.dumps(
        {
            "config": {"times": 5},
            "inputs": {
                "key": {"base": "api-key", "key": SITE["keys"]["admin"]},
                "text": {
                    "base": "file",
                    "hierarchy": {"type": "acquisition", "id": scan.id},
                    "location": {"name": "table.csv", "path": str(folder / "input" / "text" / "table.csv")},
                },
                "words": {"base": "context", "found": True, "value": "hello"},
            },
            "destination": {"type": "acquisition", "id": scan.id},
        }
    )
)
with flywheel.GearContext(str(folder)) as context:
    context.init_logging("error")
    context.log_config()
    equal((context.config, context.destination["id"]), ({"times": 5}, scan.id))
    equal(context.get_input("text")["location"]["name"], "table.csv")
    equal(Path(context.get_input_path("text")).read_text(), "a,b\n")
    equal(context.get_context_value("words"), "hello")
    with context.open_input("text") as file:
        equal(file.read(), "a,b\n")
    with context.open_output("out.txt") as file:
        file.write("done")
    equal(sorted(os.listdir(context.output_dir)), ["out.txt"])
    equal(os.listdir(context.work_dir), [])
    equal(context.client.get(scan.id).label, scan.label)
    # What stands in for the package that writes BIDS shows what it is told to write.
    asked = []
    export = types.SimpleNamespace(download_bids_dir=lambda *told, **more: asked.append((*told[1:], more)))
    sys.modules["flywheel_bids"] = sys.modules["flywheel_bids.export_bids"] = export
    target = context.download_session_bids(folders=["anat"])
    equal(target, context.download_project_bids(subjects=["sub-01"]))
    equal(
        asked,
        [
            (session.id, "session", target, {"src_data": False, "folders": ["anat"]}),
            (study.id, "project", target, {"src_data": False, "subjects": ["sub-01"]}),
        ],
    )
    context.update_destination_metadata(label="By the gear")
    context.update_file_metadata("out.txt", {"type": "text"})
    context.update_container_metadata("session", {"info": {"x": 1}})
    context.write_metadata()
equal(
    json.loads((folder / "output" / ".metadata.json").read_text()),
    {
        "acquisition": {"label": "By the gear", "files": [{"name": "out.txt", "type": "text"}]},
        "session": {"info": {"x": 1}},
    },
)

# Ages, and what else is small.
for unit, seconds in {"years": 31557600, "months": 2592000, "weeks": 604800, "days": 86400}.items():
    equal(getattr(util, f"seconds_to_{unit}")(3 * seconds), 3.0)
    equal(getattr(util, f"{unit}_to_seconds")(1.5), seconds * 3 // 2)
equal(util.params_to_dict("of", [{"a": 1}], {}), {"a": 1})
equal(util.params_to_list(["a", ["b", "c"]]), ["a", "b", "c"])
equal(util.to_ref(scan), {"type": "acquisition", "id": scan.id})
equal(flywheel.FileSpec("a.csv", "words").to_file_tuple(), ("a.csv", b"words", "text/csv"))
equal(util.get_verify_ssl(), True)
os.environ["FW_SSL_CERT_FILE"] = "/certificates.pem"
verifying = types.SimpleNamespace(verify=True)
util.set_verify_ssl(verifying)
equal(verifying.verify, "/certificates.pem")
del os.environ["FW_SSL_CERT_FILE"]
util.check_filename_params({"filename": "fine"})

# A device by its secret, and a client that is done.
host, port = SITE["url"].removeprefix("http://").split(":")
device = flywheel.drone_login.create_drone_client(
    host, SITE["drone_secret"], "reaper", "builder", port=int(port), disable_auth_check=True, _force_insecure=True
)
equal(device.get_auth_status().is_device, True)
printed = io.StringIO()
fw.print_view_columns(file=printed)
assert "subject.label (string)" in printed.getvalue()
with refused(404):
    fw.get("0" * 24)
fw.shutdown()
