"""From a table of people to a project: bulk add, a demographics report, an overview, what is missing."""

import csv
import statistics
from collections import defaultdict
from datetime import datetime

import pytz

from harness import SCRATCH, client, equal, labels, project, same, scratch

PEOPLE = """Subject ID,FirstName,LastName,sex,age,time of scan
sub-01,Ada,Byron,female,36,10/03/2019 15:32
sub-02,Alan,Turing,male,41,09/23/2019 12:02
sub-03,Grace,Hopper,female,85,01/31/2020 08:00
sub-04,Max,Nobody,male,,02/29/2020 23:59
"""
YEAR = 365 * 24 * 60 * 60

fw = client()
study = project(fw, "Test_Project")

# Bulk add from a CSV file.
path = scratch("people.csv", PEOPLE)
with open(path, newline="") as table:
    for row in csv.DictReader(table):
        taken = pytz.utc.localize(datetime.strptime(row["time of scan"], "%m/%d/%Y %H:%M"))
        subject = study.add_subject(
            {"label": row["Subject ID"], "firstname": row["FirstName"], "lastname": row["LastName"], "sex": row["sex"]}
        )
        session = {"label": "Session1"}
        if row["age"]:
            session["age"] = int(float(row["age"]) * YEAR)
            subject.update_info(age=int(row["age"]))
        scans = ["Struct_T1", "BOLD_run-01"] if row["sex"] == "female" else ["Struct_T1"]
        session = subject.add_session(session)
        for scan in scans:
            session.add_acquisition({"label": scan, "timestamp": taken})
study.upload_file(path)

equal(len(study.subjects()), 4)
same(labels(study.subjects.find("info.age>40")), ["sub-02", "sub-03"])
same(labels(study.subjects.find("sex=male,info.age>40")), ["sub-02"])
same(labels(study.subjects.find("sex=female,info.age>40")), ["sub-03"])
ada = study.subjects.find_one("label=sub-01").reload()
equal((ada.firstname, ada.lastname, ada.sex), ("Ada", "Byron", "female"))
scan = ada.sessions.find_first().acquisitions.find_first("label=Struct_T1")
equal(scan.timestamp, datetime(2019, 10, 3, 15, 32, tzinfo=pytz.utc))

# A float from such a table, sent as it is.
unrounded = ada.add_session({"label": "unrounded", "age": 36.0 * YEAR})
equal(unrounded.age, 36 * YEAR)
fw.delete_session(unrounded.id)

# Demographics.
report = {"subject": [], "age": [], "sex": []}
for subject in study.subjects():
    subject = subject.reload()
    report["subject"].append(subject.label)
    report["sex"].append(subject.sex)
    session = subject.sessions.find_first().reload()
    report["age"].append(session.age_years)
ages = [age for age in report["age"] if age]
equal(len(ages), 3)
equal(round(statistics.mean(ages), 2), round((36 + 41 + 85) / 3 * YEAR / 31557600, 2))
equal(report["sex"].count("female"), 2)
equal(report["sex"].count("male"), 2)
output = SCRATCH / "demographics.csv"
with open(output, "w", newline="") as table:
    writer = csv.writer(table)
    writer.writerow(report)
    writer.writerows(zip(*report.values()))
study.upload_file(str(output))
equal(study.reload().read_file("demographics.csv").decode().splitlines()[0], "subject,age,sex")
equal(study.reload().get_file("demographics.csv").type, "tabular data")

# Overview of the project, by nested iteration.
overview = []
for subject in study.subjects.iter():
    for session in subject.sessions.iter():
        for scan in session.acquisitions.iter():
            overview.append((study.label, subject.label, session.label, scan.label))
equal(len(overview), 6)
equal(overview[0][:3], ("Test_Project", "sub-01", "Session1"))

# Who misses what.
wanted = {"Struct_T1", "BOLD_run-01"}
present = defaultdict(set)
for _, subject, _, scan in overview:
    present[subject].add(scan)
missing = {subject: sorted(wanted - scans) for subject, scans in present.items() if wanted - scans}
equal(missing, {"sub-02": ["BOLD_run-01"], "sub-04": ["BOLD_run-01"]})
