//! What a search costs on a large site: `cargo test -p flywheel-local search::tests::scale -- --ignored --nocapture`.
//! `FILES` in the environment is how many files it has, 100,000 when unset; with `PLANS` each plan is printed too.
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use flywheel_core::query::Query;
use rusqlite::Connection;
use serde_json::json;

use super::Study;
use crate::{
    auth::Caller,
    kind::Kind,
    search::{
        answer::Shelf,
        level::Level,
        node::Node,
        run::{Search, Sight},
    },
    store::{Doc, new_id, now, records::AccountKind},
    tests::Api,
    words::FEW,
};

/// Three files in each acquisition, three acquisitions in each session, ten sessions in each subject, 100 subjects in
/// each project.
fn fill(db: &Connection, projects: &[String], files: usize) {
    let mut container = db.prepare("INSERT INTO containers (id, kind, doc) VALUES (?, ?, ?)").unwrap();
    let mut file = db.prepare("INSERT INTO files (uuid, blob, doc) VALUES (?, '', ?)").unwrap();
    let time = now();
    let mut add = |kind: Kind, label: String, parents: &serde_json::Value, more: serde_json::Value| {
        let id = new_id();
        let mut doc = json!({"_id": id, "label": label, "created": time, "modified": time, "revision": 1, "tags": [],
            "parents": parents, "info": {}});
        doc.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        container.execute((&id, kind.code(), doc.to_string())).unwrap();
        let mut below = parents.clone();
        below[kind.singular()] = id.into();
        below
    };
    let (mut subject, mut session) = (json!({}), json!({}));
    for n in 0..files / 3 {
        let project = &projects[(n / 3_000) % projects.len()];
        if n % 30 == 0 {
            let code = format!("sub-{:06}", n / 30);
            let sex = if n % 60 == 0 { "female" } else { "male" };
            let parents = json!({"group": "lab", "project": project});
            subject = add(Kind::Subject, code.clone(), &parents, json!({"code": code, "sex": sex}));
        }
        if n % 3 == 0 {
            let more = json!({"age": 600_000_000 + (n as i64 % 1_000) * 1_000_000, "timestamp": "2020-05-05T10:00:00+00:00",
                "info": {"score": n % 1_000}});
            session = add(Kind::Session, format!("ses-{n:07}"), &subject, more);
        }
        let label = ["T1w", "bold", "dwi"][n % 3];
        let acquisition = add(Kind::Acquisition, label.into(), &session, json!({}));
        for (name, kind) in
            [("scan.dicom.zip", "dicom"), ("scan.nii.gz", "nifti"), ("qc.json", "source code")]
        {
            let uuid = uuid::Uuid::new_v4().to_string();
            let measurement = ["T1", "T2*", "Diffusion"][n % 3];
            let doc = json!({"_id": uuid, "file_id": new_id(), "version": 1, "name": format!("{n:07}_{name}"), "type": kind,
                "modality": "MR", "size": n, "created": time, "modified": time, "parents": acquisition,
                "parent_ref": {"type": "acquisition", "id": acquisition["acquisition"]}, "tags": [],
                "classification": {"Intent": ["Structural"], "Measurement": [measurement]},
                "info": {"EchoTime": 0.03, "RepetitionTime": 2.0, "Manufacturer": "Siemens", "snr": n % 10_000,
                    "SeriesDescription": "a series with a longer description", "rare": if n == 77 { "needle" } else { "hay" }},
                "origin": {"type": "user", "id": "a@b.c"}});
            file.execute((uuid, doc.to_string())).unwrap();
        }
    }
}

fn median(mut run: impl FnMut()) -> Duration {
    let begun = Instant::now();
    let mut times = Vec::new();
    while times.len() < 9 && (times.is_empty() || begun.elapsed() < Duration::from_secs(3)) {
        let start = Instant::now();
        run();
        times.push(start.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

const QUERIES: [(Level, &str); 16] = [
    (Level::File, "file.name = 0000500_scan.nii.gz"),
    (Level::File, "file.type = dicom"),
    (Level::File, "file.type = dicom AND file.info.snr = 7"),
    (Level::File, "file.info.rare = needle"),
    (Level::File, "file.info.rare = nothing"),
    (Level::File, "subject.label = sub-000012 AND file.type = nifti"),
    (Level::File, "subject.label LIKE sub-00001% AND NOT file.type = nifti"),
    (Level::File, "session.info.score = 7 AND file.type = dicom"),
    (
        Level::Acquisition,
        "session.age >= 630720000 AND session.age < 640000000 AND file.classification.Measurement = T1 AND file.classification.Intent = Structural AND NOT acquisition.label CONTAINS .*SBRef.*",
    ),
    (Level::Acquisition, "acquisition.label = T1w AND file.type = dicom"),
    (Level::Session, "file.type = dicom"),
    (Level::Session, "file.name LIKE 00005% AND subject.sex = female"),
    (Level::Session, "acquisition.label CONTAINS wid"),
    (Level::Subject, "session.info.score > 990"),
    (Level::Project, "file.type = dicom AND file.classification.Measurement = Diffusion"),
    (Level::Project, "file.type = pdf"),
];

#[tokio::test]
#[ignore = "seeds a large site; prints times instead of checking them"]
async fn a_search_of_a_large_site() {
    let files: usize = std::env::var("FILES").ok().and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let api = Api::new().await;
    api.group("lab").await;
    let mut projects = Vec::new();
    for n in 0..10 {
        projects.push(api.project("lab", &format!("study {n}")).await);
    }
    let start = Instant::now();
    api.site
        .store()
        .write(move |db| {
            fill(db, &projects, files);
            Ok(())
        })
        .await
        .unwrap();
    let size = std::fs::metadata(api.site.data().join("site.db")).unwrap().len() >> 20;
    println!("seeded {files} files in {:?}; database {size} MiB", start.elapsed());
    let work = |db: &Connection| {
        let user =
            Caller::of_account(AccountKind::User, &Doc::from_iter([("_id".to_owned(), crate::ADMIN.into())]));
        let measure = |name: &str, returned, node: &Node| {
            let mut rows = 0;
            let time = median(|| {
                let sight = Sight::of(db, &user, false).unwrap();
                let search = Search { returned, node, sort: None, limit: Some(100), few: FEW };
                let mut shelf = Shelf::new(db, &user);
                let ids = search.run(db, &sight).unwrap();
                for id in &ids {
                    let hit = shelf.hit(returned, id).unwrap().unwrap();
                    shelf.source(returned, &hit).unwrap();
                }
                rows = ids.len();
            });
            println!("{:11} {rows:>4} rows {time:>10.2?}  {name}", returned.name());
            if std::env::var("PLANS").is_ok() {
                let search = Search { returned, node, sort: None, limit: Some(100), few: FEW };
                println!("    {}", search.explain(db, &Sight::of(db, &user, false).unwrap()).unwrap());
            }
        };
        for (returned, text) in QUERIES {
            let node = Node::of_query(&text.parse::<Query>().unwrap()).unwrap();
            measure(text, returned, &node);
        }
        for text in ["siemens", "needle", "nowhere to be found"] {
            measure(&format!("search_string {text}"), Level::File, &Node::Text(text.to_owned()));
        }
        Ok(())
    };
    api.site.store().read(work).await.unwrap();
}

/// The ways to the rows: what is gathered by an index, and what is walked in order.
#[tokio::test]
async fn conditions_on_indexed_columns_are_found_by_their_indexes() {
    let study = Study::new().await;
    let work = |db: &Connection| {
        for (returned, text, few, step) in [
            (Level::File, "file.name = a", FEW, "SEARCH d USING INDEX current_files_by_name (name="),
            (Level::File, "file.type = a", FEW, "SEARCH d USING INDEX search_files_by_type (type="),
            (Level::File, "file.type LIKE a%", FEW, "SEARCH d USING INDEX search_files_by_type (type>"),
            (
                Level::File,
                "file.modality IN [a, b]",
                FEW,
                "SEARCH d USING INDEX search_files_by_modality (modality=",
            ),
            (
                Level::File,
                "subject.label = sub-1",
                FEW,
                "SEARCH d USING INDEX search_files_by_subject (subject_id=",
            ),
            (
                Level::File,
                "session.age > 1",
                FEW,
                "SEARCH d USING INDEX search_files_by_session (session_id=",
            ),
            (
                Level::File,
                "project.label = study",
                FEW,
                "SEARCH d USING INDEX current_files_by_project (project_id=",
            ),
            (Level::File, "analysis.label = QC", FEW, "SEARCH d USING INDEX files_by_parent (parent_id="),
            (
                Level::Acquisition,
                "subject.label = sub-1",
                FEW,
                "SEARCH d USING INDEX search_by_subject (subject_id=",
            ),
            (Level::File, "file.type = a", 0, "SCAN d USING INDEX current_files"),
            (Level::Session, "file.type = a", 0, "SEARCH d USING INDEX search_files_by_session (session_id="),
            (Level::Session, "file.type = a", 0, "SEARCH t USING INDEX containers_by_kind (kind="),
            (Level::Project, "acquisition.label = a", 0, "(project_id=? AND kind=?)"),
            (
                Level::Acquisition,
                "file.type = nifti AND session.info.score = 7",
                0,
                "SEARCH p USING INDEX sqlite_autoindex_containers_1 (id=?)",
            ),
        ] {
            let node = Node::of_query(&text.parse::<Query>().unwrap()).unwrap();
            let search = Search { returned, node: &node, sort: None, limit: Some(100), few };
            let plan = search.explain(db, &Sight::All).unwrap().replace(" EXISTS USING", " USING");
            assert!(plan.contains(step), "{text}\n{step}\n{plan}");
        }
        Ok(())
    };
    study.api.site.store().read(work).await.unwrap();
}

#[tokio::test]
async fn a_text_is_found_by_the_index_over_words_and_below_what_contains_it() {
    let study = Study::new().await;
    let work = |db: &Connection| {
        for returned in [Level::Project, Level::Session, Level::Acquisition, Level::Analysis, Level::File] {
            let node = Node::Text("study".to_owned());
            let search = Search { returned, node: &node, sort: None, limit: Some(100), few: FEW };
            let plan = search.explain(db, &Sight::All)?;
            let by_words = plan.contains("SEARCH d USING INTEGER PRIMARY KEY (rowid=?)");
            assert!(
                by_words && !plan.contains("SCAN d") && !plan.contains("(kind=?)"),
                "{returned:?}: {plan}"
            );
        }
        Ok(())
    };
    study.api.site.store().read(work).await.unwrap();
}

#[tokio::test]
async fn containers_above_are_found_by_their_indexes() {
    let study = Study::new().await;
    let work = |db: &Connection| {
        for (text, step) in [
            ("session.age > 1", "SEARCH p USING INDEX search_by_age (kind=? AND <expr>>"),
            (
                "acquisition.timestamp > 2020-01-01",
                "SEARCH p USING INDEX search_by_timestamp (kind=? AND timestamp>",
            ),
            ("subject.label = a", "SEARCH p USING INDEX containers_by_kind_label (kind=? AND label="),
            ("session.info.score = 7", "SEARCH p USING INTEGER PRIMARY KEY (rowid=?)"),
            ("acquisition.label CONTAINS nothing_such", "SEARCH p USING INTEGER PRIMARY KEY (rowid=?)"),
            ("session.uid LIKE \"%9.8.7%\"", "SEARCH p USING INTEGER PRIMARY KEY (rowid=?)"),
        ] {
            let node = Node::of_query(&text.parse::<Query>().unwrap()).unwrap();
            let search = Search { returned: Level::File, node: &node, sort: None, limit: None, few: FEW };
            let plan = search.explain_above(db)?;
            assert!(plan.contains(step), "{text}\n{step}\n{plan}");
        }
        Ok(())
    };
    study.api.site.store().read(work).await.unwrap();
}
