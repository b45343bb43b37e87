"""What the Python half of every comparison shares: where each task works, and how its result is told.

A program of this folder names its tasks with `@task` and ends with `run()`, which prints one JSON object of their
results. The environment variable FLYWHEEL_BESIDE holds `{"side", "group", "keys", "projects", "folder"}`.
"""

import json
import os
from pathlib import Path

import flywheel

GIVEN = json.loads(os.environ["FLYWHEEL_BESIDE"])
TASKS = []


class Task:
    """Where a task works: a client, a group, and a project of its own with the same data on both sides."""

    def __init__(self, name):
        self.name = name
        self.fw = self.client("admin")
        self.group = GIVEN["group"]
        self.study = self.fw.get_project(GIVEN["projects"][name])
        self.folder = Path(GIVEN["folder"])

    def client(self, user):
        """A client of another user of the site."""
        return flywheel.Client(GIVEN["keys"][user])

    def path(self, *labels):
        """The path of something in the project."""
        return "/".join([self.group, self.study.label, *labels])

    def own(self, name):
        """A name for what the whole site shares."""
        return f"{name}-{GIVEN['side']}"


def task(work):
    """Makes a function a task of this program."""
    TASKS.append(work)
    return work


def pick(one, *fields):
    """Some fields of a document."""
    return {field: one.get(field) for field in fields}


def labels(rows):
    """The labels of some containers."""
    return [row.label for row in rows]


def refusal(work):
    """How a call is refused: the status and what the site says of it, on one line."""
    try:
        work()
    except flywheel.ApiException as error:
        return [error.status, " ".join(json.loads(error.body)["message"].split())]
    raise AssertionError("this must be refused")


def run():
    """Runs the tasks and prints their results."""
    print(json.dumps({work.__name__: work(Task(work.__name__)) for work in TASKS}))
