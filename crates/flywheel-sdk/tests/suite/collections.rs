//! Curating collections.

use flywheel::{Acquisition, ErrorKind, Project, Session, Subject};
use futures::stream;

use crate::bench::Bench;

#[tokio::test]
async fn members_come_by_value_by_id_and_from_streams_at_every_level() {
    let bench = Bench::open().await;
    let study = bench.study().await;
    study.session.add_acquisition("bold").await.unwrap();
    let collection = bench.fw.add_collection("Pick").await.unwrap();
    let count = || async { collection.acquisitions().count().await.unwrap() };

    collection.add_acquisitions([&study.acquisition]).await.unwrap();
    assert_eq!(count().await, 1);
    collection.add_sessions([study.session.id()]).await.unwrap();
    assert_eq!(count().await, 2);
    collection.remove_acquisitions(vec![study.acquisition.id().to_owned()]).await.unwrap();
    assert_eq!(count().await, 1);
    collection.remove_sessions([study.session.clone()]).await.unwrap();
    assert_eq!(count().await, 0);

    collection.add::<Subject, _>([&study.subject]).await.unwrap();
    assert_eq!(count().await, 2);
    collection.remove::<Project, _>([study.project.id()]).await.unwrap();
    assert_eq!(count().await, 0);

    assert_eq!(collection.add_from(study.project.acquisitions().iter()).await.unwrap(), 2);
    assert_eq!(collection.remove_from(study.session.acquisitions().iter()).await.unwrap(), 2);
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn what_a_stream_yielded_before_it_failed_is_in_the_collection() {
    let bench = Bench::open().await;
    let study = bench.study().await;
    let collection = bench.fw.add_collection("Pick").await.unwrap();
    let failure = bench.fw.sessions().get("5eb0bf2e0a1b2c3d4e5f6071").await.unwrap_err();
    let broken = stream::iter([Ok::<Session, _>(study.session.clone()), Err(failure)]);
    let error = collection.add_from(broken).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(collection.acquisitions().count().await.unwrap(), 1);
}

#[tokio::test]
async fn many_members_go_in_several_calls() {
    let bench = Bench::open().await;
    let study = bench.study().await;
    let collection = bench.fw.add_collection("Pick").await.unwrap();
    let thousand = vec![study.acquisition.clone(); 1001];
    assert_eq!(collection.add_from(stream::iter(thousand.into_iter().map(Ok))).await.unwrap(), 1001);
    assert_eq!(collection.acquisitions().count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_member_without_an_id_is_refused_before_anything_is_sent() {
    let bench = Bench::open().await;
    let collection = bench.fw.add_collection("Pick").await.unwrap();
    let error = collection.add::<Acquisition, _>([""]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("acquisition"), "{error}");
}

#[tokio::test]
async fn curators_are_those_who_have_collections() {
    let bench = Bench::open().await;
    bench.fw.add_collection("Pick").await.unwrap();
    let curators = bench.fw.curators().await.unwrap();
    let ids: Vec<_> = curators.iter().map(|curator| curator.id.as_deref()).collect();
    assert_eq!(ids, [Some(flywheel_local::ADMIN)]);
}
