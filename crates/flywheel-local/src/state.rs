//! What every handler shares.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, OnceLock, Weak},
};

use crate::{access_log::Journal, blobs::BlobStore, store::Store, views::Desk};

/// The shared state of a site. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState(Arc<Shared>);

/// What [`AppState`] points at.
pub(crate) struct Shared {
    /// The database.
    pub(crate) store: Store,
    /// The bytes of files.
    pub(crate) blobs: BlobStore,
    /// Who looked at what, on its way into the database.
    pub(crate) journal: Journal,
    /// Where results of data views lie.
    pub(crate) views: Desk,
    /// Whether clients are told to send files to signed URLs.
    pub(crate) signed_uploads: bool,
    /// The folder of the site: `site.db`, `blobs/`.
    pub(crate) data: PathBuf,
    /// When the site was opened, as documents write times.
    pub(crate) started: String,
    /// Where the site listens, once it does.
    pub(crate) address: OnceLock<SocketAddr>,
    /// The secret by which devices register; without one they cannot.
    pub(crate) drone_secret: Option<String>,
}

impl AppState {
    /// Shares these.
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// The same, without keeping the site open.
    pub(crate) fn weak(&self) -> WeakState {
        WeakState(Arc::downgrade(&self.0))
    }
}

/// The state of a site that this does not keep open.
#[derive(Clone)]
pub(crate) struct WeakState(Weak<Shared>);

impl WeakState {
    /// The state, while somebody else keeps the site open.
    pub(crate) fn open(&self) -> Option<AppState> {
        self.0.upgrade().map(AppState)
    }
}

impl std::ops::Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
