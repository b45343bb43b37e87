//! What a page costs as a project grows: `cargo test -p flywheel-local scale -- --ignored --nocapture`.
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;

use super::Api;
use crate::{
    auth::Caller,
    kind::Kind,
    list::{Containers, List, visible_containers},
    present::{self, Shape},
    query::ListQuery,
    store::{Doc, new_id, now, records::AccountKind},
};

/// Fills a project with so many sessions, one subject for every hundred.
fn fill(db: &Connection, project: &str, count: usize) {
    let mut add = db.prepare_cached("INSERT INTO containers (id, kind, doc) VALUES (?, ?, ?)").unwrap();
    let mut subject = String::new();
    let time = now();
    for n in 0..count {
        if n % 100 == 0 {
            subject = new_id();
            let label = format!("sub-{:06}", n / 100);
            let doc = json!({"_id": subject, "label": label, "code": label, "created": time, "modified": time,
                "parents": {"group": "lab", "project": project}, "tags": [], "info": {}, "revision": 1});
            add.execute((&subject, Kind::Subject.code(), doc.to_string())).unwrap();
        }
        let id = new_id();
        let doc = json!({"_id": id, "label": format!("ses-{n:07}"), "created": time, "modified": time, "revision": 1,
            "parents": {"group": "lab", "project": project, "subject": subject}, "tags": ["a"], "notes": [],
            "timestamp": "2020-01-01T00:00:00+00:00", "info": {"qc": {"snr": n % 100, "outcome": "PASS"}}});
        add.execute((&id, Kind::Session.code(), doc.to_string())).unwrap();
    }
}

/// The middle one of several runs.
fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..15)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn query(text: &str) -> ListQuery {
    let (filter, sort) = text.split_once(" by ").unwrap_or((text, ""));
    ListQuery {
        filter: filter.parse().unwrap(),
        sort: if sort.is_empty() { Default::default() } else { sort.parse().unwrap() },
        limit: Some(250),
        ..ListQuery::default()
    }
}

#[tokio::test]
#[ignore = "seeds a million sessions; prints times instead of checking them"]
async fn a_page_of_a_large_project_costs_what_one_of_a_small_one_costs() {
    let api = Api::new().await;
    api.group("lab").await;
    let sizes = [1_000, 100_000, 1_000_000];
    let mut projects = Vec::new();
    for size in sizes {
        let project = api.project("lab", &size.to_string()).await;
        let path = api.site.data().join("site.db");
        let owned = project.clone();
        let start = Instant::now();
        api.site.store().write(move |db| Ok(fill(db, &owned, size))).await.unwrap();
        println!(
            "seeded {size} sessions in {:?}; database {} MiB",
            start.elapsed(),
            std::fs::metadata(path).unwrap().len() >> 20
        );
        projects.push((size, project));
    }
    let work = move |db: &Connection| {
        let source = Containers(Kind::Session);
        let user =
            Caller::of_account(AccountKind::User, &Doc::from_iter([("_id".to_owned(), crate::ADMIN.into())]));
        for (name, text, after) in [
            ("first page", "", false),
            ("page from the middle", "", true),
            ("label=", "label=ses-0000500", false),
            ("sort=label", " by label", false),
            ("subject.label=", "subject.label=sub-000002", false),
            ("info.qc.snr=, first 250", "info.qc.snr=7", false),
            ("info.qc.snr=, none match", "info.qc.snr=700", false),
        ] {
            for (size, project) in &projects {
                let middle = "SELECT id FROM containers WHERE project_id = ? AND kind = 4 ORDER BY id LIMIT 1 OFFSET ?";
                let middle: String =
                    db.query_row(middle, (project, (size / 2) as i64), |row| row.get(0)).unwrap();
                let mut query = query(text);
                query.after_id = after.then_some(middle);
                let page = || List::containers(&source, &query).within("c.project_id", project);
                let mut rows = 0;
                let time = median(|| {
                    let found = page().run(db, crate::store::containers::Container::from_row).unwrap();
                    rows = present::containers(db, &user, found.rows, Shape::list(&query)).unwrap().len();
                });
                println!(
                    "{name:28} {size:>9} sessions: {rows:>3} rows in {time:>10.2?}   {}",
                    page().explain(db).unwrap()
                );
            }
        }
        let everywhere = query("label=ses-0000500");
        let time = median(|| drop(visible_containers(db, &user, Kind::Session, &everywhere, None).unwrap()));
        println!("label= over the whole site, as a member: {time:.2?}");
        let everywhere = query("");
        let time = median(|| drop(visible_containers(db, &user, Kind::Session, &everywhere, None).unwrap()));
        println!("first page of the whole site, as a member: {time:.2?}");
        Ok(())
    };
    api.site.store().read(work).await.unwrap();
}
