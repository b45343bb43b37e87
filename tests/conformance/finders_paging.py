"""More rows than fit a page: iterating, limits, pages and cursors over 1,200 subjects."""

from concurrent.futures import ThreadPoolExecutor

from harness import client, equal, project, refused

COUNT = 1200
fw = client()
study = project(fw, "Many")
project(fw, "Few").add_subject(label="stranger")
expected = [f"s{number:04}" for number in range(COUNT)]


def add(label):
    return fw.add_subject({"label": label, "project": study.id, "info": {"even": int(label[1:]) % 2 == 0}})


with ThreadPoolExecutor(8) as pool:
    ids = list(pool.map(add, expected))
equal(len(set(ids)), COUNT)

# Everything, in the order of ids, once each.
walked = list(study.subjects.iter())
equal(len(walked), COUNT)
equal([one.id for one in walked], sorted(ids))
equal(len(list(study.subjects.iter(limit=500))), COUNT)
equal(len(study.subjects.find()), COUNT)
equal(len(study.subjects()), COUNT)
equal(len(list(study.subjects.iter_find("info.even=true"))), COUNT // 2)
equal(len(fw.subjects.find(f"parents.project={study.id}")), COUNT)

# Sorted walks go page by page.
equal([one.label for one in study.subjects.iter_find(sort="label:asc")], expected)
equal([one.label for one in study.subjects.find(sort="label:desc")], expected[::-1])

# One page.
equal([one.label for one in study.subjects.find(sort="label", limit=3)], expected[:3])
equal([one.label for one in study.subjects(sort="label", limit=10, page=2)], expected[10:20])
equal([one.label for one in study.subjects(sort="label", limit=10, page=1)], expected[:10])
equal([one.label for one in study.subjects(sort="label", limit=10, skip=5)], expected[5:15])
equal([one.label for one in study.subjects(sort="label", limit=500, page=3)], expected[1000:])
equal(study.subjects(sort="label", limit=500, page=4), [])
equal([one.id for one in study.subjects(limit=5)], sorted(ids)[:5])
equal([one.id for one in study.subjects(limit=5, after_id=sorted(ids)[9])], sorted(ids)[10:15])
equal(study.subjects(limit=5, after_id=sorted(ids)[-1]), [])

# What does not go together.
for wrong in (
    {"after_id": ids[0], "sort": "label"},
    {"after_id": ids[0], "page": 2, "limit": 5},
    {"after_id": ids[0], "skip": 2},
    {"page": 2},
    {"page": 2, "limit": 5, "skip": 3},
    {"limit": -1},
    {"limit": "many"},
):
    with refused(422):
        study.subjects(**wrong)
