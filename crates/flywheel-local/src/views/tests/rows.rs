//! From containers to rows: expansion, filter, order, groups.

use super::*;

#[tokio::test]
async fn each_innermost_container_makes_a_row_and_one_without_makes_none() {
    let bench = Bench::new().await;
    let [_, first, _] = more_people(&bench).await;
    let (_, sessions) = rows(&bench, plain(&["subject.label", "session.label"]), "").await;
    assert_eq!(sessions, json!([["sub-01", "ses-01"], ["sub-02", "a"], ["sub-02", "b"]]));
    let (_, scans) = rows(&bench, plain(&["subject.label", "acquisition.label"]), "").await;
    assert_eq!(scans, json!([["sub-01", "T1w"]]));
    let path = format!("/views/data?containerId={first}&format=json-flat");
    let of_session = bench.post(&path, plain(&["subject.label", "session.label"])).await.ok();
    assert_eq!(of_session, json!([{"subject.label": "sub-02", "session.label": "a"}]));
    let above = bench.post(&path, plain(&["subject.label"])).await.ok();
    assert_eq!(above, json!([{"subject.label": "sub-02"}]));
}

#[tokio::test]
async fn labels_ids_and_the_error_column_are_there_unless_told_otherwise() {
    let bench = Bench::new().await;
    let (columns, values) = rows(&bench, json!({"columns": [{"src": "subject.sex"}]}), "").await;
    assert_eq!(
        columns,
        json!(["project.label", "subject.label", "subject.sex", "project.id", "subject.id", "errors"])
    );
    assert_eq!(values, json!([["Study", "sub-01", null, bench.project, bench.subject, null]]));
}

#[tokio::test]
async fn ages_are_computed_and_own_expressions_as_well() {
    let bench = Bench::new().await;
    more_people(&bench).await;
    let mut view = plain(&["session.age_years"]);
    view["columns"]
        .as_array_mut()
        .unwrap()
        .push(json!({"src": "session.age", "dst": "months", "expr": "x / 31557600 * 12", "type": "int"}));
    let (columns, values) = rows(&bench, view.clone(), "").await;
    assert_eq!(columns, json!(["session.age_years", "months"]));
    assert_eq!(values, json!([[null, null], [1.0, 12], [2.0, 24]]));
    view["missingDataStrategy"] = "drop-row".into();
    assert_eq!(rows(&bench, view, "").await.1, json!([[1.0, 12], [2.0, 24]]));
}

#[tokio::test]
async fn rows_are_filtered_ordered_and_cut() {
    let bench = Bench::new().await;
    more_people(&bench).await;
    let view = || plain(&["session.label", "session.age"]);
    let (label, age) = ("&filter=session.label%3D~%5Eses%7Cb", "&sort=session.age:desc,session.label");
    assert_eq!(rows(&bench, view(), label).await.1, json!([["ses-01", null], ["b", 63_115_200]]));
    let sorted = json!([["b", 63_115_200], ["a", 31_557_600], ["ses-01", null]]);
    assert_eq!(rows(&bench, view(), age).await.1, sorted);
    assert_eq!(rows(&bench, view(), &format!("{age}&skip=1&limit=1")).await.1, json!([sorted[1]]));
    assert_eq!(rows(&bench, view(), "&skip=1&limit=1").await.1, json!([["a", 31_557_600]]));
    assert_eq!(rows(&bench, view(), "&limit=0").await.1.as_array().unwrap().len(), 3);
    let mut own = view();
    own["filter"] = "subject.info.iq>100".into();
    let both = format!("&filter={}", encoded("session.age_years<2"));
    assert_eq!(rows(&bench, own, &both).await.1, json!([["a", 31_557_600]]));
}

#[tokio::test]
async fn groups_come_with_what_was_accumulated() {
    let bench = Bench::new().await;
    more_people(&bench).await;
    let view = json!({
        "columns": [
            {"src": "session.label", "dst": "n", "accumulator": "count"},
            {"src": "session.age_years", "dst": "mean", "accumulator": "mean"},
            {"src": "session.age_years", "dst": "sd", "accumulator": "standard_deviation"},
            {"src": "session.age", "dst": "sum", "accumulator": "sum"},
            {"src": "session.label", "dst": "last", "accumulator": "maximum"},
            {"src": "session.label", "dst": "first"},
        ],
        "groupBy": {"columns": [{"src": "subject.label", "dst": "who"}]},
    });
    let (columns, values) = rows(&bench, view.clone(), "").await;
    assert_eq!(columns, json!(["who", "n", "mean", "sd", "sum", "last", "first"]));
    assert_eq!(
        values,
        json!([
            ["sub-01", 1, null, null, null, "ses-01", "ses-01"],
            ["sub-02", 2, 1.5, 0.5, 94_672_800, "b", "a"]
        ])
    );
    assert_eq!(rows(&bench, view, "&sort=n:desc&limit=1").await.1[0][0], "sub-02");
}

#[tokio::test]
async fn what_cannot_work_is_a_bad_request() {
    let bench = Bench::new().await;
    let path = format!("/views/data?containerId={}", bench.project);
    for (view, words) in [
        (plain(&["nonsense"]), "no column"),
        (plain(&["project.permissions"]), "permissions"),
        (plain(&["file.name"]), "fileSpec"),
        (json!({"columns": [{"src": "session.age", "expr": "x; y"}]}), "x; y\n   ^"),
    ] {
        let message = bench.post(&path, view).await.refused(400);
        assert!(message.contains(words), "{message}");
    }
    let view = || plain(&["subject.label"]);
    for (query, words) in [
        ("&filter=subject.label", "no operator"),
        ("&filter=session.label%3Da", "does not visit"),
        ("&sort=session.label", "no column is called"),
    ] {
        let message = bench.post(&format!("{path}{query}"), view()).await.refused(400);
        assert!(message.contains(words), "{message}");
    }
    bench.post(&format!("{path}&skip=-1"), view()).await.refused(422);
    bench.post(&path, json!({"colums": []})).await.refused(422);
    bench.post(&path, json!({"columns": "subject"})).await.refused(422);
    bench.post("/views/data", view()).await.refused(422);
    bench.post("/views/data?containerId=lab", view()).await.refused(400);
    bench.post("/views/data?containerId=ffffffffffffffffffffffff", view()).await.refused(404);
}

#[tokio::test]
async fn a_view_shows_only_who_may_look() {
    let bench = Bench::new().await;
    let path = format!("/views/data?containerId={}", bench.project);
    let stranger = bench.as_user("eve@example.org", None).await;
    stranger.post(&path, plain(&["subject.label"])).await.refused(403);
    let reader = bench.as_user("ann@example.org", Some("ro")).await;
    reader.post(&path, plain(&["subject.label"])).await.ok();
    let save = json!({"view": plain(&["subject.label"]), "containerType": "project", "containerId": bench.project,
        "filename": "v.csv"});
    let path = format!("/views/save?containerId={}&format=csv", bench.project);
    reader.post(&path, save.clone()).await.refused(403);
    let file = bench.post(&path, save).await.ok();
    assert_eq!(
        (&file["name"], &file["_id"]["version"], &file["size"]),
        (&json!("v.csv"), &json!(1), &json!(23))
    );
    let text = bench.get(&format!("/projects/{}/files/v.csv", bench.project)).await;
    assert_eq!(text.bytes, "subject.label\r\nsub-01\r\n".as_bytes());
}
