//! `fw download`: a file, or everything in a container.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use flywheel::{Client, File, Kind, Node};
use futures::TryStreamExt;
use serde_json::json;

use super::Context;
use crate::exit::{Exit, Failure};
use crate::fetch::{Fetched, Outcome, fetch_all};
use crate::path::{safe_name, segments};
use crate::printer::{Printer, Table, bytes, counted};
use crate::tree::{Located, files_below};

/// Download a file, or everything in a container
///
/// A container becomes a folder with a folder for each container in it. Files that are there already with the same bytes
/// are left alone, interrupted ones are resumed, and each is held against the hash the site recorded.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw download neuro/color-study/sub-01/ses-01/T1w/files/t1.nii.gz
  fw download fw://neuro/color-study -o ./data
  fw download neuro/color-study -o ./data --type nifti --dry-run
  fw download neuro/color-study/files/notes.txt -o - | less")]
pub(crate) struct Download {
    /// The file (CONTAINER/files/NAME) or container
    path: String,
    /// The folder to put it in; \"-\" writes one file to standard output
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    output: PathBuf,
    /// Only files of this type, such as dicom or nifti; may be given several times
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Of one zip file, download this member instead of all of it
    #[arg(long, value_name = "PATH")]
    member: Option<String>,
    /// Show what would be downloaded
    #[arg(long)]
    dry_run: bool,
    /// How many files are downloaded at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
}

impl Download {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let client = context.patient_client().await?;
        let node = client.lookup(segments(&self.path)).await?;
        let to_stdout = self.output.as_os_str() == "-";
        match (node, self.member.as_deref()) {
            (Node::File(file), Some(member)) => self.member(context, &file, member, to_stdout).await,
            (Node::File(file), None) if to_stdout => copy_to_stdout(file.download()).await,
            (Node::File(file), None) => {
                let path = PathBuf::from(safe_name(file.name()));
                self.files(context, vec![Located { path, file }]).await
            }
            (node, None) if !to_stdout => {
                let files = below(&client, &node).await?;
                self.files(context, files).await
            }
            (node, _) => Err(Failure::new(
                Exit::Usage,
                format!("{} is a {}; --member and \"-o -\" are for one file", self.path, node.kind_name()),
            )
            .hint("name a file, as CONTAINER/files/NAME")
            .into()),
        }
    }

    /// Part of a zip archive.
    async fn member(
        &self,
        context: &Context,
        file: &File,
        member: &str,
        to_stdout: bool,
    ) -> anyhow::Result<()> {
        let download = file.zip_member(member);
        if to_stdout {
            return copy_to_stdout(download).await;
        }
        let name = member.rsplit('/').next().unwrap_or(member);
        let path = self.output.join(safe_name(name));
        if self.dry_run {
            return Ok(context.printer.line(path.display())?);
        }
        tokio::fs::create_dir_all(&self.output).await?;
        let done = download.to_path(&path).await?;
        let line = json!({ "path": path, "size": done.size });
        Ok(context.printer.result(&line, |printer| {
            printer.line(format_args!("{} ({})", path.display(), bytes(done.size)))
        })?)
    }

    async fn files(&self, context: &Context, mut files: Vec<Located>) -> anyhow::Result<()> {
        if !self.types.is_empty() {
            files.retain(|located| {
                located.file.file_type().is_some_and(|own| self.types.iter().any(|t| t == own))
            });
        }
        if self.dry_run {
            return Ok(self.show_plan(context, &files)?);
        }
        let fetched = fetch_all(context, &files, &self.output, usize::from(self.jobs)).await;
        context.printer.result(&fetched, |printer| show(printer, &fetched, &self.output))?;
        let count = fetched.len();
        let mut failed: Vec<_> = fetched.into_iter().filter(|file| file.outcome == Outcome::Failed).collect();
        match (failed.pop(), failed.len()) {
            (None, _) => Ok(()),
            (Some(Fetched { error: Some(error), .. }), 0) if count == 1 => Err(error),
            (Some(_), others) => {
                let message = format!("{} of {} could not be downloaded", others + 1, counted(count, "file"));
                Err(Failure::new(Exit::Incomplete, message)
                    .hint("run the same command again: it goes on where it stopped")
                    .into())
            }
        }
    }

    fn show_plan(&self, context: &Context, files: &[Located]) -> std::io::Result<()> {
        let rows: Vec<_> = files
            .iter()
            .map(|Located { path, file }| {
                json!({ "path": self.output.join(path), "size": file.size(), "type": file.file_type() })
            })
            .collect();
        context.printer.result(&rows, |printer| {
            let mut table = Table::new(["File", "Type", "Size"]).numeric([2]);
            for Located { path, file } in files {
                let place = self.output.join(path);
                table.row([
                    place.display().into(),
                    file.file_type().unwrap_or_default().into(),
                    bytes(file.size()).into(),
                ]);
            }
            printer.table(&table)
        })?;
        let size = files.iter().map(|located| located.file.size()).sum();
        context.printer.note(format_args!(
            "{}, {}. Nothing was downloaded.",
            counted(files.len(), "file"),
            bytes(size)
        ));
        Ok(())
    }
}

async fn below(client: &Client, node: &Node) -> anyhow::Result<Vec<Located>> {
    let kinds = [Kind::Group, Kind::Project, Kind::Subject, Kind::Session, Kind::Acquisition, Kind::Analysis];
    match node.reference() {
        Some(root) if kinds.contains(&root.kind) => Ok(files_below(client, &root, node.label()).await?),
        _ => {
            Err(Failure::new(Exit::Usage, format!("a {} has no files to download", node.kind_name())).into())
        }
    }
}

/// A reader that has seen enough closes the pipe, which must end the download quietly: so this writes by itself.
async fn copy_to_stdout(download: flywheel::Download) -> anyhow::Result<()> {
    let mut chunks = download.stream();
    while let Some(chunk) = chunks.try_next().await? {
        std::io::stdout().lock().write_all(&chunk)?;
    }
    Ok(std::io::stdout().lock().flush()?)
}

fn show(printer: &Printer, fetched: &[Fetched], folder: &Path) -> std::io::Result<()> {
    for file in fetched {
        if let Some(error) = &file.error {
            printer.warn(format_args!("{}: {error:#}", file.path.display()));
        }
    }
    let of = |outcome| fetched.iter().filter(move |file| file.outcome == outcome);
    let size = of(Outcome::Downloaded).map(|file| file.size).sum();
    let unverified = of(Outcome::Downloaded).filter(|file| !file.verified).count();
    let hashes = match unverified {
        0 => "all hashes checked".to_owned(),
        count => format!("{count} without a recorded hash"),
    };
    printer.line(format_args!(
        "{} downloaded to {} ({}, {hashes}), {} unchanged, {} failed",
        counted(of(Outcome::Downloaded).count(), "file"),
        folder.display(),
        bytes(size),
        of(Outcome::Unchanged).count(),
        of(Outcome::Failed).count(),
    ))
}
