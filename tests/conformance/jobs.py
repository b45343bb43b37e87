"""Jobs and batches by the official client: run, watched, steered, handed in and looked up afterwards."""

import io

import flywheel

from harness import acquisition, client, equal, gear, project, refused, same

fw = client()
study = project(fw, "Jobs")
scan = acquisition(study)
scan.upload_file(flywheel.FileSpec("scan.txt", b"words", "text/plain"))
scan = scan.reload()
session = fw.get_session(scan.parents.session)


def add(name, category):
    """Adds a gear that takes a text, and returns it."""
    times = {"type": "integer", "default": 2, "minimum": 1}
    text = {"base": "file", "type": {"enum": ["text"]}}
    gear(fw, name, category, config={"times": times}, inputs={"text": text})
    return fw.lookup(f"gears/{name}")


def ask(**more):
    """Takes the next job from the queue, as an engine does."""
    body = {"whitelist": {}, "blacklist": {}, "capabilities": [], "return": {"jobs": 1, **more}}
    jobs = fw.ask_jobs(body).jobs
    return jobs[0] if jobs else None


def end(job_id, success=True, reason=None):
    """Ends a job, as an engine does."""
    ticket = fw.prepare_complete_job(job_id).ticket
    fw.complete_job(job_id, {"success": success, "failure_reason": reason}, job_ticket_id=ticket)


count = add("count", "utility")
measure = add("measure", "analysis")
text = scan.get_file("scan.txt")

# A job of a gear that writes to its destination.
job_id = count.run(config={"times": 5}, inputs={"text": text}, destination=scan, tags=["mine"])
job = fw.get_job(job_id)
equal((job.id, job.state, job.priority, job.attempt), (job_id, "pending", "medium", 1))
equal((job.config.config, job.destination.id), ({"times": 5}, scan.id))
equal((job.inputs["text"].name, job.gear_info.name), ("scan.txt", "count"))
same(job.tags, ["mine", "count"])
equal(job.parents.project, study.id)
with refused(422) as wrong:
    count.run(config={"times": 0}, inputs={"text": text}, destination=scan)
assert "config did not match manifest" in wrong.error.body, wrong.error.body
with refused(422):
    count.run(destination=scan)
equal(job.update_priority("high").modified, 1)

# Found by filters, and where it works.
for filter in ("state=pending", "gear_info.name=count", f"gear_id={count.id}", f"parents.project={study.id}", "tags=mine"):
    equal([found.id for found in fw.jobs.find(filter)], [job_id], filter)
equal(fw.jobs.find("state=failed"), [])
equal([found.id for found in fw.get_session_jobs(session.id).jobs], [job_id])
own = fw.get_current_user_jobs()
equal((own.total, own.stats.pending), (1, 1))
equal(fw.determine_provider_for_job({"gear_id": count.id, "inputs": {"text": text.ref()}}).provider_class, "compute")

# An engine runs it.
equal(ask(peek=True).id, job_id)
given = ask()
equal((given.id, given.state), (job_id, "running"))
equal(given.request.target["command"], ["bash", "-c", "./run"])
fw.heartbeat_job(job_id)
fw.add_job_logs(job_id, [{"fd": 1, "msg": "counting\n"}, {"fd": 2, "msg": "done\n"}])
fw.update_job_profile(job_id, {"elapsed_time_ms": 12})
config = fw.get_job_config(job_id)
equal(config.config, {"times": 5})
end(job_id)
job = fw.get_job(job_id)
equal((job.state, job.profile.elapsed_time_ms), ("complete", 12))
assert job.transitions.complete is not None
equal([entry.msg for entry in job.get_logs()], ["Gear: count, version: 1.0.0\n", "counting\n", "done\n"])
printed = io.StringIO()
job.print_logs(printed)
assert "counting\ndone\n" in printed.getvalue()
detail = fw.get_job_detail(job_id)
equal(detail.inputs["text"].object.size, 5)
equal(detail.parent_info.session.label, session.label)
with refused(400):
    job.change_state("cancelled")

# Cancelled before it began.
job = fw.get_job(count.run(inputs={"text": text}, destination=scan))
job.change_state("cancelled")
equal(fw.get_job(job.id).state, "cancelled")
equal(ask(), None)

# Failed, and tried again.
job_id = count.run(inputs={"text": text}, destination=scan)
ask()
end(job_id, success=False, reason="no luck")
failed = fw.get_job(job_id)
equal((failed.state, failed.failure_reason), ("failed", "no luck"))
again = fw.get_job(fw.retry_job(job_id))
equal((again.attempt, again.previous_job_id, again.state), (2, job_id, "pending"))
with refused(409):
    fw.retry_job(job_id)
ask()
end(again.id)

# An analysis and its job.
analysis_id = measure.run(analysis_label="Measured", inputs={"text": text}, destination=session)
analysis = fw.get_analysis(analysis_id)
equal((analysis.label, analysis.gear_info.name), ("Measured", "measure"))
inflated = fw.get_analysis(analysis_id, inflate_job=True)
equal((inflated.job.state, inflated.job.id), ("pending", analysis.job.id))
equal([entry.job.get("state") for entry in fw.get_session(session.id).analyses], ["pending"])
same(fw.get_job(analysis.job.id).tags, ["measure", "analysis"])
with refused(400):
    analysis.upload_output(flywheel.FileSpec("mine.txt", b"x", "text/plain"))
ask()
end(analysis.job.id)
equal(fw.get_analysis(analysis_id, inflate_job=True).job.state, "complete")

# A batch: proposed, run, ended.
empty = session.add_acquisition(label="empty")
proposal = count.propose_batch([session], config={"times": 3}, tags=["night"])
equal([entry.id for entry in proposal.matched], [scan.id])
equal([entry.id for entry in proposal.not_matched], [empty.id])
jobs = proposal.run()
equal([job.config.config for job in jobs], [{"times": 3}])
same(jobs[0].tags, ["night", "count", "batch"])
equal(fw.get_batch(proposal.id).state, "running")
ask()
end(jobs[0].id)
batch = fw.get_batch(proposal.id, jobs=True)
equal((batch.state, len(batch.jobs)), ("complete", 1))

# Batches of analyses, of jobs made beforehand, and cancelled ones.
proposal = measure.propose_batch([session], analysis_label="Nightly")
proposal.run()
assert "Nightly" in [entry.label for entry in fw.get_session_analyses(session.id)]
premade = fw.create_batch_job_from_jobs({"jobs": [{"gear_id": count.id, "inputs": {"text": text.ref()}}]})
equal(len(fw.start_batch(premade.id)), 1)
equal(fw.cancel_batch(premade.id), 1)
equal(fw.get_batch(premade.id).state, "cancelled")
same([batch.state for batch in fw.get_all_batches()], ["complete", "running", "cancelled"])

# Counts for engines.
counts = fw.ask_jobs({"whitelist": {}, "blacklist": {}, "capabilities": [], "return": {"states": True}}).states
equal((counts.pending, counts.failed, counts.running), (1, 1, 0))
equal(fw.ask_jobs_state("complete", {"whitelist": {"gear-name": ["count"]}, "blacklist": {}, "capabilities": []}).count, 3)
equal(fw.reap_jobs().orphaned, 0)
assert fw.get_jobs_stats()["states"]["pending"] == 1
