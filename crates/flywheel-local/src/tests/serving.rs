//! Serving over TCP: starting, stopping, and what stands in the way.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Site, SiteError};

/// What a bare connection reads after asking for the version.
async fn ask(address: std::net::SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /api/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}

#[tokio::test]
async fn a_site_listens_until_it_is_shut_down() {
    let site = Site::builder().admin_key("127.0.0.1:1:__force_insecure:secret").open().await.unwrap();
    let running = site.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = running.address();
    assert_eq!(running.url(), format!("http://{address}"));
    assert_eq!(running.api_key(), format!("{address}:__force_insecure:secret"));
    assert!(ask(address).await.unwrap().contains("200 OK"));
    running.shutdown().await;
    assert!(ask(address).await.is_err());
}

#[tokio::test]
async fn an_open_connection_does_not_keep_a_site_from_shutting_down() {
    let site = Site::builder().open().await.unwrap();
    let running = site.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let idle = TcpStream::connect(running.address()).await.unwrap();
    running.shutdown().await;
    drop(idle);
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let site = Site::builder().open().await.unwrap();
    let running = site.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let error = site.listen(running.address()).await.unwrap_err();
    assert!(matches!(error, SiteError::Listen { .. }));
    assert!(error.to_string().contains(&running.address().to_string()), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    std::fs::write(&file, "x").unwrap();
    let error = Site::builder().data(&file).open().await.unwrap_err();
    assert!(error.to_string().contains("taken"), "{error}");
}

#[tokio::test]
async fn a_site_that_was_closed_or_seeded_has_all_of_it_in_its_database_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = || std::fs::metadata(folder.path().join("site.db-wal")).map_or(0, |log| log.len());
    let site = Site::builder().data(folder.path()).open().await.unwrap();
    site.swept().await;
    site.add_user("ann@example.org", false).await.unwrap();
    assert_ne!(log(), 0);
    site.seed(&crate::Seed::default(), |_| ()).await.unwrap();
    assert_eq!(log(), 0);
    site.add_user("bob@example.org", false).await.unwrap();
    assert_ne!(log(), 0);
    site.close().await;
    assert_eq!(log(), 0);
}

#[tokio::test]
async fn a_folder_that_another_site_is_letting_go_of_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let held = std::fs::File::create(folder.path().join("site.lock")).unwrap();
    held.lock().unwrap();
    let letting_go = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        drop(held);
    });
    Site::builder().data(folder.path()).open().await.unwrap();
    letting_go.join().unwrap();
}

#[tokio::test]
async fn a_damaged_database_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.db");
    std::fs::write(
        &path,
        "this is no database at all, though it is long enough to look like one".repeat(100),
    )
    .unwrap();
    let error = Site::builder().data(folder.path()).open().await.unwrap_err();
    assert!(error.to_string().contains("site.db"), "{error}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("this is"));
}
