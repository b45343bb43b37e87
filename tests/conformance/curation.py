"""A custom data set: structural T1 scans of people between 20 and 30, gathered in a collection."""

import flywheel

from harness import client, equal, labels, project, refused, same

YEAR = 365 * 24 * 60 * 60
fw = client()
study = project(fw, "Curate")
for number, age in enumerate((19, 20, 25, 30, None)):
    details = {"label": f"ses-{number}"}
    if age is not None:
        details["age"] = age * YEAR
    session = study.add_subject(label=f"sub-{number}").add_session(details)
    for label, classification in {
        "T1w": {"Intent": ["Structural"], "Measurement": ["T1"]},
        "T1w_SBRef": {"Intent": ["Structural"], "Measurement": ["T1"]},
        "bold": {"Intent": ["Functional"], "Measurement": ["T2*"]},
    }.items():
        scan = session.add_acquisition(label=label)
        scan.upload_file(flywheel.FileSpec(f"{label}.nii.gz", b"\x1f\x8b"))
        scan.replace_file_classification(f"{label}.nii.gz", classification, modality="MR")

matching = []
sessions = fw.sessions.find(f"age>={20 * YEAR},age<{30 * YEAR}")
same(labels(sessions), ["ses-1", "ses-2"])
for session in sessions:
    scans = session.acquisitions.find("label=~^((?!SBRef).)*$")
    same(labels(scans), ["T1w", "bold"])
    for scan in scans:
        scan = scan.reload()
        for file in scan.files:
            if file.classification.get("Intent") == ["Structural"] and file.classification.get("Measurement") == ["T1"]:
                matching.append(scan)
equal(labels(matching), ["T1w", "T1w"])

# The collection they go to.
collection_id = fw.add_collection({"label": "SiteWide_structural_decade_20_finder"})
collection = fw.get_collection(collection_id)
equal(collection.label, "SiteWide_structural_decade_20_finder")
for scan in matching:
    collection.add_acquisitions(scan)
same([scan.id for scan in collection.acquisitions()], [scan.id for scan in matching])
same(labels(collection.sessions()), ["ses-1", "ses-2"])

# Whole sessions expand to the acquisitions they have now.
collection.add_sessions(sessions[0].id)
equal(len(collection.acquisitions()), 4)
sessions[0].add_acquisition(label="later")
equal(len(collection.acquisitions()), 4)
fw.modify_collection(
    collection.id,
    {"contents": {"operation": "remove", "nodes": [{"level": "session", "_id": sessions[0].id}]}},
)
same([scan.parents.session for scan in collection.acquisitions()], [sessions[1].id])

# It is a container of its own.
collection.update(label="Decade 20", description="found by age")
collection.update_info(found="finder")
collection.add_tag("curated")
collection.add_note("made by a program")
collection = collection.reload()
equal((collection.label, collection.description), ("Decade 20", "found by age"))
equal(collection.info, {"found": "finder"})
equal(collection.tags, ["curated"])
equal(collection.curator, fw.get_current_user().id)
same(labels(fw.collections.find("label=Decade 20")), ["Decade 20"])
fw.delete_collection(collection.id)
with refused(404):
    fw.get_collection(collection.id)
equal(fw.get_acquisition(matching[0].id).label, "T1w", "what was collected stays")
