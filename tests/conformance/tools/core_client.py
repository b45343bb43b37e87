"""The HTTP client that the platform's services had before: logins of users and devices, uploads that find their place."""

import io

from fw_core_client import CoreClient
from harness import SITE, client, email, equal, project, scratch

fw = client()
study = project(fw)
names = {"client_name": "conformance", "client_version": "1"}
user = CoreClient(url=SITE["url"], api_key=SITE["keys"]["admin"].rsplit(":", 1)[-1], **names)
assert user.check_version("20.0.0") and not user.check_feature("signed_url")
equal((user.auth_status.is_device, user.auth_status.info._id), (False, email("admin")))
device = CoreClient(url=SITE["url"], drone_secret=SITE["drone_secret"], device_label="scanner", **names)
equal((device.auth_status.is_device, device.auth_status.info.label), (True, "scanner"))

# By labels. The metadata goes as a part with a file name of its own.
place = {
    "group": {"_id": "lab"},
    "project": {"label": study.label},
    "subject": {"label": "sub-01"},
    "session": {"label": "ses-01"},
    "acquisition": {"label": "T1w"},
    "file": {"name": "a.txt", "type": "text", "info": {"TR": 2}},
}
[entry] = user.upload(scratch("a.txt", b"words"), place)
equal((entry.name, entry.type, entry.size), ("a.txt", "text", 5))
scan = fw.lookup("lab/Study/sub-01/ses-01/T1w")
equal(scan.get_file("a.txt").reload().info, {"TR": 2})
equal(scan.read_file("a.txt"), b"words")

# By the scanner's ids; without a group or a project it goes where nobody's data goes.
place = {
    "group": {"_id": "lab"},
    "project": {"label": study.label},
    "subject": {"label": "sub-02"},
    "session": {"label": "ses-02", "uid": "1.2"},
    "acquisition": {"label": "bold", "uid": "1.2.3"},
}
[entry] = device.upload(scratch("b.txt", b"more"), place, method="reaper")
equal((entry.name, entry.origin.type), ("b.txt", "device"))
equal(fw.lookup("lab/Study/sub-02/ses-02/bold").read_file("b.txt"), b"more")
lost = {"session": {"label": "ses-03", "uid": "1.4"}, "acquisition": {"label": "dwi", "uid": "1.4.1"}}
[entry] = device.upload(scratch("c.txt", b"lost"), lost, method="reaper", fill=True)
[unsorted] = device.get("/acquisitions", params={"filter": "label=dwi"})
equal(unsorted.parents.group, "unknown")
equal(device.get(f"/acquisitions/{unsorted._id}/files/c.txt", raw=True).content, b"lost")

# Bytes that are kept outside of the hierarchy.
stored = device.store_file(study.id, io.BytesIO(b"raw bytes"))
equal(device.get(f"/storage/files/{stored}", raw=True).content, b"raw bytes")
