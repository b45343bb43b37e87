//! What is made up: as much as was asked for, the same each time, and sound for every other call.
#![allow(clippy::unwrap_used)]

use axum::body::Body;
use http::{Request, header::AUTHORIZATION};
use rusqlite::Connection;

use super::{Seed, Seeded};
use crate::{ADMIN, error::ApiResult, tests::Api};

fn small() -> Seed {
    Seed { projects: 2, subjects: 3, sessions: 2, acquisitions: 9, files: 5, ..Seed::default() }
}

fn texts(db: &Connection) -> ApiResult<Vec<String>> {
    let sql = "SELECT json_remove(doc, '$.modified', '$.permissions') FROM containers WHERE kind > 1
        UNION ALL SELECT doc FROM files ORDER BY 1";
    let texts = db.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(texts)
}

#[tokio::test]
async fn a_seed_makes_what_it_says_and_the_same_in_every_site() {
    let (one, other) = (Api::new().await, Api::new().await);
    let mut told = Seeded::default();
    let made = one.site.seed(&small(), |so_far| told = *so_far).await.unwrap();
    assert_eq!(made, small().total());
    assert_eq!(told, made);
    let wrong = one.site.check(false).await.unwrap().problems;
    assert!(wrong.iter().all(|line| line.starts_with("blob that nothing names")), "{wrong:?}");
    assert_eq!((made.acquisitions, made.files, made.documents()), (108, 540, 2 + 6 + 12 + 108 + 540));
    other.site.seed(&small(), |_| ()).await.unwrap();
    let (first, second) =
        (one.site.store().read(texts).await.unwrap(), other.site.store().read(texts).await.unwrap());
    assert_eq!(first.len() as u64, made.documents());
    assert_eq!(first, second);
}

#[tokio::test]
async fn another_number_adds_other_documents_and_the_same_one_is_refused_whole() {
    let api = Api::new().await;
    api.site.seed(&small(), |_| ()).await.unwrap();
    let again = api.site.seed(&small(), |_| ()).await.unwrap_err().to_string();
    assert!(again.contains("exists already"), "{again}");
    let other = Seed { group: "other".into(), rng_seed: 2, ..small() };
    api.site.seed(&other, |_| ()).await.unwrap();
    let count =
        |db: &Connection| Ok(db.query_row("SELECT count(*) FROM files", [], |row| row.get::<_, i64>(0))?);
    assert_eq!(api.site.store().read(count).await.unwrap(), 2 * 540);
}

#[tokio::test]
async fn made_up_files_are_listed_and_have_the_bytes_they_say() {
    let api = Api::new().await;
    let one = Seed { projects: 1, subjects: 1, sessions: 1, acquisitions: 1, files: 4, ..small() };
    api.site.seed(&one, |_| ()).await.unwrap();
    let projects = api.get("/projects?exhaustive=true").await.ok();
    assert_eq!(projects[0]["label"], "Healthy Aging 001");
    let member = projects[0]["permissions"].as_array().unwrap();
    assert!(member.iter().any(|entry| entry["_id"] == ADMIN));
    let files = api.get("/files?exhaustive=true").await.ok();
    assert_eq!(files["total"], 4);
    for file in files["results"].as_array().unwrap() {
        let path = format!("/api/files/{}/download", file["file_id"].as_str().unwrap());
        let request =
            Request::get(path).header(AUTHORIZATION, "scitran-user root").body(Body::empty()).unwrap();
        let answer = api.send(request).await;
        assert_eq!(answer.status, 200, "{file}");
        assert_eq!(answer.headers["content-length"].to_str().unwrap(), file["size"].to_string());
    }
}
