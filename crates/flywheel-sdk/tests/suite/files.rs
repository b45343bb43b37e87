//! Files: found, described, classified, tagged, renamed, moved, in versions.

use flywheel::{ErrorKind, Kind, Node, Source};
use serde_json::{Value, json};

use crate::bench::{Bench, Study};

#[tokio::test]
async fn uploaded_file_is_found_by_name_and_in_lists() {
    let bench = Bench::open().await;
    let Study { project, session, acquisition, .. } = bench.study().await;
    let file = acquisition.upload(Source::bytes("t1.nii.gz", "volume")).await.unwrap();
    assert_eq!(
        (file.name(), file.size(), file.version(), file.file_type()),
        ("t1.nii.gz", 6, 1, Some("nifti"))
    );
    assert_eq!(file.parent_ref().unwrap(), acquisition.reference());
    assert!(
        matches!(file.parent().await.unwrap(), Node::Acquisition(parent) if parent.id() == acquisition.id())
    );
    session.upload(Source::bytes("events.tsv", "a\tb")).await.unwrap();
    assert_eq!(acquisition.file("t1.nii.gz").await.unwrap().id(), file.id());
    assert_eq!(acquisition.files().await.unwrap().len(), 1);
    assert_eq!(session.all_files().count().await.unwrap(), 2);
    assert_eq!(project.all_files().filter("type=nifti").find_one().await.unwrap().id(), file.id());
    assert_eq!(bench.fw.files().get(file.id()).await.unwrap().name(), "t1.nii.gz");
    assert!(acquisition.file("t2.nii.gz").await.unwrap_err().is_not_found());
    assert_eq!(file.download().bytes().await.unwrap(), "volume");
}

#[tokio::test]
async fn file_is_described_classified_and_tagged() {
    let bench = Bench::open().await;
    let Study { acquisition, .. } = bench.study().await;
    let mut file = acquisition.upload(Source::bytes("x.bin", "x")).await.unwrap();
    assert!(file.classification().add([("Intent", ["Structural"])]).await.unwrap_err().is_invalid());
    file.update().file_type("nifti").modality("MR").await.unwrap();
    file.classification()
        .replace([("Intent", vec!["Structural"]), ("Measurement", vec!["T1"])])
        .await
        .unwrap();
    file.classification().add([("Measurement", ["T2"]), ("Custom", ["odd"])]).await.unwrap();
    file.classification().delete([("Measurement", ["T1"])]).await.unwrap();
    file.tags().add(["a", "b"]).await.unwrap();
    file.tags().rename("a", "c").await.unwrap();
    file.tags().remove(["b"]).await.unwrap();
    file.info().merge(json!({"TR": 2.5, "gone": true})).await.unwrap();
    file.info().delete(["gone"]).await.unwrap();
    let at_hand = serde_json::to_value(&file).unwrap();
    file.reload().await.unwrap();
    let read = serde_json::to_value(&file).unwrap();
    for field in ["type", "modality", "classification", "tags", "info"] {
        assert_eq!(at_hand[field], read[field], "{field}");
    }
    assert_eq!(
        read["classification"],
        json!({"Intent": ["Structural"], "Measurement": ["T2"], "Custom": ["odd"]})
    );
    assert_eq!(read["tags"], json!(["c"]));
    assert_eq!(file.info_at::<f64>("/TR").unwrap(), Some(2.5));
    file.tags().set(["x", "y"]).await.unwrap();
    file.info().replace(json!({"new": 1})).await.unwrap();
    file.update().modality("CT").await.unwrap();
    let at_hand = file.model_value();
    file.reload().await.unwrap();
    assert_eq!(file.model_value()["classification"], at_hand["classification"]);
    assert_eq!(file.model_value()["tags"], json!(["x", "y"]));
    assert_eq!(file.info_at::<Value>("").unwrap(), Some(json!({"new": 1})));
}

trait ModelValue {
    fn model_value(&self) -> Value;
}

impl<T: serde::Serialize> ModelValue for T {
    fn model_value(&self) -> Value {
        serde_json::to_value(self).unwrap()
    }
}

#[tokio::test]
async fn versions_are_listed_read_restored_and_deleted() {
    let bench = Bench::open().await;
    let Study { session, .. } = bench.study().await;
    let first = session.upload(Source::bytes("a.txt", "one")).await.unwrap();
    let second = session.upload(Source::bytes("a.txt", "second")).await.unwrap();
    assert_eq!((second.id(), second.version()), (first.id(), 2));
    assert_eq!(second.versions().await.unwrap().len(), 2);
    let old = second.at_version(1).await.unwrap();
    assert_eq!((old.version(), old.size()), (1, 3));
    assert_eq!(old.download().bytes().await.unwrap(), "one");
    let third = second.restore(1).await.unwrap();
    assert_eq!((third.version(), third.size(), third.restored_from), (3, 3, Some(1)));
    session.file("a.txt").await.unwrap().delete().await.unwrap();
    assert!(session.file("a.txt").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn file_is_renamed_and_moved_with_all_it_has() {
    let bench = Bench::open().await;
    let Study { session, acquisition, .. } = bench.study().await;
    let mut file = session.upload(Source::bytes("a.txt", "one")).await.unwrap();
    file.tags().add(["kept"]).await.unwrap();
    let id = file.id().to_owned();
    file.rename("b.txt").await.unwrap();
    assert_eq!((file.name(), file.id()), ("b.txt", id.as_str()));
    file.move_to(&acquisition).await.unwrap();
    assert_eq!(file.parent_ref().unwrap().kind, Kind::Acquisition);
    assert!(session.files().await.unwrap().is_empty());
    let found = acquisition.file("b.txt").await.unwrap();
    assert_eq!((found.id(), found.tags.clone().unwrap()), (id.as_str(), vec!["kept".to_owned()]));
}

#[tokio::test]
async fn name_with_a_slash_has_no_route_and_that_is_said_before_sending() {
    let document = json!({"file_id": "5eb0bf2e0a1b2c3d4e5f6071", "name": "run 1/a.txt", "parent_ref": {"type": "session", "id": "x"}});
    let api =
        axum::Router::new().route("/api/files/{id}", axum::routing::get(async move || axum::Json(document)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let key = format!("{}:__force_insecure:key", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, api).await });
    let fw = flywheel::Client::new(key).unwrap();
    let mut file = fw.files().get("5eb0bf2e0a1b2c3d4e5f6071").await.unwrap();
    for error in
        [file.update().modality("MR").await.unwrap_err(), file.info().delete(["a"]).await.unwrap_err()]
    {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(
            error.message().contains("slash") && error.hint().is_some() && error.attempts() == 0,
            "{error}"
        );
    }
}

#[tokio::test]
async fn loaded_files_and_analyses_are_those_of_the_document() {
    let bench = Bench::open().await;
    let Study { mut session, .. } = bench.study().await;
    session.upload(Source::bytes("a.txt", "x")).await.unwrap();
    session.add_analysis("fit").await.unwrap();
    assert!(session.loaded_files().is_empty() && session.loaded_analyses().is_empty());
    session.reload().await.unwrap();
    assert_eq!(session.loaded_files()[0].download().bytes().await.unwrap(), "x");
    assert_eq!(session.loaded_analyses()[0].label(), "fit");
}

#[tokio::test]
async fn analysis_tells_inputs_from_outputs() {
    let bench = Bench::open().await;
    let Study { session, .. } = bench.study().await;
    let input = session.upload(Source::bytes("in.txt", "in")).await.unwrap();
    let analysis = session
        .add_analysis("fit")
        .set("inputs", json!([{"type": "session", "id": session.id(), "name": input.name()}]))
        .await
        .unwrap();
    analysis.upload(Source::bytes("out.txt", "out")).await.unwrap();
    let names =
        |files: Vec<flywheel::File>| files.iter().map(|file| file.name().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(analysis.inputs().await.unwrap()), ["in.txt"]);
    assert_eq!(names(analysis.files().await.unwrap()), ["out.txt"]);
    assert_eq!(analysis.file("out.txt").await.unwrap().parent_ref().unwrap().kind, Kind::Analysis);
}
