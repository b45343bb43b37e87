//! What a kill left behind: bytes that no file and no open upload names.

use std::{
    collections::HashSet,
    io,
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    signed,
    tickets::{self, Purpose},
};
use crate::{
    blobs::BlobStore,
    error::ApiResult,
    packfiles::pending,
    state::WeakState,
    store::records,
    uploads::{loose, storage},
};

/// The blobs that something else than a file's row names: uploads that are not finished, and the site's own storage.
///
/// # Errors
/// When the database fails.
pub(crate) fn arriving(db: &Connection) -> ApiResult<HashSet<Uuid>> {
    let mut named: HashSet<Uuid> = pending::blobs(db)?.into_iter().collect();
    named.extend(records::all(db, Purpose::Upload.record())?.iter().flat_map(signed::blobs_named_by));
    named.extend(records::all(db, Purpose::Loose.record())?.iter().filter_map(loose::blob_named_by));
    named.extend(records::all(db, storage::RECORD)?.iter().filter_map(storage::blob_named_by));
    Ok(named)
}

/// Takes away what uploads that were never finished remembered; their blobs are nobody's then.
///
/// # Errors
/// When the database fails.
pub(crate) fn forget(db: &Connection) -> ApiResult<()> {
    tickets::expire(db, Purpose::Upload)?;
    tickets::expire(db, Purpose::Loose).map(drop)
}

/// Removes every blob, last written before `limit`, that neither a file's row (of whatever version, deleted or not), nor a file of
/// the site's storage, nor an open upload names, for as long as the site is `open`. Says how many went. It only reads the database,
/// so other writes go on: what is unnamed and older than any upload under way stays unnamed.
fn sweep(db: &Connection, blobs: &BlobStore, limit: SystemTime, open: impl Fn() -> bool) -> ApiResult<u64> {
    let arriving = arriving(db)?;
    let mut row = db.prepare_cached("SELECT 1 FROM files WHERE blob = ? LIMIT 1")?;
    let mut named = |id: Uuid| -> rusqlite::Result<bool> {
        Ok(!open()
            || arriving.contains(&id)
            || row.query_row([id.to_string()], |_| Ok(())).optional()?.is_some())
    };
    Ok(blobs.sweep(limit, |id| named(id).map_err(io::Error::other))?)
}

/// How long a blob may be unnamed: more than any upload takes.
const GRACE: Duration = Duration::from_secs(24 * 3600);

/// How often the blobs of a running site are swept.
const PAUSE: Duration = Duration::from_secs(6 * 3600);

/// Sweeps what was left before the site was `opened`, says so in `swept`, and sweeps from time to time, as long as the site is
/// open.
pub(crate) async fn keep_swept(site: WeakState, opened: SystemTime, swept: watch::Sender<bool>) {
    let mut limit = opened;
    loop {
        let Some((store, blobs)) = site.open().map(|state| (state.store.clone(), state.blobs.clone())) else {
            return;
        };
        let done = match store.delete(forget).await {
            Ok(()) => {
                let (site, blobs) = (site.clone(), blobs.clone());
                store.read(move |db| sweep(db, &blobs, limit, || site.open().is_some())).await
            }
            Err(error) => Err(error),
        };
        match done {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "blobs that nothing names were removed"),
            Err(error) => tracing::warn!(%error, "blobs that nothing names could not be removed"),
        }
        blobs.grow_up();
        swept.send_replace(true);
        drop((store, blobs));
        tokio::time::sleep(PAUSE).await;
        limit = SystemTime::now() - GRACE;
    }
}
