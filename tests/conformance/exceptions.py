"""What goes wrong is an ApiException with a status, a reason, and a body that says more."""

import json
import urllib.error
import urllib.request

import flywheel

from harness import SITE, acquisition, client, equal, project, refused

fw = client()
study = project(fw, "Errors")
scan = acquisition(study)

try:
    fw.get_project("NON_EXISTENT_ID")
except flywheel.ApiException as error:
    text = "API Error: %d -- %s" % (error.status, error.reason)
    assert error.status in (400, 404, 422), text
    assert error.reason, text
else:
    raise AssertionError("there is no such project")

with refused(404) as missing:
    fw.get_project("0" * 24)
body = json.loads(missing.error.body)
equal(body["status_code"], 404)
assert body["message"] and body["request_id"], body
equal(missing.error.headers["X-Request-Id"], body["request_id"])
assert str(missing.error).startswith("(404) Reason: "), missing.error

# An id of another kind is not found, a malformed one is refused.
with refused(404):
    fw.get_session(study.id)
with refused(404):
    fw.get("0" * 24)
with refused(400, 404, 422):
    fw.get_session("xyz")

# 401, 403, 409, 422.
stranger = flywheel.Client(SITE["keys"]["admin"][:-6] + "AAAAAA", disable_auth_check=True)
with refused(401):
    stranger.get_current_user()
with refused(403) as forbidden:
    client("eve").get_project(study.id)
with refused(409):
    fw.add_group({"_id": "lab", "label": "Again"})
with refused(409):
    study.add_subject(label="sub-01")
with refused(400, 422):
    study.sessions.find("nonsense")
with refused(400, 422) as unknown:
    fw.modify_project(study.id, {"colour": "red"})
assert "colour" in unknown.error.body, unknown.error.body
with refused(400, 422) as incomplete:
    fw.add_project({"label": "groupless"})
assert "group" in incomplete.error.body, incomplete.error.body
with refused(400, 422):
    fw.modify_session(scan.parents.session, {"age": "old"})

# The client refuses by itself what cannot be sent.
for wrong in (lambda: fw.get_project(""), lambda: fw.get_project(None), lambda: study.update(), lambda: study.update({}, x=1)):
    try:
        wrong()
    except ValueError:
        pass
    else:
        raise AssertionError("expected a ValueError before anything is sent")

# Every error is JSON, also for what no client sends.
for path, status in {"/api/no/such/route": 404, "/api/projects/%00": None, "/api/users/self": 401}.items():
    try:
        urllib.request.urlopen(SITE["url"] + path)
    except urllib.error.HTTPError as error:
        document = json.load(error)
        equal(document["status_code"], error.code, path)
        assert document["message"], document
        assert status in (None, error.code), (path, error.code)
    else:
        raise AssertionError(f"{path} must not succeed")
