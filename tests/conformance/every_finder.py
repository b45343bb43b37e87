"""Every finder of the client and of its containers, in every form: called, for all, for one, for the first, walked."""

import flywheel

from harness import acquisition, client, email, equal, gear, project, refused, same

fw = client()
study = project(fw, "Finders")
project(fw, "Other")
GEARS = ("count", "measure")
for name in GEARS:
    gear(fw, name)

scans = [acquisition(study, f"sub-0{n}", f"ses-0{n}", f"scan-{n}") for n in (1, 2)]
session = fw.get_session(scans[0].parents.session)
subject = fw.get_subject(scans[0].parents.subject)
same_session = session.add_acquisition(label="scan-3")
same_subject = subject.add_session(label="ses-03")
collection = fw.get_collection(fw.add_collection({"label": "first"}))
fw.add_collection({"label": "second"})
collection.add_sessions(session, fw.get_session(scans[1].parents.session))
for number in (1, 2):
    scans[0].upload_file(flywheel.FileSpec(f"{number}.txt", "words"))
    fw.lookup(f"gears/{GEARS[0]}").run(destination=scans[0], tags=[f"run-{number}"])
for name in ("ages", "names"):
    fw.read_view_data(fw.add_view(study.id, fw.View(label=name, columns=["subject.label"])), study.id).close()
for one in fw.projects():
    sharing = {"share_level": "high_level", "summary": one.label}
    fw.modify_project_settings(one.id, {"sharing": sharing})


def try_finder(finder, key, values, filter, about):
    """Every form of a finder whose rows have these values; the filter leaves the first of them."""
    first = values[0]

    def of(rows):
        # Files and analyses are answered in pages, whoever asks.
        return [key(row) for row in getattr(rows, "results", rows)]

    same(of(finder()), values, about)
    same(of(finder.find()), values, about)
    equal(of(finder.find(filter)), [first], about)
    equal(of(finder.find(filter, limit=5)), [first], about)
    equal(len(finder.find(limit=1)), 1, about)
    equal(key(finder.find_one(filter)), first, about)
    equal(key(finder.find_first(filter)), first, about)
    equal(finder.find_first(filter, "created<2000-01-01"), None, about)
    same(of(finder.iter(limit=1)), values, about)
    equal(of(finder.iter_find(filter)), [first], about)
    same(of(finder.iter_find(sort="created:desc", limit=1)), values, about)
    for wrong in (lambda: finder.find_one("created<2000-01-01"), lambda: finder.find_one()):
        try:
            wrong()
        except ValueError as error:
            assert "esults" in str(error), error
        else:
            raise AssertionError(f"{about}: find_one takes none or several")
    with refused(400, 422):
        finder.find("label")


def label(row):
    return row.label


# Everyone on the site, and what all of it holds.
people = sorted(user.id for user in fw.get_all_users())
people.remove(email("ann"))
try_finder(fw.users, lambda user: user.id, [email("ann"), *people], f"_id={email('ann')}", "users")
fw.add_group({"_id": "another", "label": "Another"})
try_finder(fw.groups, label, ["Lab", "Another"], "_id=lab", "groups")
try_finder(fw.projects, label, ["Finders", "Other"], "label=Finders", "projects")
try_finder(fw.subjects, label, ["sub-01", "sub-02"], "label=sub-01", "subjects")
try_finder(fw.sessions, label, ["ses-01", "ses-02", "ses-03"], "label=ses-01", "sessions")
try_finder(fw.acquisitions, label, ["scan-1", "scan-2", "scan-3"], "label=scan-1", "acquisitions")
try_finder(fw.collections, label, ["first", "second"], "label=first", "collections")
try_finder(fw.files, lambda file: file.name, ["1.txt", "2.txt"], "name=1.txt", "files")
try_finder(fw.gears, lambda gear: gear.gear.name, list(GEARS), "gear.name=count", "gears")
try_finder(fw.jobs, lambda job: next(tag for tag in job.tags if tag != "count"), ["run-1", "run-2"], "tags=run-1", "jobs")
try_finder(
    fw.data_view_executions,
    lambda execution: execution.data_view_label,
    ["ages", "names"],
    "data_view_label=ages",
    "executions",
)

try_finder(fw.catalog_list, label, ["Finders", "Other"], "label=Finders", "the catalogue")

# Below a container.
lab = fw.get_group("lab")
try_finder(lab.projects, label, ["Finders", "Other"], "label=Finders", "projects of a group")
try_finder(study.subjects, label, ["sub-01", "sub-02"], "label=sub-01", "subjects of a project")
try_finder(study.sessions, label, ["ses-01", "ses-02", "ses-03"], "label=ses-01", "sessions of a project")
try_finder(subject.sessions, label, ["ses-01", "ses-03"], "label=ses-01", "sessions of a subject")
try_finder(session.acquisitions, label, ["scan-1", "scan-3"], "label=scan-1", "acquisitions of a session")
try_finder(collection.sessions, label, ["ses-01", "ses-02"], "label=ses-01", "sessions of a collection")
try_finder(
    collection.acquisitions,
    label,
    ["scan-1", "scan-2", "scan-3"],
    "label=scan-1",
    "acquisitions of a collection",
)

# Analyses are a finder where the document has no field of that name: on what a search finds.
for container in (study, subject, session, scans[0]):
    for name in ("one", "two"):
        container.add_analysis(label=f"{name} of a {container.container_type}")
labels = [f"{name} of a {kind}" for kind in ("project", "subject", "session", "acquisition") for name in ("one", "two")]
try_finder(fw.analyses, label, labels, "label=one of a project", "analyses")
[hit] = fw.search({"structured_query": "acquisition.label = scan-1", "return_type": "acquisition"})
for container in (hit.project, hit.subject, hit.session, hit.acquisition):
    kind = container.container_type
    try_finder(container.analyses, label, [f"{name} of a {kind}" for name in ("one", "two")], f"label=one of a {kind}", kind)
