//! `fw demo`: the whole of it on a site of its own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use flywheel::{Client, Project};
use flywheel_local::{Running, Site};
use serde_json::{Map, Value as Json, json};

use super::Context;
use super::import::{ensure_project, local_zone, read_folder, show_report};
use crate::demo::dataset::{Dataset, SCANS, STATISTICS, ZONE};
use crate::demo::demographics::{self, Summary};
use crate::demo::ledger::{Ledger, Sent};
use crate::demo::study::SEGMENTATION;
use crate::demo::{completeness, missing, quality, reports, study, verify};
use crate::exit::{Exit, Failure};
use crate::fetch::shown;
use crate::import::{Outcome, import};
use crate::printer::{Printer, Tone, bytes, counted};

const GROUP: &str = "demo";
const SUBJECTS: usize = 12;
const SEED: u64 = 20_190_923;
/// Parallel uploads and downloads.
const JOBS: usize = 4;
/// The administrator's key of the demonstration's site, which nobody else can reach.
const KEY: &str = "demo";

/// Show what this is for: a study on a local site, from import to verified download
///
/// Starts a site, makes a study of twelve subjects (a table of people, DICOM series, NIfTI volumes, quality measures,
/// segmentation results), puts it on the site over TCP as any program would, asks what researchers ask, downloads
/// everything and holds it against what was sent. No account and no network are needed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fw demo
  fw demo --dir ./fw-demo                  keep the site, the data and the reports
  fw demo --import ./scans --dir ./mine    the same on a folder of your DICOM files")]
pub(crate) struct Demo {
    /// Where to put the site, the data and the reports, to be kept [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Instead of a made-up study, import this folder of DICOM files
    #[arg(long, value_name = "DIR")]
    import: Option<PathBuf>,
    /// Keep the temporary folder
    #[arg(long, conflicts_with = "dir")]
    keep: bool,
}

impl Demo {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<()> {
        let (folder, temporary) = self.folder()?;
        let site = Site::builder().data(folder.join("site")).admin_key(KEY).open().await?;
        let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
        let mut show = Show::new(context.printer, &folder);
        let outcome = self.show(&context.without_lines(), &running, &folder, &mut show).await;
        running.shutdown().await;
        drop(site);
        let verdict = outcome?;
        let kept = temporary.is_none();
        show.result("kept", kept);
        context.printer.result(&Json::Object(std::mem::take(&mut show.results)), |_| show.farewell(kept))?;
        if !verdict.differences.is_empty() {
            return Err(Failure::new(Exit::Incomplete, verdict.differences.join("; ")).into());
        }
        Ok(())
    }

    /// The folder to work in, and the guard that takes it away in the end.
    fn folder(&self) -> anyhow::Result<(PathBuf, Option<tempfile::TempDir>)> {
        if let Some(folder) = &self.dir {
            fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
            return Ok((folder.clone(), None));
        }
        let temporary = tempfile::Builder::new().prefix("fw-demo-").tempdir()?;
        let folder = temporary.path().to_owned();
        if self.keep {
            return Ok((temporary.keep(), None));
        }
        Ok((folder, Some(temporary)))
    }

    async fn show(
        &self,
        context: &Context,
        running: &Running,
        folder: &Path,
        show: &mut Show<'_>,
    ) -> anyhow::Result<verify::Verdict> {
        // The site is on this machine, whatever proxy the environment names.
        let client =
            Client::builder().api_key(running.api_key().as_str())?.transport(|t| t.no_proxy()).build()?;
        show.site(running)?;
        let (project, ledger) = match &self.import {
            Some(scans) => show.imported(context, &client, scans).await?,
            None => show.made(context, &client, folder).await?,
        };
        fs::create_dir_all(folder.join("reports"))?;
        show.demographics(&project).await?;
        show.missing(&project, self.import.is_none()).await?;
        match self.import {
            Some(_) => show.completeness(&project).await?,
            None => show.quality(&project).await?,
        }
        show.selection(&project).await?;
        show.member(&project).await?;
        show.verified(context, &client, &project, &ledger).await
    }
}

/// Tells the demonstration, step by step, and gathers what it found for those who want JSON.
struct Show<'a> {
    printer: Printer,
    folder: &'a Path,
    project: String,
    results: Map<String, Json>,
    step: usize,
}

impl<'a> Show<'a> {
    fn new(printer: Printer, folder: &'a Path) -> Self {
        Self { printer, folder, project: String::new(), results: Map::new(), step: 0 }
    }

    fn result(&mut self, name: &str, value: impl serde::Serialize) {
        self.results.insert(name.to_owned(), json!(value));
    }

    fn step(&mut self, title: &str) -> std::io::Result<()> {
        self.step += 1;
        self.printer.title(format_args!("{}. {title}", self.step))
    }

    fn report(&self, name: &str) -> PathBuf {
        self.folder.join("reports").join(name)
    }

    fn site(&mut self, running: &Running) -> std::io::Result<()> {
        self.result("site", running.url());
        self.result("folder", self.folder);
        self.printer.line(format_args!(
            "A site at {}, everything in {}",
            running.url(),
            self.folder.display()
        ))
    }

    async fn made(
        &mut self,
        context: &Context,
        client: &Client,
        folder: &Path,
    ) -> anyhow::Result<(Project, Ledger)> {
        self.step("A study is made and uploaded")?;
        let data = folder.join("dataset");
        let dataset = tokio::task::spawn_blocking(move || Dataset::write(&data, SUBJECTS, SEED)).await??;
        let plan = read_folder(context, &dataset.dicom(), JOBS, ZONE).await?;
        let project = ensure_project(client, GROUP, "Synthetic Brains").await?;
        let ledger = study::upload(context, &project, &dataset, plan, JOBS).await?;
        self.uploaded(&project, &ledger)?;
        Ok((project, ledger))
    }

    async fn imported(
        &mut self,
        context: &Context,
        client: &Client,
        scans: &Path,
    ) -> anyhow::Result<(Project, Ledger)> {
        self.step(&format!("{} is imported", scans.display()))?;
        let plan = read_folder(context, scans, JOBS, local_zone()).await?;
        let label =
            scans.file_name().map_or_else(|| "Import".into(), |name| name.to_string_lossy().into_owned());
        let project = ensure_project(client, GROUP, &label).await?;
        let report = import(context, &project, plan, JOBS).await?;
        show_report(&self.printer, &report)?;
        self.result("import", &report);
        let mut ledger = Ledger::default();
        for series in report.series.into_iter().filter(|series| series.outcome != Outcome::Failed) {
            let sent = Sent { size: series.size, sha384: series.sha384, members: series.sources };
            ledger.enter(series.acquisition_id, series.file, sent);
        }
        self.uploaded(&project, &ledger)?;
        Ok((project, ledger))
    }

    fn uploaded(&mut self, project: &Project, ledger: &Ledger) -> std::io::Result<()> {
        self.project = format!("{GROUP}/{}", project.label());
        self.result("project", self.project.clone());
        self.result("uploaded", json!({ "files": ledger.len(), "bytes": ledger.bytes() }));
        let files = counted(ledger.len(), "file");
        self.printer.line(format_args!("{files}, {}, are in {}", bytes(ledger.bytes()), self.project))
    }

    async fn demographics(&mut self, project: &Project) -> anyhow::Result<()> {
        self.step("Who is in it")?;
        let people = reports::people(project).await?;
        let summary = Summary::of(&people);
        self.printer.table(&summary.table())?;
        let path = self.report("demographics.csv");
        demographics::save(&people, &path)?;
        reports::attach(project, &path).await?;
        self.printer.toned(format_args!("Every subject is in {}", path.display()), Tone::Dim)?;
        self.result("demographics", summary);
        Ok(())
    }

    async fn missing(&mut self, project: &Project, protocol: bool) -> anyhow::Result<()> {
        self.step("Which acquisitions are missing")?;
        let present = reports::acquisitions(project).await?;
        let expected = match protocol {
            true => SCANS.iter().map(|scan| scan.label.to_owned()).collect(),
            false => missing::usual(&present),
        };
        let lacks = missing::lacks(&expected, &present);
        match (expected.is_empty(), lacks.is_empty()) {
            (true, _) => {
                self.printer.line("No acquisition is common to most subjects, so none can be missed.")?
            }
            (_, true) => self.printer.line(format_args!("None: everybody has {}.", expected.join(", ")))?,
            _ => self.printer.table(&missing::table(&lacks))?,
        }
        self.result("missing", lacks);
        Ok(())
    }

    async fn quality(&mut self, project: &Project) -> anyhow::Result<()> {
        self.step("Which scans are not good enough")?;
        let assessments = reports::quality(project).await?;
        self.printer.table(&quality::table(&assessments))?;
        let path = self.report("quality.csv");
        quality::save(&assessments, &path)?;
        reports::attach(project, &path).await?;
        let flagged = assessments.iter().filter(|row| !row.flags.is_empty()).count();
        let acquisitions = counted(flagged, "acquisition");
        self.printer
            .toned(format_args!("{acquisitions} got tags; the table is in {}", path.display()), Tone::Dim)?;
        self.result("quality", assessments);
        Ok(())
    }

    async fn completeness(&mut self, project: &Project) -> anyhow::Result<()> {
        self.step("Which series are incomplete")?;
        let counts = reports::completeness(project).await?;
        if counts.is_empty() {
            self.printer.line("No header says how many images its series has.")?;
        } else {
            self.printer.table(&completeness::table(&counts))?;
            let lacking = counts.iter().filter(|count| !count.is_complete()).count();
            self.printer.toned(format_args!("{} got a tag", counted(lacking, "acquisition")), Tone::Dim)?;
        }
        self.result("completeness", counts);
        Ok(())
    }

    async fn selection(&mut self, project: &Project) -> anyhow::Result<()> {
        self.step("Structural T1 files of subjects from 20 to 30 years, without reference scans")?;
        let selection = reports::curate(project).await?;
        if selection.is_empty() {
            self.printer.line("There are none.")?;
        } else {
            self.printer.table(&reports::selection_table(&selection))?;
        }
        self.result("selection", selection);
        Ok(())
    }

    async fn member(&mut self, project: &Project) -> anyhow::Result<()> {
        self.step("One member of an archive, without the rest of it")?;
        let member = match reports::first_analysis(project, SEGMENTATION).await? {
            Some(analysis) => {
                reports::read_member(&analysis.files().await?, |path| path.ends_with(STATISTICS)).await?
            }
            None => {
                reports::read_member(&project.all_files().limit(20).await?, |path| !path.ends_with('/'))
                    .await?
            }
        };
        let Some(member) = member else { return Ok(self.printer.line("There is no archive.")?) };
        let members = counted(member.members, "member");
        self.printer.line(format_args!(
            "{} of {} ({members}), {}",
            member.path,
            member.file,
            bytes(member.size)
        ))?;
        let text = std::str::from_utf8(&member.bytes).ok().filter(|text| !text.contains('\0'));
        for line in text.unwrap_or_default().lines().take(8) {
            self.printer.toned(format_args!("  {line}"), Tone::Dim)?;
        }
        self.result("member", member);
        Ok(())
    }

    async fn verified(
        &mut self,
        context: &Context,
        client: &Client,
        project: &Project,
        ledger: &Ledger,
    ) -> anyhow::Result<verify::Verdict> {
        self.step("Everything comes back as it was sent")?;
        let folder = self.folder.join("download");
        let located = project.download_to(&folder).plan().await?;
        let download = client.download_many(&folder, located.clone()).at_once(JOBS);
        let fetched = shown(context, download).await?.files;
        let ledger = ledger.clone();
        let verdict =
            tokio::task::spawn_blocking(move || verify::compare(&located, &fetched, &ledger)).await??;
        self.printer.line(format_args!(
            "{} of {} ({}) are identical, {} hashes checked, {} inside archives compared byte by byte",
            verdict.files,
            counted(verdict.files + verdict.differences.len(), "file"),
            bytes(verdict.bytes),
            verdict.hashes,
            counted(verdict.members, "DICOM file"),
        ))?;
        for difference in &verdict.differences {
            self.printer.toned(difference, Tone::Bad)?;
        }
        self.result("verified", &verdict);
        Ok(verdict)
    }

    fn farewell(&self, kept: bool) -> std::io::Result<()> {
        self.printer.title("To look further")?;
        if !kept {
            return self
                .printer
                .line("  fw demo --dir ./fw-demo     the same, and the site, the data and the reports stay");
        }
        let site = self.folder.join("site");
        self.printer.line(format_args!(
            "  fw site serve --data {} --admin-key {KEY}",
            quoted(&site.to_string_lossy())
        ))?;
        self.printer.line("and in another shell:")?;
        self.printer.line(format_args!("  export FLYWHEEL_API_KEY=127.0.0.1:8090:__force_insecure:{KEY}"))?;
        self.printer.line(format_args!("  fw ls {}", quoted(&self.project)))?;
        self.printer.line(format_args!("  fw download {} --dry-run", quoted(&self.project)))
    }
}

/// A word as a shell takes it.
fn quoted(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_alphanumeric() || "/._-+:".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
