//! `fw`: the Flywheel platform from a shell.

mod cli;
mod command;
mod credentials;
mod demo;
mod dicom;
mod digest;
mod echo;
mod exit;
mod fetch;
mod gears;
mod grammar;
mod identity;
mod import;
mod printer;
mod progress;
mod queue;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tracing_subscriber::EnvFilter;

use crate::cli::Cli;
use crate::command::Context;
use crate::exit::{Exit, Failure, Verdict};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return explain(&error).into(),
    };
    log(cli.global.verbose);
    let context = Context::new(&cli.global);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return finish(&context, Err(error.into())).into(),
    };
    let result = runtime.block_on(run(cli, &context));
    // Threads that are still reading files have nothing left to tell anyone.
    runtime.shutdown_background();
    finish(&context, result).into()
}

async fn run(cli: Cli, context: &Context) -> anyhow::Result<()> {
    if cli.command.minds_interrupts() {
        return cli.command.run(context).await;
    }
    let hint = cli.command.after_interrupt();
    tokio::select! {
        // First, so that the signal is waited for before anything is sent.
        biased;
        // Dropping what runs ends its transfers; of files, what can be gone on with is kept beside its place.
        _ = tokio::signal::ctrl_c() => {
            context.settled().await;
            let interrupted = Failure::new(Exit::Interrupted, "interrupted");
            Err(Failure { hint: hint.map(str::to_owned), ..interrupted }.into())
        }
        result = cli.command.run(context) => result,
    }
}

/// Prints what clap has to say: help and version are results, the rest is a wrong command line.
fn explain(error: &clap::Error) -> Exit {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    match error.print() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Failure,
        _ if asked => Exit::Success,
        _ => Exit::Usage,
    }
}

fn finish(context: &Context, result: anyhow::Result<()>) -> Exit {
    context.progress.end();
    let Err(error) = result else { return Exit::Success };
    let verdict = Verdict::of(&error);
    if verdict.exit != Exit::Success {
        context.printer.failure(&error, &verdict);
    }
    verdict.exit
}

/// Logs to standard error. Without --verbose, and unless RUST_LOG asks for more, only what failed inside a local site,
/// since its answers point there.
fn log(verbose: u8) {
    let level = match verbose {
        0 => "off,flywheel_local=error",
        1 => "flywheel=debug,flywheel_api=debug,flywheel_local=info",
        _ => "flywheel=trace,flywheel_api=trace,flywheel_local=debug,tower_http=debug,reqwest=debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}
