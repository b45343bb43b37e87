//! Whether a site is whole: its database, its blobs, and that they agree.

use std::{
    collections::{HashMap, HashSet},
    time::SystemTime,
};

use rusqlite::Connection;
use uuid::Uuid;

use crate::{
    blobs::BlobStore,
    error::ApiResult,
    site::{Site, SiteError},
};

/// How many problems of one sort are named; the rest is counted.
const NAMED: usize = 10;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Living containers.
    pub containers: u64,
    /// Files, each in its current version.
    pub files: u64,
    /// Blobs that some version of some file names.
    pub blobs: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// What is wrong, in sentences; empty when the site is whole.
    pub problems: Vec<String>,
}

impl Site {
    /// Looks through everything: the pages of the database, what refers to what, the index over words, and that each blob that
    /// is named is there with its length. With `contents`, every blob is read and held against its hash. It begins when what a
    /// kill left behind has been removed.
    ///
    /// # Errors
    /// When the database cannot be read at all; what is wrong in it is in the report.
    pub async fn check(&self, contents: bool) -> Result<Report, SiteError> {
        self.swept().await;
        let blobs = self.state().blobs.clone();
        Ok(self.state().store.write(move |db| check(db, &blobs, contents)).await?)
    }
}

fn check(db: &Connection, blobs: &BlobStore, contents: bool) -> ApiResult<Report> {
    let mut report = Report {
        containers: count(db, "SELECT count(*) FROM containers WHERE deleted IS NULL")?,
        files: count(db, "SELECT count(*) FROM files WHERE current")?,
        ..Report::default()
    };
    pages(db, &mut report)?;
    relations(db, &mut report)?;
    words(db, &mut report)?;
    contents_of(db, blobs, contents, &mut report)?;
    Ok(report)
}

fn count(db: &Connection, sql: &str) -> ApiResult<u64> {
    let count: i64 = db.query_row(sql, [], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

fn texts(db: &Connection, sql: &str) -> ApiResult<Vec<String>> {
    let texts = db.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(texts)
}

fn pages(db: &Connection, report: &mut Report) -> ApiResult<()> {
    let said = texts(db, "PRAGMA integrity_check(20)")?;
    report
        .problems
        .extend(said.into_iter().filter(|line| line != "ok").map(|line| format!("database: {line}")));
    let broken = texts(
        db,
        "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' names a missing row of ' || parent
         FROM pragma_foreign_key_check LIMIT 20",
    )?;
    report.problems.extend(broken.into_iter().map(|line| format!("database: {line}")));
    Ok(())
}

/// What lives must lie in something that lives.
fn relations(db: &Connection, report: &mut Report) -> ApiResult<()> {
    for (what, sql) in [
        (
            "living container in a deleted one",
            "SELECT c.id FROM containers c JOIN containers p ON p.id = c.parent_id
             WHERE c.deleted IS NULL AND p.deleted IS NOT NULL",
        ),
        (
            "current file in a deleted container",
            "SELECT f.uuid FROM files f JOIN containers p ON p.id = f.parent_id
             WHERE f.current AND p.deleted IS NOT NULL",
        ),
        (
            "file with no current version that is not deleted",
            "SELECT f.file_id FROM files f GROUP BY f.file_id
             HAVING sum(f.current) = 0 AND sum(f.deleted IS NOT NULL) = 0",
        ),
    ] {
        named(what, texts(db, sql)?, report);
    }
    Ok(())
}

fn words(db: &Connection, report: &mut Report) -> ApiResult<()> {
    for (table, words) in [("containers", "container_words"), ("files", "file_words")] {
        if let Err(error) =
            db.execute(&format!("INSERT INTO {words} ({words}) VALUES ('integrity-check')"), [])
        {
            report.problems.push(format!("database: the index {words} is damaged: {error}"));
        }
        let missing = format!("SELECT row FROM {table} WHERE row NOT IN (SELECT id FROM {words}_docsize)");
        let spare = format!("SELECT id FROM {words}_docsize WHERE id NOT IN (SELECT row FROM {table})");
        for (what, sql) in [("row without words", missing), ("words without a row", spare)] {
            let rows = db
                .prepare(&sql)?
                .query_map([], |row| row.get::<_, i64>(0))?
                .collect::<Result<Vec<_>, _>>()?;
            let rows = rows.iter().map(|row| format!("{table} {row}")).collect();
            named(what, rows, report);
        }
    }
    Ok(())
}

fn contents_of(db: &Connection, blobs: &BlobStore, read: bool, report: &mut Report) -> ApiResult<()> {
    let mut claimed: HashMap<Uuid, (u64, String)> = HashMap::new();
    let mut statement =
        db.prepare("SELECT blob, max(size), max(doc ->> '$.hash') FROM files GROUP BY blob")?;
    let mut rows = statement.query([])?;
    let mut unreadable = Vec::new();
    while let Some(row) = rows.next()? {
        let (name, size): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
        match name.parse() {
            Ok(id) => {
                let size = size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
                claimed.insert(id, (size, row.get::<_, Option<String>>(2)?.unwrap_or_default()));
            }
            Err(_) => unreadable.push(name),
        }
    }
    named("name that no blob can have", unreadable, report);
    report.blobs = claimed.len() as u64;
    report.bytes = claimed.values().map(|(size, _)| size).sum();
    let mut damaged = Vec::new();
    for (id, (size, hash)) in &claimed {
        let found = if read { blobs.verify(*id, *size, hash) } else { blobs.open(*id, *size).map(drop) };
        damaged.extend(found.err().map(|error| error.to_string()));
    }
    damaged.sort_unstable();
    named("damaged blob", damaged, report);
    let mut there = HashSet::new();
    // Nothing is older than the epoch, so this lists and removes nothing.
    blobs.sweep(SystemTime::UNIX_EPOCH, |id| {
        there.insert(id);
        Ok(true)
    })?;
    let arriving = crate::files::arriving(db)?;
    let orphans = there.into_iter().filter(|id| !claimed.contains_key(id) && !arriving.contains(id));
    named("blob that nothing names", orphans.map(|id| id.to_string()).collect(), report);
    Ok(())
}

fn named(what: &str, which: Vec<String>, report: &mut Report) {
    let more = which.len().saturating_sub(NAMED);
    report.problems.extend(which.into_iter().take(NAMED).map(|one| format!("{what}: {one}")));
    if more > 0 {
        report.problems.push(format!("{what}: {more} more"));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::PathBuf;

    use super::*;
    use crate::{Seed, tests::Api};

    async fn seeded() -> Api {
        let api = Api::new().await;
        api.site.seed(&Seed { subjects: 2, ..Seed::default() }, |_| ()).await.unwrap();
        api
    }

    /// The bytes of some file: the seed stores more than these few files name.
    async fn blob(api: &Api) -> PathBuf {
        let name = |db: &Connection| Ok(db.query_row("SELECT min(blob) FROM files", [], |row| row.get(0))?);
        let name: String = api.site.store().read(name).await.unwrap();
        let mut folders = vec![api.site.data().join("blobs")];
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.file_name().is_some_and(|found| found == name.as_str()) {
                    return path;
                }
                folders.extend(path.is_dir().then_some(path));
            }
        }
        panic!("no blob is called {name}")
    }

    #[tokio::test]
    async fn a_whole_site_has_no_problems() {
        let api = seeded().await;
        let report = api.site.check(true).await.unwrap();
        // The seed stores 32 blobs and these few files do not take all of them.
        let wrong: Vec<_> =
            report.problems.iter().filter(|line| !line.starts_with("blob that nothing names")).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        assert_eq!((report.containers, report.files), (1 + 1 + 2 + 4 + 16, 48));
        assert!(report.blobs > 10 && report.bytes > 1_000);
    }

    #[tokio::test]
    async fn what_is_wrong_is_named() {
        let api = seeded().await;
        let damaged = blob(&api).await;
        let length = std::fs::metadata(&damaged).unwrap().len() as usize;
        let name = damaged.file_name().unwrap().to_str().unwrap().to_owned();
        let lines = async |contents| api.site.check(contents).await.unwrap().problems.join("\n");
        std::fs::write(&damaged, vec![7; length]).unwrap();
        let named = format!("damaged blob: the content {name} is damaged");
        assert!(!lines(false).await.contains(&named));
        assert!(lines(true).await.contains(&named));
        std::fs::remove_file(&damaged).unwrap();
        assert!(lines(false).await.contains(&format!("damaged blob: the content {name} is missing")));
        let harm = |db: &Connection| {
            db.execute_batch(
                "DELETE FROM file_words WHERE rowid = (SELECT min(row) FROM files);
                 INSERT INTO container_words (rowid, words) VALUES (99999, 'x');
                 UPDATE containers SET doc = json_set(doc, '$.deleted', '2024') WHERE kind = 3",
            )?;
            Ok(())
        };
        api.site.store().write(harm).await.unwrap();
        let said = lines(false).await;
        for part in [
            "row without words: files 1",
            "words without a row: containers 99999",
            "living container in a deleted one",
        ] {
            assert!(said.contains(part), "{part}\n{said}");
        }
    }
}
