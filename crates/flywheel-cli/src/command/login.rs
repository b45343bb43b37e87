//! `fw login`: checks a key against its site and stores it.

use anyhow::Context as _;
use clap::Args;
use flywheel::{ApiKey, Client};
use serde_json::json;

use super::{Context, impatient};
use crate::credentials;
use crate::exit::{Exit, Failure};
use crate::identity::Identity;

/// Log in to a site with an API key
///
/// The key is checked against the site, then stored for you alone in ~/.config/flywheel/user.json, where the official
/// client looks for it too; with --profile under that name in ~/.fw/config.yml.
#[derive(Debug, Args)]
#[command(after_help = "\
A key is on your profile page of the site, as HOST:KEY. A site without TLS, such as one of
\"fw site serve\", has keys of the form HOST:PORT:__force_insecure:KEY.

Examples:
  fw login flywheel.example.org:djEabc...
  fw login --profile lab lab.example.org:djEabc...    then: fw --profile lab status
  fw login - < key.txt                                keeps the key out of the shell's history")]
pub(crate) struct Login {
    /// The key, or "-" to read it from standard input
    key: String,
}

impl Login {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let text = match self.key.as_str() {
            "-" => std::io::read_to_string(std::io::stdin()).context("standard input cannot be read")?,
            _ => self.key,
        };
        let key: ApiKey = text
            .trim()
            .parse()
            .map_err(|error| Failure::new(Exit::Usage, format!("this is not an API key: {error}")))?;
        let client = impatient(Client::builder().api_key(key.clone())?).build()?;
        let who = Identity::of(&client).await?;
        let path = credentials::store(&key, context.profile().as_deref())?;
        let line = json!({ "site": key.base_url(), "user": who, "stored": path });
        context.printer.result(&line, |printer| {
            printer.line(format_args!("You are logged in to {} as {who}.", key.host()))
        })?;
        context.printer.note(format_args!("The key is stored in {}.", path.display()));
        Ok(())
    }
}
