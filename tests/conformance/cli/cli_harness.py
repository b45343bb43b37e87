"""What the programs of the official command line tool share: running it, and trees of files."""

import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from types import SimpleNamespace

from harness import SCRATCH, SITE, client

TOOL = Path(sys.executable).with_name("fw")
REAL_DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"

# The tool asks where its settings are when it is imported.
os.environ.update(FLYWHEEL_USER_HOME=str(SCRATCH), COLUMNS="200", NO_COLOR="1")

import flywheel_cli.main


def run(*arguments, answers=""):
    """Runs the tool, with lines that answer its questions, and returns what it did, whatever that was.

    The tool takes seconds to import what it needs, so where the system can do it a copy of this process, which has
    imported it already, becomes the tool.
    """
    arguments = [str(argument) for argument in arguments]
    if not hasattr(os, "fork"):
        return subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=300, input=answers)
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        asked.write(answers.encode())
        asked.seek(0)
        sys.stdout.flush()
        if (child := os.fork()) == 0:
            become_the_tool(arguments, asked, out, err)
        _, status = os.waitpid(child, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return SimpleNamespace(returncode=os.waitstatus_to_exitcode(status), stdout=texts[0], stderr=texts[1])


def become_the_tool(arguments, asked, out, err):
    """Runs the tool's main function as its script would, and ends the process."""
    code = 1
    try:
        os.dup2(asked.fileno(), 0)
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        sys.argv = [str(TOOL), *arguments]
        # What the tool starts in its turn must not begin with the test program.
        del sys.modules["__main__"].__file__
        code = flywheel_cli.main.main()
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def fw(*arguments, answers=""):
    """Runs the tool, which must succeed, and returns what it printed."""
    done = run(*arguments, answers=answers)
    assert done.returncode == 0, f"fw {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def ingest(kind, *arguments):
    """Runs an ingest without a configuration file, and says yes to what it found.

    With the option `-y` two threads of the tool say yes, and when the slower one comes second the tool ends with an error.
    """
    return fw("ingest", kind, "--no-config", *arguments, answers="yes\n")


def login(name="admin"):
    """Logs the tool in as one of the site's users; returns the client library, logged in too."""
    done = subprocess.run([TOOL, "login", SITE["keys"][name]], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done
    return client(name)


def tree(folder, contents):
    """Writes files below a folder, from a dictionary of relative paths and bytes."""
    for path, content in contents.items():
        target = Path(folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return Path(folder)


def contents(folder):
    """The files below a folder: a dictionary of relative paths and bytes."""
    folder = Path(folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stored(project):
    """The files of a project's acquisitions by subject, session, acquisition and name, with their bytes."""
    found = {}
    for subject in project.subjects():
        for session in subject.sessions():
            for acquisition in session.acquisitions():
                for file in acquisition.reload().files:
                    path = f"{subject.label}/{session.label}/{acquisition.label}/{file.name}"
                    found[path] = acquisition.read_file(file.name)
    return found


def real(path):
    """A folder of real data, or None, said aloud, where there is none."""
    folder = REAL_DATA / path
    if folder.exists():
        return folder
    print(f"SKIPPED with {path}: there is no {folder}")
    return None
