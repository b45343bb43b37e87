//! `fw download`: a file, or everything in a container.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use flywheel::folder::{Fetched, Located, safe_name};
use flywheel::{File, FolderDownload, FolderReport, Node};
use flywheel_core::path::FwPath;
use futures::TryStreamExt;
use serde_json::json;

use super::Context;
use crate::exit::{Exit, Failure};
use crate::fetch::shown;
use crate::grammar;
use crate::printer::{Printer, Table, bytes, counted};

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
    /// The folder to put it in; "-" writes one file to standard output
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
        let node = client.lookup(grammar::read::<FwPath>(&self.path)?).await?;
        let to_stdout = self.output.as_os_str() == "-";
        match (node, self.member.as_deref()) {
            (Node::File(file), Some(member)) => self.member(context, &file, member, to_stdout).await,
            (Node::File(file), None) if to_stdout => copy_to_stdout(file.download()).await,
            (node, None) if !to_stdout => {
                let download = node.download_to(&self.output)?;
                self.files(context, download).await
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

    async fn files(&self, context: &Context, download: FolderDownload) -> anyhow::Result<()> {
        let download = download.include_types(&self.types).at_once(usize::from(self.jobs));
        if self.dry_run {
            return Ok(self.show_plan(context, &download.plan().await?)?);
        }
        let mut report = shown(context, download).await?;
        context.printer.result(&report.files, |printer| show(printer, &report, &self.output))?;
        let count = report.files.len();
        let failed = report.failed().count();
        match report.files.iter_mut().find_map(|file| file.error.take()) {
            None => Ok(()),
            Some(error) if count == 1 => Err(error.into()),
            Some(_) => {
                let message = format!("{failed} of {} could not be downloaded", counted(count, "file"));
                Err(Failure::new(Exit::Incomplete, message)
                    .hint("run the same command again: it goes on where it stopped")
                    .into())
            }
        }
    }

    fn show_plan(&self, context: &Context, files: &[Located]) -> std::io::Result<()> {
        let rows: Vec<_> = files
            .iter()
            .map(|Located { path, file, .. }| {
                json!({ "path": self.output.join(path), "size": file.size(), "type": file.file_type() })
            })
            .collect();
        context.printer.result(&rows, |printer| {
            let mut table = Table::new(["File", "Type", "Size"]).numeric([2]);
            for Located { path, file, .. } in files {
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

/// A reader that has seen enough closes the pipe, which must end the download quietly: so this writes by itself.
async fn copy_to_stdout(download: flywheel::Download) -> anyhow::Result<()> {
    let mut chunks = download.stream();
    while let Some(chunk) = chunks.try_next().await? {
        std::io::stdout().lock().write_all(&chunk)?;
    }
    Ok(std::io::stdout().lock().flush()?)
}

fn show(printer: &Printer, report: &FolderReport, folder: &Path) -> std::io::Result<()> {
    for file in report.failed() {
        if let Some(error) = &file.error {
            printer.warn(format_args!("{}: {error}", file.path.display()));
        }
    }
    let size = report.downloaded().map(|file: &Fetched| file.size).sum();
    let unverified = report.downloaded().filter(|file| !file.verified).count();
    let hashes = match unverified {
        0 => "all hashes checked".to_owned(),
        count => format!("{count} without a recorded hash"),
    };
    printer.line(format_args!(
        "{} downloaded to {} ({}, {hashes}), {} unchanged, {} failed",
        counted(report.downloaded().count(), "file"),
        folder.display(),
        bytes(size),
        report.unchanged().count(),
        report.failed().count(),
    ))
}
