//! Reads a wheel or a document and writes the API description.

use std::process::ExitCode;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs the command.
pub(crate) fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
