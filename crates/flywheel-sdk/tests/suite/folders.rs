//! Whole containers as folders: what is missing or changed is fetched, the rest is left alone.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use flywheel::{Source, folder::FolderEvent};
use futures::FutureExt;

use crate::bench::{Bench, Study};

async fn filled(bench: &Bench) -> Study {
    let study = bench.study().await;
    study.project.upload(Source::bytes("plan.pdf", "the plan")).await.unwrap();
    study.acquisition.upload(Source::bytes("t1.nii", "a volume")).await.unwrap();
    let analysis = study.session.add_analysis("fit").await.unwrap();
    analysis.upload(Source::bytes("fit.csv", "a,b\n1,2\n")).await.unwrap();
    study
}

fn names(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_container_becomes_a_folder_and_stays_in_step() {
    let bench = Bench::open().await;
    let study = filled(&bench).await;
    let folder = tempfile::tempdir().unwrap();
    let first = study.project.download_to(folder.path()).await.unwrap();
    assert_eq!((first.downloaded().count(), first.unchanged().count(), first.failed().count()), (3, 0, 0));
    assert!(first.downloaded().all(|file| file.verified));
    let expected = [
        "Color Study/plan.pdf",
        "Color Study/sub-01/ses-01/T1w/t1.nii",
        "Color Study/sub-01/ses-01/analyses/fit/fit.csv",
    ];
    assert_eq!(names(folder.path()), expected);

    // One changes here, one there, and one goes.
    std::fs::write(folder.path().join(expected[0]), "THE PLAN").unwrap();
    std::fs::remove_file(folder.path().join(expected[2])).unwrap();
    study.acquisition.upload(Source::bytes("t1.nii", "a better volume")).await.unwrap();
    let mended = study.project.download_to(folder.path()).at_once(1).await.unwrap();
    assert_eq!(mended.downloaded().count(), 3);
    assert_eq!(std::fs::read_to_string(folder.path().join(expected[0])).unwrap(), "the plan");
    assert_eq!(std::fs::read_to_string(folder.path().join(expected[1])).unwrap(), "a better volume");
    let again = study.project.download_to(folder.path()).await.unwrap().complete().unwrap();
    assert_eq!((again.downloaded().count(), again.unchanged().count()), (0, 3));
}

#[tokio::test]
async fn types_choose_and_a_plan_fetches_nothing() {
    let bench = Bench::open().await;
    let study = filled(&bench).await;
    let folder = tempfile::tempdir().unwrap();
    let plan = study.project.download_to(folder.path()).exclude_types(["pdf"]).plan().await.unwrap();
    let places: Vec<_> = plan.iter().map(|located| located.path.to_str().unwrap()).collect();
    assert_eq!(
        places,
        ["Color Study/sub-01/ses-01/T1w/t1.nii", "Color Study/sub-01/ses-01/analyses/fit/fit.csv"]
    );
    assert!(names(folder.path()).is_empty());
    let report = study.session.download_to(folder.path()).include_types(["nifti"]).await.unwrap();
    assert_eq!(report.downloaded().count(), 1);
    assert_eq!(names(folder.path()), ["ses-01/T1w/t1.nii"]);
    let analysis = study.session.analyses().find_one().await.unwrap();
    analysis.download_to(folder.path()).await.unwrap();
    assert_eq!(names(folder.path()), ["fit/fit.csv", "ses-01/T1w/t1.nii"]);
}

#[tokio::test]
async fn a_file_that_fails_is_told_and_stops_no_other() {
    let bench = Bench::open().await;
    let study = filled(&bench).await;
    let folder = tempfile::tempdir().unwrap();
    let plan = study.project.download_to(folder.path()).plan().await.unwrap();
    study.acquisition.file("t1.nii").await.unwrap().delete().await.unwrap();
    let ended = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ended);
    let download = bench.fw.download_many(folder.path(), plan).on_event(move |event| {
        if let FolderEvent::Ended(_) = event {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let report = download.await.unwrap();
    assert_eq!((report.downloaded().count(), report.failed().count()), (2, 1));
    assert_eq!(ended.load(Ordering::Relaxed), 3);
    assert!(report.failed().next().unwrap().path.ends_with("T1w/t1.nii"));
    assert!(report.complete().unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_dropped_download_leaves_no_file_that_is_not_whole() {
    let bench = Bench::open().await;
    let study = bench.study().await;
    let large = vec![7_u8; 8 << 20];
    study.acquisition.upload(Source::bytes("large.bin", large.clone())).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut transfer = study.acquisition.download_to(folder.path()).start();
    let mut progress = transfer.progress();
    // Until some of it has arrived and some has not.
    loop {
        tokio::select! {
            _ = &mut transfer => break,
            _ = progress.changed() => {
                if progress.borrow_and_update().transferred > 0 {
                    break;
                }
            }
        }
    }
    assert!((&mut transfer).now_or_never().is_none(), "the transfer was over before it could be dropped");
    drop(transfer);
    let whole = |name: &String| name == "T1w/large.bin";
    assert!(!names(folder.path()).iter().any(whole));
    let report = study.acquisition.download_to(folder.path()).await.unwrap();
    assert_eq!(report.downloaded().count(), 1);
    assert_eq!(names(folder.path()), ["T1w/large.bin"]);
    assert_eq!(std::fs::read(folder.path().join("T1w/large.bin")).unwrap(), large);
}
