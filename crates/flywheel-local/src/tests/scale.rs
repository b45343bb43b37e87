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

/// The middle one of several runs; of slow ones there are fewer.
fn median(mut run: impl FnMut()) -> Duration {
    let begun = Instant::now();
    let mut times = Vec::new();
    while times.len() < 15 && (times.is_empty() || begun.elapsed() < Duration::from_secs(2)) {
        let start = Instant::now();
        run();
        times.push(start.elapsed());
    }
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

/// The plans of lists, by the index that finds the rows. None sorts what it could read in order.
#[tokio::test]
async fn pages_are_found_by_an_index_and_read_in_its_order() {
    let api = Api::new().await;
    let work = |db: &Connection| {
        let source = Containers(Kind::Session);
        let within = |text: &str, column: &str| {
            let query = query(text);
            List::containers(&source, &query).within(column, "x").explain(db).unwrap()
        };
        let everywhere = |text: &str| {
            let query = query(text);
            List::containers(&source, &query).explain(db).unwrap()
        };
        let id = "5eb0bf2e0a1b2c3d4e5f6071";
        for (plan, index, sorted) in [
            (within("", "c.project_id"), "containers_by_project (", false),
            (within("", "c.parent_id"), "containers_by_parent (", false),
            (within("label=x", "c.project_id"), "containers_by_project_label (", false),
            (within("label=x", "c.parent_id"), "containers_by_parent_label (", false),
            (within(" by label", "c.project_id"), "containers_by_project_label (", false),
            (within("info.a=1", "c.project_id"), "containers_by_project (", false),
            (within("subject.label=x", "c.project_id"), "containers_by_parent", true),
            (within(&format!("subject={id}"), "c.project_id"), "containers_by_parent", true),
            (within("uid=x", "c.project_id"), "containers_by_kind_uid (", true),
            (everywhere(""), "containers_by_kind (", false),
            (everywhere("label=x"), "containers_by_kind_label (", false),
            (everywhere(&format!("project={id},subject.label=x")), "containers_by_parent", true),
            (everywhere(&format!("_id={id}")), "sqlite_autoindex_containers_1 (id=", false),
        ] {
            assert!(plan.starts_with(&format!("SEARCH c USING INDEX {index}")), "{index}: {plan}");
            assert_eq!(plan.contains("TEMP B-TREE"), sorted, "{plan}");
        }
        Ok(())
    };
    api.site.store().read(work).await.unwrap();
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
        let work = move |db: &Connection| {
            fill(db, &owned, size);
            Ok(())
        };
        api.site.store().write(work).await.unwrap();
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
