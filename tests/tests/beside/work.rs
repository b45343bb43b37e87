//! Gears, jobs, batches, rules, analyses, saved searches.

use flywheel::blocking::Block;
use flywheel::gear::{Condition, Permitted};
use flywheel::{Acquisition, Analysis, Gear, JobState, Kind, Resource, Session, Source};
use serde_json::{Value, json};

use crate::task::{Outcome, Task, pick, refusal};

/// Adds a gear that takes a table.
fn gear(at: &Task, name: &str) -> flywheel::Result<Gear> {
    let manifest = json!({
        "name": at.own(name), "label": name, "version": "1.0.0", "author": "Jo", "license": "MIT", "url": "", "source": "",
        "description": "Counts the rows of a tab-separated table as often as it is told to, so that there is something \
            to wait for, and leaves the sum.",
        "config": {"times": {"type": "integer", "default": 2, "minimum": 1, "description": "How often."}},
        "inputs": {"table": {"base": "file", "type": {"enum": ["tabular data"]}}},
    });
    let exchange = json!({"git-commit": "local", "rootfs-hash": "sha384:0", "rootfs-url": "docker://none"});
    at.fw.add_gear(json!({"category": "utility", "gear": manifest, "exchange": exchange})).block()
}

pub(crate) fn add_gears(at: &Task) -> Outcome {
    let made = gear(at, "added")?;
    let schema = made.invocation_schema().block()?;
    let found = at.fw.gears().filter(format!("gear.name={}", at.own("added"))).find_one().block()?;
    Ok(json!({
        "name": made.name(),
        "version": made.version(),
        "analysis": made.is_analysis(),
        "defaults": made.default_config(),
        "required": schema["properties"]["inputs"]["required"],
        "again": refusal(gear(at, "added"))[0],
        // The official client means to print the types of inputs, but its models hide them from it.
        "details": made.details_in(70).replace("    Type: tabular data\n", ""),
        "found": found.label(),
    }))
}

pub(crate) fn run_jobs(at: &Task) -> Outcome {
    let count = gear(at, "run")?;
    let scan: Acquisition = at.fw.lookup(at.path("/sub-01/ses-01/bold")).cast().block()?;
    let table = scan.file("events.csv").block()?;
    let run = |times: u32| {
        count.invoke().config("times", times).input("table", &table).destination(scan.reference())
    };
    let mut job = run(5).tag("mine").priority("high").job().block()?;
    let found =
        at.fw.jobs().filter(format!("gear_id={}", count.id())).filter("state=pending").count().block()?;
    let document = json!(job);
    let input = &document["inputs"]["table"];
    let mut tags = job.tags.clone().unwrap_or_default();
    tags.sort_unstable();
    let before = json!([
        job.state(),
        document["priority"],
        tags,
        document["config"]["config"],
        document["attempt"],
        job.gear_name(),
    ]);
    job.change_state(JobState::Cancelled).block()?;
    let bad = run(0).job().block();
    Ok(json!({
        "job": before,
        "input": [input["name"], input["id"] == scan.id()],
        "found": found,
        "state": job.state(),
        "logs": json!(job.logs().block()?)["logs"].as_array().into_iter().flatten()
            .map(|entry| entry["msg"].clone()).collect::<Value>(),
        "refused": bad.is_err(),
    }))
}

pub(crate) fn run_batches(at: &Task) -> Outcome {
    let count = gear(at, "batch")?;
    let sessions = at.study.sessions().block()?;
    let mut scans = Vec::new();
    for session in &sessions {
        scans.extend(session.acquisitions().filter("label=bold").block()?);
    }
    let proposal = count
        .propose_batch(sessions.iter().map(Resource::reference))
        .config("times", 3)
        .tags(["night"])
        .send()
        .block()?;
    let mut batch = proposal.run().block()?;
    let job = json!(batch.jobs.first().ok_or("no job")?);
    let mut tables: Vec<Value> =
        batch.jobs.iter().map(|job| json!(job)["inputs"]["table"]["name"].clone()).collect();
    tables.sort_by_key(Value::to_string);
    let mut tags: Vec<String> = serde_json::from_value(job["tags"].clone())?;
    tags.sort_unstable();
    let jobs = json!([batch.jobs.len(), tables, job["config"]["config"], tags]);
    let cancelled = batch.cancel().block()?;
    batch.reload().block()?;
    let matched: Vec<bool> =
        proposal.matched.iter().map(|one| scans.iter().any(|scan| scan.id() == one.id)).collect();
    Ok(json!({
        "matched": matched,
        "not matched": proposal.not_matched.len(),
        "jobs": jobs,
        "cancelled": [cancelled, batch.state],
    }))
}

pub(crate) fn add_rules(at: &Task) -> Outcome {
    let count = gear(at, "rule")?;
    let rules = at.study.rules();
    let conditions = rules.add("Every table", &count).all(Condition::file_type("tabular data"));
    let skipping = conditions.not(Condition::file_name("*skip*"));
    skipping.config("times", 4).auto_update(false).block()?;
    let made = rules.list().block()?.pop().ok_or("no rule")?;
    let document = json!(made);
    let id = document["_id"].as_str().ok_or("a rule has an id")?;
    rules.change(id).set("name", "Every new table").block()?;
    let session: Session = at.fw.lookup(at.path("/sub-01/ses-01")).cast().block()?;
    for name in ["new.csv", "skip.csv", "new.txt"] {
        session.upload(Source::bytes(name, "a,b\n")).block()?;
    }
    let jobs = loop {
        let found = at.fw.jobs().filter(format!("gear_id={}", count.id())).block()?;
        if !found.is_empty() {
            break found;
        }
        // Rules are asked just after an upload.
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    let started: Value = jobs
        .iter()
        .map(|job| json!(job))
        .map(|job| json!([job["state"], job["inputs"]["table"]["name"], job["config"]["config"]]))
        .collect();
    let changed = json!(rules.get(id).block()?)["name"].clone();
    rules.remove(id).block()?;
    let conditions: Value = ["all", "not"]
        .iter()
        .flat_map(|part| document[*part].as_array().into_iter().flatten())
        .map(|one| json!([one["type"], one["value"], one["regex"]]))
        .collect();
    let fields = ["name", "disabled", "auto_update", "config"];
    Ok(json!([pick(&document, &fields), conditions, changed, started, rules.list().block()?.len()]))
}

pub(crate) fn attach_analyses(at: &Task) -> Outcome {
    let session: Session = at.fw.lookup(at.path("/sub-01/ses-01")).cast().block()?;
    let scan: Acquisition = at.fw.lookup(at.path("/sub-01/ses-01/T1w")).cast().block()?;
    let volume = scan.file("t1.nii.gz").block()?;
    let new = session.add_analysis("Volumes").set("description", "By hand");
    let mut analysis = new.inputs([volume.file_ref()?]).block()?;
    let outputs = [Source::bytes("volumes.csv", "region,mm3\n"), Source::bytes("log.txt", "fine")];
    analysis.upload_all(outputs).block()?;
    analysis.info().merge(json!({"regions": 1})).block()?;
    analysis.notes().add("went well").block()?;
    analysis.tags().add(["done"]).block()?;
    analysis.reload().block()?;
    let inputs: Vec<String> = analysis.loaded_inputs().iter().map(|file| file.name().to_owned()).collect();
    let mut files: Vec<Value> = analysis
        .loaded_files()
        .iter()
        .map(|file| json!([file.name(), file.file_type(), file.size()]))
        .collect();
    files.sort_by_key(Value::to_string);
    let content = analysis.file("volumes.csv").block()?.download().bytes().block()?;
    let by_path: Analysis = at.fw.lookup(at.path("/sub-01/ses-01/analyses/Volumes")).cast().block()?;
    Ok(json!({
        "document": pick(&analysis, &["label", "description", "info", "tags"]),
        "inputs": inputs,
        "outputs": files,
        "content": String::from_utf8_lossy(&content),
        "in use": refusal(volume.delete().block()),
        "found": crate::task::labels(&session.analyses().block()?),
        "path": by_path.label(),
    }))
}

pub(crate) fn restrict_gears(at: &Task) -> Outcome {
    let access = gear(at, "restricted")?.access();
    access.restrict(true).block()?;
    access.add(Permitted::Users, "ann@example.org").block()?;
    access.add(Permitted::Projects, at.study.id()).block()?;
    let opened = json!(access.series().block()?);
    access.remove(Permitted::Users, "ann@example.org").block()?;
    let closed = json!(access.series().block()?);
    access.clear().block()?;
    let freed = json!(access.series().block()?);
    let show = |one: &Value| {
        let projects = one["permissions"]["projects"].as_array().map_or(0, Vec::len);
        json!([
            one["is_restricted"],
            one["permissions"]["users"].as_array().cloned().unwrap_or_default(),
            projects
        ])
    };
    Ok(json!([show(&opened), show(&closed), freed["is_restricted"]]))
}

pub(crate) fn save_searches(at: &Task) -> Outcome {
    let search = at.fw.search(format!("project._id = {} AND file.type = nifti", at.study.id()));
    let saved = search.save(at.own("volumes"), Kind::File, &at.study).block()?;
    let again = at.fw.saved_searches().get(saved.id()).block()?;
    let found = again.search()?.find_hits(Kind::File).block()?.len();
    let mistakes = at.fw.search_index().check("file.type is nifti").block()?;
    let mistake = json!(mistakes.first().map(|one| one.pos));
    let (id, label, kind) = (again.id().to_owned(), again.label().to_owned(), again.finds());
    again.delete().block()?;
    Ok(json!([label, kind, found, mistake, refusal(at.fw.saved_searches().get(id).block())[0]]))
}
