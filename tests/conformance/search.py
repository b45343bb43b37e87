"""Search with the official client: queries, return types, permissions, suggestions, saved searches."""

import flywheel

from harness import client, email, equal, grant, names, project, refused, same

fw = client()
study = project(fw, "Study")
other = project(fw, "Other")
twenty, thirty = 20 * 365 * 24 * 60 * 60, 30 * 365 * 24 * 60 * 60

for code, age in (("sub-01", 25), ("sub-02", 45)):
    session = study.add_subject(label=code).add_session(label="ses-01", age=age * 365 * 24 * 60 * 60)
    for label, measurement, intent in (("T1w", "T1", "Structural"), ("bold_SBRef", "T2*", "Functional")):
        scan = session.add_acquisition(label=label)
        name = f"{code}_{label}.nii.gz"
        scan.upload_file(flywheel.FileSpec(name, b"nifti"))
        scan.update_file(name, modality="MR", type="nifti")
        scan.replace_file_classification(name, {"Measurement": [measurement], "Intent": [intent]})
        scan.update_file_info(name, {"qc": {"snr": age / 2, "outcome": "PASS"}})
        scan.upload_file(flywheel.FileSpec(f"{code}_{label}.json", b"{}"))
other.add_subject(label="sub-01")


def search(query, return_type="file", fw=fw, **more):
    return fw.search({"structured_query": query, "return_type": return_type, **more}, size=10000)


def found(query, **more):
    return sorted(result.file.name for result in search(query, **more))


# The documented way to curate: who, what and what not.
query = (
    f"session.age >= {twenty} AND session.age < {thirty} AND "
    "file.classification.Measurement = T1 AND "
    "file.classification.Intent = Structural AND "
    "NOT acquisition.label CONTAINS .*SBRef.*"
)
[match] = search(query, "acquisition")
equal(match.return_type, "acquisition")
equal(match.acquisition.label, "T1w")
equal((match.group.id, match.project.label, match.subject.code), ("lab", "Study", "sub-01"))
equal(fw.get(match.acquisition.id).label, "T1w")
equal(len(search("file.classification.Measurement IN [T2*, BOLD]", "acquisition", all_data=True)), 2)

# What a file's result carries is enough to get the file.
[match] = search("file.name = sub-01_T1w.nii.gz")
equal((match.file.type, match.file.size, match.file.classification["Intent"]), ("nifti", 5, ["Structural"]))
equal((match.parent.id, match.session.label), (match.acquisition.id, "ses-01"))
equal(fw.get(match.parent.id).read_file(match.file.name), b"nifti")
equal(match.permissions[0].id, email("admin"))

# Every operator, and every return type.
equal(found("file.info.qc.snr > 20 AND file.type == nifti"), ["sub-02_T1w.nii.gz", "sub-02_bold_SBRef.nii.gz"])
equal(found("file.name LIKE sub-01%.json"), ["sub-01_T1w.json", "sub-01_bold_SBRef.json"])
equal(found('file.name =~ "sub-0[12]_T1w[.]json"'), ["sub-01_T1w.json", "sub-02_T1w.json"])
equal(found("file.name !~ .*nii.gz AND subject.code <> sub-02"), ["sub-01_T1w.json", "sub-01_bold_SBRef.json"])
equal(len(found("file.modality EXISTS")), 4)
equal(len(found("not file.modality exists")), 4)
equal(len(found('project.label = "Study" and (subject.label = sub-01 or subject.label = sub-02)')), 8)
equal(len(found("file.created >= 2020-01-01")), 8)
equal([len(search("file.info.qc.outcome = PASS", kind)) for kind in ("project", "subject", "session", "acquisition", "analysis")], [1, 2, 2, 4, 0])
same([result.project.label for result in search("subject.label = sub-01", "project")], ["Study", "Other"])
equal(len(fw.search({"return_type": "file", "search_string": "SBREF"})), 4)
equal(len(fw.search({"return_type": "file", "filters": [{"terms": {"file.modality": ["MR"]}}]})), 4)
equal(len(fw.search({"return_type": "file"}, size=3)), 3)
ordered = fw.search({"return_type": "file", "sort": {"field": "file.name", "order": "desc"}, "size": 1})
equal(ordered[0].file.name, "sub-02_bold_SBRef.nii.gz")

# Immediately after a write.
scan = fw.get(match.parent.id)
scan.get_file(match.file.name).update_info({"checked": True})
equal(found("file.info.checked = true"), [match.file.name])

# What is refused.
with refused(422) as refusal:
    search("file.type is nifti")
assert "1:11 - Unknown operator: 'is'" in refusal.error.reason, refusal.error.reason
with refused(422):
    search("file.type = nifti", "collection")
with refused(400):
    fw.search({"return_type": "file"}, size=10001)

# Everybody finds what they may see, and administrators everything when they ask for it.
eve, root = client("eve"), client("root")
equal(search("file.name EXISTS", fw=eve), [])
with refused(403):
    search("file.name EXISTS", fw=eve, all_data=True)
equal(len(search("file.name EXISTS", fw=root, all_data=True)), 8)
grant(fw, study, "eve", "ro")
equal(len(search("file.name EXISTS", fw=eve)), 8)
equal([result.project.label for result in search("subject.label = sub-01", "project", fw=eve)], ["Study"])

# Parsing and suggestions.
equal(fw.parse_search_query({"structured_query": "file.type = nifti"}).valid, True)
parsed = fw.parse_search_query({"structured_query": "file.type is nifti"})
[error] = parsed.errors
equal((parsed.valid, error.line, error.pos, error.offset, error.message), (False, 1, 11, 10, "Unknown operator: 'is'"))
suggested = fw.get_search_query_suggestions({"structured_query": "file.classification.Mea"})
equal((suggested._from, suggested.suggestions[0].value), (0, "file.classification.Measurement"))
suggested = fw.get_search_query_suggestions({"structured_query": "subject.code = sub-0"})
equal([one.display for one in suggested.suggestions], ["sub-01", "sub-02"])
equal(fw.get_search_status().status, "up-to-date")
assert "snr" in fw.dataexplorer_api.get_mapped_fields(path="file.info.qc")

# Saved searches.
kept = fw.save_search(
    {
        "label": "T1s",
        "search": {"return_type": "file", "structured_query": "file.classification.Measurement = T1"},
        "parent": {"type": "project", "id": study.id},
    }
)
saved = fw.get_saved_search(kept)
equal((saved.label, saved.parent.type, saved.parent.id), ("T1s", "project", study.id))
equal(len(fw.search(saved.search)), 2)
fw.replace_search(kept, {"label": "All T1s"})
equal([one.label for one in fw.get_all_saved_searches()], ["All T1s"])
equal([one.label for one in eve.get_all_saved_searches()], ["All T1s"])
with refused(403):
    eve.delete_save_search(kept)
fw.delete_save_search(kept)
with refused(404):
    fw.get_saved_search(kept)

# Deleting what is found.
doomed = {"return_type": "file", "structured_query": "file.name LIKE %.json"}
with refused(403):
    eve.dataexplorer_api.delete_by_search(doomed)
equal(fw.dataexplorer_api.delete_by_search(doomed).deleted, 4)
equal(len(found("file.name EXISTS")), 4)
same(names(fw.get(scan.id).files), [match.file.name])
