"""Reports by the official client."""

from harness import client, equal, project, refused, scratch

fw = client()
study = project(fw, "Reports")
subject = study.add_subject(label="sub-01", sex="female")
session = subject.add_session(label="ses-01")
session.add_acquisition(label="t1").upload_file(scratch("a.txt", "12345"))

site = fw.get_site_report()
assert any(entry.label for entry in site.groups), site
equal(site.group_count, len(site.groups))

people = fw.get_project_report(projects=[study.id]).projects[0]
equal((people.name, people.session_count, people.female_count), ("Reports", 1, 1))

# Who looked at what.
assert "view_container" in fw.get_access_log_types()
fw.get_session(session.id)
entries = fw.get_access_log_report(project=study.id)
assert any(entry.access_type == "view_container" for entry in entries), entries
equal(entries[0].context.project.id, study.id)

# Usage.
daily = [row for row in fw.get_daily_usage_report(project=study.id)]
equal((daily[-1].project, daily[-1].session_count, daily[-1].center_storage_bytes), (study.id, 1, 5))
assert fw.get_usage_availability().available_reports
monthly = [row for row in fw.get_usage_report(project=study.id)]
equal([row.session_count for row in monthly], [1])

# What changed.
fw.modify_session(session.id, {"label": "ses-1"})
log = fw.get_change_log("session", session.id)
equal([change.method for change in log.changes], ["CREATE", "UPDATE"])
values = fw.get_field_change_log("session", session.id, "label")
equal([change.value for change in values.changes], ["ses-1"])

with refused(403):
    client("ann").get_site_report()
