//! What a kill left behind: bytes that no file and no open upload names.

use std::{collections::HashSet, io, time::SystemTime};

use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use super::{
    signed,
    tickets::{self, Purpose},
};
use crate::{
    blobs::BlobStore,
    error::ApiResult,
    packfiles::pending,
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

/// Removes every blob, last written before `limit`, that neither a file's row (of whatever version, deleted or not), nor a file of
/// the site's storage, nor an open upload names. Says how many went.
///
/// # Errors
/// When the database or the storage fails; nothing that is named is ever removed.
pub(crate) fn sweep(db: &Connection, blobs: &BlobStore, limit: SystemTime) -> ApiResult<u64> {
    tickets::expire(db, Purpose::Upload)?;
    tickets::expire(db, Purpose::Loose)?;
    let arriving = arriving(db)?;
    let mut row = db.prepare_cached("SELECT 1 FROM files WHERE blob = ? LIMIT 1")?;
    let mut named = |id: Uuid| -> rusqlite::Result<bool> {
        Ok(arriving.contains(&id) || row.query_row([id.to_string()], |_| Ok(())).optional()?.is_some())
    };
    Ok(blobs.sweep(limit, |id| named(id).map_err(io::Error::other))?)
}
