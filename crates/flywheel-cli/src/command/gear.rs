//! `fw gear`: gears of the site.

use clap::{Args, Subcommand};

use super::Context;
use super::gear_add::Add;
use super::gear_run::Run;
use crate::gears::Program;
use crate::printer::{Cell, Table};
use crate::queue;

/// Add gears, list them, and run them
///
/// A gear is a program with a description of what it takes: its manifest. See the two in gears/ of the project.
#[derive(Debug, Args)]
pub(crate) struct Gear {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Add(Add),
    Ls(Ls),
    Run(Run),
    /// Run the program of an example gear, in the folder of a gear
    #[command(hide = true)]
    Exec {
        #[arg(value_enum)]
        program: Program,
    },
}

/// List the gears of the site
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw gear ls
  fw gear ls --all-versions
  fw gear ls --json | jq -r '.[].gear.name'

To a pipe, each line is name, version, category, label and id, separated by tabs.")]
struct Ls {
    /// Every version, not the newest alone
    #[arg(long)]
    all_versions: bool,
}

impl Gear {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self.command {
            Command::Add(add) => add.run(context).await,
            Command::Ls(ls) => ls.run(context).await,
            Command::Run(run) => run.run(context).await,
            Command::Exec { program } => program.run(),
        }
    }
}

impl Ls {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let gears = queue::gears(&context.client()?, self.all_versions).await?;
        let mut table = Table::new(["Name", "Version", "Category", "Label", "Id"]).whole([4]);
        for gear in &gears {
            let category = gear.category.as_ref().map_or("", |category| category.as_str());
            table.row([gear.name(), gear.version(), category, gear.label(), gear.id()].map(Cell::from));
        }
        context.printer.result(&gears, |printer| printer.table(&table))?;
        if gears.is_empty() {
            context.printer.note("There are no gears. Add one from its folder: fw gear add FOLDER");
        }
        Ok(())
    }
}
