"""Fails for a public method of the official client that no program called; its arguments are the files that
`calls.py` wrote."""

import json
import sys
from pathlib import Path

from surface import calls

# What no program can call with success, and why.
FORGETS_THE_NAME = "it asks for the file without the name it was given; every_helper.py shows that it fails"
HAS_NO_MODEL = "it looks for a model that the client does not have; every_spelling.py shows that it fails"
EXCUSED = {
    **{
        f"{kind}.file_ref": FORGETS_THE_NAME
        for kind in ("Project", "Subject", "Session", "Acquisition", "Analysis", "Collection")
    },
    "Flywheel.replace_file_info": HAS_NO_MODEL,
    "Flywheel.modify_file_info": HAS_NO_MODEL,
    "Flywheel.perform_version_check": "it calls a method that the client does not have",
    # What a local site does not have, as docs/SITE.md says.
    "Flywheel.cleanup_info": "it is not public what it takes out of info",
    "Flywheel.get_audit_trail_report_download_url": "the storage signs no addresses of reports",
    "Flywheel.get_jupyterlab_server": "the site runs no JupyterLab servers",
    "Flywheel.modify_jupyterlab_server": "the site runs no JupyterLab servers",
    "Flywheel.sync_user": "there is no central directory of users to be in step with",
}

known = calls.helpers() | calls.operations()
called = set().union(*(json.loads(Path(path).read_text()) for path in sys.argv[1:]))
missing = sorted(known - called - EXCUSED.keys())
needless = sorted(EXCUSED.keys() & called)
unknown = sorted(EXCUSED.keys() - known)
assert not missing, f"{len(missing)} methods are called by no program:\n" + "\n".join(missing)
assert not needless, f"excused, yet called: {needless}"
assert not unknown, f"excused, yet no method of the client: {unknown}"
