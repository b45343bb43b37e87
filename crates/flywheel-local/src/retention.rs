//! How long the access log and the change log go back: what is older is taken away in small steps.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use flywheel_core::time;
use rusqlite::Connection;

use crate::{error::ApiResult, state::WeakState, store::Store};

/// How many days the logs go back unless the site is told otherwise.
pub const KEPT_LOG_DAYS: u32 = 400;

/// How many rows of a log one write takes away: other writes wait behind no more than these.
const STEP: usize = 500;

/// The time between two steps, which is the other writers'.
const BREATH: Duration = Duration::from_millis(50);

/// When a site looks for the first time after its start, which has enough to do.
const FIRST: Duration = Duration::from_secs(60);

/// How often a running site looks for what has become too old.
const PAUSE: Duration = Duration::from_secs(3600);

/// Takes a few of the oldest rows of each log; the bound is that of their time, then of their number.
const OLDEST: [&str; 2] = [
    "DELETE FROM access_log WHERE id IN (SELECT id FROM access_log WHERE timestamp < ?1 LIMIT ?2)",
    "DELETE FROM changes WHERE number IN (SELECT number FROM changes WHERE created < ?1 LIMIT ?2)",
];

/// Keeps the logs of a site to so many days for as long as the site is open.
pub(crate) async fn run(state: WeakState, days: u32) {
    let mut pause = FIRST;
    loop {
        tokio::time::sleep(pause).await;
        pause = PAUSE;
        let Some(open) = state.open() else { return };
        let store = open.store.clone();
        drop(open);
        match prune(&store, days).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, days, "entries of the logs were old and are gone"),
            Err(error) => tracing::warn!(%error, "old entries of the logs could not be taken away"),
        }
    }
}

/// Takes away everything that is older, step by step. Says how many rows went.
async fn prune(store: &Store, days: u32) -> ApiResult<usize> {
    let limit = time::format(Utc::now() - TimeDelta::days(i64::from(days)));
    let mut gone = 0;
    for sql in OLDEST {
        loop {
            let limit = limit.clone();
            let count = store.delete(move |db| step(db, sql, &limit)).await?;
            gone += count;
            if count < STEP {
                break;
            }
            tokio::time::sleep(BREATH).await;
        }
    }
    Ok(gone)
}

fn step(db: &Connection, sql: &str, limit: &str) -> ApiResult<usize> {
    Ok(db.prepare_cached(sql)?.execute((limit, STEP as i64))?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{store::Keeping, store::now};

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("site.db"), Keeping::Passing).unwrap();
        (folder, store)
    }

    fn fill(db: &Connection, count: usize, time: &str) -> ApiResult<()> {
        for n in 0..count {
            let doc = serde_json::json!({"timestamp": time}).to_string();
            db.execute("INSERT INTO access_log (id, doc) VALUES (?, ?)", (format!("{time}{n}"), doc))?;
            db.execute(
                "INSERT INTO changes (thing, kind, created, method, revision, origin)
                 VALUES ('x', 'session', ?, 'UPDATE', 1, '{}')",
                [time],
            )?;
        }
        Ok(())
    }

    fn counts(db: &Connection) -> ApiResult<(i64, i64)> {
        let sql = "SELECT (SELECT count(*) FROM access_log), (SELECT count(*) FROM changes)";
        Ok(db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    #[tokio::test]
    async fn what_is_older_goes_step_by_step_and_the_rest_stays() {
        let (_folder, store) = store();
        let old = time::format(Utc::now() - TimeDelta::days(11));
        store
            .write(move |db| {
                fill(db, 7, &now())?;
                fill(db, 2 * STEP + 3, &old)
            })
            .await
            .unwrap();
        let one = time::format(Utc::now() - TimeDelta::days(10));
        let stepped = store.write(move |db| step(db, OLDEST[0], &one)).await.unwrap();
        assert_eq!(stepped, STEP, "one write takes no more than a step");
        assert_eq!(prune(&store, 10).await.unwrap(), 3 * STEP + 6);
        assert_eq!(store.read(counts).await.unwrap(), (7, 7));
        assert_eq!(prune(&store, 10).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn an_index_finds_what_is_old() {
        let (_folder, store) = store();
        for sql in OLDEST {
            let plan = store.read(move |db| {
                let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let steps = statement.query_map(("2020", 5), |row| row.get::<_, String>(3))?;
                Ok(steps.collect::<Result<Vec<_>, _>>()?.join("; "))
            });
            let plan = plan.await.unwrap();
            assert!(plan.contains("_by_time (") && !plan.contains("SCAN"), "{plan}");
        }
    }
}
