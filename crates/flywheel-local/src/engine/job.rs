//! One job: fetching what it needs, running its program, handing in what it made, and its end.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{sync::mpsc, time::sleep};

use super::{
    NAME, Shop,
    folder::{BASE, Folder, Outputs},
    logs::{self, Line},
    process::{self, End, Stop},
    program::{self, Source, Target},
    protocol::Refusal,
};

/// How often is looked whether somebody cancelled the job.
const GLANCE: Duration = Duration::from_millis(500);

/// After how many glances the site hears that the job is alive.
const BEAT: u32 = 60;

/// What stands in a key for a site that is reached over plain HTTP.
const INSECURE: &str = "__force_insecure";

/// Why a job did not come to its outputs.
#[derive(Debug)]
enum Trouble {
    /// It was cancelled, or taken from this engine: nothing more is said about it.
    Gone,
    /// It failed, for a reason that its log tells.
    Failed(&'static str, String),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Failed("engine_error", format!("The engine failed: {refusal}"))
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Failed("engine_error", format!("The engine failed: {error}"))
    }
}

/// A job while it is worked on.
struct Run<'a> {
    shop: &'a Shop,
    id: String,
    job: &'a Value,
    lines: mpsc::Sender<Line>,
    begun: Instant,
}

/// Everything that a program needs to begin.
struct Prepared {
    folder: Folder,
    program: process::Program,
    limit: Option<Duration>,
    /// The container that it runs in, and what stops it.
    container: Option<(String, PathBuf)>,
}

/// Works on a job to its end. What goes wrong is in its log and its state.
pub(super) async fn run(shop: &Shop, job: &Value) {
    let id = job.get("id").or_else(|| job.get("_id")).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (lines, receiver) = mpsc::channel(1024);
    let posting = tokio::spawn(logs::post(shop.protocol.clone(), id.clone(), receiver));
    let run = Run { shop, id, job, lines, begun: Instant::now() };
    let (prepared, id) = (run.work().await, run.id.clone());
    let end = match prepared {
        Ok(()) => Ok(json!({"success": true})),
        Err(Trouble::Failed(reason, why)) => {
            run.say(why).await;
            Ok(json!({"success": false, "failure_reason": reason}))
        }
        Err(Trouble::Gone) => Err(()),
    };
    let elapsed = run.begun.elapsed();
    drop(run);
    // The end of the log is on disk before the job is done.
    let _ = posting.await;
    let Ok(body) = end else { return };
    if let Err(error) = finish(shop, &id, body).await {
        tracing::warn!(%error, job = id, ?elapsed, "the end of a job could not be recorded");
    }
}

async fn finish(shop: &Shop, id: &str, body: Value) -> Result<(), Refusal> {
    let success = body.get("success").and_then(Value::as_bool).unwrap_or(false);
    let ticket = shop.protocol.prepare(id, success).await?;
    shop.protocol.complete(id, &ticket, body).await
}

impl Run<'_> {
    async fn say(&self, text: impl Into<String> + Send) {
        // Nobody reads the log of a job that is gone.
        let _ = self.lines.send(Line::system(text.into())).await;
    }

    /// Everything between the question for the job and its end.
    async fn work(&self) -> Result<(), Trouble> {
        let prepared = tokio::select! {
            prepared = self.prepare() => prepared?,
            Stop::Cancelled | Stop::TimeLimit = self.cancelled() => return Err(Trouble::Gone),
        };
        let started = Instant::now();
        let stop = async {
            tokio::select! {
                stop = self.cancelled() => stop,
                stop = process::time_limit(prepared.limit) => stop,
            }
        };
        let end = process::run(&prepared.program, self.lines.clone(), stop).await.map_err(|error| {
            Trouble::Failed("engine_error", format!("The gear's command could not be started: {error}"))
        })?;
        self.report(json!({"elapsed_time_ms": millis(started)})).await?;
        if let (End::Stopped(_), Some((name, runtime))) = (&end, &prepared.container) {
            remove_container(runtime, name).await;
        }
        match end {
            End::Stopped(Stop::Cancelled) => Err(Trouble::Gone),
            End::Stopped(Stop::TimeLimit) => {
                let limit = prepared.limit.unwrap_or_default().as_secs_f64();
                Err(Trouble::Failed(
                    "time_limit",
                    format!("The gear was stopped after its time limit of {limit} s"),
                ))
            }
            End::Exited(status) if !status.success() => {
                Err(Trouble::Failed("gear_exit", format!("The gear failed: {status}")))
            }
            End::Exited(_) => self.hand_in(&prepared.folder).await,
        }
    }

    /// Resolves when somebody cancelled the job or the site took it away. Keeps the site from believing it lost.
    async fn cancelled(&self) -> Stop {
        let mut glances = 0;
        loop {
            sleep(GLANCE).await;
            glances += 1;
            match self.shop.protocol.job(&self.id).await {
                Ok(job)
                    if job.get("state").is_some_and(|state| state != "running" && state != "scheduled") =>
                {
                    return Stop::Cancelled;
                }
                Err(Refusal::Refused { status: 404, .. }) => return Stop::Cancelled,
                _ => {}
            }
            if glances % BEAT == 0
                && let Err(error) = self.shop.protocol.heartbeat(&self.id).await
            {
                tracing::warn!(%error, job = self.id, "the heartbeat of a job was refused");
            }
        }
    }

    async fn report(&self, profile: Value) -> Result<(), Refusal> {
        self.shop.protocol.profile(&self.id, profile).await
    }

    /// Fetches the gear, its configuration and its inputs.
    async fn prepare(&self) -> Result<Prepared, Trouble> {
        let executor = json!({"name": NAME, "host": hostname()});
        self.report(json!({"executor": executor, "versions": {"engine": env!("CARGO_PKG_VERSION")}})).await?;
        let protocol = &self.shop.protocol;
        let gear_id = self.job.get("gear_id").and_then(Value::as_str).unwrap_or_default();
        let gear = protocol.gear(gear_id).await?;
        let source = program::find(&self.shop.settings, &self.shop.gears, &gear)
            .map_err(|why| Trouble::Failed("engine_error", why))?;
        let folder = self.lay_out(&source).await?;
        let config = protocol.config(&self.id).await?;
        self.fetch_inputs(&folder, &config).await?;
        folder.write_config(reachable(config), matches!(source, Source::Image(..)))?;
        let target = Target::of(self.job);
        let (program, container) = match &source {
            Source::Folder(_) => (program::in_folder(&self.shop.settings, &target, &folder), None),
            Source::Image(image, runtime) => {
                let name = format!("fw-job-{}", self.id);
                let place = (image.as_str(), runtime.as_path());
                let program = program::in_container(&self.shop.settings, &target, &folder, place, &name);
                (program, Some((name, runtime.clone())))
            }
        };
        self.report(json!({"preparation_time_ms": millis(self.begun)})).await?;
        Ok(Prepared { folder, program, limit: self.limit(&gear), container })
    }

    /// The lesser of what the engine and the manifest allow.
    fn limit(&self, gear: &Value) -> Option<Duration> {
        let own = gear.pointer("/gear/custom/local-engine/time-limit").and_then(Value::as_f64);
        let own = own.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        [self.shop.settings.time_limit, own].into_iter().flatten().min()
    }

    async fn lay_out(&self, source: &Source) -> Result<Folder, Trouble> {
        let (runs, id) = (self.shop.runs.clone(), self.id.clone());
        let gear = match source {
            Source::Folder(folder) => Some(folder.clone()),
            Source::Image(..) => None,
        };
        let made = tokio::task::spawn_blocking(move || Folder::make(&runs, &id, gear.as_deref()));
        Ok(made.await.map_err(std::io::Error::other)??)
    }

    /// Fetches each file of the configuration from where the job's request says.
    async fn fetch_inputs(&self, folder: &Folder, config: &Value) -> Result<(), Trouble> {
        let items = self.job.pointer("/request/inputs").and_then(Value::as_array);
        let items: Vec<&Value> = items.into_iter().flatten().collect();
        for (name, input) in config.get("inputs").and_then(Value::as_object).into_iter().flatten() {
            if input.get("base").is_none_or(|base| base != "file") {
                continue;
            }
            let location = input.pointer("/location/path").and_then(Value::as_str).unwrap_or_default();
            let of_input = format!("{BASE}/input/{name}");
            let item =
                items.iter().find(|item| item.get("location").is_some_and(|location| *location == of_input));
            let uri = item.and_then(|item| item.get("uri")).and_then(Value::as_str).ok_or_else(|| {
                Trouble::Failed(
                    "engine_error",
                    format!("The job's request does not say where the input {name} is"),
                )
            })?;
            let place = folder.place(location)?;
            if let Some(parent) = place.parent() {
                tokio::fs::create_dir_all(parent).await?;
            }
            let size = self.shop.protocol.fetch(uri, &place).await?;
            let file = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.say(format!("Input {name}: {file}, {size} bytes")).await;
        }
        Ok(())
    }

    /// Hands in the files of the gear and what it says about containers and files.
    async fn hand_in(&self, folder: &Folder) -> Result<(), Trouble> {
        let began = Instant::now();
        let Outputs { files, skipped, metadata } = folder.outputs()?;
        for name in skipped {
            self.say(format!("output/{name} is no file and is not kept")).await;
        }
        let metadata = match metadata {
            Some(text) => Some(serde_json::from_slice::<Value>(&text).map_err(|error| {
                Trouble::Failed("invalid_metadata", format!("output/.metadata.json is not JSON: {error}"))
            })?),
            None => None,
        };
        if files.is_empty() && metadata.is_none() {
            self.say("The gear left nothing in output").await;
        }
        if !files.is_empty() || metadata.is_some() {
            let ticket = self.shop.protocol.prepare(&self.id, true).await?;
            let uri = self.job.pointer("/request/outputs/0/uri").and_then(Value::as_str).unwrap_or("/engine");
            let uri = format!("{uri}{}job_ticket={ticket}", if uri.contains('?') { '&' } else { '?' });
            self.shop.protocol.upload(&uri, files, metadata).await.map_err(|error| match error {
                Refusal::Refused { status: 400..=422, message } => {
                    Trouble::Failed("invalid_metadata", format!("The site refused the outputs: {message}"))
                }
                other => other.into(),
            })?;
        }
        Ok(self.report(json!({"upload_time_ms": millis(began)})).await?)
    }
}

/// The keys of a configuration in the form that clients need for a site without TLS, as this one is for its own jobs.
fn reachable(mut config: Value) -> Value {
    for (_, input) in config.get_mut("inputs").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Some(key) = input.get_mut("key")
            && let Some((host, secret)) = key.as_str().and_then(|key| key.rsplit_once(':'))
            && !host.ends_with(INSECURE)
        {
            *key = format!("{host}:{INSECURE}:{secret}").into();
        }
    }
    config
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned())
}

/// Ends a container whose runtime was killed before it could.
async fn remove_container(runtime: &std::path::Path, name: &str) {
    let mut command = tokio::process::Command::new(runtime);
    command
        .args(["rm", "--force", name])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    if let Err(error) = command.status().await {
        tracing::warn!(%error, name, "a container may be left running");
    }
}
