//! What waits for writes to a table: the connection that writes rings, whatever part of the site wrote.
//!
//! A bell rings before the commit. Who waits answers it with a write or read of its own, which comes after.

use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::Notify;

/// One bell for each table that somebody waits for.
#[derive(Debug, Default)]
pub(crate) struct Bells {
    /// Something happened to files that gear rules mind.
    pub(crate) file_events: Notify,
    /// A job was added or changed.
    pub(crate) jobs: Notify,
}

/// Has the connection ring.
pub(super) fn hang(writer: &mut Connection) -> rusqlite::Result<Arc<Bells>> {
    let bells = Arc::new(Bells::default());
    let rung = Arc::clone(&bells);
    writer.update_hook(Some(move |_, _: &str, table: &str, _| match table {
        "file_events" => rung.file_events.notify_one(),
        "jobs" => rung.jobs.notify_one(),
        _ => {}
    }))?;
    Ok(bells)
}
