//! Downloads of many files into a folder: what is there already is left alone, what was interrupted goes on, and all of
//! it is checked.

use std::path::{Path, PathBuf};

use flywheel::File;
use futures::{StreamExt, stream};
use serde::Serialize;

use crate::command::Context;
use crate::digest::{digest_of, is_of};
use crate::tree::Located;

/// What became of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Downloaded,
    /// The same bytes were there already.
    Unchanged,
    Failed,
}

/// One file, where it is now and what became of it.
#[derive(Debug, Serialize)]
pub(crate) struct Fetched {
    pub(crate) path: PathBuf,
    /// Bytes.
    pub(crate) size: u64,
    pub(crate) outcome: Outcome,
    /// Whether the bytes have the hash that the site recorded; sites that record none leave only the size to check.
    pub(crate) verified: bool,
    #[serde(serialize_with = "message", skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<anyhow::Error>,
}

fn message<S: serde::Serializer>(error: &Option<anyhow::Error>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&error.as_ref().map(|error| format!("{error:#}")).unwrap_or_default())
}

/// Downloads `files` into `folder`, `jobs` at a time. A file that fails is part of the result.
pub(crate) async fn fetch_all(
    context: &Context,
    files: &[Located],
    folder: &Path,
    jobs: usize,
) -> Vec<Fetched> {
    let fetches = files.iter().map(|located| async {
        let path = folder.join(&located.path);
        match fetch(context, &located.file, &path).await {
            Ok((outcome, size, verified)) => Fetched { path, size, outcome, verified, error: None },
            Err(error) => {
                Fetched { path, size: 0, outcome: Outcome::Failed, verified: false, error: Some(error) }
            }
        }
    });
    stream::iter(fetches).buffered(jobs.max(1)).collect().await
}

async fn fetch(context: &Context, file: &File, path: &Path) -> anyhow::Result<(Outcome, u64, bool)> {
    if is_there(file, path).await? {
        return Ok((Outcome::Unchanged, file.size(), true));
    }
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let task = context.progress.transfer(path.display().to_string(), Some(file.size()));
    let bar = task.handle();
    let download =
        file.download().resume(true).on_progress(move |progress| bar.set_position(progress.transferred));
    let done = download.to_path(path).await?;
    task.done("downloaded", Some(done.size));
    Ok((Outcome::Downloaded, done.size, done.verified))
}

/// Whether `path` has the bytes that the site recorded. Without a recorded hash nobody can tell.
async fn is_there(file: &File, path: &Path) -> anyhow::Result<bool> {
    let Some(hash) = file.hash.clone() else { return Ok(false) };
    let same_size =
        tokio::fs::metadata(path).await.is_ok_and(|found| found.is_file() && found.len() == file.size());
    if !same_size {
        return Ok(false);
    }
    let path = path.to_owned();
    let digest = tokio::task::spawn_blocking(move || digest_of(&mut std::fs::File::open(path)?)).await?;
    Ok(is_of(&hash, &digest?.1))
}
