"""Quality control: measures in the info of files become a table and tags on bad acquisitions."""

import csv
import io

import flywheel

from harness import client, equal, labels, project, same

# label, measurement of the file, measures as the quality gear writes them
SCANS = [
    ("T1_good", "T1", {"snr_total": 9.5}),
    ("T1_noisy", "T1", {"snr_total": 4.0}),
    ("BOLD_good", "T2*", {"snr": 3.1, "fd_mean": 0.2}),
    ("BOLD_moved", "T2*", {"snr": 2.2, "fd_mean": 3.7}),
    ("BOLD_noisy", "T2*", {"snr": 0.4, "fd_mean": 0.1}),
]

fw = client()
study = project(fw, "Quality")
session = study.add_subject(label="sub-01").add_session(label="Session 1")
for label, measurement, measures in SCANS:
    scan = session.add_acquisition(label=label)
    scan.upload_file(flywheel.FileSpec(f"{label}_mriqc.qa.html", "<html/>", "text/html"))
    scan.update_file(f"{label}_mriqc.qa.html", modality="MR")
    scan.update_file_classification(f"{label}_mriqc.qa.html", {"Measurement": [measurement]})
    scan.update_file_info(f"{label}_mriqc.qa.html", measures)
    scan.upload_file(flywheel.FileSpec(f"{label}.nii.gz", b"\x1f\x8b"))

table = []
for one in study.sessions.iter():
    for scan in one.acquisitions.iter():
        scan = scan.reload()
        reports = [file for file in scan.files if "mriqc.qa" in file.name]
        equal(len(reports), 1)
        for report in reports:
            equal(report.type, "qa")
            measurement = report.classification.get("Measurement")
            if "T2*" in measurement:
                snr, motion = report.info.get("snr"), report.info.get("fd_mean")
                if snr < 1.0:
                    scan.add_tag("bad_snr")
                if motion > 2.5:
                    scan.add_tag("bad_fd")
            elif "T1" in measurement:
                snr, motion = report.info.get("snr_total"), "NA"
                if snr < 6.0:
                    scan.add_tag("bad_snr")
            table.append((one.subject.label, one.label, scan.label, report.name, snr, motion))

equal([row[4] for row in table], [9.5, 4.0, 3.1, 2.2, 0.4])
same(labels(session.acquisitions.find("tags=bad_snr")), ["T1_noisy", "BOLD_noisy"])
same(labels(session.acquisitions.find("tags=bad_fd")), ["BOLD_moved"])
same(labels(session.acquisitions.find("files.info.fd_mean>2.5")), ["BOLD_moved"])

text = io.StringIO()
csv.writer(text).writerows(table)
study.upload_file(flywheel.FileSpec("qc_report.csv", text.getvalue(), "text/csv"))
equal(study.reload().read_file("qc_report.csv").decode(), text.getvalue())

# The overall verdict in the session's own info, deep in a tree.
session.update_info({"qc": {"outcome": "FAIL", "counts": {"bad": 3}}})
same(labels(study.sessions.find("info.qc.outcome=FAIL,info.qc.counts.bad>=3")), ["Session 1"])
same(labels(study.sessions.find("info.qc.outcome=PASS")), [])
