//! The commands, one file each, and what all of them are given.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use flywheel::{Client, ClientBuilder, RetryPolicy};

use crate::cli::{Command, Global};
use crate::printer::Printer;
use crate::progress::Progress;

pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod download;
pub(crate) mod gear;
mod gear_add;
mod gear_run;
pub(crate) mod import;
pub(crate) mod job;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod ls;
pub(crate) mod site;
mod site_check;
mod site_seed;
pub(crate) mod status;
pub(crate) mod upload;

/// What a command works with.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) printer: Printer,
    pub(crate) progress: Progress,
    profile: Option<String>,
    /// The client that moves files, once there is one.
    patient: Arc<OnceLock<Client>>,
}

impl Context {
    pub(crate) fn new(global: &Global) -> Self {
        let printer = Printer::new(global.json, global.quiet, global.color);
        Self {
            printer,
            progress: Progress::new(printer),
            profile: global.profile.clone(),
            patient: Arc::default(),
        }
    }

    /// For a part of a command whose single transfers nobody needs to read of.
    pub(crate) fn without_lines(&self) -> Self {
        Self { progress: self.progress.without_lines(), ..self.clone() }
    }

    /// The name of the profile that was asked for, in the command line or by `FLYWHEEL_PROFILE`.
    pub(crate) fn profile(&self) -> Option<String> {
        self.profile
            .clone()
            .or_else(|| std::env::var("FLYWHEEL_PROFILE").ok().filter(|name| !name.is_empty()))
    }

    /// A client of the site the user is logged in to, for questions whose answer somebody waits for: it gives up early.
    ///
    /// # Errors
    /// There is no key, or it is none.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        Ok(impatient(self.builder()?).build()?)
    }

    /// A client for long work, which outlasts a restart of the site. That the site is there and knows the key is found out
    /// before, and early.
    ///
    /// # Errors
    /// As [`Context::client`], and when the site cannot be reached or does not know the key.
    pub(crate) async fn patient_client(&self) -> anyhow::Result<Client> {
        self.client()?.auth_status().await?;
        let client = self.builder()?.build()?;
        Ok(self.patient.get_or_init(|| client).clone())
    }

    /// Lets the site know of uploads that were dropped, for as long as somebody who interrupted the program can wait.
    pub(crate) async fn settled(&self) {
        if let Some(client) = self.patient.get() {
            let _ = tokio::time::timeout(Duration::from_secs(3), client.settled()).await;
        }
    }

    fn builder(&self) -> flywheel::Result<ClientBuilder> {
        let builder = Client::builder().user_agent(concat!("fw/", env!("CARGO_PKG_VERSION")));
        match &self.profile {
            Some(profile) => builder.profile(profile),
            None => builder.from_env(),
        }
    }
}

/// Few retries, unless the environment says how many.
pub(crate) fn impatient(builder: ClientBuilder) -> ClientBuilder {
    if std::env::var_os("FLYWHEEL_SDK_TOTAL_RETRIES").is_some() {
        return builder;
    }
    let mut policy = RetryPolicy::default();
    policy.max_attempts = 3;
    builder.retry(policy)
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// What [`crate::exit::Verdict`] tells apart.
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Login(command) => command.run(context).await,
            Self::Logout(command) => command.run(context),
            Self::Status(command) => command.run(context).await,
            Self::Ls(command) => command.run(context).await,
            Self::Upload(command) => command.run(context).await,
            Self::Download(command) => command.run(context).await,
            Self::Import(command) => command.run(context).await,
            Self::Gear(command) => command.run(context).await,
            Self::Job(command) => command.run(context).await,
            Self::Site(command) => command.run(context).await,
            Self::Demo(command) => command.run(context).await,
            Self::Completions(command) => command.run(),
        }
    }

    /// What somebody who interrupts the command may want to know.
    pub(crate) fn after_interrupt(&self) -> Option<&'static str> {
        match self {
            Self::Download(_) => Some("what has arrived is kept: the same command goes on from there"),
            Self::Import(_) => Some("what was imported stays: the same command sends the rest"),
            Self::Upload(_) => Some("files that were sent whole stay: look with \"fw ls\""),
            Self::Gear(_) | Self::Job(_) => Some("a job that was started goes on: look with \"fw job ls\""),
            _ => None,
        }
    }

    /// Whether the command ends by itself, in an orderly way, when it is interrupted.
    pub(crate) fn minds_interrupts(&self) -> bool {
        matches!(self, Self::Site(_))
    }
}
