//! Transfers against a real site: what goes up comes down.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "shared/noise.rs"]
mod noise;

use std::{
    io::{Cursor, Read, Write},
    path::Path,
};

use bytes::Bytes;
use flywheel::{Acquisition, ArchiveFormat, Client, ErrorKind, Source};
use flywheel_local::{Running, Site};
use futures::TryStreamExt;
use noise::noise;
use serde_json::json;

/// A served site with one acquisition. What is needed for it to go on stays alive with it.
struct Fixture {
    _site: Site,
    _running: Running,
    client: Client,
    acquisition: Acquisition,
}

async fn fixture(signed_uploads: bool) -> Fixture {
    let site = Site::builder().signed_uploads(signed_uploads).open().await.unwrap();
    let running = site.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let client = Client::new(running.api_key().as_str()).unwrap();
    let group = client.add_group("lab", "Lab").await.unwrap();
    let project = group.add_project("Study").await.unwrap();
    let subject = project.add_subject("sub-01").await.unwrap();
    let session = subject.add_session("ses-01").await.unwrap();
    let acquisition = session.add_acquisition("T1w").await.unwrap();
    Fixture { _site: site, _running: running, client, acquisition }
}

/// The same bytes as they come back.
fn content(length: usize) -> Bytes {
    noise(length).into()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[tokio::test]
async fn a_file_comes_back_as_it_went_up_in_every_form() {
    let here = fixture(false).await;
    let sent = content(3 << 20);
    let file = here.acquisition.upload(Source::bytes("t1.nii.gz", sent.clone())).await.unwrap();
    assert_eq!((file.name(), file.size(), file.version()), ("t1.nii.gz", 3 << 20, 1));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("back.nii.gz");
    let done = file.download().to_path(&path).await.unwrap();
    assert_eq!((done.size, done.verified), (3 << 20, true));
    assert_eq!(read(&path), sent);
    assert_eq!(file.download().bytes().await.unwrap(), sent);
    let chunks: Vec<Bytes> = file.download().stream().try_collect().await.unwrap();
    assert_eq!(chunks.concat(), sent);
    let writer = tokio::fs::File::create(folder.path().join("written")).await.unwrap();
    assert!(file.download().to_writer(writer).await.unwrap().verified);
    assert_eq!(read(&folder.path().join("written")), sent);
    assert_eq!(
        file.download().range(1_000_000..1_000_050).bytes().await.unwrap(),
        sent[1_000_000..1_000_050]
    );
}

#[tokio::test]
async fn a_file_is_read_by_its_name_alone() {
    let here = fixture(false).await;
    here.acquisition.upload(Source::bytes("a.txt", "abc")).await.unwrap();
    here.acquisition.upload(Source::bytes("b.zip", zip(&[("inside/c.txt", b"member")]))).await.unwrap();
    assert_eq!(here.acquisition.download("a.txt").bytes().await.unwrap(), "abc");
    assert_eq!(here.acquisition.download("a.txt").range(1..2).bytes().await.unwrap(), "b");
    let folder = tempfile::tempdir().unwrap();
    let done = here.acquisition.download("a.txt").to_path(folder.path().join("a")).await.unwrap();
    assert_eq!((done.size, done.verified), (3, true));
    assert_eq!(here.acquisition.zip_member("b.zip", "inside/c.txt").bytes().await.unwrap(), "member");
    let error = here.acquisition.download("nowhere.txt").bytes().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn sources_of_every_form_go_up_in_one_request_with_their_metadata() {
    let here = fixture(false).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan äöü %2F.nii");
    std::fs::write(&path, "from a path").unwrap();
    let again = Source::reopen("stream.txt", 6, |from| {
        futures::stream::iter([Ok(Bytes::from_static(b"stream").slice(usize::try_from(from).unwrap()..))])
    });
    let sources = [
        Source::path(&path).modality("MR").classification(json!({"Intent": ["Structural"]})),
        Source::bytes("b.json", "{}").file_type("source code").tags(["x"]).info(json!({"n": 1})),
        again,
    ];
    let mut files = here.acquisition.upload_all(sources).await.unwrap();
    files.sort_by_key(|file| file.name().to_owned());
    let names: Vec<&str> = files.iter().map(|file| file.name()).collect();
    assert_eq!(names, ["b.json", "scan äöü %2F.nii", "stream.txt"]);
    assert_eq!(files[0].file_type(), Some("source code"));
    assert_eq!(files[0].tags.as_deref(), Some(&["x".to_owned()][..]));
    assert_eq!(files[1].modality.as_deref(), Some("MR"));
    for (file, expected) in files.iter().zip(["{}", "from a path", "stream"]) {
        assert_eq!(file.download().bytes().await.unwrap(), expected);
    }
}

#[tokio::test]
async fn every_version_is_downloaded_as_it_was() {
    let here = fixture(false).await;
    let first = here.acquisition.upload(Source::bytes("a.txt", "one").tags(["kept"])).await.unwrap();
    let second =
        here.acquisition.upload(Source::bytes("a.txt", "two!")).preserve_metadata(true).await.unwrap();
    assert_eq!((first.id(), second.version()), (second.id(), 2));
    assert_eq!(second.tags.as_deref(), Some(&["kept".to_owned()][..]));
    assert_eq!(first.download().bytes().await.unwrap(), "one");
    assert_eq!(second.download().bytes().await.unwrap(), "two!");
}

#[tokio::test]
async fn large_files_go_straight_to_the_storage_where_the_site_offers_it() {
    let here = fixture(true).await;
    // More than the site takes in one part.
    let sent = content((64 << 20) + 12_345);
    let file = here.acquisition.upload(Source::bytes("large.bin", sent.clone()).tags(["x"])).await.unwrap();
    assert_eq!((file.size(), file.tags.as_deref()), (sent.len() as u64, Some(&["x".to_owned()][..])));
    assert_eq!(file.download().bytes().await.unwrap(), sent);
    let small = here.acquisition.upload(Source::bytes("small.bin", "s")).direct(true).await.unwrap();
    assert_eq!(small.download().bytes().await.unwrap(), "s");
    let empty = here.acquisition.upload(Source::bytes("empty.bin", "")).direct(true).await.unwrap();
    assert_eq!(empty.download().bytes().await.unwrap(), "");
}

#[tokio::test]
async fn a_stopped_download_is_continued_by_the_next_run() {
    let here = fixture(false).await;
    let sent = content(8 << 20);
    let file = here.acquisition.upload(Source::bytes("t1.nii", sent.clone())).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t1.nii");
    let mut transfer = file.download().resume(true).to_path(&path);
    let mut progress = transfer.progress();
    tokio::select! {
        biased;
        _ = progress.wait_for(|now| now.transferred > 0) => {}
        done = &mut transfer => panic!("{done:?}"),
    }
    drop(transfer);
    assert!(!path.exists());

    let first = std::sync::Arc::new(std::sync::Mutex::new(None));
    let noted = first.clone();
    let done = file.download().resume(true).on_progress(move |now| {
        noted.lock().unwrap().get_or_insert(now.transferred);
    });
    assert!(done.to_path(&path).await.unwrap().verified);
    assert!(first.lock().unwrap().unwrap() > 0, "the second run began with what the first had");
    assert_eq!(read(&path), sent);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_zip_is_listed_and_read_member_by_member() {
    let here = fixture(false).await;
    let archive = zip(&[("a/1.dcm", b"one"), ("a/two ü.dcm", b"second")]);
    let file = here.acquisition.upload(Source::bytes("t1.dcm.zip", archive)).await.unwrap();
    let listing = file.zip().await.unwrap();
    let listed: Vec<_> = listing.members.iter().map(|member| (member.path.as_str(), member.size)).collect();
    assert_eq!(listed, [("a/1.dcm", 3), ("a/two ü.dcm", 6)]);
    assert_eq!(file.zip_member("a/two ü.dcm").bytes().await.unwrap(), "second");
    let error = file.zip_member("nowhere").bytes().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Invalid | ErrorKind::NotFound), "{error}");
    let text = here.acquisition.upload(Source::bytes("a.txt", "no zip")).await.unwrap();
    assert_eq!(text.zip().await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn an_address_with_a_ticket_needs_no_key() {
    let here = fixture(false).await;
    let file = here.acquisition.upload(Source::bytes("a.txt", "abc")).await.unwrap();
    let url = file.download().url().await.unwrap();
    let path = url.strip_prefix(here.client.base_url()).unwrap();
    let transport =
        flywheel_api::transport::Transport::builder().base_url(here.client.base_url()).build().unwrap();
    let request = transport.request(http::Method::GET, path).unwrap();
    let call = flywheel_api::transport::Call::new("download", "ticket").anonymous(true);
    let answer = transport.execute(call, request).await.unwrap();
    assert_eq!(flywheel_api::transport::read_body(answer, call).await.unwrap(), "abc");
}

#[tokio::test]
async fn whole_containers_come_as_tar_and_zip_filtered_by_type() {
    let here = fixture(false).await;
    here.acquisition.upload(Source::bytes("a.txt", "abc").file_type("text")).await.unwrap();
    here.acquisition.upload(Source::bytes("b.nii", "volume").file_type("nifti")).await.unwrap();
    let project = here.acquisition.project().await.unwrap();
    let summary = project.archive().summary().await.unwrap();
    assert_eq!((summary.files, summary.size), (Some(2), Some(9)));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.zip");
    project.archive().format(ArchiveFormat::Zip).include_types(["nifti"]).to_path(&path).await.unwrap();
    let mut archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names, ["scitran/lab/Study/sub-01/ses-01/T1w/b.nii"]);
    let mut back = String::new();
    archive.by_name(&names[0]).unwrap().read_to_string(&mut back).unwrap();
    assert_eq!(back, "volume");

    let tar: Vec<Bytes> = project.archive().exclude_types(["nifti"]).stream().try_collect().await.unwrap();
    let tar = tar.concat();
    let mut archive = tar::Archive::new(Cursor::new(tar));
    let names: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    assert_eq!(names, ["scitran/lab/Study/sub-01/ses-01/T1w/a.txt"]);
}

#[tokio::test]
async fn many_files_move_at_once() {
    let here = fixture(false).await;
    let uploads = (0..100)
        .map(|n| here.acquisition.upload(Source::bytes(format!("file-{n}.bin"), content(n * 997))).start());
    let files = futures::future::try_join_all(uploads).await.unwrap();
    let downloads = files.iter().map(|file| file.download().bytes());
    let back = futures::future::try_join_all(downloads).await.unwrap();
    for (n, bytes) in back.iter().enumerate() {
        assert_eq!(*bytes, content(n * 997));
    }
}
