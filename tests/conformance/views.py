"""Data views by the official client: the builder with each of its options, reading, saving, saved views."""

import csv
import gzip
import io
import json
import zipfile

import flywheel

from harness import SCRATCH, client, equal, grant, project, refused, scratch

YEAR = 31557600

fw = client()
study = project(fw, "Views")
for label, sex, ages in [("sub-01", "female", [30, 31]), ("sub-02", "male", [41])]:
    subject = study.add_subject(label=label, sex=sex)
    for number, age in enumerate(ages, 1):
        session = subject.add_session(label=f"ses-{number}", age=age * YEAR)
        scan = session.add_acquisition(label="bold")
        table = f"trial,rt\n1,{age / 100}\n2,n/a\n"
        scan.upload_file(scratch("events.csv", table))
        scan.upload_file(scratch("bold.nii.gz", b"not an image"))
        scan.reload().get_file("bold.nii.gz").update_info(EchoTime=age)


def read(view, container=study.id, **options):
    """The rows of a view as the client reads them."""
    with fw.read_view_data(view, container, **options) as text:
        return json.load(text)


def bare(**options):
    """A view of its columns alone."""
    return fw.View(include_ids=False, include_labels=False, error_column=False, **options)


# Column aliases.
columns = {column.name: column for column in fw.data_view_columns()}
equal(columns["subject"].group[:2], ["subject.id", "subject.label"])
equal((columns["session.age_years"].src, columns["session.age_years"].type), ("session.age", "float"))
listing = io.StringIO()
fw.print_view_columns(file=listing)
equal(listing.getvalue().splitlines()[0].split(":")[0], "project (group)")

# Labels in front, ids behind, the error column last.
rows = read(fw.View(columns=["subject.sex"]))["data"]
equal(
    list(rows[0]),
    ["project.label", "subject.label", "subject.sex", "project.id", "subject.id", "errors"],
)
equal([(row["subject.label"], row["subject.sex"]) for row in rows], [("sub-01", "female"), ("sub-02", "male")])
equal(rows[0]["project.id"], study.id)

# Columns as tuples: source, name, type, accumulator, expression.
view = bare(columns=[("subject.label", "who"), ("session.age", "months", "int", None, "x / 31557600 * 12")])
equal(
    read(view, format="json-flat"),
    [{"who": "sub-01", "months": 360}, {"who": "sub-01", "months": 372}, {"who": "sub-02", "months": 492}],
)
equal(read(view, format="json-row-column")["data"]["columns"], ["who", "months"])
equal([row["months"] for row in read(view, filter="session.age_years>30.5", skip=0, limit=1)["data"]], [372])
equal(len(read(view, container=subject.id)["data"]), 1)

# Grouping, by name and by the builder.
for grouped in [
    bare(columns=[("session.age_years", "mean", "float", "mean")], group_by="subject.label"),
    bare(columns=[("session.age_years", "mean", "float", "mean")], group_by=["subject.label"]),
    flywheel.ViewBuilder().group_by("subject.label").column(
        "session.age_years", dst="mean", accumulator="mean").build(),
]:
    equal(
        read(grouped, format="json-flat"),
        [{"subject.label": "sub-01", "mean": 30.5}, {"subject.label": "sub-02", "mean": 41.0}],
    )
every = ["count", "sum", "mean", "standard_deviation", "minimum", "maximum"]
view = bare(columns=[("session.age_years", name, None, name) for name in every], group_by="project.label")
row = read(view)["data"][0]
equal([round(row[name], 6) for name in every], [3, 102.0, 34.0, 4.966555, 30.0, 41.0])

# Attributes of files, by the short form.
view = bare(columns=["acquisition.file.name", ("acquisition.file.info.EchoTime", "Echo Time")])
rows = read(view)["data"]
equal([row["Echo Time"] for row in rows], [30, 31, 41])
equal({row["acquisition.file.name"] for row in rows}, {"bold.nii.gz"})

# Records of files.
view = bare(columns=["subject.label", "file.row_number"], container="acquisition", filename="*.csv")
rows = read(view)["data"]
equal(rows[1], {"subject.label": "sub-01", "file.row_number": 1, "trial": "2", "rt": "n/a"})
equal(len(rows), 6)
builder = flywheel.ViewBuilder(include_ids=False, include_labels=False)
builder.column("session.label").files("acquisition", "EVENTS.*").file_column("rt", "seconds", "float")
builder.missing_data_strategy("drop-row").filter('subject.label="sub-01"').sort(False)
equal([row["seconds"] for row in read(builder.build())["data"]], [0.3, 0.31])

# Formats, options and packings.
scan.upload_file(scratch("semi.txt", "k;v\n'a;b';1\n"))
scan.upload_file(scratch("packed.json.gz", gzip.compress(b'[{"k": 1}, {"k": 2}]')))
archive = io.BytesIO()
with zipfile.ZipFile(archive, "w") as packed:
    packed.writestr("first.json", '{"k": 3}')
    packed.writestr("second.json", '{"k": 4}')
scan.upload_file(scratch("members.zip", archive.getvalue()))


def of_file(name, regex=False):
    """A view of the records of some files."""
    builder = flywheel.ViewBuilder(include_ids=False, include_labels=False, error_column=False)
    return builder.file_container("acquisition").file_filter(name, regex=regex)


def keys(builder):
    """The field k of each record, where there is one."""
    rows = read(builder.file_column("k").build(), container=scan.id)["data"]
    return [row["k"] for row in rows]


options = {"delimiter": ";", "quotechar": "'"}
equal(keys(of_file("semi.txt").file_format("csv").file_format_options(**options)), ["a;b"])
equal(keys(of_file(r"packed.*gz$", regex=True)), [1, 2])
equal(keys(of_file("*.zip").zip_member_filter("*.json")), [3])
equal(keys(of_file("*.zip").zip_member_filter("second", regex=True, match="all")), [4])
equal(keys(of_file("*.zip").zip_member_filter("*", match="all").file_match("newest")), [3, 4])
names = of_file("*").file_match("all").process_files(False).column("file.name").build()
equal(len(read(names, container=scan.id)["data"]), 5)

# An unreadable file leaves its row, last, and says why.
scan.upload_file(scratch("broken.json", "{"))
rows = read(of_file("broken.json").error_column().column("acquisition.label").build(), container=scan.id)["data"]
equal(rows[0]["acquisition.label"], "bold")
assert rows[0]["errors"].startswith("broken.json: "), rows

# Files of analyses.
analysis = session.add_analysis(label="Fit 1")
analysis.upload_output(scratch("out.csv", "score\n9\n"))
builder = flywheel.ViewBuilder(include_ids=False, include_labels=False, error_column=False)
builder.column("analysis.label").files("session", "*.csv", analysis_label="fit*")
equal(read(builder.build(), container=session.id)["data"], [{"analysis.label": "Fit 1", "score": "9"}])
by_gear = flywheel.ViewBuilder(columns="analysis.label").files("session", "*.csv", analysis_gear_name="afq")
equal([row["analysis.label"] for row in read(by_gear.build(), container=session.id)["data"]], [None])

# To disk.
path = SCRATCH / "ages.csv"
ages = bare(columns=["subject.label", "session.age_years", "session.info"])
fw.save_view_data(ages, study.id, str(path), format="csv")
with open(path, newline="") as file:
    equal(next(csv.reader(file)), ["subject.label", "session.age_years", "session.info"])
assert path.read_bytes().endswith(b"sub-02,41.0,{}\r\n"), path.read_bytes()
fw.save_view_data(ages, study.id, str(path), format="tsv", limit=1)
equal(path.read_bytes(), b"subject.label\tsession.age_years\tsession.info\r\nsub-01\t30.0\t{}\r\n")
fw.save_view_data(bare(columns=["subject.label"]), study.id, str(path), format="ndjson")
equal(path.read_text(), '{"subject.label":"sub-01"}\n{"subject.label":"sub-02"}\n')
fw.save_view_data(bare(columns=["subject.label"]), study.id, str(path), format="csv", filter="subject.label=none")
equal(path.read_bytes(), b"")

# A data frame, where pandas is.
try:
    import pandas
except ImportError:
    pandas = None
if pandas is not None:
    frame = fw.read_view_dataframe(ages, study.id)
    equal(list(frame["session.age_years"]), [30.0, 31.0, 41.0])

# Saved views, of each sort of parent.
saved = fw.View(label="Sexes", description="of people", columns=["subject.sex"], include_ids=False)
view_id = fw.add_view(study.id, saved)
shown = fw.get_view(view_id)
equal((shown.label, shown.description, shown.columns[0].src), ("Sexes", "of people", "subject.sex"))
equal([view.id for view in fw.get_views(study.id)], [view_id])
equal(len(read(view_id)["data"]), 2)
fw.modify_view(view_id, {"label": "Sex"})
equal(fw.get_view(view_id).label, "Sex")
for parent in ["site", "lab", fw.get_current_user().id]:
    other = fw.add_view(parent, fw.View(label="other", columns=["subject"]))
    equal([view.id for view in fw.get_views(parent)], [other])
    fw.delete_view(other)
    equal(fw.get_views(parent), [])
response = fw.evaluate_view(view_id, study.id, format="csv", _return_http_data_only=True, _preload_content=False)
equal(response.content.splitlines()[0], b"project.label,subject.label,subject.sex,errors")
response = fw.evaluate_view_adhoc(study.id, ages, format="json-flat", _return_http_data_only=True, _preload_content=False)
equal(len(response.json()), 3)

# Into a container, and executions as documents.
target = {"viewId": view_id, "containerType": "project", "containerId": study.id, "filename": "sexes.csv"}
fw.save_view_data_to_container(study.id, target, format="csv")
equal(study.reload().read_file("sexes.csv").splitlines()[1], b"Views,sub-01,female,")
executions = fw.get_all_data_view_executions()
assert all(execution.state == "completed" for execution in executions), executions
mine = executions[-1]
equal((mine.project_id, mine.user_id), (study.id, fw.get_current_user().id))
fw.save_data_view_execution(mine.id, file_format="csv")
equal(fw.delete_view_execution(mine.id).deleted, 1)
with refused(404):
    fw.get_data_view_execution(mine.id)
fw.delete_view(view_id)
with refused(404):
    fw.get_view(view_id)

# What cannot work is refused before it is queued.
for wrong in ["nonsense", "project.permissions", "file.name"]:
    with refused(400):
        fw.read_view_data(bare(columns=[wrong]), study.id)
with refused(400):
    fw.read_view_data(bare(columns=[("session.age", "x", "int", None, "__import__('os')")]), study.id)

# Who may.
eve, ann = client("eve"), client("ann")
grant(fw, study, "ann", "ro")
with refused(403):
    eve.read_view_data(ages, study.id)
with refused(403):
    ann.add_view(study.id, saved)
equal(len(json.load(ann.read_view_data(ages, study.id))["data"]), 3)
