//! `fw import dicom`: a folder of DICOM files becomes subjects, sessions and acquisitions.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono_tz::Tz;
use clap::{Args, Subcommand};
use flywheel::{Client, Project};
use flywheel_core::path::FwPath;

use super::Context;
use crate::dicom::plan::Plan;
use crate::dicom::scan::{Skipped, scan};
use crate::exit::{Exit, Failure};
use crate::grammar;
use crate::import::{Outcome, Report, import};
use crate::printer::{Cell, Printer, Table, Tone, bytes, counted};

/// Import a folder of medical images
#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(subcommand)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Format {
    Dicom(Dicom),
}

/// Import DICOM files by what their headers say
///
/// Every file beneath FOLDER is read, in zip and gzip archives too. A patient becomes a subject, a study a session, a
/// series an acquisition with one archive of its files, byte for byte as they were. Files that are no DICOM objects are
/// named with the reason and skipped. Importing again uploads only what is not there yet.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw import dicom ./scans fw://neuro/color-study --dry-run    what would be made, without a site
  fw import dicom ./scans fw://neuro/color-study
  fw import dicom ./scans neuro/color-study --json | jq '.skipped'

The project is made when it is not there, and its group too if your key may do that.
Times without an offset in the header are taken to be in --timezone.")]
pub(crate) struct Dicom {
    /// The folder to read
    folder: PathBuf,
    /// The project, as GROUP/PROJECT
    project: String,
    /// Show what would be made, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// How many files are read and series uploaded at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// The time zone of the scanner, as an IANA name such as Europe/Berlin [default: this machine's]
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    timezone: Option<Tz>,
}

impl Import {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let Format::Dicom(dicom) = self.format;
        dicom.run(context).await
    }
}

impl Dicom {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let (group, label) = project_path(&self.project)?;
        let jobs = usize::from(self.jobs);
        // A key that does not work should not be found out after an hour of reading.
        let project = match self.dry_run {
            false => Some(ensure_project(&context.patient_client().await?, &group, &label).await?),
            true => None,
        };
        let plan = read_folder(context, &self.folder, jobs, self.timezone.unwrap_or_else(local_zone)).await?;
        let Some(project) = project else {
            context.printer.result(&plan, |printer| show_plan(printer, &plan))?;
            return Ok(());
        };
        let report = import(context, &project, plan, jobs).await?;
        context.printer.result(&report, |printer| show_report(printer, &report))?;
        let failed = report.count(Outcome::Failed);
        if failed > 0 {
            let failure = Failure::new(
                Exit::Incomplete,
                format!("{} could not be imported", counted(failed, "series")),
            );
            return Err(failure
                .hint("run the same command again: what is there already is left alone")
                .into());
        }
        Ok(())
    }
}

fn zone(name: &str) -> Result<Tz, String> {
    name.parse().map_err(|_| "there is no such time zone; its IANA name is expected".to_owned())
}

fn project_path(text: &str) -> anyhow::Result<(String, String)> {
    match <[String; 2]>::try_from(grammar::read::<FwPath>(text)?.to_wire()) {
        Ok([group, project]) => Ok((group, project)),
        Err(_) => Err(Failure::new(Exit::Usage, format!("{text:?} is not a project"))
            .hint("write it as GROUP/PROJECT, for instance fw://neuro/color-study")
            .into()),
    }
}

/// The project, made with its group where they are not there.
///
/// # Errors
/// The site cannot be asked, or the key may not make what is missing.
pub(crate) async fn ensure_project(client: &Client, group: &str, label: &str) -> anyhow::Result<Project> {
    let group = match client.groups().get_opt(group).await? {
        Some(group) => group,
        None => client.add_group(group, group).await.with_context(|| {
            format!("there is no group {group:?} that you can see, and it could not be made")
        })?,
    };
    Ok(group.add_project(label).or_existing().await?)
}

/// Reads every header beneath `folder`.
///
/// # Errors
/// The folder is not there.
pub(crate) async fn read_folder(
    context: &Context,
    folder: &Path,
    jobs: usize,
    zone: Tz,
) -> anyhow::Result<Plan> {
    let folder = folder.to_owned();
    if let Err(error) = folder.metadata() {
        return Err(Failure::new(Exit::NotFound, format!("{}: {error}", folder.display())).into());
    }
    let task = context.progress.count("reading headers", 0);
    let bar = task.handle();
    let plan = tokio::task::spawn_blocking(move || {
        let grouping = scan(&folder, jobs, &|done, total| {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        });
        grouping.plan(zone)
    });
    Ok(plan.await?)
}

/// This machine's time zone, or UTC where it has none that is known.
pub(crate) fn local_zone() -> Tz {
    iana_time_zone::get_timezone().ok().and_then(|name| name.parse().ok()).unwrap_or(Tz::UTC)
}

fn show_plan(printer: &Printer, plan: &Plan) -> std::io::Result<()> {
    let mut table =
        Table::report(["Subject", "Session", "Acquisition", "Modality", "Classification", "Files"])
            .numeric([5]);
    for subject in &plan.subjects {
        for session in &subject.sessions {
            for acquisition in &session.acquisitions {
                table.row([
                    (&subject.label).into(),
                    (&session.label).into(),
                    (&acquisition.label).into(),
                    acquisition.file.modality.as_deref().unwrap_or("").into(),
                    words(&acquisition.file.classification).into(),
                    acquisition.file.members.len().into(),
                ]);
            }
        }
    }
    if !table.is_empty() {
        printer.table(&table)?;
    }
    show_skipped(printer, &plan.skipped, &plan.notes)?;
    let sessions = plan.subjects.iter().map(|subject| &subject.sessions);
    let acquisitions = sessions.clone().flatten().map(|session| session.acquisitions.len()).sum();
    printer.title(format_args!(
        "Would import {}, {}, {}. Nothing was sent.",
        counted(plan.subjects.len(), "subject"),
        counted(sessions.map(Vec::len).sum(), "session"),
        counted(acquisitions, "acquisition"),
    ))
}

fn words(classification: &std::collections::BTreeMap<String, Vec<String>>) -> String {
    let aspects =
        ["Intent", "Measurement", "Features"].into_iter().filter_map(|aspect| classification.get(aspect));
    aspects.map(|values| values.join(" ")).collect::<Vec<_>>().join(" / ")
}

/// The table of series and everything that was left out.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn show_report(printer: &Printer, report: &Report) -> std::io::Result<()> {
    let mut table = Table::report([
        "Subject",
        "Session",
        "Acquisition",
        "Modality",
        "Classification",
        "Files",
        "Size",
        "Result",
    ])
    .numeric([5, 6]);
    for series in &report.series {
        let (word, tone) = match series.outcome {
            Outcome::Uploaded => ("uploaded", Tone::Good),
            Outcome::Unchanged => ("unchanged", Tone::Dim),
            Outcome::Failed => (series.error.as_deref().unwrap_or("failed"), Tone::Bad),
        };
        table.row([
            (&series.subject).into(),
            (&series.session).into(),
            (&series.acquisition).into(),
            series.modality.as_deref().unwrap_or("").into(),
            words(&series.classification).into(),
            series.members.into(),
            bytes(series.size).into(),
            Cell::toned(word, tone),
        ]);
    }
    printer.table(&table)?;
    show_skipped(printer, &report.skipped, &report.notes)?;
    printer.title(format_args!(
        "{} uploaded, {} unchanged, {} failed; made {}, {}, {}; {} not imported.",
        report.count(Outcome::Uploaded),
        report.count(Outcome::Unchanged),
        report.count(Outcome::Failed),
        counted(report.created.subjects, "subject"),
        counted(report.created.sessions, "session"),
        counted(report.created.acquisitions, "acquisition"),
        counted(report.skipped.len(), "file"),
    ))
}

fn show_skipped(printer: &Printer, skipped: &[Skipped], notes: &[Skipped]) -> std::io::Result<()> {
    for (title, files) in [("Not imported", skipped), ("Imported, with a remark", notes)] {
        if files.is_empty() {
            continue;
        }
        printer.title(title)?;
        let mut table = Table::report(["File", "Reason"]);
        for file in files {
            table.row([(&file.path).into(), (&file.reason).into()]);
        }
        printer.table(&table)?;
    }
    Ok(())
}
