"""Analyses made by a program: inputs, outputs, and where they are found."""

import flywheel

from harness import SCRATCH, acquisition, client, equal, labels, names, project, refused, same, scratch

fw = client()
study = project(fw, "Analysed")
scan = acquisition(study)
scan.upload_file(flywheel.FileSpec("input.txt", "version one"))
scan = scan.reload()
session = fw.get_session(scan.parents.session)

analysis = session.add_analysis(label="Counting", description="words", inputs=[scan.get_file("input.txt").ref()])
equal((analysis.label, analysis.description, analysis.container_type), ("Counting", "words", "analysis"))
equal((analysis.parent.type, analysis.parent.id), ("session", session.id))
equal(analysis.parents.project, study.id)
equal(names(analysis.inputs), ["input.txt"])

# Several outputs in one call.
analysis.upload_output([scratch("hello1.txt", "one"), scratch("hello2.txt", "two")])
analysis.upload_file(flywheel.FileSpec("hello3.txt", "three"))
analysis = analysis.reload()
same(names(analysis.files), ["hello1.txt", "hello2.txt", "hello3.txt"])
equal(analysis.read_file("hello1.txt"), b"one")
analysis.download_file("hello2.txt", str(SCRATCH / "down.txt"))
equal((SCRATCH / "down.txt").read_bytes(), b"two")

# An input is what it was when the analysis was made.
scan.upload_file(flywheel.FileSpec("input.txt", "version two"))
equal(analysis.reload().inputs[0].version, 1)

# Where it shows up.
equal(labels(fw.get_session_analyses(session.id)), ["Counting"])
equal(labels(session.reload().analyses), ["Counting"])
equal(labels(fw.get_session(session.id).analyses), ["Counting"])
equal(fw.get(analysis.id).container_type, "analysis")
equal(fw.lookup(f"lab/Analysed/sub-01/ses-01/analyses/Counting").id, analysis.id)
equal(labels(fw.resolve("lab/Analysed/sub-01/ses-01/analyses").children), ["Counting"])
equal(fw.lookup("lab/Analysed/sub-01/ses-01/analyses/Counting/files/hello1.txt").name, "hello1.txt")
equal(labels(fw.analyses.find("label=Counting")), ["Counting"])
equal(fw.get_session_analyses(session.id, filter="label=Other"), [])

# It has info, tags and notes.
analysis.update(label="Counted")
analysis.update_info({"words": 2})
analysis.add_tag("done")
analysis.add_note("went well")
analysis.update_file_info("hello1.txt", {"lines": 1})
analysis = analysis.reload()
equal((analysis.label, analysis.info, analysis.tags), ("Counted", {"words": 2}, ["done"]))
equal([note.text for note in analysis.notes], ["went well"])
equal(analysis.get_file("hello1.txt").info, {"lines": 1})

# On every level.
for container in (study, fw.get_subject(scan.parents.subject), scan):
    made = container.add_analysis(label=f"of a {container.container_type}")
    equal(made.parent.type, container.container_type)
    equal(labels(container.reload().analyses), [f"of a {container.container_type}"])

# Files that do not exist, and files that are in use.
with refused(404):
    session.add_analysis(label="bad", inputs=[{"type": "acquisition", "id": scan.id, "name": "none.txt"}])
with refused(403) as conflict:
    fw.delete_acquisition_file(scan.id, "input.txt")
assert "analysis_conflict" in conflict.error.body, conflict.error.body
equal(fw.delete_analysis(analysis.id).deleted, 1)
with refused(404):
    fw.get_analysis(analysis.id)
equal(fw.get_session_analyses(session.id), [])
equal(fw.delete_acquisition_file(scan.id, "input.txt").deleted, 1)
