//! Many writers at once: nothing that was acknowledged is lost, and what must be unique stays so.

use std::collections::BTreeSet;

use flywheel_tests::http::Answer;
use flywheel_tests::site::LocalSite;
use http::Method;
use serde_json::{Value, json};

const WRITERS: usize = 24;

fn site_with_project() -> (LocalSite, String) {
    let site = LocalSite::start();
    let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let id = site.create("/projects", &json!({"group": "lab", "label": "Study"}));
    (site, id)
}

/// Sends one request for each writer at the same time.
fn together(call: impl Fn(usize) -> Answer + Sync) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..WRITERS)
            .map(|number| {
                scope.spawn({
                    let call = &call;
                    move || call(number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn get(site: &LocalSite, path: &str) -> Value {
    site.get(path).as_user("admin").send().expect(200).json()
}

#[test]
fn keys_tags_and_notes_of_all_writers_are_kept() {
    let (site, id) = site_with_project();
    let before = get(&site, &format!("/projects/{id}"))["revision"].as_i64().unwrap();
    for answer in together(|number| {
        let body = json!({"set": {format!("k{number}"): number}});
        site.call(Method::PATCH, &format!("/projects/{id}/info")).as_user("admin").json(&body).send()
    }) {
        let _ = answer.expect(200);
    }
    for answer in together(|number| {
        let body = json!({"value": format!("t{number}")});
        site.post(&format!("/projects/{id}/tags")).as_user("admin").json(&body).send()
    }) {
        let _ = answer.expect(200);
    }
    for answer in together(|number| {
        let body = json!({"text": format!("n{number}")});
        site.post(&format!("/projects/{id}/notes")).as_user("admin").json(&body).send()
    }) {
        let _ = answer.expect(200);
    }
    let project = get(&site, &format!("/projects/{id}"));
    for number in 0..WRITERS {
        assert_eq!(project["info"][format!("k{number}")], number);
    }
    assert_eq!(project["tags"].as_array().unwrap().len(), WRITERS);
    assert_eq!(project["notes"].as_array().unwrap().len(), WRITERS);
    let changes = i64::try_from(3 * WRITERS).unwrap();
    assert!(project["revision"].as_i64().unwrap() >= before + changes, "{}", project["revision"]);
}

#[test]
fn sessions_of_one_new_subject_share_it() {
    let (site, id) = site_with_project();
    for answer in together(|number| {
        let body = json!({"project": id, "label": format!("s{number}"), "subject": {"label": "same"}});
        site.post("/sessions").as_user("admin").json(&body).send()
    }) {
        let _ = answer.expect(200);
    }
    let subjects = get(&site, &format!("/projects/{id}/subjects"));
    assert_eq!(subjects.as_array().unwrap().len(), 1, "{subjects}");
    let sessions = get(&site, &format!("/projects/{id}/sessions"));
    assert_eq!(sessions.as_array().unwrap().len(), WRITERS);
}

#[test]
fn of_many_who_want_one_name_one_gets_it() {
    let (site, id) = site_with_project();
    for (path, body) in [
        ("/subjects", json!({"project": id, "label": "only"})),
        ("/projects", json!({"group": "lab", "label": "only"})),
        ("/groups", json!({"_id": "only", "label": "Only"})),
        ("/users", json!({"_id": "only@example.org", "firstname": "O", "lastname": "Nly"})),
    ] {
        let answers = together(|_| site.post(path).as_user("admin").json(&body).send());
        let made = answers.iter().filter(|answer| answer.status == 200).count();
        let refused = answers.iter().filter(|answer| answer.status == 409).count();
        assert_eq!((made, refused), (1, WRITERS - 1), "{path}");
    }
}

#[test]
fn a_page_by_page_walk_sees_each_row_once_while_others_write() {
    let (site, id) = site_with_project();
    let there: BTreeSet<String> = (0..60)
        .map(|number| site.create("/subjects", &json!({"project": id, "label": format!("a{number}")})))
        .collect();
    let walked = std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..60 {
                let _ = site.create("/subjects", &json!({"project": id, "label": format!("b{number}")}));
            }
        });
        let mut walked = Vec::new();
        let mut after = String::new();
        loop {
            let page = get(&site, &format!("/projects/{id}/subjects?limit=7&after_id={after}"));
            let ids: Vec<String> =
                page.as_array().unwrap().iter().map(|row| row["_id"].as_str().unwrap().to_owned()).collect();
            let Some(last) = ids.last() else { return walked };
            after = last.clone();
            walked.extend(ids);
        }
    });
    let unique: BTreeSet<String> = walked.iter().cloned().collect();
    assert_eq!(unique.len(), walked.len(), "no row twice");
    assert!(there.is_subset(&unique), "every row that was there from the beginning");
}
