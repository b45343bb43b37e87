//! What is left when a transfer is dropped in the middle: nothing.

use std::{io, path::Path, time::Duration};

use bytes::Bytes;
use flywheel::{Client, Source, transfer::Place};
use flywheel_local::Site;
use futures::{FutureExt, StreamExt, stream};
use serde_json::json;

use crate::bench::{Bench, Study};

/// A source of `length` bytes that waits for ever where `end` of them have been given.
fn stalling(length: u64, end: u64) -> Source {
    const CHUNK: u64 = 1 << 20;
    Source::reopen("large.bin", length, move |from| {
        let chunks = (from..end).step_by(CHUNK as usize).map(move |at| {
            let size = CHUNK.min(end - at) as usize;
            Ok::<_, io::Error>(Bytes::from(vec![1; size]))
        });
        stream::iter(chunks).chain(stream::pending())
    })
}

/// Drops an upload that has sent `end` of its `length` bytes; nothing of it is left.
async fn dropped_upload(direct: bool, length: u64, end: u64) {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::builder().data(folder.path()).signed_uploads(true).open().await.unwrap();
    let running = site.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let fw = Client::new(running.api_key()).unwrap();
    let project = fw.add_group("lab", "Lab").await.unwrap().add_project("Study").await.unwrap();
    let mut upload = project.upload(stalling(length, end)).direct(direct).start();
    let mut progress = upload.progress();
    let moving = async {
        while progress.borrow_and_update().transferred < end {
            progress.changed().await.unwrap();
        }
    };
    tokio::select! {
        done = &mut upload => panic!("a stalled upload ended: {done:?}"),
        () = moving => {}
    }
    assert!((&mut upload).now_or_never().is_none());
    drop(upload);
    fw.settled().await;
    assert!(project.files().await.unwrap().is_empty());
    // Not even the parts that had arrived stay.
    for _ in 0..100 {
        if files_below(&folder.path().join("blobs")) == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(files_below(&folder.path().join("blobs")), 0);
    // The name is free, and the same client goes on.
    let file = project.upload(Source::bytes("large.bin", "small after all")).await.unwrap();
    assert_eq!(file.version(), 1);
}

fn files_below(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn a_dropped_form_leaves_no_file() {
    dropped_upload(false, 9 << 20, 1 << 20).await;
}

#[tokio::test]
async fn a_dropped_direct_upload_leaves_no_file() {
    dropped_upload(true, 9 << 20, 1 << 20).await;
}

#[tokio::test]
async fn an_upload_in_parts_dropped_after_the_first_leaves_no_file() {
    // Two parts of a little more than the 64 MiB that the site wants at least; the second stalls.
    dropped_upload(true, 130 << 20, 100 << 20).await;
}

#[tokio::test]
async fn a_dropped_archive_leaves_no_half_file() {
    let bench = Bench::open().await;
    let Study { acquisition, project, .. } = bench.study().await;
    acquisition.upload(Source::bytes("large.bin", vec![3_u8; 16 << 20])).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut transfer = project.archive().to_path(folder.path().join("all.tar"));
    let mut progress = transfer.progress();
    tokio::select! {
        done = &mut transfer => panic!("it was over too soon: {done:?}"),
        moved = progress.changed() => moved.unwrap(),
    }
    drop(transfer);
    // The thread that writes takes its file away as soon as it notices.
    for _ in 0..100 {
        if std::fs::read_dir(folder.path()).unwrap().next().is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    project.archive().to_path(folder.path().join("all.tar")).await.unwrap();
}

#[tokio::test]
async fn clones_share_one_retry_budget() {
    let bench = Bench::open().await;
    let clone = bench.fw.clone();
    let other = bench.fw.with_options(flywheel::CallOptions::new().timeout(Duration::from_secs(5)));
    let budget = |fw: &Client| std::ptr::from_ref(fw.raw().transport().retry_budget());
    assert_eq!(budget(&bench.fw), budget(&clone));
    assert_eq!(budget(&bench.fw), budget(&other));
    let (a, b) = tokio::join!(clone.projects().find(), other.groups().find());
    assert!(a.is_ok() && b.is_ok());
}

#[tokio::test]
async fn files_find_their_place_by_label_and_by_uid() {
    let bench = Bench::open().await;
    let Study { acquisition, session, .. } = bench.study().await;
    let place = || Place::new("neuro", "Color Study").subject("sub-01").session("ses-01");
    let files =
        bench.fw.upload_by_label(place().acquisition("T1w"), [Source::bytes("a.nii", "a")]).await.unwrap();
    assert_eq!(files[0].name(), "a.nii");
    assert_eq!(acquisition.file("a.nii").await.unwrap().size(), 1);
    bench.fw.upload_by_label(place(), [Source::bytes("events.tsv", "e").tags(["raw"])]).await.unwrap();
    assert_eq!(session.file("events.tsv").await.unwrap().tags, Some(vec!["raw".to_owned()]));
    let by_uid = place().session_field("uid", "1.2").acquisition("bold").acquisition_field("uid", "1.2.3");
    bench.fw.upload_by_uid(by_uid.clone(), [Source::bytes("b.nii", "b")]).await.unwrap();
    bench.fw.upload_by_uid(by_uid, [Source::bytes("b.nii", "bb")]).await.unwrap();
    assert_eq!(bench.fw.known_acquisition_uids(["1.2.3", "9"]).await.unwrap(), ["1.2.3"]);
    let found = bench.fw.acquisitions().filter("label=bold").find_one().await.unwrap();
    assert_eq!(found.file("b.nii").await.unwrap().version(), 2);
    let error = session.project().await.unwrap().upload_packfile([Source::bytes("a", "a")], json!([1])).await;
    assert!(error.unwrap_err().is_invalid());
}
