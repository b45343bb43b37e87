//! The gear engine: takes jobs from the queue of the site it lives in and runs them, through the same protocol as an engine
//! elsewhere would.
//!
//! | file | what it holds |
//! |---|---|
//! | `protocol` | the calls to the site |
//! | `job` | one job, from the question for it to its end |
//! | `folder` | what the gear sees as `/flywheel/v0` |
//! | `program` | what is run: a command in the gear's own folder, or its image |
//! | `process` | a child process with its group, its lines and its end |
//! | `warden` | the end of a program whose site is gone |
//! | `logs` | the job's log |
//! | `bundle` | the folders of gears |

mod bundle;
mod folder;
mod job;
mod logs;
mod process;
mod program;
mod protocol;
#[cfg(unix)]
mod warden;

#[cfg(test)]
mod tests;

use std::{ffi::OsString, io, path::PathBuf, sync::Arc, time::Duration};

use flywheel_core::key::generate_key;
use rusqlite::Connection;
use tokio::{
    sync::{Notify, Semaphore},
    task::{JoinHandle, JoinSet},
};

use crate::{
    accounts::devices,
    error::ApiResult,
    jobs, route,
    state::AppState,
    store::{
        Doc,
        records::{self, AccountKind},
    },
};

pub(crate) use self::bundle::routes;
use self::protocol::Protocol;

/// The folder of gears, and the one of runs, in that of the site.
const GEARS: &str = "gears";
const RUNS: &str = "runs";

/// As what the engine is known to the site: type and label of its device, which are also the name of the executor of its
/// jobs.
const TYPE: &str = "engine";
const LABEL: &str = "local";
pub(crate) const NAME: &str = "engine_local";

/// What gears may ask for and find here.
const CAPABILITIES: [&str; 2] = ["networking", "network"];

/// How often is asked for jobs when nothing says that there are any, such as those that another site process added.
const PAUSE: Duration = Duration::from_secs(2);

/// How a site runs gears.
///
/// ```
/// use std::time::Duration;
/// use flywheel_local::{Engine, Site};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flywheel_local::SiteError> {
/// let engine = Engine::new().slots(2).time_limit(Duration::from_secs(3600));
/// let site = Site::builder().engine(engine).open().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Engine {
    slots: usize,
    time_limit: Option<Duration>,
    variables: Vec<(OsString, OsString)>,
    path: Option<OsString>,
    address: Option<String>,
}

impl Default for Engine {
    fn default() -> Self {
        Self { slots: 1, time_limit: None, variables: Vec::new(), path: None, address: None }
    }
}

impl Engine {
    /// One job at a time, for as long as it takes.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many jobs run at the same time; at least one does.
    #[must_use]
    pub fn slots(mut self, slots: usize) -> Self {
        self.slots = slots.max(1);
        self
    }

    /// How long a job may run, if its manifest does not set less in `custom.local-engine.time-limit` (seconds).
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// A variable that gears in folders find in their environment, beside their own.
    #[must_use]
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Where programs are found, container runtimes among them, instead of the `PATH` of this process.
    #[must_use]
    pub fn path(mut self, path: impl Into<OsString>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The address of the site for what runs in its jobs, `HOST:PORT`, when that is not where [`Site::listen`] listens.
    ///
    /// [`Site::listen`]: crate::Site::listen
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    fn search_path(&self) -> OsString {
        self.path.clone().or_else(|| std::env::var_os("PATH")).unwrap_or_default()
    }
}

/// A running engine; its jobs are killed when this goes.
#[derive(Debug)]
pub(crate) struct Running {
    task: JoinHandle<()>,
    stop: Arc<Notify>,
}

impl Running {
    /// Kills the jobs that run, and waits until nothing is left of them but what the queue knows.
    pub(crate) async fn close(mut self) {
        self.stop.notify_one();
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(%error, "the engine did not end as it should");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the jobs of an engine share.
#[derive(Debug, Clone)]
struct Shop {
    settings: Arc<Engine>,
    protocol: Protocol,
    gears: PathBuf,
    runs: PathBuf,
}

/// Starts the engine of a site. Jobs that an earlier one was running when it went are retried.
///
/// # Errors
/// When the database fails, or folders cannot be made.
pub(crate) async fn start(state: &AppState, settings: Engine) -> ApiResult<Running> {
    let secret = generate_key();
    let key = secret.clone();
    state.store.write(move |db| register(db, &key)).await?;
    state.store.write(|db| jobs::forgotten(db, NAME)).await?;
    let (gears, runs) = (state.data.join(GEARS), state.data.join(RUNS));
    std::fs::create_dir_all(&gears)?;
    // What a kill left of earlier runs.
    #[cfg(unix)]
    warden::end_what_was_left(&runs)?;
    match std::fs::remove_dir_all(&runs) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => std::fs::create_dir_all(&runs)?,
    }
    let protocol = Protocol::new(route::assemble(state.clone()), &secret, host(state, &settings));
    let shop = Shop { settings: Arc::new(settings), protocol, gears, runs };
    let stop = Arc::new(Notify::new());
    let task = tokio::spawn(work(state.clone(), shop, Arc::clone(&stop)));
    Ok(Running { task, stop })
}

/// The address of the site for what runs in its jobs; before it listens, that of this machine.
fn host(state: &AppState, settings: &Engine) -> String {
    let listening = || state.address.get().map(ToString::to_string);
    settings.address.clone().or_else(listening).unwrap_or_else(|| "127.0.0.1".to_owned())
}

/// Gives the engine's device a key that is good until the next start.
fn register(db: &Connection, secret: &str) -> ApiResult<()> {
    let known = records::accounts(db, AccountKind::Device)?;
    let is_engine = |device: &&Doc| {
        device.get("type").is_some_and(|text| text == TYPE)
            && device.get("label").is_some_and(|text| text == LABEL)
    };
    let device = known.iter().find(is_engine).cloned().unwrap_or_else(|| devices::fresh(TYPE, LABEL));
    records::put_account(db, AccountKind::Device, &device)?;
    let id = device.get("_id").and_then(serde_json::Value::as_str).unwrap_or_default();
    for key in records::keys_of(db, id)? {
        records::remove_key(db, id, &key.id)?;
    }
    records::add_key(db, id, secret, "the engine of this site", None)?;
    Ok(())
}

/// Works on jobs until it is stopped, which ends them.
async fn work(state: AppState, shop: Shop, stop: Arc<Notify>) {
    let mut running = JoinSet::new();
    tokio::select! {
        () = take(&state, &shop, &mut running) => {}
        () = stop.notified() => {}
    }
    running.shutdown().await;
}

/// Asks for jobs whenever there may be one and a slot is free, and begins to work on them.
async fn take(state: &AppState, shop: &Shop, running: &mut JoinSet<()>) {
    let slots = Arc::new(Semaphore::new(shop.settings.slots));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        while running.try_join_next().is_some() {}
        match shop.protocol.ask(&CAPABILITIES).await {
            Ok(Some(job)) => {
                let shop = Shop { protocol: shop.protocol.at(host(state, &shop.settings)), ..shop.clone() };
                running.spawn(async move {
                    job::run(&shop, &job).await;
                    drop(slot);
                });
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the engine could not ask for jobs"),
        }
        drop(slot);
        // Whether a job was added or time went by, the next question tells.
        let _ = tokio::time::timeout(PAUSE, state.store.bells().jobs.notified()).await;
    }
}
