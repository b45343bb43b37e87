//! Looking things up, filtering, searching, walking and printing the tree.

use flywheel::admin::TreeQuery;
use flywheel::blocking::{Block, BlockIter};
use flywheel::{File, Kind, Project, Session, Subject};
use serde_json::{Map, Value, json};

use crate::task::{Outcome, Task, labels, refusal};

pub(crate) fn look_up(at: &Task) -> Outcome {
    let project: Project = at.fw.lookup(at.path("")).cast().block()?;
    let session: Session = at.fw.lookup(at.path("/sub-01/ses-02")).cast().block()?;
    let file: File = at.fw.lookup(at.path("/sub-01/ses-01/T1w/files/t1.nii.gz")).cast().block()?;
    let by_id = at.fw.lookup(format!("{}/<id:{}>/sub-02", at.group, project.id())).block()?;
    Ok(json!([
        project.label(),
        session.label(),
        session.age_years(),
        file.name(),
        file.size(),
        by_id.label(),
        at.fw.get(session.id()).block()?.label(),
    ]))
}

pub(crate) fn resolve_a_path(at: &Task) -> Outcome {
    let result = at.fw.resolve(at.path("/sub-01")).block()?;
    let path: Vec<&str> = result.path.iter().map(flywheel::Node::label).collect();
    let mut children: Vec<&str> = result.children.iter().map(flywheel::Node::label).collect();
    children.sort_unstable();
    Ok(json!({"path": path, "children": children}))
}

pub(crate) fn filter_with_every_operator(at: &Task) -> Outcome {
    let mut found = Map::new();
    let first = at.study.subjects().filter("label=sub-01").find_one().block()?;
    for text in [
        "label=sub-02",
        "label!=sub-02",
        "label<sub-02",
        "label<=sub-02",
        "label>sub-02",
        "label>=sub-02",
        "label=~^sub-0[13]$",
        "info.score>2",
        "info.cohort=a,sex=female",
        "label=\"sub-03\"",
        "tags=tag-1",
        "created>2018-10-31",
        "created<2018-10-31",
        "lastname=null",
    ] {
        found.insert(text.to_owned(), labels(&at.study.subjects().filter(text).sort("label").block()?));
    }
    let by_id = at.study.subjects().filter(format!("_id={}", first.id())).block()?;
    found.insert(String::new(), labels(&by_id));
    let several = at.study.subjects().filter("info.cohort=a").filter("info.score<2").block()?;
    found.insert("several".to_owned(), labels(&several));
    let sorted = at.study.subjects().sort("label:desc").limit(2).block()?;
    found.insert("sorted".to_owned(), labels(&sorted));
    Ok(found.into())
}

pub(crate) fn find_one_or_none(at: &Task) -> Outcome {
    let subjects = at.study.subjects();
    let complaint =
        |filter: &str| subjects.clone().filter(filter).find_one().block().err().map(|_| "not one");
    Ok(json!({
        "one": subjects.clone().filter("label=sub-02").find_one().block()?.label(),
        "none": complaint("label=nobody"),
        "several": complaint("info.cohort=a"),
        "first": subjects.clone().filter("sex=other").find_first().block()?.map(|one| one.label().to_owned()),
        "first of none": subjects.filter("label=nobody").find_first().block()?.map(|one| one.label().to_owned()),
    }))
}

pub(crate) fn walk_all(at: &Task) -> Outcome {
    let session = at.study.add_subject("many").block()?.add_session("many").block()?;
    for number in 0..25 {
        session.add_acquisition(format!("scan-{number:02}")).block()?;
    }
    let all = session.acquisitions().page_size(10);
    let walked = all.iter().block_iter().collect::<flywheel::Result<Vec<_>>>()?;
    let some = session.acquisitions().filter("label=~^scan-1").page_size(3);
    let found = some.iter().block_iter().collect::<flywheel::Result<Vec<_>>>()?;
    Ok(json!({
        "walked": sorted(&labels(&walked)), "found": sorted(&labels(&found)),
        "number": session.acquisitions().count().block()?,
    }))
}

/// Some labels in their order.
fn sorted(labels: &Value) -> Vec<&str> {
    let mut labels: Vec<&str> = labels.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    labels.sort_unstable();
    labels
}

pub(crate) fn find_by_age_and_sex(at: &Task) -> Outcome {
    let mut over_forty = Vec::new();
    for session in at.study.sessions().filter("age>1262304000").iter().block_iter() {
        over_forty.extend(session?.age_years().filter(|years| *years > 40.0));
    }
    let women = at.study.subjects().filter("sex=female").block()?;
    let men_in_a = at.study.subjects().filter("sex=male,info.cohort=a").block()?;
    let number = at.study.subjects().count().block()?;
    Ok(json!([over_forty.len(), labels(&women), labels(&men_in_a), number]))
}

pub(crate) fn search_files(at: &Task) -> Outcome {
    let query = format!(
        "project._id = {} AND file.type = nifti AND session.age >= {}",
        at.study.id(),
        35 * 31_557_600
    );
    let hits = at.fw.search(query).find_hits(Kind::File).block()?;
    let mut rows: Vec<Value> = hits
        .iter()
        .map(|hit| {
            let file = hit.file.as_ref();
            json!([
                hit.label(),
                file.and_then(|file| file.type_.as_deref()),
                hit.label_of(Kind::Subject),
                hit.label_of(Kind::Session),
                hit.label_of(Kind::Acquisition),
                hit.parent().map(|parent| parent.id).as_deref() == hit.id_of(Kind::Acquisition),
            ])
        })
        .collect();
    rows.sort_by_key(Value::to_string);
    Ok(rows.into())
}

pub(crate) fn search_every_type(at: &Task) -> Outcome {
    let subject = at.study.subjects().filter("label=sub-01").find_one().block()?;
    subject.add_analysis("Searched").block()?;
    let mut found = Map::new();
    let search = at.fw.search(format!("project._id = {} AND subject.label = sub-01", at.study.id()));
    for kind in [Kind::Project, Kind::Subject, Kind::Session, Kind::Acquisition, Kind::File, Kind::Analysis] {
        let hits = search.find_hits(kind).block()?;
        let mut names: Vec<&str> = hits.iter().map(flywheel::Hit::label).collect();
        names.sort_unstable();
        found.insert(kind.to_string(), json!(names));
    }
    Ok(found.into())
}

pub(crate) fn tree_query(at: &Task) -> Outcome {
    let sessions = TreeQuery::new(["label", "age"]).filter("label=ses-01");
    let subjects = TreeQuery::new(["label", "sex"]).sort("label:desc").join("sessions", sessions);
    let query = TreeQuery::new(["label"]).filter(format!("_id={}", at.study.id())).join("subjects", subjects);
    let rows: Vec<Value> = at.fw.fetch_tree(Kind::Project, query).block()?;
    Ok(rows.into())
}

pub(crate) fn print_hierarchy(at: &Task) -> Outcome {
    let mut lines = Vec::new();
    for subject in at.study.subjects().sort("label").block()? {
        lines.push(subject.label().to_owned());
        for session in subject.sessions().sort("label").block()? {
            lines.push(format!("  {}", session.label()));
            for acquisition in session.acquisitions().sort("label").block()? {
                lines.push(format!("    {}", acquisition.label()));
                let mut names: Vec<String> =
                    acquisition.loaded_files().iter().map(|file| format!("      {}", file.name())).collect();
                names.sort_unstable();
                lines.extend(names);
            }
        }
    }
    Ok(lines.into())
}

pub(crate) fn read_parents(at: &Task) -> Outcome {
    let acquisition: flywheel::Acquisition = at.fw.lookup(at.path("/sub-01/ses-01/bold")).cast().block()?;
    let project = acquisition.project().block()?;
    let subject: Subject = acquisition.subject().block()?;
    let session = acquisition.session().block()?;
    let file = acquisition.file("events.csv").block()?;
    Ok(json!({
        "group": acquisition.group().block()?.id(),
        "above": [project.label(), subject.label(), session.label()],
        "parent of the file": file.parent().block()?.label(),
        "references": [acquisition.reference(), session.reference()],
    }))
}

pub(crate) fn ask_for_what_is_missing(at: &Task) -> Outcome {
    let nowhere = "0".repeat(24);
    let nobody = at.client("eve");
    let download = at.study.file("none.txt").block().and_then(|file| file.download().bytes().block());
    Ok(json!({
        "id": refusal(at.fw.sessions().get(&nowhere).block()),
        "any id": refusal(at.fw.get(&nowhere).block()),
        "path": refusal(at.fw.lookup(at.path("/nobody")).block()),
        "group": refusal(at.fw.lookup("nowhere").block()),
        "file": refusal(download),
        "forbidden": refusal(nobody.projects().get(at.study.id()).block()),
        "filter": refusal(at.study.subjects().parameter("filter", "label").block()),
    }))
}
