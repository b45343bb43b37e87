"""Fails for a public method of the official client that no program called; its arguments are the files that
`calls.py` wrote."""

import json
import sys
from pathlib import Path

from surface import calls

# What no program can call with success, and why.
FORGETS_THE_NAME = "it asks for the file without the name it was given; every_helper.py shows that it fails"
EXCUSED = {
    f"{kind}.file_ref": FORGETS_THE_NAME
    for kind in ("Project", "Subject", "Session", "Acquisition", "Analysis", "Collection")
}

called = set().union(*(json.loads(Path(path).read_text()) for path in sys.argv[1:]))
missing = sorted(calls.helpers() - called - EXCUSED.keys())
needless = sorted(EXCUSED.keys() & called)
unknown = sorted(EXCUSED.keys() - calls.helpers())
assert not missing, f"{len(missing)} methods are called by no program:\n" + "\n".join(missing)
assert not needless, f"excused, yet called: {needless}"
assert not unknown, f"excused, yet no method of the client: {unknown}"
