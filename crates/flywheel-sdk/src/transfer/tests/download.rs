//! Downloads: destinations, parts, checks, and what is left behind.

use super::{
    CONTENT, FileAt, download, hash_of, names, play, recorded,
    script::{Step, answer, text},
    unknown, whole,
};
use crate::{
    Client, ContainerRef, ErrorKind, Kind,
    transfer::{Download, Downloaded, zip::zip_info},
};
use futures::TryStreamExt;

#[tokio::test]
async fn a_file_is_written_to_its_path_and_checked() {
    let (server, client) = play(vec![whole(CONTENT)]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t1.nii");
    std::fs::write(&path, "old").unwrap();
    let done = download(&client, &recorded()).to_path(&path).await.unwrap();
    assert_eq!(done, Downloaded { size: 20, verified: true });
    assert_eq!(std::fs::read_to_string(&path).unwrap(), CONTENT);
    assert_eq!(names(folder.path()), ["t1.nii"]);
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].line(), "GET /api/acquisitions/a1/files/t%201.nii?version=2 HTTP/1.1");
    assert_eq!(arrived[0].header("range"), None);
}

#[tokio::test]
async fn wrong_bytes_never_reach_the_destination() {
    let (server, client) = play(vec![whole("0123456789abcdefghiX")]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t1.nii");
    std::fs::write(&path, "old").unwrap();
    let error = download(&client, &recorded()).resume(true).to_path(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(names(folder.path()), ["t1.nii"]);
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn wrong_bytes_end_every_form_of_download_in_an_error() {
    let wrong = || whole("0123456789abcdefghiX");
    let (_server, client) = play(vec![wrong(), wrong(), wrong(), wrong()]).await;
    let file = || download(&client, &recorded());
    assert_eq!(file().bytes().await.unwrap_err().kind(), ErrorKind::Integrity);
    let streamed: Result<Vec<_>, _> = file().stream().try_collect().await;
    assert_eq!(streamed.unwrap_err().kind(), ErrorKind::Integrity);
    assert_eq!(file().to_writer(Vec::new()).await.unwrap_err().kind(), ErrorKind::Integrity);
    assert_eq!(file().verify(false).bytes().await.unwrap(), "0123456789abcdefghiX");
}

#[tokio::test]
async fn a_hash_that_cannot_be_checked_is_reported_as_unverified() {
    let (_server, client) = play(vec![whole(CONTENT), whole(CONTENT)]).await;
    let mut file = recorded();
    file.expected.hash = Some("\"d41d8cd9-3\"".to_owned());
    let done = download(&client, &file).to_writer(Vec::new()).await.unwrap();
    assert_eq!(done, Downloaded { size: 20, verified: false });
    assert_eq!(download(&client, &unknown()).bytes().await.unwrap(), CONTENT);
}

#[tokio::test]
async fn another_size_than_recorded_is_an_error() {
    for content in ["0123", "0123456789abcdefghij0123"] {
        let (server, client) = play(vec![whole(content)]).await;
        let mut file = recorded();
        file.expected.hash = None;
        assert_eq!(download(&client, &file).bytes().await.unwrap_err().kind(), ErrorKind::Integrity);
        assert_eq!(server.arrived().len(), 1);
    }
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    for body in ["4\r\n0123\r\n0\r\n\r\n", "18\r\n0123456789abcdefghij0123\r\n0\r\n\r\n"] {
        let (_server, client) = play(vec![Step::Answer(format!("{chunked}{body}").into_bytes())]).await;
        let mut file = recorded();
        file.expected.hash = None;
        assert_eq!(download(&client, &file).bytes().await.unwrap_err().kind(), ErrorKind::Integrity);
    }
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let (_server, client) = play(vec![whole("")]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty");
    let mut file = recorded();
    file.expected.size = Some(0);
    file.expected.hash = Some(super::hash_of(""));
    assert_eq!(
        download(&client, &file).to_path(&path).await.unwrap(),
        Downloaded { size: 0, verified: true }
    );
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
}

#[tokio::test]
async fn a_part_is_asked_for_by_its_range() {
    let range = "Content-Range: bytes 5-9/20";
    let (server, client) = play(vec![Step::Answer(text("206 Partial Content", &[range], 5, "56789"))]).await;
    assert_eq!(download(&client, &recorded()).range(5..10).bytes().await.unwrap(), "56789");
    let arrived = server.arrived();
    assert_eq!(arrived[0].header("range"), Some("bytes=5-9"));
    assert!(arrived[0].line().contains("view=true"), "{}", arrived[0].line());
}

#[tokio::test]
async fn a_part_is_cut_out_when_the_server_sends_the_whole() {
    let (_server, client) = play(vec![whole(CONTENT), whole(CONTENT)]).await;
    assert_eq!(download(&client, &recorded()).range(5..10).bytes().await.unwrap(), "56789");
    let done = download(&client, &unknown()).range(18..99).to_writer(Vec::new()).await.unwrap();
    assert_eq!(done, Downloaded { size: 2, verified: false });
}

#[tokio::test]
async fn a_part_of_no_bytes_asks_for_nothing() {
    let (server, client) = play(Vec::new()).await;
    assert_eq!(download(&client, &recorded()).range(7..7).bytes().await.unwrap(), "");
    assert_eq!(download(&client, &recorded()).range(20..30).bytes().await.unwrap(), "");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_dropped_download_leaves_nothing_behind() {
    let (server, client) = play(vec![Step::Stall(text("200 OK", &[], 20, "01234"))]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t1.nii");
    let mut transfer = download(&client, &recorded()).to_path(&path);
    let mut progress = transfer.progress();
    tokio::select! {
        _ = &mut transfer => panic!("the server stalls"),
        _ = progress.wait_for(|now| now.transferred == 5) => {}
    }
    assert_eq!(names(folder.path()).len(), 1);
    drop(transfer);
    assert_eq!(names(folder.path()), [""; 0]);
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn a_cancelled_download_says_so_and_leaves_nothing_behind() {
    let (_server, client) = play(vec![Step::Stall(text("200 OK", &[], 20, "01234"))]).await;
    let folder = tempfile::tempdir().unwrap();
    let transfer = download(&client, &recorded()).to_path(folder.path().join("t1.nii"));
    let (mut progress, canceller) = (transfer.progress(), transfer.canceller());
    let waiting = tokio::spawn(transfer);
    progress.wait_for(|now| now.transferred == 5).await.unwrap();
    canceller.cancel();
    assert!(waiting.await.unwrap().unwrap_err().is_cancelled());
    assert_eq!(names(folder.path()), [""; 0]);
}

#[tokio::test]
async fn progress_reaches_the_total() {
    let (_server, client) = play(vec![whole(CONTENT)]).await;
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = seen.clone();
    let transfer = download(&client, &recorded())
        .on_progress(move |now| noted.lock().unwrap().push((now.transferred, now.total)))
        .bytes();
    let progress = transfer.progress();
    transfer.await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.last(), Some(&(20, Some(20))));
    assert!(seen.is_sorted());
    assert_eq!(progress.borrow().transferred, 20);
}

#[tokio::test]
async fn a_destination_that_cannot_be_written_is_named() {
    let (server, client) = play(Vec::new()).await;
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("nowhere/t1.nii"), folder.path().to_path_buf()] {
        let error = download(&client, &recorded()).to_path(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains(path.to_str().unwrap()), "{error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_found() {
    let (server, client) = play(vec![answer("404 Not Found", &[], r#"{"message": "no such file"}"#)]).await;
    let error = download(&client, &recorded()).bytes().await.unwrap_err();
    assert_eq!((error.is_not_found(), error.operation()), (true, "download_file_from_acquisition"));
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn a_name_that_cannot_stand_in_a_path_is_refused_before_sending() {
    let (server, client) = play(Vec::new()).await;
    let mut file = recorded();
    file.name = "..".to_owned();
    assert_eq!(download(&client, &file).bytes().await.unwrap_err().kind(), ErrorKind::Invalid);
    file.name = "t1.nii".to_owned();
    file.container = crate::ContainerRef::new(crate::Kind::Group, "g");
    assert_eq!(download(&client, &file).bytes().await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_zip_is_listed_and_one_member_fetched() {
    let listing = r#"{"comment": null, "members": [{"path": "a/b.dcm", "size": 3, "timestamp": "2020-01-01T00:00:00", "comment": ""}]}"#;
    let (server, client) = play(vec![answer("200 OK", &[], listing), whole("abc")]).await;
    let zip = zip_info(&client, Ok(recorded())).await.unwrap();
    assert_eq!((zip.comment.as_str(), zip.members[0].path.as_str(), zip.members[0].size), ("", "a/b.dcm", 3));
    let member = Download::zip_member(&client, Ok(recorded()), &zip.members[0].path).bytes().await.unwrap();
    assert_eq!(member, "abc");
    let arrived = server.arrived();
    assert_eq!(arrived[0].line(), "GET /api/acquisitions/a1/files/t%201.nii?info=true&version=2 HTTP/1.1");
    assert_eq!(
        arrived[1].line(),
        "GET /api/acquisitions/a1/files/t%201.nii?member=a%2Fb.dcm&version=2 HTTP/1.1"
    );
}

#[tokio::test]
async fn an_address_with_a_ticket_is_made_by_asking_for_one() {
    let (server, client) = play(vec![answer("200 OK", &[], r#"{"ticket": "t-1", "size": 20}"#)]).await;
    let url = download(&client, &recorded()).url().await.unwrap();
    assert_eq!(url, format!("{}/acquisitions/a1/files/t%201.nii?version=2&ticket=t-1", server.base()));
    assert_eq!(
        server.arrived()[0].line(),
        "GET /api/acquisitions/a1/files/t%201.nii?version=2&ticket= HTTP/1.1"
    );
}

#[tokio::test]
async fn a_name_with_a_slash_is_reached_by_the_id() {
    let (server, client) = play(vec![whole(CONTENT), answer("200 OK", &[], "{}"), whole("abc")]).await;
    let mut file = recorded();
    file.name = "a/b.zip".to_owned();
    assert_eq!(download(&client, &file).bytes().await.unwrap(), CONTENT);
    zip_info(&client, Ok(file.clone())).await.unwrap();
    Download::zip_member(&client, Ok(file), "c/d").bytes().await.unwrap();
    let lines: Vec<String> = server.arrived().iter().map(|request| request.line().to_owned()).collect();
    let expected = [
        "GET /api/files/f1/download?version=2 HTTP/1.1",
        "GET /api/files/f1/zip_info?version=2 HTTP/1.1",
        "GET /api/files/f1/zip_member/c%2Fd?version=2 HTTP/1.1",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn transfers_can_be_sent_between_threads() {
    fn check<T: Send>() {}
    check::<crate::transfer::Transfer<Downloaded>>();
    check::<Download>();
    check::<Client>();
}

#[tokio::test]
async fn a_file_known_by_name_is_checked_against_the_hash_that_comes_with_it() {
    let at = FileAt::named(ContainerRef::new(Kind::Acquisition, "a1"), "t 1.nii");
    let with = |etag: String, content: &str| {
        Step::Answer(text("200 OK", &[&format!("ETag: \"{etag}\"")], content.len(), content))
    };
    let other = "abcdefghij0123456789";
    let steps = vec![with(hash_of(CONTENT), CONTENT), with(hash_of(CONTENT), other), with("x".into(), other)];
    let (server, client) = play(steps).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let done = download(&client, &at).to_path(&path).await.unwrap();
    assert_eq!((done.size, done.verified), (CONTENT.len() as u64, true));
    assert_eq!(server.arrived()[0].line(), "GET /api/acquisitions/a1/files/t%201.nii HTTP/1.1");
    assert_eq!(download(&client, &at).bytes().await.unwrap_err().kind(), ErrorKind::Integrity);
    // A storage's own validator tells nothing of the content.
    assert!(!download(&client, &at).to_path(&path).await.unwrap().verified);
    assert_eq!(server.arrived().len(), 3);
}

#[tokio::test]
async fn a_name_with_a_slash_needs_the_file_itself() {
    let (server, client) = play(Vec::new()).await;
    let at = FileAt::named(ContainerRef::new(Kind::Acquisition, "a1"), "a/b");
    let error = download(&client, &at).bytes().await.unwrap_err();
    assert_eq!((error.kind(), server.connections()), (ErrorKind::Invalid, 0));
    assert!(error.message().contains("a/b") && error.hint().is_some(), "{error}");
}
