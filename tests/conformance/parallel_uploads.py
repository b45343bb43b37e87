"""A hundred uploads at once, to one container and to one name."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import flywheel

from harness import acquisition, client, equal, project, same

COUNT = 100
fw = client()
scan = acquisition(project(fw, "Parallel"))


def content(number):
    return hashlib.sha256(str(number).encode()).digest() * 2048


def upload(number):
    [entry] = scan.upload_file(flywheel.FileSpec(f"part-{number:03}.bin", content(number)))
    return entry


with ThreadPoolExecutor(COUNT) as pool:
    entries = list(pool.map(upload, range(COUNT)))
equal(len({entry.file_id for entry in entries}), COUNT)
equal({entry.version for entry in entries}, {1})
files = scan.reload().files
same([file.name for file in files], [f"part-{number:03}.bin" for number in range(COUNT)])
with ThreadPoolExecutor(16) as pool:
    read = list(pool.map(lambda number: scan.read_file(f"part-{number:03}.bin"), range(COUNT)))
equal([number for number in range(COUNT) if read[number] != content(number)], [])

# Everybody writes the same name: no version is lost, and the last one stands.
with ThreadPoolExecutor(20) as pool:
    raced = list(pool.map(lambda n: scan.upload_file(flywheel.FileSpec("same.bin", content(n)))[0], range(20)))
equal(len({entry.file_id for entry in raced}), 1)
same([entry.version for entry in raced], list(range(1, 21)))
for entry, number in zip(raced, range(20)):
    equal(scan.read_file("same.bin", version=entry.version) == content(number), True, f"version {entry.version}")
