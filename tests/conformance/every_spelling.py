"""The calls that say in one word what others say by a body: info and classification of files set, replaced and deleted
for each kind of container, and outputs of analyses by the names of their parents."""

import io
import zipfile

import flywheel

from harness import SCRATCH, acquisition, client, equal, project, refused

fw = client()
study = project(fw, "Spellings")
scan = acquisition(study)
session_id, subject_id = scan.parents.session, scan.parents.subject
collection_id = fw.add_collection({"label": "Spellings"})
analysis_id = fw.add_session_analysis(session_id, {"label": "Spellings"})

buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w") as archive:
    archive.writestr("inside.txt", "inside")


def by(name, *args, **kwargs):
    """Calls a method of the client by its name."""
    return getattr(fw, name)(*args, **kwargs)


def entry(kind, id):
    """A file of a container, read anew."""
    return next(file for file in by(f"get_{kind}", id).files if file.name == "a.zip")


for kind, id in {
    "project": study.id,
    "subject": subject_id,
    "session": session_id,
    "acquisition": scan.id,
    "collection": collection_id,
    "container": fw.get_session(session_id).add_acquisition(label="other").id,
    "analysis": analysis_id,
}.items():
    upload = "upload_output_to_analysis" if kind == "analysis" else f"upload_file_to_{kind}"
    by(upload, id, flywheel.FileSpec("a.zip", buffer.getvalue()))
    by(f"modify_{kind}_file", id, "a.zip", {"modality": "MR"})

    by(f"replace_{kind}_file_info", id, "a.zip", {"a": 1, "b": 2})
    by(f"set_{kind}_file_info", id, "a.zip", {"c": 3})
    by(f"delete_{kind}_file_info_fields", id, "a.zip", ["a"])
    equal(entry(kind, id).info, {"b": 2, "c": 3}, kind)
    by(f"modify_{kind}_info", id, {"set": {"x": 1}})
    equal(by(f"get_{kind}", id).info["x"], 1, kind)

    by(f"replace_{kind}_file_classification", id, "a.zip", {"Intent": ["Structural"], "Custom": ["one"]})
    by(f"set_{kind}_file_classification", id, "a.zip", {"Measurement": ["T1"]})
    by(f"delete_{kind}_file_classification_fields", id, "a.zip", {"Custom": ["one"]})
    left = {aspect: words for aspect, words in entry(kind, id).classification.items() if words}
    equal(left, {"Intent": ["Structural"], "Measurement": ["T1"]}, kind)

# A file by its own id: the client looks for a model that it does not have.
file_id = entry("acquisition", scan.id).file_id
for broken in (fw.replace_file_info, fw.modify_file_info):
    try:
        broken(file_id, body={"new": True})
    except AttributeError as error:
        assert "object" in str(error), error
    else:
        raise AssertionError("this is not known to work")

# Outputs of analyses.
target = SCRATCH / "output.zip"
for kind, id in {"project": study.id, "subject": subject_id, "session": session_id, "acquisition": scan.id}.items():
    own = by(f"add_{kind}_analysis", id, {"label": kind})
    by(f"upload_output_to_{kind}_analysis", id, own, flywheel.FileSpec("out.zip", buffer.getvalue()))
    for name in (kind, "container"):
        by(f"download_output_from_{name}_analysis", id, own, "out.zip", str(target))
        equal(target.read_bytes(), buffer.getvalue(), name)
        target.unlink()
fw.download_output_from_analysis(own, "out.zip", str(target))
equal(target.read_bytes(), buffer.getvalue())
equal(fw.download_output_from_analysis_as_data(own, "out.zip"), buffer.getvalue())
assert "?ticket=" in fw.get_analysis_output_download_url(own, "out.zip")
equal([member.path for member in fw.get_analysis_output_zip_info(own, "out.zip").members], ["inside.txt"])

# A container whose kind nobody says, and an archive by its ticket.
ticket = fw.create_download_ticket({"nodes": [{"level": "project", "_id": study.id}], "optional": True}).ticket
assert len(fw.download_ticket_as_data(ticket)) > len(buffer.getvalue())
equal(fw.delete_container(scan.id).deleted, 1)
with refused(404):
    fw.get_acquisition(scan.id)
