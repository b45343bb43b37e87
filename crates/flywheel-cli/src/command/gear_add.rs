//! `fw gear add`: a gear's folder becomes a gear of the site.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use flywheel::ErrorKind;
use flywheel_core::gear::{Input, Manifest};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha384};
use walkdir::WalkDir;

use super::Context;
use crate::exit::{Exit, Failure};
use crate::printer::bytes;

/// Names that belong to runs and to version control, not to a gear.
const LEFT_OUT: [&str; 5] = ["input", "output", "work", "config.json", ".git"];

/// Add a gear to the site from its folder
///
/// FOLDER holds manifest.json and the program that the manifest's command starts, ./run unless it says otherwise. The
/// manifest is checked first. On a local site that was started with --engine the folder goes along, and the gear's jobs
/// run there. With --no-folder the document alone is added, for a gear whose image the engine gets elsewhere.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw gear add gears/image-qc
  fw gear add ./my-gear --check            what is wrong with the manifest, without a site
  fw gear add ./my-gear --no-folder        its image is named in the manifest

A version is added once: change \"version\" in the manifest for the next one.")]
pub(crate) struct Add {
    /// The folder with manifest.json
    folder: PathBuf,
    /// Check the manifest and the folder, and send nothing
    #[arg(long)]
    check: bool,
    /// Add the document without the folder
    #[arg(long, conflicts_with = "check")]
    no_folder: bool,
}

impl Add {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let manifest = read_manifest(&self.folder)?;
        if !self.no_folder {
            require_program(&self.folder, &manifest)?;
        }
        let (name, version) = (manifest.name().to_owned(), manifest.version().to_owned());
        if self.check {
            let line = json!({"name": name, "version": version, "valid": true});
            context
                .printer
                .result(&line, |printer| printer.line(format_args!("{name} {version} can be added")))?;
            return Ok(());
        }
        let client = context.patient_client().await?;
        let hint = how_to_run(&manifest);
        let document = match self.no_folder {
            true => Json::Object(manifest.into_map()),
            false => {
                let archive = pack(&self.folder)?;
                context.printer.note(format_args!("sending {}", bytes(archive.size)));
                let answer = client.put_gear_folder(archive.file.path(), &archive.hash).await;
                let mut exchange = answer.map_err(explain)?;
                exchange["git-commit"] = "local".into();
                let category = manifest.category().unwrap_or("utility").to_owned();
                json!({"category": category, "gear": manifest.into_map(), "exchange": exchange})
            }
        };
        let gear = client.add_gear(document).await.map_err(|error| match error.kind() {
            ErrorKind::Conflict => anyhow::Error::new(
                Failure::new(Exit::Failure, format!("{name} {version} is on the site already"))
                    .hint("change \"version\" in manifest.json: a version that was added stays as it is"),
            ),
            _ => error.into(),
        })?;
        let line = json!({"_id": gear.id(), "name": name, "version": version});
        context
            .printer
            .result(&line, |printer| printer.line(format_args!("{name} {version}  {}", gear.id())))?;
        context.printer.note(format_args!("Run it with: {hint}"));
        Ok(())
    }
}

/// The command that runs a gear: with its required inputs, or with a place for its outputs when it has none.
fn how_to_run(manifest: &Manifest) -> String {
    let mut command = format!("fw gear run {}", manifest.name());
    let required = manifest.inputs().filter(Input::is_required_file);
    let inputs: Vec<String> = required.map(|input| format!(" --input {}=PATH", input.name)).collect();
    command.extend(if inputs.is_empty() { vec![" GROUP/PROJECT".to_owned()] } else { inputs });
    command
}

/// Why a site takes no folder.
fn explain(error: flywheel::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::Unsupported => Failure::new(
            Exit::Failure,
            "this site takes no gear folders",
        )
        .hint("local sites do; elsewhere name the gear's image in its manifest and add it with --no-folder")
        .into(),
        _ => error.into(),
    }
}

fn wrong(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message)
}

fn read_manifest(folder: &Path) -> anyhow::Result<Manifest> {
    let path = folder.join("manifest.json");
    let text = fs::read(&path).map_err(|error| {
        wrong(format!("{} cannot be read: {error}", path.display()))
            .hint("a gear's folder holds a manifest.json; gears/image-qc of the project is an example")
    })?;
    let document: Json = serde_json::from_slice(&text)
        .map_err(|error| wrong(format!("{} is not JSON: {error}", path.display())))?;
    Manifest::new(document).map_err(|error| {
        let problems: Vec<String> = error.0.iter().map(|problem| format!("\n  {problem}")).collect();
        wrong(format!("{} is not the manifest of a gear:{}", path.display(), problems.concat())).into()
    })
}

/// Finds out that the command's program is missing before a job does.
fn require_program(folder: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let Some(program) = manifest.command().split_whitespace().next().and_then(|word| word.strip_prefix("./"))
    else {
        return Ok(());
    };
    let path = folder.join(program);
    if !path.is_file() {
        return Err(wrong(format!("the manifest's command is {:?}, and {} is not there", manifest.command(), path.display()))
            .hint("write the program, name another command in manifest.json, or add the document alone with --no-folder")
            .into());
    }
    if !is_executable(&path)? {
        return Err(wrong(format!("{} may not be executed", path.display()))
            .hint(format!("chmod +x {}", path.display()))
            .into());
    }
    Ok(())
}

#[cfg(unix)]
fn is_executable(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(path.metadata()?.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// A folder as one file.
struct Packed {
    file: tempfile::NamedTempFile,
    hash: String,
    size: u64,
}

/// Packs a folder. The same files give the same archive: names are sorted, times and owners left out.
fn pack(folder: &Path) -> anyhow::Result<Packed> {
    let mut archive =
        tar::Builder::new(Hashing { file: tempfile::NamedTempFile::new()?, hash: Sha384::new(), size: 0 });
    archive.mode(tar::HeaderMode::Deterministic);
    archive.follow_symlinks(true);
    let entries = WalkDir::new(folder).min_depth(1).follow_links(true).sort_by_file_name().into_iter();
    let kept = entries
        .filter_entry(|entry| entry.depth() != 1 || !LEFT_OUT.iter().any(|name| entry.file_name() == *name));
    for entry in kept {
        let entry = entry?;
        let name = entry.path().strip_prefix(folder)?;
        archive
            .append_path_with_name(entry.path(), name)
            .with_context(|| entry.path().display().to_string())?;
    }
    let Hashing { mut file, hash, size } = archive.into_inner()?;
    file.flush()?;
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Packed { file, hash, size })
}

/// A file that is hashed while it is written.
struct Hashing {
    file: tempfile::NamedTempFile,
    hash: Sha384,
    size: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or_default());
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn examples() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../gears")
    }

    #[test]
    fn the_example_gears_can_be_added() {
        for name in ["file-metadata", "image-qc"] {
            let folder = examples().join(name);
            let manifest = read_manifest(&folder).unwrap();
            assert_eq!(manifest.name(), name);
            require_program(&folder, &manifest).unwrap();
        }
    }

    #[test]
    fn the_same_folder_is_packed_to_the_same_bytes_without_what_runs_left_in_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("lib")).unwrap();
        fs::write(folder.path().join("lib/a"), "a").unwrap();
        let first = pack(folder.path()).unwrap();
        fs::create_dir(folder.path().join("output")).unwrap();
        fs::write(folder.path().join("output/x"), "x").unwrap();
        fs::write(folder.path().join("config.json"), "{}").unwrap();
        let second = pack(folder.path()).unwrap();
        assert_eq!((first.hash, first.size), (second.hash, second.size));
        fs::write(folder.path().join("lib/a"), "b").unwrap();
        assert_ne!(pack(folder.path()).unwrap().size, 0);
    }

    #[test]
    fn a_manifest_is_refused_with_everything_that_is_wrong_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = |folder: &Path| read_manifest(folder).unwrap_err().to_string();
        assert!(error(folder.path()).contains("manifest.json cannot be read"));
        fs::write(folder.path().join("manifest.json"), "{").unwrap();
        assert!(error(folder.path()).contains("is not JSON"));
        fs::write(folder.path().join("manifest.json"), r#"{"name": "Bad Name", "label": "x"}"#).unwrap();
        let text = error(folder.path());
        assert!(text.contains("name") && text.contains("version") && text.contains("license"), "{text}");
    }

    #[test]
    fn the_command_that_runs_a_gear_names_what_the_gear_needs() {
        let of = |inputs: Json| {
            let manifest = json!({
                "name": "g", "label": "G", "description": "d", "version": "1", "author": "a", "license": "MIT",
                "url": "", "source": "", "config": {}, "inputs": inputs,
            });
            how_to_run(&Manifest::new(manifest).unwrap())
        };
        assert_eq!(of(json!({})), "fw gear run g GROUP/PROJECT");
        assert_eq!(
            of(
                json!({"a": {"base": "file"}, "b": {"base": "file", "optional": true}, "k": {"base": "api-key"}})
            ),
            "fw gear run g --input a=PATH"
        );
    }

    #[test]
    fn a_program_that_is_not_there_or_may_not_run_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = read_manifest(&examples().join("image-qc")).unwrap();
        assert!(require_program(folder.path(), &manifest).unwrap_err().to_string().contains("is not there"));
        fs::write(folder.path().join("run"), "").unwrap();
        #[cfg(unix)]
        assert!(require_program(folder.path(), &manifest).unwrap_err().to_string().contains("executed"));
    }
}
