"""schemathesis: every operation of the description with generated input, on a site that is not empty.

Arguments: the number of examples for each operation, and a seed; without them two examples that are always the same.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

SITE = json.loads(os.environ["FLYWHEEL_CONFORMANCE_SITE"])
SECRET = SITE["keys"]["admin"].rsplit(":", 1)[-1]
HERE = Path(__file__).resolve().parent
DESCRIPTION = HERE.parents[2] / "openapi" / "flywheel.json"
STUDIES = 12


def call(method, path, body=None, content_type="application/json"):
    """One request as the administrator; the answer's document."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": content_type}
    request = urllib.request.Request(f"{SITE['url']}/api{path}", data, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def upload(path, name, content):
    """A file in a container."""
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + content + b"\r\n--b--\r\n"
    return call("POST", f"{path}/files", body, "multipart/form-data; boundary=b")


def furnish():
    """Makes something of every kind; returns the ids by the plural that stands before them in paths."""
    ids = {}

    def made(kind, document):
        ids.setdefault(kind, []).append(document["_id"])
        return document["_id"]

    for number in range(STUDIES):
        group = made("groups", call("POST", "/groups", {"_id": f"lab{number}", "label": f"Lab {number}"}))
        project = made("projects", call("POST", "/projects", {"group": group, "label": "Study"}))
        subject = made("subjects", call("POST", "/subjects", {"project": project, "label": "sub-01", "sex": "female"}))
        session = {"project": project, "subject": {"_id": subject}, "label": "ses-01", "age": 31557600}
        session = made("sessions", call("POST", "/sessions", session))
        scan = made("acquisitions", call("POST", "/acquisitions", {"session": session, "label": "T1w"}))
        picked = made("collections", call("POST", "/collections", {"label": f"Picked {number}"}))
        call("PUT", f"/collections/{picked}", {"contents": {"operation": "add", "nodes": [{"level": "session", "_id": session}]}})
        for path in (f"/projects/{project}", f"/subjects/{subject}", f"/sessions/{session}", f"/acquisitions/{scan}"):
            [entry] = upload(path, "a.csv", b"x,y\n1,2\n")
            ids.setdefault("files_by_id", []).append(entry["file_id"])
            made("notes", call("POST", f"{path}/notes", {"text": "kept"}))
            call("POST", f"{path}/tags", {"value": "kept"})
            call("POST", f"{path}/info", {"set": {"a": {"b": [1, None]}}})
            made("analyses", call("POST", f"{path}/analyses", {"label": "Counting"}))
        view = {"label": "who", "columns": [{"src": "subject.label"}]}
        made("views", call("POST", f"/containers/{project}/views", view))
        made("users", call("POST", "/users", {"_id": f"u{number}@example.org", "firstname": "U", "lastname": "X"}))
        made("devices", call("POST", "/devices", {"label": f"scanner {number}", "type": "scanner"}))
        made("modalities", call("POST", "/modalities", {"_id": f"M{number}", "classification": {"Intent": ["A"]}}))
        made("roles", call("POST", "/roles", {"label": f"Role {number}", "actions": ["containers_view_metadata"]}))
    return ids


known = Path(os.environ.get("TMPDIR", "/tmp")) / "known.json"
known.write_text(json.dumps(furnish()))
examples, *seeds = sys.argv[1:] or ["2"]
command = [sys.executable, "-m", "schemathesis.cli", "run", str(DESCRIPTION), "--url", f"{SITE['url']}/api"]
command += ["--header", f"Authorization: Bearer {SECRET}", "--checks", "no_server_error", "--phases", "fuzzing"]
command += ["--max-examples", examples, "--no-shrink", "--continue-on-failure", "--warnings", "off", "--no-color"]
command += ["--seed", *seeds, "--generation-database", "none"] if seeds else ["--generation-deterministic"]
environment = os.environ | {"SCHEMATHESIS_HOOKS": "known_ids", "PYTHONPATH": str(HERE), "FUZZ_KNOWN": str(known)}
environment["FUZZ_SEED"] = "".join(seeds)
raise SystemExit(subprocess.run(command, env=environment, cwd=known.parent).returncode)
