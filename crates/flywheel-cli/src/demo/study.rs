//! Puts the made-up study on a site: containers from the table of subjects, files where they belong.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::Context as _;
use flywheel::{Acquisition, Age, Project, Session, Source};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value as Json, json};

use super::dataset::{Dataset, SCANS, SESSION, Scan, ZONE};
use super::ledger::{Ledger, Sent};
use super::subjects::{self, Row};
use crate::command::Context;
use crate::dicom::pack::pack;
use crate::dicom::plan::{FilePlan, Plan};
use crate::digest::digest_of;
use crate::import::upload_archive;

/// The label of the analysis that holds segmentation results.
pub(crate) const SEGMENTATION: &str = "freesurfer-recon-all";

/// Archives to come, by subject and acquisition.
type Series = BTreeMap<(String, &'static str), FilePlan>;

/// Makes the containers of every row of the table and uploads their files, `jobs` subjects at a time.
///
/// # Errors
/// The data cannot be read, or the site refuses a part of it.
pub(crate) async fn upload(
    context: &Context,
    project: &Project,
    dataset: &Dataset,
    plan: Plan,
    jobs: usize,
) -> anyhow::Result<Ledger> {
    let rows = subjects::read(File::open(dataset.table())?)?;
    let series = by_place(plan);
    let temporary = tempfile::Builder::new().prefix("fw-demo-").tempdir()?;
    let task = context.progress.count("uploading subjects", rows.len() as u64);
    let subjects = stream::iter(&rows).map(|row| {
        let study = Study { context, project, dataset, series: &series, temporary: temporary.path() };
        let task = &task;
        async move {
            let ledger = study.subject(row).await.with_context(|| format!("subject {}", row.id))?;
            task.advance(1);
            anyhow::Ok(ledger)
        }
    });
    let ledgers: Vec<Ledger> = subjects.buffer_unordered(jobs).try_collect().await?;
    let mut ledger = Ledger::default();
    ledgers.into_iter().for_each(|own| ledger.absorb(own));
    let table = dataset.table();
    let stored = project.upload(Source::path(&table)).await?;
    ledger.enter(project.id(), stored.name(), sent(&table)?);
    Ok(ledger)
}

fn by_place(plan: Plan) -> Series {
    let mut series = Series::new();
    for subject in plan.subjects {
        for acquisition in subject.sessions.into_iter().flat_map(|session| session.acquisitions) {
            if let Some(scan) = SCANS.iter().find(|scan| acquisition.label.contains(scan.label)) {
                series.insert((subject.label.clone(), scan.label), acquisition.file);
            }
        }
    }
    series
}

fn sent(path: &Path) -> anyhow::Result<Sent> {
    let (size, sha384) = digest_of(&mut File::open(path)?)?;
    Ok(Sent { size, sha384, members: Vec::new() })
}

#[derive(Clone, Copy)]
struct Study<'a> {
    context: &'a Context,
    project: &'a Project,
    dataset: &'a Dataset,
    series: &'a Series,
    temporary: &'a Path,
}

impl Study<'_> {
    /// One row of the table: names and sex belong to the subject, the age to the session, the time to the scans.
    async fn subject(self, row: &Row) -> anyhow::Result<Ledger> {
        let scanned = row.scanned_at(ZONE)?.fixed_offset();
        let subject = self.project.add_subject(&row.id).or_existing();
        let subject = subject
            .set("firstname", &row.firstname)
            .set("lastname", &row.lastname)
            .set("sex", &row.sex)
            .await?;
        let session = subject.add_session(SESSION).or_existing();
        let session = session.set("age", Age::from_years(row.age).seconds()).set("timestamp", scanned);
        let session = session.set("timezone", ZONE.name()).await?;
        let mut ledger = Ledger::default();
        self.segmentation(row, &session, &mut ledger).await?;
        for scan in SCANS {
            let has_volume = self.dataset.nifti(&row.id, scan.label).exists();
            let series = self.series.get(&(row.id.clone(), scan.label));
            if has_volume || series.is_some() {
                let acquisition = session.add_acquisition(scan.label).or_existing();
                let acquisition = acquisition.set("timestamp", scanned).set("timezone", ZONE.name()).await?;
                self.scan(row, scan, series, &acquisition, &mut ledger).await?;
            }
        }
        Ok(ledger)
    }

    async fn segmentation(self, row: &Row, session: &Session, ledger: &mut Ledger) -> anyhow::Result<()> {
        let analysis = session.add_analysis(SEGMENTATION).or_existing().await?;
        let path = self.dataset.segmentation(&row.id);
        let stored = analysis.upload(Source::path(&path)).await?;
        ledger.enter(analysis.id(), stored.name(), sent(&path)?);
        Ok(())
    }

    /// The volume, the quality measures and the DICOM archive of one scan, as far as it has them.
    async fn scan(
        self,
        row: &Row,
        scan: &Scan,
        series: Option<&FilePlan>,
        acquisition: &Acquisition,
        ledger: &mut Ledger,
    ) -> anyhow::Result<()> {
        let volume = self.dataset.nifti(&row.id, scan.label);
        if volume.exists() {
            let source =
                Source::path(&volume).file_type("nifti").modality("MR").classification(classification(scan));
            let stored = acquisition.upload(source).await?;
            ledger.enter(acquisition.id(), stored.name(), sent(&volume)?);
        }
        let quality = self.dataset.quality(&row.id, scan.label);
        if quality.exists() {
            let measures: Json = serde_json::from_reader(File::open(&quality)?)?;
            let source =
                Source::path(&quality).modality("MR").classification(classification(scan)).info(measures);
            let stored = acquisition.upload(source).await?;
            ledger.enter(acquisition.id(), stored.name(), sent(&quality)?);
        }
        if let Some(plan) = series {
            let packed = pack(&plan.members, self.temporary)?;
            upload_archive(self.context, acquisition, plan, &packed).await?;
            let members = plan.members.clone();
            ledger.enter(
                acquisition.id(),
                &plan.name,
                Sent { size: packed.size, sha384: packed.sha384, members },
            );
        }
        Ok(())
    }
}

fn classification(scan: &Scan) -> Json {
    json!({ "Intent": [scan.intent], "Measurement": scan.measurement, "Features": scan.features })
}
