//! What befalls a site from outside: a disk that is full, a folder that cannot be written or is taken.

use rusqlite::Connection;
use serde_json::json;

use super::Api;
use crate::{Site, SiteError};

async fn limit_pages(api: &Api, spare: i64) {
    let limit = move |db: &Connection| {
        let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        db.query_row(&format!("PRAGMA max_page_count = {}", pages + spare), [], |_| Ok(()))?;
        Ok(())
    };
    api.site.store().write(limit).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_writes_loses_nothing_and_recovers() {
    let api = Api::new().await;
    api.group("lab").await;
    let project = api.project("lab", "study").await;
    limit_pages(&api, 100).await;
    let mut stored = Vec::new();
    let refusal = loop {
        let label = format!("sub-{}", stored.len());
        let body = json!({"project": project, "label": label, "info": {"filler": "x".repeat(20_000)}});
        let answer = api.post("/subjects", body).await;
        if answer.status != 200 {
            break answer.error(507);
        }
        stored.push(label);
    };
    assert!(refusal.contains("disk is full"), "{refusal}");
    assert!(stored.len() > 1);
    assert_eq!(api.get("/subjects?sort=created").await.column("label"), stored);
    limit_pages(&api, 10_000).await;
    api.post("/subjects", json!({"project": project, "label": "later"})).await.ok();
    assert_eq!(api.get("/subjects").await.column("label").len(), stored.len() + 1);
    assert_eq!(api.site.check(true).await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_deleted_after_a_refusal_for_want_of_room_goes_for_good() {
    let api = Api::new().await;
    let [.., acquisition] = api.tree().await;
    let path = format!("/acquisitions/{acquisition}");
    let uploaded = |name: &'static str| {
        let (api, path) = (&api, &path);
        async move { api.file(api.root(), path, name, name).await.ok()[0]["file_id"].as_str().unwrap().to_owned() }
    };
    let (kept, gone) = (uploaded("kept.txt").await, uploaded("gone.txt").await);
    api.delete(&format!("/files/{kept}")).await.ok();
    api.post(&format!("/files/{kept}/restore?version=1"), json!(null)).await.ok();
    limit_pages(&api, 0).await;
    api.patch(&format!("{path}/info"), json!({"set": {"filler": "x".repeat(200_000)}})).await.error(507);
    limit_pages(&api, 10_000).await;
    api.delete(&format!("/files/{gone}")).await.ok();
    api.post(&format!("/files/{gone}/restore?version=1"), json!(null)).await.error(404);
    assert_eq!(api.get(&format!("/files/{kept}")).await.ok()["name"], "kept.txt");
    assert_eq!(api.site.check(true).await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn one_of_many_waiting_writes_that_fills_the_disk_is_told_so_and_the_others_are_not_lost() {
    let api = Api::new().await;
    api.group("lab").await;
    let project = api.project("lab", "study").await;
    limit_pages(&api, 60).await;
    let writes = (0..60).map(|n| {
        let body =
            json!({"project": project, "label": format!("sub-{n}"), "info": {"filler": "x".repeat(9_000)}});
        api.post("/subjects", body)
    });
    let answers = futures::future::join_all(writes).await;
    let (stored, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(!refused.is_empty());
    assert!(refused.iter().all(|answer| answer.status == 507), "{:?}", refused[0]);
    assert_eq!(api.get("/subjects").await.column("label").len(), stored.len());
}

#[tokio::test]
async fn a_folder_that_another_site_has_open_is_named_and_that_site_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let first = Site::builder().data(folder.path()).open().await.unwrap();
    let second = Site::builder().data(folder.path()).open().await.unwrap_err();
    assert!(matches!(second, SiteError::InUse { .. }), "{second}");
    assert!(second.to_string().contains(folder.path().to_str().unwrap()), "{second}");
    first.add_user("ann@example.org", false).await.unwrap();
    drop(first);
    Site::builder().data(folder.path()).open().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let allow =
        |mode| std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    allow(0o555);
    if std::fs::write(folder.path().join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write everywhere");
        return;
    }
    let error = Site::builder().data(folder.path()).open().await.unwrap_err().to_string();
    allow(0o755);
    assert!(error.contains(folder.path().to_str().unwrap()) && error.contains("denied"), "{error}");
}
