"""Gears, jobs, batches, rules, analyses, saved searches."""

import contextlib
import io
import time

import flywheel

from tasks import pick, refusal, run, task


def gear(at, name, category="utility"):
    """Adds a gear that takes a table, and returns it."""
    manifest = {
        "name": at.own(name),
        "label": name,
        "description": "Counts the rows of a tab-separated table as often as it is told to, so that there is "
        "something to wait for, and leaves the sum.",
        "version": "1.0.0",
        "author": "Jo",
        "license": "MIT",
        "url": "",
        "source": "",
        "config": {"times": {"type": "integer", "default": 2, "minimum": 1, "description": "How often."}},
        "inputs": {"table": {"base": "file", "type": {"enum": ["tabular data"]}}},
    }
    exchange = {"git-commit": "local", "rootfs-hash": "sha384:0", "rootfs-url": "docker://none"}
    at.fw.add_gear(at.own(name), {"category": category, "gear": manifest, "exchange": exchange})
    return at.fw.lookup(f"gears/{at.own(name)}")


@task
def add_gears(at):
    made = gear(at, "added")
    schema = at.fw.get_gear_invocation(made.id)
    details = io.StringIO()
    with contextlib.redirect_stdout(details):
        made.print_details(width=70)
    return {
        "name": made.gear.name,
        "version": made.gear.version,
        "analysis": made.is_analysis_gear(),
        "defaults": made.get_default_config(),
        "required": schema["properties"]["inputs"]["required"],
        "again": refusal(lambda: gear(at, "added"))[0],
        "details": details.getvalue(),
        "found": at.fw.gears.find_one(f"gear.name={at.own('added')}").gear.label,
    }


@task
def run_jobs(at):
    count = gear(at, "run")
    scan = at.fw.lookup(at.path("sub-01", "ses-01", "bold"))
    table = scan.get_file("events.csv")
    job_id = count.run(config={"times": 5}, inputs={"table": table}, destination=scan, tags=["mine"], priority="high")
    job = at.fw.get_job(job_id)
    found = len(at.fw.jobs.find(f"gear_id={count.id}", "state=pending"))
    job.change_state("cancelled")
    bad = refusal(lambda: count.run(config={"times": 0}, inputs={"table": table}, destination=scan))
    return {
        "job": [job.state, job.priority, sorted(job.tags), job.config.config, job.attempt, job.gear_info.name],
        "input": [job.inputs["table"].name, job.inputs["table"].id == scan.id],
        "found": found,
        "state": job.reload().state,
        "logs": [entry.msg for entry in job.get_logs()],
        "refused": len(bad) == 2,
    }


@task
def run_batches(at):
    count = gear(at, "batch")
    sessions = at.study.sessions()
    scans = [scan.id for session in sessions for scan in session.acquisitions.find("label=bold")]
    proposal = count.propose_batch(sessions, config={"times": 3}, tags=["night"])
    jobs = proposal.run()
    tables = sorted(job.inputs["table"].name for job in jobs)
    batch = at.fw.get_batch(proposal.id)
    cancelled = batch.cancel()
    return {
        "matched": sorted(scans.index(one.id) >= 0 for one in proposal.matched),
        "not matched": len(proposal.not_matched),
        "jobs": [len(jobs), tables, jobs[0].config.config, sorted(jobs[0].tags)],
        "cancelled": [cancelled, at.fw.get_batch(proposal.id).state],
    }


@task
def add_rules(at):
    count = gear(at, "rule")
    rule = {
        "project_id": at.study.id,
        "gear_id": count.id,
        "name": "Every table",
        "all": [{"type": "file.type", "value": "tabular data", "regex": False}],
        "any": [],
        "not": [{"type": "file.name", "value": "*skip*", "regex": False}],
        "auto_update": False,
        "config": {"times": 4},
    }
    at.fw.add_project_rule(at.study.id, rule)
    [made] = at.fw.get_project_rules(at.study.id)
    at.fw.modify_project_rule(at.study.id, made.id, {"name": "Every new table"})
    session = at.fw.lookup(at.path("sub-01", "ses-01"))
    for name in ("new.csv", "skip.csv", "new.txt"):
        session.upload_file(flywheel.FileSpec(name, "a,b\n"))
    while not (found := at.fw.jobs.find(f"gear_id={count.id}")):
        # Rules are asked just after an upload.
        time.sleep(0.05)
    jobs = [at.fw.get_job(job.id) for job in found]
    started = [[job.state, job.inputs["table"].name, job.config.config] for job in jobs]
    changed = at.fw.get_project_rule(at.study.id, made.id)
    at.fw.remove_project_rule(at.study.id, made.id)
    return [
        pick(made, "name", "disabled", "auto_update", "config"),
        [[one.type, one.value, one.regex] for one in made.all + made._not],
        changed.name,
        started,
        len(at.fw.get_project_rules(at.study.id)),
    ]


@task
def attach_analyses(at):
    session = at.fw.lookup(at.path("sub-01", "ses-01"))
    scan = at.fw.lookup(at.path("sub-01", "ses-01", "T1w"))
    analysis = session.add_analysis(label="Volumes", description="By hand", inputs=[scan.get_file("t1.nii.gz").ref()])
    analysis.upload_output([flywheel.FileSpec("volumes.csv", "region,mm3\n"), flywheel.FileSpec("log.txt", "fine")])
    analysis.update_info({"regions": 1})
    analysis.add_note("went well")
    analysis.add_tag("done")
    analysis = analysis.reload()
    return {
        "document": pick(analysis, "label", "description", "info", "tags"),
        "inputs": [file.name for file in analysis.inputs],
        "outputs": sorted([file.name, file.type, file.size] for file in analysis.files),
        "content": analysis.read_file("volumes.csv").decode(),
        "in use": refusal(lambda: scan.delete_file("t1.nii.gz")),
        "found": [one.label for one in at.fw.get_session_analyses(session.id)],
        "path": at.fw.lookup(at.path("sub-01", "ses-01", "analyses", "Volumes")).label,
    }


@task
def restrict_gears(at):
    made = gear(at, "restricted")
    made.modify_gear_series({"is_restricted": True})
    at.fw.add_gear_permission(at.own("restricted"), "users", {"id": "ann@example.org"})
    at.fw.add_gear_permission(at.own("restricted"), "projects", {"id": at.study.id})
    opened = made.get_series()
    made.delete_permission("users", "ann@example.org")
    closed = made.get_series()
    made.delete_all_permissions()
    freed = made.get_series()
    return [
        [one.is_restricted, one.permissions.users or [], len(one.permissions.projects or [])] for one in (opened, closed)
    ] + [freed.is_restricted]


@task
def save_searches(at):
    query = f"project._id = {at.study.id} AND file.type = nifti"
    kept = at.fw.save_search(
        {
            "label": at.own("volumes"),
            "search": {"return_type": "file", "structured_query": query},
            "parent": {"type": "project", "id": at.study.id},
        }
    )
    saved = at.fw.get_saved_search(kept)
    found = len(at.fw.search(saved.search, size=100))
    mistake = at.fw.parse_search_query({"structured_query": "file.type is nifti"}).errors[0]
    at.fw.delete_save_search(kept)
    return [saved.label, saved.search.return_type, found, mistake.pos, refusal(lambda: at.fw.get_saved_search(kept))[0]]


run()
