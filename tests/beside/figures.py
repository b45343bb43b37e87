"""The Python half of the figures: does one piece of work and prints what it took. `examples/beside.rs` is the other half."""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flywheel

GIVEN = json.loads(os.environ["FLYWHEEL_FIGURES"])
AT_ONCE = 8


def spent():
    """Seconds of processor time of this process so far."""
    used = os.times()
    return used.user + used.system


def peak():
    """The most memory this process ever held, in MiB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def start(fw):
    return 1


def walk(fw):
    project = fw.get_project(GIVEN["many"])
    return sum(1 for session in project.sessions.iter(limit=250) if session.label)


def rows(fw):
    view = fw.View(columns=["subject.label", "session.label", "session.age_years"])
    with fw.read_view_data(view, GIVEN["many"]) as text:
        return sum(1 for row in json.load(text)["data"] if row["session.label"])


def each(number, work, at_once):
    """Does something for every number below one, several at a time where that is asked for."""
    if at_once == 1:
        for index in range(number):
            work(index)
    else:
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(work, range(number)))
    return number


def create(fw, at_once=1):
    session = fw.get_session(GIVEN["session"])
    turn = GIVEN["turn"]
    return each(GIVEN["count"], lambda index: session.add_acquisition(label=f"{turn}-{index}"), at_once)


def create_8(fw):
    return create(fw, AT_ONCE)


def upload(fw, at_once=1):
    scan = fw.get_acquisition(GIVEN["scan"])
    small = Path(GIVEN["small"]).read_bytes()
    turn = GIVEN["turn"]
    return each(
        GIVEN["count"], lambda index: scan.upload_file(flywheel.FileSpec(f"{turn}-{index}.bin", small)), at_once
    )


def upload_8(fw):
    return upload(fw, AT_ONCE)


def download(fw, at_once=1):
    files = [file for file in fw.get_acquisition(GIVEN["full"]).files if file.name != "large.bin"]
    return each(len(files), lambda index: files[index].read(), at_once)


def download_8(fw):
    return download(fw, AT_ONCE)


def large_up(fw):
    fw.get_acquisition(GIVEN["scan"]).upload_file(GIVEN["large"])
    return os.path.getsize(GIVEN["large"]) >> 20


def large_down(fw):
    target = Path(GIVEN["folder"], "down.bin")
    fw.get_acquisition(GIVEN["full"]).download_file("large.bin", str(target))
    return target.stat().st_size >> 20


fw = flywheel.Client(GIVEN["key"])
work = globals()[sys.argv[1]]
begun, before = time.perf_counter(), spent()
items = work(fw)
print(
    json.dumps(
        {
            "items": items,
            "seconds": time.perf_counter() - begun,
            # Of a start, everything counts.
            "cpu": spent() - (0 if work is start else before),
            "memory": peak(),
        }
    )
)
