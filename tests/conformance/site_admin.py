"""What administrators keep on a site: settings, providers, pools, codes, by the official client."""

from harness import client, equal, project, refused

fw = client()
study = project(fw, "Administration")

# Settings of a project.
fw.modify_project_settings(study.id, {"sharing": {"summary": "Open data"}})
equal(fw.get_project_settings(study.id).sharing.summary, "Open data")

# Providers.
made = fw.add_provider(
    {"label": "Bucket", "provider_class": "storage", "provider_type": "aws", "creds": {}, "config": {"bucket": "b"}}
)
equal(fw.get_provider(made).label, "Bucket")
fw.delete_provider(made)
with refused(404):
    fw.get_provider(made)

# Master subject codes: one a person.
person = {"patient_id": "P-1", "use_patient_id": True}
code = fw.create_master_subject_code(person).code
equal(fw.create_master_subject_code(person).code, code)
study.add_subject(label="sub-01", master_code=code)
with refused(422):
    study.add_subject(label="sub-02", master_code="NOBODY")

# Deleting in the background.
gone = project(fw, "Gone")
equal(fw.get_project_delete_status(gone.id).delete_status, "static")
