"""Devices: the login with the shared secret, keys, and what a device may do."""

import flywheel

from harness import SITE, client, email, equal, project, refused

fw = client()
host, port = SITE["url"].removeprefix("http://").split(":")


def drone(secret=SITE["drone_secret"], name="scanner 1"):
    return flywheel.drone_login.create_drone_client(
        host, secret, "reaper", name, port=int(port), disable_auth_check=True, _force_insecure=True
    )


device = drone()
status = device.get_auth_status()
equal((status.is_device, status.origin.type), (True, "device"))
device_id = status.origin.id
equal(drone().get_auth_status().origin.id, device_id, "the same name is the same device")
assert drone(name="scanner 2").get_auth_status().origin.id != device_id
with refused(401):
    drone(secret="wrong")

# It sees everything, and what it uploads has its origin.
study = project(fw, "Scanned")
equal(device.get_project(study.id).label, "Scanned")
equal([one.id for one in device.projects()], [study.id])
[entry] = device.upload_file_to_project(study.id, flywheel.FileSpec("raw.txt", "raw"))
equal((entry.origin.type, entry.origin.id), ("device", device_id))
with refused(400, 403):
    device.get_current_user()

# It says how it is; administrators see that.
device.update_device({"version": "1.2", "interval": 3600, "errors": []})
equal(fw.get_device(device_id).version, "1.2")
equal(fw.get_all_devices_status()[device_id].status, "ok")
device.update_device({"errors": ["disk full"]})
equal(fw.get_all_devices_status()[device_id].status, "error")
assert device_id in [one.id for one in fw.get_all_devices()]

# Devices that administrators make.
made = fw.create_device({"label": "uploader", "type": "reaper"})
key = fw.generate_key(made.id, body={"label": "first"})
secret = (key.unencrypted_secret or key.key).rsplit(":", 1)[-1]
own = flywheel.Client(f"{host}:{port}:__force_insecure:{secret}", disable_auth_check=True)
equal(own.get_auth_status().origin.id, made.id)
equal(fw.get_device(made.id).label, "uploader")
fw.modify_device(made.id, {"disabled": True})
with refused(401, 402):
    own.get_auth_status()
fw.modify_device(made.id, {"disabled": False})
equal(own.get_auth_status().origin.id, made.id)
with refused(403):
    client("ann").create_device({"label": "hers", "type": "reaper"})
fw.delete_device(made.id)
with refused(401, 402):
    own.get_auth_status()

# Original data goes only by the hand of an administrator.
study.add_permission(
    flywheel.RolePermission(
        id=email("ann"), role_ids=[next(r.id for r in fw.get_all_roles() if r.default_flywheel_role == "rw")]
    )
)
with refused(403) as kept:
    client("ann").delete_project_file(study.id, "raw.txt")
assert "original_data_present" in kept.error.body or "files_delete_device_data" in kept.error.body, kept.error.body
equal(fw.delete_project_file(study.id, "raw.txt").deleted, 1)
