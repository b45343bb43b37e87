"""Looking things up, filtering, searching, walking and printing the tree."""

from tasks import labels, refusal, run, task


@task
def look_up(at):
    project = at.fw.lookup(at.path())
    session = at.fw.lookup(at.path("sub-01", "ses-02"))
    file = at.fw.lookup(at.path("sub-01", "ses-01", "T1w", "files", "t1.nii.gz"))
    by_id = at.fw.lookup(f"{at.group}/<id:{project.id}>/sub-02")
    return [project.label, session.label, session.age_years, file.name, file.size, by_id.label, at.fw.get(session.id).label]


@task
def resolve_a_path(at):
    result = at.fw.resolve(at.path("sub-01"))
    return {"path": labels(result.path), "children": sorted(labels(result.children))}


@task
def filter_with_every_operator(at):
    found = {}
    for text in (
        "label=sub-02",
        "label!=sub-02",
        "label<sub-02",
        "label<=sub-02",
        "label>sub-02",
        "label>=sub-02",
        "label=~^sub-0[13]$",
        "info.score>2",
        "info.cohort=a,sex=female",
        'label="sub-03"',
        "tags=tag-1",
        "created>2018-10-31",
        "created<2018-10-31",
        "lastname=null",
        f"_id={at.study.subjects.find_first('label=sub-01').id}",
    ):
        found["" if text.startswith("_id") else text] = labels(at.study.subjects.find(text, sort="label"))
    found["several"] = labels(at.study.subjects.find("info.cohort=a", "info.score<2"))
    found["sorted"] = labels(at.study.subjects.find(sort="label:desc", limit=2))
    return found


@task
def find_one_or_none(at):
    def complaint(*filters):
        try:
            at.study.subjects.find_one(*filters)
        except ValueError:
            return "not one"

    return {
        "one": at.study.subjects.find_one("label=sub-02").label,
        "none": complaint("label=nobody"),
        "several": complaint("info.cohort=a"),
        "first": at.study.subjects.find_first("sex=other").label,
        "first of none": at.study.subjects.find_first("label=nobody"),
    }


@task
def walk_all(at):
    session = at.study.add_subject(label="many").add_session(label="many")
    for number in range(25):
        session.add_acquisition(label=f"scan-{number:02}")
    walked = labels(session.acquisitions.iter(limit=10))
    found = labels(session.acquisitions.iter_find("label=~^scan-1", limit=3))
    return {"walked": sorted(walked), "found": sorted(found), "number": len(session.acquisitions())}


@task
def find_by_age_and_sex(at):
    over_forty = [one.label for one in at.study.sessions.iter_find("age>1262304000") if one.age_years > 40]
    women = at.study.subjects.find("sex=female")
    men_in_a = at.study.subjects.find("sex=male,info.cohort=a")
    return [len(over_forty), labels(women), labels(men_in_a), len(at.study.subjects())]


@task
def search_files(at):
    query = f'project._id = {at.study.id} AND file.type = nifti AND session.age >= {35 * 31557600}'
    hits = at.fw.search({"structured_query": query, "return_type": "file"}, size=100)
    return sorted(
        [hit.file.name, hit.file.type, hit.subject.code, hit.session.label, hit.acquisition.label, hit.parent.id == hit.acquisition.id]
        for hit in hits
    )


@task
def search_every_type(at):
    at.study.subjects.find_one("label=sub-01").add_analysis(label="Searched")
    found = {}
    for kind in ("project", "subject", "session", "acquisition", "file", "analysis"):
        query = f"project._id = {at.study.id} AND subject.label = sub-01"
        hits = at.fw.search({"structured_query": query, "return_type": kind}, size=100)
        found[kind] = sorted(getattr(hit, kind).get("label") or getattr(hit, kind).get("name") or hit.subject.code for hit in hits)
    return found


@task
def tree_query(at):
    rows = at.fw.fetch_tree(
        {
            "projects": {
                "filter": f"_id={at.study.id}",
                "fields": ["label"],
                "subjects": {
                    "fields": ["label", "sex"],
                    "sort": "label:desc",
                    "sessions": {"fields": ["label", "age"], "filter": "label=ses-01"},
                },
            }
        }
    )
    return rows


@task
def print_hierarchy(at):
    lines = []
    for subject in at.study.subjects.iter_find(sort="label"):
        lines.append(subject.label)
        for session in subject.sessions.iter_find(sort="label"):
            lines.append(f"  {session.label}")
            for acquisition in session.acquisitions.iter_find(sort="label"):
                lines.append(f"    {acquisition.label}")
                lines.extend(f"      {name}" for name in sorted(file.name for file in acquisition.files))
    return lines


@task
def read_parents(at):
    acquisition = at.fw.lookup(at.path("sub-01", "ses-01", "bold"))
    above = [at.fw.get(acquisition.parents.get(kind)) for kind in ("project", "subject", "session")]
    file = acquisition.get_file("events.csv")
    return {
        "group": acquisition.parents.group,
        "above": labels(above),
        "parent of the file": at.fw.get_file(file.file_id).parent.label,
        "references": [acquisition.ref(), above[2].ref()],
    }


@task
def ask_for_what_is_missing(at):
    nowhere = "0" * 24
    nobody = at.client("eve")
    return {
        "id": refusal(lambda: at.fw.get_session(nowhere)),
        "any id": refusal(lambda: at.fw.get(nowhere)),
        "path": refusal(lambda: at.fw.lookup(at.path("nobody"))),
        "group": refusal(lambda: at.fw.lookup("nowhere")),
        "file": refusal(lambda: at.study.read_file("none.txt")),
        "forbidden": refusal(lambda: nobody.get_project(at.study.id)),
        "filter": refusal(lambda: at.fw.get_project_subjects(at.study.id, filter="label")),
    }


run()
