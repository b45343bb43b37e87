"""A container drawn as the branch of the tree it hangs on, and a listing of groups and projects."""

from harness import acquisition, client, equal, group, project

LEVELS = ["project", "subject", "session", "acquisition", "analysis"]


def branch(fw, container):
    """Lines from the group down to the container."""
    lines = [f"group: {fw.get(container.parents.group).label}"]
    for level in LEVELS:
        id = container.parents.get(level)
        if id is not None:
            lines.append(f"{level}: {fw.get(id).label}")
    lines.append(f"{container.container_type}: {container.label}")
    return [f"{'    ' * depth}{line}" for depth, line in enumerate(lines)]


fw = client()
group(fw, "scl", "SCL")
group(fw, "hollow", "Nothing yet")
covid = project(fw, "COVID", "scl")
project(fw, "Ageing", "scl")
scout = acquisition(covid, "20201012130928035", "2020-06-01 13_00_21", "1 - Scout")

equal(
    branch(fw, scout),
    [
        "group: SCL",
        "    project: COVID",
        "        subject: 20201012130928035",
        "            session: 2020-06-01 13_00_21",
        "                acquisition: 1 - Scout",
    ],
)
session = fw.sessions.find_first()
equal(branch(fw, session)[-1].strip(), "session: 2020-06-01 13_00_21")
equal(session.parents.get("session"), None)

overview = {one.id: sorted(found.label for found in one.projects()) for one in fw.groups()}
equal(overview["scl"], ["Ageing", "COVID"])
equal(overview["hollow"], [])

# The four finders at the top, as the first page of the documentation calls them.
equal(len(fw.projects()), 2)
equal(len(fw.subjects()), 1)
equal(len(fw.sessions()), 1)
equal(len(fw.acquisitions()), 1)
equal(fw.subjects.find_first().label, "20201012130928035")
