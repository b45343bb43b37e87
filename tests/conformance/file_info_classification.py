"""Info and classification of files, by name and by id."""

import flywheel

from harness import acquisition, client, equal, project, refused

fw = client()
scan = acquisition(project(fw, "Classify"))
scan.upload_file(flywheel.FileSpec("file.txt", "words"))


def file():
    return scan.reload().get_file("file.txt")


# Info.
scan.replace_file_info("file.txt", {"wordCount": 327})
equal(file().info, {"wordCount": 327})
scan.update_file_info("file.txt", {"language": "en", "deep": {"a": 1, "b": 2}})
equal(file().info, {"wordCount": 327, "language": "en", "deep": {"a": 1, "b": 2}})
scan.update_file_info("file.txt", {"deep": {"c": 3}})
equal(file().info["deep"], {"c": 3}, "a top-level key is replaced whole")
scan.delete_file_info("file.txt", "language", "not there")
equal(file().info, {"wordCount": 327, "deep": {"c": 3}})
file().update_info(pages=2)
file().delete_info("deep")
equal(file().info, {"wordCount": 327, "pages": 2})
file().replace_info({"only": [1, None, {"x": "y"}]})
equal(file().info, {"only": [1, None, {"x": "y"}]})
equal(scan.reload().get_file("file.txt").file_id, file().file_id)
equal(fw.get_acquisition_file_info(scan.id, "file.txt").info, file().info)
listed = fw.get_session(scan.parents.session).acquisitions.find_first()
equal(listed.files[0].info_exists, True)
equal(listed.files[0].info or {}, {})

# Info by id.
file_id = file().file_id
equal(fw.get_file_info(file_id), {"only": [1, None, {"x": "y"}]})

# Classification: the modality first, values in any case, kept in the list's spelling.
scan.replace_file_classification("file.txt", {"Intent": ["structural"], "Measurement": ["T2"]}, modality="MR")
equal(file().modality, "MR")
equal(file().classification, {"Intent": ["Structural"], "Measurement": ["T2"]})
scan.update_file_classification("file.txt", {"Custom": ["value1", "value2"]})
equal(file().classification["Custom"], ["value1", "value2"])
equal(file().classification["Intent"], ["Structural"])
scan.update_file_classification("file.txt", {"Intent": ["Functional"], "Custom": ["value1"]})
equal(sorted(file().classification["Intent"]), ["Functional", "Structural"])
equal(file().classification["Custom"], ["value1", "value2"], "no value twice")
scan.delete_file_classification("file.txt", {"Custom": ["value1"]})
equal(file().classification["Custom"], ["value2"])
with refused(422) as refusal:
    scan.update_file_classification("file.txt", {"Intent": ["Nonsense"]})
assert "Intent:Nonsense" in refusal.error.body, refusal.error.body
with refused(422):
    scan.update_file_classification("file.txt", {"Colour": ["Red"]})
with refused(400, 422):
    fw.modify_acquisition_file_classification(
        scan.id, "file.txt", {"replace": {"Intent": []}, "add": {"Intent": ["Shim"]}}
    )
file().update_classification({"Features": ["MPRAGE"]})
equal(file().classification["Features"], ["MPRAGE"])
fw.modify_file_classification(file_id, {"add": {"Features": ["3D"]}})
equal(sorted(file().classification["Features"]), ["3D", "MPRAGE"])

# Another modality keeps only what is custom.
scan.update_file("file.txt", modality="CT")
equal(file().classification.get("Custom"), ["value2"])
equal([aspect for aspect, values in file().classification.items() if values], ["Custom"])

# Without a modality only Custom is known.
scan.upload_file(flywheel.FileSpec("bare.txt", "x"))
with refused(422):
    scan.update_file_classification("bare.txt", {"Intent": ["Structural"]})
scan.update_file_classification("bare.txt", {"Custom": ["mine"]})
equal(scan.reload().get_file("bare.txt").classification, {"Custom": ["mine"]})
