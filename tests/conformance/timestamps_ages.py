"""Points in time in three zones, and the age of a person at the time of a session."""

import os
import time
from datetime import datetime, timedelta, timezone

os.environ["TZ"] = "America/Chicago"
time.tzset()

from harness import client, equal, project, refused

fw = client()
study = project(fw, "Times")
subject = study.add_subject(label="sub-01", date_of_birth="1990-04-01")
taken = datetime(2018, 7, 24, 15, 30, 12, 123000, tzinfo=timezone.utc)
session = subject.add_session(label="timed", timestamp=taken, timezone="Europe/Berlin", age=31557600 * 28)

# UTC as stored, the machine's zone, the scanner's zone.
equal(session.timestamp, taken)
equal(session.timestamp.utcoffset(), timedelta(0))
equal(session.local_timestamp, taken)
equal(session.local_timestamp.hour, 10)
equal(session.original_timestamp, taken)
equal((session.original_timestamp.hour, session.original_timestamp.minute), (17, 30))
equal(session.timezone, "Europe/Berlin")
assert abs(session.created - datetime.now(timezone.utc)) < timedelta(minutes=5), session.created
equal(session.local_created, session.created)
equal(session.local_modified, session.modified)

# Given in another zone, or without one, it is the same instant in UTC.
for given in ("2018-07-24T17:30:12+02:00", "2018-07-24T15:30:12", "2018-07-24T15:30:12Z", "2018-07-24T15:30:12.000+0000"):
    scan = session.add_acquisition(label=given, timestamp=given)
    equal(scan.timestamp, taken.replace(microsecond=0), given)
    equal(scan.timestamp.utcoffset(), timedelta(0), given)
nowhere = session.add_acquisition(label="no zone", timestamp=taken)
equal(nowhere.local_timestamp, taken)
try:
    nowhere.original_timestamp
except ValueError:
    pass
else:
    raise AssertionError("the original zone is not known")
blank = session.add_acquisition(label="no time")
equal((blank.timestamp, blank.local_timestamp, blank.original_timestamp), (None, None, None))
nowhere.update(timezone="Asia/Tokyo")
equal(nowhere.reload().original_timestamp.hour, 0)
with refused(400, 422):
    session.add_acquisition(label="bad", timestamp="yesterday")
with refused(400, 422):
    session.update(timezone="Mars/Olympus")

# Ages.
equal(session.age, 31557600 * 28)
equal(session.age_years, 28.0)
equal(session.age_months, 31557600 * 28 / 2592000)
equal(session.age_weeks, 31557600 * 28 / 604800)
equal(session.age_days, 28 * 365.25)
ageless = subject.add_session(label="ageless")
equal((ageless.age, ageless.age_years), (None, None))
session.update(age=86400)
equal(session.reload().age_days, 1.0)
equal(str(subject.reload().date_of_birth)[:10], "1990-04-01")
