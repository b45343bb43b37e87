//! Checks the API description and its overlay.

mod rules;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::overlay::Overlay;
use crate::{import, print};

pub(crate) use self::rules::structure;

/// Arguments of `cargo xtask lint`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The description; a wheel or a site's own document is imported first
    #[arg(value_name = "FILE", default_value = "openapi/flywheel.json")]
    file: PathBuf,
    /// The overlay; by default `overlay.yaml` beside a description, when it is there
    #[arg(long, value_name = "FILE")]
    overlay: Option<PathBuf>,
}

/// Runs every rule and prints what breaks one.
///
/// # Errors
/// When a file cannot be read, or an overlay's target matches nothing.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut document = import::read(&args.file)?.document;
    let overlay = args.overlay.clone().or_else(|| overlay_beside(&args.file));
    let mut problems = rules::structure(&document);
    let mut file = args.file.display().to_string();
    if let Some(overlay) = &overlay {
        Overlay::read(overlay)?.apply(&mut document).with_context(|| overlay.display().to_string())?;
        problems = rules::structure(&document);
        problems.extend(rules::documentation(&document));
        file = format!("{file} with {}", overlay.display());
    }
    for problem in &problems {
        print::line(&format!("{file}: {problem}"))?;
    }
    if problems.is_empty() {
        print::line(&format!("{file}: every rule holds"))?;
        return Ok(ExitCode::SUCCESS);
    }
    print::line(&format!("{} problem(s)", problems.len()))?;
    Ok(ExitCode::FAILURE)
}

fn overlay_beside(file: &Path) -> Option<PathBuf> {
    let beside = file.with_file_name("overlay.yaml");
    let is_description = file.extension().is_some_and(|extension| extension == "json");
    (is_description && beside.is_file()).then_some(beside)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn checked_in() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/flywheel.json")
    }

    #[test]
    fn the_checked_in_description_keeps_every_rule_with_its_overlay() {
        assert_eq!(
            overlay_beside(&checked_in()).as_deref(),
            Some(checked_in().with_file_name("overlay.yaml").as_path())
        );
        assert_eq!(run(&Args { file: checked_in(), overlay: None }).unwrap(), ExitCode::SUCCESS);
    }

    #[test]
    fn an_operation_that_the_overlay_forgets_fails() {
        let folder = tempfile::tempdir().unwrap();
        let overlay = folder.path().join("overlay.yaml");
        std::fs::write(&overlay, "overlay: 1.0.0\ninfo: {title: t, version: '1'}\nactions: []\n").unwrap();
        assert_eq!(run(&Args { file: checked_in(), overlay: Some(overlay) }).unwrap(), ExitCode::FAILURE);
    }

    #[test]
    fn a_target_of_a_path_that_went_away_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let overlay = folder.path().join("overlay.yaml");
        let action = "- target: $.paths['/gone'].get\n  update: {summary: s}\n";
        std::fs::write(
            &overlay,
            format!("overlay: 1.0.0\ninfo: {{title: t, version: '1'}}\nactions:\n{action}"),
        )
        .unwrap();
        let error = run(&Args { file: checked_in(), overlay: Some(overlay.clone()) }).unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.contains("overlay.yaml: actions[0]: target `$.paths['/gone'].get`: it matches nothing"),
            "{text}"
        );
    }
}
