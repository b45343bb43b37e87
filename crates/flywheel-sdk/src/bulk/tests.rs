//! The order of work, what a journal keeps, and when it gives up.
#![allow(clippy::unwrap_used)]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::*;

fn numbers(count: usize) -> Vec<(String, usize)> {
    (0..count).map(|n| (n.to_string(), n)).collect()
}

fn odd(n: usize) -> Result<usize> {
    if n % 2 == 1 { Ok(n) } else { Err(Error::new(ErrorKind::Invalid, format!("{n} is even"))) }
}

#[tokio::test]
async fn no_more_items_are_worked_on_at_once_than_was_said() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let highest = Arc::clone(&most);
    let bulk = Bulk::new(numbers(20), move |n, _| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(n)
        }
    });
    let report = bulk.at_once(3).await.unwrap();
    assert_eq!(report.done.iter().map(|(_, n)| *n).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    assert_eq!(highest.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn failures_are_told_with_their_keys_and_stop_no_other() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let report = Bulk::new(numbers(5), |n, _| async move { odd(n) })
        .on_progress(move |now| told.lock().unwrap().push(now))
        .await
        .unwrap();
    let failed: Vec<_> = report.failed.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!((report.done.len(), failed), (2, vec!["0", "2", "4"]));
    let last = *seen.lock().unwrap().last().unwrap();
    assert_eq!(last, BulkProgress { done: 2, failed: 3, total: 5 });
    let error = report.complete().unwrap_err();
    assert!(error.is_invalid() && error.message().starts_with("0, and 2 more"), "{error}");
}

#[tokio::test]
async fn it_gives_up_after_so_many_failures() {
    let report =
        Bulk::new(numbers(9), |n, _| async move { odd(n) }).at_once(1).give_up_after(2).await.unwrap();
    assert_eq!((report.done.len(), report.failed.len(), report.left.len()), (1, 2, 6));
    assert_eq!(report.left[0], "3");
}

#[tokio::test]
async fn a_journal_leaves_out_what_is_done_and_tells_what_was_begun() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let first = Bulk::new(numbers(4), |n, _| async move { odd(n) }).journal(&path).await.unwrap();
    assert_eq!((first.done.len(), first.failed.len()), (2, 2));
    let worked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&worked);
    let again = Bulk::new(numbers(5), move |n, attempt: Attempt| {
        noted.lock().unwrap().push((n, attempt.begun_before));
        async move { Ok(n * 10) }
    });
    let again = again.at_once(1).journal(&path).await.unwrap().complete().unwrap();
    assert_eq!(*worked.lock().unwrap(), [(0, true), (2, true), (4, false)]);
    let values: Vec<_> = again.done.iter().map(|(_, n)| *n).collect();
    assert_eq!(values, [0, 1, 20, 3, 40], "what came of items in an earlier run is kept");
}

#[tokio::test]
async fn two_items_of_one_key_are_refused_before_any_work() {
    let work = |_: usize, _| async move { Err::<(), _>(Error::new(ErrorKind::Server, "was sent")) };
    let error = Bulk::new([("a", 1), ("a", 2)], work).await.unwrap_err();
    assert!(error.is_invalid() && error.message().contains("\"a\""), "{error}");
}
