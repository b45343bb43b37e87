//! `fw site`: a local site, a real server with a real database in one folder.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use flywheel_local::{Engine, Site as LocalSite};
use serde_json::json;

use super::Context;
use super::site_check::Check;
use super::site_seed::Seed;
use crate::exit::{Exit, Failure};
use crate::printer::Tone;

/// Run a local site, add users to one, fill one, check one
#[derive(Debug, Args)]
pub(crate) struct Site {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Serve),
    Seed(Seed),
    Check(Check),
    /// Manage the users of a site that is not running
    User {
        #[command(subcommand)]
        command: User,
    },
}

/// Serve a local site until it is interrupted
///
/// Everything is kept in one folder: a database and the files. Stop the site with Ctrl-C or SIGTERM; what was being
/// answered is answered, and nothing acknowledged is lost.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw site serve --data ./site
  fw site serve --data ./site --listen 127.0.0.1:0 --json    a free port; one JSON line says which
  fw site serve --data ./site --engine --engine-slots 2      run gears too
  fw site serve --data ./site --admin-key secret             then, in another shell:
  fw login 127.0.0.1:8090:__force_insecure:secret")]
pub(crate) struct Serve {
    /// The address to listen on; port 0 picks a free port
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8090")]
    listen: String,
    /// The folder of the site; made when it is not there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The administrator's key, instead of a new one at each start
    #[arg(long, value_name = "KEY", env = "FW_SITE_ADMIN_KEY", hide_env_values = true)]
    admin_key: Option<String>,
    /// The secret by which devices and engines register themselves, instead of a new one at each start
    #[arg(long, value_name = "SECRET", env = "FW_SITE_DRONE_SECRET", hide_env_values = true)]
    drone_secret: Option<String>,
    /// How many days the access log and the change log go back; 0 keeps everything
    #[arg(long, value_name = "N", default_value_t = flywheel_local::KEPT_LOG_DAYS)]
    keep_log_days: u32,
    /// Run the site's jobs, on this machine
    #[arg(long)]
    engine: bool,
    /// How many jobs run at the same time
    #[arg(long, value_name = "N", default_value_t = 1, requires = "engine", value_parser = clap::value_parser!(u16).range(1..=256))]
    engine_slots: u16,
    /// The most seconds that a job may run
    #[arg(long, value_name = "SECONDS", requires = "engine")]
    engine_time_limit: Option<u64>,
    /// Queue jobs that failed once more, up to three attempts
    #[arg(long)]
    retry_failed_jobs: bool,
}

#[derive(Debug, Subcommand)]
enum User {
    Add(AddUser),
}

/// Add a user and print a key for them
///
/// A user that is there already gets a further key.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw site user add ada@example.org --data ./site
  fw site user add root@example.org --admin --data ./site")]
pub(crate) struct AddUser {
    /// The login of the user
    email: String,
    /// Make the user an administrator of the site
    #[arg(long)]
    admin: bool,
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Site {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(serve) => serve.run(context).await,
            Command::Seed(seed) => seed.run(context).await,
            Command::Check(check) => check.run(context).await,
            Command::User { command: User::Add(add) } => add.run(context).await,
        }
    }
}

impl Serve {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let address = resolve(&self.listen).await?;
        let drone_secret = self.drone_secret.unwrap_or_else(flywheel_core::key::generate_key);
        let mut builder = LocalSite::builder()
            .data(&self.data)
            .drone_secret(drone_secret.as_str())
            .retries_failed_jobs(self.retry_failed_jobs)
            .keep_log_days(self.keep_log_days);
        if let Some(key) = self.admin_key {
            builder = builder.admin_key(key);
        }
        if self.engine {
            builder = builder.engine(engine(self.engine_slots, self.engine_time_limit));
        }
        let interrupted = interruption()?;
        // Holds the folder against other processes for as long as it lives.
        let site = builder.open().await?;
        let running = site.listen(address).await?;
        if !address.ip().is_loopback() {
            context.printer.warn("listening beyond this machine: keys and data travel unencrypted");
        }
        let line = json!({
            "url": running.url(),
            "api_key": running.api_key(),
            "drone_secret": drone_secret,
            "data": self.data,
        });
        context.printer.result(&line, |printer| {
            printer.toned(
                format_args!("Serving {} from {}", running.url(), self.data.display()),
                Tone::Strong,
            )?;
            printer.line(format_args!("  administrator's key  {}", running.api_key()))?;
            printer.line(format_args!("  drone secret         {drone_secret}"))?;
            printer.line(format_args!("\nIn another shell:\n  fw login {}\n  fw ls", running.api_key()))?;
            printer.toned("\nCtrl-C stops it.", Tone::Dim)
        })?;
        interrupted.await;
        context.printer.note("stopping");
        running.shutdown().await;
        site.close().await;
        Ok(())
    }
}

/// An engine whose gears find this program in `FW`.
fn engine(slots: u16, time_limit: Option<u64>) -> Engine {
    let mut engine = Engine::new().slots(usize::from(slots));
    if let Ok(program) = std::env::current_exe() {
        engine = engine.variable("FW", program);
    }
    match time_limit {
        Some(seconds) => engine.time_limit(Duration::from_secs(seconds)),
        None => engine,
    }
}

impl AddUser {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let site = LocalSite::builder().data(&self.data).open().await?;
        let key = site.add_user(&self.email, self.admin).await?;
        let line = json!({ "email": self.email, "admin": self.admin, "key": key });
        context.printer.result(&line, |printer| printer.line(&key))?;
        context.printer.note("Log in on the running site with: fw login HOST:PORT:__force_insecure:KEY");
        Ok(())
    }
}

async fn resolve(listen: &str) -> anyhow::Result<SocketAddr> {
    let unusable = || {
        Failure::new(Exit::Usage, format!("{listen:?} is no address to listen on"))
            .hint("write it as HOST:PORT, for instance 127.0.0.1:8090")
    };
    let addresses = tokio::net::lookup_host(listen).await.map_err(|_| unusable())?;
    Ok(addresses.min_by_key(SocketAddr::is_ipv6).ok_or_else(unusable)?)
}

/// Resolves at Ctrl-C or SIGTERM. From the call on, neither ends the process by itself.
fn interruption() -> anyhow::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .context("SIGTERM cannot be awaited")?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    })
}
