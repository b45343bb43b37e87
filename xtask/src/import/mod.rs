//! Reads a wheel or a document and writes the API description.

mod client_calls;
mod docstring;
mod document;
pub(crate) mod helpers;
mod models;
mod openapi;
mod operations;
mod python;
mod schema;
mod summary;
mod swagger2;
#[cfg(test)]
pub(crate) mod tests;
mod types;
mod unwrapped;
mod wheel;

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{lint, print};

pub(crate) use self::document::METHODS;
use self::models::Models;
use self::operations::Operation;
use self::summary::Summary;
use self::types::Type;
use self::wheel::Wheel;

/// Arguments of `cargo xtask import`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A flywheel-sdk wheel, or an OpenAPI 3.x / Swagger 2.0 document in JSON
    #[arg(value_name = "WHEEL_OR_JSON")]
    source: PathBuf,
    /// Where the description goes
    #[arg(long, value_name = "FILE", default_value = "openapi/flywheel.json")]
    out: PathBuf,
}

/// A description and what was counted on the way to it.
#[derive(Debug)]
pub(crate) struct Imported {
    /// OpenAPI 3.0.3.
    pub(crate) document: Value,
    /// Named counts.
    pub(crate) summary: Summary,
}

/// Imports the source and writes the description.
///
/// # Errors
/// When the source cannot be read as what it claims to be; nothing is written then.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let imported = read(&args.source)?;
    check(&args.source, &imported.document)?;
    write_whole(&args.out, &imported.document)?;
    print::text(&imported.summary.to_string())?;
    print::line(&format!("wrote {}", args.out.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses a description that breaks a rule, so that nothing is written.
fn check(source: &Path, document: &Value) -> Result<()> {
    let problems = lint::structure(document);
    if problems.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
    bail!("{}: {} problem(s), nothing was written\n{}", source.display(), lines.len(), lines.join("\n"))
}

/// Reads a wheel or a document into a description.
///
/// # Errors
/// When the source cannot be read; the error names the file, the place and what mends it.
pub(crate) fn read(source: &Path) -> Result<Imported> {
    let bytes = std::fs::read(source).with_context(|| format!("{}: cannot be read", source.display()))?;
    read_bytes(&bytes).with_context(|| source.display().to_string())
}

fn read_bytes(bytes: &[u8]) -> Result<Imported> {
    if bytes.starts_with(b"PK") {
        return from_wheel(&Wheel::read(bytes)?);
    }
    let document: Value = serde_json::from_slice(bytes)
        .context("neither a wheel (a zip) nor a JSON document; give one of the two")?;
    if document::is_description(&document) {
        return Ok(Imported { document, summary: Summary::default() });
    }
    let (document, summary) = openapi::convert(&document)?;
    Ok(Imported { document, summary })
}

fn from_wheel(wheel: &Wheel) -> Result<Imported> {
    let models = models::read(wheel)?;
    let mut operations = operations::read(wheel)?;
    check_names(&operations, &models)?;
    let summary = Summary::of_wheel(&operations, &models);
    client_calls::add_constants(wheel, &mut operations)?;
    let mut paths = document::paths(&operations)?;
    let mut shell =
        document::assemble(&wheel.version, &BTreeSet::new(), document::Paths::new(), serde_json::Map::new());
    client_calls::add(wheel, &mut shell, &mut paths)?;
    unwrapped::add(&mut paths);
    let tags = document::tags(&paths);
    let mut document = document::assemble(&wheel.version, &tags, paths, document::schemas(&models));
    document["components"]["securitySchemes"] = shell["components"]["securitySchemes"].take();
    document[helpers::MEMBER] = helpers::read(wheel, &operations)?;
    document::name_origin(&mut document, &format!("flywheel-sdk {}", wheel.version));
    Ok(Imported { document, summary })
}

/// Every model that a type mentions must be one that the wheel defines.
fn check_names(operations: &[Operation], models: &Models) -> Result<()> {
    let check = |kind: &Type, place: &dyn Fn() -> String| {
        let mut names = BTreeSet::new();
        kind.collect_models(&mut names);
        match names.into_iter().find(|name| !models.contains_key(name)) {
            None => Ok(()),
            Some(name) => bail!(
                "{}: unknown type `{name}`; it is neither a model in flywheel/models/ nor a plain type, so the wheel is incomplete or a plain type is missing in xtask/src/import/types.rs",
                place()
            ),
        }
    };
    for operation in operations {
        let kinds = operation.parameters.iter().map(|parameter| &parameter.kind);
        let kinds = kinds.chain(operation.body.iter().map(|body| &body.kind)).chain(&operation.answer);
        for kind in kinds {
            check(kind, &|| format!("flywheel/api/{}_api.py: operation {}", operation.tag, operation.id))?;
        }
    }
    for (name, model) in models {
        for kind in model.mentions() {
            check(&kind, &|| format!("flywheel/models/: model {name}"))?;
        }
    }
    Ok(())
}

/// Writes a document beside its place and moves it there, so that no half of it is ever seen.
fn write_whole(path: &Path, document: &Value) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(folder)
        .with_context(|| format!("{}: no file can be made in this folder", folder.display()))?;
    let mut text =
        serde_json::to_string_pretty(document).context("the description cannot be written as JSON")?;
    text.push('\n');
    file.write_all(text.as_bytes()).with_context(|| format!("{}: cannot be written", path.display()))?;
    file.persist(path).with_context(|| format!("{}: cannot be replaced", path.display()))?;
    Ok(())
}
