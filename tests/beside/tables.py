"""Data views: rows, CSV, what is in files, groups, and views that are kept."""

import json

import flywheel

from tasks import pick, run, task


def read(at, view, container=None, **options):
    with at.fw.read_view_data(view, container or at.study.id, **options) as text:
        return json.load(text)


@task
def read_rows(at):
    view = (
        flywheel.ViewBuilder(include_ids=False)
        .column("subject.sex", "sex")
        .column("session.age", "months", type="int", expr="x / 31557600 * 12")
        .column("subject.info.score", "score", type="float")
        .build()
    )
    everything = read(at, view)["data"]
    some = read(at, view, filter="subject.sex!=other", limit=2)["data"]
    below = read(at, view, at.fw.lookup(at.path("sub-01")).id)["data"]
    return [everything, some, below]


@task
def write_csv(at):
    view = at.fw.View(columns=["subject.label", "session.label", "session.age_years"], include_ids=False, include_labels=False)
    target = at.folder / "python.csv"
    at.fw.save_view_data(view, at.study.id, str(target), format="csv")
    with at.fw.read_view_data(view, at.study.id, format="tsv") as text:
        return [target.read_bytes().decode(), text.read()]


@task
def read_files_through_a_view(at):
    events = (
        flywheel.ViewBuilder(include_ids=False, include_labels=False)
        .column("subject.label", "who")
        .files("acquisition", "*.csv")
        .file_column("trial", type="int")
        .file_column("rt", "reaction_time", "float")
        .build()
    )
    members = (
        flywheel.ViewBuilder(include_ids=False, include_labels=False)
        .column("subject.label")
        .column("file.name")
        .column("file.info.snr", "snr")
        .files("acquisition", "*.nii.gz")
        .file_match("all")
        .process_files(False)
        .build()
    )
    return [read(at, events)["data"], read(at, members)["data"]]


@task
def group_rows(at):
    view = (
        flywheel.ViewBuilder(include_ids=False, include_labels=False)
        .group_by("subject.sex")
        .column("session.age_years", "mean", accumulator="mean")
        .column("session.id", "visits", accumulator="count")
        .build()
    )
    return sorted(read(at, view, format="json-flat"), key=json.dumps)


@task
def save_a_view(at):
    view = at.fw.View(label="Ages", description="Of everyone", columns=["subject.label", "session.age_years"], include_ids=False)
    saved_id = at.fw.add_view(at.study.id, view)
    at.fw.modify_view(saved_id, {"description": "Of each visit"})
    listed = [pick(one, "label", "description") for one in at.fw.get_views(at.study.id)]
    rows = read(at, saved_id)["data"]
    names = sorted(column.name for column in at.fw.data_view_columns())
    at.fw.delete_view(saved_id)
    return [listed, rows, names[:5], len(names), len(at.fw.get_views(at.study.id))]


run()
