//! The command line: its definition, which is also its help and its completions.

use clap::{Args, Parser, Subcommand};

use crate::command::{
    completions, demo, download, gear, import, job, login, logout, ls, site, status, upload,
};
use crate::exit;
use crate::printer::ColorChoice;

/// The Flywheel platform from a shell: look around, move files, import DICOM, run a local site.
///
/// Paths are those of the platform: GROUP/PROJECT/SUBJECT/SESSION/ACQUISITION, with "files/NAME" at the end for a file.
/// They may be written with "fw://" before them. A part in the form <id:ID> names a container by its id.
#[derive(Debug, Parser)]
#[command(name = "fw", version, propagate_version = true, max_term_width = 110, after_help = AFTER_HELP, after_long_help = after_long_help())]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
New here? \"fw demo\" shows all of it on a site of its own, without an account.";

fn after_long_help() -> String {
    format!("{AFTER_HELP}\n\n{}\n\n{ENVIRONMENT}", exit::TABLE)
}

const ENVIRONMENT: &str = "\
Environment:
  FLYWHEEL_API_KEY  the key to use, before any that is stored
  FLYWHEEL_PROFILE  the stored profile to use
  FW_SSL_CERT_FILE  a PEM file of further certificate authorities to trust
  NO_COLOR          no colours
  RUST_LOG          what --verbose logs, for instance \"flywheel=debug\"";

/// Options every command has.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Print the result as JSON on standard output, and errors as JSON on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print results and errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Log requests to standard error; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = false)]
    pub(crate) color: ColorChoice,
    /// The stored profile to use, as named at "fw login --profile"
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Login(login::Login),
    Logout(logout::Logout),
    Status(status::Status),
    Ls(ls::Ls),
    Upload(upload::Upload),
    Download(download::Download),
    Import(import::Import),
    Gear(gear::Gear),
    Job(job::Job),
    Site(site::Site),
    Demo(demo::Demo),
    Completions(completions::Completions),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
