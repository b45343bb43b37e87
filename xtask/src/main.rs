//! The workspace's own tasks, one module a command: `import`, `lint`, `diff`, `generate`, `coverage`, `tidy`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its user")]

mod coverage;
mod diff;
mod generate;
mod import;
mod lint;
mod overlay;
mod print;
mod proof;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The command line of `cargo xtask`.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    about = "Import, check and compare the API description, and generate the raw crate"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// One task. Each keeps its arguments and its `run` in its own module.
#[derive(Debug, Subcommand)]
enum Command {
    /// Write the API description from a flywheel-sdk wheel or an OpenAPI / Swagger document
    Import(import::Args),
    /// Check the API description and its overlay
    Lint(lint::Args),
    /// Show what changed between two descriptions, what breaks a caller first
    Diff(diff::Args),
    /// Generate the raw crate from the API description
    Generate(generate::Args),
    /// Write docs/PARITY.md: what of the API and of the official client the ergonomic crate offers
    Coverage(coverage::Args),
    /// Check the workspace's own rules: directions of dependency, first lines, words that must not be committed
    Tidy(tidy::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Import(args) => import::run(&args),
        Command::Lint(args) => lint::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Coverage(args) => coverage::run(&args),
        Command::Tidy(args) => tidy::run(&args),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}
