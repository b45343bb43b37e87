//! Making, changing, moving, copying and deleting containers, and what is written on them.

use chrono::{Duration, Utc};
use flywheel::blocking::Block;
use flywheel::{Acquisition, DeleteReason, Kind, MoveTo, Session, Subject};
use serde_json::{Value, json};

use crate::task::{Outcome, Task, labels, pick, refusal};

pub(crate) fn add_containers(at: &Task) -> Outcome {
    let subject = at.study.add_subject("new").firstname("Bo").sex("male").info(json!({"iq": 101})).block()?;
    let session = subject.add_session("visit").age(946_728_000).weight(70.5).block()?;
    let scan = session.add_acquisition("Struct_T1").set("timestamp", "2019-10-03T15:32:00Z").block()?;
    let again = refusal(at.study.add_subject("new").block());
    let unknown = refusal(at.study.add_subject("x").set("no_such_field", 1).block());
    Ok(json!({
        "subject": pick(&subject, &["label", "firstname", "sex", "info", "code"]),
        "session": pick(&session, &["label", "age", "weight"]),
        "acquisition": [scan.label(), scan.recorded_at().ok_or("no time")?.utc().timestamp()],
        "again": again[0],
        "unknown": unknown[0],
    }))
}

pub(crate) fn update_fields(at: &Task) -> Outcome {
    let mut subject: Subject = at.fw.lookup(at.path("/sub-01")).cast().block()?;
    subject.update().label("renamed").lastname("Byron").block()?;
    subject.update().set("type", "human").sex("other").block()?;
    let mut session: Session = at.fw.lookup(at.path("/renamed/ses-01")).cast().block()?;
    session.update().operator("Jo").weight(71.5).uid("1.2.840.1").block()?;
    let mut study = at.study.clone();
    study.update().description("changed").block()?;
    Ok(json!([
        pick(&subject, &["label", "lastname", "type", "sex", "code"]),
        pick(&session, &["operator", "weight", "uid"]),
        study.description,
    ]))
}

pub(crate) fn change_info(at: &Task) -> Outcome {
    let mut subject: Subject = at.fw.lookup(at.path("/sub-01")).cast().block()?;
    subject.info().merge(json!({"qc": {"snr": 12.5, "rater": "Jo"}, "draft": true})).block()?;
    subject.info().merge(json!({"visits": [1, 2, {"deep": null}]})).block()?;
    let merged = json!(subject.info);
    subject.info().delete(["draft", "score"]).block()?;
    let mut other: Subject = at.fw.lookup(at.path("/sub-02")).cast().block()?;
    other.info().replace(json!({"only": "this"})).block()?;
    Ok(json!([merged, subject.info, other.info]))
}

pub(crate) fn change_tags(at: &Task) -> Outcome {
    let mut session: Session = at.fw.lookup(at.path("/sub-01/ses-01")).cast().block()?;
    session.tags().add(["first", "second", "thrid"]).block()?;
    session.tags().rename("thrid", "third").block()?;
    session.tags().remove(["first"]).block()?;
    let scan: Acquisition = at.fw.lookup(at.path("/sub-01/ses-01/T1w")).cast().block()?;
    let mut file = scan.file("t1.nii.gz").block()?;
    file.tags().add(["one", "two"]).block()?;
    file.tags().remove(["one"]).block()?;
    let mut tags = session.tags.clone().unwrap_or_default();
    tags.sort_unstable();
    Ok(json!([tags, file.tags]))
}

pub(crate) fn write_notes(at: &Task) -> Outcome {
    let mut session: Session = at.fw.lookup(at.path("/sub-01/ses-01")).cast().block()?;
    let note = session.notes().add("Moved in run 2.").block()?;
    let second = session.notes().add("Slept.").block()?;
    session.notes().update(note.id.ok_or("a note has an id")?, "Moved in run 3.").block()?;
    session.notes().delete(second.id.ok_or("a note has an id")?).block()?;
    Ok(session.notes.iter().flatten().map(|note| json!([note.text, note.user])).collect())
}

pub(crate) fn tell_times_and_ages(at: &Task) -> Outcome {
    let session: Session = at.fw.lookup(at.path("/sub-01/ses-02")).cast().block()?;
    let scan = session.acquisitions().filter("label=T1w").find_one().block()?;
    let when = session.recorded_at().ok_or("no time")?;
    let factors = [session.age_years(), session.age_months(), session.age_weeks(), session.age_days()];
    let mut ages = vec![json!(session.age)];
    ages.extend(factors.map(|age| json!(age.map(|age| (age * 1e9).round() / 1e9))));
    Ok(json!({
        "ages": ages,
        "utc": when.utc().to_rfc3339(),
        "original": [
            when.original()?.to_rfc3339(),
            scan.recorded_at().ok_or("no time")?.original()?.to_rfc3339(),
        ],
        "same instant": when.local() == when.utc(),
        "new": session.created_at().ok_or("no time")?.utc() > Utc::now() - Duration::days(1),
    }))
}

pub(crate) fn move_a_session(at: &Task) -> Outcome {
    let mut session: Session = at.fw.lookup(at.path("/sub-01/ses-02")).cast().block()?;
    let target: Subject = at.fw.lookup(at.path("/sub-03")).cast().block()?;
    session.move_to(&target).block()?;
    let mut scan: Acquisition = at.fw.lookup(at.path("/sub-02/ses-01/bold")).cast().block()?;
    scan.move_to(&session).block()?;
    let above = session.subject().block()?;
    Ok(json!([above.id() == target.id(), labels(&session.acquisitions().sort("label").block()?)]))
}

pub(crate) fn copy_a_subject(at: &Task) -> Outcome {
    let subject: Subject = at.fw.lookup(at.path("/sub-01")).cast().block()?;
    let copied = subject.copy_to(&at.study).label("copied").block()?;
    let session = copied.sessions().filter("label=ses-02").find_one().block()?;
    let scan = session.acquisitions().filter("label=T1w").find_one().block()?;
    let mut names: Vec<String> = scan.files().block()?.iter().map(|file| file.name().to_owned()).collect();
    names.sort_unstable();
    let bytes = scan.file("t1.nii.gz").block()?.download().bytes().block()?;
    Ok(json!([
        pick(&copied, &["label", "sex", "info"]),
        labels(&copied.sessions().sort("label").block()?),
        names,
        String::from_utf8_lossy(&bytes),
    ]))
}

pub(crate) fn delete_with_a_reason(at: &Task) -> Outcome {
    let subject: Subject = at.fw.lookup(at.path("/sub-01")).cast().block()?;
    let id = subject.id().to_owned();
    subject.delete().reason(DeleteReason::TestData).block()?;
    let session: Session = at.fw.lookup(at.path("/sub-02/ses-01")).cast().block()?;
    let several =
        at.fw.delete_many(Kind::Session, [session.id().to_owned(), "0".repeat(24)], None).block()?;
    Ok(json!([
        refusal(at.fw.subjects().get(&id).block()),
        labels(&at.study.subjects().sort("label").block()?),
        several,
    ]))
}

pub(crate) fn curate_a_collection(at: &Task) -> Outcome {
    let mut collection = at.fw.add_collection(at.own("anatomy")).description("For the atlas").block()?;
    let session: Session = at.fw.lookup(at.path("/sub-01/ses-01")).cast().block()?;
    let scans = ["sub-02", "sub-03"].map(|subject| {
        at.fw.lookup(at.path(&format!("/{subject}/ses-01/T1w"))).cast::<Acquisition>().block()
    });
    collection.add_sessions([&session]).block()?;
    for scan in scans {
        collection.add_acquisitions([&scan?]).block()?;
    }
    collection.tags().add(["curated"]).block()?;
    let found = [
        labels(&collection.sessions().sort("label").block()?),
        labels(&collection.acquisitions().sort("label").block()?),
    ];
    let id = collection.id().to_owned();
    let result = pick(&collection, &["label", "description", "tags"]);
    collection.delete().block()?;
    let gone: Value = refusal(at.fw.collections().get(&id).block())[0].clone();
    Ok(json!([result, found, gone]))
}
