//! Containers: made, read, walked up and down, moved, removed.

use chrono::NaiveDate;
use flywheel::{DeleteReason, ErrorKind, Kind, Node, field};
use futures::TryStreamExt;

use crate::bench::{Bench, Study};

#[tokio::test]
async fn each_level_is_made_below_the_one_above() {
    let bench = Bench::open().await;
    let Study { group, project, subject, session, acquisition } = bench.study().await;
    assert_eq!((group.id(), group.label()), ("neuro", "Neuro Lab"));
    assert_eq!(project.label(), "Color Study");
    assert_eq!((subject.label(), subject.sex.as_deref()), ("sub-01", Some("female")));
    assert_eq!(session.age_years(), Some(42.5));
    assert_eq!(acquisition.reference().kind, Kind::Acquisition);
    assert!(project.created_at().is_some() && acquisition.modified_at().is_some());
}

#[tokio::test]
async fn every_way_up_leads_to_the_container_it_names() {
    let bench = Bench::open().await;
    let study = bench.study().await;
    let acquisition = &study.acquisition;
    assert_eq!(acquisition.session().await.unwrap().id(), study.session.id());
    assert_eq!(acquisition.subject().await.unwrap().id(), study.subject.id());
    assert_eq!(acquisition.project().await.unwrap().id(), study.project.id());
    assert_eq!(acquisition.group().await.unwrap().id(), "neuro");
    assert_eq!(study.session.subject().await.unwrap().id(), study.subject.id());
}

#[tokio::test]
async fn every_way_down_finds_what_is_below() {
    let bench = Bench::open().await;
    let study = bench.study().await;
    let other = study.project.add_subject("sub-02").await.unwrap();
    other.add_session("ses-01").await.unwrap();
    assert_eq!(study.group.projects().count().await.unwrap(), 1);
    assert_eq!(study.project.subjects().count().await.unwrap(), 2);
    assert_eq!(study.project.sessions().count().await.unwrap(), 2);
    assert_eq!(study.project.acquisitions().count().await.unwrap(), 1);
    assert_eq!(study.subject.sessions().await.unwrap()[0].id(), study.session.id());
    assert_eq!(study.subject.acquisitions().await.unwrap()[0].id(), study.acquisition.id());
    assert_eq!(study.session.acquisitions().find_one().await.unwrap().label(), "T1w");
    assert!(other.acquisitions().await.unwrap().is_empty());
}

#[tokio::test]
async fn or_existing_gives_back_what_is_there() {
    let bench = Bench::open().await;
    let study = bench.study().await;
    let subject = study.project.add_subject("sub-01").sex("male").or_existing().await.unwrap();
    assert_eq!(subject.id(), study.subject.id());
    assert_eq!(study.project.add_subject("sub-01").await.unwrap_err().kind(), ErrorKind::Conflict);
    let new = study.project.add_subject("007").or_existing().await.unwrap();
    assert_ne!(new.id(), study.subject.id());
    assert_eq!(study.project.add_subject("007").or_existing().await.unwrap().id(), new.id());
    let group = bench.fw.add_group("neuro", "Other label").or_existing().await.unwrap();
    assert_eq!(group.label(), "Neuro Lab");
}

#[tokio::test]
async fn a_session_of_a_subject_that_is_not_there_makes_both() {
    let bench = Bench::open().await;
    let project = bench.project().await;
    let first = project.add_session("sub-09", "ses-01").operator("Jo").await.unwrap();
    assert_eq!((first.label(), first.operator.as_deref()), ("ses-01", Some("Jo")));
    let second = project.add_session("sub-09", "ses-02").await.unwrap();
    let subject = second.subject().await.unwrap();
    assert_eq!((subject.label(), subject.id()), ("sub-09", first.subject().await.unwrap().id()));
    project.add_session("sub-10", "ses-01").await.unwrap();
    let again = project.add_session("sub-09", "ses-01").or_existing().await.unwrap();
    assert_eq!(again.id(), first.id());
    assert_eq!(project.sessions().count().await.unwrap(), 3);
}

#[tokio::test]
async fn update_reaches_the_site_and_the_value_at_hand() {
    let bench = Bench::open().await;
    let Study { mut subject, mut session, .. } = bench.study().await;
    let born = NaiveDate::from_ymd_opt(1980, 2, 29).unwrap();
    subject.update().sex("other").subject_type("human").date_of_birth(born).await.unwrap();
    session.update().label("ses-02").weight(71.5).operator("Jo").timezone("Europe/Berlin").await.unwrap();
    session.update().timestamp(chrono::DateTime::from_timestamp(1_720_000_000, 0).unwrap()).await.unwrap();
    assert_eq!((session.label(), session.weight), ("ses-02", Some(71.5)));
    let mut read = bench.fw.sessions().get(session.id()).await.unwrap();
    assert_eq!((read.label(), read.weight, read.operator.as_deref()), ("ses-02", Some(71.5), Some("Jo")));
    assert_eq!(read.recorded_at().unwrap().original().unwrap().to_rfc3339(), "2024-07-03T11:46:40+02:00");
    assert_eq!(read.recorded_at(), session.recorded_at());
    let read_subject = read.subject().await.unwrap();
    assert_eq!((read_subject.sex.as_deref(), read_subject.type_.as_deref()), (Some("other"), Some("human")));
    assert_eq!(read_subject.date_of_birth, Some(born));
    read.update().clear("operator").await.unwrap();
    assert_eq!(read.operator, None);
    session.reload().await.unwrap();
    assert_eq!(session.operator, None);
}

#[tokio::test]
async fn empty_update_sends_nothing() {
    let bench = Bench::open().await;
    let mut project = bench.project().await;
    let before = project.revision;
    project.update().await.unwrap();
    project.reload().await.unwrap();
    assert_eq!(project.revision, before);
}

#[tokio::test]
async fn value_without_a_form_in_json_is_refused_before_sending() {
    let bench = Bench::open().await;
    let mut project = bench.project().await;
    let unspeakable = std::collections::HashMap::from([(vec![1], 2)]);
    let error = project.update().set("info", unspeakable).await.unwrap_err();
    assert!(error.is_invalid() && error.message().contains("info has no form in JSON"), "{error}");
}

#[tokio::test]
async fn moved_session_is_found_at_its_new_place() {
    let bench = Bench::open().await;
    let mut study = bench.study().await;
    let elsewhere = study.group.add_project("Elsewhere").await.unwrap();
    study.session.update().project(elsewhere.id()).await.unwrap();
    study.session.reload().await.unwrap();
    assert_eq!(study.session.project().await.unwrap().id(), elsewhere.id());
    assert_eq!(
        study.acquisition.project().await.unwrap().id(),
        study.project.id(),
        "a value keeps what it read"
    );
    study.acquisition.reload().await.unwrap();
    assert_eq!(study.acquisition.project().await.unwrap().id(), elsewhere.id());
}

#[tokio::test]
async fn deleted_container_is_gone_with_what_is_below() {
    let bench = Bench::open().await;
    let study = bench.study().await;
    let (session, acquisition) = (study.session.id().to_owned(), study.acquisition.id().to_owned());
    study.session.delete().reason(DeleteReason::TestData).await.unwrap();
    assert!(bench.fw.sessions().get_opt(&session).await.unwrap().is_none());
    assert!(bench.fw.acquisitions().get(&acquisition).await.unwrap_err().is_not_found());
    assert_eq!(study.subject.sessions().count().await.unwrap(), 0);
}

#[tokio::test]
async fn analyses_hang_on_containers_and_know_their_parent() {
    let bench = Bench::open().await;
    let study = bench.study().await;
    let mut analysis = study.session.add_analysis("fit").description("A line").await.unwrap();
    assert_eq!((analysis.label(), analysis.job_id()), ("fit", None));
    assert!(
        matches!(analysis.parent().await.unwrap(), Node::Session(parent) if parent.id() == study.session.id())
    );
    assert!(analysis.job().await.unwrap().is_none());
    let found = study.session.analyses().find_one().await.unwrap();
    assert_eq!(found.id(), analysis.id());
    assert_eq!(bench.fw.analyses().filter(field("label").eq("fit")).count().await.unwrap(), 1);
    analysis.update().label("fit 2").await.unwrap();
    assert_eq!(bench.fw.analyses().get(analysis.id()).await.unwrap().label(), "fit 2");
    analysis.delete().await.unwrap();
    assert_eq!(study.session.analyses().count().await.unwrap(), 0);
}

#[tokio::test]
async fn collection_holds_what_is_put_into_it() {
    let bench = Bench::open().await;
    let study = bench.study().await;
    let second = study.session.add_acquisition("T2w").await.unwrap();
    let collection = bench.fw.add_collection("Best of").await.unwrap();
    collection.add_sessions([study.session.id()]).await.unwrap();
    assert_eq!(collection.acquisitions().count().await.unwrap(), 2);
    collection.remove_acquisitions([second.id()]).await.unwrap();
    let left: Vec<_> = collection.acquisitions().iter().try_collect().await.unwrap();
    assert_eq!(left.iter().map(|a| a.id()).collect::<Vec<_>>(), [study.acquisition.id()]);
    assert_eq!(collection.sessions().find_one().await.unwrap().id(), study.session.id());
    collection.add_sessions([""; 0]).await.unwrap();
}

#[tokio::test]
async fn debug_shows_no_patient_data() {
    let bench = Bench::open().await;
    let mut study = bench.study().await;
    study.subject.update().firstname("Konrad").lastname("Secret").await.unwrap();
    study.subject.reload().await.unwrap();
    assert_eq!(study.subject.lastname.as_deref(), Some("Secret"));
    let shown = format!("{:?} {:?} {:?}", study.subject, study.session, Node::from(study.subject.clone()));
    assert!(
        shown.contains(study.subject.id()) && !shown.contains("Secret") && !shown.contains("Konrad"),
        "{shown}"
    );
}

#[tokio::test]
async fn value_serialises_as_the_site_sent_it() {
    let bench = Bench::open().await;
    let study = bench.study().await;
    let document = serde_json::to_value(&study.session).unwrap();
    assert_eq!(document["_id"], study.session.id());
    assert_eq!(document["parents"]["subject"], study.subject.id());
    assert_eq!(study.session.into_model().label.as_deref(), Some("ses-01"));
}
