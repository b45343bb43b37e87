//! Reports through the router.
#![allow(clippy::unwrap_used)]

use chrono::{Datelike, Utc};
use serde_json::json;

use crate::tests::Api;

#[tokio::test]
async fn the_site_report_counts_projects_and_sessions_of_each_group() {
    let api = Api::new().await;
    let [group, project, subject, ..] = api.tree().await;
    api.session(&project, &subject, "ses-2").await;
    let gone = api.session(&project, &subject, "ses-3").await;
    api.delete(&format!("/sessions/{gone}")).await.ok();
    api.group("empty").await;
    let report = api.get("/report/site").await.ok();
    assert_eq!(
        report,
        json!({"group_count": 2, "groups": [
            {"label": "empty", "project_count": 0, "session_count": 0},
            {"label": group, "project_count": 1, "session_count": 2},
        ]})
    );
}

#[tokio::test]
async fn the_project_report_counts_people_by_race_ethnicity_and_sex() {
    let api = Api::new().await;
    let [_, project, subject, session, _] = api.tree().await;
    let person = json!({"sex": "female", "race": "Asian", "ethnicity": "Hispanic or Latino"});
    api.put(&format!("/subjects/{subject}"), person).await.ok();
    api.put(&format!("/sessions/{session}"), json!({"age": 40 * 31_557_600_i64})).await.ok();
    let other = api.subject(&project, "sub-2").await;
    let young = api.session(&project, &other, "ses-1").await;
    api.put(&format!("/sessions/{young}"), json!({"age": 31_557_600})).await.ok();
    let report = &api.get(&format!("/report/project?projects={project}")).await.ok()["projects"][0];
    for (key, count) in [
        ("session_count", 2),
        ("subjects_count", 2),
        ("female_count", 1),
        ("male_count", 0),
        ("other_count", 1),
        ("over_18_count", 1),
        ("under_18_count", 1),
        ("demographics_total", 2),
    ] {
        assert_eq!(report[key], count, "{key}");
    }
    assert_eq!(report["admins"], json!(["Site Admin"]));
    let grid = &report["demographics_grid"];
    assert_eq!(grid["Asian"]["Hispanic or Latino"]["Female"], 1);
    assert_eq!((&grid["Asian"]["Total"], &grid["Total"]["Total"]), (&json!(1), &json!(2)));
    assert_eq!(grid["Total"]["Unknown or Not Reported"]["Unknown or Not Reported"], 1);
    let none = api.get("/report/project?end_date=2000-01-01").await.ok();
    assert_eq!(none["projects"][0]["session_count"], 0);
    api.get("/report/project?projects=x").await.error(422);
    api.get("/report/project?projects=ffffffffffffffffffffffff").await.error(404);
    api.get("/report/project?start_date=x").await.error(400);
}

#[tokio::test]
async fn usage_counts_bytes_sessions_and_what_is_deleted_but_kept() {
    let api = Api::new().await;
    let [group, project, .., acquisition] = api.tree().await;
    let at = format!("/acquisitions/{acquisition}");
    api.file(api.root(), &at, "a.txt", "12345").await.ok();
    let gone = api.file(api.root(), &at, "b.txt", "123").await.ok();
    api.delete(&format!("/files/{}", gone[0]["file_id"].as_str().unwrap())).await.ok();
    let today = Utc::now().date_naive();
    let daily = api.get("/report/daily-usage").await.ok();
    let last = daily.as_array().unwrap().last().unwrap();
    assert_eq!((&last["day"], &last["project"]), (&json!(today.day()), &json!(project)));
    assert_eq!((&last["session_count"], &last["center_storage_bytes"]), (&json!(1), &json!(5)));
    assert_eq!(last["center_storage_soft_deleted_bytes"], 3);
    let range = format!("/report/daily-usage-range?start_date={today}&end_date={today}&group={group}");
    assert_eq!(api.get(&range).await.ok()[0]["center_storage_bytes"], 5);
    let usage = api.get(&format!("/report/usage?project={project}")).await.ok();
    assert_eq!((&usage[0]["session_count"], &usage[0]["days"]), (&json!(1), &json!(today.day())));
    assert_eq!(api.get("/report/usage?year=2001&month=1").await.ok(), json!([]));
    api.get("/report/usage?year=2001&month=13").await.error(400);
    let months = api.get("/report/usage/availability").await.ok();
    assert_eq!(
        months["available_reports"].as_array().unwrap().last().unwrap(),
        &json!({"year": today.year(), "month": today.month()})
    );
    api.get("/report/usage/collect").await.empty();
}

#[tokio::test]
async fn the_summary_compares_the_beginning_of_a_time_with_its_end() {
    let api = Api::new().await;
    let [group, project, .., acquisition] = api.tree().await;
    api.file(api.root(), &format!("/acquisitions/{acquisition}"), "a.txt", "12345").await.ok();
    let gone = api.project(&group, "gone").await;
    api.delete(&format!("/projects/{gone}")).await.ok();
    let whole = &api.get("/report/usage-summary").await.ok()[0];
    assert_eq!((&whole["session_count_start"], &whole["session_count_end"]), (&json!(0), &json!(1)));
    assert_eq!(
        (&whole["managed_data_bytes_delta"], &whole["files_origin_user_count_end"]),
        (&json!(5), &json!(1))
    );
    let by_project = api.get("/report/usage-summary?group_by=project").await.ok();
    assert_eq!((by_project.as_array().unwrap().len(), &by_project[0]["project_id"]), (1, &json!(project)));
    let every = api
        .get("/report/usage-summary?group_by=project&include_deleted_projects=true&sort=project_label:asc");
    let every = every.await.column("project_label");
    assert_eq!(every, ["gone", "study"]);
    let by_group = api.get("/report/usage-summary?group_by=group").await.ok();
    assert_eq!((&by_group[0]["group_id"], &by_group[0]["session_count_end"]), (&json!(group), &json!(1)));
    let months =
        api.get("/report/usage-summary?group_by=month&start_date=2024-01-15&end_date=2024-03-01").await.ok();
    let starts: Vec<&str> =
        months.as_array().unwrap().iter().map(|month| month["period_start"].as_str().unwrap()).collect();
    assert_eq!(starts, ["2024-01-15", "2024-02-01", "2024-03-01"]);
    api.get("/report/usage-summary?group_by=galaxy").await.error(400);
    for query in ["limit=x", "limit=-1", "limit=1&limit=2", "page=1", "sort=project_label:up"] {
        api.get(&format!("/report/usage-summary?{query}")).await.error(422);
    }
    let by_page = "/report/usage-summary?group_by=project&include_deleted_projects=true&sort=project_label";
    assert_eq!(api.get(&format!("{by_page}&limit=1&page=2")).await.column("project_label"), ["study"]);
    assert_eq!(api.get(&format!("{by_page}&limit=0")).await.column("project_label"), ["gone", "study"]);
    api.get("/report/usage-summary?start_date=2024-02-01&end_date=2024-01-01").await.error(400);
}

#[tokio::test]
async fn the_legacy_report_counts_what_was_made() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    let by_project = api.get("/report/legacy-usage?type=project").await.ok();
    assert_eq!(by_project[0]["project"], json!({"_id": project, "label": "study"}));
    assert_eq!(by_project[0]["session_count"], 1);
    let by_month = api.get("/report/legacy-usage?type=month").await.ok();
    assert_eq!(by_month[0]["year"], Utc::now().year().to_string());
    assert_eq!(api.get("/report/legacy-usage?type=month&end_date=2001-01-01").await.ok(), json!([]));
    api.get("/report/legacy-usage").await.error(400);
}
