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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::import::tests::wheel;

    /// `true` when the comparison says that something breaks.
    fn breaks(old: &Path, new: &Path) -> bool {
        run(&Args { old: old.to_owned(), new: new.to_owned(), json: true }).unwrap() != ExitCode::SUCCESS
    }

    fn description() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/flywheel.json")
    }

    #[test]
    fn a_description_breaks_nobody_compared_with_itself() {
        assert!(!breaks(&description(), &description()));
    }

    #[test]
    fn an_input_that_cannot_be_read_is_an_error() {
        let absent = Path::new("absent.whl");
        let error = run(&Args { old: absent.to_owned(), new: description(), json: false }).unwrap_err();
        assert!(format!("{error:#}").contains("absent.whl: cannot be read"));
    }

    #[test]
    fn release_23_breaks_callers_of_release_20_6() {
        let Some(old) = wheel("20.6.0") else { return };
        assert!(breaks(&old, &description()));
        let surface = |path: &Path| Surface::of(&import::read(path).unwrap().document);
        let changes = compare::compare(&surface(&old), &surface(&description()));
        let said = |breaking: bool, text: &str| {
            changes.iter().any(|c| c.breaking == breaking && c.to_string() == text)
        };
        assert!(said(true, "delete_files_by_query: operation removed (DELETE /files/delete_by_query)"));
        assert!(said(true, "get_config_js: operation removed (GET /config.js)"));
        assert!(said(false, "create_staffing_pool: operation added (POST /staffing_pools)"));
    }
}
