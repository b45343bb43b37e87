//! The database: one SQLite file, a writer that commits in groups, and a pool of readers.
//!
//! Handlers hand a closure to [`Store::read`] or [`Store::write`]; it runs off the async threads with a connection.
//! Inside, the tables are reached through [`containers`], [`files`] and [`records`], or by SQL where a list needs it.
//!
//! * A read sees one consistent snapshot from beginning to end.
//! * A write is all or nothing: an `Err` (or a panic) undoes what the closure did. It is answered after its commit has
//!   been synced to disk (`synchronous=FULL`), so an acknowledged write survives a kill of the process and a loss of
//!   power. The price, a sync per commit, is shared: writes that wait at the same moment are committed together.

pub(crate) mod bells;
mod briefly;
pub(crate) mod containers;
pub(crate) mod files;
pub(crate) mod functions;
pub(crate) mod records;
mod reserve;
pub(crate) mod shelf;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

pub(crate) use self::briefly::briefly;
use crate::error::{ApiError, ApiResult};

/// A document: the JSON object of one container, file or record.
pub(crate) type Doc = Map<String, Value>;

/// The steps from an empty database to the present one; `user_version` counts those that were taken.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("search.sql"),
    include_str!("words.sql"),
    include_str!("templates.sql"),
    include_str!("access_log.sql"),
    include_str!("jobs.sql"),
    include_str!("packfiles.sql"),
    include_str!("rules.sql"),
    include_str!("changes.sql"),
    include_str!("retention.sql"),
];

/// How long what was refused because the disk is full is still wanted.
const LATELY: Duration = Duration::from_secs(3600);

/// How many MiB of the database the writer keeps in memory.
pub(crate) const CACHED: u32 = 32;

/// The database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Store(Arc<Inner>);

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// A kill of the process and a loss of power.
    Durable,
    /// A kill of the process: for folders that go with it anyway.
    Passing,
}

struct Inner {
    bells: Arc<bells::Bells>,
    writer: writer::Writer,
    readers: Mutex<Vec<Connection>>,
    permits: Semaphore,
    /// When something was refused because the disk is full.
    refused: Mutex<Option<Instant>>,
}

/// How many bytes the log of writes may keep on disk for the next ones.
const LOG_KEPT: i64 = 64 << 20;

impl Store {
    /// Opens the database file, makes it when there is none, and brings it to the present schema.
    pub(crate) fn open(path: &Path, keeping: Keeping) -> Result<Self, StoreError> {
        let at = |source| StoreError::Open { path: path.to_owned(), source };
        let mut writer =
            connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE).map_err(at)?;
        cache(&writer, CACHED).map_err(at)?;
        let synchronous = if keeping == Keeping::Durable { "FULL" } else { "OFF" };
        writer.pragma_update(None, "synchronous", synchronous).map_err(at)?;
        migrate(&writer, path)?;
        let bells = bells::hang(&mut writer).map_err(at)?;
        let count = std::thread::available_parallelism().map_or(4, |n| n.get() * 2).clamp(4, 16);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let readers: Vec<Connection> =
            (0..count).map(|_| connect(path, flags)).collect::<Result<_, _>>().map_err(at)?;
        // A folder that goes with the site anyway has no need of it.
        let reserve = match (keeping, path.parent()) {
            (Keeping::Durable, Some(folder)) => reserve::Reserve::in_folder(folder),
            _ => reserve::Reserve::default(),
        };
        let writer =
            writer::Writer::start(writer, reserve).map_err(|source| StoreError::Thread { source })?;
        Ok(Self(Arc::new(Inner {
            bells,
            writer,
            readers: Mutex::new(readers),
            permits: Semaphore::new(count),
            refused: Mutex::default(),
        })))
    }

    /// Moves what lies in the log of writes into the database file, so that the next opening need not read it. Writes may go
    /// on. Blocks.
    pub(crate) fn fold(path: &Path) -> rusqlite::Result<()> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }

    /// What rings when a table is written.
    pub(crate) fn bells(&self) -> &bells::Bells {
        &self.0.bells
    }

    /// Runs `work` on a snapshot of the database.
    pub(crate) async fn read<T, F>(&self, work: F) -> ApiResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> ApiResult<T> + Send + 'static,
    {
        let _permit = self.0.permits.acquire().await.map_err(ApiError::internal)?;
        let inner = Arc::clone(&self.0);
        let task = tokio::task::spawn_blocking(move || {
            let connection = inner.lend().ok_or_else(|| ApiError::internal("no reader is free"))?;
            let result = snapshot(&connection, work);
            inner.give_back(connection);
            result
        });
        task.await.map_err(ApiError::internal)?
    }

    /// Runs `work` in a transaction and answers after its commit is on disk. An `Err` undoes everything it did.
    pub(crate) async fn write<T, F>(&self, work: F) -> ApiResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> ApiResult<T> + Send + 'static,
    {
        self.0.writer.run(false, work).await
    }

    /// As [`Store::write`] for what deletes: it may use the room that is kept back for that on a disk that is full.
    pub(crate) async fn delete<T, F>(&self, work: F) -> ApiResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> ApiResult<T> + Send + 'static,
    {
        self.0.writer.run(true, work).await
    }

    /// Notes that something was refused because the disk is full.
    pub(crate) fn want_room(&self) {
        *self.0.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether the disk is full, or something was refused for that lately.
    pub(crate) fn wants_room(&self) -> bool {
        let refused = *self.0.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.is_some_and(|instant| instant.elapsed() < LATELY) || self.0.writer.is_short()
    }
}

impl Inner {
    fn lend(&self) -> Option<Connection> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, connection: Connection) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

/// Runs `work` between BEGIN and ROLLBACK; a panic becomes an error, so that the connection is never lost.
fn snapshot<T>(connection: &Connection, work: impl FnOnce(&Connection) -> ApiResult<T>) -> ApiResult<T> {
    connection.execute_batch("BEGIN")?;
    let result = caught(|| work(connection));
    connection.execute_batch("ROLLBACK")?;
    result
}

fn caught<T>(work: impl FnOnce() -> ApiResult<T>) -> ApiResult<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(ApiError::internal("a panic in a database call")))
}

/// Lets a connection keep so many MiB of the database in memory.
pub(crate) fn cache(connection: &Connection, mebibytes: u32) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -1024 * i64::from(mebibytes))
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    if !flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "journal_size_limit", LOG_KEPT)?;
    }
    connection.pragma_update(None, "foreign_keys", "ON")?;
    // What a large sort or a long transaction sets aside goes to temporary files: in memory it had no bound, and each
    // statement of a transaction walked through all of it.
    connection.pragma_update(None, "temp_store", "FILE")?;
    connection.pragma_update(None, "mmap_size", 1_i64 << 30)?;
    connection.set_prepared_statement_cache_capacity(128);
    briefly::register(&mut connection)?;
    functions::register(&connection)?;
    crate::search::functions::register(&connection)?;
    crate::changes::register(&connection)?;
    Ok(connection)
}

fn migrate(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let at = |source| StoreError::Open { path: path.to_owned(), source };
    let taken: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(at)?;
    let taken = taken as usize;
    if taken > MIGRATIONS.len() {
        return Err(StoreError::Newer { path: path.to_owned(), found: taken, known: MIGRATIONS.len() });
    }
    for (step, sql) in MIGRATIONS.iter().enumerate().skip(taken) {
        let batch = format!("BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {};\nCOMMIT;", step + 1);
        connection.execute_batch(&batch).map_err(at)?;
    }
    Ok(())
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// SQLite refused.
    #[error("the database {} cannot be opened: {source}", path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A later release wrote it.
    #[error("the database {} has schema {found}, this release knows up to {known}: use the release that wrote it", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its schema.
        found: usize,
        /// The latest one known here.
        known: usize,
    },
    /// No thread for the writer.
    #[error("the database's writer cannot be started: {source}")]
    Thread {
        /// What the system says.
        source: std::io::Error,
    },
}

/// The instant as documents write it, cut to the precision that is stored.
pub(crate) fn now() -> String {
    use flywheel_core::time;
    time::format(time::to_stored_precision(chrono::Utc::now()))
}

/// A new object id.
pub(crate) fn new_id() -> String {
    flywheel_core::id::ObjectId::generate().to_string()
}

/// Reads the text of a `doc` column.
pub(crate) fn parse_doc(text: &str) -> ApiResult<Doc> {
    Ok(serde_json::from_str(text)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("site.db"), Keeping::Durable).unwrap();
        (folder, store)
    }

    async fn count(store: &Store) -> i64 {
        store
            .read(|db| Ok(db.query_row("SELECT count(*) FROM records", [], |row| row.get(0))?))
            .await
            .unwrap()
    }

    fn put(db: &Connection, id: &str) -> ApiResult<()> {
        db.execute("INSERT INTO records VALUES ('t', ?, '{}')", [id])?;
        Ok(())
    }

    #[tokio::test]
    async fn a_failed_write_leaves_nothing_behind() {
        let (_folder, store) = store();
        let failed = store
            .write(|db| {
                put(db, "a")?;
                Err::<(), _>(ApiError::conflict("no"))
            })
            .await;
        assert_eq!(failed.unwrap_err().status(), 409);
        assert_eq!(count(&store).await, 0);
    }

    #[tokio::test]
    async fn a_panic_in_a_write_is_an_error_and_the_next_write_works() {
        let (_folder, store) = store();
        let failed = store
            .write(|db| -> ApiResult<()> {
                put(db, "a")?;
                panic!("on purpose");
            })
            .await;
        assert_eq!(failed.unwrap_err().status(), 500);
        store.write(|db| put(db, "b")).await.unwrap();
        assert_eq!(count(&store).await, 1);
    }

    #[tokio::test]
    async fn parallel_writes_are_all_there_and_survive_reopening() {
        let (folder, store) = store();
        let writes = (0..200).map(|n| {
            let store = store.clone();
            async move { store.write(move |db| put(db, &n.to_string())).await }
        });
        for result in futures::future::join_all(writes).await {
            result.unwrap();
        }
        drop(store);
        let again = Store::open(&folder.path().join("site.db"), Keeping::Durable).unwrap();
        assert_eq!(count(&again).await, 200);
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let (_folder, store) = store();
        assert!(store.read(|db| put(db, "a")).await.is_err());
    }

    #[test]
    fn a_database_of_a_later_release_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.db");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Store::open(&path, Keeping::Durable), Err(StoreError::Newer { found: 99, .. })));
    }
}
