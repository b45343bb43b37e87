//! Lookup, resolve, get.

use flywheel::{Acquisition, ErrorKind, File, FwPath, Node, Project, Session, Source};

use crate::bench::Bench;

#[tokio::test]
async fn lookup_finds_every_level_and_casts_it() {
    let bench = Bench::open().await;
    let study = bench.study().await;
    study.acquisition.upload(Source::bytes("t1.nii.gz", "x")).await.unwrap();
    let fw = &bench.fw;
    let project: Project = fw.lookup("neuro/Color Study").cast().await.unwrap();
    assert_eq!(project.id(), study.project.id());
    let session = fw.lookup("fw://neuro/Color Study/sub-01/ses-01/").cast::<Session>().await.unwrap();
    assert_eq!(session.id(), study.session.id());
    let by_id = format!("neuro/<id:{}>/sub-01/ses-01/T1w", study.project.id());
    let acquisition = fw.lookup(&by_id).cast::<Acquisition>().await.unwrap();
    assert_eq!(acquisition.id(), study.acquisition.id());
    let file = fw.lookup(format!("{by_id}/files/t1.nii.gz")).cast::<File>().await.unwrap();
    assert_eq!(file.download().bytes().await.unwrap(), "x");
    let parts = FwPath::from_labels(["neuro", "Color Study"]);
    assert!(matches!(fw.lookup(parts).await.unwrap(), Node::Project(_)));
    assert!(matches!(fw.lookup("neuro").await.unwrap(), Node::Group(_)));
}

#[tokio::test]
async fn labels_with_slashes_go_as_a_list() {
    let bench = Bench::open().await;
    let project = bench.project().await;
    let subject = project.add_subject("a").await.unwrap();
    let session = subject.add_session("2024/01/02").await.unwrap();
    let found = bench.fw.lookup(["neuro", "Color Study", "a", "2024/01/02"]).cast::<Session>().await.unwrap();
    assert_eq!(found.id(), session.id());
    assert!(bench.fw.lookup("neuro/Color Study/a/2024/01/02").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn wrong_kind_and_wrong_path_say_so() {
    let bench = Bench::open().await;
    bench.study().await;
    let error = bench.fw.lookup("neuro/Color Study/sub-01").cast::<Session>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("\"sub-01\" is a subject, not a session"), "{error}");
    assert!(bench.fw.lookup("neuro/Nothing").await.unwrap_err().is_not_found());
    let malformed = bench.fw.lookup("neuro//x").await.unwrap_err();
    assert!(malformed.is_invalid() && malformed.message().contains('^'), "{malformed}");
}

#[tokio::test]
async fn resolve_gives_the_way_and_what_is_below() {
    let bench = Bench::open().await;
    let study = bench.study().await;
    study.project.upload(Source::bytes("plan.pdf", "x")).await.unwrap();
    let found = bench.fw.resolve("neuro/Color Study").await.unwrap();
    let kinds = |nodes: &[Node]| nodes.iter().map(|node| node.kind_name().to_owned()).collect::<Vec<_>>();
    assert_eq!(kinds(&found.path), ["group", "project"]);
    assert_eq!(kinds(&found.children), ["subject", "file"]);
    assert_eq!(found.children[1].label(), "plan.pdf");
    let Node::File(file) = &found.children[1] else { panic!("not a file") };
    assert_eq!(file.download().bytes().await.unwrap(), "x");
    let root = bench.fw.resolve("").minimal().await.unwrap();
    assert_eq!((root.path.len(), root.children.len()), (0, 1));
}

#[tokio::test]
async fn get_finds_any_container_by_id() {
    let bench = Bench::open().await;
    let study = bench.study().await;
    let analysis = study.session.add_analysis("fit").await.unwrap();
    for reference in [
        study.group.reference(),
        study.project.reference(),
        study.subject.reference(),
        study.session.reference(),
        study.acquisition.reference(),
        analysis.reference(),
    ] {
        let node = bench.fw.get(&reference.id).await.unwrap();
        assert_eq!(node.reference(), Some(reference));
    }
    assert!(bench.fw.get("5eb0bf2e0a1b2c3d4e5f6071").await.unwrap_err().is_not_found());
}
