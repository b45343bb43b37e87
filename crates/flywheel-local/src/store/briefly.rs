//! Reads that are given up when they take long, so that a dearer way with a known cost can be taken instead.

use std::cell::Cell;

use rusqlite::Connection;

use crate::error::ApiResult;

/// How many steps of SQLite's machine a statement may take: some ten thousand rows looked at.
const STEPS: i32 = 200_000;

thread_local! {
    /// What becomes of a statement of this thread that takes long.
    static PATIENCE: Cell<Patience> = const { Cell::new(Patience::Endless) };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    Endless,
    Brief,
    Spent,
}

/// Makes a connection ask, now and then, whether a statement is to go on.
pub(super) fn register(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.progress_handler(
        STEPS,
        Some(|| {
            PATIENCE.get() != Patience::Endless && {
                PATIENCE.set(Patience::Spent);
                true
            }
        }),
    )
}

/// Runs a read. None when one of its statements took too long; it has no result then.
///
/// # Errors
/// Those of the read.
pub(crate) fn briefly<T>(read: impl FnOnce() -> ApiResult<T>) -> ApiResult<Option<T>> {
    /// Ends the hurry also when the read panics: the thread is used again.
    struct Hurry;
    impl Drop for Hurry {
        fn drop(&mut self) {
            PATIENCE.set(Patience::Endless);
        }
    }
    let hurry = Hurry;
    PATIENCE.set(Patience::Brief);
    let result = read();
    let spent = PATIENCE.get() == Patience::Spent;
    drop(hurry);
    match result {
        Err(_) if spent => Ok(None),
        result => result.map(Some),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;
    use crate::error::ApiError;

    fn counter() -> impl Fn(u32) -> ApiResult<u32> {
        let mut db = Connection::open_in_memory().unwrap();
        register(&mut db).unwrap();
        move |rows| {
            let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT count(*) FROM n";
            Ok(db.query_row(sql, [rows], |row| row.get(0))?)
        }
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_read_that_is_given_up_stands_in_no_log() {
        let (log, count) = (Log::default(), counter());
        let writer = log.clone();
        let logging = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(logging, || {
            assert_eq!(briefly(|| count(1_000_000)).unwrap(), None);
            assert_eq!(*log.0.lock().unwrap(), b"");
            ApiError::internal("a fault");
            assert_ne!(*log.0.lock().unwrap(), b"");
        });
    }

    #[test]
    fn a_long_read_is_given_up_and_the_next_one_is_not() {
        let count = counter();
        assert_eq!(briefly(|| count(1_000)).unwrap(), Some(1_000));
        assert_eq!(briefly(|| count(1_000_000)).unwrap(), None);
        assert_eq!(count(1_000_000).unwrap(), 1_000_000);
        let failed = briefly(|| Err::<(), _>(ApiError::conflict("x")));
        assert_eq!(failed.unwrap_err().status(), 409);
    }
}
