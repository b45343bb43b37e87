"""What schemathesis is told about the site: ids that exist, instead of most of the generated ones."""

import json
import os
import random
import re
from pathlib import Path

import schemathesis

KNOWN = json.loads(Path(os.environ["FUZZ_KNOWN"]).read_text())
KNOWN["tags"] = ["kept"]
KNOWN["files"] = ["a.csv"]
CONTAINERS = ["projects", "subjects", "sessions", "acquisitions", "analyses", "collections", "groups"]
RANDOM = random.Random(os.environ["FUZZ_SEED"])
# Fields of bodies that hold ids, by the kind that they name.
FIELDS = {
    "group": "groups", "project": "projects", "project_id": "projects", "subject": "subjects", "session": "sessions",
    "acquisition": "acquisitions", "collection": "collections", "file_id": "files_by_id", "file_ids": "files_by_id",
    "user": "users", "user_id": "users", "role_ids": "roles", "modality": "modalities", "name": "files",
    "project_ids": "projects", "subject_ids": "subjects", "session_ids": "sessions",
}  # fmt: skip


def pick(kind, method):
    """An id of a kind; what is deleted or changed at the root is one of the later ones, which nobody else needs."""
    ids = KNOWN[RANDOM.choice(CONTAINERS) if kind == "containers" else kind]
    half = len(ids) // 2
    return RANDOM.choice(ids[half:] if method == "DELETE" else ids[: half or 1])


def likely():
    return RANDOM.random() < 0.85


def known_path(case):
    """Real ids in the path: the literal before a parameter says what it is."""
    segments = case.operation.path.strip("/").split("/")
    for before, segment in zip(segments, segments[1:]):
        for name in re.findall(r"\{(\w+)\}", segment):
            kind = "files_by_id" if before == "files" and segments[0] == "files" else before
            kind = {"permissions": "users", "templates": "users"}.get(kind, kind)
            if name in case.path_parameters and (kind in KNOWN or kind == "containers") and likely():
                case.path_parameters[name] = pick(kind, case.method)


def known_body(body, method):
    """Real ids in the body."""
    if isinstance(body, list):
        return [known_body(item, method) for item in body]
    if not isinstance(body, dict):
        return body
    changed = {}
    for key, value in body.items():
        if key in FIELDS and isinstance(value, str) and likely():
            changed[key] = pick(FIELDS[key], method)
        elif key in FIELDS and isinstance(value, list) and all(isinstance(item, str) for item in value) and likely():
            changed[key] = [pick(FIELDS[key], method) for _ in value]
        elif key in ("_id", "id") and isinstance(value, str) and likely():
            changed[key] = pick(RANDOM.choice(list(KNOWN)), method)
        else:
            changed[key] = known_body(value, method)
    return changed


@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.path_parameters, dict):
        known_path(case)
    case.body = known_body(case.body, case.method)


@schemathesis.check
def no_server_error(ctx, response, case):
    """What is not served answers 501 with its name; any other status from 500 on is a fault."""
    assert response.status_code < 500 or response.status_code == 501, f"{response.status_code}: {response.text}"
