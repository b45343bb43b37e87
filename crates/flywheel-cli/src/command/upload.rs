//! `fw upload`: files to a container.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use flywheel::{Client, File, Node, Source};
use flywheel_core::path::{FwPath, Segment};
use futures::{StreamExt, stream};
use serde_json::Value as Json;

use super::Context;
use crate::exit::{Exit, Failure};
use crate::grammar;
use crate::printer::counted;

/// Upload files to a container
///
/// The site finds the type of a file by its name. A file of the same name becomes a new version of it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw upload t1.nii.gz fw://neuro/color-study/sub-01/ses-01/T1w
  fw upload *.pdf neuro/color-study
  fw upload report.json neuro/color-study/files/report-2024.json    under another name
  fw upload t1.nii.gz neuro/color-study/sub-01/ses-01/T1w --metadata @t1.json
  fw upload a.csv neuro/color-study --metadata '{\"tags\": [\"qc\"], \"info\": {\"snr\": 12}}'")]
pub(crate) struct Upload {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The container, or CONTAINER/files/NAME for one file under another name
    #[arg(required = true)]
    destination: String,
    /// Type, modality, classification, tags and info of the files, as JSON or @FILE with JSON
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// How many files are uploaded at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
}

impl Upload {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let metadata = self.metadata.as_deref().map(read_metadata).transpose()?;
        self.check_files()?;
        let client = context.patient_client().await?;
        let (container, name) = destination(&client, &self.destination, self.files.len()).await?;
        let jobs = usize::from(self.jobs);
        let uploads =
            self.files.iter().map(|path| send(context, &container, path, name.as_deref(), metadata.as_ref()));
        let results: Vec<_> = stream::iter(uploads).buffered(jobs).collect().await;
        let (mut stored, mut first_failure, mut failed) = (Vec::new(), None, 0);
        for (path, result) in self.files.iter().zip(results) {
            match result {
                Ok(file) => stored.push(file),
                Err(error) => {
                    failed += 1;
                    let error = anyhow::Error::new(error).context(path.display().to_string());
                    if self.files.len() > 1 {
                        context.printer.warn(format_args!("{error:#}"));
                    }
                    first_failure.get_or_insert(error);
                }
            }
        }
        context.printer.result(&stored, |_| Ok(()))?;
        match first_failure {
            Some(error) if self.files.len() == 1 => Err(error),
            Some(_) => {
                let message =
                    format!("{failed} of {} could not be uploaded", counted(self.files.len(), "file"));
                Err(Failure::new(Exit::Incomplete, message).into())
            }
            None => Ok(()),
        }
    }

    /// Finds out what cannot be uploaded before anything is.
    fn check_files(&self) -> anyhow::Result<()> {
        for path in &self.files {
            let kind = path.metadata().with_context(|| path.display().to_string());
            let kind = kind.map_err(|error| Failure::new(Exit::NotFound, format!("{error:#}")))?;
            if kind.is_dir() {
                return Err(Failure::new(Exit::Usage, format!("{} is a folder", path.display()))
                    .hint("upload its files, or a zip archive of it; folders of DICOM files go up with \"fw import dicom\"")
                    .into());
            }
        }
        Ok(())
    }
}

fn read_metadata(text: &str) -> anyhow::Result<Json> {
    let text = match text.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).with_context(|| path.to_owned())?,
        None => text.to_owned(),
    };
    let wrong =
        |reason: String| Failure::new(Exit::Usage, format!("--metadata is not a JSON object: {reason}"));
    match serde_json::from_str(&text) {
        Ok(object @ Json::Object(_)) => Ok(object),
        Ok(_) => Err(wrong("it is another value".to_owned()).into()),
        Err(error) => Err(wrong(error.to_string()).into()),
    }
}

/// The container, and the name of the file in it where the path says one.
async fn destination(client: &Client, text: &str, files: usize) -> anyhow::Result<(Node, Option<String>)> {
    let mut path: FwPath = grammar::read(text)?;
    let mut name = None;
    if let [_, .., Segment::Label(files_of), file] = &path.segments[..]
        && files_of == "files"
    {
        name = Some(file.to_string());
        path.segments.truncate(path.segments.len() - 2);
        if files > 1 {
            return Err(Failure::new(Exit::Usage, format!("{files} files cannot all be named {text:?}"))
                .hint("leave \"files/NAME\" out to keep the names they have")
                .into());
        }
    }
    Ok((client.lookup(path).await?, name))
}

async fn send(
    context: &Context,
    container: &Node,
    path: &Path,
    name: Option<&str>,
    metadata: Option<&Json>,
) -> flywheel::Result<File> {
    let mut source = Source::path(path);
    if let Some(name) = name {
        source = source.name(name);
    }
    if let Some(metadata) = metadata {
        source = source.metadata(metadata);
    }
    let upload = match container {
        Node::Project(container) => container.upload(source),
        Node::Subject(container) => container.upload(source),
        Node::Session(container) => container.upload(source),
        Node::Acquisition(container) => container.upload(source),
        Node::Analysis(container) => container.upload(source),
        Node::Collection(container) => container.upload(source),
        other => {
            let message = format!("a {} holds no files", other.kind_name());
            return Err(flywheel::Error::new(flywheel::ErrorKind::Invalid, message)
                .with_hint("Name a project, subject, session, acquisition or analysis."));
        }
    };
    let shown =
        name.map_or_else(|| path.display().to_string(), |name| format!("{} as {name}", path.display()));
    let task = context.progress.transfer(shown, path.metadata().ok().map(|metadata| metadata.len()));
    let bar = task.handle();
    let file = upload.on_progress(move |progress| bar.set_position(progress.transferred)).await?;
    task.done("uploaded", Some(file.size()));
    Ok(file)
}
