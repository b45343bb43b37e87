//! Room on a full disk: while there is none, what was deleted goes for good.
//!
//! Otherwise what is deleted keeps its row and its bytes, so that it can be brought back.

use rusqlite::Connection;
use uuid::Uuid;

use super::sweep::arriving;
use crate::{error::ApiResult, state::AppState};

/// How many versions of files go in one write.
const STEP: usize = 500;

/// Does a write that deletes files, or containers with what is in them. It succeeds on a full disk, too, and gives room there.
///
/// # Errors
/// Those of the write.
pub(crate) async fn making_room<T, F>(state: &AppState, work: F) -> ApiResult<T>
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> ApiResult<T> + Send + 'static,
{
    let done = state.store.delete(work).await?;
    if state.store.wants_room()
        && let Err(error) = make(state).await
    {
        tracing::warn!(%error, "what was deleted still takes its room");
    }
    Ok(done)
}

/// Lets go of everything that was deleted.
async fn make(state: &AppState) -> ApiResult<()> {
    loop {
        let (gone, blobs) = state.store.delete(forget_deleted).await?;
        let store = state.blobs.clone();
        let remove = move || blobs.into_iter().try_for_each(|blob| store.remove(blob));
        tokio::task::spawn_blocking(remove).await.map_err(crate::error::ApiError::internal)??;
        if gone < STEP {
            return Ok(());
        }
    }
}

/// Takes away rows of deleted versions, other than those that a living analysis took in. Says how many went, and which contents
/// nothing names any more.
fn forget_deleted(db: &Connection) -> ApiResult<(usize, Vec<Uuid>)> {
    let sql = "DELETE FROM files WHERE row IN (
            SELECT f.row FROM files f WHERE f.deleted IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM analysis_inputs i JOIN containers a ON a.id = i.analysis_id
                WHERE i.file_id = f.file_id AND a.deleted IS NULL)
            LIMIT ?)
        RETURNING blob";
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([STEP as i64], |row| row.get::<_, String>(0))?;
    let gone = rows.collect::<Result<Vec<_>, _>>()?;
    let arriving = arriving(db)?;
    let mut named = db.prepare("SELECT 1 FROM files WHERE blob = ?")?;
    let mut blobs = Vec::new();
    for blob in &gone {
        if let Ok(id) = blob.parse()
            && !arriving.contains(&id)
            && !named.exists([blob])?
        {
            blobs.push(id);
        }
    }
    Ok((gone.len(), blobs))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use crate::{store::files, tests::Api};

    #[tokio::test]
    async fn what_goes_for_good_is_what_was_deleted_and_nobody_needs() {
        let api = Api::new().await;
        let [_, _, _, session, acquisition] = api.tree().await;
        let path = format!("/acquisitions/{acquisition}");
        for name in ["kept.txt", "gone.txt", "taken.txt"] {
            api.file(api.root(), &path, name, name).await.ok();
        }
        let input = json!({"type": "acquisition", "id": acquisition, "name": "taken.txt"});
        api.post(&format!("/sessions/{session}/analyses"), json!({"label": "a", "inputs": [input]}))
            .await
            .ok();
        for name in ["gone.txt", "taken.txt"] {
            api.delete(&format!("{path}/files/{name}?force=true")).await.ok();
        }
        let state = api.site.state();
        let count = |db: &rusqlite::Connection| {
            Ok(db.query_row("SELECT count(*) FROM files", [], |row| row.get::<_, i64>(0))?)
        };
        assert_eq!(state.store.read(count).await.unwrap(), 3);
        super::make(state).await.unwrap();
        let names = |db: &rusqlite::Connection| {
            let mut statement = db.prepare("SELECT name FROM files ORDER BY name")?;
            let names = statement.query_map([], |row| row.get::<_, String>(0))?;
            Ok(names.collect::<Result<Vec<_>, _>>()?)
        };
        assert_eq!(state.store.read(names).await.unwrap(), ["kept.txt", "taken.txt"]);
        let held = acquisition.clone();
        let current = state.store.read(move |db| files::of_container(db, &held)).await.unwrap();
        assert_eq!(current.len(), 1);
        assert_eq!(api.site.check(true).await.unwrap().problems, Vec::<String>::new());
    }
}
