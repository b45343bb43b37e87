//! A site: a folder with a database and blobs, opened once, served in process or over TCP.

use std::{
    fs::{File, TryLockError},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::{Duration, Instant, SystemTime},
};

use axum::{Router, serve::ListenerExt};
use flywheel_core::key::generate_key;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::JoinHandle,
};

use crate::{
    access::roles,
    access_log::Journal,
    blobs::BlobStore,
    copies,
    engine::{self, Engine},
    error::{ApiError, ApiResult},
    files, jobs, modalities, projects, providers, retention, route, rules,
    state::{AppState, Shared},
    store::{
        Doc, Keeping, Store, now,
        records::{self, AccountKind},
    },
    views,
};

/// The login of the administrator that every site has.
pub const ADMIN: &str = "admin@flywheel.local";

/// The label of the administrator's key that a start of the site sets.
const START_KEY: &str = "set at the start of the site";

/// The database in the folder of a site.
const DATABASE: &str = "site.db";

/// How long a folder may be held by a site that has ended.
const HELD: Duration = Duration::from_secs(1);

/// How long a shutdown waits for requests that are being answered.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a site could not be opened or served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SiteError {
    /// The data folder cannot be made or used.
    #[error("the data folder {} cannot be used: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process serves the same folder.
    #[error("the data folder {} is in use by another site process: stop that one, or name another folder", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The database cannot be opened.
    #[error("{0}")]
    Database(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

impl From<ApiError> for SiteError {
    fn from(error: ApiError) -> Self {
        SiteError::Database(error.to_string())
    }
}

/// How a site is to be opened. Made by [`Site::builder`].
#[derive(Debug, Default, Clone)]
pub struct SiteBuilder {
    data: Option<PathBuf>,
    admin_key: Option<String>,
    drone_secret: Option<String>,
    signed_uploads: bool,
    retries_failed_jobs: bool,
    keep_log_days: Option<u32>,
    engine: Option<Engine>,
}

impl SiteBuilder {
    /// The folder that holds everything; it is made when it is not there. Without one the site lives in a temporary
    /// folder that goes with it, and does not wait for the disk.
    #[must_use]
    pub fn data(mut self, folder: impl AsRef<Path>) -> Self {
        self.data = Some(folder.as_ref().to_owned());
        self
    }

    /// The administrator's key, or the text of a whole API key whose last part it is. Without one, a new key is made
    /// at each opening and takes the place of the one made at the last.
    #[must_use]
    pub fn admin_key(mut self, key: impl Into<String>) -> Self {
        self.admin_key = Some(key.into());
        self
    }

    /// The secret by which devices register themselves. Without one they cannot.
    #[must_use]
    pub fn drone_secret(mut self, secret: impl Into<String>) -> Self {
        self.drone_secret = Some(secret.into());
        self
    }

    /// Whether clients are told, in `/config`, to send files to signed URLs instead of in one multipart request. Off unless
    /// asked for; the site takes both in either case.
    #[must_use]
    pub fn signed_uploads(mut self, on: bool) -> Self {
        self.signed_uploads = on;
        self
    }

    /// Whether jobs that failed are queued again by themselves, three attempts in all. Off unless asked for; jobs that were
    /// lost, because their engine went, are tried again in either case.
    #[must_use]
    pub fn retries_failed_jobs(mut self, on: bool) -> Self {
        self.retries_failed_jobs = on;
        self
    }

    /// How many days the access log and the change log go back: 400 unless this is called, and all the way with 0. What is
    /// older is taken away while the site is open, in small steps; it is gone from their reports.
    #[must_use]
    pub fn keep_log_days(mut self, days: u32) -> Self {
        self.keep_log_days = Some(days);
        self
    }

    /// Runs the jobs of the site, in this process, for as long as the site lives. Without an engine they wait for one
    /// elsewhere.
    #[must_use]
    pub fn engine(mut self, engine: Engine) -> Self {
        self.engine = Some(engine);
        self
    }

    /// Opens the site. What a kill left behind in its blobs is removed while it serves already.
    ///
    /// # Errors
    /// When the folder cannot be used, another process has it open, or its database is damaged or of a later release.
    pub async fn open(self) -> Result<Site, SiteError> {
        let (data, temporary) = match self.data {
            Some(folder) => (folder, None),
            None => {
                let path = std::env::temp_dir();
                let folder = tempfile::tempdir().map_err(|source| SiteError::Folder { path, source })?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        let keeping = if temporary.is_some() { Keeping::Passing } else { Keeping::Durable };
        let lock = lock(&data).await?;
        let opened = SystemTime::now();
        let unusable = |source| SiteError::Folder { path: data.clone(), source };
        let blobs = BlobStore::in_folder(&data.join("blobs"), keeping).map_err(unusable)?;
        let journal = Journal::open(&data).map_err(unusable)?;
        let desk = views::Desk::open(&data).map_err(unusable)?;
        let store = Store::open(&data.join(DATABASE), keeping)
            .map_err(|error| SiteError::Database(error.to_string()))?;
        let secret = self.admin_key.map_or_else(generate_key, |key| last_part(&key).to_owned());
        let key = secret.clone();
        let retries = self.retries_failed_jobs;
        store
            .write(move |db| {
                prepare(db, &key)?;
                jobs::set_after_failure(db, retries)
            })
            .await?;
        journal.empty(&store).await?;
        let drone_secret = self.drone_secret;
        let signed_uploads = self.signed_uploads;
        let shared = Shared {
            store,
            blobs,
            journal,
            views: desk,
            signed_uploads,
            data,
            started: now(),
            address: OnceLock::new(),
            drone_secret,
        };
        let state = AppState::new(shared);
        views::resume(&state).await?;
        projects::resume(&state).await?;
        copies::resume(&state).await?;
        let (sweeper, swept) = watch::channel(false);
        let mut tasks = vec![
            Background(tokio::spawn(files::keep_swept(state.weak(), opened, sweeper))),
            Background(tokio::spawn(rules::run(state.clone()))),
            Background(tokio::spawn(jobs::watch(state.clone()))),
        ];
        let days = self.keep_log_days.unwrap_or(retention::KEPT_LOG_DAYS);
        if days > 0 {
            tasks.push(Background(tokio::spawn(retention::run(state.weak(), days))));
        }
        let engine = match self.engine {
            Some(engine) => Some(engine::start(&state, engine).await?),
            None => None,
        };
        Ok(Site { state, secret, swept, _tasks: tasks, engine, _lock: lock, temporary })
    }
}

fn last_part(key: &str) -> &str {
    key.rsplit(':').next().unwrap_or(key)
}

/// Keeps other processes out of a folder. A site that has just ended holds its folder for a moment longer when a program was
/// being started beside it.
async fn lock(data: &Path) -> Result<File, SiteError> {
    let unusable = |source| SiteError::Folder { path: data.to_owned(), source };
    std::fs::create_dir_all(data).map_err(unusable)?;
    let file = File::options().create(true).append(true).open(data.join("site.lock")).map_err(unusable)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begun.elapsed() < HELD => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(TryLockError::WouldBlock) => return Err(SiteError::InUse { path: data.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
    }
}

/// What every site has: the built-in roles, and an administrator with a key.
fn prepare(db: &Connection, secret: &str) -> ApiResult<()> {
    roles::ensure_built_in(db)?;
    modalities::ensure_built_in(db)?;
    providers::ensure_built_in(db)?;
    if records::account(db, AccountKind::User, ADMIN)?.is_none() {
        records::put_account(db, AccountKind::User, &new_user(ADMIN, "Site", "Admin", true))?;
    }
    for key in records::keys_of(db, ADMIN)? {
        if key.label == START_KEY {
            records::remove_key(db, ADMIN, &key.id)?;
        }
    }
    records::add_key(db, ADMIN, secret, START_KEY, None)?;
    Ok(())
}

/// The document of a new user.
pub(crate) fn new_user(id: &str, firstname: &str, lastname: &str, admin: bool) -> Doc {
    let role = if admin { "site_admin" } else { "user" };
    let user = json!({
        "_id": id, "firstname": firstname, "lastname": lastname, "email": id, "roles": [role], "root": admin,
        "disabled": false, "created": now(), "modified": now(), "revision": 1,
    });
    user.as_object().cloned().unwrap_or_default()
}

/// An open site.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flywheel_local::SiteError> {
/// let site = flywheel_local::Site::builder().admin_key("secret").open().await?;
/// let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
/// assert!(running.api_key().ends_with(":__force_insecure:secret"));
/// running.shutdown().await;
/// # Ok(())
/// # }
/// ```
pub struct Site {
    state: AppState,
    secret: String,
    /// Whether what a kill left behind is gone.
    swept: watch::Receiver<bool>,
    _tasks: Vec<Background>,
    engine: Option<engine::Running>,
    _lock: File,
    temporary: Option<tempfile::TempDir>,
}

/// A task of the site that ends with it.
struct Background(JoinHandle<()>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("data", &self.state.data).finish_non_exhaustive()
    }
}

impl Site {
    /// Says how a site is to be opened.
    pub fn builder() -> SiteBuilder {
        SiteBuilder::default()
    }

    /// The whole API, `/api/…`, for use in process: no socket is opened.
    pub fn router(&self) -> Router {
        route::assemble(self.state.clone())
    }

    /// The database, for tests that fill it directly.
    #[cfg(test)]
    pub(crate) fn store(&self) -> &Store {
        &self.state.store
    }

    /// Waits until what a kill left behind is gone, or cannot be removed.
    pub(crate) async fn swept(&self) {
        // The sender goes with its task, which ends with the site.
        let _ = self.swept.clone().wait_for(|swept| *swept).await;
    }

    /// What the handlers share.
    pub(crate) fn state(&self) -> &AppState {
        &self.state
    }

    /// Ends the jobs that run here, which are tried again at the next opening with an engine, removes what they were working
    /// on, and lets go of the folder. A site that is dropped instead does the same without anybody waiting for it.
    pub async fn close(mut self) {
        if let Some(engine) = self.engine.take() {
            engine.close().await;
        }
        // A folder that goes with the site is opened by nobody.
        if self.temporary.is_none() {
            self.fold().await;
        }
    }

    /// Makes the next opening quick; when that fails, it is slower and nothing else.
    pub(crate) async fn fold(&self) {
        let database = self.state.data.join(DATABASE);
        let folded = tokio::task::spawn_blocking(move || Store::fold(&database)).await;
        if let Ok(Err(error)) = folded {
            tracing::warn!(%error, "the log of writes stays beside the database");
        }
    }

    /// The administrator's secret: what stands last in an API key.
    pub fn admin_secret(&self) -> &str {
        &self.secret
    }

    /// The folder that holds everything.
    pub fn data(&self) -> &Path {
        &self.state.data
    }

    /// Makes a user, or finds the one there is, and gives it one more key. Answers the key's secret.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_user(&self, email: &str, admin: bool) -> Result<String, SiteError> {
        let (secret, id) = (generate_key(), email.to_owned());
        let key = secret.clone();
        let work = move |db: &Connection| {
            let mut user = records::account(db, AccountKind::User, &id)?
                .unwrap_or_else(|| new_user(&id, id.split('@').next().unwrap_or(&id), "", admin));
            if admin {
                user.insert("root".into(), true.into());
                user.insert("roles".into(), Value::from(vec!["site_admin"]));
            }
            records::put_account(db, AccountKind::User, &user)?;
            records::add_key(db, &id, &key, "made by the site", None)?;
            Ok(())
        };
        self.state.store.write(work).await?;
        Ok(secret)
    }

    /// Serves the site over TCP until [`Running::shutdown`], or until the answer is dropped. Port 0 picks a free one.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn listen(&self, address: SocketAddr) -> Result<Running, SiteError> {
        let failed = |source| SiteError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        // Otherwise the end of a short answer that is streamed waits for the client's delayed word that its beginning came.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "answers may wait for one another");
            }
        });
        // Jobs are told the first address, which is also the only one unless somebody asks for more.
        let _ = self.state.address.set(local);
        let service = self.router().into_make_service_with_connect_info::<SocketAddr>();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let until = async {
                let _ = stopped.await;
            };
            axum::serve(listener, service).with_graceful_shutdown(until).await
        });
        Ok(Running { address: local, secret: self.secret.clone(), stop: Some(stop), task: Some(task) })
    }
}

/// A site that is being served.
pub struct Running {
    address: SocketAddr,
    secret: String,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<io::Result<()>>>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as a URL without a path: `http://127.0.0.1:8090`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The administrator's API key, as a client takes it: `127.0.0.1:8090:__force_insecure:SECRET`.
    pub fn api_key(&self) -> String {
        self.key(&self.secret)
    }

    /// The API key for another secret of this site, such as [`Site::add_user`] answers.
    pub fn key(&self, secret: &str) -> String {
        format!("{}:__force_insecure:{secret}", self.address)
    }

    /// Takes no more requests, lets those that are being answered end (ten seconds at most), and closes.
    pub async fn shutdown(mut self) {
        drop(self.stop.take());
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(PATIENCE, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}
