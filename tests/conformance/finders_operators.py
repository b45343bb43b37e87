"""Every operator of the filter language, with every kind of value, and sorting."""

from datetime import datetime, timedelta, timezone

import flywheel

from harness import client, equal, labels, project, refused, same

fw = client()
study = project(fw, "Finders")
AGES = {"001": 20, "42": 41, "s,1": 55, 'quo"te': 70, "plain": None}
for label, age in AGES.items():
    subject = study.add_subject(label=label, sex="female" if age and age > 50 else "male")
    if age is not None:
        subject.update_info({"age": age, "site": {"name": "north" if age < 50 else "south", "ok": age < 50}})
    else:
        subject.update_info({"handed": None, "codes": ["a", "b"], "size": 8942})
everyone = list(AGES)


def subjects(*filters, **options):
    return labels(study.subjects.find(*filters, **options))


# Equality; what looks like a number needs quotes.
same(subjects("label=plain"), ["plain"])
same(subjects('label="001"'), ["001"])
same(subjects("label=001"), [])
same(subjects('label="42"'), ["42"])
same(subjects('label="s\\,1"'), ["s,1"])
same(subjects("label=s\\,1"), ["s,1"])
same(subjects("label!=plain"), [one for one in everyone if one != "plain"])
same(subjects("sex=female"), ["s,1", 'quo"te'])

# Numbers, in a path below info.
same(subjects("info.age>40"), ["42", "s,1", 'quo"te'])
same(subjects("info.age>=41"), ["42", "s,1", 'quo"te'])
same(subjects("info.age<41"), ["001"])
same(subjects("info.age<=41"), ["001", "42"])
same(subjects("info.age=55"), ["s,1"])
same(subjects("info.age=55.0"), ["s,1"])
same(subjects('info.age="55"'), [], "quotes make it text")
same(subjects("info.age!=55"), [one for one in everyone if one != "s,1"], "also those without the field")
same(subjects("info.age>20,info.age<60"), ["42", "s,1"])
same(subjects("info.age>20", "info.age<60", "sex=female"), ["s,1"])
same(subjects("info.size=8942"), ["plain"])
same(subjects('info.size="8942"'), [])

# Nested info, booleans, null, lists.
same(subjects("info.site.name=north"), ["001", "42"])
same(subjects("info.site.ok=true"), ["001", "42"])
same(subjects("info.site.ok=false"), ["s,1", 'quo"te'])
same(subjects("info.age=null"), ["plain"])
same(subjects("info.age!=null"), [one for one in everyone if one != "plain"])
same(subjects("info.handed=null"), everyone, "absent counts as null")
same(subjects("info.codes=a"), ["plain"])
same(subjects("info.codes=~^b$"), ["plain"])
same(subjects("info.codes!=a"), [one for one in everyone if one != "plain"])
same(subjects("info.codes=c"), [])
same(subjects("info.site=~."), [], "a clause on an object finds nothing")

# Regular expressions: anywhere in the text, with case, with look-ahead.
same(subjects("label=~lai"), ["plain"])
same(subjects("label=~LAI"), [])
same(subjects("label=~(?i)LAI"), ["plain"])
same(subjects("label=~^0"), ["001"])
same(subjects("label=~^(001|42)$"), ["001", "42"])
same(subjects("label=~^((?!0).)*$"), [one for one in everyone if one != "001"])
same(subjects("label=~^[^0-9]+$"), ["plain", 'quo"te'])
same(subjects("label=~s\\,1"), ["s,1"])
same(subjects("label=~^(?=.*2)4"), ["42"])
same(subjects("label=~[a-z]{3\\,}"), ["plain", 'quo"te'])

same(subjects('label=~"plain"'), [], "the quotes are part of the pattern")
same(subjects('label=""'), [])
same(subjects("label=~^plain$,label!=other"), ["plain"])
with refused(400, 422, 500):
    subjects("label=~[a-z]{3,}")

# Awkward but plain paths.
study.subjects.find_one("label=plain").update_info({"qc": {"my-gear": {"4d-check": {"outcome": "PASS"}}}})
same(subjects("info.qc.my-gear.4d-check.outcome=PASS"), ["plain"])
same(subjects("info.qc.my-gear.4d-check.outcome=~."), ["plain"])
same(subjects("info.qc=~."), [])
same(subjects("code=plain"), ["plain"], "code and label are the same")

# Dates and timestamps.
yesterday = (datetime.now(timezone.utc) - timedelta(days=1)).strftime("%Y-%m-%d")
tomorrow = (datetime.now(timezone.utc) + timedelta(days=1)).strftime("%Y-%m-%d")
same(subjects(f"created>{yesterday}"), everyone)
same(subjects(f"created>{tomorrow}"), [])
same(subjects(f"created>={yesterday},created<{tomorrow}"), everyone)
session = study.subjects.find_one("label=plain").add_session(
    label="dated", timestamp=datetime(2019, 8, 7, 10, 30, tzinfo=timezone.utc), age=1000
)
same(labels(study.sessions.find("timestamp>=2019-08-07,timestamp<=2020-08-07")), ["dated"])
same(labels(study.sessions.find("timestamp=2019-08-07T10:30:00")), ["dated"])
same(labels(study.sessions.find("timestamp=2019-08-07T12:30:00+02:00")), ["dated"])
same(labels(study.sessions.find("timestamp=2019-08-07T10:30:00Z")), ["dated"])
same(labels(study.sessions.find("timestamp<2019-08-07T10:30")), [])
same(labels(study.sessions.find("timestamp>2019-08-07T10:29")), ["dated"])
same(labels(study.sessions.find("timestamp=null")), [])

# Ids, parents, and fields of what is embedded.
same(labels(fw.sessions.find(f"_id={session.id}")), ["dated"])
same(labels(fw.sessions.find(f"parents.project={study.id}")), ["dated"])
same(labels(fw.sessions.find(f"project={study.id}")), ["dated"])
same(labels(fw.sessions.find(f"subject={session.parents.subject}")), ["dated"])
same(labels(fw.projects.find("group=lab,label=~^Find")), ["Finders"])
same(labels(fw.sessions.find("subject.label=plain")), ["dated"])
same(labels(fw.sessions.find("age>=1000,age<1001")), ["dated"])
same(labels(fw.sessions.find("age>1000")), [])
session.add_tag("keep me")
same(labels(fw.sessions.find("tags=keep me")), ["dated"])
same(labels(fw.sessions.find("tags=Keep me")), [])
same(labels(fw.sessions.find("tags=~^keep")), ["dated"])

# Containers by the files in them.
scan = session.add_acquisition(label="with file")
session.add_acquisition(label="without")
scan.upload_file(flywheel.FileSpec("a.dcm", b"DICM"))
same(labels(session.acquisitions.find("files.name=a.dcm")), ["with file"])
same(labels(session.acquisitions.find("files.type=dicom")), ["with file"])
same(labels(session.acquisitions.find("files.type=nifti")), [])
equal([file.name for file in fw.files.find("project.label=~^Find,acquisition.label=~^with")], ["a.dcm"])
equal([file.name for file in fw.files.find(f"parents.session={session.id},name=~dcm$")], ["a.dcm"])
equal([file.name for file in fw.files.find(f"parents.project={study.id},size>4")], [])
equal([file.name for file in fw.files.find(f"parents.project={study.id},size>=4,version=1")], ["a.dcm"])
equal([user.id for user in fw.users.find("lastname!=null,_id=~^ann")], ["ann@example.org"])
equal([one.id for one in fw.groups.find("label=Lab")], ["lab"])

# A field nobody has finds nothing; a clause without an operator is refused.
same(subjects("no.such.field=1"), [])
for bad in ("label", "label=plain,nonsense", "=x"):
    with refused(400, 422):
        study.subjects.find(bad)
with refused(400, 422):
    study.subjects.find("label=~(")

# find_one wants exactly one; find_first answers None when there is none.
equal(study.subjects.find_one("label=plain").label, "plain")
for many_or_none in ("label=none", "label!=none"):
    try:
        study.subjects.find_one(many_or_none)
    except ValueError:
        pass
    else:
        raise AssertionError(f"find_one({many_or_none!r}) must fail")
equal(study.subjects.find_first("label=none"), None)
equal(study.subjects.find_first('label="42"').label, "42")

# Sorting, by one key or several, both ways.
ordered = sorted(everyone)
equal(subjects(sort="label:asc"), ordered)
equal(subjects(sort="label:desc"), ordered[::-1])
equal(subjects(sort="label"), ordered)
equal(subjects(sort="label:ASC"), ordered)
equal(subjects(sort="label:-1"), ordered[::-1])
equal(subjects(sort="label:1"), ordered)
equal(subjects("info.age!=null", sort="info.age:desc"), ['quo"te', "s,1", "42", "001"])
equal(subjects("info.age!=null", sort="sex:asc,info.age:desc"), ['quo"te', "s,1", "42", "001"])
equal(subjects("info.age!=null", sort="sex:desc,info.age:asc"), ["001", "42", "s,1", 'quo"te'])
with refused(400, 422):
    study.subjects(sort="label:sideways")
