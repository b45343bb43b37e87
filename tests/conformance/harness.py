"""What every conformance program shares: keys of the site's users and small assertions.

A program gets the site from the environment variable FLYWHEEL_CONFORMANCE_SITE, a JSON object
`{"url": ..., "keys": {name: API key}, "emails": {name: user id}, "drone_secret": ...}`, and fails by an
exception.
"""

import atexit
import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import flywheel

if "FLYWHEEL_CONFORMANCE_CALLS" in os.environ and flywheel.flywheel.SDK_VERSION.startswith("23."):
    from surface import calls

    calls.watch(os.environ["FLYWHEEL_CONFORMANCE_CALLS"])

SITE = json.loads(os.environ["FLYWHEEL_CONFORMANCE_SITE"])
SCRATCH = Path(tempfile.mkdtemp(prefix="conformance-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)


def client(name="admin", **options):
    """The official client, logged in as one of the site's users."""
    return flywheel.Client(SITE["keys"][name], **options)


def email(name):
    """The user id behind a name."""
    return SITE["emails"][name]


def equal(got, expected, about=""):
    """Fails unless both are equal, and shows them."""
    assert got == expected, f"{about or 'value'}: got {got!r}, expected {expected!r}"


def same(got, expected, about=""):
    """Fails unless both hold the same items in any order."""
    equal(sorted(got), sorted(expected), about)


def labels(rows):
    """The labels of some containers, in their order."""
    return [row.label for row in rows]


def names(files):
    """The names of some files, in their order."""
    return [file.name for file in files]


class Refusal:
    """Holds the exception that `refused` caught."""

    error = None


@contextlib.contextmanager
def refused(*statuses):
    """Fails unless the block ends in an ApiException with one of the given statuses."""
    refusal = Refusal()
    try:
        yield refusal
    except flywheel.ApiException as error:
        assert error.status in statuses, f"expected one of {statuses}, got {error}\n{error.body}"
        assert isinstance(error.reason, str) and error.reason, f"no message in {error.body!r}"
        refusal.error = error
    else:
        raise AssertionError(f"expected a refusal with one of {statuses}, but it succeeded")


def group(fw, id="lab", label="Lab"):
    """Creates a group and returns it."""
    return fw.get_group(fw.add_group({"_id": id, "label": label}))


def project(fw, label="Study", group_id="lab"):
    """Creates a project in a group, which is created when there is none, and returns it."""
    if fw.groups.find_first(f'_id="{group_id}"') is None:
        group(fw, group_id)
    return fw.get_group(group_id).add_project(label=label)


def acquisition(parent_project, subject="sub-01", session="ses-01", label="T1w"):
    """Creates a subject, a session and an acquisition below a project; returns the acquisition."""
    return (
        parent_project.add_subject(label=subject)
        .add_session(label=session)
        .add_acquisition(label=label)
    )


def gear(fw, name, category="utility", description="", config=None, inputs=None):
    """Adds a gear that has no image and returns its id."""
    manifest = {
        "name": name,
        "label": name,
        "description": description,
        "version": "1.0.0",
        "author": "Somebody",
        "license": "MIT",
        "url": "",
        "source": "",
        "config": config or {},
        "inputs": inputs or {},
    }
    exchange = {"git-commit": "", "rootfs-hash": "", "rootfs-url": ""}
    return fw.add_gear(name, {"category": category, "gear": manifest, "exchange": exchange})


def scratch(name, content=b""):
    """Writes a file into the program's own temporary folder and returns its path as text."""
    path = SCRATCH / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def role_id(fw, level):
    """The id of the built-in role `admin`, `rw` or `ro`."""
    return next(role.id for role in fw.get_all_roles() if role.default_flywheel_role == level)


def grant(fw, container, name, level):
    """Gives a user a built-in role on a project."""
    container.add_permission(
        flywheel.RolePermission(id=email(name), role_ids=[role_id(fw, level)])
    )
