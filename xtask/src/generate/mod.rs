//! `cargo xtask generate`: from the description to the raw crate.
//!
//! The description is read with its overlay, normalised, handed to progenitor, and what comes back is rewritten
//! to run on the raw crate's own support layer. The same input gives the same files, byte for byte.

mod decisions;
mod document;
mod emit;
mod normalise;
mod operations;
mod output;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use serde_json::Value;

use decisions::Decisions;
use document::Document;

use crate::overlay::Overlay;

/// The command that makes the generated files, as they name it.
const COMMAND: &str = "cargo xtask generate";

/// Arguments of `cargo xtask generate`.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Only say whether the files in the repository are what would be generated
    #[arg(long)]
    check: bool,
    /// Print how often each normalisation changed something
    #[arg(long)]
    counts: bool,
}

/// Generates, or checks what was generated.
///
/// # Errors
///
/// When the description cannot be read, an operation is not decided about, or the generator refuses something.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask stands in the workspace")?;
    let generated = generate(root)?;
    if args.counts {
        for count in &generated.counts {
            println!("{:6}  {}", count.places, count.name);
        }
    }
    if args.check {
        return output::check(root, &generated.files);
    }
    output::write(root, &generated.files)?;
    Ok(ExitCode::SUCCESS)
}

/// What generation makes.
struct Generated {
    counts: Vec<normalise::Count>,
    files: output::Files,
}

fn generate(root: &Path) -> anyhow::Result<Generated> {
    let (document, counts) = normalised(root)?;
    let rows = operations::rows(&document, &Decisions::read(root)?)?;
    let mut files = emit::files(&document, &rows)?;
    let readme = PathBuf::from("openapi/README.md");
    if let Some(text) = output::readme(root, &readme, &counts)? {
        files.insert(readme, text);
    }
    Ok(Generated { counts, files })
}

/// The description as the generator takes it, and how often each step changed something.
fn normalised(root: &Path) -> anyhow::Result<(Document, Vec<normalise::Count>)> {
    let mut document = Document::new(description(root)?)?;
    let counts = normalise::normalise(&mut document)?;
    Ok((document, counts))
}

/// The description with its overlay.
fn description(root: &Path) -> anyhow::Result<Value> {
    const FILE: &str = "openapi/flywheel.json";
    let text = std::fs::read_to_string(root.join(FILE))
        .with_context(|| format!("cannot read {FILE}; `cargo xtask import` makes it"))?;
    let mut description =
        serde_json::from_str::<Value>(&text).with_context(|| format!("{FILE} is not JSON"))?;
    let overlay = root.join("openapi/overlay.yaml");
    if overlay.exists() {
        Overlay::read(&overlay)?.apply(&mut description)?;
    }
    Ok(description)
}
