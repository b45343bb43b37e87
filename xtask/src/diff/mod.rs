//! Compares two API descriptions.

mod change;
mod compare;
mod surface;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use self::change::Report;
use self::surface::Surface;
use crate::{import, print};

/// Arguments of `cargo xtask diff`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The earlier description, wheel or document
    old: PathBuf,
    /// The later description, wheel or document
    new: PathBuf,
    /// Write JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Compares and prints; fails when a change breaks a caller.
///
/// # Errors
/// When one of the two cannot be read.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let old = Surface::of(&import::read(&args.old)?.document);
    let new = Surface::of(&import::read(&args.new)?.document);
    let report = Report::new(compare::compare(&old, &new));
    if args.json {
        print::line(
            &serde_json::to_string_pretty(&report).context("the changes cannot be written as JSON")?,
        )?;
    } else {
        print::text(&report.to_string())?;
    }
    Ok(if report.breaks() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
