//! Downloads that break off: taken up again within a run, and by a later run.

use super::{
    CONTENT, client, cut, download, names, part, play, recorded,
    script::{Step, answer, text},
    unknown, whole,
};
use crate::{ErrorKind, transfer::Downloaded};

#[tokio::test]
async fn a_broken_download_goes_on_where_it_broke() {
    let (server, client) = play(vec![cut(7, &[]), part(7, &[])]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t1.nii");
    let done = download(&client, &recorded()).to_path(&path).await.unwrap();
    assert_eq!(done, Downloaded { size: 20, verified: true });
    assert_eq!(std::fs::read_to_string(&path).unwrap(), CONTENT);
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[1].header("range"), Some("bytes=7-19"));
    assert!(arrived[1].line().contains("version=2&view=true"), "{}", arrived[1].line());
}

#[tokio::test]
async fn a_part_of_a_file_goes_on_where_it_broke() {
    let broken = Step::Answer(text("206 Partial Content", &["Content-Range: bytes 5-14/20"], 10, "567"));
    let rest = Step::Answer(text("206 Partial Content", &["Content-Range: bytes 8-14/20"], 7, "89abcde"));
    let (server, client) = play(vec![broken, rest]).await;
    assert_eq!(download(&client, &recorded()).range(5..15).bytes().await.unwrap(), "56789abcde");
    assert_eq!(server.arrived()[1].header("range"), Some("bytes=8-14"));
}

#[tokio::test]
async fn a_server_without_ranges_sends_the_whole_again_and_nothing_comes_twice() {
    let (server, client) = play(vec![cut(7, &[]), whole(CONTENT)]).await;
    assert_eq!(download(&client, &recorded()).bytes().await.unwrap(), CONTENT);
    assert_eq!(server.arrived().len(), 2);
}

#[tokio::test]
async fn an_etag_is_enough_to_go_on_and_is_sent_along() {
    let (server, client) = play(vec![cut(7, &["ETag: \"e1\""]), part(7, &["ETag: \"e1\""])]).await;
    assert_eq!(download(&client, &unknown()).bytes().await.unwrap(), CONTENT);
    assert_eq!(server.arrived()[1].header("if-range"), Some("\"e1\""));
}

#[tokio::test]
async fn without_a_validator_nothing_is_taken_up_again() {
    for headers in [&[][..], &["ETag: W/\"e1\""][..]] {
        let (server, client) = play(vec![cut(7, headers), part(7, headers)]).await;
        assert_eq!(download(&client, &unknown()).bytes().await.unwrap_err().kind(), ErrorKind::Network);
        assert_eq!(server.arrived().len(), 1);
    }
}

#[tokio::test]
async fn content_that_changed_meanwhile_gives_the_original_error() {
    let other_size = Step::Answer(text("206 Partial Content", &["Content-Range: bytes 7-98/99"], 92, "x"));
    let other_part = Step::Answer(text("206 Partial Content", &["Content-Range: bytes 9-19/20"], 11, "x"));
    for second in [other_size, other_part, part(7, &["ETag: \"e2\""])] {
        let (server, client) = play(vec![cut(7, &["ETag: \"e1\""]), second]).await;
        let folder = tempfile::tempdir().unwrap();
        let error = download(&client, &recorded()).to_path(folder.path().join("x")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network, "{error}");
        assert_eq!(names(folder.path()), [""; 0]);
        assert_eq!(server.arrived().len(), 2);
    }
}

#[tokio::test]
async fn a_download_that_gets_nowhere_ends() {
    let (server, client) = play(vec![cut(7, &[]), part_cut(), part_cut(), part_cut(), part_cut()]).await;
    assert_eq!(download(&client, &recorded()).bytes().await.unwrap_err().kind(), ErrorKind::Network);
    assert_eq!(server.arrived().len(), 3);
}

/// The head of a part without any of its bytes.
fn part_cut() -> Step {
    Step::Answer(text("206 Partial Content", &["Content-Range: bytes 7-19/20"], 13, ""))
}

#[tokio::test]
async fn a_later_run_goes_on_with_what_an_earlier_one_left() {
    let (server, _) = play(vec![cut(7, &[]), part(7, &[])]).await;
    let client = client(&server, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t1.nii");
    let error = download(&client, &recorded()).resume(true).to_path(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    let left = names(folder.path());
    assert_eq!(left.len(), 1);
    assert!(left[0].starts_with(".t1.nii.") && left[0].ends_with(".part"), "{left:?}");

    let transfer = download(&client, &recorded()).resume(true).to_path(&path);
    let progress = transfer.progress();
    assert_eq!(transfer.await.unwrap(), Downloaded { size: 20, verified: true });
    assert_eq!(progress.borrow().transferred, 20);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), CONTENT);
    assert_eq!(names(folder.path()), ["t1.nii"]);
    assert_eq!(server.arrived()[1].header("range"), Some("bytes=7-19"));
}

#[tokio::test]
async fn what_is_left_of_another_version_is_not_continued() {
    let (server, _) = play(vec![cut(7, &[]), whole(CONTENT)]).await;
    let client = client(&server, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t1.nii");
    let mut newer = recorded();
    newer.expected.version = Some(3);
    download(&client, &recorded()).resume(true).to_path(&path).await.unwrap_err();
    download(&client, &newer).resume(true).to_path(&path).await.unwrap();
    assert_eq!(server.arrived()[1].header("range"), None);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), CONTENT);
}

#[tokio::test]
async fn a_leftover_that_was_damaged_is_thrown_away_and_everything_fetched_anew() {
    let (server, _) = play(vec![cut(7, &[]), part(7, &[]), whole(CONTENT)]).await;
    let client = client(&server, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t1.nii");
    download(&client, &recorded()).resume(true).to_path(&path).await.unwrap_err();
    let left = folder.path().join(&names(folder.path())[0]);
    std::fs::write(&left, "XXXXXXX").unwrap();
    let done = download(&client, &recorded()).resume(true).to_path(&path).await.unwrap();
    assert!(done.verified);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), CONTENT);
    assert_eq!(names(folder.path()), ["t1.nii"]);
    assert_eq!(server.arrived().len(), 3);
}

#[tokio::test]
async fn a_leftover_that_is_whole_needs_no_request() {
    let (server, _) = play(vec![cut(7, &[])]).await;
    let client = client(&server, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t1.nii");
    download(&client, &recorded()).resume(true).to_path(&path).await.unwrap_err();
    std::fs::write(folder.path().join(&names(folder.path())[0]), CONTENT).unwrap();
    assert!(download(&client, &recorded()).resume(true).to_path(&path).await.unwrap().verified);
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn a_run_beside_another_for_the_same_destination_does_not_touch_its_part() {
    let (server, client) = play(vec![Step::Stall(text("200 OK", &[], 20, "01234")), whole(CONTENT)]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t1.nii");
    let mut first = download(&client, &recorded()).resume(true).to_path(&path);
    let mut progress = first.progress();
    tokio::select! {
        _ = &mut first => panic!("the server stalls"),
        _ = progress.wait_for(|now| now.transferred == 5) => {}
    }
    download(&client, &recorded()).resume(true).to_path(&path).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), CONTENT);
    assert_eq!(server.arrived()[1].header("range"), None);
    drop(first);
    assert_eq!(names(folder.path()).len(), 2);
}

#[tokio::test]
async fn a_zip_member_is_not_taken_up_again() {
    let (server, client) = play(vec![cut(7, &[]), whole(CONTENT)]).await;
    let member = crate::transfer::Download::zip_member(&client, Ok(recorded()), "a.dcm");
    assert_eq!(member.bytes().await.unwrap_err().kind(), ErrorKind::Network);
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn a_refused_continuation_is_told() {
    let (server, client) = play(vec![cut(7, &[]), answer("404 Not Found", &[], "")]).await;
    assert!(download(&client, &recorded()).bytes().await.unwrap_err().is_not_found());
    assert_eq!(server.arrived().len(), 2);
}
