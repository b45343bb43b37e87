"""The bare HTTP client that the platform's own services use: logins of users and devices, pages, streams, files of devices."""

import asyncio
import io
import os

# Without this a device waits up to five seconds before it logs in.
os.environ["PYTEST_CURRENT_TEST"] = "http_client"

from fw_client import FWClient, errors

from harness import SITE, client, email, equal, project

key = SITE["url"] + ":" + SITE["keys"]["admin"].rsplit(":", 1)[-1]
fw = FWClient(api_key=key, client_name="conformance", client_version="1")
assert fw.check_version("20.0.0") and fw.check_feature("multipart_signed_url")
equal((fw.auth_status.is_device, fw.auth_status.info._id), (False, email("admin")))

study = project(client())
session = {"project": study.id, "label": "ses-01", "subject": {"code": "sub-01", "label": "sub-01"}}
session = fw.post("/api/sessions", json=session)._id
scan = fw.post("/api/acquisitions", json={"session": session, "label": "T1w"})._id
[entry] = fw.post(f"/api/acquisitions/{scan}/files", files={"file": ("a.txt", io.BytesIO(b"words"))})
equal((entry.name, entry.size), ("a.txt", 5))

# Lists are pages, which say how many there are in all.
for label in ("T2w", "bold"):
    fw.post("/api/acquisitions", json={"session": session, "label": label})
page = fw.get("/api/acquisitions", params={"limit": 2, "filter": f"parents.session={session}"})
equal((page.count, page.total, [row.label for row in page.results]), (2, 3, ["T1w", "T2w"]))
rest = fw.get("/api/acquisitions", params={"limit": 2, "after_id": page.results[-1]._id})
equal([row.label for row in rest.results], ["bold"])
equal(asyncio.run(fw.aget("/api/projects")).total, 1)

path = f"/api/acquisitions/{scan}/files/a.txt"
equal(fw.get(path, raw=True).content, b"words")
with fw.stream("GET", path) as answer:
    equal(b"".join(answer.iter_bytes()), b"words")
ticket = fw.get(path, params={"ticket": ""}).ticket
equal(fw.get(path, params={"ticket": ticket}, auth=None, headers={"authorization": None}, raw=True).content, b"words")
try:
    fw.get("/api/projects/" + 24 * "0")
except errors.NotFound as error:
    assert "project" in str(error)
else:
    raise AssertionError("a project that is not there was found")

# A device logs in by the shared secret, finds itself in the list of devices, and comes with its key from then on.
device = FWClient(
    base_url=SITE["url"], drone_secret=SITE["drone_secret"], device_type="reaper", device_label="scanner"
)
status = device.auth_status
equal((status.is_device, status.info.label, status.info.type), (True, "scanner", "reaper"))
stored = device.upload_device_file(study.id, io.BytesIO(b"raw bytes"))
equal(device.get(f"/api/storage/files/{stored}", raw=True).content, b"raw bytes")
device.delete(f"/api/storage/files/{stored}", params={"ignore_storage_errors": True})
equal(device.get(f"/api/storage/files/{stored}", raw=True).status_code, 404)
