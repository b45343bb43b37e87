"""Calls about the site that no other program makes: settings, rules, providers, filters, services, usage, audit, keys."""

import csv
import io
import time
from datetime import datetime, timezone
from urllib.parse import parse_qs, urlsplit

import flywheel

from harness import SCRATCH, SITE, acquisition, client, email, equal, gear, group, project, refused

fw = client()
study = project(fw, "Site calls")
scan = acquisition(study)
scan.upload_file(flywheel.FileSpec("table.csv", "a\n1\n"))

# Settings, bookmarks, providers.
settings = fw.get_site_settings()
changed = fw.modify_site_settings({"center_gears": ["count"]})
equal((changed.center_gears, fw.get_site_settings().center_gears), (["count"], ["count"]))
assert settings.id == changed.id
fw.modify_bookmark_list([{"label": "Manual", "url": "https://example.org"}])
equal([one.label for one in fw.get_bookmark_list()], ["Manual"])
bucket = {"provider_class": "storage", "provider_type": "aws", "creds": {}, "config": {"bucket": "b"}}
provider = fw.add_provider({"label": "Bucket", **bucket})
fw.modify_provider(provider, {"label": "Pail"})
equal([one.label for one in fw.get_providers() if one.id == provider], ["Pail"])
equal(fw.get_provider_config(provider), {"bucket": "b"})
equal(fw.get_catalog_list_filter_options().to_dict().keys() > set(), True)

# Rules of a project and of the site.
gear_id = gear(fw, "count", inputs={"table": {"base": "file"}})
condition = {"type": "file.type", "value": "tabular data", "regex": False}
rule = {"gear_id": gear_id, "name": "Tables", "all": [condition], "any": [], "not": [], "auto_update": False}
made = fw.add_project_rule(study.id, {"project_id": study.id, **rule})
[listed] = fw.get_project_rules(study.id)
equal((listed.name, listed.all[0].value), ("Tables", "tabular data"))
fw.modify_project_rule(study.id, listed.id, {"name": "All tables"})
equal(fw.get_project_rule(study.id, listed.id).name, "All tables")
fw.get_session(scan.parents.session).upload_file(flywheel.FileSpec("new.csv", "a\n2\n"))
while not (jobs := fw.jobs.find(f"gear_id={gear_id}")):
    # Rules are asked just after an upload.
    time.sleep(0.05)
equal([job.state for job in jobs], ["pending"])
fw.remove_project_rule(study.id, listed.id)
equal(fw.get_project_rules(study.id), [])
fw.add_site_rule({"project_id": "site", **rule})
[listed] = fw.get_site_rules()
fw.modify_site_rule(listed.id, {"disabled": True})
equal(fw.get_site_rule(listed.id).disabled, True)
fw.remove_site_rule(listed.id)
equal(fw.get_site_rules(), [])
equal(fw.recalc_all_projects().sessions_changed or [], [])

# Jobs, as older engines take and hand them in.
job = fw.get_next_job(tags=["count"])
equal(job.state, "running")
ticket = fw.engine_prepare_complete_job(job.id).ticket
fw.engine_complete_job(job.id, {"success": True}, job_ticket_id=ticket)
equal(fw.get_job(job.id).state, "complete")

# Filters of tables, services that take images.
kept = fw.create_custom_filter({"filter": "status=todo", "view": "tasks", "label": "Open"})
fw.update_custom_filter(kept.id, {"filter": "status=todo", "view": "tasks", "label": "To do"})
equal([one.label for one in fw.get_all_custom_filters().results], ["To do"])
fw.delete_custom_filter(kept.id)
equal(fw.get_all_custom_filters().results, [])
fw.create_project_aet({"project_id": study.id, "aet": "STUDY"})
equal([one.aet for one in fw.get_all_project_aets()], ["STUDY"])
equal(fw.get_project_aet("STUDY").project_id, study.id)
service = fw.create_service_aet({"host": "pacs", "port": 104})
assert service.id in [one.id for one in fw.get_all_service_aets()]
equal(fw.get_service_aet(service.id).host, "pacs")
fw.delete_service_aet(service.id)
fw.delete_project_aet("STUDY")
equal(fw.get_all_project_aets(), [])

# What was used, and who did what.
today = datetime.now(timezone.utc).date()
fw.collect_usage()
summary = fw.get_usage_data_summary(group_by="project")
assert any(row.project_id == study.id for row in summary), summary
assert any(row.project == study.id for row in fw.get_daily_usage_range_report(start_date=str(today), end_date=str(today)))
assert fw.get_legacy_usage_report("project")
report = fw.add_audit_trail_report({"project_id": study.id, "label": "Everything"})
equal([one.label for one in fw.list_audit_trail_reports()], ["Everything"])
text = fw.download_audit_trail_report_as_data(report.id).decode()
assert len(list(csv.reader(io.StringIO(text)))) > 1, text
fw.download_audit_trail_report(report.id, str(SCRATCH / "audit.csv"))
equal((SCRATCH / "audit.csv").read_bytes().decode(), text)
equal(fw.modify_audit_trail_report(report.id, {"status": "canceled"}).status, "canceled")
fw.delete_audit_trail_report(report.id)
equal(fw.list_audit_trail_reports(), [])

# Searches.
assert "snr" not in fw.get_mapped_fields(path="file.info")
study.update_info({"qc": {"snr": 1}})
assert "snr" in fw.get_mapped_fields(path="project.info.qc")
doomed = {"return_type": "file", "structured_query": "file.name = table.csv"}
equal(fw.delete_by_search(doomed).deleted, 1)

# Views, without waiting for them.
view = fw.View(columns=["subject.label"])
execution = fw.queue_adhoc(study.id, view)
assert execution.state in ("queued", "processing", "completed"), execution
execution = fw.queue_saved(fw.add_view(study.id, fw._fw.View(label="Kept", columns=["subject.label"])), study.id)
equal(fw.get_data_view_execution(execution.id).data_view_label, "Kept")

# Keys of people and devices, faces, codes of people.


def key_id(read, *of):
    """The id of the key called second, which the client's models leave out."""
    document = read(*of, _preload_content=False, _return_http_data_only=True).json()
    return next(key["_id"] for key in document["api_keys"] if key["label"] == "second")


fw.generate_user_key({"label": "second"})
fw.delete_user_key(key_id(fw.get_current_user))
equal([key.label for key in fw.get_current_user().api_keys if key.label == "second"], [])
device = fw.create_device({"label": "uploader", "type": "reaper"})
fw.generate_key(device.id, body={"label": "second"})
fw.delete_device_key(device.id, key_id(fw.get_device, device.id))
host, port = SITE["url"].removeprefix("http://").split(":")
drone = flywheel.drone_login.create_drone_client(
    host, SITE["drone_secret"], "reaper", "scanner", port=int(port), disable_auth_check=True, _force_insecure=True
)
equal(drone.get_current_device().label, "scanner")
with refused(404):
    fw.get_user_avatar(email("ann"))
for name in ("admin", "ann"):
    # A face is wherever its address points.
    fw.modify_user(email(name), {"avatar": f"{SITE['url']}/api/version"})
fw.get_current_user_avatar()
fw.get_user_avatar(email("ann"))
code = fw.create_master_subject_code({"patient_id": "P-1", "use_patient_id": True}).code
fw.verify_master_subject_code(code)
with refused(404):
    fw.verify_master_subject_code("NOBODY")

# Bytes sent beforehand, as to a storage in the cloud.
storage = fw.get_session(scan.parents.session).files[0].provider_id
begun = fw.create_signed_upload_url({"provider_id": storage})
token = parse_qs(urlsplit(begun.upload_urls[0]).query)["token"][0]
equal(fw.upload_signed_fs_file(token, "bytes").uuid, begun.uuid)
done = fw.complete_s3_multipart_upload(
    {"provider_id": storage, "uuid": begun.uuid, "upload_id": "1", "etags": ["a"]}
)
equal(done.uuid, begun.uuid)
collection = fw.add_collection({"label": "Kept"})
analysis = fw.add_session_analysis(scan.parents.session, {"label": "Made"})
spec = flywheel.FileSpec("out.txt", "words")
equal(fw.signed_upload_output_to_collection_analysis(collection, analysis, spec), None, "where addresses are not signed")

# What the client does by itself.
fw.enable_debug(message_cutoff=100)
equal(fw.get_version().release.split(".")[0], "23")
fw.disable_debug()
fw._fw.shutdown()
