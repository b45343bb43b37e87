//! `fw gear run`: a job, checked against the gear's manifest before it is sent.

use anyhow::Context as _;
use clap::Args;
use flywheel::{Client, ContainerRef, File, Node};
use flywheel_core::gear::{Base, Manifest};
use flywheel_core::path::FwPath;
use serde_json::{Map, Value as Json, json};

use super::Context;
use super::job::print_line;
use crate::exit::{Exit, Failure};
use crate::grammar;
use crate::queue;

/// Run a gear
///
/// Inputs are files of the site, settings are those of the gear's manifest. Outputs go to DESTINATION, which is the
/// container of the first input unless it is given. An analysis gear makes an analysis there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw gear run image-qc --input image=fw://neuro/study/sub-01/ses-01/T1w/files/t1.nii.gz --wait
  fw gear run image-qc/1.0.0 --input image=neuro/study/s/x/T1w/files/t1.nii.gz --config min_snr=15
  fw gear run group-report neuro/study --config 'columns=[\"age\", \"sex\"]' --tag monthly --json

With --wait the log is shown as it comes, and a job that does not complete ends with code 1.")]
pub(crate) struct Run {
    /// The gear: NAME, NAME/VERSION, or its id
    gear: String,
    /// Where outputs go: GROUP/PROJECT/…
    destination: Option<String>,
    /// A file for an input of the gear, as NAME=PATH; may be repeated
    #[arg(long = "input", value_name = "NAME=PATH", value_parser = pair)]
    inputs: Vec<(String, String)>,
    /// A setting of the gear, as KEY=VALUE; may be repeated
    #[arg(long = "config", value_name = "KEY=VALUE", value_parser = pair)]
    config: Vec<(String, String)>,
    /// A tag for the job; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// low, medium, high or critical
    #[arg(long, value_parser = ["low", "medium", "high", "critical"])]
    priority: Option<String>,
    /// The label of the job, or of the analysis
    #[arg(long)]
    label: Option<String>,
    /// Wait for the end of the job
    #[arg(long)]
    wait: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    parts
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "a name, an equals sign and a value are expected".to_owned())
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message)
}

impl Run {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let client = context.client()?;
        let gear = queue::gear(&client, &self.gear).await?;
        let manifest = gear.manifest().context("the gear's manifest")?;
        let mut run = gear.invoke().configs(config(&manifest, &self.config)?);
        let inputs = self.inputs(&client, &manifest).await?;
        let destination = match (&self.destination, inputs.first()) {
            (Some(path), _) => place_of(&client.lookup(grammar::read::<FwPath>(path)?).await?)?,
            (None, Some((_, file))) => file.parent_ref()?,
            (None, None) => {
                let message = "there is no input to take the destination from";
                return Err(usage(message).hint("name a container for the outputs: GROUP/PROJECT/…").into());
            }
        };
        run = inputs.iter().fold(run, |run, (name, file)| run.input(*name, file)).destination(destination);
        run = self.tags.iter().fold(run, |run, tag| run.tag(tag));
        if let Some(priority) = &self.priority {
            run = run.priority(priority.as_str());
        }
        if let Some(label) = &self.label {
            run = run.label(label);
        }
        let job = run.run().await?.job().await?;
        let job = job.context("the site does not say which job the analysis has")?;
        if !self.wait {
            let id = job.id();
            context.printer.result(&json!({"job": id}), |printer| printer.line(id))?;
            context.printer.note(format_args!("Follow it with: fw job logs {id} --follow"));
            return Ok(());
        }
        let job = queue::follow(job, |line| Ok(print_line(&context.printer, line)?)).await?;
        context.printer.result(&queue::outcome(&job), |_| Ok(()))?;
        queue::require_complete(&job)
    }

    /// The files by input, each of a kind that its input takes.
    async fn inputs(&self, client: &Client, manifest: &Manifest) -> anyhow::Result<Vec<(&str, File)>> {
        let mut inputs: Vec<(&str, File)> = Vec::new();
        for (name, path) in &self.inputs {
            let input = manifest.input(name).filter(|input| input.base() == Base::File).ok_or_else(|| {
                let names: Vec<&str> = manifest
                    .inputs()
                    .filter(|input| input.base() == Base::File)
                    .map(|input| input.name)
                    .collect();
                usage(format!("{} has no file input {name}", manifest.name())).hint(it_has(&names))
            })?;
            if inputs.iter().any(|(given, _)| given == name) {
                return Err(usage(format!("the input {name} is given twice")).into());
            }
            let node = client.lookup(grammar::read::<FwPath>(path)?).await?;
            let Node::File(file) = node else {
                let kind = node.kind_name();
                return Err(usage(format!("{path} is a {kind}, not a file"))
                    .hint("name a file in it: CONTAINER/files/NAME")
                    .into());
            };
            if !input.accepts(&serde_json::to_value(&file)?) {
                let kind = file.type_.as_deref().unwrap_or("none");
                let message = format!("the input {name} does not take {path}, whose type is {kind}");
                return Err(usage(message).into());
            }
            inputs.push((name, file));
        }
        let given = |wanted: &str| inputs.iter().any(|(name, _)| *name == wanted);
        match manifest.inputs().find(|input| input.is_required_file() && !given(input.name)) {
            None => Ok(inputs),
            Some(input) => {
                Err(usage(format!("{} needs a file for its input {}", manifest.name(), input.name))
                    .hint(format!("--input {}=fw://…/files/NAME", input.name))
                    .into())
            }
        }
    }
}

/// The container that a path means as a destination: itself, or that of a file.
fn place_of(node: &Node) -> anyhow::Result<ContainerRef> {
    match node {
        Node::File(file) => Ok(file.parent_ref()?),
        node => node.reference().context("this is no place for the outputs of a gear"),
    }
}

/// What could have been named.
fn it_has(names: &[&str]) -> String {
    if names.is_empty() { "it has none".to_owned() } else { format!("it has: {}", names.join(", ")) }
}

/// The settings, each read as its type in the manifest.
fn config(manifest: &Manifest, given: &[(String, String)]) -> anyhow::Result<Map<String, Json>> {
    let mut config = Map::new();
    for (key, text) in given {
        let Some((_, snippet)) = manifest.config().find(|(known, _)| known == key) else {
            let known: Vec<&str> = manifest.config().map(|(key, _)| key).collect();
            return Err(usage(format!("{} has no setting {key}", manifest.name()))
                .hint(it_has(&known))
                .into());
        };
        let value = match snippet.get("type").and_then(Json::as_str) {
            Some("string") | None => Json::from(text.as_str()),
            Some(kind) => serde_json::from_str(text)
                .map_err(|_| usage(format!("--config {key}={text}: expected a value of type {kind}")))?,
        };
        config.insert(key.clone(), value);
    }
    manifest
        .complete_config(&config)
        .map_err(|error| usage(format!("--config {}: {}", error.key, error.error)))?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn manifest() -> Manifest {
        let manifest = json!({
            "name": "g", "label": "G", "description": "d", "version": "1", "author": "a", "license": "MIT", "url": "",
            "source": "", "inputs": {}, "config": {
                "count": {"type": "integer", "minimum": 1, "default": 1}, "text": {"type": "string", "default": ""},
                "on": {"type": "boolean", "default": false}, "list": {"type": "array", "default": []},
            },
        });
        Manifest::new(manifest).unwrap()
    }

    fn read(pairs: &[&str]) -> anyhow::Result<Json> {
        config(&manifest(), &pairs.iter().map(|text| pair(text).unwrap()).collect::<Vec<_>>()).map(Json::from)
    }

    #[test]
    fn settings_are_read_as_the_manifest_says() {
        let config = read(&["count=3", "text=3", "on=true", "list=[1, \"a\"]"]).unwrap();
        assert_eq!(config, json!({"count": 3, "text": "3", "on": true, "list": [1, "a"]}));
        assert_eq!(read(&["text=a=b"]).unwrap(), json!({"text": "a=b"}));
    }

    #[test]
    fn wrong_settings_are_found_out_before_anything_is_sent() {
        for (given, word) in
            [("count=x", "integer"), ("count=0", "count"), ("colour=1", "no setting"), ("on=1", "on")]
        {
            let error = read(&[given]).unwrap_err().to_string();
            assert!(error.contains(word), "{given}: {error}");
        }
        assert!(pair("=x").is_err() && pair("x").is_err());
    }
}
