"""The command line tool: a template says what the parts of a path are."""

from cli_harness import ingest, login, stored, tree
from harness import SCRATCH, equal, group

TEMPLATE = r"""
- pattern: "(?P<project>\\d+)"
- pattern: "(?P<subject>\\w+)-(?P<session>\\d+)"
  scan:
    name: filename
    pattern: "(?P<acquisition>scan\\d).dat"
"""

client = login()
group(client)
template = SCRATCH / "template.yml"
template.write_text(TEMPLATE)
scans = {f"2020/anna-1/scan{number}.dat": bytes([number]) * 4000 for number in (1, 2)}
scans |= {"2020/bert-7/scan1.dat": b"seven"}
source = tree(SCRATCH / "source", scans)
expected = {
    "anna/1/scan1/scan1.dat": bytes([1]) * 4000,
    "anna/1/scan2/scan2.dat": bytes([2]) * 4000,
    "bert/7/scan1/scan1.dat": b"seven",
}
ingest("template", "-g", "lab", template, source)
equal(stored(client.lookup("lab/2020")), expected)

# The project is named on the command line instead.
ingest("template", "-g", "lab", "--project-override", "All", template, source)
equal(stored(client.lookup("lab/All")), expected)
