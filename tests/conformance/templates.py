"""Session templates by the official client."""

from harness import client, equal, project, scratch

fw = client()
study = project(fw, "Templates")
session = study.add_subject(label="sub-01").add_session(label="ses-01")
scan = session.add_acquisition(label="t1")
scan.upload_file(scratch("a.nii.gz", b"not an image"))

template = {
    "session": {"label": "^ses"},
    "acquisitions": [{"minimum": 1, "label": "t1", "files": [{"minimum": 1, "classification": "Structural"}]}],
}
fw.set_project_template(study.id, {"templates": [template]})
equal(fw.get_project(study.id).templates[0]["acquisitions"][0]["label"], "t1")


def judged():
    """Whether the session's project has a template, and whether the session satisfies it."""
    fresh = fw.get_session(session.id)
    return fresh.project_has_template, fresh.satisfies_template


equal(judged(), (True, False))
file = scan.reload().get_file("a.nii.gz")
file.replace_classification({"Intent": ["Structural"]}, modality="MR")
equal(judged(), (True, True))
scan.update(label="bold")
equal(judged(), (True, False))
equal(fw.recalc_project(study.id).sessions_changed, [])
fw.remove_project_template(study.id)
equal(judged()[0], False)
