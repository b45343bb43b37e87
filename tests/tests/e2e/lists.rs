//! Lists over plain HTTP: pages, cursors and parameters that do not go together.

use flywheel_tests::site::LocalSite;
use serde_json::{Value, json};

/// A site with one group and so many projects.
fn site_with_projects(count: usize) -> (LocalSite, Vec<String>) {
    let site = LocalSite::start();
    let _ = site.create("/groups", &json!({"_id": "lab", "label": "Lab"}));
    let ids = (0..count)
        .map(|number| site.create("/projects", &json!({"group": "lab", "label": format!("p{number}")})))
        .collect();
    (site, ids)
}

fn list(site: &LocalSite, path: &str) -> Vec<Value> {
    let body = site.get(path).as_user("admin").send().expect(200).json();
    body.as_array().unwrap_or_else(|| panic!("{body} is not a bare list")).clone()
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["_id"].as_str().unwrap()).collect()
}

#[test]
fn a_parameter_given_twice_is_refused() {
    let (site, _) = site_with_projects(0);
    for query in
        ["limit=1&limit=2", "filter=label=x&filter=label=y", "sort=label&sort=label", "page=1&limit=1&page=1"]
    {
        let _ = site.get(&format!("/projects?{query}")).as_user("admin").send().refused(422);
    }
}

#[test]
fn the_pagination_feature_wraps_a_list_however_it_is_written() {
    let (site, created) = site_with_projects(3);
    for feature in [
        "pagination",
        "Pagination",
        "Safe-Redirect, PAGINATION , multipart_signed_url",
        "pagination,pagination",
        "subject-container,multipart_signed_url,pagination,safe-redirect",
    ] {
        let call = site.get("/projects?limit=2&sort=label").as_user("admin");
        let page = call.header("X-Accept-Feature", feature).send().expect(200).json();
        assert_eq!(page["count"], 2, "{feature}");
        assert_eq!(page["total"], 3, "{feature}");
        assert_eq!(ids(page["results"].as_array().unwrap()), created[..2], "{feature}");
    }
    let bare = site.get("/projects").as_user("admin").header("X-Accept-Feature", "safe-redirect,paginations");
    assert!(bare.send().expect(200).json().is_array());
}

#[test]
fn the_list_of_files_is_always_a_page() {
    let (site, created) = site_with_projects(1);
    let upload = site.post(&format!("/projects/{}/files", created[0])).as_user("admin");
    let _ = upload.upload("a.txt", b"a", None).send().expect(200);
    let page = site.get("/files").as_user("admin").send().expect(200).json();
    assert_eq!(page["total"], 1);
    assert_eq!(page["results"][0]["name"], "a.txt");
}

#[test]
fn the_total_of_a_page_counts_what_the_filter_leaves() {
    let (site, _) = site_with_projects(5);
    let call = site.get("/projects?limit=1&filter=label=~%5Ep%5B0-2%5D").as_user("admin");
    let page = call.header("X-Accept-Feature", "pagination").send().expect(200).json();
    assert_eq!((&page["count"], &page["total"]), (&json!(1), &json!(3)));
}

#[test]
fn an_empty_cursor_begins_at_the_smallest_id() {
    let (site, created) = site_with_projects(4);
    assert_eq!(ids(&list(&site, "/projects?after_id=&limit=2")), created[..2]);
    assert_eq!(ids(&list(&site, &format!("/projects?after_id={}&limit=2", created[1]))), created[2..]);
    assert_eq!(list(&site, &format!("/projects?after_id={}", created[3])).len(), 0);
}

#[test]
fn page_zero_is_page_one_and_limit_zero_is_no_limit() {
    let (site, created) = site_with_projects(3);
    assert_eq!(ids(&list(&site, "/projects?limit=2&page=0")), created[..2]);
    assert_eq!(ids(&list(&site, "/projects?limit=2&page=1")), created[..2]);
    assert_eq!(ids(&list(&site, "/projects?limit=2&page=2")), created[2..]);
    assert_eq!(list(&site, "/projects?limit=0").len(), 3);
}

#[test]
fn parameters_that_exclude_each_other_are_refused() {
    let (site, created) = site_with_projects(1);
    let id = &created[0];
    for query in [
        format!("after_id={id}&sort=label"),
        format!("after_id={id}&page=1&limit=1"),
        format!("after_id={id}&skip=1"),
        "page=1".to_owned(),
        "page=1&limit=1&skip=1".to_owned(),
        "limit=-1".to_owned(),
        "limit=x".to_owned(),
        "skip=-2".to_owned(),
        "sort=label:up".to_owned(),
    ] {
        let _ = site.get(&format!("/projects?{query}")).as_user("admin").send().refused(422);
    }
}

#[test]
fn a_filter_that_cannot_be_read_is_refused() {
    let (site, _) = site_with_projects(1);
    for filter in ["label", "label=x,nonsense", "%3Dx", "label=~("] {
        let answer = site.get(&format!("/projects?filter={filter}")).as_user("admin").send();
        assert!(matches!(answer.status, 400 | 422), "{filter}: {answer:?}");
        let status = answer.status;
        let _ = answer.refused(status);
    }
}

#[test]
fn the_list_of_everything_is_for_administrators() {
    let (site, _) = site_with_projects(1);
    assert_eq!(list(&site, "/projects").len(), 1);
    let other = site.get("/projects").as_user("root").send().expect(200).json();
    assert_eq!(other, json!([]), "an administrator without a role sees nothing unasked");
    let all = site.get("/projects?exhaustive=true").as_user("root").send().expect(200).json();
    assert_eq!(all.as_array().unwrap().len(), 1);
    let _ = site.get("/projects?exhaustive=true").as_user("ann").send().refused(403);
}

#[test]
fn booleans_are_read_in_any_case() {
    let (site, created) = site_with_projects(1);
    let info = site.post(&format!("/projects/{}/info", created[0])).as_user("admin");
    let _ = info.json(&json!({"set": {"a": 1}})).send().expect(200);
    for (value, expected) in
        [("true", json!({"a": 1})), ("True", json!({"a": 1})), ("1", json!({"a": 1})), ("false", json!({}))]
    {
        let rows = list(&site, &format!("/projects?include_all_info={value}"));
        let info = if rows[0]["info"].is_null() { json!({}) } else { rows[0]["info"].clone() };
        assert_eq!(info, expected, "{value}");
        assert_eq!(rows[0]["info_exists"], true);
    }
}
