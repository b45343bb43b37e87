"""Queries of the tree and its graph by the official client."""

from harness import client, equal, project, refused, scratch

fw = client()
study = project(fw, "Tree")
subject = study.add_subject(label="sub-01")
session = subject.add_session(label="ses-01")
scan = session.add_acquisition(label="t1")
session.add_acquisition(label="bold")
scan.upload_file(scratch("a.txt", "x"))

# The graph names every connection of every level.
graph = fw.get_tree_graph()
assert "projects" in graph, graph

# Several levels in one call, of each the fields that are asked for.
found = fw.fetch_tree(
    {
        "projects": {
            "fields": ["label"],
            "filter": f"_id={study.id}",
            "group": {"fields": ["label"]},
            "sessions": {
                "fields": ["label"],
                "subject": {"fields": ["label"]},
                "acquisitions": {
                    "fields": ["label"],
                    "filter": "label=~^t",
                    "files": {"fields": ["name", "size"]},
                },
            },
        }
    }
)
equal(len(found), 1)
equal((found[0]["_id"], found[0]["label"], found[0]["group"]["_id"]), (study.id, "Tree", "lab"))
one = found[0]["sessions"][0]
equal((one["label"], one["subject"]["label"]), ("ses-01", "sub-01"))
equal([row["label"] for row in one["acquisitions"]], ["t1"])
equal([(file["name"], file["size"]) for file in one["acquisitions"][0]["files"]], [("a.txt", 1)])

# Refusals.
with refused(422):
    fw.fetch_tree({"projects": {"fields": ["label"], "galaxies": {"fields": []}}})
