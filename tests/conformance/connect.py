"""Logging in, the site's own documents, users and keys."""

import json
import os
import urllib.request

import flywheel

from harness import SCRATCH, SITE, client, email, equal, refused

fw = client()

# Who am I.
me = fw.get_current_user()
equal(me.id, email("admin"))
equal(me.email, email("admin"))
assert me.firstname is not None and me.lastname is not None
status = fw.get_auth_status()
equal(status.origin.type, "user")
equal(status.origin.id, me.id)
equal(status.user_is_admin, True)
equal(status.is_device, False)
equal(client("ann").get_auth_status().user_is_admin, False)

# A wrong key fails when the client is made, unless the check is put off to the first call.
host = SITE["keys"]["admin"].rsplit(":", 1)[0]
with refused(401):
    flywheel.Client(f"{host}:{'x' * 57}")
with refused(401):
    flywheel.Client(f"{host}:tooshort")
unchecked = flywheel.Client(f"{host}:{'y' * 57}", disable_auth_check=True)
with refused(401):
    unchecked.projects()

# The key that the command line tool stored.
os.environ["HOME"] = str(SCRATCH)
try:
    flywheel.Client()
except flywheel.ApiException:
    raise
except Exception as error:
    assert "login" in str(error), error
else:
    raise AssertionError("a client without any key must not be made")
settings = SCRATCH / ".config" / "flywheel"
settings.mkdir(parents=True)
(settings / "user.json").write_text(json.dumps({"key": SITE["keys"]["ann"], "root": False}))
equal(flywheel.Client().get_current_user().id, email("ann"))

# Public documents need no login.
config = fw.get_config()
assert config.site.api_url, config
assert config.features is not None
with urllib.request.urlopen(SITE["url"] + "/api/config") as answer:
    equal(json.load(answer)["site"]["api_url"], config.site.api_url)
version = fw.get_version()
assert version.release and version.flywheel_release, version
with urllib.request.urlopen(SITE["url"] + "/api/version") as answer:
    equal(json.load(answer)["_id"], "version")

# Users.
known = {user.id for user in fw.users()}
assert {email("admin"), email("ann"), email("bob"), email("eve")} <= known, known
equal(fw.users.find_first(f"_id={email('ann')}").id, email("ann"))
equal([user.id for user in fw.users.find(f'_id="{email("bob")}"')], [email("bob")])
equal(fw.get_user(email("ann")).id, email("ann"))
new = fw.add_user({"_id": "zoe@example.org", "firstname": "Zoe", "lastname": "Zang", "email": "zoe@example.org"})
equal(new, "zoe@example.org")
equal(fw.get_user(new).lastname, "Zang")
fw.modify_user(new, {"lastname": "Zander"})
equal(fw.get_user(new).lastname, "Zander")
with refused(409):
    fw.add_user({"_id": "zoe@example.org", "firstname": "Other", "lastname": "Zoe"})
with refused(404):
    fw.get_user("nobody@example.org")
with refused(403):
    client("ann").add_user({"_id": "yan@example.org", "firstname": "Y", "lastname": "An"})
fw.delete_user(new)
with refused(404):
    fw.get_user(new)

# A key made by the user works, and works no longer once it was deleted.
made = fw.generate_user_key({"label": "laptop", "expires_at": "2099-01-01T00:00:00Z"})
assert made.key, made
second = flywheel.Client(made.key)
equal(second.get_current_user().id, email("admin"))

# A user who was disabled is refused with a status of its own.
bob = client("bob")
fw.modify_user(email("bob"), {"disabled": True})
with refused(402):
    bob.get_current_user()
fw.modify_user(email("bob"), {"disabled": False})
equal(bob.get_current_user().id, email("bob"))

# The user's own free metadata.
fw.modify_current_user_info({"set": {"theme": "dark", "rows": 20}})
equal(fw.get_current_user_info()["theme"], "dark")
fw.modify_current_user_info({"delete": ["theme"]})
equal("theme" in fw.get_current_user_info(), False)

# Modalities.
mr = fw.get_modality("MR")
equal(set(mr.classification), {"Intent", "Measurement", "Features"})
equal(len(mr.classification["Intent"]), 9)
equal(len(mr.classification["Measurement"]), 19)
assert {"SBRef", "MPRAGE", "FLAIR", "Label"} <= set(mr.classification["Features"])
assert "MR" in [modality.id for modality in fw.get_all_modalities()]
fw.add_modality({"_id": "ZZ", "classification": {"Shape": ["Round", "Square"]}})
equal(fw.get_modality("ZZ").classification, {"Shape": ["Round", "Square"]})
fw.replace_modality("ZZ", {"classification": {"Shape": ["Oval"]}})
equal(fw.get_modality("ZZ").classification, {"Shape": ["Oval"]})
with refused(403):
    client("ann").add_modality({"_id": "YY"})
fw.delete_modality("ZZ")
with refused(404):
    fw.get_modality("ZZ")

# The three built-in roles.
levels = [role.default_flywheel_role for role in fw.get_all_roles()]
assert {"admin", "rw", "ro"} <= set(levels), levels
