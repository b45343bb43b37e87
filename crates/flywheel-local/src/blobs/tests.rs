//! Blobs are whole or absent, constant in memory, and survive a kill.
#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha384};

use super::*;

fn store() -> (tempfile::TempDir, BlobStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = BlobStore::in_folder(&folder.path().join("blobs"), Keeping::Durable).unwrap();
    (folder, store)
}

async fn put(store: &BlobStore, bytes: &[u8]) -> Stored {
    let mut upload = store.upload();
    for chunk in bytes.chunks(70_000) {
        upload.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    upload.finish().await.unwrap()
}

async fn get(store: &BlobStore, blob: &Stored, range: std::ops::Range<u64>) -> Vec<u8> {
    let chunks: Vec<Bytes> = store.read(blob, range).await.unwrap().try_collect().await.unwrap();
    chunks.concat()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

fn numbers(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 31 % 251) as u8).collect()
}

/// Waits for what a blocking thread is about to do; a test that never gets there runs into its harness's limit.
async fn until(mut reached: impl FnMut() -> bool) {
    while !reached() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

#[tokio::test]
async fn what_is_stored_reads_back_with_its_hash_and_size() {
    let (_folder, store) = store();
    for length in [0, 1, 262_144, 262_145, 5_000_000] {
        let bytes = numbers(length);
        let blob = put(&store, &bytes).await;
        assert_eq!(blob.size, length as u64);
        assert_eq!(blob.hash, format!("v0-sha384-{}", hex::encode(Sha384::digest(&bytes))));
        assert_eq!(get(&store, &blob, 0..blob.size).await, bytes);
    }
}

#[tokio::test]
async fn a_range_reads_only_its_bytes() {
    let (_folder, store) = store();
    let bytes = numbers(1_000_000);
    let blob = put(&store, &bytes).await;
    for range in [0..1, 999_999..1_000_000, 250_000..800_001, 5..5] {
        assert_eq!(get(&store, &blob, range.start as u64..range.end as u64).await, &bytes[range]);
    }
    assert_eq!(get(&store, &blob, 999_000..2_000_000).await, &bytes[999_000..]);
}

#[tokio::test]
async fn nothing_is_visible_before_all_bytes_are_there() {
    let (folder, store) = store();
    let mut upload = store.upload();
    upload.write(numbers(3_000_000).into()).await.unwrap();
    upload.write(numbers(10).into()).await.unwrap();
    let unfinished = folder.path().join("blobs/tmp");
    until(|| files_below(&unfinished).len() == 1).await;
    assert!(files_below(folder.path()).iter().all(|path| path.starts_with(&unfinished)));
    let blob = upload.finish().await.unwrap();
    assert_eq!(files_below(&unfinished), Vec::<PathBuf>::new());
    assert_eq!(blob.size, 3_000_010);
}

#[tokio::test]
async fn an_abandoned_upload_leaves_nothing() {
    let (folder, store) = store();
    let mut upload = store.upload();
    upload.write(numbers(3_000_000).into()).await.unwrap();
    until(|| files_below(folder.path()).len() == 1).await;
    drop(upload);
    until(|| files_below(folder.path()).is_empty()).await;
}

#[tokio::test]
async fn a_failing_stream_fails_the_upload() {
    let (_folder, store) = store();
    let mut upload = store.upload();
    let cut = stream::iter([Ok(Bytes::from_static(b"first")), Err(io::Error::other("the client went away"))]);
    assert!(upload.write_all(cut.boxed()).await.unwrap_err().to_string().contains("went away"));
}

#[tokio::test]
async fn the_sweep_takes_what_no_row_names_and_nothing_else() {
    let (folder, store) = store();
    let (kept, orphan) = (put(&store, b"kept").await, put(&store, b"orphan").await);
    fs::write(folder.path().join("blobs/tmp/half"), b"what a kill left").unwrap();
    store.grow_up();
    assert_eq!(store.sweep(later(), |id| Ok(id == kept.id)).unwrap(), 1);
    assert_eq!(get(&store, &kept, 0..4).await, b"kept");
    assert!(
        matches!(store.read(&orphan, 0..6).await.err().unwrap(), BlobError::Missing(id) if id == orphan.id)
    );
    assert_eq!(files_below(folder.path()).len(), 1);
}

#[tokio::test]
async fn the_sweep_spares_what_this_process_writes() {
    let (folder, store) = store();
    let started = SystemTime::now() - Duration::from_secs(60);
    let mut upload = store.upload();
    upload.write(numbers(3_000_000).into()).await.unwrap();
    until(|| files_below(folder.path()).len() == 1).await;
    let unnamed = put(&store, b"its row is not committed yet").await;
    assert_eq!(store.sweep(started, |_| Ok(false)).unwrap(), 0);
    assert_eq!(files_below(folder.path()).len(), 2);
    assert_eq!(upload.finish().await.unwrap().size, 3_000_000);
    assert_eq!(get(&store, &unnamed, 0..28).await.len(), 28);
}

#[tokio::test]
async fn the_first_sweep_spares_what_came_since_whatever_the_clock_says() {
    let (_folder, store) = store();
    let unnamed = put(&store, b"its row is not committed yet").await;
    assert_eq!(store.sweep(later(), |_| Ok(false)).unwrap(), 0);
    store.grow_up();
    assert_eq!(store.sweep(later(), |id| Ok(id == unnamed.id)).unwrap(), 0);
    assert_eq!(store.sweep(later(), |_| Ok(false)).unwrap(), 1);
}

#[tokio::test]
async fn a_sweep_that_cannot_ask_removes_nothing() {
    let (_folder, store) = store();
    let blob = put(&store, b"precious").await;
    store.grow_up();
    assert!(store.sweep(later(), |_| Err(io::Error::other("the database is locked"))).is_err());
    assert_eq!(get(&store, &blob, 0..8).await, b"precious");
}

#[tokio::test]
async fn a_damaged_blob_is_said_before_anything_is_sent() {
    let (folder, store) = store();
    let blob = put(&store, b"0123456789").await;
    let path = files_below(folder.path()).remove(0);
    fs::write(&path, b"0123456780").unwrap();
    assert!(matches!(store.read(&blob, 0..10).await.err().unwrap(), BlobError::Hash(_)));
    fs::write(&path, b"0123").unwrap();
    let error = store.read(&blob, 0..10).await.err().unwrap();
    assert!(matches!(error, BlobError::Length { expected: 10, found: 4, .. }), "{error}");
    fs::remove_file(&path).unwrap();
    assert!(matches!(store.read(&blob, 0..10).await.err().unwrap(), BlobError::Missing(_)));
}

#[tokio::test]
async fn a_long_blob_with_a_wrong_byte_is_never_sent_to_its_end() {
    let (folder, store) = store();
    let blob = put(&store, &numbers(4_000_000)).await;
    let path = files_below(folder.path()).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[1_000_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let mut chunks = store.read(&blob, 0..blob.size).await.unwrap();
    let (mut sent, mut damage) = (0, None);
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) => sent += chunk.len() as u64,
            Err(error) => damage = Some(error.to_string()),
        }
    }
    assert!(sent < blob.size, "{sent}");
    assert!(damage.unwrap().contains("hash"));
}

#[tokio::test]
async fn a_blob_cut_while_it_is_sent_ends_in_an_error() {
    let (folder, store) = store();
    let blob = put(&store, &numbers(4_000_000)).await;
    let mut chunks = store.read(&blob, 0..blob.size).await.unwrap();
    chunks.next().await.unwrap().unwrap();
    let file = fs::File::options().write(true).open(files_below(folder.path()).remove(0)).unwrap();
    file.set_len(1_000_000).unwrap();
    assert!(chunks.try_collect::<Vec<_>>().await.is_err());
}

#[tokio::test]
async fn a_hundred_uploads_at_once_each_keep_their_bytes() {
    let (_folder, store) = store();
    let uploads = (0..100usize).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            let bytes = numbers(n * 10_007);
            let blob = put(&store, &bytes).await;
            assert_eq!(get(&store, &blob, 0..blob.size).await, bytes);
            blob.id
        })
    });
    let ids = futures::future::try_join_all(uploads).await.unwrap();
    assert_eq!(ids.into_iter().collect::<std::collections::HashSet<_>>().len(), 100);
}

#[tokio::test]
async fn removing_twice_is_no_error() {
    let (_folder, store) = store();
    let blob = put(&store, b"gone").await;
    store.remove(blob.id).unwrap();
    store.remove(blob.id).unwrap();
    assert!(store.read(&blob, 0..4).await.is_err());
}
