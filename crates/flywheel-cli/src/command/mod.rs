//! The commands, one file each, and what all of them are given.

use crate::cli::{Command, Global};
use crate::printer::Printer;
use crate::progress::Progress;

pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod download;
pub(crate) mod import;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod ls;
pub(crate) mod site;
pub(crate) mod status;
pub(crate) mod upload;

/// What a command works with.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) printer: Printer,
    pub(crate) progress: Progress,
    profile: Option<String>,
}

impl Context {
    pub(crate) fn new(global: &Global) -> Self {
        let printer = Printer::new(global.json, global.quiet, global.color);
        Self { printer, progress: Progress::new(printer), profile: global.profile.clone() }
    }

    /// For a part of a command whose single transfers nobody needs to read of.
    pub(crate) fn without_lines(&self) -> Self {
        Self { progress: self.progress.without_lines(), ..self.clone() }
    }

    /// The name of the profile that was asked for, in the command line or by `FLYWHEEL_PROFILE`.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// A client of the site the user is logged in to.
    ///
    /// # Errors
    /// There is no key, or it is none.
    pub(crate) fn client(&self) -> anyhow::Result<flywheel::Client> {
        let builder = flywheel::Client::builder().user_agent(concat!("fw/", env!("CARGO_PKG_VERSION")));
        let given = std::env::var_os("FLYWHEEL_API_KEY").is_some();
        let builder = match self.profile() {
            Some(profile) if !given => builder.profile(profile)?,
            _ => builder.from_env()?,
        };
        Ok(builder.build()?)
    }
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
            Self::Site(command) => command.run(context).await,
            Self::Demo(command) => command.run(context).await,
            Self::Completions(command) => command.run(),
        }
    }

    /// Whether the command ends by itself, in an orderly way, when it is interrupted.
    pub(crate) fn minds_interrupts(&self) -> bool {
        matches!(self, Self::Site(_))
    }
}
