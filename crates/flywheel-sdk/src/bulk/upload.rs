//! Many files to many containers.

use flywheel_api::types::FileOutput;
use serde::{Deserialize, Serialize};

use super::{Attempt, Bulk};
use crate::{
    Client, ContainerRef, File, Result, Source,
    call::Call,
    container::files_of,
    transfer::{self, same_content},
};

/// A file that the site has now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stored {
    /// Its id.
    pub id: String,
    /// Its version, from 1.
    pub version: u32,
    /// Bytes.
    pub size: u64,
}

impl From<File> for Stored {
    fn from(file: File) -> Self {
        Self { id: file.id().to_owned(), version: file.version(), size: file.size() }
    }
}

impl Client {
    /// Uploads many files, each to its container. One of the same name gets a new version.
    ///
    /// With a [`journal`](Bulk::journal), a file that an earlier run had begun with is looked at on the site first: when the
    /// same bytes arrived after all, they are not sent again. See [`bulk`](crate::bulk).
    ///
    /// ```no_run
    /// # async fn run(fw: flywheel::Client, session: flywheel::Session) -> flywheel::Result<()> {
    /// use flywheel::Source;
    ///
    /// let files = ["events.tsv", "physio.tsv.gz"].map(|name| (session.reference(), Source::path(name)));
    /// let report = fw.upload_many(files).at_once(4).journal("upload.jsonl").await?;
    /// for (name, error) in &report.failed {
    ///     eprintln!("{name}: {error}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn upload_many(&self, files: impl IntoIterator<Item = (ContainerRef, Source)>) -> Bulk<Stored> {
        let client = self.clone();
        let items = files.into_iter().map(|(container, source)| {
            let key = format!("{container}/{}", source.known_name().unwrap_or_default());
            (key, (container, source))
        });
        Bulk::new(items, move |(container, source), attempt: Attempt| {
            let client = client.clone();
            async move {
                if attempt.begun_before
                    && let Some(there) = already_there(&client, &container, &source).await?
                {
                    return Ok(there.into());
                }
                let stored = transfer::upload_to(&client, container, vec![source]).await?;
                let file = stored.into_iter().next();
                file.map(Stored::from).ok_or_else(transfer::unnamed)
            }
        })
    }
}

/// The file of this name in the container, when it has the bytes of `source`.
async fn already_there(client: &Client, container: &ContainerRef, source: &Source) -> Result<Option<File>> {
    let (Some(route), Some(name)) = (container.kind.routes().file, source.known_name()) else {
        return Ok(None);
    };
    let found: Result<FileOutput> = Call::new(route).at(&container.id).at(name).send(client.raw()).await;
    let found = match found {
        Ok(found) => files_of(client, container, vec![found]).pop(),
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(error),
    };
    match found {
        Some(file) if same_content(&file, source).await? => Ok(Some(file)),
        _ => Ok(None),
    }
}
