//! `coverage`: what of the API and of the official client the ergonomic crate offers, as docs/PARITY.md.
//!
//! Which operation is called where is read from the crate's source; what cannot be read there (the public method behind a
//! table, the reason for leaving an operation to the raw crate, the counterpart of a helper) is decided in
//! `openapi/parity.yaml`. An operation or helper that neither says anything about is an error.

mod decisions;
mod page;
mod source;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{import, print, tidy::workspace_root};

use self::decisions::Decisions;
use self::page::Row;

const DESCRIPTION: &str = "openapi/flywheel.json";
const SOURCE: &str = "crates/flywheel-sdk/src";
const PAGE: &str = "docs/PARITY.md";

/// Arguments of `cargo xtask coverage`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail when docs/PARITY.md is not what would be written
    #[arg(long)]
    check: bool,
}

/// One operation of the description, variants included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    /// `get_project`.
    pub(crate) id: String,
    /// The area of the API.
    pub(crate) tag: String,
    /// `GET /projects/{project_id}`.
    pub(crate) route: String,
}

/// Writes the page, or compares it.
///
/// # Errors
/// When a file cannot be read, or an operation, helper or decision has no counterpart.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let root = workspace_root();
    let text = std::fs::read_to_string(root.join(DESCRIPTION))
        .with_context(|| format!("{DESCRIPTION} cannot be read"))?;
    let description: Value =
        serde_json::from_str(&text).with_context(|| format!("{DESCRIPTION} is no JSON"))?;
    let operations = operations(&description);
    let helpers = helpers(&description);
    let calls = source::calls(&root.join(SOURCE), &operations)?;
    let decisions = Decisions::read(&root)?;
    let (operations, mut problems) = decisions.operations(&operations, &calls);
    let (helpers, more) = decisions.helpers(&helpers);
    problems.extend(more);
    if !problems.is_empty() {
        bail!("{} thing(s) undecided\n  {}", problems.len(), problems.join("\n  "));
    }
    finish(&root.join(PAGE), &page::write(&operations, &helpers), args.check, &operations)
}

fn finish(path: &Path, text: &str, check: bool, operations: &[Row]) -> Result<ExitCode> {
    let written = std::fs::read_to_string(path).unwrap_or_default();
    if check && written != text {
        bail!("{PAGE} is not what the source says; run `cargo xtask coverage` and review the difference");
    }
    if !check {
        std::fs::write(path, text).with_context(|| format!("{PAGE} cannot be written"))?;
    }
    let called = operations.iter().filter(|row| row.offered).count();
    print::line(&format!("{called} of {} operations are called by the ergonomic crate", operations.len()))?;
    Ok(ExitCode::SUCCESS)
}

/// The operations of a description and their variants, by path.
fn operations(description: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for (path, methods) in description["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            if !import::METHODS.contains(&method.as_str()) {
                continue;
            }
            let route = format!("{} {path}", method.to_uppercase());
            let variants = operation["x-flywheel-variants"].as_array().into_iter().flatten();
            let names = std::iter::once(operation).chain(variants).map(|named| text(&named["operationId"]));
            let tag = text(&operation["tags"][0]);
            found.extend(names.map(|id| Operation { id, tag: tag.clone(), route: route.clone() }));
        }
    }
    found
}

/// The helpers of a description as `Class.name`.
fn helpers(description: &Value) -> Vec<String> {
    let classes = description[import::helpers::MEMBER].as_object().into_iter().flatten();
    classes
        .flat_map(|(class, names)| {
            let names = names.as_array().into_iter().flatten().filter_map(Value::as_str);
            names.map(move |name| format!("{class}.{name}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_come_with_their_variants_and_helpers_with_their_class() {
        let description = serde_json::json!({
            "paths": {"/a": {"get": {"operationId": "a", "tags": ["x"], "x-flywheel-variants": [{"operationId": "b"}]}}},
            "x-flywheel-helpers": {"Client": ["add_user"]},
        });
        let names: Vec<_> = operations(&description).into_iter().map(|operation| operation.id).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(helpers(&description), ["Client.add_user"]);
    }
}
