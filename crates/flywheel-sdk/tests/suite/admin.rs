//! Running a site: people, roles, devices, modalities, settings, reports, templates, tree queries.

use flywheel::{
    Client, Kind, Source,
    admin::{Template, TreeQuery},
};
use flywheel_local::Site;
use futures::TryStreamExt;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    bench::{Bench, Study},
    echo::Echo,
};

#[tokio::test]
async fn users_have_keys_that_are_shown_once_and_withdrawn() {
    let bench = Bench::open().await;
    let mut user = bench.fw.add_user("jo@example.org").firstname("Jo").lastname("Doe").await.unwrap();
    assert_eq!(user.name(), "Jo Doe");
    user.update().disabled(true).await.unwrap();
    assert_eq!(bench.fw.users().get("jo@example.org").await.unwrap().disabled, Some(true));

    let expires = chrono::Utc::now() + chrono::Duration::days(30);
    let made = bench.fw.add_key("laptop", Some(expires)).await.unwrap();
    let secret = made.key.unwrap();
    let other = Client::new(bench.running.key(secret.rsplit(':').next().unwrap())).unwrap();
    assert_eq!(other.me().await.unwrap().id.as_deref(), Some(flywheel_local::ADMIN));
    bench.fw.update_my_info(json!({"theme": "dark"})).await.unwrap();
    assert_eq!(bench.fw.my_info().await.unwrap(), json!({"theme": "dark"}));
    let Study { project, .. } = bench.study().await;
    let me = bench.fw.users().get(flywheel_local::ADMIN).await.unwrap();
    assert_eq!(me.projects().find_one().await.unwrap().id(), project.id());
    assert_eq!(me.groups().find_one().await.unwrap().id(), "neuro");
    assert_eq!(me.sessions().count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_disabled_user_can_lose_all_permissions() {
    let bench = Bench::open().await;
    let Study { mut project, .. } = bench.study().await;
    let mut user = bench.fw.add_user("jo@example.org").firstname("Jo").lastname("Doe").await.unwrap();
    project.permissions().add("jo@example.org", ["read-only"]).await.unwrap();
    user.update().disabled(true).clear_permissions(true).await.unwrap();
    assert!(project.permissions().get("jo@example.org").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_project_deleted_in_the_background_is_gone_soon() {
    let bench = Bench::open().await;
    let Study { project, .. } = bench.study().await;
    project.clone().delete().in_background(true).await.unwrap();
    for _ in 0..200 {
        if bench.fw.projects().get_opt(project.id()).await.unwrap().is_none() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the project is still there");
}

#[tokio::test]
async fn roles_are_made_changed_and_offered_by_groups() {
    let bench = Bench::open().await;
    let Study { group, .. } = bench.study().await;
    let mut role = bench.fw.add_role("reviewer", ["files_view_metadata"]).await.unwrap();
    role.update().label("reader").actions(["files_view_metadata", "files_view_contents"]).await.unwrap();
    let read = bench.fw.roles().get(role.id()).await.unwrap();
    assert_eq!((read.label(), read.actions.as_ref().map(Vec::len)), ("reader", Some(2)));
    let before = group.roles().await.unwrap().len();
    group.add_role(role.id()).await.unwrap();
    assert!(group.roles().await.unwrap().iter().any(|one| one.label() == "reader"));
    group.remove_role(role.id()).await.unwrap();
    assert_eq!(group.roles().await.unwrap().len(), before);
    role.delete().await.unwrap();
}

#[tokio::test]
async fn devices_log_in_by_the_secret_of_the_site() {
    let site = Site::builder().drone_secret("open sesame").open().await.unwrap();
    let running = site.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let fw = Client::new(running.api_key()).unwrap();
    let login = |secret: &str| {
        Client::device_login(fw.base_url().to_owned(), SecretString::from(secret), "reaper", "scanner-3")
    };
    let device = login("open sesame").await.unwrap();
    let status = device.auth_status().await.unwrap();
    assert_eq!(status.is_device, Some(true));
    device.report_device(json!({"interval": 60, "errors": []})).await.unwrap();
    let this = device.this_device().await.unwrap();
    assert_eq!(this.label(), "scanner-3");
    let known = fw.devices().find_one().await.unwrap();
    assert_eq!(known.id(), this.id());
    assert!(fw.device_statuses().await.unwrap().contains_key(this.id()));
    assert!(login("guess").await.unwrap_err().is_unauthenticated());

    let mut made = fw.add_device("mover", "engine").await.unwrap();
    let key = made.add_key("first").await.unwrap();
    assert!(key.key.is_some());
    made.update().disabled(true).await.unwrap();
    assert_eq!(fw.devices().get(made.id()).await.unwrap().disabled, Some(true));
    made.delete().await.unwrap();
    assert_eq!(fw.devices().count().await.unwrap(), 1);
}

#[tokio::test]
async fn modalities_and_settings_are_read_and_changed() {
    let bench = Bench::open().await;
    let words = |word: &str| [("Kind".to_owned(), vec![word.to_owned()])].into_iter().collect();
    let mut modality = bench.fw.add_modality("XX", words("a")).await.unwrap();
    assert_eq!(modality.words(), words("a"));
    modality.set_words(words("b")).await.unwrap();
    assert_eq!(bench.fw.modalities().get("XX").await.unwrap().words(), words("b"));
    modality.delete().await.unwrap();
    assert!(bench.fw.modalities().get_opt("XX").await.unwrap().is_none());
    assert!(bench.fw.modalities().get("MR").await.unwrap().words().contains_key("Measurement"));

    bench.fw.update_site_settings(json!({"center_gears": ["a"]})).await.unwrap();
    assert_eq!(bench.fw.site_settings().await.unwrap().center_gears, Some(vec!["a".to_owned()]));
    bench.fw.bookmarks().await.unwrap();
}

#[tokio::test]
async fn reports_count_what_is_there() {
    let bench = Bench::open().await;
    let Study { project, .. } = bench.study().await;
    let site = bench.fw.reports().site().await.unwrap();
    assert_eq!(site.group_count, Some(1));
    let report = bench.fw.reports().projects([project.id()]).await.unwrap();
    assert_eq!(report.projects.unwrap()[0].name.as_deref(), Some("Color Study"));
    bench.fw.sessions().await.unwrap();
    let entries: Vec<_> =
        bench.fw.reports().access_log().project(project.id()).limit(3).iter().try_collect().await.unwrap();
    assert!(!entries.is_empty() && entries.len() <= 3);
    let stranger = bench.user("jo@example.org", false).await;
    assert!(stranger.reports().site().await.unwrap_err().is_permission_denied());
}

#[tokio::test]
async fn templates_mark_the_sessions_that_satisfy_them() {
    let bench = Bench::open().await;
    let Study { project, session, .. } = bench.study().await;
    project.set_templates([Template::new().session("^ses").acquisition("bold", 1, [""; 0])]).await.unwrap();
    project.check_templates().await.unwrap();
    let read = || bench.fw.sessions().get(session.id());
    assert_eq!(read().await.unwrap().satisfies_template, Some(false));
    session.add_acquisition("bold run 1").await.unwrap();
    project.check_templates().await.unwrap();
    assert_eq!(read().await.unwrap().satisfies_template, Some(true));
    project.remove_templates().await.unwrap();
    assert_ne!(read().await.unwrap().project_has_template, Some(true));
}

#[tokio::test]
async fn a_project_is_set_up_and_locked() {
    let bench = Bench::open().await;
    let Study { mut project, subject, .. } = bench.study().await;
    project.update_settings(json!({"external_routing_id": "r-1"})).await.unwrap();
    assert_eq!(project.settings().await.unwrap().external_routing_id.as_deref(), Some("r-1"));
    project.lock("study_closed").await.unwrap();
    assert!(subject.add_session("late").await.is_err());
    project.unlock().await.unwrap();
    subject.add_session("late").await.unwrap();
}

#[tokio::test]
async fn a_tree_query_reads_what_it_names() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Person {
        label: String,
        sessions: Vec<Visit>,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Visit {
        label: String,
    }
    let bench = Bench::open().await;
    let Study { project, .. } = bench.study().await;
    project.add_subject("sub-02").await.unwrap();
    let query = TreeQuery::new(["label"]).sort("label").join("sessions", TreeQuery::new(["label"]));
    let people: Vec<Person> = bench.fw.fetch_tree(Kind::Subject, query).await.unwrap();
    let visit = Visit { label: "ses-01".into() };
    let expected = [("sub-01", vec![visit]), ("sub-02", vec![])];
    assert_eq!(people, expected.map(|(label, sessions)| Person { label: label.into(), sessions }));
    let wrong = TreeQuery::new(["label"]).join("sessions", TreeQuery::new(["label"]).filter("label~x"));
    let error = bench.fw.fetch_tree::<Value>(Kind::Subject, wrong).await.unwrap_err();
    assert!(error.is_invalid() && error.message().contains("label~x"), "{error}");
    assert!(bench.fw.tree_graph().await.unwrap().contains_key("subjects"));
}

#[tokio::test]
async fn logs_and_codes_ask_what_the_api_wants() {
    let bench = Bench::open().await;
    let Study { project, acquisition, .. } = bench.study().await;
    let file = acquisition.upload(Source::bytes("a.txt", "a")).await.unwrap();
    let echo = Echo::open(json!(project)).await;
    let fw = echo.client();
    let project = fw.projects().get(project.id()).await.unwrap();
    echo.answers(json!(file));
    let file = fw.files().get(file.id()).await.unwrap();
    let asked =
        |method: &str, path: String, body: Value| assert_eq!(echo.last(), (method.into(), path, body));

    echo.answers(json!({"container_type": "file", "container_id": file.id(), "changes": []}));
    file.changes().await.unwrap();
    asked("GET", format!("/api/changes/file/{}", file.id()), Value::Null);
    echo.answers(json!({"changes": []}));
    project.field_changes("label").await.unwrap();
    asked("GET", format!("/api/changes/project/{}/fields/label", project.id()), Value::Null);

    let report = json!({"_id": "r1", "label": "visit", "status": "pending", "project_id": project.id()});
    echo.answers(report);
    let report = fw.audit_trail().create(&project, "visit", ["s1".to_owned()]).await.unwrap();
    assert_eq!(report.id(), "r1");
    let body = json!({"project_id": project.id(), "label": "visit", "subject_ids": ["s1"]});
    asked("POST", "/api/audit-trail/reports".into(), body);
    fw.audit_trail().cancel("r1").await.unwrap();
    asked("PATCH", "/api/audit-trail/reports/r1".into(), json!({"status": "canceled"}));
    echo.answers(json!([]));
    fw.audit_trail().reports(&project).await.unwrap();
    let filter = format!("filter=project_id={}", project.id());
    asked("GET", format!("/api/audit-trail/reports?{filter}&limit=250&page=1"), Value::Null);

    echo.answers(json!({"code": "c1"}));
    assert_eq!(fw.master_code_of_patient("p1").await.unwrap(), "c1");
    let body = json!({"patient_id": "p1", "use_patient_id": true});
    asked("POST", "/api/subjects/master-code".into(), body);
    echo.answers(json!({"sessions": ["1.2"]}));
    assert_eq!(fw.known_session_uids(["1.2", "1.3"]).await.unwrap(), ["1.2"]);
    asked("POST", "/api/uids".into(), json!({"sessions": ["1.2", "1.3"]}));
}

#[tokio::test]
async fn a_list_ends_with_a_page_that_is_not_full() {
    let rows = |count: usize| json!((0..count).map(|n| json!({"_id": n.to_string()})).collect::<Vec<_>>());
    let echo = Echo::open(rows(3)).await;
    let log = echo.client().reports().access_log();
    assert_eq!(log.clone().await.unwrap().len(), 3);
    let some = log.clone().user("jo").types(["view_file", "download_file"]).limit(2).await.unwrap();
    assert_eq!(some.len(), 2);
    let query = "user=jo&access_types=view_file&access_types=download_file&limit=2&page=1";
    assert_eq!(echo.last().1, format!("/api/report/accesslog?{query}"));
    assert!(log.filter("a~b").await.unwrap_err().is_invalid());
}
