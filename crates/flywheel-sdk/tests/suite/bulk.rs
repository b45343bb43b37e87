//! Many containers, files and changes in one go: nothing twice, and nothing lost.

use flywheel::{Age, ContainerRef, Kind, Row, Source};
use serde_json::json;

use crate::bench::{Bench, Study};

#[tokio::test]
async fn rows_make_each_container_once_with_its_fields() {
    let bench = Bench::open().await;
    let project = bench.project().await;
    let age = Age::from_years(30.0).seconds();
    let rows = || {
        // The session comes before its subject, and two acquisitions share what stands above them.
        vec![
            Row::session("sub-01", "ses-01").set("age", age).info(json!({"site": "A"})),
            Row::acquisition("sub-02", "ses-01", "T1w"),
            Row::acquisition("sub-02", "ses-01", "bold"),
            Row::subject("sub-01").set("sex", "female").set("cohort", None::<&str>),
        ]
    };
    let report = project.create_many(rows()).at_once(8).await.unwrap().complete().unwrap();
    assert_eq!(report.done.len(), 4);
    assert_eq!(report.done[0].0, "sub-01/ses-01");
    assert!(report.done.iter().all(|(_, made)| !made.existed));
    let subject = project.subjects().filter("label=sub-01").full().find_one().await.unwrap();
    assert_eq!((subject.sex.as_deref(), subject.sessions().count().await.unwrap()), (Some("female"), 1));
    let session = project.subjects().filter("label=sub-02").find_one().await.unwrap().sessions();
    assert_eq!(session.find_one().await.unwrap().acquisitions().count().await.unwrap(), 2);

    let again = project.create_many(rows()).await.unwrap().complete().unwrap();
    assert!(again.done.iter().all(|(_, made)| made.existed));
    let ids = |report: &flywheel::BulkReport<flywheel::bulk::Made>| -> Vec<ContainerRef> {
        report.done.iter().map(|(_, made)| made.container.clone()).collect()
    };
    assert_eq!(ids(&again), ids(&report));
    assert_eq!(project.acquisitions().count().await.unwrap(), 2);
}

#[tokio::test]
async fn rows_that_cannot_be_are_refused_before_anything_is_made() {
    let bench = Bench::open().await;
    let project = bench.project().await;
    let error = project.create_many([Row::subject("a"), Row::session("b", " ")]).await.unwrap_err();
    assert!(error.is_invalid() && error.message().contains("empty"), "{error}");
    let error = project.create_many([Row::subject("a"), Row::subject("a")]).await.unwrap_err();
    assert!(error.is_invalid());
    assert_eq!(project.subjects().count().await.unwrap(), 0);
    let report = project.create_many([Row::subject("a").info(json!({"x.y": 1}))]).await.unwrap();
    assert!(report.complete().unwrap_err().message().contains("x.y"));
}

#[tokio::test]
async fn a_journal_goes_on_where_a_run_stopped() {
    let bench = Bench::open().await;
    let project = bench.project().await;
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("rows.jsonl");
    let row = |n: usize| Row::session(format!("sub-{n:02}"), "baseline");
    let bad = Row::subject("sub-03").set("sex", json!({"not": "a sex"}));
    let rows = (0..3).map(row).chain([bad]);
    let first = project.create_many(rows).journal(&journal).await.unwrap();
    assert_eq!((first.done.len(), first.failed.len()), (3, 1));
    // Somebody takes one away: the journal says it was made, and it is not made again.
    project.subjects().filter("label=sub-00").find_one().await.unwrap().delete().await.unwrap();
    let rows = (0..3).map(row).chain([Row::subject("sub-03").set("sex", "male")]);
    let second = project.create_many(rows).journal(&journal).await.unwrap().complete().unwrap();
    assert_eq!(second.done.len(), 4);
    assert_eq!(project.subjects().count().await.unwrap(), 3);
}

#[tokio::test]
async fn info_and_fields_of_many_are_changed_and_mistakes_told_first() {
    let bench = Bench::open().await;
    let Study { project, session, acquisition, .. } = bench.study().await;
    let file = acquisition.upload(Source::bytes("a.txt", "a")).await.unwrap();
    let targets = [project.reference(), session.reference(), file.reference()];
    let marks = targets.iter().map(|target| (target.clone(), json!({"release": 2})));
    bench.fw.update_info_many(marks).await.unwrap().complete().unwrap();
    let session = bench.fw.sessions().get(session.id()).await.unwrap();
    assert_eq!(session.info_at::<i64>("/release").unwrap(), Some(2));
    let file = acquisition.file("a.txt").await.unwrap();
    assert_eq!(file.info_at::<i64>("/release").unwrap(), Some(2));

    let wrong = [(session.reference(), json!({"ok": 1})), (project.reference(), json!({"a.b": 1}))];
    let error = bench.fw.update_info_many(wrong).await.unwrap_err();
    assert!(error.is_invalid() && error.message().contains(project.id()), "{error}");
    let unchanged = bench.fw.sessions().get(session.id()).await.unwrap();
    assert_eq!(unchanged.info_at::<i64>("/ok").unwrap(), None);

    let missing = ContainerRef::new(Kind::Session, "5eb0bf2e0a1b2c3d4e5f6071");
    let labels = [(session.reference(), json!({"label": "ses-09"})), (missing, json!({"label": "x"}))];
    let report = bench.fw.update_many(labels).await.unwrap();
    assert_eq!((report.done.len(), report.failed.len()), (1, 1));
    assert!(report.failed[0].1.is_not_found());
    assert_eq!(bench.fw.sessions().get(session.id()).await.unwrap().label(), "ses-09");
}

#[tokio::test]
async fn files_go_up_once_even_when_the_end_of_one_was_not_seen() {
    let bench = Bench::open().await;
    let Study { session, acquisition, .. } = bench.study().await;
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("files.jsonl");
    let files = || {
        [
            (session.reference(), Source::bytes("events.tsv", "onset\n1\n")),
            (acquisition.reference(), Source::bytes("t1.nii", "a volume")),
        ]
    };
    let report = bench.fw.upload_many(files()).journal(&journal).await.unwrap().complete().unwrap();
    assert!(report.done.iter().all(|(_, stored)| stored.version == 1));

    // As if the last run had been killed after the bytes arrived: begun, and never seen done.
    let text = std::fs::read_to_string(&journal).unwrap();
    let begun: String =
        text.lines().filter(|line| !line.contains("done")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&journal, begun).unwrap();
    let again = bench.fw.upload_many(files()).journal(&journal).await.unwrap().complete().unwrap();
    assert_eq!(again.done, report.done, "the same files, in the same version");

    let other = [(session.reference(), Source::bytes("events.tsv", "onset\n2\n"))];
    let newer = bench.fw.upload_many(other).await.unwrap().complete().unwrap();
    assert_eq!(newer.done[0].1.version, 2);
}
