//! `fw completions`: completions for a shell, made from the definition of the command line.

use std::io;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw completions bash > ~/.local/share/bash-completion/completions/fw
  fw completions zsh > ~/.zfunc/_fw
  fw completions fish > ~/.config/fish/completions/fw.fish")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "fw", &mut script);
        io::Write::write_all(&mut io::stdout().lock(), &script)?;
        Ok(())
    }
}
